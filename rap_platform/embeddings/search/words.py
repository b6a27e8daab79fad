"""The side of the words: sections that hold the question's words, the rarest combinations first; which words a line holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from rap_platform.embeddings.search import planning, term_queries
from rap_platform.embeddings.search.filtering import Filtering
from rap_platform.embeddings.search.question import WORD, Found
from rap_platform.embeddings.search.terms import Terms, coverage, shares

MOST_STEMS = 50_000  # remembered; a word's lexemes never change

_stems: dict[str, tuple[str, ...]] = {}


@dataclass(frozen=True)
class Held:
    """A word of the question as it was asked, and the characters [start, end) of a line that are it or a form of it."""

    word: str
    start: int
    end: int


def by_words(conn: psycopg.Connection[Any], terms: Terms, filtering: Filtering, wanted: int) -> list[Found]:
    """Up to `wanted` sections by the summed weight of the question's lexemes they hold, then by how close these stand.

    The rarest combinations of lexemes are looked for; more common ones when filters leave fewer than wanted. A section holds every
    phrase of the question. Empty when all words are stop words: these are found by their sound.
    """
    lexemes = list(terms.lexemes)
    if not lexemes:
        return []
    asked = shares(terms.lexemes.values())
    phrase = " & ".join(f"({one.query})" for one in terms.phrases if one.query)
    plan = planning.plan(asked, terms.sections)
    if phrase or filtering.track_ids is not None:  # that alone is selective
        plan = planning.Plan(tuple((number,) for number in range(len(lexemes))), 0.0, whole=True)
    parameters = _parameters(lexemes, terms, filtering, wanted) | {"phrase": phrase}
    found = _ask(conn, plan, lexemes, filtering, parameters)
    if len(found) < wanted and not plan.whole:
        wider = planning.plan(asked, terms.sections, planning.BUDGET * planning.RAISED)
        if wider.combinations != plan.combinations:
            found = _ask(conn, wider, lexemes, filtering, parameters)
    return [
        Found(section_id, track_id, original_id, float(weight), coverage(terms.lexemes, weight))
        for section_id, track_id, original_id, weight in found
    ]


def held(conn: psycopg.Connection[Any], terms: Terms, lines: Sequence[str]) -> list[list[Held]]:
    """For each line the question's words it holds, in the order of the line; compared by stem, stop words never match.

    Asks the database for the lexemes of words it has not seen yet that begin like one of the question's, in one statement.
    """
    asked = {lexeme: word for word in reversed(terms.words) for lexeme in terms.stems[word]}
    beginnings = {lexeme[0] for lexeme in asked}
    sung = [
        [(match.group().lower().replace("’", "'"), match.span()) for match in WORD.finditer(line)] for line in lines
    ]
    wanted = {word for line in sung for word, _ in line if word[0] in beginnings}
    stems = _stemmed(conn, wanted)
    return [
        [
            Held(asked[lexeme], start, end)
            for word, (start, end) in line
            for lexeme in stems.get(word, ())[:1]
            if lexeme in asked
        ]
        for line in sung
    ]


def _parameters(lexemes: Sequence[str], terms: Terms, filtering: Filtering, wanted: int) -> dict[str, Any]:
    return {
        **filtering.parameters,
        "lexemes": [_quoted(lexeme) for lexeme in lexemes],
        "weights": list(terms.lexemes.values()),
        "track_ids": filtering.track_ids,
        "most": max(planning.MOST_READ, wanted),
        "wanted": wanted,
    }


def _ask(
    conn: psycopg.Connection[Any],
    plan: planning.Plan,
    lexemes: Sequence[str],
    filtering: Filtering,
    parameters: Mapping[str, Any],
) -> list[tuple[Any, ...]]:
    alone = [_quoted(lexemes[terms[0]]) for terms in plan.combinations if len(terms) == 1]
    together = [" & ".join(_quoted(lexemes[term]) for term in terms) for terms in plan.combinations if len(terms) > 1]
    combinations = [*([" | ".join(alone)] if alone else []), *together]
    statement = term_queries.by_words(
        len(combinations), filtering.where, phrase=bool(parameters["phrase"]), tracks=filtering.track_ids is not None
    )
    numbered = {f"combination_{number}": query for number, query in enumerate(combinations)}
    return conn.execute(statement, {**parameters, **numbered}).fetchall()


def _quoted(lexeme: str) -> str:
    """A lexeme as a tsquery of one word."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _stemmed(conn: psycopg.Connection[Any], words: set[str]) -> Mapping[str, tuple[str, ...]]:
    unknown = sorted(words - _stems.keys())
    if unknown:
        if len(_stems) + len(unknown) > MOST_STEMS:
            _stems.clear()
            unknown = sorted(words)
        rows = conn.execute(term_queries.STEMS, {"words": unknown}).fetchall()
        _stems.update({word: tuple(lexemes) for word, lexemes in rows})
    return {word: _stems[word] for word in words if word in _stems}
