"""Which lines of a section to show for a question, which of them answer it, and which characters to mark. Pure."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rap_platform.embeddings.search.question import Line
from rap_platform.embeddings.search.soundalikes import Alike
from rap_platform.embeddings.search.terms import Terms
from rap_platform.embeddings.search.words import Held

SHOWN = 5
WORD_WEIGHT = 1.0  # a line that holds every word of the question beats any likeness
SOUND_WEIGHT = 0.7  # the same for one that sounds like it
MARK_SHARE = 0.85  # lines nearly as good as the best one are marked with it


@dataclass(frozen=True)
class Evidence:
    """What of the question one line holds: words, what sounds like it, and its likeness (a cosine) to the whole."""

    held: Sequence[Held] = ()
    alike: Sequence[Alike] = ()
    likeness: float = 0.0


@dataclass(frozen=True)
class Excerpt:
    """Consecutive lines, the question's words that the matched ones hold, and the pairs of words that sound alike in them."""

    lines: list[Line]
    words: tuple[str, ...]
    sounds: tuple[tuple[str, str], ...]


def excerpt(
    texts: Sequence[str],
    evidence: Sequence[Evidence],
    weights: Mapping[str, float],
    *,
    first_line: int,
    shown: int = SHOWN,
) -> Excerpt:
    """Up to `shown` consecutive lines around the best one; empty lines never match.

    `weights` has the share of each of the question's words, together 1 (see `word_weights`). Held words are marked in all lines
    shown, what only sounds alike in those that match.
    """
    if not texts:
        return Excerpt([], (), ())
    scores = [score(line, weights) for line in evidence]
    filled = [index for index, text in enumerate(texts) if text.strip()] or [0]
    best = max(filled, key=lambda index: scores[index])
    matched = {index for index in filled if scores[index] >= MARK_SHARE * scores[best]} if scores[best] > 0 else {best}
    start = _start(best, matched, len(texts), shown)
    window = range(start, min(start + shown, len(texts)))
    lines = [
        Line(
            first_line + index,
            texts[index],
            index in matched,
            _spans(texts[index], evidence[index], heard=index in matched),
        )
        for index in window
    ]
    answering = [evidence[index] for index in window if index in matched]
    words = {held.word for line in answering for held in line.held}
    sounds = dict.fromkeys((alike.asked, alike.sung) for line in answering for alike in line.alike)
    return Excerpt(lines, tuple(sorted(words)), tuple(sounds))


def word_weights(terms: Terms) -> dict[str, float]:
    """The share of each of the question's words in finding it, by how rare its stems are, together 1; stop words have none."""
    weights = {
        word: sum(terms.lexemes.get(lexeme, 0.0) for lexeme in terms.stems.get(word, ())) for word in terms.words
    }
    total = sum(weights.values())
    return {word: weight / total for word, weight in weights.items() if weight > 0}


def score(line: Evidence, weights: Mapping[str, float]) -> float:
    """How well a line answers the question, from 0: 1 for all of its words."""
    words = sum(weights.get(word, 0.0) for word in {held.word for held in line.held})
    heard = {word for alike in line.alike for word in alike.asked.split()}
    sounds = sum(weights.get(word, 0.0) for word in heard - {held.word for held in line.held})
    return WORD_WEIGHT * words + SOUND_WEIGHT * sounds + line.likeness


def _spans(text: str, line: Evidence, *, heard: bool) -> tuple[tuple[int, int], ...]:
    """The characters to mark, in order; what overlaps is one, and an accent goes with its letter."""
    spans = [(held.start, held.end) for held in line.held]
    if heard:
        spans += [(alike.start, alike.end) for alike in line.alike]
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        end = stop
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _start(best: int, matched: set[int], count: int, shown: int) -> int:
    """Where the excerpt begins: it holds the best line, as many matched ones as fit, and has the best line near its middle."""
    starts = range(max(0, best - shown + 1), min(best, max(0, count - shown)) + 1)
    middle = best - shown // 2
    return max(
        starts, key=lambda start: (sum(start <= index < start + shown for index in matched), -abs(start - middle))
    )
