"""Figures of agreement against values worked out by hand or by scipy."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from rap_platform.analyses import agreement


def test_rank_correlation_is_scipys() -> None:
    rng = np.random.default_rng(1)
    a = rng.integers(1, 10, 50).astype(float)
    b = a + rng.integers(-3, 3, 50)
    assert agreement.spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert np.isnan(agreement.spearman(a, np.full(50, 5.0)))


def test_kappa_is_cohens() -> None:
    a = np.array([0] * 25 + [1] * 25)
    b = np.array([0] * 20 + [1] * 5 + [0] * 10 + [1] * 15)
    assert agreement.kappa(a, b) == pytest.approx(0.4)
    assert np.isnan(agreement.kappa(a * 0, b * 0))


def row(track_id: int, analyzer: str, quality: float, status: str = "ok", error: str | None = None) -> agreement.Row:
    return {
        "track_id": track_id, "analyzer": analyzer, "model": "m", "status": status, "error": error, "sentiment": "positive",
        "primary_mood": "calm", "quality": quality, "complexity": quality, "wordplay": 5.0, "storytelling": quality, "confidence": 0.6,
        "repaired": False, "prompt_tokens": None, "completion_tokens": None, "cost_usd": None, "latency_ms": None,
    }  # fmt: skip


def test_what_nobody_told_is_none_and_what_is_constant_has_no_correlation() -> None:
    rows = [row(track, analyzer, 1 + track % 9) for track in range(30) for analyzer in ("a", "b")]
    body = agreement.report(rows, tracks=40)
    assert [one["coverage"] for one in body["analyzers"]] == [0.75, 0.75]
    assert body["analyzers"][0]["cost_usd"] is None
    assert body["analyzers"][0]["latency_ms"] is None
    (pair,) = body["pairs"]
    assert pair["spearman_quality"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert pair["spearman_wordplay"]["value"] is None
    assert pair["kappa_sentiment"]["value"] is None
    assert "| spearman quality | 1.00 | 1.00 to 1.00 |" in agreement.markdown("real", body)


def test_texts_that_nobody_can_read_are_not_the_analysts_failures() -> None:
    failed = [row(2, "a", 5, "failed", "too_short: 2 bars"), row(3, "a", 5, "failed", "invalid_answer: x")]
    figures = agreement.maker_figures([row(1, "a", 5), *failed], tracks=3)
    assert figures["failures"] == {"too_short": 1, "invalid_answer": 1}
    assert figures["failure_share"] == pytest.approx(1 / 3)


def test_a_handful_of_pairs_says_nothing() -> None:
    rows = [row(track, analyzer, 5) for track in range(3) for analyzer in ("a", "b")]
    (pair,) = agreement.report(rows, tracks=3)["pairs"]
    assert pair["note"] == "fewer than 10 tracks in common"
    assert agreement.plot(rows, "real") is None
