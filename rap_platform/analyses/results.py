"""What an analyst may say: one typed result for all analyzers, in closed vocabularies. How it is arrived at is elsewhere."""

import re
from functools import cache
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from rap_platform.lyrics.sections import header_of

Sentiment = Literal["negative", "neutral", "positive", "mixed"]
ProfanityRating = Literal["G", "PG", "PG-13", "R", "NC-17"]
Mood = Literal[
    "aggressive", "angry", "anxious", "bitter", "boastful", "calm", "confident", "defiant", "dreamy", "energetic",
    "hopeful", "joyful", "lonely", "melancholic", "nostalgic", "playful", "reflective", "romantic", "somber", "triumphant",
]  # fmt: skip
Theme = Literal[
    "ambition", "money", "street_life", "struggle", "love", "heartbreak", "family", "friendship", "loyalty", "betrayal", "party",
    "nightlife", "fame", "faith", "death", "nature", "social_commentary", "violence", "drugs", "identity", "hip_hop_culture", "travel",
    "time", "home",
]  # fmt: skip
FailureKind = Literal[
    "too_short", "too_long", "not_english", "invalid_answer", "wrong_language", "cut_off", "no_answer", "refused"
]

MOODS: Final[tuple[str, ...]] = get_args(Mood)
THEMES: Final[tuple[str, ...]] = get_args(Theme)
SENTIMENTS: Final[tuple[str, ...]] = get_args(Sentiment)
SCORES: Final = ("quality", "complexity", "wordplay", "storytelling")
MOST_MOODS = 3
MOST_THEMES = 4
# Failures that say something of the text, not of the analyst.
UNREADABLE: Final[tuple[str, ...]] = ("too_short", "too_long", "not_english")

_WORD: Final = re.compile(r"\w+(?:['’\-]\w+)*")
_BEFORE: Final = r"(?<!\w)(?<!\w['’])"
_AFTER: Final = r"(?!\w|['’]\w)"

Score = Annotated[float, Field(ge=1, le=10, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Evidence(_Frozen):
    """A stretch of the lyrics, characters `start` to `end` (excluded), and the finding that it supports."""

    quote: Annotated[str, StringConstraints(min_length=1)]
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=1)]
    supports: Annotated[str, StringConstraints(min_length=1)]


class Call(_Frozen):
    """What a reading by an LLM took, all its requests together; what the endpoint did not tell is None, not zero."""

    raw_response: str | None = None
    repaired: bool = False
    requests: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    latency_ms: int | None = None


class Analysis(_Frozen):
    """What an analyst hears in a song; scores from 1 to 10.

    `raw_confidence` is the analyst's own number, 0 to 1: for the rules the odds of the first mood against the second, lowered where there is
    little to read; for an LLM what it says of itself. `confidence` has one meaning for all: the probability that the primary mood is right,
    calibrated on labelled verses (calibration.py); None until the analyst has earned it. `ambiguous` says that a second mood is nearly as
    near as the first; None where an analyst does not weigh its moods.
    """

    sentiment: Sentiment
    primary_mood: Mood
    moods: Annotated[list[Mood], Field(min_length=1, max_length=MOST_MOODS)]
    themes: Annotated[list[Theme], Field(max_length=MOST_THEMES)]
    profanity_rating: ProfanityRating
    quality: Score
    complexity: Score
    wordplay: Score
    storytelling: Score
    raw_confidence: Share
    confidence: Share | None = None
    ambiguous: bool | None = None
    summary: Annotated[str, StringConstraints(min_length=1)]
    evidence: list[Evidence]
    explanation: dict[str, Any]
    call: Call | None = None


class AnalysisFailure(_Frozen):
    """No analysis, and why: `kind` is one of a few, `reason` a sentence."""

    kind: FailureKind
    reason: Annotated[str, StringConstraints(min_length=1)]
    call: Call | None = None

    @property
    def error(self) -> str:
        """Kind and reason in one line, as stored."""
        return f"{self.kind}: {self.reason}"


class QuotedLine(BaseModel):
    """One piece of evidence as an LLM gives it; where it stands in the lyrics is found out by us."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    quote: Annotated[str, StringConstraints(min_length=1, max_length=300)] = Field(
        description="words copied verbatim from the lyrics, at most one or two lines"
    )
    supports: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="what they show, in a few words"
    )


class Answer(BaseModel):
    """What an LLM is asked to answer: what it noticed before how it scores, as scores written first are guesses."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, title="Analysis")

    evidence: Annotated[list[QuotedLine], Field(max_length=6)] = Field(
        description="the lines that the findings rest on"
    )
    summary: Annotated[str, StringConstraints(min_length=1, max_length=600)] = Field(
        description="what the song says and how, in one to three sentences"
    )
    themes: Annotated[list[Theme], Field(min_length=1, max_length=MOST_THEMES)] = Field(description="strongest first")
    moods: Annotated[list[Mood], Field(min_length=1, max_length=MOST_MOODS)] = Field(description="strongest first")
    primary_mood: Mood = Field(description="the first of the moods")
    sentiment: Sentiment
    profanity_rating: ProfanityRating
    complexity: Score = Field(
        description="vocabulary, sentence and rhyme structure; 1 nursery rhyme, 10 dense and intricate"
    )
    wordplay: Score = Field(description="puns, double meanings, metaphors, multisyllabic rhyme")
    storytelling: Score = Field(description="scenes, characters, a thread from first line to last")
    quality: Score = Field(description="the writing as a whole; 5 is the ordinary song, 9 and 10 are rare")
    confidence: Share = Field(description="how likely it is that primary_mood is right")

    @field_validator("summary")
    @classmethod
    def _is_storable(cls, text: str) -> str:
        if "\0" in text:
            raise ValueError("holds a NUL character")
        return text


@cache
def answer_schema() -> dict[str, Any]:
    """The JSON schema of `Answer`: every field required, nothing else allowed. Made once; not to be changed."""
    return Answer.model_json_schema()


def locate(quote: str, lyrics: str) -> tuple[int, int] | None:
    """Where `quote` stands in the lyrics, word for word whatever the white space: (start, end) in characters, or None.

    Whole words of sung lines only, and two of them at least, or the one word of a line: a single word proves nothing.
    """
    pieces = quote.split()
    words = _WORD.findall(quote)
    if not words:
        return None
    before = _BEFORE if pieces[0][0].isalnum() else ""
    after = _AFTER if pieces[-1][-1].isalnum() else ""
    lines = lyrics.split("\n")
    for found in re.finditer(before + r"\s+".join(map(re.escape, pieces)) + after, lyrics):
        first, last = (lyrics.count("\n", 0, end) for end in found.span())
        is_sung = all(header_of(lines[at], lines[at - 1] if at else "") is None for at in range(first, last + 1))
        if is_sung and (len(words) > 1 or len(_WORD.findall(lines[first])) == 1):
            return found.span()
    return None


def ordered(first: str, others: list[str], most: int) -> list[str]:
    """`first`, then the others without repetition, at most `most`."""
    return list(dict.fromkeys([first, *others]))[:most]
