"""The LLM analyst: prompt, one re-ask, and what its answer becomes. How the endpoint is reached is in resources/llm.py."""

import hashlib
import json
import re
import secrets
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import accumulate
from typing import Final, cast

from rap_platform.analyses.reading import Read, Unreadable, WrongLanguage, read, without_thinking
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
from rap_platform.resources.llm_ledger import storable

ANALYZER: Final = "qwen"
PROMPT: Final = "analysis.v1"
PROMPT_NAME: Final = "rap_analysis"  # in MLflow's prompt registry
LOGIC: Final = "3"  # of the reading of answers; raise it when the same answer comes to another result
MOST_CHARACTERS: Final = 12_000  # of lyrics in a prompt: about 4,000 tokens
LONGEST_LINE: Final = 24_000  # a first line that is longer than the rest may be is sent whole up to this
MOST_RAW: Final = 20_000  # of a raw response that is stored

MOST_SHOWN: Final = 2_000  # of a refused answer, when the model is asked again

_SEPARATOR = "\n---\n"
# Marks by which servers tell messages and thinking apart; many take them for such wherever they stand in a text.
_TEMPLATE_MARK = re.compile(
    r"<(?=[|｜])"  # ChatML, Llama 3, Phi; DeepSeek, with a wide bar
    r"|<(?=/?(?:think\b|tool_call|tool_response|lyrics|s>|start_of_turn|end_of_turn|bos>|eos>|sop>)|</?SYS>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|THINK|gMASK)\])",
    re.IGNORECASE,
)


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


class TooLong(Exception):
    """The first line alone is longer than what can be sent, and lines are not cut."""


@cache
def prompt_text() -> str:
    """The prompt file as it is."""
    return resources.files("rap_platform.analyses").joinpath(f"prompts/{PROMPT}.md").read_text(encoding="utf-8")


@cache
def prompt() -> Prompt:
    """The two messages of the prompt file."""
    system, _, user = prompt_text().partition(_SEPARATOR)
    return Prompt(system.strip(), user.strip())


def prompt_version(client: LlmClient) -> str:
    """Names everything besides model and lyrics that an answer depends on: prompt, schema, parameters, reading."""
    parts = [
        prompt().system,
        prompt().user,
        json.dumps(answer_schema()),
        json.dumps(client.parameters),
        str(MOST_CHARACTERS),
        _TEMPLATE_MARK.pattern,
    ]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
    return f"{PROMPT}.{LOGIC}-{digest}"


def analyse_text(
    client: LlmClient, lyrics: str, *, fresh: bool = False, believed: set[str] | None = None
) -> Analysis | AnalysisFailure:
    """Ask the LLM for an analysis; an answer that can't be read is asked for once more with the reason, then it is a failure.

    What was answered before is not asked again, unless `fresh`. With `believed`, digests of requests, only those are not asked
    again; what is answered now is added to them.
    Raises LlmUnavailable, LlmRefused or LlmBudgetSpent when nothing can be said about these lyrics: they are not failures of theirs.
    """
    if not any(character.isalnum() for character in lyrics):
        return AnalysisFailure(kind="too_short", reason="no words")
    try:
        excerpt = cut(lyrics)
    except TooLong as error:
        return AnalysisFailure(kind="too_long", reason=str(error))
    turns = [user_message(excerpt)]
    about = f"{prompt_version(client)} {_digest(excerpt.text)}"
    replies: list[Reply] = []
    kind: FailureKind = "no_answer"
    reason = ""
    for _ in range(2):
        request = client.request_sha256(about)
        anew = fresh or (believed is not None and request not in believed)
        try:
            replies.append(
                client.ask(prompt().system, turns, answer_schema(), name="analysis", about=about, fresh=anew)
            )
        except LlmRejected as error:
            return AnalysisFailure(
                kind="refused", reason=storable(str(error))[:500] or "no reason given", call=_call(replies)
            )
        if believed is not None:
            believed.add(request)
        outcome = _outcome(replies[-1])
        if isinstance(outcome, Read):
            return _analysis(outcome, lyrics, excerpt, replies)
        kind, reason = outcome
        turns += [_shown(replies[-1]), _complaint(reason)]
        about = f"{about} {_digest(turns[-2] + turns[-1])}"
        client.count(reasked=len(replies) == 1)
    return AnalysisFailure(kind=kind, reason=storable(reason), call=_call(replies))


def _complaint(reason: str) -> str:
    return f"That answer could not be used: {reason}. Answer again, in English, briefly, with the corrected JSON object alone."


def cut(lyrics: str, most: int = MOST_CHARACTERS) -> Excerpt:
    """The lyrics, or of a long song as many whole sections from the start as fit (whole lines where the first does not).

    No line is cut: a first line that does not fit is sent alone and whole. Raises TooLong beyond LONGEST_LINE.
    """
    lines = lyrics.split("\n")
    if len(lyrics) <= most:
        return Excerpt(lyrics, len(lines), len(lines))
    ends = [section.last_line for section in split_sections(lyrics)]
    kept = max((end for end in ends if _length(lines[:end]) <= most), default=0)
    if not _length(lines[:kept]) > kept:  # no section, or nothing but blank lines
        sums = accumulate(len(line) + 1 for line in lines)
        kept = max((number for number, total in enumerate(sums, start=1) if total <= most), default=0)
    if not any(line.strip() for line in lines[:kept]):
        kept = 1 + next(number for number, line in enumerate(lines) if line.strip())
        if len(lines[kept - 1]) > LONGEST_LINE:
            raise TooLong(
                f"line {kept} has {len(lines[kept - 1])} characters; lines are not cut, and {LONGEST_LINE} can be sent"
            )
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
    return filled.replace(
        "{lyrics}", defused(storable(excerpt.text))
    )  # last, so that no place is filled inside the lyrics


def defused(lyrics: str) -> str:
    """The lyrics with a space inside what a server, or a careless reader, could take for the end of a message or of the lyrics."""
    return _TEMPLATE_MARK.sub(lambda mark: f"{mark[0]} ", lyrics)


def _shown(reply: Reply) -> str:
    """An answer as the model is shown it again: short, without its thinking, and without marks that would end its turn."""
    try:
        spoken = without_thinking(storable(reply.text or ""))
    except Unreadable:
        spoken = ""
    return defused(spoken[:MOST_SHOWN]) or "(no answer)"


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
    except WrongLanguage as error:
        return "wrong_language", str(error)
    except Unreadable as error:
        return "invalid_answer", str(error)


def _analysis(outcome: Read, lyrics: str, excerpt: Excerpt, replies: Sequence[Reply]) -> Analysis:
    answer: Answer = outcome.answer
    evidence = []
    for line in answer.evidence:
        if found := locate(line.quote, lyrics) or _locate_defused(line.quote, lyrics):
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
            **({"remembered": True} if all(reply.cached for reply in replies) else {}),
            **({"lines_read": excerpt.lines, "lines": excerpt.of_lines} if excerpt.is_cut else {}),
        },
        call=_call(replies, repaired=outcome.repaired),
    )


def _locate_defused(quote: str, lyrics: str) -> tuple[int, int] | None:
    """Where a quote stands in the lyrics that was copied from them as they were sent, with spaces inside of marks."""
    marks = [mark.end() for mark in _TEMPLATE_MARK.finditer(lyrics)]
    spaces = [end + number for number, end in enumerate(marks)]  # where they stand in what was sent
    found = locate(quote, defused(lyrics)) if marks else None
    if found is None:
        return None
    start, end = found
    return start - bisect_left(spaces, start), end - bisect_left(spaces, end)


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


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
