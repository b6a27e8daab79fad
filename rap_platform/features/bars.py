"""The lines of a song that are sung or spoken, each with its words. Section headers such as [Verse 1] are not bars.

What a header looks like and means is decided in lyrics/sections.py.
"""

from dataclasses import dataclass

from rap_platform.features.phonetics import Token, tokens, words
from rap_platform.lyrics.sections import header_of, kind_of


@dataclass(frozen=True, slots=True)
class Bar:
    """One sung line.

    `line_no` counts all lines of the lyrics from 0; `words` are in lower case; `section` numbers stretches between headers or blank lines;
    `hook` says that the header names a hook; `aside` that brackets enclose the whole line; `main` counts the words before an ad-lib in
    brackets at the end.
    """

    line_no: int
    text: str
    words: tuple[str, ...]
    section: int
    hook: bool
    aside: bool
    main: int

    @property
    def tokens(self) -> list[Token]:
        """The words with their places in the line; looked up when asked for, as figures need words alone."""
        return tokens(self.text)


def bars(lyrics: str) -> list[Bar]:
    """Every line with at least one word, in order; lines in square brackets ([Hook], [Gunshot]) are directions, not bars."""
    found: list[Bar] = []
    section, hook, opened, before = 0, False, True, ""
    for line_no, line in enumerate(lyrics.split("\n")):
        text = line.strip()
        bracketed = text[-1:] in ("]", ":", ")")
        header = header_of(text, before) if bracketed and text else None
        before = text
        if header is not None:
            section, hook, opened = section + 1, kind_of(header) == "hook", False
            continue
        sung = () if text[:1] == "[" and text[-1:] == "]" else tuple(words(line))
        if sung:
            main = _before_adlibs(line) if ")" in line else len(sung)
            found.append(Bar(line_no, line, sung, section, hook, main == 0, main or len(sung)))
            opened = True
        elif not text and opened:
            section, opened = section + 1, False
    return found


def _before_adlibs(line: str) -> int:
    """How many words stand before the brackets that end a line ("count it up (yeah)")."""
    rest = line.rstrip(" .,!?")
    while rest.endswith(")") and "(" in rest:
        rest = rest[: rest.rindex("(")].rstrip(" .,!?")
    return len(words(rest))
