"""Predicts the rating of lyrics with exactly the features that the model learned from."""

import time

from rap_platform.lyrics.cleaning import clean
from rap_platform.lyrics.sections import split_sections
from rap_platform.serving.api.problems import Unanalysable
from rap_platform.serving.api.quality.schemas import QualityAnswer, QualityQuestion
from rap_platform.serving.api.services import Services
from rap_platform.training.naming import MODEL_NAME

PREVIEW = 80


def predict_quality(services: Services, question: QualityQuestion) -> QualityAnswer:
    """The expected rating. Raises NoModel, EncoderAway, Unanalysable."""
    # pandas and scikit-learn: most of a start, for what few ask
    from rap_platform.training.features import TEXT, features_for_text
    from rap_platform.training.quality import predict

    started = time.perf_counter()
    loaded = services.quality_model.get()
    lyrics = clean(question.lyrics).text
    sections = split_sections(lyrics)
    row = features_for_text(lyrics, services.encoder.get())
    if row[TEXT[0]].isna().any() or not sections:
        raise Unanalysable("Nothing that is sung or spoken is left after cleaning; send lines of lyrics.")
    rating = float(predict(loaded.model, row)[0])
    return QualityAnswer(
        rating=rating,
        quality_score=(rating - 1) / 9,
        model=MODEL_NAME,
        model_version=loaded.champion.version,
        simulated=loaded.champion.simulated,
        artist=question.artist,
        lyrics_preview=sections[0].text.split("\n")[0][:PREVIEW],
        processing_time_ms=round((time.perf_counter() - started) * 1000, 1),
    )
