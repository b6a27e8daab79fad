"""The best sections by sound, read line by line: a remembered line stands in one place, what is held by chance is strewn about. Pure."""

import math
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from itertools import islice

from rap_platform.embeddings.search.question import Found
from rap_platform.embeddings.search.terms import Terms

TRACKS = 10  # whose best section is read line by line
WORDS_PER_LINE = 14  # a longer question goes over several lines
MOST_LINES = 8


def by_line(terms: Terms, found: Sequence[Found], lines: Callable[[int], Sequence[Set[int]]]) -> list[Found]:
    """The sections with the best one of each of the first ten tracks ordered and covered by what its best line holds of the question.

    `lines` gives the keys asked for that each line of a section holds, by section id. As many neighbouring lines as the question is
    long count as one. The other sections follow as they stood, covered no better than the last that was read.
    """
    first: dict[int, Found] = {}
    for section in found:
        first.setdefault(section.original_id, section)
    chosen = list(islice(first.values(), TRACKS))
    if not chosen:
        return []
    reach = _reach(terms.text)
    total = math.fsum(terms.sounds.values())
    read = []
    for section in chosen:
        weight = _best(terms, lines(section.section_id), reach)
        read.append((replace(section, score=weight, coverage=min(1.0, weight / total) if total > 0 else 0.0), section))
    read.sort(key=lambda pair: (-pair[0].coverage, -pair[1].coverage, pair[1].section_id))
    last = read[-1][0].coverage
    apart = {section.section_id for section in chosen}
    rest = [
        one if one.coverage <= last else replace(one, coverage=last) for one in found if one.section_id not in apart
    ]
    return [*(section for section, _ in read), *rest]


def _reach(text: str) -> int:
    """How many lines a text of this length goes over when it is sung."""
    return min(MOST_LINES, max(1, math.ceil(sum(len(line.split()) for line in text.split("\n")) / WORDS_PER_LINE)))


def _best(terms: Terms, lines: Sequence[Set[int]], reach: int) -> float:
    """The weight of the heaviest `reach` neighbouring lines."""
    starts = range(max(1, len(lines) - reach + 1))
    return max(_weight(terms, lines[start : start + reach]) for start in starts)


def _weight(terms: Terms, lines: Sequence[Set[int]]) -> float:
    return math.fsum(terms.sounds[key] for key in set().union(*lines))  # the same in whatever order
