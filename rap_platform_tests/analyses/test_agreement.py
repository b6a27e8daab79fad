"""Figures of agreement against values worked out by hand or by scipy and scikit-learn."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from rap_platform.analyses import agreement, agreement_plots, concordance
from rap_platform.analyses.concordance import SetUnits

ONE = np.ones((1, 50))


def repeated(values: Any, weights: Any) -> Any:
    return np.repeat(values, weights.astype(int), axis=0)


def drawn(count: int, seed: int = 5) -> Any:
    return np.random.default_rng(seed).integers(0, 4, count).astype(float)


def test_rank_correlation_is_scipys_also_when_tracks_count_several_times() -> None:
    rng = np.random.default_rng(1)
    a = rng.integers(1, 10, 50).astype(float)
    b = a + rng.integers(-3, 3, 50)
    weights = drawn(50)
    found = concordance.spearman(a, b, np.stack([ONE[0], weights]))
    assert found[0] == pytest.approx(spearmanr(a, b).statistic)
    assert found[1] == pytest.approx(spearmanr(repeated(a, weights), repeated(b, weights)).statistic)
    with np.errstate(invalid="ignore"):
        assert np.isnan(concordance.spearman(a, np.full(50, 5.0), ONE))


def test_kappa_is_cohens_also_when_tracks_count_several_times() -> None:
    a = np.array([0] * 25 + [1] * 25)
    b = np.array([0] * 20 + [1] * 5 + [0] * 10 + [1] * 15)
    weights = drawn(50)
    found = concordance.kappa(a, b, 2, np.stack([ONE[0], weights]))
    assert found[0] == pytest.approx(0.4)
    assert found[1] == pytest.approx(cohen_kappa_score(repeated(a, weights), repeated(b, weights)))
    assert np.isnan(concordance.kappa(a * 0, b * 0, 2, ONE))


# Krippendorff's own example: four observers, twelve units, values missing; alpha is .743 nominal and .849 interval (2011, section D).
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, np.nan, np.nan, np.nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, np.nan, 3],
        [np.nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, np.nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, np.nan],
    ]
).T[:11]


def test_alpha_is_krippendorffs_in_his_own_example() -> None:
    weights = np.ones((1, 11))
    counts = np.stack([(label == KRIPPENDORFF).sum(axis=1) for label in range(1, 6)], axis=1).astype(float)
    assert concordance.alpha_nominal(counts, weights)[0] == pytest.approx(0.743, abs=5e-4)
    assert concordance.alpha_interval(KRIPPENDORFF, weights)[0] == pytest.approx(0.849, abs=5e-4)


def test_a_unit_that_counts_twice_is_two_units() -> None:
    weights = drawn(11) + 1
    twice = repeated(KRIPPENDORFF, weights)
    assert concordance.alpha_interval(KRIPPENDORFF, weights[None])[0] == pytest.approx(
        concordance.alpha_interval(twice, np.ones((1, len(twice))))[0]
    )


def test_masi_is_passonneaus() -> None:
    names = ("love", "money", "time")
    sets = concordance.members([["love"], ["love", "money"], ["money", "time"], ["time"], []], names)
    distances = concordance.masi(sets)
    assert distances[0, 0] == distances[4, 4] == 0
    assert distances[0, 1] == pytest.approx(1 - 1 / 2 * 2 / 3)  # one holds the other
    assert distances[1, 2] == pytest.approx(1 - 1 / 3 * 1 / 3)  # they overlap
    assert distances[0, 3] == distances[0, 4] == 1  # nothing in common
    assert np.allclose(distances, distances.T)


def test_alpha_of_sets_is_one_for_the_same_and_below_zero_for_the_contrary() -> None:
    names = ("love", "money")
    same = SetUnits.of([[["love"], ["love"]], [["money"], ["money"]]] * 5, names)
    contrary = SetUnits.of([[["love"], ["money"]], [["money"], ["love"]]] * 5, names)
    assert concordance.alpha_sets(same, np.ones((1, 10)))[0] == 1
    assert concordance.alpha_sets(contrary, np.ones((1, 10)))[0] < -0.8


def test_the_bootstrap_draws_artists_with_all_their_tracks() -> None:
    artists = np.array([0, 0, 0, 1, 2, 2])
    (weights,) = concordance.resamples(artists)
    assert weights.shape == (concordance.RESAMPLES, 6)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 4] == weights[:, 5]).all()
    assert (weights[:, [0, 3, 4]].sum(axis=1) == 3).all()


def test_songs_of_one_artist_say_no_more_than_one_song() -> None:
    rng = np.random.default_rng(2)
    a, noise = rng.normal(size=40), rng.normal(size=40)
    single = concordance.interval(lambda w: concordance.spearman(a, a + noise, w), np.arange(40))
    a5, b5 = np.repeat(a, 5), np.repeat(a + noise, 5)
    crowd = concordance.interval(lambda w: concordance.spearman(a5, b5, w), np.repeat(np.arange(40), 5))
    assert single["low"] is not None and single["high"] is not None
    assert crowd["low"] == pytest.approx(single["low"], abs=0.03)
    assert crowd["high"] == pytest.approx(single["high"], abs=0.03)


def row(track_id: int, analyzer: str, quality: float, status: str = "ok", error: str | None = None) -> agreement.Row:
    return {
        "track_id": track_id, "artist_id": track_id // 2, "analyzer": analyzer, "model": "m", "status": status, "error": error,
        "sentiment": "positive", "primary_mood": "calm", "themes": ["love"], "quality": quality, "complexity": quality, "wordplay": 5.0,
        "storytelling": quality, "confidence": None, "repaired": False, "prompt_tokens": None, "completion_tokens": None,
        "cost_usd": None, "latency_ms": None,
    }  # fmt: skip


def test_what_nobody_told_is_none_and_what_is_constant_has_no_correlation() -> None:
    rows = [row(track, analyzer, 1 + track % 9) for track in range(30) for analyzer in ("a", "b")]
    body = agreement.report(rows, tracks=40)
    assert [one["coverage"] for one in body["analyzers"]] == [0.75, 0.75]
    first = body["analyzers"][0]
    assert (first["cost_usd"], first["latency_ms"], first["mean_confidence"], first["calibration"]) == (None,) * 4
    (pair,) = body["pairs"]
    assert pair["spearman_quality"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert pair["jaccard_themes"]["value"] == 1.0
    assert pair["spearman_wordplay"]["value"] is None
    assert pair["kappa_sentiment"]["value"] is None
    text = agreement.markdown("real", body)
    assert "| spearman quality | 1.00 | 1.00 to 1.00 |" in text
    assert "No analyst has earned a confidence yet." in text


def test_three_analysts_make_three_pairs_and_one_alpha() -> None:
    rows = [
        row(track, analyzer, 1 + (track + shift) % 9) for track in range(30) for shift, analyzer in enumerate("abc")
    ]
    body = agreement.report(rows[:-1], tracks=30)  # one analyst misses one track
    assert [(pair["one"], pair["other"], pair["pairs"]) for pair in body["pairs"]] == [
        ("a m", "b m", 30),
        ("a m", "c m", 29),
        ("b m", "c m", 29),
    ]
    whole = body["together"]
    assert (whole["analyzers"], whole["tracks"]) == (3, 30)
    assert whole["alpha_quality"]["low"] < whole["alpha_quality"]["value"] < whole["alpha_quality"]["high"]
    assert "**All 3 together**, 30 tracks" in agreement.markdown("real", body)


def test_texts_that_nobody_can_read_are_not_the_analysts_failures() -> None:
    failed = [row(2, "a", 5, "failed", "too_short: 2 bars"), row(3, "a", 5, "failed", "invalid_answer: x")]
    figures = agreement.maker_figures([row(1, "a", 5), *failed], tracks=3)
    assert figures["failures"] == {"too_short": 1, "invalid_answer": 1}
    assert figures["failure_share"] == figures["parse_failure_share"] == pytest.approx(1 / 3)


def test_a_handful_of_pairs_says_nothing() -> None:
    rows = [row(track, analyzer, 5) for track in range(3) for analyzer in ("a", "b")]
    body = agreement.report(rows, tracks=3)
    assert body["pairs"][0]["note"] == "fewer than 10 tracks in common"
    assert body["together"]["note"] == "fewer than 10 tracks that two analysed"
    assert list(agreement_plots.plots(rows, body, "real")) == []


def test_one_artist_alone_has_a_figure_but_no_interval() -> None:
    rows = [row(track, analyzer, track % 9 + 1) | {"artist_id": 1} for track in range(20) for analyzer in ("a", "b")]
    (pair,) = agreement.report(rows, tracks=20)["pairs"]
    assert pair["spearman_quality"] == {"value": 1.0, "low": None, "high": None}


def test_fallbacks_are_counted_with_their_reasons() -> None:
    found = agreement.fallbacks({("qwen", ""): 6, ("rule_based", "down"): 3, ("rule_based", "budget"): 1})
    assert found == {"asked": 10, "fell_back": 4, "fallback_share": 0.4, "reasons": {"down": 3, "budget": 1}}
    assert agreement.fallbacks({})["fallback_share"] is None


def test_every_picture_is_made() -> None:
    rows = [
        row(track, analyzer, 1 + track % 9) | {"latency_ms": 100 + track if analyzer == "b" else None}
        for track in range(30)
        for analyzer in ("a", "b")
    ]
    earned = {
        "analyzer": "a", "model": "m", "verses": 120, "answered": 120, "right_answers": 60, "brier": 0.2, "base_brier": 0.25, "ece": 0.05,
        "reliability": [{"confidence": 0.4, "right": 0.5, "verses": 60}, {"confidence": 0.6, "right": 0.5, "verses": 60}],
    }  # fmt: skip
    body = agreement.report(rows, tracks=30, calibrations=[earned])
    found = dict(agreement_plots.plots(rows, body, "real"))
    assert list(found) == ["scores_1", "confusion_1", "latency", "reliability"]
    confusion = found["confusion_1"].axes[0]
    assert [text.get_text() for text in confusion.texts] == ["30"]
    assert "| a | m | 120 of 120 | 50.0% | 5.0% | 0.200 | 0.250 | 0.050 |" in agreement.markdown("real", body)
