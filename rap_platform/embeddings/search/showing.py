"""What is shown of the songs found: the section that speaks for each, its lines with what to mark, and why it was found."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg

from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.search import queries, saying, sounds, words
from rap_platform.embeddings.search.asking import Asked
from rap_platform.embeddings.search.excerpts import Evidence, excerpt, score, word_weights
from rap_platform.embeddings.search.fusion import Ranked
from rap_platform.embeddings.search.question import Hit, Why

TOLD = 0.5  # of a line's score by words and sounds: it is the one that was meant


def hits(conn: psycopg.Connection[Any], encoders: Encoders, asked: Asked, page: Sequence[Ranked]) -> list[Hit]:
    """The hits of a page. A track that the transaction does not see any more is none."""
    if not page:
        return []
    chosen = _sections(conn, asked, page)
    parameters = {"section_ids": list(chosen.values()), "query": asked.query}
    rows = {row[0]: row for row in conn.execute(queries.hits(asked.encoder), parameters).fetchall()}
    present = [(ranked, rows[chosen[ranked.original_id]]) for ranked in page if chosen.get(ranked.original_id) in rows]
    sections = [row[5].split("\n") for _, row in present]
    weights = word_weights(asked.terms)
    evidence = _evidence(conn, encoders, asked, sections, weights)
    return [
        _hit(ranked, row, section, lines, weights)
        for (ranked, row), section, lines in zip(present, sections, evidence, strict=True)
    ]


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


def _evidence(
    conn: psycopg.Connection[Any],
    encoders: Encoders,
    asked: Asked,
    sections: Sequence[Sequence[str]],
    weights: Mapping[str, float],
) -> list[list[Evidence]]:
    """What of the question each line of each section holds. Likeness is looked at where words and sounds do not tell."""
    lines = [line for section in sections for line in section]
    saying.recall(conn, lines)
    told = map(Evidence, words.held(conn, asked.terms, lines), sounds.alike(asked.terms, lines))
    evidence = [[next(told) for _ in section] for section in sections]
    untold = [place for place, found in enumerate(evidence) if max(score(line, weights) for line in found) < TOLD]
    likeness = iter(encoders.sketch(asked.question.text, [line for place in untold for line in sections[place]]))
    for place in untold:
        evidence[place] = [replace(line, likeness=float(next(likeness))) for line in evidence[place]]
    return evidence


def _hit(
    ranked: Ranked,
    row: tuple[Any, ...],
    texts: Sequence[str],
    evidence: Sequence[Evidence],
    weights: Mapping[str, float],
) -> Hit:
    _, track_id, section_no, kind, first_line, _, artist, title, year, simulated, cosine = row
    shown = excerpt(texts, evidence, weights, first_line=first_line)
    ranks = ranked.ranks
    why = Why(ranks.get("meaning"), cosine, ranks.get("words"), shown.words, ranks.get("sound"), shown.sounds)
    return Hit(track_id, artist, title, year, ranked.score, simulated, section_no, kind, shown.lines, why)
