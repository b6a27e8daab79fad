"""An analysis as a page for the terminal: the song with its rhymes marked, the figures beside what is usual, evidence. Prints nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rich.cells import cell_len, chop_cells
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from rap_platform.analyses.results import SCORES, Analysis
from rap_platform.features.analysis import LyricFeatures
from rap_platform.features.groups import Span, letter
from rap_platform.features.multis import Multi
from rap_platform.features.schemes import SectionScheme
from rap_platform.features.usual import USUAL, Usual
from rap_platform.lyrics.sections import header_of

# Backgrounds on which black is easy to read, neighbours far apart in hue; the second round is underlined.
_COLOURS: Final = (
    "#ffd75f", "#87d7ff", "#ff9f9f", "#a5e887", "#d7afff", "#ffb469", "#7fe5d5", "#ff9fe0", "#d5e36a", "#9fb6ff",
)  # fmt: skip
_GUESSED = 0.1  # a larger share of words that no dictionary has is worth a word
_WIDE = 110  # columns from which the figures stand side by side
_RULED = 72  # columns from which the rulers fit
_BAR = 17


class _Row(NamedTuple):
    label: str
    figure: str
    unit: str = ""


_LEFT: Final = (
    ("rhyme", (
        _Row("rhyme density", "rhyme_density"),
        _Row("rhymes per line", "rhymes_per_line"),
        _Row("internal per line", "internal_rhymes_per_line"),
        _Row("links into the next line", "link_rhymes_per_line"),
        _Row("bridges across lines", "bridge_rhymes_per_line"),
        _Row("chained syllables per line", "chain_rhymes_per_line"),
        _Row("multisyllabic", "multisyllabic_share", "%"),
        _Row("line ends that rhyme", "end_rhyme_share", "%"),
        _Row("rhyme factor (Malmi)", "rhyme_factor"),
    )),
    ("flow", (
        _Row("syllables per line", "syllables_per_line"),
        _Row("their spread", "syllables_per_line_sd"),
        _Row("syllables per word", "syllables_per_word"),
        _Row("new words in a line", "novel_word_share", "%"),
        _Row("pauses per line", "pauses_per_line"),
        _Row("regular beat", "stress_regularity", "%"),
    )),
)  # fmt: skip
_RIGHT: Final = (
    ("words", (
        _Row("different words", "distinct_words"),
        _Row("diversity (MTLD), in words", "mtld"),
        _Row("rare words", "rare_word_share", "%"),
        _Row("lines said before", "repeated_line_share", "%"),
        _Row("school grade, a line as sentence", "flesch_kincaid_grade_line_as_sentence"),
    )),
    ("devices", (
        _Row("alliteration per line", "alliteration_per_line"),
        _Row("assonance per line", "assonance_per_line"),
        _Row("consonance per line", "consonance_per_line"),
        _Row("lines that begin alike", "anaphora_share", "%"),
        _Row("similes per 100 lines", "similes_per_100_lines"),
    )),
)  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """All that a page shows of one song; `groups` as from features.groups.rhyme_groups, `multis` the strongest first."""

    title: str
    lyrics: str
    analysis: Analysis
    features: LyricFeatures
    groups: Sequence[Sequence[Span]]
    multis: Sequence[Multi]


def page(reading: Reading, *, width: int, coloured: bool) -> RenderableType:
    """The whole page for a terminal of `width` columns; without colour each rhyming word has its group's letter under it."""
    return Group(
        Rule(Text(reading.title, style="bold")),
        _opening(reading),
        "",
        Rule(Text(f"rhymes: one {'colour' if coloured else 'letter'}, one sound"), align="left"),
        *_song(reading, _steady(reading), width, coloured=coloured),
        "",
        *_strongest(reading.multis),
        Rule(Text(f"figures and what is usual{' (├─┤)' if width >= _RULED else ''}"), align="left"),
        _figures(reading.features, width),
        "",
        Rule(Text("what it rests on"), align="left"),
        _evidence(reading),
        *_notes(reading),
    )  # fmt: skip


# --- head ------------------------------------------------------------------------------------------------------------------------


