"""What can be asked of the search and what it answers. Pure: how it is found is in finding.py."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, get_args

from rap_platform.features.profanity import Rating

MAX_CHARACTERS = 2000
MAX_LIMIT = 100
RATINGS: tuple[str, ...] = get_args(Rating)  # mildest first
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

Side = Literal["meaning", "words", "sound"]
SIDES: tuple[Side, ...] = ("meaning", "words", "sound")


class SearchError(ValueError):
    """The question can't be answered as it was put; the message says what to change."""


@dataclass(frozen=True)
class Filters:
    """What a hit must be; None leaves it open. Mood, theme and rating are those of the analysis that speaks for the track.

    `artist` is the one whose song it is, `include_features` counts songs where that artist is a guest too; `featuring` and
    `not_featuring` name guests; `rating` is the strongest that is wanted ("PG" finds G and PG).
    """

    artist: str | None = None
    include_features: bool | None = None
    featuring: str | None = None
    not_featuring: str | None = None
    year_from: int | None = None
    year_to: int | None = None
    language: str | None = None
    mood: str | None = None
    theme: str | None = None
    rating: str | None = None
    explicit: bool | None = None
    simulated: bool | None = None

    def set_names(self) -> tuple[str, ...]:
        """The names of the filters that are set."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) is not None)


@dataclass(frozen=True)
class Question:
    """A search: what the song says or means, what it must not be like, filters, and the page wanted.

    Words of `text` in double quotes must stand together in the section found, by their stems and with stop words as gaps; where
    they do so nowhere the quotes are ignored.

    `cursor` is the `next_cursor` of the page before, of the same question. `sides` leaves ways of finding out, for measuring.
    """

    text: str
    but_not: str | None = None
    filters: Filters = field(default_factory=Filters)
    limit: int = 10
    cursor: str | None = None
    sides: tuple[Side, ...] = SIDES


@dataclass(frozen=True)
class Line:
    """A line of a song: its number (from 1), its text, whether the question found it, and the characters [start, end) to mark."""

    line_no: int
    text: str
    matched: bool
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Why:
    """How a hit was found: its rank on each side (from 1; None when not found there), and what fits.

    `cosine` is that of the section's vector; `words` are the question's words that the section holds; `sounds` are pairs of a
    word asked for and the word sung that sounds like it.
    """

    meaning_rank: int | None
    cosine: float | None
    words_rank: int | None
    words: tuple[str, ...]
    sound_rank: int | None
    sounds: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Hit:
    """A track with its best section; `score` is the fused reciprocal rank, 1 when all sides put it first."""

    track_id: int
    artist: str
    title: str
    year: int | None
    score: float
    simulated: bool
    section_no: int
    kind: str
    lines: list[Line]
    why: Why


@dataclass(frozen=True)
class Page:
    """Hits, best first; `next_cursor` asks for more (None at the end); `corrected` maps words as asked to the words looked for."""

    hits: list[Hit]
    next_cursor: str | None
    corrected: Mapping[str, str]
    encoder: str


@dataclass(frozen=True)
class Found:
    """A section as one side found it. `original_id` is the track that its track is a copy of, else its own.

    `score` orders the hits of one side: cosine for meaning, summed log inverse frequency of what is held for words and sound.
    `coverage` is the share of the question, by that weight, that the section holds, 0 to 1; 1 for meaning.
    """

    section_id: int
    track_id: int
    original_id: int
    score: float
    coverage: float


def checked_text(text: str) -> str:
    """The question's text without blanks around it; raises SearchError when there is nothing to search for."""
    text = text.strip()
    if not text:
        raise SearchError("the query is empty: write a few words or a line you remember")
    if "\x00" in text:
        raise SearchError("the query holds a NUL character: remove it")
    if _half_a_character(text):
        raise SearchError("the query holds half a character (a lone surrogate): type it anew")
    if len(text) > MAX_CHARACTERS:
        raise SearchError(f"the query has {len(text)} characters, at most {MAX_CHARACTERS} are read: shorten it")
    return text


def _half_a_character(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def check(question: Question) -> None:
    """Raise SearchError for an empty, too long or malformed question and for filters that contradict each other."""
    checked_text(question.text)
    if question.but_not is not None and checked_text(question.but_not).casefold() == question.text.strip().casefold():
        raise SearchError("the same text is wanted and unwanted: change one of them")
    if not 1 <= question.limit <= MAX_LIMIT:
        raise SearchError(f"limit is {question.limit}, must be 1 to {MAX_LIMIT}")
    if not question.sides or set(question.sides) - set(SIDES):
        raise SearchError(f"sides are {', '.join(question.sides) or 'none'}, must be some of {', '.join(SIDES)}")
    filters = question.filters
    if filters.year_from is not None and filters.year_to is not None and filters.year_from > filters.year_to:
        raise SearchError(f"no year is from {filters.year_from} on and up to {filters.year_to}: swap them")
    if filters.rating is not None and filters.rating not in RATINGS:
        raise SearchError(f"rating is {filters.rating}, must be one of {', '.join(RATINGS)}")
    if filters.include_features is not None and filters.artist is None:
        raise SearchError("include_features belongs to artist: name the artist")
    for name in filters.set_names():
        value = getattr(filters, name)
        if isinstance(value, str) and ("\x00" in value or not value.strip() or _half_a_character(value)):
            raise SearchError(f"the filter {name} is empty or holds a NUL or half a character")
        if isinstance(value, int) and not -32768 <= value <= 32767:
            raise SearchError(f"the filter {name} is {value}, which is no year")
