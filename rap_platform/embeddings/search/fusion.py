"""One ranking of tracks from the hits of all sides: weighted reciprocal rank fusion, scaled by coverage. Pure.

After Cormack, Clarke and Buettcher (2009). The score of a track is the sum, over the sides that found it, of

    weight * certainty * coverage ** exponent / (constant + rank)

with the rank (from 1) of its best section among the tracks of that side and the share of the question that the section holds, over
the same sum of a track that all sides put first with full coverage. A copy counts as its original.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rap_platform.embeddings.search.question import Found, Side


@dataclass(frozen=True)
class Weights:
    """What each side counts, the constant of the reciprocal rank, how hard a part of the question is punished, and what is certain.

    `margin` 0 trusts words and sound whatever they hold.
    """

    meaning: float
    words: float
    sound: float
    constant: float
    exponent: float
    margin: float = 0.0
    steepness: float = 1.0

    def of(self, side: Side) -> float:
        """The weight of a side."""
        return {"meaning": self.meaning, "words": self.words, "sound": self.sound}[side]


TENTH = 10
PLENTY = 0.7  # of the question
# Fitted by `rap-platform bench search-quality --fit --verse FILE` to questions of a world and of 778 poems, at 13,000 sections.
WEIGHTS = Weights(meaning=1.0, words=3.0, sound=12.0, constant=5.0, exponent=2.0, margin=0.15, steepness=4.0)


@dataclass(frozen=True)
class Ranked:
    """A track, by its original: its score from 0 to 1, its rank on each side that found it, and the sections that speak for it.

    `own_section` is the original's best section that was found, `copy_section` the best one of a copy of it.
    """

    original_id: int
    score: float
    ranks: Mapping[Side, int]
    own_section: int | None
    copy_section: int | None


def fuse(found: Mapping[Side, Sequence[Found]], weights: Weights = WEIGHTS) -> list[Ranked]:
    """Tracks, best first, from the hits of each side that was asked, each side best first; a side without hits counts as asked."""
    scores: dict[int, float] = {}
    ranks: dict[int, dict[Side, int]] = {}
    for side, sections in found.items():
        weight = weights.of(side) * certainty(side, sections, weights)
        places: dict[int, int] = {}
        for section in sections:
            if section.original_id in places:
                continue
            rank = places[section.original_id] = len(places) + 1
            ranks.setdefault(section.original_id, {})[side] = rank
            term = weight * section.coverage**weights.exponent / (weights.constant + rank)
            scores[section.original_id] = scores.get(section.original_id, 0.0) + term
    best = sum(weights.of(side) for side in found) / (weights.constant + 1) or 1.0
    own, copies = _speaking(found, weights)
    order = sorted(scores, key=lambda original: (-scores[original], min(ranks[original].values()), original))
    return [
        Ranked(original, scores[original] / best, ranks[original], own.get(original), copies.get(original))
        for original in order
    ]


def certainty(side: Side, sections: Sequence[Found], weights: Weights) -> float:
    """How sure it is that a side's best hits hold the question and not by chance, 0 to 1; 1 for meaning."""
    if side == "meaning" or weights.margin <= 0 or not sections:
        return 1.0
    covered: dict[int, float] = {}
    for section in sections:
        covered[section.original_id] = max(section.coverage, covered.get(section.original_id, 0.0))
    best = sorted(covered.values(), reverse=True)
    tenth = best[TENTH - 1] if len(best) >= TENTH else 0.0
    stands_out = max(0.0, best[0] - min(tenth, PLENTY)) / weights.margin
    return 1.0 / (1.0 + math.pow(1.0 / stands_out, weights.steepness)) if stands_out > 0 else 0.0


def _speaking(found: Mapping[Side, Sequence[Found]], weights: Weights) -> tuple[dict[int, int], dict[int, int]]:
    """The section with the largest sum of its own terms, by original: among the original's own, and among its copies'."""
    terms: dict[int, float] = {}
    sections: dict[int, Found] = {}
    for side, hits in found.items():
        for place, section in enumerate(hits, start=1):
            term = weights.of(side) * section.coverage**weights.exponent / (weights.constant + place)
            terms[section.section_id] = terms.get(section.section_id, 0.0) + term
            sections[section.section_id] = section
    own: dict[int, int] = {}
    copies: dict[int, int] = {}
    for section_id in sorted(terms, key=lambda section_id: (-terms[section_id], section_id)):
        section = sections[section_id]
        (own if section.track_id == section.original_id else copies).setdefault(section.original_id, section_id)
    return own, copies
