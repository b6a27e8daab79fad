"""From what an LLM wrote to an `Answer`, or the reason why it is none. Nothing is guessed: what can't be read is refused."""

import re
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from rap_platform.analyses.results import Answer, QuotedLine

THINK_START: Final = "<think>"
THINK_END: Final = "</think>"
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n?\s*```", re.DOTALL | re.IGNORECASE)
MOST_ERRORS: Final = 5


class Unreadable(Exception):
    """There is no answer in the text; the message can be shown to the model."""


@dataclass(frozen=True)
class Read:
    """An answer, and whether its JSON had to be mended first."""

    answer: Answer
    repaired: bool


def read(text: str) -> Read:
    """Read an answer: thinking is dropped, then the JSON is taken as it is, and only if that fails mended. Raises Unreadable."""
    spoken = without_thinking(text)
    if not spoken:
        raise Unreadable("the answer is empty")
    first = _validated(spoken)
    if isinstance(first, Answer):
        return Read(first, repaired=False)
    if not first.is_syntax:
        raise Unreadable(first.message)
    mended = _validated(mend(spoken))
    if isinstance(mended, Answer):
        return Read(mended, repaired=True)
    raise Unreadable(mended.message)


def without_thinking(text: str) -> str:
    """What follows the last </think>; some servers send only that mark. Raises Unreadable for thinking that never ends."""
    spoken = text.rpartition(THINK_END)[2] if THINK_END in text else text
    if THINK_START in spoken:
        raise Unreadable("the thinking never ended, so there is no answer")
    return spoken.strip()


def mend(text: str) -> str:
    """The JSON object in a text: without fences and words around it, and without commas before a closing bracket."""
    fenced = _FENCED.search(text)
    inner = fenced.group(1) if fenced else text
    start, end = inner.find("{"), inner.rfind("}")
    return _without_trailing_commas(inner[start : end + 1]) if 0 <= start < end else inner


def _without_trailing_commas(text: str) -> str:
    """Drop commas before } and ], but not those inside strings."""
    kept: list[str] = []
    quoted = escaped = False
    for character in text:
        if not quoted and character in "}]":
            while kept and kept[-1].isspace():
                kept.pop()
            if kept and kept[-1] == ",":
                kept.pop()
        kept.append(character)
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = quoted
        elif character == '"':
            quoted = not quoted
    return "".join(kept)


@dataclass(frozen=True)
class _Fault:
    message: str
    is_syntax: bool


def _validated(text: str) -> Answer | _Fault:
    try:
        return Answer.model_validate_json(text)
    except ValidationError as error:
        # Without the input: what a model wrote, or copied from the lyrics, is not quoted back as an instruction.
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        shown = "; ".join(f"{_place(fault['loc'])}: {fault['msg']}" for fault in faults[:MOST_ERRORS])
        return _Fault(shown, is_syntax=any(fault["type"] == "json_invalid" for fault in faults))


def _place(location: tuple[int | str, ...]) -> str:
    """Where a fault is; a field that we do not know is not named, as its name is the model's."""
    known = {*Answer.model_fields, *QuotedLine.model_fields}
    return (
        ".".join(str(part) if isinstance(part, int) or part in known else "unknown field" for part in location)
        or "answer"
    )
