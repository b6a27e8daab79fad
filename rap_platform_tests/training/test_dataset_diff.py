"""What changed between two versions, and that held-out tracks are not learned from unseen."""

import pytest

from rap_platform.training.dataset_diff import Described, compare


def track(number: int, split: str, label: float = 5.0, *, text: str | None = None, year: int = 1994) -> Described:
    sha = text or f"text {number}"
    return Described(number, split, label, sha, "Nova", f"Song {number}", "rap", year, "en")  # type: ignore[arg-type]


OLD = [track(1, "train"), track(2, "train", 6.0), track(3, "eval", 7.0), track(4, "eval", 8.0)]


def test_a_version_is_the_same_as_itself() -> None:
    found = compare("a", OLD, "b", OLD)
    assert found.same
    assert found.told()["same"] is True
    assert not found.warnings


def test_every_change_is_told_with_its_track() -> None:
    new = [
        track(1, "train", 5.2),
        track(2, "eval", 9.0),
        track(3, "eval", 7.0, text="rewritten"),
        track(5, "train", year=2003),
    ]
    found = compare("a", OLD, "b", new)
    assert found.tracks == {"before": 4, "after": 4, "in_both": 3}
    assert (found.added, found.removed) == (["Nova, Song 5"], ["Nova, Song 4"])
    assert [(c.track_id, c.before, c.after) for c in found.moved] == [(2, "train", "eval")]
    assert [(c.track_id, c.before, c.after) for c in found.relabelled] == [(2, 6.0, 9.0), (1, 5.0, 5.2)]
    assert [c.track_id for c in found.reworded] == [3]
    assert found.strata["era"] == {"1990s": {"before": 4, "after": 3}, "2000s": {"before": 0, "after": 1}}
    assert found.labels["in_both"]["mean_change"] == pytest.approx((0.2 + 3.0) / 3)
    assert found.contaminated == []


def test_a_held_out_track_that_is_learned_from_now_is_a_warning() -> None:
    moved = [*OLD[:3], track(4, "train", 8.0)]
    found = compare("a", OLD, "b", moved)
    assert found.contaminated == ["Nova, Song 4"]
    assert found.warnings[0].startswith("1 of 2 tracks that were held out in a are in train of b")


def test_a_held_out_text_that_came_back_under_another_id_is_one_too() -> None:
    again = [*OLD[:3], track(9, "train", text="text 4")]
    assert compare("a", OLD, "b", again).contaminated == ["Nova, Song 9"]
