"""What is shown of the songs found: the section that speaks for each, its lines with what to mark, and why it was found."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import psycopg

from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.search import queries, saying, sound_keys, words
from rap_platform.embeddings.search.asking import Asked
from rap_platform.embeddings.search.excerpts import Evidence, excerpt, score, word_weights
from rap_platform.embeddings.search.fusion import Ranked
from rap_platform.embeddings.search.looking import Rows
from rap_platform.embeddings.search.question import WORD, Hit, Why
from rap_platform.embeddings.search.soundalikes import Alike, Ear
from rap_platform.embeddings.search.stored_keys import KeysHeld

_KEYS, _ENDS = 11, 12  # columns of `queries.hits`
TOLD = 0.5  # of a line's score by words and sounds: it is the one that was meant


class Reader:
    """Reads sections for a question, each once: ahead, while the database still looks for more, or when they are shown.

    What it reads is of the transaction that was open when it was made.
    """

    def __init__(self, conn: psycopg.Connection[Any], encoders: Encoders, asked: Asked) -> None:
        self._conn = conn
        self._encoders = encoders
        self._asked = asked
        self._weights = word_weights(asked.terms)
        self._ear = Ear(asked.terms)
        self._rows: dict[int, tuple[Any, ...]] = {}
        self._evidence: dict[int, list[Evidence]] = {}

    def read(self, section_ids: Iterable[int]) -> None:
        """Read what is shown of these sections, and what of the question their lines hold."""
        unread = [section_id for section_id in dict.fromkeys(section_ids) if section_id not in self._rows]
        if not unread:
            return
        parameters = {"section_ids": unread, "query": self._asked.query, "heard": sound_keys.STORED}
        cursor = self._conn.cursor(binary=True).execute(queries.hits(self._asked.encoder), parameters)
        rows = cursor.fetchall()
        self._rows |= {row[0]: row for row in rows}
        evidence = self._evidence_in([_lines(row) for row in rows], self._alike_in(rows))
        self._evidence |= {row[0]: lines for row, lines in zip(rows, evidence, strict=True)}

    def hits(self, page: Sequence[Ranked]) -> list[Hit]:
        """The hits of a page. A track that the transaction does not see any more is none."""
        if not page:
            return []
        chosen = _sections(self._conn, self._asked, page)
        self.read(chosen.values())
        shown = [(ranked, chosen[ranked.original_id]) for ranked in page if ranked.original_id in chosen]
        return [self._hit(ranked, section_id) for ranked, section_id in shown if section_id in self._rows]

    def _alike_in(self, rows: Rows) -> list[list[list[Alike]]]:
        """What in each line of each section sounds like the question. Only lines that may are read: most have none of its keys."""
        stored = KeysHeld([row[_KEYS] or b"" for row in rows], self._ear.keys)
        sections = [_lines(row) for row in rows]
        likely = [_likely(lines, stored, at, rows[at][_ENDS]) for at, lines in enumerate(sections)]
        saying.recall(self._conn, set().union(*likely))
        return [
            [self._ear.alike(line) if line in some else [] for line in lines]
            for lines, some in zip(sections, likely, strict=True)
        ]

    def _evidence_in(
        self, sections: Sequence[Sequence[str]], alike: Sequence[Sequence[Sequence[Alike]]]
    ) -> list[list[Evidence]]:
        """What of the question each line of each section holds. Likeness is looked at where words and sounds do not tell."""
        lines = [line for section in sections for line in section]
        held = iter(words.held(self._conn, self._asked.terms, lines))
        evidence = [[Evidence(next(held), sounding) for sounding in section] for section in alike]
        untold = [
            place for place, found in enumerate(evidence) if max(score(line, self._weights) for line in found) < TOLD
        ]
        unclear = [line for place in untold for line in sections[place]]
        likeness = iter(self._encoders.sketch(self._asked.question.text, unclear))
        for place in untold:
            evidence[place] = [replace(line, likeness=float(next(likeness))) for line in evidence[place]]
        return evidence

    def _hit(self, ranked: Ranked, section_id: int) -> Hit:
        row = self._rows[section_id]
        _, track_id, section_no, kind, first_line, _, artist, title, year, simulated, cosine = row[:_KEYS]
        shown = excerpt(_lines(row), self._evidence[section_id], self._weights, first_line=first_line)
        ranks = ranked.ranks
        why = Why(ranks.get("meaning"), cosine, ranks.get("words"), shown.words, ranks.get("sound"), shown.sounds)
        return Hit(track_id, artist, title, year, ranked.score, simulated, section_no, kind, shown.lines, why)


def _likely(lines: Sequence[str], stored: KeysHeld, at: int, sent_ends: bytes | None) -> set[str]:
    """The lines of a section that hold any of the keys; all of them where it is not known which keys are whose."""
    distinct = [line for line in dict.fromkeys(lines) if WORD.search(line)]
    if sent_ends is None or stored.sizes[at] >= sound_keys.MOST_KEYS:
        return set(distinct)
    keys = stored.lines(at, sent_ends)
    if len(keys) != len(distinct):  # a line that nobody can say has no keys and no end
        return set(distinct)
    return {line for line, any_of_them in zip(distinct, keys, strict=True) if any_of_them}


def _lines(row: Sequence[Any]) -> list[str]:
    return str(row[5]).split("\n")


def _sections(conn: psycopg.Connection[Any], asked: Asked, page: Sequence[Ranked]) -> dict[int, int]:
    """The section to show by original: its own best, and a copy's only where the original fails the filters."""
    own = {ranked.original_id: ranked.own_section for ranked in page if ranked.own_section is not None}
    copies = {ranked.original_id: ranked.copy_section for ranked in page if ranked.copy_section is not None}
    missing = [ranked.original_id for ranked in page if ranked.own_section is None]
    if missing:
        parameters = {
            **asked.filtering.parameters,
            "query": asked.query,
            "track_ids": missing,
            "section_ids": [copies[original] for original in missing],
        }
        statement = queries.sections_of_originals(asked.encoder, asked.filtering.where)
        own |= dict(conn.execute(statement, parameters).fetchall())
    return copies | own
