"""Who gets the title, who keeps it, who loses it: the rules alone."""

import pytest

from rap_platform.evaluation import promotion
from rap_platform.evaluation.metrics import Measure
from rap_platform.evaluation.promotion import Contender, Duel, Past

BETTER, WORSE = Measure(-0.2, -0.3, -0.1), Measure(-0.05, -0.2, 0.1)
GOOD, BAD = (
    {"promote": True, "reason": "it beats the baseline"},
    {"promote": False, "reason": "the interval includes zero"},
)
NEW, OLD = Contender("4", "simulated", True), Contender("3", "simulated", True)
REAL = Contender("5", "real", False)


def duel(
    *, challenger: Measure | None = BETTER, baseline: Measure = BETTER, tracks: int = 100, groups: int = 30
) -> Duel:
    return Duel(tracks, groups, challenger, baseline)


def decide(
    challenger: Contender = NEW,
    verdict: dict[str, object] = GOOD,
    incumbent: Contender | None = None,
    fought: Duel | None = None,
    barred: dict[str, str] | None = None,
) -> tuple[str, str | None]:
    found = promotion.decide(challenger, verdict, incumbent, fought, barred or {})
    return found.action, found.holder


def test_without_a_champion_the_baseline_decides() -> None:
    assert decide() == ("promoted", "4")
    assert decide(verdict=BAD) == ("vacant", None)


def test_a_champion_of_the_same_ratings_yields_only_to_who_is_better_beyond_doubt() -> None:
    assert decide(incumbent=OLD, fought=duel()) == ("promoted", "4")
    assert decide(incumbent=OLD, fought=duel(challenger=WORSE)) == ("kept", "3")
    assert decide(incumbent=OLD, fought=duel(challenger=Measure(-0.1, None, None))) == ("kept", "3")


def test_who_beats_the_champion_but_no_baseline_is_not_promoted() -> None:
    assert decide(verdict=BAD, incumbent=OLD, fought=duel()) == ("kept", "3")


def test_too_few_clean_tracks_leave_the_champion_and_say_so() -> None:
    few = duel(challenger=None, tracks=12, groups=9)
    found = promotion.decide(NEW, GOOD, OLD, few, {})
    assert (found.action, found.holder) == ("kept", "3")
    assert "only 12 held-out tracks of 9 groups are new to version 3" in found.reason


def test_too_few_clean_tracks_do_not_save_a_champion_that_no_longer_beats_the_baseline() -> None:
    few = duel(challenger=None, baseline=WORSE, tracks=12, groups=9)
    assert decide(incumbent=OLD, fought=few) == ("promoted", "4")
    found = promotion.decide(NEW, BAD, OLD, few, {})
    assert (found.action, found.holder) == ("lost", None)
    assert "though it learned from some of them" in found.reason


def test_the_champion_itself_keeps_or_loses_its_title_on_new_evidence() -> None:
    assert decide(incumbent=NEW) == ("kept", "4")
    assert decide(verdict=BAD, incumbent=NEW) == ("lost", None)


def test_a_champion_that_cannot_be_asked_any_more_gives_way() -> None:
    broken = Duel(unusable="ValueError while it was loaded or asked")
    assert decide(incumbent=OLD, fought=broken) == ("promoted", "4")
    found = promotion.decide(NEW, BAD, OLD, broken, {})
    assert (found.action, found.holder) == ("lost", None)
    assert "cannot be asked any more: ValueError" in found.reason


def test_simulated_skill_is_no_title_once_real_ratings_judge() -> None:
    assert decide(challenger=REAL, incumbent=OLD) == ("promoted", "5")
    assert decide(challenger=REAL, verdict=BAD, incumbent=OLD) == ("lost", None)
    assert decide(challenger=NEW, incumbent=REAL) == ("kept", "5")


def test_a_title_is_not_decided_without_asking_the_champion() -> None:
    with pytest.raises(ValueError, match="version 3 holds the title"):
        promotion.decide(NEW, GOOD, OLD, None, {})


HISTORY = [
    Past("promoted", "1", None, "1", "first"),
    Past("promoted", "2", "1", "2", "better"),
    Past("kept", "2", "2", "3", "no doubt"),
    Past("promoted", "4", "2", "4", "better"),
]


def test_a_rolled_back_version_is_barred_until_a_person_promotes_it() -> None:
    back = [*HISTORY, Past("rolled back", "2", "4", "4", "it liked ballads")]
    out = promotion.barred(back)
    assert list(out) == ["4"]
    assert "it liked ballads" in out["4"]
    assert decide(incumbent=OLD, barred=out) == ("kept", "3")
    assert decide(barred=out) == ("vacant", None)
    assert promotion.barred([*back, Past("promoted by hand", "4", "2", None, "it was right")]) == {}


def test_a_rollback_goes_to_the_holder_before_and_then_further_back() -> None:
    existing = ["1", "2", "3", "4"]
    assert promotion.predecessor(HISTORY, "4", existing) == "2"
    assert promotion.predecessor(HISTORY, "4", ["1", "4"]) == "1", "version 2 was deleted"
    back = [*HISTORY, Past("rolled back", "2", "4", "4", "")]
    assert promotion.predecessor(back, "2", existing) == "1"
    assert promotion.predecessor([*back, Past("rolled back", "1", "2", "4", "")], "1", existing) is None
    assert promotion.predecessor(HISTORY[:1], "1", existing) is None


def test_the_verdict_names_the_baseline_and_needs_an_interval() -> None:
    mae = {"value": 0.5, "low": 0.4, "high": 0.6}
    baseline = {"kind": "baseline", "failed": 0, "mae": {"value": 0.8, "low": 0.7, "high": 0.9}}

    def judged(gap: Measure, failed: int = 0, groups: int = 10) -> dict[str, object]:
        model = {
            "mae": mae,
            "failed": failed,
            "vs_best_baseline": {"value": gap.value, "low": gap.low, "high": gap.high},
        }
        return promotion.judge({"quality_model": model, "median": baseline}, "median", groups)

    assert judged(BETTER) == {
        "promote": True,
        "reason": "its MAE 0.500 differs from that of the best baseline, median 0.800, by -0.200 (-0.300 to -0.100): better, the interval excludes zero",
    }
    assert judged(WORSE)["promote"] is False
    assert judged(Measure(-0.2))["promote"] is False
    assert judged(BETTER, groups=9)["promote"] is False
    assert judged(BETTER, failed=3) == {"promote": False, "reason": "it fails on 3 tracks"}
