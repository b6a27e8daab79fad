"""Lyrics line by line with the words that rhyme, ready to be coloured."""

from pydantic import BaseModel, Field

from rap_platform.features.groups import letter, rhyme_groups


class RhymeSpan(BaseModel):
    """A word that rhymes: characters `start` to `end` (exclusive) of its line; words of one group sound alike."""

    start: int
    end: int
    group: int
    letter: str = Field(description="The group as people write it: A to Z, then AA, AB, ...")


class Line(BaseModel):
    """A line of lyrics; lines are counted from 1, empty ones and headers included."""

    line_no: int
    text: str
    spans: list[RhymeSpan]


def rhyme_lines(lyrics: str) -> list[Line]:
    """Every line of the lyrics with the rhymes that one hears; groups are numbered from 0 in order of appearance."""
    lines = zip(lyrics.split("\n"), rhyme_groups(lyrics), strict=True)
    return [
        Line(
            line_no=line_no,
            text=text,
            spans=[
                RhymeSpan(start=span.start, end=span.end, group=span.group, letter=letter(span.group)) for span in spans
            ],
        )
        for line_no, (text, spans) in enumerate(lines, start=1)
    ]
