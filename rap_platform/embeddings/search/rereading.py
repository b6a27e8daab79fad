"""The best sections by sound, read again line by line: a remembered line stands in one place, what is held by chance is strewn about."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from heapq import nlargest
from itertools import islice
from typing import Any

import psycopg

from rap_platform.embeddings.search import saying, term_queries
from rap_platform.embeddings.search.question import Found
from rap_platform.embeddings.search.sound_keys import line_words, pairs_held, word_keys
from rap_platform.embeddings.search.terms import Terms

TRACKS = 10  # whose best section is read again
WORDS_PER_LINE = 14  # a longer question goes over several lines
MOST_LINES = 8
HEARD = 3  # places of a section whose sounds are compared over the borders of words


def texts(conn: psycopg.Connection[Any], terms: Terms, found: Sequence[Found]) -> dict[int, str]:
    """The text of the best section of each of the first ten tracks, by section id; none when the question has no sounds.

    Also reads how their words are said, so that `by_line` asks nobody. Two statements at most.
    """
    first: dict[int, Found] = {}
    for section in found:
        first.setdefault(section.original_id, section)
    chosen = [section.section_id for section in islice(first.values(), TRACKS)]
    if not chosen or not terms.sounds:
        return {}
    read = {row[0]: str(row[2]) for row in conn.execute(term_queries.TEXTS, {"section_ids": chosen}).fetchall()}
    saying.recall(conn, read.values())
    return read


def by_line(terms: Terms, found: Sequence[Found], texts: Mapping[int, str]) -> list[Found]:
    """The sections with those that have `texts` ordered and covered by what their best line holds of the question. Pure.

    As many neighbouring lines as the question is long count as one. The others follow as they stood, covered no better than the
    last that was read.
    """
    if not texts:
        return list(found)
    stood = {section.section_id: section for section in found if section.section_id in texts}
    asked_keys = cache(partial(_asked_keys, terms.sounds))  # most words are sung in many lines
    read = [_read(section, texts[section_id], terms, asked_keys) for section_id, section in stood.items()]
    read.sort(key=lambda section: (-section.coverage, -stood[section.section_id].coverage, section.section_id))
    last = read[-1].coverage
    rest = [replace(one, coverage=min(one.coverage, last)) for one in found if one.section_id not in texts]
    return [*read, *rest]


def _asked_keys(sounds: Mapping[int, float], word: str) -> frozenset[int]:
    """The keys of a sung word that are asked for."""
    return frozenset(key for key in word_keys(word) if key in sounds)


def _read(section: Found, text: str, terms: Terms, asked_keys: Callable[[str], frozenset[int]]) -> Found:
    """The section with the weight of its best lines, and the share of the question that is.

    Words tell which lines are worth hearing, so only those are.
    """
    asked = sum(len(line.split()) for line in terms.text.split("\n"))
    reach = min(MOST_LINES, max(1, math.ceil(asked / WORDS_PER_LINE)))
    lines = list(dict.fromkeys(text.split("\n")))
    held = [set().union(*map(asked_keys, line_words(line))) for line in lines]
    starts = range(max(1, len(lines) - reach + 1))
    promising = nlargest(HEARD, starts, key=lambda at: _weight(terms, held[at : at + reach]))
    heard = {at for start in promising for at in range(start, min(start + reach, len(lines)))}
    whole = {at: held[at] | (pairs_held(lines[at]) & terms.sounds.keys()) for at in heard}
    weight = max(
        _weight(terms, [whole[at] for at in range(start, min(start + reach, len(lines)))]) for start in promising
    )
    total = sum(terms.sounds.values())
    return replace(section, score=weight, coverage=min(1.0, weight / total) if total > 0 else 0.0)


def _weight(terms: Terms, held: Sequence[set[int]]) -> float:
    keys = held[0] if len(held) == 1 else set().union(*held)
    return math.fsum(terms.sounds[key] for key in keys)  # the same in whatever order
