"""The side of the sounds: sections that sound like the question."""

from collections.abc import Generator, Sequence

import numpy as np

from rap_platform.embeddings.search import planning, rereading, sound_keys, term_queries
from rap_platform.embeddings.search.filtering import Filtering
from rap_platform.embeddings.search.looking import Look, Looking, Rows
from rap_platform.embeddings.search.question import Found
from rap_platform.embeddings.search.stored_keys import KeysHeld
from rap_platform.embeddings.search.terms import Terms, coverage, shares

_COST = planning.Cost(posting_us=0.07, section_us=2.5)


def by_sound(terms: Terms, filtering: Filtering, wanted: int) -> Looking:
    """Up to `wanted` sections by the summed weight of the question's sounds they hold, those of the best tracks by that of a line.

    The rarest combinations of sounds are looked for; more common ones when filters leave fewer than wanted. A phrase in quotes is
    spelled as it is meant, so its sound is not looked for, unless all its words are stop words: then all its sounds must be held.
    """
    if not terms.sounds or any(phrase.query for phrase in terms.phrases):
        return []
    keys = list(terms.sounds)
    if terms.phrases:
        required = {key for phrase in terms.phrases for key in sound_keys.keys(phrase.text)}
        together = tuple(at for at, key in enumerate(keys) if key in required)
        plans = [planning.Plan((together,) if together else (), 0.0, whole=True)]
    else:
        plans = planning.plans(
            shares(terms.sounds.values()),
            terms.sections,
            wanted,
            listed=filtering.track_ids is not None,
            passing=filtering.passing,
        )
    found: Rows = []
    for plan in plans:
        if not plan.combinations:
            return []
        found = yield from _ask(plan, keys, terms, filtering, wanted)
        if not planning.look_again(len(found), wanted, filtered=bool(filtering.where)):
            break
    return _ranked(found, terms, wanted)


def _ask(
    plan: planning.Plan, keys: Sequence[int], terms: Terms, filtering: Filtering, wanted: int
) -> Generator[Look, Rows, Rows]:
    alone = [keys[positions[0]] for positions in plan.combinations if len(positions) == 1]
    together = [[keys[term] for term in positions] for positions in plan.combinations if len(positions) > 1]
    most = planning.most_read(plan, len(keys), wanted)
    reach = planning.walk(plan, terms.sections, most, filtering.passing, _COST)
    parameters = {
        **filtering.parameters,
        **{f"combination_{number}": combination for number, combination in enumerate(together)},
        "alone": alone,
        "track_ids": filtering.track_ids,
        "most": most,
        "reach": reach,
    }
    if reach is not None:
        walk = term_queries.by_sound(len(together), filtering.where, alone=bool(alone), walk=True)
        found = yield Look(walk, parameters, binary=True)
        if len(found) >= wanted:
            return found
    listed = filtering.track_ids is not None
    statement = term_queries.by_sound(len(together), filtering.where, alone=bool(alone), tracks=listed)
    return (yield Look(statement, parameters, binary=True))


def _ranked(rows: Rows, terms: Terms, wanted: int) -> list[Found]:
    """The best sections by what they hold of the weights, the first of them by line."""
    if not rows:
        return []
    held = KeysHeld([row[3] for row in rows], terms.sounds)
    count = len(held.asked)
    worth = np.array([terms.sounds[key] for key in held.asked.tolist()])
    once = np.unique(held.owners * count + held.which)  # a key may stand in several lines
    sums = np.bincount(once // count, weights=worth[once % count], minlength=len(rows)).astype(np.float64)
    order = np.lexsort((np.array([row[0] for row in rows]), -sums))[:wanted]
    scores, coverages = sums[order].tolist(), coverage(terms.sounds, sums[order]).tolist()
    found = [
        Found(rows[at][0], rows[at][1], rows[at][2], score, share)
        for at, score, share in zip(order.tolist(), scores, coverages, strict=True)
    ]
    row_of = {section.section_id: at for section, at in zip(found, order.tolist(), strict=True)}
    return rereading.by_line(
        terms, found, lambda section_id: held.lines(row_of[section_id], rows[row_of[section_id]][4])
    )
