"""Which combinations of a question's terms an index is asked for, so that few sections are read however common the terms. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

BUDGET = 400.0  # sections that a first look may bring
RAISED = 10.0  # times the budget, for a second look where filters left too few
MOST_READ = 1200  # sections that are ranked at most, when more hold a combination than expected
MAX_PLANNED = 12  # terms that are combined: the rarest
MAX_COMBINATIONS = 16  # each costs a walk over the sections of its rarest term
DEPENDENCE = 0.7  # exponent of the second share: terms of one song come together more often than chance has it


@dataclass(frozen=True)
class Plan:
    """Combinations of terms, as positions; sections that hold all terms of any one of them are wanted.

    `expected` is how many sections these are likely to be; `whole` says that no section holds a term and no combination.
    """

    combinations: tuple[tuple[int, ...], ...]
    expected: float
    whole: bool


def plan(shares: Sequence[float], sections: int, budget: float = BUDGET) -> Plan:
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
        return Plan(tuple(chosen), spent, whole=True)
    for expected, pair in _pairs(order[alone:MAX_PLANNED], shares, sections):
        if spent + expected > budget or len(chosen) == MAX_COMBINATIONS:
            break
        chosen.append(pair)
        spent += expected
    if not chosen:
        together = _together(order[:MAX_PLANNED], shares, sections, budget)
        return Plan((together,), _expected(together, shares, sections), whole=len(order) == 1)
    return Plan(tuple(chosen), spent, whole=False)


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
