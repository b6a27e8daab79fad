"""What a dry run finds out about the songs of a file besides what would be stored: languages, equal texts, odd years."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import psycopg

from rap_platform.lyrics import import_queries as queries
from rap_platform.lyrics.languages import READ_CHARACTERS, detect_language
from rap_platform.lyrics.values import parse_year, plain

SAMPLE: Final = 2000
MOST_LANGUAGES: Final = 300
OTHERS: Final = "(others)"
NOT_SAID: Final = "(not said)"
UNSURE: Final = "(unsure)"


class Survey:
    """Counts songs as they pass; memory does not grow with their number.

    `language_column` is the file's own column of languages; without one, languages are detected on the 2,000 songs whose
    texts hash lowest, which is a fair sample and the same each time.
    """

    def __init__(self, language_column: str | None) -> None:
        self._column = language_column
        self._languages: Counter[str] = Counter()
        self._sample: list[tuple[int, str]] = []  # a heap of the lowest hashes, negated
        self._digests: list[bytes] = []
        self._texts = self._distinct_texts = self._odd_years = 0

    def see(self, fields: Mapping[str, Any], lyrics: str) -> None:
        """Count one song."""
        digest = hashlib.sha256(" ".join(lyrics.split()).encode()).digest()[:16]
        self._digests.append(digest)
        told = next((fields[key] for key in ("year", "release_date") if plain(fields.get(key))), None)
        self._odd_years += told is not None and parse_year(told) is None
        if self._column is not None:
            language = plain(fields.get("language")).casefold()[:40] or NOT_SAID
            self._languages[language if len(self._languages) < MOST_LANGUAGES else OTHERS] += 1
            return
        entry = (-int.from_bytes(digest, "big"), lyrics[: 2 * READ_CHARACTERS])
        if len(self._sample) < SAMPLE:
            heapq.heappush(self._sample, entry)
        elif entry > self._sample[0]:
            heapq.heapreplace(self._sample, entry)

    def count_texts(self, conn: psycopg.Connection) -> None:
        """Look up which of the texts seen lately the file had before."""
        self._texts += len(self._digests)
        self._distinct_texts += queries.new_texts(conn, self._digests)
        self._digests = []

    def report(self) -> dict[str, Any]:
        """Give languages with where they come from, songs whose text the file had before, and songs with no possible year."""
        if self._column is not None:
            languages, told = self._languages, f"the column {self._column!r}"
        else:
            languages = Counter(detect_language(text) or UNSURE for _, text in self._sample)
            told = f"detected on a sample of {len(self._sample)} songs"
        return {
            "languages": dict(languages.most_common()),
            "languages_from": told,
            "same_text": self._texts - self._distinct_texts,
            "years_out_of_range": self._odd_years,
        }
