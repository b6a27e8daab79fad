"""Predicts the rating of lyrics with exactly the features that the model learned from."""

import time
from typing import TYPE_CHECKING, Any

from rap_platform.features.analysis import MINIMUM_BARS
from rap_platform.lyrics.cleaning import clean
from rap_platform.lyrics.languages import language_of
from rap_platform.lyrics.sections import split_sections
from rap_platform.serving.api.problems import Unanalysable
from rap_platform.serving.api.quality.schemas import QualityAnswer, QualityQuestion, RatingInterval
from rap_platform.serving.api.services import Services
from rap_platform.training.naming import MODEL_NAME

if TYPE_CHECKING:
    import pandas as pd

PREVIEW = 80


def predict_quality(services: Services, question: QualityQuestion) -> QualityAnswer:
    """The expected rating and its interval. Raises NoModel, EncoderAway, Unanalysable."""
    # pandas and scikit-learn: most of a start, for what few ask
    from rap_platform.training.features import Unheard, features_for_text

    started = time.perf_counter()
    loaded = services.quality_model.get()
    lyrics = clean(question.lyrics).text
    try:
        row = features_for_text(lyrics, services.encoder.get(), language_of(lyrics))
    except Unheard as error:
        remedy = f"Send a song in English of at least {MINIMUM_BARS} lines."
        raise Unanalysable(f"No song that the model learned from is like this: {error}. {remedy}") from error
    rating, interval = _rated(loaded.model, row)
    return QualityAnswer(
        rating=rating,
        interval=interval,
        quality_score=(rating - 1) / 9,
        model=MODEL_NAME,
        model_version=loaded.champion.version,
        simulated=loaded.champion.simulated,
        artist=question.artist,
        lyrics_preview=split_sections(lyrics)[0].text.split("\n")[0][:PREVIEW],
        processing_time_ms=round((time.perf_counter() - started) * 1000, 1),
    )


def _rated(model: Any, row: "pd.DataFrame") -> tuple[float, RatingInterval | None]:
    from rap_platform.training.quality import LEVEL, NoInterval, predict, predict_interval

    try:
        values, low, high = predict_interval(model, row)
    except NoInterval:
        return float(predict(model, row)[0]), None
    return float(values[0]), RatingInterval(level=LEVEL, low=float(low[0]), high=float(high[0]))
