"""Which language a text and its sections are in; what the language means for features is decided elsewhere."""

import warnings
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from rap_platform.lyrics.sections import split_sections

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

READ_CHARACTERS = 1000
LEAST_LETTERS = 20
LEAST_SECTION_LETTERS = 40  # a line or two is too often guessed wrong
LEAST_PROBABILITY = 0.7


@cache
def _identifier() -> "LanguageIdentifier":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def detect_language(text: str, *, least_letters: int = LEAST_LETTERS) -> str | None:
    """Give the ISO 639 code of a text's language, or None when the text is too short or the answer too unsure.

    The first 1,000 characters are read; fewer than `least_letters` letters, or a probability below 0.7, is no answer.
    """
    sample = text[:READ_CHARACTERS]
    if _letters(sample) < least_letters:
        return None
    language, probability = _identifier().classify(sample)
    return str(language) if float(probability) >= LEAST_PROBABILITY else None


def section_languages(sections: Sequence[str]) -> list[str | None]:
    """Give the language of each section of a song; fewer than 40 letters are no answer. A repeated hook is read once."""
    known = {text: detect_language(text, least_letters=LEAST_SECTION_LETTERS) for text in dict.fromkeys(sections)}
    return [known[text] for text in sections]


def song_language(sections: Sequence[str], languages: Sequence[str | None]) -> str | None:
    """Give the language in which most letters of a song are sung, over all its sections.

    A song in two languages has the one it is mostly in, however it begins. Where no section is long enough to tell, the
    whole text is read; None when that is no answer either.
    """
    letters = Counter[str]()
    for text, language in zip(sections, languages, strict=True):
        if language is not None:
            letters[language] += _letters(text)
    return letters.most_common(1)[0][0] if letters else detect_language("\n".join(sections))


def language_of(lyrics: str) -> str | None:
    """Give the language of lyrics with line breaks and headers, as a track's is given; None when it can't be told."""
    sections = [section.text for section in split_sections(lyrics)]
    return song_language(sections, section_languages(sections))


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))
