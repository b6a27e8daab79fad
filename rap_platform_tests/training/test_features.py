"""Pasted lyrics give the row that the database would give."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from rap_platform.features.analysis import analyse
from rap_platform.training import quality
from rap_platform.training.features import COLUMNS, EAR, TEXT, Unheard, features_for_text, frame

VERSE = "\n".join(
    [
        "I carry the city in the sole of my shoe",
        "Every corner that I pass has a story or two",
        "The neon is humming and the night is in blue",
        "I write what I see and I say what is true",
    ]
    * 3
)
LYRICS = (
    f"[Verse 1]\n{VERSE}\n\n[Hook]\nWalk with me slowly, the morning is new\nWalk with me slowly, the morning is you"
)


@dataclass(frozen=True)
class Encoded:
    vectors: np.ndarray


class WordOrderEncoder:
    """A unit vector per text, drawn from its hash: the same text, the same vector."""

    def encode_whole(self, texts: Sequence[str]) -> Encoded:
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts]
        drawn = np.stack([np.random.default_rng(seed).normal(size=384) for seed in seeds])
        return Encoded((drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32))


def test_a_row_has_what_the_ear_hears_and_a_unit_vector() -> None:
    row = features_for_text(LYRICS, WordOrderEncoder(), "en")
    assert tuple(row.columns) == COLUMNS
    heard = analyse(LYRICS, "en")
    expected = [np.nan if getattr(heard, name) is None else float(getattr(heard, name)) for name in EAR]
    np.testing.assert_allclose(row[list(EAR)].to_numpy()[0], expected)
    assert np.linalg.norm(row[list(TEXT)].to_numpy()[0]) == pytest.approx(1, abs=1e-5)


def test_a_text_without_enough_lines_is_refused_not_guessed() -> None:
    with pytest.raises(Unheard, match="1 bars"):
        features_for_text("one line only", WordOrderEncoder(), "en")


def test_what_is_missing_is_not_a_number() -> None:
    row = frame([1, 2], {1: [None] * len(EAR)}, {2: np.ones(384, dtype=np.float32)})
    assert row.loc[1].isna().all()
    assert (row.loc[2, list(TEXT)] == 1).all()
    assert row.loc[2, list(EAR)].isna().all()


def test_a_model_predicts_ratings_within_the_scale_for_rows_with_gaps() -> None:
    chance = np.random.default_rng(1)
    x = frame(
        range(60),
        {n: [*chance.random(len(EAR) - 1), None] for n in range(60)},
        {n: chance.normal(size=384).astype(np.float32) for n in range(60)},
    )
    y = 1 + 9 * x["rhyme_factor"].to_numpy()
    fitted = quality.fit(x, y, [f"g{n % 12}" for n in range(60)], seed=3)
    predicted = quality.predict(fitted.model, features_for_text(LYRICS, WordOrderEncoder(), "en"))
    assert predicted.shape == (1,)
    assert 1 <= predicted[0] <= 10
    assert set(fitted.cv_mae) == {"ridge(alpha=1)", "ridge(alpha=10)", "ridge(alpha=100)", "gradient_boosting", "stack"}
