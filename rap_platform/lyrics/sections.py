"""Lyrics are cut into sections: by their headers, else by stanzas; what a section means is decided elsewhere."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final, Literal

from rap_platform.lyrics.identity import split_names

Kind = Literal["verse", "hook", "bridge", "intro", "outro", "interlude", "skit", "part", "other"]

MOST_LINES = 24
MOST_WORDS = 160  # a sentence encoder reads 256 word pieces, slang and old spelling take 1.5 a word
LEAST_LINES = 4

_KINDS: Final[tuple[tuple[Kind, str], ...]] = (
    (
        "interlude",
        r"interlude|interludio|zwischenspiel|intermède|intermezzo|break(?:down)?|instrumental(?: break)?|beat switch|solo|guitar solo",
    ),
    (
        "hook",
        r"(?:pre|post)[- ]?(?:chorus|hook|refrain|coro)|chorus|hook(?:line)?|refrain|refrão|refrao|estribillo|coro|ritornello|nakarat|припев",
    ),
    ("verse", r"verse|verso|couplet|strophe|part(?=\s*\d+\s*:)|strofa|estrofa|куплет|zwrotka|kıta|vers"),
    ("bridge", r"bridge|puente|pont|ponte|brücke|бридж"),
    ("intro", r"intro(?:duction)?|introducción|introdução|вступление|интро"),
    ("outro", r"outro|coda|ending|final|аутро"),
    ("skit", r"skit|spoken(?: word)?|dialogue|sample|voicemail|phone call"),
    ("part", r"part|pt\.?|parte|movement|часть|teil"),
)
_KIND: Final = re.compile(
    r"^(?:" + "|".join(f"(?P<{kind}>{words})" for kind, words in _KINDS) + r")(?![^\W\d_])", re.IGNORECASE
)
_BRACKETED = re.compile(r"^\[(?P<label>[^\[\]]{1,200})\]:?$")
_PARENTHESISED = re.compile(r"^\((?P<label>[^()]{1,60})\):?$")
_COLON = re.compile(r"^(?P<label>[^:\[\]()]{3,60}):$")
_CREDIT = re.compile(
    r"^(?:produced|prod\.?|written|mixed|directed|produit|produziert|tekst|letra|lyrics|songtext|текст|paroles)\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"\s*(?:#|no\.?|n[º°])?\s*(?:(?P<digits>\d{1,3})(?!\d|\s?x\b)|(?!x\s*\d)(?P<word>[ivx]{1,5}|[a-z]{3,5})\b)",
    re.IGNORECASE,
)
_NUMBER_WORDS: Final = {
    name: number
    for names in (
        "i ii iii iv v vi vii viii ix x xi xii",
        "one two three four five six seven eight nine ten",
    )
    for number, name in enumerate(names.split(), 1)
}
# Possessive: figures can be cut into figures in more ways than a computer can try.
_NUMBER = r"(?:\s*(?:#?\d++|[ivx]++|one|two|three|four|x\s?\d+|\d\s?x|\(x\d\)|[-–—]))*+"
_BARE_LABEL = re.compile(_KIND.pattern + _NUMBER + r"\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Section:
    """Lines `first_line` to `last_line` (from 1, both counted) of a text; `label` is the header as written, or None.

    `text` is those lines, except for a line too long for a section of its own, which several sections share.
    """

    section_no: int
    kind: Kind
    label: str | None
    number: int | None
    performers: tuple[str, ...]
    first_line: int
    last_line: int
    text: str


@dataclass(frozen=True)
class _Block:
    kind: Kind
    label: str | None
    performers: tuple[str, ...]
    first_line: int
    last_line: int


def split_sections(text: str) -> list[Section]:
    """Cut a cleaned text into sections of at most 24 lines and 160 words.

    Headers such as "[Hook: A & B]" or "Verse 2:" begin a section and belong to none. Text without headers is cut at
    blank lines; a stanza that comes again word for word is a hook, any other unlabelled text a verse without label.
    """
    lines = text.split("\n")
    words = list(accumulate((len(line.split()) for line in lines), initial=0))  # before each line and after the last
    headers = {
        number: label for number, line in enumerate(lines, 1) if (label := header_of(line, _before(lines, number)))
    }
    blocks = _labelled(lines, words, headers) if headers else _stanzas(lines, words, 1, len(lines))
    sections: list[Section] = []
    for block in blocks:
        for first, last, piece in _pieces(lines, words, block):
            number = number_of(block.label) if block.label else None
            sections.append(
                Section(len(sections) + 1, block.kind, block.label, number, block.performers, first, last, piece)
            )
    return sections


def header_of(line: str, before: str = "") -> str | None:
    """Give the label of a header line, or None for a line that is sung.

    A bracketed line of an unknown kind ("[Gunshot]") is a header only after a blank line; names and numbers alone
    ("Hook:", "(Chorus)") need a known kind.
    """
    line = line.strip()
    if found := _BRACKETED.match(line):
        label = found.group("label").strip()
        return label if label and (_KIND.match(label) or _CREDIT.match(label) or not before.strip()) else None
    if found := _PARENTHESISED.match(line) or _COLON.match(line):
        label = found.group("label").strip()
        return label if _BARE_LABEL.match(label) else None
    return None


def kind_of(label: str) -> Kind:
    """Give the kind that a header's label names, in one of several languages; other when it names none."""
    found = _KIND.match(label)
    return next((kind for kind, _ in _KINDS if found.group(kind)), "other") if found else "other"


