"""The lines of a song that are sung or spoken, each with its words. Section headers such as [Verse 1] are not bars.

What a header looks like and means is decided in lyrics/sections.py.
"""

from dataclasses import dataclass

from rap_platform.features.phonetics import Token, tokens
from rap_platform.lyrics.sections import header_of, kind_of


@dataclass(frozen=True, slots=True)
class Bar:
    """One sung line.

    `line_no` counts all lines of the lyrics from 0; `section` numbers stretches between headers or blank lines; `hook` says that the header
    names a hook; `aside` that brackets enclose the whole line; `main` counts the words before an ad-lib in brackets at the end.
    """

    line_no: int
    text: str
    words: tuple[Token, ...]
    section: int
    hook: bool
    aside: bool
    main: int

    @property
    def key(self) -> str:
        """The words alone, for telling repeated lines."""
        return " ".join([word.text for word in self.words])


def bars(lyrics: str) -> list[Bar]:
    """Every line with at least one word, in order; lines in square brackets ([Hook], [Gunshot]) are directions, not bars."""
    found: list[Bar] = []
    section, hook, opened, before = 0, False, True, ""
    for line_no, line in enumerate(lyrics.split("\n")):
        text = line.strip()
        header = header_of(text, before) if text and text[-1] in "]:)" else None
        before = text
        if header is not None:
            section, hook, opened = section + 1, kind_of(header) == "hook", False
            continue
        words = () if text[:1] == "[" and text[-1:] == "]" else tuple(tokens(line))
        if words:
            aside = text[0] == "(" and text[-1] == ")"
            found.append(Bar(line_no, line, words, section, hook, aside, _before_adlibs(line, words)))
            opened = True
        elif not text and opened:
            section, opened = section + 1, False
    return found


def _before_adlibs(line: str, words: tuple[Token, ...]) -> int:
    """How many words stand before the brackets that end a line ("count it up (yeah)"); all of them where nothing else would be left."""
    rest = line.rstrip(" .,!?")
    while rest.endswith(")") and "(" in rest:
        rest = rest[: rest.rindex("(")].rstrip(" .,!?")
    return sum(word.end <= len(rest) for word in words) or len(words)
