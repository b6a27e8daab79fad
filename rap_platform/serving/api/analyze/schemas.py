"""What can be sent to /analyze and what it answers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from rap_platform.serving.api.rhymes import Line
from rap_platform.serving.api.text import EXAMPLE_LYRICS, Body, Lyrics

Analyzer = Literal["qwen", "rule_based"]


class AnalysisQuestion(Body):
    """Lyrics to be analysed."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"lyrics": EXAMPLE_LYRICS, "analyzer": "qwen"}]}
    )

    lyrics: Lyrics
    analyzer: Analyzer = Field(
        "qwen",
        description="qwen asks the LLM and falls back to the rules when it cannot answer; rule_based asks the rules.",
    )
    use_cache: bool = Field(True, description="false: analyse anew even if the answer is known.")


class Finding(BaseModel):
    """A stretch of the lyrics, characters `start` to `end` (excluded), and the finding that it supports."""

    quote: str
    start: int
    end: int
    supports: str


class AnalysisOut(BaseModel):
    """Scores from 1 to 10, moods and themes from fixed lists strongest first, and the lines that they rest on."""

    sentiment: str
    primary_mood: str
    moods: list[str]
    themes: list[str]
    profanity_rating: str
    quality: float
    complexity: float
    wordplay: float
    storytelling: float
    confidence: float | None = Field(
        description="The probability that the primary mood is right, calibrated on labelled verses, the same for every analyst; "
        "null until this analyst has earned one. 0 to 1."
    )
    raw_confidence: float = Field(
        description="The analyst's own number, 0 to 1: what an LLM says of itself, or the rules' odds of the first mood against the second."
    )
    ambiguous: bool | None = Field(
        description="Whether a second mood is nearly as near as the first; null when the analyst does not weigh its moods."
    )
    low_confidence: bool = Field(
        description="Whether the text is so short (fewer than 30 lines) that figures of rhyme and flow are noisy."
    )
    summary: str
    evidence: list[Finding]
    explanation: dict[str, Any] = Field(description="The parts that the scores are made of.")


EXAMPLE: JsonDict = {
    "success": True,
    "analysis": {
        "sentiment": "mixed",
        "primary_mood": "reflective",
        "moods": ["reflective", "hopeful"],
        "themes": ["family", "struggle"],
        "profanity_rating": "G",
        "quality": 6.1,
        "complexity": 5.2,
        "wordplay": 4.9,
        "storytelling": 6.0,
        "confidence": 0.42,
        "raw_confidence": 0.8,
        "ambiguous": None,
        "low_confidence": True,
        "summary": "A child of a poor house learns to read by the light that a mother keeps.",
        "evidence": [{"quote": "my mother kept the lamp on", "start": 104, "end": 130, "supports": "family"}],
        "explanation": {},
    },
    "error": None,
    "analyzer": "qwen",
    "model": "qwen/qwen3-4b-fp8",
    "prompt_version": "1",
    "simulated": False,
    "cached": False,
    "fallback_reason": None,
    "rhymes": [
        {
            "line_no": 1,
            "text": "each one a debt I paid",
            "spans": [{"start": 18, "end": 22, "group": 0, "letter": "A"}],
        }
    ],
    "processing_time_ms": 812.5,
    "timestamp": "2026-11-23T07:00:00Z",
}


class AnalysisAnswer(BaseModel):
    """An analysis, who made it and how; or why there is none."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    success: bool
    analysis: AnalysisOut | None = Field(
        description="null when the analyst could not analyse the text; error says why."
    )
    error: str | None = Field(description="Why there is no analysis, for example that the text is too short to score.")
    analyzer: Analyzer = Field(description="Who made this analysis; after a fallback not the one that was asked for.")
    model: str
    prompt_version: str
    simulated: bool = Field(description="Whether the stand-in LLM of the simulated world made it.")
    cached: bool = Field(description="true only when this very answer came out of the cache.")
    fallback_reason: str | None = Field(
        description="Why the rules answered in place of the LLM; null when they did not."
    )
    rhymes: list[Line] = Field(description="Every line with the stretches that rhyme.")
    processing_time_ms: float
    timestamp: datetime
