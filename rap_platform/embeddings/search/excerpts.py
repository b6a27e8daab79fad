"""Which lines of a section to show for a query, and which of them to mark. Pure."""

from collections.abc import Sequence

from rap_platform.embeddings.search.question import Line

SHOWN = 5
WORD_WEIGHT = 1.0  # a line that holds every word of the query beats any likeness
MARK_SHARE = 0.85  # lines nearly as good as the best one are marked with it


def excerpt(
    texts: Sequence[str],
    words: Sequence[Sequence[str]],
    likeness: Sequence[float],
    *,
    asked: int,
    first_line: int,
    shown: int = SHOWN,
) -> tuple[list[Line], tuple[str, ...]]:
    """Up to `shown` consecutive lines around the best one, and the query's words that the marked ones hold.

    `words` are the query's words in each line, `likeness` a cosine per line, `asked` the number of words in the query
    that are not stop words. Empty lines are never marked.
    """
    if not texts:
        return [], ()
    scores = [WORD_WEIGHT * len(held) / max(1, asked) + float(like) for held, like in zip(words, likeness, strict=True)]
    filled = [index for index, text in enumerate(texts) if text.strip()] or [0]
    best = max(filled, key=lambda index: scores[index])
    marked = {index for index in filled if scores[index] >= MARK_SHARE * scores[best]} if scores[best] > 0 else {best}
    start = _start(best, marked, len(texts), shown)
    lines = [
        Line(first_line + index, texts[index], index in marked)
        for index in range(start, min(start + shown, len(texts)))
    ]
    held = sorted({word for line in lines if line.matched for word in words[line.line_no - first_line]})
    return lines, tuple(held)


def _start(best: int, marked: set[int], count: int, shown: int) -> int:
    """Where the excerpt begins: it holds the best line, as many marked lines as fit, and has the best line near its middle."""
    starts = range(max(0, best - shown + 1), min(best, max(0, count - shown)) + 1)
    middle = best - shown // 2
    return max(
        starts, key=lambda start: (sum(start <= index < start + shown for index in marked), -abs(start - middle))
    )
