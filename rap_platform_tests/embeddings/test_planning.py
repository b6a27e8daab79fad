"""The rarest combinations are asked for first, within a budget of sections."""

import pytest

from rap_platform.embeddings.search import planning
from rap_platform.embeddings.search.planning import Plan, plan


def test_rare_terms_are_asked_for_alone() -> None:
    found = plan([0.0001, 0.2, 0.0002], 350_000, 300)
    assert found.combinations[:1] == ((0,),)
    assert (2,) in found.combinations
    assert (1,) not in found.combinations
    assert not found.whole


def test_common_terms_are_asked_for_together() -> None:
    found = plan([0.03, 0.02, 0.001], 100_000, 300)
    assert found.combinations == ((2,), (1, 0))
    assert found.expected <= 300


def test_pairs_come_by_rising_count_and_stay_within_the_budget() -> None:
    shares = [0.004, 0.005, 0.006, 0.9]
    found = plan(shares, 100_000, 300)
    assert found.combinations == ((0, 1), (0, 2), (1, 2))
    assert found.expected == pytest.approx(100_000 * (0.004 * 0.005**0.7 + 0.004 * 0.006**0.7 + 0.005 * 0.006**0.7))


def test_terms_that_are_common_even_in_pairs_are_asked_for_all_together() -> None:
    found = plan([0.2, 0.3, 0.25], 1_000_000, 300)
    assert found.combinations == ((0, 2, 1),)
    assert found.postings == pytest.approx(200_000)
    assert not found.whole


def test_a_single_common_term_is_asked_for_whatever_it_costs() -> None:
    found = plan([0.2], 1_000_000, 300)
    assert found == Plan(((0,),), 200_000.0, whole=True, postings=200_000.0)


def test_a_small_collection_is_asked_for_every_term() -> None:
    found = plan([0.5, 0.9, 0.1], 30, 300)
    assert sorted(found.combinations) == [(0,), (1,), (2,)]
    assert found.whole


def test_no_terms_make_no_plan() -> None:
    assert plan([], 1000, 300) == Plan((), 0.0, whole=True)


def test_an_endless_question_is_asked_for_few_combinations() -> None:
    found = plan([0.01 + number / 10_000 for number in range(200)], 1_000_000, 1e9)
    assert len(found.combinations) <= planning.MAX_COMBINATIONS


def test_the_wider_plan_is_there_when_the_first_leaves_something_out() -> None:
    first, wider = planning.plans([0.004, 0.005, 0.006, 0.007], 100_000, 50, listed=False)
    assert first.expected <= 150 < wider.expected <= 750
    assert len(planning.plans([0.0001], 100_000, 50, listed=False)) == 1


def test_sections_that_are_listed_need_no_planning() -> None:
    (only,) = planning.plans([0.5, 0.6], 10_000_000, 100, listed=True)
    assert only.combinations == ((0,), (1,))


def test_the_index_of_what_nearly_everybody_sings_is_not_read() -> None:
    common, rarer = plan([0.3], 1_200_000, 300), plan([0.001], 1_200_000, 300)
    assert walk(common, 1_200_000, passing=1.0) == 2000  # three times what 200 of them are likely to take
    assert walk(rarer, 1_200_000, passing=1.0) is None
    assert walk(plan([0.3], 100, 300), 100, passing=1.0) is None


def test_behind_a_filter_that_many_pass_it_is_not_read_either() -> None:
    common = plan([0.3], 1_200_000, 300)
    assert walk(common, 1_200_000, passing=0.5) == 4000
    assert walk(common, 1_200_000, passing=0.02) is None


def walk(found: Plan, sections: int, *, passing: float) -> int | None:
    return planning.walk(found, sections, 200, passing, planning.Cost(posting_us=0.25, section_us=5.0))


def test_a_filter_is_planned_for() -> None:
    shares = [0.0005] * 20
    alone = {
        passing: len(
            [
                one
                for one in planning.plans(shares, 100_000, 50, listed=False, passing=passing)[0].combinations
                if len(one) == 1
            ]
        )
        for passing in (1.0, 0.5, 0.001)
    }
    assert alone == {1.0: 3, 0.5: 6, 0.001: 15}  # at fifty sections each


@pytest.mark.parametrize(
    ("filtered", "found", "again"), [(True, 99, True), (True, 100, False), (False, 9, True), (False, 10, False)]
)
def test_more_is_looked_for_where_a_filter_left_too_few(filtered: bool, found: int, again: bool) -> None:
    assert planning.look_again(found, 100, filtered=filtered) is again
