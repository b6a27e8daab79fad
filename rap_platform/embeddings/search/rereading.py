"""The best sections by sound, read again line by line: a remembered line stands in one place, what is held by chance is strewn about."""

import math
from collections.abc import Sequence
from dataclasses import replace
from heapq import nlargest
from itertools import islice
from typing import Any

import psycopg

from rap_platform.embeddings.search import saying, term_queries
from rap_platform.embeddings.search.question import Found
from rap_platform.embeddings.search.sound_keys import pairs_held, word_keys
from rap_platform.embeddings.search.terms import Terms
from rap_platform.features.phonetics import words

TRACKS = 10  # whose best section is read again
WORDS_PER_LINE = 14  # a longer question goes over several lines
MOST_LINES = 8
HEARD = 3  # places of a section whose sounds are compared over the borders of words


def by_line(conn: psycopg.Connection[Any], terms: Terms, found: Sequence[Found]) -> list[Found]:
    """The sections with those of the first ten tracks ordered and covered by what their best line holds of the question.

    As many neighbouring lines as the question is long count as one. The others follow as they stood, covered no better than the
    last that was read. Two statements at most.
    """
    first: dict[int, Found] = {}
    for section in found:
        first.setdefault(section.original_id, section)
    chosen = {section.section_id: section for section in islice(first.values(), TRACKS)}
    if not chosen or not terms.sounds:
        return list(found)
    rows = conn.execute(term_queries.TEXTS, {"section_ids": list(chosen)}).fetchall()
    saying.recall(conn, (text for _, _, text in rows))
    read = [_read(chosen[section_id], text, terms) for section_id, _, text in rows]
    read.sort(key=lambda section: (-section.coverage, -chosen[section.section_id].coverage, section.section_id))
    last = read[-1].coverage if read else 1.0
    rest = [replace(one, coverage=min(one.coverage, last)) for one in found if one.section_id not in chosen]
    return [*read, *rest]


def _read(section: Found, text: str, terms: Terms) -> Found:
    """The section with the weight of its best lines, and the share of the question that is.

    Words tell which lines are worth hearing, so only those are.
    """
    asked = sum(len(line.split()) for line in terms.text.split("\n"))
    reach = min(MOST_LINES, max(1, math.ceil(asked / WORDS_PER_LINE)))
    lines = [words(line) for line in dict.fromkeys(text.split("\n"))]
    held = [{key for word in line for key in word_keys(word) if key in terms.sounds} for line in lines]
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
    return sum(terms.sounds[key] for key in keys)
