"""How a song is built: its sections, verses and hooks. Where lines and headers are, is told by bars.py."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rap_platform.features.bars import Bar
from rap_platform.lyrics.sections import header_of, kind_of


@dataclass(frozen=True, slots=True)
class StructureFigures:
    """Sections of all kinds, verses and hooks among them; `bars_per_verse` is None where there is no verse."""

    sections: int
    verses: int
    hooks: int
    bars_per_verse: float | None


@dataclass(slots=True)
class _Part:
    kind: str | None
    bars: list[Bar]


def measure(lyrics: str, song: Sequence[Bar]) -> StructureFigures:
    """Structure of a song of at least one bar: a header opens a section, without headers a blank line does.

    A stanza without header is a hook if another says the same lines, else a verse.
    """
    parts = _parts(lyrics.split("\n"), song)
    said = Counter(_said(part) for part in parts if part.kind is None)
    kinds = [part.kind or ("hook" if said[_said(part)] > 1 else "verse") for part in parts]
    lengths = [len(part.bars) for part, kind in zip(parts, kinds, strict=True) if kind == "verse"]
    return StructureFigures(
        len(parts), len(lengths), kinds.count("hook"), sum(lengths) / len(lengths) if lengths else None
    )


def _parts(lines: Sequence[str], song: Sequence[Bar]) -> list[_Part]:
    parts: list[_Part] = []
    before = -1
    section = None
    for bar in song:
        if bar.section != section:
            label = _label(lines, before, bar.line_no)
            if label is not None or not parts or parts[-1].kind is None:
                parts.append(_Part(kind_of(label) if label is not None else None, []))
        parts[-1].bars.append(bar)
        before, section = bar.line_no, bar.section
    return parts


def _label(lines: Sequence[str], before: int, here: int) -> str | None:
    """The header nearest above line `here`, after line `before`."""
    for number in range(here - 1, before, -1):
        line = lines[number].strip()
        if line and (label := header_of(line, lines[number - 1].strip() if number else "")) is not None:
            return label
    return None


def _said(part: _Part) -> tuple[tuple[str, ...], ...]:
    return tuple([bar.words for bar in part.bars])
