"""What the report says of predictors with known properties, and that tables, pictures and page say the same."""

import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error

from rap_platform.evaluation import metrics, page, picture_titles, pictures, plots, report, slices, tracking, wording
from rap_platform.evaluation.predictors import MODEL
from rap_platform_tests.evaluation import contestants as given

LABELS = given.LABELS


@pytest.fixture(scope="module")
def body() -> dict[str, Any]:
    return given.body()


@pytest.fixture(scope="module")
def drawn(body: dict[str, Any]) -> dict[str, str]:
    figures = plots.draw(body, given.contestants(), given.TEST)
    return {name: pictures.svg(figure, name) for name, figure in figures.items()}


def test_skill_is_the_share_of_the_medians_error_that_is_gone(body: dict[str, Any]) -> None:
    model, median = body["predictors"][MODEL], body["predictors"]["median"]
    assert model["skill"]["value"] == pytest.approx(1 - model["mae"]["value"] / median["mae"]["value"])
    assert 0 < model["skill"]["low"] < model["skill"]["value"] < model["skill"]["high"] < 1
    assert median["skill"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_ratios_are_to_the_rules_as_they_are_to_chance_and_to_the_floor(body: dict[str, Any]) -> None:
    entries = body["predictors"]
    model = entries[MODEL]["mae"]["value"]
    assert entries[MODEL]["times_random"] == pytest.approx(model / entries["random"]["mae"]["value"])
    assert entries[MODEL]["times_rule_based"] == pytest.approx(model / entries["rule_based"]["mae"]["value"])
    assert entries[MODEL]["times_floor"] == pytest.approx(model / 0.3)


def test_a_failure_costs_the_largest_error_that_the_label_allows(body: dict[str, Any]) -> None:
    entry = body["predictors"]["qwen_zero_shot"]
    failed = [*given.UNREADABLE, *given.UNASKED]
    assert (entry["parse_failures"], entry["other_failures"], entry["failed"]) == (3, 2, 5)
    assert entry["mae"]["value"] == 0, "it is perfect where it answers"
    worst = [max(LABELS[n] - 1, 10 - LABELS[n]) for n in failed]
    assert entry["mae_charged"]["value"] == pytest.approx(sum(worst) / given.TRACKS)
    assert body["predictors"]["median"]["mae_charged"] == pytest.approx(body["predictors"]["median"]["mae"])


def test_a_predictor_that_never_answers_has_no_error_but_is_charged() -> None:
    silent = replace(given.opinionated(), values=np.full(given.TRACKS, np.nan))
    entries = report.build(
        [*given.contestants()[:2], silent], given.TEST, resamples=100, seed=1, header={"simulated": True}, best_possible=report.Ceiling(None, None)
    )["predictors"]  # fmt: skip
    entry = entries["qwen_zero_shot"]
    assert "mae" not in entry
    assert (entry["coverage"], entry["failure_share"]) == (0.0, 1.0)
    assert entry["mae_charged"]["value"] == pytest.approx(np.mean(np.maximum(LABELS - 1, 10 - LABELS)))


def test_the_models_own_intervals_are_held_against_the_labels(body: dict[str, Any]) -> None:
    model = given.model()
    inside = np.abs(model.values - LABELS) <= 0.6
    found = body["predictors"][MODEL]["intervals"]
    assert (found["level"], found["n"], found["mean_width"]) == (0.9, given.TRACKS, pytest.approx(1.2))
    assert found["coverage"]["value"] == pytest.approx(inside.mean())
    assert found["coverage"]["low"] < inside.mean() < found["coverage"]["high"]
    assert body["predictors"]["median"]["intervals"] is None


def test_calibration_and_bias_are_those_of_the_regression_line() -> None:
    predicted = 2 + 0.5 * LABELS
    measured = metrics.measure(predicted, LABELS, metrics.group_weights(given.TEST.groups, 100, seed=1))
    assert measured.calibration_slope.value == pytest.approx(2)
    assert measured.calibration_intercept.value == pytest.approx(-4)
    assert measured.bias.value == pytest.approx(float(np.mean(predicted - LABELS)))
    assert measured.prediction_sd == pytest.approx(measured.label_sd / 2)


def test_tenths_hold_every_track_once_in_order_of_the_label() -> None:
    predicted = np.full(given.TRACKS, 5.0)
    tenths = metrics.deciles(predicted, LABELS)
    assert [tenth.n for tenth in tenths] == [12] * 10
    assert all(one.highest <= other.lowest for one, other in itertools.pairwise(tenths))
    assert sum(tenth.mae * tenth.n for tenth in tenths) / given.TRACKS == pytest.approx(
        mean_absolute_error(LABELS, predicted)
    )
    assert [tenth.n for tenth in metrics.deciles(predicted[:5], LABELS[:5])] == [3, 2]


def test_slices_share_the_tracks_and_say_when_they_are_too_small(body: dict[str, Any]) -> None:
    eras = {one["slice"]: one for one in body["slices"] if one["by"] == "era"}
    assert {name: one["n"] for name, one in eras.items()} == {"1990s": 75, "2000s": 40, "unknown": 5}
    assert eras["unknown"]["too_small"] == "5 tracks of 5 groups: an interval needs 20 of 5"
    assert eras["unknown"]["predictors"] == {}
    nineties = np.arange(5, 80)
    model = eras["1990s"]["predictors"][MODEL]
    expected = np.abs(given.model().values - LABELS)[nineties]
    assert model["mae"]["value"] == pytest.approx(expected.mean())
    baseline = np.abs(given.contestants()[2].values - LABELS)[nineties]
    assert body["best_baseline"] == "rule_based"
    assert model["vs_best_baseline"]["value"] == pytest.approx(expected.mean() - baseline.mean())
    assert model["vs_best_baseline"]["high"] < 0
    for way in slices.WAYS:
        assert sum(one["n"] for one in body["slices"] if one["by"] == way) == given.TRACKS
    sizes = [one["slice"] for one in body["slices"] if one["by"] == "artist size"]
    assert sizes == ["up to 5 tracks", "6 to 20 tracks", "over 20 tracks"]


def test_the_ceiling_is_the_root_of_the_reliability_and_unknown_without_it() -> None:
    assert report.ceiling({"noise_floor_mae": 0.4, "raters": {"icc_mean": 0.81}}) == report.Ceiling(0.4, 0.9)
    assert report.ceiling({"noise_floor_mae": None, "raters": {"icc_mean": None}}) == report.Ceiling(None, None)


def test_the_table_says_what_the_report_says(body: dict[str, Any]) -> None:
    rows = {row["predictor"]: row for row in wording.rows(body)}
    assert next(iter(rows)) == "qwen_zero_shot", "smallest MAE first"
    mae = body["predictors"][MODEL]["mae"]
    assert rows[MODEL]["MAE"] == f"{mae['value']:.3f} ({mae['low']:.3f} to {mae['high']:.3f})"
    assert rows["qwen_zero_shot"]["unreadable answers"] == "3 (2.5%)"
    assert rows["qwen_zero_shot"]["covered"] == "95.8%"
    assert rows["median"]["Spearman"] == "undefined"
    assert rows["median"]["skill"] == "0.000 (0.000 to 0.000)"
    assert (
        set(wording.SHORT) | set(wording.ERRORS) | set(wording.CALIBRATION) | set(wording.FAILURES)
        <= rows[MODEL].keys()
    )
    text = wording.markdown(body)
    assert f"**{MODEL}**" in text
    assert "rule_based (best baseline)" in text
    assert "too small: 5 tracks of 5 groups" in text
    assert "**simulated**" in text


def test_without_a_model_the_report_is_about_the_best_baseline() -> None:
    baselines = given.contestants()[:3]
    header = {"dataset": "d", "dataset_digest": "a" * 64, "simulated": False, "train_tracks": 1, "model_version": None}
    built = report.build(
        baselines, given.TEST, resamples=100, seed=1, header=header, best_possible=report.Ceiling(None, None)
    )
    assert built["verdict"] == {"promote": False, "reason": "there is no quality model of this dataset"}
    assert wording.subject(built) == "rule_based"
    assert "simulated" not in wording.markdown(built)
    assert "No quality model was judged." in wording.note(built)
    assert set(plots.draw(built, baselines, given.TEST)) == {
        "mae", "predicted_against_actual", "residuals", "calibration", "deciles",
    }  # fmt: skip


def built_on(groups: int) -> dict[str, Any]:
    """The same predictors on the same tracks, which are of so many groups."""
    held_out = replace(given.TEST, groups=tuple(f"g{n % groups}" for n in range(given.TRACKS)))
    return report.build(
        given.contestants(), held_out, resamples=200, seed=1, header={"simulated": True}, best_possible=report.Ceiling(None, None)
    )  # fmt: skip


def test_few_held_out_groups_promote_nobody_however_clear_the_difference_looks() -> None:
    few, enough = built_on(9), built_on(10)
    assert few["predictors"][MODEL]["vs_best_baseline"]["high"] < 0
    assert few["verdict"]["promote"] is False
    assert "of 9 groups of artists, fewer than the 10 that an interval needs" in few["verdict"]["reason"]
    assert enough["verdict"]["promote"] is True


def test_a_single_held_out_group_gives_figures_without_intervals() -> None:
    alone = built_on(1)
    gap = alone["predictors"][MODEL]["vs_best_baseline"]
    assert gap["value"] < 0
    assert (gap["low"], gap["high"]) == (None, None)
    assert alone["verdict"] == {"promote": False, "reason": alone["verdict"]["reason"]}
    assert alone["verdict"]["reason"].endswith("there is no interval")


def test_every_picture_is_drawn_and_may_stand_in_a_page_without_inline_style(drawn: dict[str, str]) -> None:
    assert list(drawn) == list(picture_titles.TITLES)
    ids: list[str] = []
    for name, svg in drawn.items():
        root = ET.fromstring(svg)
        assert root.attrib["aria-label"] == picture_titles.TITLES[name]
        assert not [element for element in root.iter() if "style" in element.attrib or element.tag.endswith("}style")]
        own = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
        assert all(one.startswith(f"{name}-") for one in own)
        ids += own
        for referred in re.findall(r'(?:href="|url\()#([^")]+)', svg):
            assert referred in own
        assert "currentColor" in svg
        assert plots.INK not in svg
    assert len(ids) == len(set(ids))
    assert "noise floor" in drawn["mae"]
    assert "prediction = rating" in drawn["predicted_against_actual"]
    assert "rating by the simulated panel" in drawn["calibration"]
    assert "rhyme density" in drawn["importance"]


def test_a_picture_is_the_same_when_it_is_drawn_again(drawn: dict[str, str], body: dict[str, Any]) -> None:
    again = plots.draw(body, given.contestants(), given.TEST)
    assert pictures.svg(again["mae"], "mae") == drawn["mae"]
    assert pictures.png(again["mae"]).startswith(b"\x89PNG")


def test_the_page_needs_nothing_else_and_escapes_what_it_shows(body: dict[str, Any], drawn: dict[str, str]) -> None:
    entry = body["predictors"]["qwen_zero_shot"] | {"note": "<script>alert(1)</script>"}
    html = page.html(body | {"predictors": body["predictors"] | {"qwen_zero_shot": entry}}, drawn)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert not re.findall(r'(?:src|href)="(?!#|http://127)', html), "nothing is fetched"
    assert html.count("<svg") == len(drawn)
    assert page.body(body, dict(sorted(drawn.items()))) == page.body(body, drawn), (
        "the order is ours, not that of the table"
    )
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    for row in wording.rows(body):
        assert row["predictor"].split(" (")[0] in html
    assert 'href="http://127.0.0.1:5000/#/experiments/2/runs/0f"' in html


def test_metrics_carry_their_intervals_and_leave_out_what_is_undefined(body: dict[str, Any]) -> None:
    flat = tracking.flat(body["predictors"][MODEL])
    for name in ("mae", "skill", "vs_best_baseline", "interval_coverage"):
        assert flat[f"{name}_low"] < flat[name] < flat[f"{name}_high"]  # type: ignore[operator]
    assert flat["interval_width"] == pytest.approx(1.2)
    assert tracking.flat(body["predictors"]["median"])["spearman"] is None
