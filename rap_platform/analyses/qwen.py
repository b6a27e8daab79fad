"""The LLM analyst: prompt, one re-ask, and what its answer becomes. How the endpoint is reached is in resources/llm.py."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, cast

from rap_platform.analyses.reading import THINK_END, THINK_START, Read, Unreadable, read
from rap_platform.analyses.results import (
    MOST_MOODS,
    MOST_THEMES,
    SCORES,
    Analysis,
    AnalysisFailure,
    Answer,
    Call,
    Evidence,
    FailureKind,
    Mood,
    Theme,
    answer_schema,
    locate,
    ordered,
)
from rap_platform.lyrics.sections import split_sections
from rap_platform.resources.llm import LlmClient, LlmRejected, Reply

ANALYZER: Final = "qwen"
PROMPT: Final = "analysis.v1"
LOGIC: Final = "1"  # of the reading of answers; raise it when the same answer comes to another result
MOST_CHARACTERS: Final = 12_000  # of lyrics in a prompt: about 4,000 tokens
MOST_RAW: Final = 20_000  # of a raw response that is stored

MOST_SHOWN: Final = 2_000  # of a refused answer, when the model is asked again

_SEPARATOR = "\n---\n"


@dataclass(frozen=True)
class Prompt:
    """The two messages: `system`, and `user` with the places {note}, {id} and {lyrics}."""

    system: str
    user: str


@dataclass(frozen=True)
class Excerpt:
    """The lyrics that are sent: `lines` of `of_lines`, cut between sections."""

    text: str
    lines: int
    of_lines: int

    @property
    def is_cut(self) -> bool:
        """Whether something was left out."""
        return self.lines < self.of_lines


@cache
def prompt() -> Prompt:
    """The prompt file."""
    text = resources.files("rap_platform.analyses").joinpath(f"prompts/{PROMPT}.md").read_text(encoding="utf-8")
    system, _, user = text.partition(_SEPARATOR)
    return Prompt(system.strip(), user.strip())


def prompt_version(client: LlmClient) -> str:
    """Names everything besides model and lyrics that an answer depends on: prompt, schema, parameters, reading."""
    parts = [
        prompt().system,
        prompt().user,
        json.dumps(answer_schema()),
        json.dumps(client.parameters),
        str(MOST_CHARACTERS),
    ]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
    return f"{PROMPT}.{LOGIC}-{digest}"


def analyse_text(client: LlmClient, lyrics: str) -> Analysis | AnalysisFailure:
    """Ask the LLM for an analysis; an answer that can't be read is asked for once more with the reason, then it is a failure.

    Raises LlmUnavailable, LlmRefused or LlmBudgetSpent when nothing can be said about these lyrics: they are not failures of theirs.
    """
    if not any(character.isalnum() for character in lyrics):
        return AnalysisFailure(kind="too_short", reason="no words")
    excerpt = cut(lyrics)
    turns = [user_message(excerpt)]
    replies: list[Reply] = []
    kind: FailureKind = "no_answer"
    reason = ""
    for _ in range(2):
        try:
            replies.append(client.ask(prompt().system, turns, answer_schema(), name="analysis"))
        except LlmRejected as error:
            return AnalysisFailure(
                kind="refused", reason=storable(str(error))[:500] or "no reason given", call=_call(replies)
            )
        outcome = _outcome(replies[-1])
        if isinstance(outcome, Read):
            return _analysis(outcome, lyrics, excerpt, replies)
        kind, reason = outcome
        turns += [
            _shown(replies[-1]),
            f"That answer could not be used: {reason}. Answer again, briefly, with the corrected JSON object alone.",
        ]
    return AnalysisFailure(kind=kind, reason=storable(reason), call=_call(replies))


def cut(lyrics: str, most: int = MOST_CHARACTERS) -> Excerpt:
    """The lyrics, or of a long song as many whole sections from the start as fit (whole lines where the first does not)."""
    lines = lyrics.split("\n")
    if len(lyrics) <= most:
        return Excerpt(lyrics, len(lines), len(lines))
    ends = [section.last_line for section in split_sections(lyrics)]
    kept = max((end for end in ends if _length(lines[:end]) <= most), default=0)
    if not kept:
        kept = max((n for n in range(1, len(lines) + 1) if _length(lines[:n]) <= most), default=0)
    if not kept:  # a single line without end: there is no line break to cut at
        return Excerpt(lines[0][:most].rpartition(" ")[0] or lines[0][:most], 0, len(lines))
    return Excerpt("\n".join(lines[:kept]), kept, len(lines))


def _length(lines: Sequence[str]) -> int:
    return sum(map(len, lines)) + len(lines)


def user_message(excerpt: Excerpt) -> str:
    """The user's turn: the lyrics between two marks that nobody can guess."""
    note = ""
    if excerpt.is_cut:
        note = (
            f"The text is long; these are its first {excerpt.lines} of {excerpt.of_lines} lines. Judge what is there.\n"
        )
    filled = prompt().user.replace("{note}", note).replace("{id}", _mark(excerpt.text))
    return filled.replace("{lyrics}", storable(excerpt.text))  # last, so that no place is filled inside the lyrics