def _opening(reading: Reading) -> RenderableType:
    said, heard = reading.analysis, reading.features
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    grid.add_row("mood", Text(f"{', '.join(map(_plain, said.moods))} ({said.sentiment})"))
    grid.add_row("about", Text(", ".join(map(_plain, said.themes)) or "nothing in particular"))
    grid.add_row("built of", Text(_built(heard)))
    grid.add_row("language", Text(_language(heard)))
    for name in SCORES:
        score = getattr(said, name)
        grid.add_row(name, Text(f"{score:4.1f} ") + _filled((score - 1) / 9))
    return Group(Padding(Text(said.summary, style="italic"), (0, 0, 1, 0)), grid)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _built(heard: LyricFeatures) -> str:
    parts = [_counted(heard.verses, "verse"), _counted(heard.hooks, "hook")]
    if heard.bars_per_verse:
        parts[0] += f" of {heard.bars_per_verse:.3g} bars" + " on average" * ((heard.verses or 0) > 1)
    others = (heard.sections or 0) - (heard.verses or 0) - (heard.hooks or 0)
    return ", ".join([*filter(None, parts), *([_counted(others, "other section")] if others else [])]) + (
        f"; {heard.bars} bars, {heard.words} words"
    )  # fmt: skip


def _counted(count: int | None, noun: str) -> str:
    return "" if not count else f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _language(heard: LyricFeatures) -> str:
    found = [span.strength for span in heard.profanities or ()]
    if not found:
        return f"{heard.profanity_rating}, clean"
    counts = ", ".join(f"{found.count(level)} {level}" for level in ("severe", "strong", "mild") if level in found)
    return f"{heard.profanity_rating}: {counts}; {heard.profanity_per_100_words:.1f} in 100 words"


def _filled(share: float, width: int = 18) -> Text:
    full = round(min(1.0, max(0.0, share)) * width)
    return Text("█" * full, style="magenta") + Text("░" * (width - full), style="dim")


# --- song ------------------------------------------------------------------------------------------------------------------------


def _steady(reading: Reading) -> list[list[Span]]:
    """The rhyme groups with those of a line said again joined to those of its first time, so that a hook keeps its colours."""
    parent: dict[int, int] = {}

    def root(group: int) -> int:
        while (above := parent.get(group, group)) != group:
            group = above
        return group

    first: dict[str, Sequence[Span]] = {}
    for line, spans in zip(reading.lyrics.split("\n"), reading.groups, strict=True):
        known = {span.start: span.group for span in first.setdefault(line.strip().lower(), spans)}
        for span in spans:
            if span.start in known:
                low, high = sorted((root(known[span.start]), root(span.group)))
                parent[high] = low
    parent = {group: root(group) for group in list(parent)}
    numbers: dict[int, int] = {}
    return [
        [span._replace(group=numbers.setdefault(parent.get(span.group, span.group), len(numbers))) for span in spans]
        for spans in reading.groups
    ]


def _song(reading: Reading, groups: Sequence[Sequence[Span]], width: int, *, coloured: bool) -> Iterator[Text]:
    """Each line of the lyrics, headers with the scheme of what follows; without headers the scheme stands over the first line."""
    lines = reading.lyrics.split("\n")
    schemes = {section.line_no: section for section in reading.features.section_schemes or ()}
    waiting: str | None = None  # a header whose section has not begun
    before = ""
    for number, line in enumerate(lines):
        text = line.strip()
        label = header_of(text, before) if text else None
        before = text
        if label is not None:
            if waiting is not None:
                yield _heading(waiting, None)
            waiting = label
            continue
        if number in schemes:
            yield _heading(waiting, schemes[number])
            waiting = None
        if text:
            yield from _line(line, groups[number], width, coloured=coloured)
        elif waiting is None:
            yield Text("")
    if waiting is not None:
        yield _heading(waiting, None)


def _heading(label: str | None, section: SectionScheme | None) -> Text:
    heading = Text(f"[{label}]  " if label else "", style="bold")
    if section is None:
        return heading
    scheme = section.scheme + (" ..." if section.bars > len(section.scheme) else "")
    bars = f"{section.bars} bar" + "s" * (section.bars > 1)
    return heading.append(f"{bars}, {scheme}" if section.bars > 1 else bars, style="dim")


def _line(line: str, spans: Sequence[Span], width: int, *, coloured: bool) -> Iterator[Text]:
    text = line.expandtabs(1)
    if coloured:
        marked = Text(text)
        for span in spans:
            marked.stylize(_style(span.group), span.start, span.end)
        yield marked
        return
    for start, end in _pieces(text, width):
        yield Text(text[start:end])
        under = ""
        for span in spans:
            if start <= span.start < end:
                under = under.ljust(max(cell_len(text[start : span.start]), len(under) + bool(under)))
                under += letter(span.group)
        if under:
            yield Text(under, style="dim")


def _style(group: int) -> str:
    second = group // len(_COLOURS) % 2
    return f"{'underline ' if second else ''}black on {_COLOURS[group % len(_COLOURS)]}"


