"""Finds songs by what they mean, by their words and by how they sound. How hits are shown is in showing.py.

A search is one transaction that reads. Its candidates come in steps: the first is cheap and answers nearly every page, the next go
further, and the last reads all vectors that pass, so that no page is short while songs are left. What a step adds stands behind
what the steps before found, so the order does not depend on the page that is asked for.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.search import cursor, queries, showing, sounds, words
from rap_platform.embeddings.search.asking import Asked, ask
from rap_platform.embeddings.search.fusion import Ranked, fuse
from rap_platform.embeddings.search.looking import Looking, look
from rap_platform.embeddings.search.meaning import (
    Breadth,
    by_meaning,
    by_meaning_exactly,
    by_meaning_of,
    by_meaning_sent,
    excesses,
    pushed,
)
from rap_platform.embeddings.search.question import Found, Page, Question, Side, check
from rap_platform.settings import get_settings

AWAY = 3  # times the candidates, where some will be pushed out
# Times the candidates, vectors looked at before a filter makes the index give up, memory for it in work_mem, by step.
STEPS = ((1, 20_000, 1), (10, 60_000, 4), (50, 200_000, 16))
ENCODED_SOON_S = 0.02  # an encoder that takes longer is not of this machine, or has much to do
DEEPEST = 2 * cursor.MAX_DEPTH  # tracks of the last step: as many as are ever shown, and a copy of each

Candidates = Mapping[Side, list[Found]]


def search(
    conn: psycopg.Connection[Any],
    encoders: Encoders,
    question: Question,
    second: psycopg.Connection[Any] | None = None,
) -> Page:
    """The songs that answer the question best, best first; copies count as their original.

    Never short while more songs pass the filters, up to cursor.MAX_DEPTH songs over all pages; words or sound alone find what holds
    them and no more. Words in double quotes must be held together, where any song that passes holds them so. Raises SearchError for a
    question that can't be answered as it was put, EncoderError when the serving encoder can't be had. Inside a transaction
    of the caller it reads what that sees, else what is there at one moment; then a `second` connection that is idle makes it quicker.
    """
    check(question)
    shown = cursor.load(question)
    try:
        return _search(conn, encoders, question, shown, second)
    except psycopg.errors.UndefinedTable:
        # Searches were switched to another encoder and the tables of this one dropped meanwhile: once more, with the other.
        return _search(conn, encoders, question, shown, second)
    except psycopg.OperationalError as error:
        held_up = isinstance(error, psycopg.errors.LockNotAvailable)
        if second is None or conn.closed or not (second.closed or held_up):
            raise
        # The second connection alone was lost, or one of them waited for somebody who may wait for the other.
        return _search(conn, encoders, question, shown, None)


def candidates(conn: psycopg.Connection[Any], encoders: Encoders, question: Question) -> Candidates:
    """What each side finds at the first step, before fusing: for measuring. Raises as `search` does."""
    check(question)
    with conn.transaction():
        return next(_steps(conn, _quoting(conn, ask(conn, encoders, question, alone=False))))


def _search(
    conn: psycopg.Connection[Any],
    encoders: Encoders,
    question: Question,
    shown: frozenset[int],
    second: psycopg.Connection[Any] | None,
) -> Page:
    alone = conn.info.transaction_status == TransactionStatus.IDLE
    room = max(0, min(question.limit, cursor.MAX_DEPTH - len(shown)))
    with conn.transaction():
        asked = _quoting(conn, ask(conn, encoders, question, alone=alone, second=second))
        reader = showing.Reader(conn, encoders, asked)

        def read_ahead(found: Candidates) -> None:
            likely = [ranked for ranked in fuse(found) if ranked.original_id not in shown]
            reader.read(ranked.own_section for ranked in likely[:room] if ranked.own_section is not None)

        unseen = _ranking(conn, asked, shown, room + 1, read_ahead)
        page = unseen[:room]
        onward = None
        if len(unseen) > room and len(shown) + room < cursor.MAX_DEPTH:
            onward = cursor.dump(question, shown.union(ranked.original_id for ranked in page))
        return Page(reader.hits(page), onward, asked.terms.corrected, asked.encoder)


def _quoting(conn: psycopg.Connection[Any], asked: Asked) -> Asked:
    """The question; without its quotes when no section that passes holds what they say: who quotes may remember it wrongly."""
    if not asked.terms.phrases or _holding(conn, asked, 1):
        return asked
    return replace(asked, terms=replace(asked.terms, phrases=()))


def _holding(conn: psycopg.Connection[Any], asked: Asked, wanted: int) -> list[Found]:
    """Sections that hold all phrases of a question that has some: by their words, those of stop words alone by their sound."""
    if any(phrase.query for phrase in asked.terms.phrases):
        looking = words.by_words(asked.terms, asked.filtering, wanted)
    else:
        looking = sounds.by_sound(asked.terms, asked.filtering, wanted)
    return look(conn, looking)[0]


def _ranking(
    conn: psycopg.Connection[Any],
    asked: Asked,
    shown: frozenset[int],
    wanted: int,
    read_ahead: Callable[[Candidates], None],
) -> list[Ranked]:
    """At least `wanted` tracks that were not shown, best first, or all there are.

    What a later step adds scores no better than the last of the steps before. `read_ahead` is told what was found so far where
    the database is still looking for more on another connection.
    """
    hidden = set(shown)
    if shown:  # a song that was shown may have become another's copy since
        hidden.update(row[0] for row in conn.execute(queries.ORIGINALS, {"track_ids": list(shown)}).fetchall())
    ranking: dict[int, Ranked] = {}
    least = 1.0
    for candidates in _steps(conn, asked, read_ahead):
        for ranked in fuse(_away(conn, asked, candidates)):
            ranking.setdefault(ranked.original_id, ranked if ranked.score <= least else replace(ranked, score=least))
        least = min((ranked.score for ranked in ranking.values()), default=1.0)
        if len(ranking.keys() - hidden) >= wanted:
            break
    return [ranked for ranked in ranking.values() if ranked.original_id not in hidden]


def _steps(
    conn: psycopg.Connection[Any], asked: Asked, read_ahead: Callable[[Candidates], None] = lambda _: None
) -> Iterator[Candidates]:
    """The hits of each side that was asked, further from step to step."""
    candidates = get_settings().search.candidates * (AWAY if asked.question.but_not is not None else 1)
    for times, max_scan_tuples, memory in STEPS:
        breadth = Breadth(times * candidates, asked.ef_search, max_scan_tuples, memory)
        found = _found(conn, asked, breadth, read_ahead)
        yield found
        ended = [side for side, sections in found.items() if len(sections) < breadth.sections]
        if "meaning" in ended and asked.filtering.track_ids is None:
            break  # the index gave up
        if "meaning" in ended or len(ended) == len(found):
            return
    if asked.terms.phrases:
        return
    if "meaning" in asked.question.sides:
        nearest = by_meaning_exactly(conn, asked.encoder, asked.vector, asked.filtering, DEEPEST)
        yield {side: nearest if side == "meaning" else [] for side in asked.question.sides}


def _found(
    conn: psycopg.Connection[Any], asked: Asked, breadth: Breadth, read_ahead: Callable[[Candidates], None]
) -> Candidates:
    """What each side finds. With a second connection the nearest, which take longest, are looked for there while the others are here.

    Meanwhile `read_ahead` is told what these found.
    """
    if asked.terms.phrases:
        return _quoted(conn, asked, breadth.sections)
    if "meaning" not in asked.question.sides:
        return _by_form(conn, asked, breadth)
    if asked.beside is None:
        by_form = _by_form(conn, asked, breadth)
        return {**by_form, "meaning": by_meaning(conn, asked.encoder, asked.vector, asked.filtering, breadth)}
    with asked.beside.opened() as second:
        sent: list[Callable[[], list[Found]]] = []

        def send_meaning() -> None:
            if not sent:
                sent.append(by_meaning_sent(second, asked.encoder, asked.vector, asked.filtering, breadth))

        # All wait for the nearest in the end, and what runs beside an encoder of this machine slows it down.
        if asked.is_encoded(ENCODED_SOON_S):
            send_meaning()
        by_form = _by_form(conn, asked, breadth, meanwhile=send_meaning)
        read_ahead(by_form)
        return {**by_form, "meaning": sent[0]()}


def _by_form(
    conn: psycopg.Connection[Any], asked: Asked, breadth: Breadth, meanwhile: Callable[[], object] = lambda: None
) -> dict[Side, list[Found]]:
    """What is found by words and by sound, as far as these were asked. `meanwhile` is called while the database looks."""
    looking: dict[Side, Looking] = {}
    if "words" in asked.question.sides:
        looking["words"] = words.by_words(asked.terms, asked.filtering, breadth.sections)
    if "sound" in asked.question.sides:
        looking["sound"] = sounds.by_sound(asked.terms, asked.filtering, breadth.sections)
    return dict(zip(looking, look(conn, *looking.values(), meanwhile=meanwhile), strict=True))


def _quoted(conn: psycopg.Connection[Any], asked: Asked, wanted: int) -> dict[Side, list[Found]]:
    """The sections that hold all phrases as each side ranks them; the side of the words or of the sound found them."""
    holding = _holding(conn, asked, wanted)
    found: dict[Side, list[Found]] = {side: [] for side in asked.question.sides}
    by: Side = "words" if any(phrase.query for phrase in asked.terms.phrases) else "sound"
    if by in found:
        found[by] = holding
    if "meaning" in found:
        found["meaning"] = by_meaning_of(conn, asked.encoder, asked.vector, holding)
    return found


def _away(conn: psycopg.Connection[Any], asked: Asked, candidates: Candidates) -> Candidates:
    """The candidates without those of what the question must not be like."""
    if asked.unwanted is None:
        return candidates
    section_ids = {section.section_id for found in candidates.values() for section in found}
    excess = excesses(conn, asked.encoder, asked.vector, asked.unwanted, sorted(section_ids))
    return {side: pushed(side, found, excess) for side, found in candidates.items()}
