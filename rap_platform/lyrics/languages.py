"""Which language a text is in; what the language means for features is decided elsewhere."""

import warnings
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

READ_CHARACTERS = 1000
LEAST_LETTERS = 20
LEAST_PROBABILITY = 0.7


@cache
def _identifier() -> "LanguageIdentifier":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def detect_language(text: str) -> str | None:
    """Give the ISO 639 code of a text's language, or None when the text is too short or the answer too unsure.

    The first 1,000 characters are read; fewer than 20 letters, or a probability below 0.7, is no answer.
    """
    sample = text[:READ_CHARACTERS]
    if sum(map(str.isalpha, sample)) < LEAST_LETTERS:
        return None
    language, probability = _identifier().classify(sample)
    return str(language) if float(probability) >= LEAST_PROBABILITY else None
