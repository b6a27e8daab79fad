"""From what an LLM wrote to an `Answer`, or the reason why it is none. Nothing is guessed: what can't be read is refused."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import json_repair
from pydantic import ValidationError

from rap_platform.analyses.results import SCORES, Answer, QuotedLine
from rap_platform.lyrics.languages import detect_language

THINK_START: Final = "<think>"
THINK_END: Final = "</think>"
MOST_ERRORS: Final = 5
LANGUAGE: Final = "en"
LEAST_LETTERS: Final = 40  # below this the language of a summary is too often guessed wrong

_CLOSING: Final = {"{": "}", "[": "]"}
_MARKS: Final = re.compile(r"""\\.|["'{}\[\]]""", re.DOTALL)
_STRING_ENDS: Final = re.compile(r"\s*[,:}\]]")
_ENDS: Final = r"""\s*(?:,\s*["'}]|})"""  # of a value: the next name, or the end of the object


class Unreadable(Exception):
    """There is no answer in the text; the message can be shown to the model."""


class WrongLanguage(Unreadable):
    """There is an answer, but not in the language that was asked for."""


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
        return Read(_in_english(first), repaired=False)
    if not first.is_syntax:
        raise Unreadable(first.message)
    mended = _validated(mend(spoken))
    if isinstance(mended, Answer):
        return Read(_in_english(mended), repaired=True)
    raise Unreadable(mended.message)


def without_thinking(text: str) -> str:
    """What follows the last </think>; some servers send only that mark. Raises Unreadable for thinking that never ends.

    A mark inside the JSON that follows, copied out of lyrics, is none: a whole answer is kept whole.
    """
    stripped = text.strip()
    if stripped.startswith("{") and _is_json(stripped):
        return stripped
    spoken = text.rpartition(THINK_END)[2] if THINK_END in text else text
    if THINK_START in spoken:
        raise Unreadable("the thinking never ended, so there is no answer")
    return spoken.strip()


def mend(text: str) -> str:
    """The JSON that json-repair makes of a text. Raises Unreadable where mending would be guessing: what broke off, goes on, or says a thing twice."""
    spoken = _object_of(text)
    for name in Answer.model_fields:
        if len(re.findall(rf"""["']{name}["']\s*:""", spoken)) > 1:
            raise Unreadable(f"{name} is given more than once")
    for name in (*SCORES, "confidence"):
        # "7 or 8" and "8 out of 10" would be mended to a number that nobody said
        if not re.search(rf"""["']{name}["']\s*:\s*-?\d+(\.\d+)?{_ENDS}""", spoken):
            raise Unreadable(f"{name} is not given as a plain number")
    for name in ("sentiment", "primary_mood", "profanity_rating"):
        if not re.search(rf"""["']{name}["']\s*:\s*["'][\w-]+["']{_ENDS}""", spoken):
            raise Unreadable(f"{name} is not given as one word")
    try:
        return str(json_repair.repair_json(spoken, skip_json_loads=True))
    except (ValueError, RecursionError) as error:
        raise Unreadable("the JSON can't be mended") from error


def _object_of(text: str) -> str:
    """The first object of a text, to the brace that ends it; braces inside of strings are letters.

    A quotation mark ends a string only before a comma, colon or bracket: small models forget to escape. Raises Unreadable for
    an object that has no end, and for words that follow it: they may take back what it says.
    """
    start = text.find("{")
    if start < 0:
        raise Unreadable("there is no JSON object in the answer")
    quote, awaited = None, []
    for mark in _MARKS.finditer(text, start):
        sign = mark[0]
        if quote is not None:
            if sign == quote and _STRING_ENDS.match(text, mark.end()):
                quote = None
        elif sign in _CLOSING:
            awaited.append(_CLOSING[sign])
        elif sign == '"' or (sign == "'" and text[mark.start() - 1] in "{[,: \t\n"):
            quote = sign
        elif sign in "]}" and awaited.pop() != sign:
            raise Unreadable("the brackets of the JSON object do not match")
        if not awaited:
            if text[mark.end() :].strip("` \t\r\n"):
                raise Unreadable("something follows the JSON object")
            return text[start : mark.end()]
    raise Unreadable("the JSON object broke off")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _in_english(answer: Answer) -> Answer:
    """The answer when what it says in its own words is English. Raises WrongLanguage."""
    letters = [letter for letter in answer.summary if letter.isalpha()]
    own_words = answer.summary
    if len(letters) < LEAST_LETTERS:  # a short one is judged by its company
        own_words = " ".join([answer.summary, *(line.supports for line in answer.evidence)])
    latin = sum(ord(letter) < 0x250 for letter in letters)
    language = detect_language(own_words, least_letters=LEAST_LETTERS)
    if 2 * latin < len(letters) or language not in (None, LANGUAGE):
        raise WrongLanguage("summary and supports are not in English; write them in English")
    return answer


class _Twice(ValueError):
    """A key stands twice in one object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise _Twice
    return dict(pairs)


@dataclass(frozen=True)
class _Fault:
    message: str
    is_syntax: bool


def _validated(text: str) -> Answer | _Fault:
    try:
        json.loads(text, object_pairs_hook=_once)
    except _Twice:
        return _Fault("a field is given more than once", is_syntax=False)
    except (ValueError, RecursionError):
        pass  # pydantic says what is wrong
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
