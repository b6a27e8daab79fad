"""Which combinations of a question's terms an index is asked for, so that few sections are read however common the terms. Pure."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

PER_WANTED = 3.0  # sections that a first look may bring, per one that is wanted
RAISED = (
    5.0  # times the budget, for a second look where filters left too few, and at most for filters that are known to
)
WALKED = 3  # times the sections that a walk is expected to take, before it is given up
ENOUGH = 10  # sections of a first look without filters: whatever else there is holds less of the question
MOST_READ = 8  # sections that are ranked at most, per one that is wanted, when more hold a combination than expected
MAX_PLANNED = 12  # terms that are combined: the rarest
MAX_COMBINATIONS = 16  # each costs a walk over the sections of its rarest term
DEPENDENCE = 0.7  # exponent of the second share: terms of one song come together more often than chance has it


@dataclass(frozen=True)
class Plan:
    """Combinations of terms, as positions; sections that hold all terms of any one of them are wanted.

    `expected` is how many sections these are likely to be, `postings` how many entries of the index are read for them at least;
    `whole` says that no section holds a term and no combination.
    """

    combinations: tuple[tuple[int, ...], ...]
    expected: float
    whole: bool
    postings: float = 0.0


@dataclass(frozen=True)
class Cost:
    """Microseconds that reading one posting of an index takes, and looking at one section."""

    posting_us: float
    section_us: float


def plans(shares: Sequence[float], sections: int, wanted: int, *, listed: bool, passing: float = 1.0) -> list[Plan]:
    """The plan to try, and the wider one for when that leaves too few; `listed` when something else says which sections to read.

    `passing` is the share of sections that pass the filters: of more that hold the terms enough are left.
    """
    if listed:
        return [Plan(tuple((number,) for number in range(len(shares))), 0.0, whole=True)]
    budget = PER_WANTED * wanted * min(RAISED, 1.0 / passing)
    first = plan(shares, sections, budget)
    if first.whole:
        return [first]
    wider = plan(shares, sections, budget * RAISED)
    return [first] if wider.combinations == first.combinations else [first, wider]


def most_read(plan: Plan, terms: int, wanted: int) -> int:
    """How many sections to rank at most: a few where all hold all of the terms, so that little tells them apart."""
    equal = len(plan.combinations) == 1 and len(plan.combinations[0]) == terms
    return (2 if equal else MOST_READ) * wanted


def walk(plan: Plan, sections: int, most: int, passing: float, cost: Cost) -> int | None:
    """How many sections to look at one after another, where that is likely to find `most` of them cheaper than the index; else None.

    So common are some terms that an index of them is nearly as long as the table.
    """
    if len(plan.combinations) != 1 or plan.expected * passing <= most:
        return None
    expected = most * sections / (plan.expected * passing)
    cheaper = expected * cost.section_us < plan.postings * cost.posting_us
    return math.ceil(WALKED * expected) if cheaper else None


def plan(shares: Sequence[float], sections: int, budget: float) -> Plan:
    """The combinations to ask for, given the share of sections that hold each term: the most selective ones within the budget.

    Single terms first, then pairs, by rising expected count; when not even the rarest pair fits the budget, the fewest rarest terms
    that together do, or all of them. Without terms the plan is empty.
    """
    order = sorted(range(len(shares)), key=lambda term: (shares[term], term))
    chosen: list[tuple[int, ...]] = []
    spent = 0.0
    alone = 0
    for term in order:
        expected = shares[term] * sections
        if spent + expected > budget or len(chosen) == MAX_COMBINATIONS:
            break
        chosen.append((term,))
        spent += expected
        alone += 1
    if alone == len(order):
        return Plan(tuple(chosen), spent, whole=True, postings=spent)
    for expected, pair in _pairs(order[alone:MAX_PLANNED], shares, sections):
        if spent + expected > budget or len(chosen) == MAX_COMBINATIONS:
            break
        chosen.append(pair)
        spent += expected
    if not chosen:
        together = _together(order[:MAX_PLANNED], shares, sections, budget)
        rarest = shares[together[0]] * sections
        return Plan((together,), _expected(together, shares, sections), whole=len(order) == 1, postings=rarest)
    return Plan(tuple(chosen), spent, whole=False)


def look_again(found: int, wanted: int, *, filtered: bool) -> bool:
    """Whether to ask for more common combinations too: filters took most of the first, or there was hardly anything."""
    return found < (wanted if filtered else min(wanted, ENOUGH))


def _pairs(order: Sequence[int], shares: Sequence[float], sections: int) -> Iterator[tuple[float, tuple[int, ...]]]:
    return iter(sorted((_expected(pair, shares, sections), pair) for pair in combinations(order, 2)))


def _together(order: Sequence[int], shares: Sequence[float], sections: int, budget: float) -> tuple[int, ...]:
    for count in range(2, len(order)):
        if _expected(order[:count], shares, sections) <= budget:
            return tuple(order[:count])
    return tuple(order)


def _expected(terms: Sequence[int], shares: Sequence[float], sections: int) -> float:
    """Sections that hold all of the terms, which come by rising share."""
    first, *others = terms
    count = shares[first] * sections
    for term in others:
        count *= shares[term] ** DEPENDENCE
    return float(count)