def number_of(label: str) -> int | None:
    """Give the 2 of "Verse 2", "Couplet II" or "Part Two"; None when the header has no number ("Hook x2" is sung twice)."""
    kind = _KIND.match(label)
    found = _NUMBERED.match(label, kind.end()) if kind else None
    if found is None:
        return None
    word = found.group("word")
    if word is None:
        return int(found.group("digits")) or None
    return _NUMBER_WORDS.get(word.casefold())


def performers_of(label: str) -> tuple[str, ...]:
    """Give the performers of "Verse 1: A, B & C" (or "Verse 1 - A"); none when the header names none."""
    _, colon, names = label.partition(":")
    if not colon:
        _, colon, names = re.sub(r"\s+[-–—]\s+", "\0", label, count=1).partition("\0")
    if not colon or _CREDIT.match(label):
        return ()
    return tuple(
        dict.fromkeys(name.strip(" ()*_") for name in split_names(re.sub(r"[()]", ",", names)) if name.strip(" ()*_"))
    )


def _before(lines: list[str], number: int) -> str:
    return lines[number - 2] if number > 1 else ""


def _labelled(lines: list[str], words: list[int], headers: dict[int, str]) -> list[_Block]:
    blocks = _stanzas(lines, words, 1, min(headers) - 1)
    starts = sorted(headers)
    for start, end in zip(starts, [*starts[1:], len(lines) + 1], strict=True):
        label = headers[start]
        if _CREDIT.match(label):
            blocks.extend(_stanzas(lines, words, start + 1, end - 1))
        elif block := _trimmed(lines, _Block(kind_of(label), label, performers_of(label), start + 1, end - 1)):
            blocks.append(block)
    return blocks


def _stanzas(lines: list[str], words: list[int], first: int, last: int) -> list[_Block]:
    runs: list[tuple[int, int]] = []
    for number in range(first, last + 1):
        if lines[number - 1].strip():
            if runs and runs[-1][1] == number - 1:
                runs[-1] = (runs[-1][0], number)
            else:
                runs.append((number, number))
    times = Counter(_key(lines, run) for run in runs)
    blocks: list[_Block] = []
    for run in runs:
        kind: Kind = "hook" if times[_key(lines, run)] > 1 and run[1] > run[0] else "verse"
        block = _Block(kind, None, (), *run)
        if (
            blocks
            and _too_short(blocks[-1])
            and blocks[-1].kind == kind
            and _fits(words, blocks[-1].first_line, run[1])
        ):
            block = replace(block, first_line=blocks.pop().first_line)
        blocks.append(block)
    return blocks


def _too_short(block: _Block) -> bool:
    return block.last_line - block.first_line + 1 < LEAST_LINES


def _key(lines: list[str], run: tuple[int, int]) -> str:
    return re.sub(r"\W+", " ", " ".join(lines[run[0] - 1 : run[1]]).casefold())


def _trimmed(lines: list[str], block: _Block) -> _Block | None:
    first, last = block.first_line, block.last_line
    while first <= last and not lines[first - 1].strip():
        first += 1
    while last > first and not lines[last - 1].strip():
        last -= 1
    return replace(block, first_line=first, last_line=last) if first <= last else None


def _fits(words: list[int], first: int, last: int) -> bool:
    return last - first < MOST_LINES and words[last] - words[first - 1] <= MOST_WORDS


def _pieces(lines: list[str], words: list[int], block: _Block) -> Iterator[tuple[int, int, str]]:
    """Cut a block at blank lines where it can, else at line ends, into parts of about equal length that fit."""
    waiting = [block]
    while waiting:
        block = waiting.pop()
        first, last = block.first_line, block.last_line
        if _fits(words, first, last):
            yield first, last, "\n".join(lines[first - 1 : last])
        elif first == last:
            long = lines[first - 1].split()
            yield from ((first, first, " ".join(long[at : at + MOST_WORDS])) for at in range(0, len(long), MOST_WORDS))
        else:
            cut = _cut(lines, words, first, last)
            halves = (
                _trimmed(lines, replace(block, first_line=cut + 1)),
                _trimmed(lines, replace(block, last_line=cut)),
            )
            waiting.extend(half for half in halves if half)


def _cut(lines: list[str], words: list[int], first: int, last: int) -> int:
    """Give the line after which to cut: near the middle (of a long block: after as many lines as fit evenly), best at a blank."""
    parts = max(-(-(last - first + 1) // MOST_LINES), -(-(words[last] - words[first - 1]) // MOST_WORDS), 2)
    size = max(1, (last - first + 1) // parts)
    target = first + size - 1
    blanks = [
        number
        for number in range(max(first + 1, target - size // 2), min(last, target + size // 3 + 1))
        if not lines[number - 1].strip()
    ]
    return min(blanks, key=lambda number: abs(number - target)) if blanks else min(target, last - 1)