def _shown(reply: Reply) -> str:
    """An answer as the model is shown it again: short, and without its thinking."""
    spoken = storable(reply.text or "").rpartition(THINK_END)[2].strip()
    return spoken[:MOST_SHOWN] if spoken and THINK_START not in spoken else "(no answer)"


def _mark(text: str) -> str:
    """A random id that does not stand in the text."""
    while (mark := secrets.token_hex(8)) in text:
        pass
    return mark


def _outcome(reply: Reply) -> Read | tuple[FailureKind, str]:
    if reply.finish_reason == "length":
        return "cut_off", "the answer was longer than the limit and broke off"
    if reply.text is None:
        return "no_answer", f"the answer is empty (finish reason {reply.finish_reason})"
    try:
        return read(reply.text)
    except Unreadable as error:
        return "invalid_answer", str(error)


def _analysis(outcome: Read, lyrics: str, excerpt: Excerpt, replies: Sequence[Reply]) -> Analysis:
    answer: Answer = outcome.answer
    evidence = []
    for line in answer.evidence:
        if found := locate(line.quote, lyrics):
            start, end = found
            evidence.append(Evidence(quote=lyrics[start:end], start=start, end=end, supports=storable(line.supports)))
    return Analysis(
        sentiment=answer.sentiment,
        primary_mood=answer.primary_mood,
        moods=cast(list[Mood], ordered(answer.primary_mood, list(answer.moods), MOST_MOODS)),
        themes=cast(list[Theme], ordered(answer.themes[0], list(answer.themes), MOST_THEMES)),
        profanity_rating=answer.profanity_rating,
        **{name: getattr(answer, name) for name in SCORES},
        raw_confidence=answer.confidence,
        summary=answer.summary,
        evidence=evidence,
        explanation={
            "mode": replies[-1].mode.value,
            "asked": len(replies),
            "evidence_given": len(answer.evidence),
            "evidence_dropped": len(answer.evidence) - len(evidence),
            **({"lines_read": excerpt.lines, "lines": excerpt.of_lines} if excerpt.is_cut else {}),
        },
        call=_call(replies, repaired=outcome.repaired),
    )


def _call(replies: Sequence[Reply], *, repaired: bool = False) -> Call | None:
    """The sums over all requests; a sum with an unknown part is unknown. The raw response is the last."""
    if not replies:
        return None
    return Call(
        raw_response=storable(replies[-1].text or "")[:MOST_RAW] or None,
        repaired=repaired,
        requests=len(replies),
        prompt_tokens=_whole([reply.prompt_tokens for reply in replies]),
        completion_tokens=_whole([reply.completion_tokens for reply in replies]),
        cost_usd=_sum([reply.cost_usd for reply in replies]),
        latency_ms=sum(reply.latency_ms for reply in replies),
    )


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _whole(values: Sequence[int | None]) -> int | None:
    total = _sum(values)
    return None if total is None else int(total)


def storable(text: str) -> str:
    """The text without what PostgreSQL can't hold: NUL characters and halves of surrogate pairs are replaced."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