def _pieces(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Where to break a line so that each piece fits into `width` cells, at spaces where there are any."""
    start = 0
    while cell_len(text[start:]) > width:
        fits = start + max(1, len(chop_cells(text[start:], width)[0]))
        space = text.rfind(" ", start + 1, fits + 1)
        end = space if space > start else fits
        yield start, end
        start = end + (end == space)
    yield start, len(text)


def _strongest(multis: Sequence[Multi]) -> Iterator[RenderableType]:
    if not multis:
        return
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for place, multi in enumerate(multis):
        lines = sorted({multi.first_line + 1, multi.second_line + 1})
        where = f"line{'s' * (len(lines) > 1)} {' and '.join(map(str, lines))}"
        grid.add_row(
            "" if place else "longest rhymes",
            Text.assemble(
                multi.first, (" / ", "dim"), multi.second, (f"  {multi.syllables} syllables, {where}", "dim")
            ),
        )
    yield grid
    yield ""


# --- figures ---------------------------------------------------------------------------------------------------------------------


def _figures(heard: LyricFeatures, width: int) -> RenderableType:
    if width < _WIDE:
        return _side(heard, (*_LEFT, *_RIGHT), ruled=width >= _RULED)
    both = Table.grid(padding=(0, 4))
    both.add_row(_side(heard, _LEFT), _side(heard, _RIGHT))
    return both


def _side(heard: LyricFeatures, groups: Sequence[tuple[str, Sequence[_Row]]], *, ruled: bool = True) -> Table:
    """The figures in rows; without rulers a narrow terminal still shows every value and what is usual."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=ruled)
    grid.add_column(justify="right", no_wrap=True)
    if ruled:
        grid.add_column(no_wrap=True)
    grid.add_column(style="dim", no_wrap=ruled)
    for name, rows in groups:
        grid.add_row(Text(name, style="bold"))
        for row in rows:
            value = getattr(heard, row.figure)
            usual = USUAL.get(row.figure)
            known = usual is not None and value is not None
            ruler = _place(usual.place(value)) if usual is not None and known else Text("")
            grid.add_row(
                Text(f"  {row.label}"),
                Text("none" if value is None else _shown(value, row.unit)),
                *([ruler] if ruled else []),
                Text(_range(usual, row.unit)) if usual is not None else Text(""),
            )
    return grid


def _shown(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value:.0%}"
    return str(value) if isinstance(value, int) else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _range(usual: Usual, unit: str) -> str:
    low, high = (_shown(value, unit).removesuffix("%") for value in (usual.low, usual.high))
    return f"{low} to {high}{unit}"


def _place(place: float) -> Text:
    """A ruler: the usual range in the middle half, the value as a dot, an arrow where it lies beyond the ruler."""
    quarter = _BAR // 4
    bar = list(" " * quarter + "├" + "─" * (_BAR - 2 * quarter - 2) + "┤" + " " * quarter)
    at = quarter + round(place * (_BAR - 2 * quarter - 1))
    mark = "◀" if at < 0 else "▶" if at >= _BAR else "●"
    at = min(_BAR - 1, max(0, at))
    bar[at] = mark
    ruler = Text("".join(bar), style="dim")
    ruler.stylize("not dim bold green" if 0 <= place <= 1 else "not dim bold yellow", at, at + 1)
    return ruler


# --- evidence and notes ----------------------------------------------------------------------------------------------------------


def _evidence(reading: Reading) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(justify="right", no_wrap=True, style="dim")
    grid.add_column()
    for piece in reading.analysis.evidence:
        line = reading.lyrics.count("\n", 0, piece.start) + 1
        grid.add_row(Text(_plain(piece.supports)), Text(f"line {line}"), Text(piece.quote))
    return grid


def _notes(reading: Reading) -> Iterator[RenderableType]:
    heard = reading.features
    notes = []
    if heard.status == "low_confidence":
        notes.append(f"Low confidence: {heard.reason}.")
    if (heard.out_of_vocabulary_share or 0) > _GUESSED:
        notes.append(f"{heard.out_of_vocabulary_share:.0%} of the words are in no dictionary; their sound is guessed.")
    earned = reading.analysis.confidence
    worth = "" if earned is None else f"; of verses read as surely as this one the first mood was right in {earned:.0%}"
    notes.append(f"Read by rules, not by a person{worth}.")
    notes.append("Usual: Hirjee and Brown 2010 (603 songs; 25 rappers), Malmi et al. 2016. All figures: --json.")
    yield ""
    for note in notes:
        yield Text(note, style="dim")
