"""Which words a song uses and how often it says the same again. Sound plays no part here."""

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rap_platform.features.bars import Bar

WINDOW_WORDS = 50


@dataclass(frozen=True, slots=True)
class VocabularyFigures:
    """Shares are 0 to 1; `mattr_50` is None below WINDOW_WORDS words."""

    words: int
    type_token_ratio: float
    mattr_50: float | None
    novel_word_share: float | None
    hook_share: float
    compression_ratio: float


def measure(song: Sequence[Bar]) -> VocabularyFigures:
    """Vocabulary of a song of at least one bar."""
    words = [word for bar in song for word in bar.words]
    text = "\n".join(" ".join(bar.words) for bar in song).encode()
    return VocabularyFigures(
        words=len(words),
        type_token_ratio=len(set(words)) / len(words),
        mattr_50=moving_ratio(words, WINDOW_WORDS),
        novel_word_share=novel_word_share(song),
        hook_share=hook_share(song),
        compression_ratio=len(text) / len(zlib.compress(text, 9)),
    )


def moving_ratio(words: Sequence[str], window: int) -> float | None:
    """Mean share of distinct words over all windows of `window` words (Covington and McFall, 2010); None for a shorter text."""
    if len(words) < window:
        return None
    counts = Counter(words[:window])
    distinct = len(counts)
    total = distinct
    for leaving, coming in zip(words, words[window:], strict=False):
        counts[coming] += 1
        distinct += counts[coming] == 1
        counts[leaving] -= 1
        distinct -= counts[leaving] == 0
        total += distinct
    return total / ((len(words) - window + 1) * window)


def novel_word_share(song: Sequence[Bar]) -> float | None:
    """Mean over lines of the share of words that the line before does not have; None for one line."""
    if len(song) < 2:
        return None
    shares = []
    before = set(song[0].words)
    for bar in song[1:]:
        shares.append(sum(word not in before for word in bar.words) / len(bar.words))
        before = set(bar.words)
    return sum(shares) / len(shares)


def hook_share(song: Sequence[Bar]) -> float:
    """Share of lines that stand in a section headed as hook, chorus or refrain, or that the song repeats word by word."""
    times = Counter(bar.words for bar in song)
    return sum(bar.hook or times[bar.words] > 1 for bar in song) / len(song)
