"""Lyrics line by line with the words that rhyme, ready to be coloured."""

from collections import Counter

from pydantic import BaseModel, Field

from rap_platform.features.bars import bars
from rap_platform.features.rhyme import hear, rhyme_groups

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


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
    texts = lyrics.split("\n")
    audible = _audible(lyrics)
    found = [
        [span for span in spans if (line, span.start) in audible] for line, spans in enumerate(rhyme_groups(lyrics))
    ]
    sizes = Counter(span.group for spans in found for span in spans)
    numbers: dict[int, int] = {}
    for spans in found:
        for span in spans:
            if sizes[span.group] > 1:
                numbers.setdefault(span.group, len(numbers))
    return [
        Line(
            line_no=line_no,
            text=text,
            spans=[
                RhymeSpan(start=span.start, end=span.end, group=numbers[span.group], letter=letter(numbers[span.group]))
                for span in sorted(spans)
                if span.group in numbers
            ],
        )
        for line_no, (text, spans) in enumerate(zip(texts, found, strict=True), start=1)
    ]


def _audible(lyrics: str) -> set[tuple[int, int]]:
    """(line counted from 0, first character) of each word with a stressed syllable or at the end of a bar: "the" and "a" are neither."""
    sound = hear(bars(lyrics))
    stressed = {sound.words[at] for at, syllable in enumerate(sound.syllables) if syllable.stress}
    final = {
        sound.words[end - 1] for (begin, _), end in zip(sound.bar_slices, sound.bar_ends, strict=True) if end > begin
    }
    return {(sound.bars[bar].line_no, start) for bar, start, _ in (sound.word_spans[word] for word in stressed | final)}


def letter(number: int) -> str:
    """A, B, ... Z, AA, AB, ... for 0, 1, ..."""
    before, at = divmod(number, len(LETTERS))
    return (letter(before - 1) if before else "") + LETTERS[at]
