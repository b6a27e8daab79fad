"""The side of the words: sections that hold the question's words, the rarest combinations first; which words a line holds."""

import re
from collections.abc import Generator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import psycopg

from rap_platform.embeddings.search import planning, term_queries
from rap_platform.embeddings.search.filtering import Filtering
from rap_platform.embeddings.search.looking import Look, Looking, Rows
from rap_platform.embeddings.search.question import WORD, Found
from rap_platform.embeddings.search.terms import Terms, coverage, shares

MOST_STEMS = 50_000  # remembered; a word's lexemes never change
_COST = planning.Cost(posting_us=0.25, section_us=5.0)

_stems: dict[str, tuple[str, ...]] = {}


@dataclass(frozen=True)
class Held:
    """A word of the question as it was asked, and the characters [start, end) of a line that are it or a form of it."""

    word: str
    start: int
    end: int


def by_words(terms: Terms, filtering: Filtering, wanted: int) -> Looking:
    """Up to `wanted` sections by the summed weight of the question's lexemes they hold, then by how close these stand.

    The rarest combinations of lexemes are looked for; more common ones when filters leave fewer than wanted. A section holds every
    phrase of the question. Empty when all words are stop words: these are found by their sound.
    """
    if not terms.lexemes:
        return []
    phrase = " & ".join(f"({one.query})" for one in terms.phrases if one.query)
    listed = bool(phrase) or filtering.track_ids is not None  # that alone is selective
    found: Rows = []
    plans = planning.plans(
        shares(terms.lexemes.values()), terms.sections, wanted, listed=listed, passing=filtering.passing
    )
    for plan in plans:
        found = yield from _ask(plan, terms, filtering, phrase, wanted)
        if not planning.look_again(len(found), wanted, filtered=bool(filtering.where)):
            break
    coverages = coverage(terms.lexemes, np.array([row[3] for row in found])).tolist()
    return [Found(row[0], row[1], row[2], row[3], share) for row, share in zip(found, coverages, strict=True)]


def held(conn: psycopg.Connection[Any], terms: Terms, lines: Sequence[str]) -> list[list[Held]]:
    """For each line the question's words it holds, in the order of the line; compared by stem, stop words never match.

    Asks the database for the lexemes of words it has not seen yet that begin like one of the question's, in one statement.
    """
    asked = {lexeme: word for word in reversed(terms.words) for lexeme in terms.stems[word]}
    begin = _beginning(frozenset(lexeme[0] for lexeme in asked))
    sung = [[(_plain(match.group()), match.span()) for match in begin.finditer(line)] for line in lines]
    stems = _stemmed(conn, {word for line in sung for word, _ in line})
    return [
        [
            Held(asked[lexeme], start, end)
            for word, (start, end) in line
            for lexeme in stems.get(word, ())[:1]
            if lexeme in asked
        ]
        for line in sung
    ]


@lru_cache(maxsize=256)
def _beginning(characters: Set[str]) -> re.Pattern[str]:
    """Whole words that begin with one of these characters, however it is written."""
    if not characters:
        return re.compile(r"(?!)")
    first = "".join(map(re.escape, sorted(characters)))
    return re.compile(rf"(?<![^\W_])(?<![^\W_]['’])(?=[{first}]){WORD.pattern}", re.IGNORECASE)


def _plain(word: str) -> str:
    return word.lower().replace("’", "'")


def _ask(
    plan: planning.Plan, terms: Terms, filtering: Filtering, phrase: str, wanted: int
) -> Generator[Look, Rows, Rows]:
    quoted = [_quoted(lexeme) for lexeme in terms.lexemes]
    alone = [quoted[positions[0]] for positions in plan.combinations if len(positions) == 1]
    together = [" & ".join(quoted[at] for at in positions) for positions in plan.combinations if len(positions) > 1]
    combinations = [*([" | ".join(alone)] if alone else []), *together]
    most = planning.most_read(plan, len(quoted), wanted)
    reach = planning.walk(plan, terms.sections, most, filtering.passing, _COST)
    parameters = {
        **filtering.parameters,
        **{f"combination_{number}": query for number, query in enumerate(combinations)},
        "lexemes": quoted,
        "weights": list(terms.lexemes.values()),
        "phrase": phrase,
        "track_ids": filtering.track_ids,
        "most": most,
        "reach": reach,
        "wanted": wanted,
    }
    if reach is not None:
        found = yield Look(term_queries.by_words(1, filtering.where, walk=True), parameters)
        if len(found) >= wanted:
            return found
    listed = filtering.track_ids is not None
    statement = term_queries.by_words(len(combinations), filtering.where, phrase=bool(phrase), tracks=listed)
    return (yield Look(statement, parameters))


def _quoted(lexeme: str) -> str:
    """A lexeme as a tsquery of one word."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _stemmed(conn: psycopg.Connection[Any], words: set[str]) -> Mapping[str, tuple[str, ...]]:
    known = {word: stems for word in words if (stems := _stems.get(word)) is not None}
    unknown = sorted(words - known.keys())
    if unknown:
        rows = conn.execute(term_queries.STEMS, {"words": unknown}).fetchall()
        found = {word: tuple(lexemes) for word, lexemes in rows}
        if len(_stems) + len(found) > MOST_STEMS:
            _stems.clear()  # under whoever else searches: what is needed here is in `known`
        _stems.update(found)
        known |= found
    return known
