"""Sides are fused by reciprocal rank: what several sides find wins, a part of the question counts for a part."""

import pytest

from rap_platform.embeddings.search.fusion import Weights, fuse
from rap_platform.embeddings.search.question import Found, Side

WEIGHTS = Weights(meaning=1.0, words=2.0, sound=0.5, constant=60.0, exponent=1.0)


def found(section_id: int, track_id: int, original_id: int | None = None, *, coverage: float = 1.0) -> Found:
    return Found(section_id, track_id, original_id or track_id, 1.0 / section_id, coverage)


def test_first_on_every_side_with_all_of_the_question_is_one() -> None:
    (hit,) = fuse({"meaning": [found(1, 9)], "words": [found(1, 9)], "sound": [found(2, 9)]}, WEIGHTS)
    assert hit.score == pytest.approx(1.0)
    assert (hit.original_id, hit.ranks) == (9, {"meaning": 1, "words": 1, "sound": 1})


def test_the_score_is_the_weighted_sum_of_reciprocal_ranks() -> None:
    hits = fuse({"meaning": [found(1, 1), found(2, 2)], "words": [found(3, 2, coverage=0.5)], "sound": []}, WEIGHTS)
    best = 3.5 / 61
    assert {hit.original_id: hit.score for hit in hits} == {
        1: pytest.approx((1 / 61) / best),
        2: pytest.approx((1 / 62 + 2 * 0.5 / 61) / best),
    }
    assert [hit.original_id for hit in hits] == [2, 1]


def test_a_side_that_was_not_asked_does_not_count_and_one_that_found_nothing_does() -> None:
    assert fuse({"words": [found(1, 1)]}, WEIGHTS)[0].score == pytest.approx(1.0)
    assert fuse({"words": [found(1, 1)], "meaning": []}, WEIGHTS)[0].score == pytest.approx(2 / 3)


def test_the_exponent_says_how_hard_a_missing_part_is_punished() -> None:
    soft, hard = (Weights(1.0, 1.0, 1.0, 60.0, exponent) for exponent in (0.0, 2.0))
    assert fuse({"words": [found(1, 1, coverage=0.5)]}, soft)[0].score == pytest.approx(1.0)
    assert fuse({"words": [found(1, 1, coverage=0.5)]}, hard)[0].score == pytest.approx(0.25)


def test_ranks_count_tracks_and_a_track_ranks_by_its_best_section() -> None:
    hits = fuse({"meaning": [found(1, 1), found(2, 1), found(3, 1), found(4, 2)]}, WEIGHTS)
    assert [(hit.original_id, hit.ranks["meaning"]) for hit in hits] == [(1, 1), (2, 2)]


def test_a_copy_counts_as_its_original_and_the_sections_of_both_are_told_apart() -> None:
    sides: dict[Side, list[Found]] = {
        "meaning": [found(7, 30, 10), found(8, 10)],
        "words": [found(8, 10, coverage=0.9), found(7, 30, 10)],
    }
    (hit,) = fuse(sides, WEIGHTS)
    assert (hit.original_id, hit.own_section, hit.copy_section) == (10, 8, 7)
    (copied,) = fuse({"words": [found(7, 30, 10)]}, WEIGHTS)
    assert (copied.own_section, copied.copy_section) == (None, 7)


def test_the_section_that_speaks_is_the_one_that_most_sides_found() -> None:
    hits = fuse({"meaning": [found(1, 5), found(2, 5)], "words": [found(2, 5), found(3, 5)]}, WEIGHTS)
    assert hits[0].own_section == 2


def test_equal_scores_have_an_order_of_their_own() -> None:
    one = fuse({"meaning": [found(1, 8)], "sound": [found(2, 3)]}, Weights(1.0, 1.0, 1.0, 60.0, 1.0))
    assert [hit.original_id for hit in one] == [3, 8]


def test_no_hits_are_no_tracks() -> None:
    assert fuse({"meaning": [], "words": []}, WEIGHTS) == []
