"""The habits of a small language model: what it takes for instructions, and the ways in which its answers go wrong."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

from rap_platform.world.faults import LlmFaults
from rap_platform.world.llm_reader import Reading

MOST_OF_A_SECOND_TRY = 0.3  # a model that is told what was wrong does better

# What of an answer goes wrong: at most one of these per answer, by the rates of the plan.
SPOILT = (
    "unterminated_think", "cut_off", "broken_json", "eight_of_ten", "null_content", "null_with_reasoning", "wrong_language", "prose",
)  # fmt: skip
_FOREIGN = (
    "Ein Sohn erinnert sich an harte Jahre, und die Reime tragen das ganze Lied.",
    "Un fils se souvient des années dures, et les rimes portent toute la chanson.",
    "Сын вспоминает тяжёлые годы, и рифмы держат всю песню.",
    "这首歌讲的是一个儿子回忆艰难的岁月，韵脚撑起了整首歌。",
)
_PROSE = "Here is what I found: the song is strong, I would say a solid piece of writing, 8/10."

_OPENING = re.compile(r"^[ \t]*<lyrics(?P<id>[^>\n]*)>[ \t]*\n", re.MULTILINE)
# Template marks are tokens to a server, wherever they stand: they end one message and begin another.
_TEMPLATE = re.compile(r"<\|im_end\|>|<\|im_start\|>|<\|endoftext\|>")
_COMMAND = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^\n]{0,60}\b(?:instructions?|rules?|prompt|above|before|said)\b"
    r"|\b(?:every|each|all|the|your|its)\s+(?:scores?|quality|rating)s?\b[^\n]{0,30}\b(?:is|are|be|to|of)\s+(?:10|1)\b"
    r"|\b(?:score|rate|grade)\b[^\n]{0,40}\b(?:10|1)\s*(?:/|out of)\s*10\b|\banswer\s+(?:with\s+)?10\b",
    re.IGNORECASE,
)
_WANTED = re.compile(r"(?:quality|scores?|ratings?|answer|rate|grade)\D{0,30}?(10|[1-9](?:\.5)?)\b", re.IGNORECASE)
_PLANTED = re.compile(r'"quality"\s*:\s*(10|[1-9](?:\.5)?)\b')


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message comes to: the lyrics, and all that stands outside of them, which is obeyed."""

    lyrics: str
    outside: str


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its content, its reasoning where a server tells it apart, and why it ends."""

    content: str | None
    reasoning: str | None = None
    finish_reason: Literal["stop", "length"] = "stop"


def hear(text: str, *, wants_json: bool) -> Heard | None:
    """Tell lyrics from instructions as a gullible reader does; None when there are no lyrics.

    A block that carries an id ends where that id is repeated; one without ends at the first line that looks like an end. A text
    without a block is lyrics and instructions in one, if an object is asked for at all.
    """
    spoken, *smuggled = _TEMPLATE.split(text)
    aside = "\n".join(smuggled)
    opening = _OPENING.search(spoken)
    if opening is None:
        return Heard(text, text) if wants_json and text.count("\n") >= 4 else None
    mark = re.escape(opening["id"].strip())
    ending = re.compile(rf"^[ \t]*</lyrics\s*{mark}[^\n]*$" if mark else r"^[ \t]*</lyrics[^\n]*$", re.MULTILINE)
    closing = ending.search(spoken, opening.end())
    end = closing.start() if closing else len(spoken)
    after = spoken[closing.end() :] if closing else ""
    return Heard(spoken[opening.end() : end], "\n".join((spoken[: opening.start()], after, aside)))


def obey(reading: Reading, outside: Sequence[str]) -> Reading:
    """Give the score that somebody orders outside the lyrics; whoever speaks there is believed."""
    for text in outside:
        planted = _PLANTED.search(text)
        command = _COMMAND.search(text)
        if planted is None and command is None:
            continue
        wanted = _WANTED.search(text, command.start()) if command else planted
        score = float(wanted[1]) if wanted else 10.0
        return replace(reading, quality=score, complexity=score, wordplay=score, storytelling=score)
    return reading


def answer_as_told(
    answer: Any, reading: Reading, faults: LlmFaults, chance: Random, tries: int, done: Counter[str]
) -> Said:
    """Write an answer down, spoilt as often as the plan says; what befell it is counted."""
    spoilt = _drawn(faults, chance, tries)
    if chance.random() < faults.misquote and _misquote(answer):
        done["llm.misquote"] += 1
    if spoilt == "wrong_language" and isinstance(answer, dict) and "summary" in answer:
        answer["summary"] = chance.choice(_FOREIGN)
    text = json.dumps(answer, ensure_ascii=False, indent=None if chance.random() < 0.6 else 2)
    said = _spoil(spoilt, text, reading, chance)
    if spoilt is not None:
        done[f"llm.{spoilt}"] += 1
    content = said.content
    if content is not None and spoilt != "unterminated_think":
        if chance.random() < faults.fence:
            done["llm.fence"] += 1
            content = f"```json\n{content}\n```"
        if chance.random() < faults.think:
            done["llm.think"] += 1
            thought = _thought(reading)
            head = f"{thought}\n</think>" if chance.random() < 0.2 else f"<think>\n{thought}\n</think>"
            content = f"{head}\n\n{content}"
    return replace(said, content=content)


def _drawn(faults: LlmFaults, chance: Random, tries: int) -> str | None:
    left = chance.random()
    for kind in SPOILT:
        rate = getattr(faults, kind)
        left -= rate if tries == 0 else min(MOST_OF_A_SECOND_TRY, rate)
        if left < 0:
            return kind
    return None


def _misquote(answer: Any) -> bool:
    """Turn the last quote around, if there is one."""
    evidence = answer.get("evidence") if isinstance(answer, dict) else None
    if (
        not isinstance(evidence, list)
        or not evidence
        or not isinstance(evidence[-1], dict)
        or "quote" not in evidence[-1]
    ):
        return False
    evidence[-1]["quote"] = " ".join(reversed(str(evidence[-1]["quote"]).split()))
    return True


def _spoil(kind: str | None, text: str, reading: Reading, chance: Random) -> Said:
    match kind:
        case "unterminated_think":
            return Said(f"<think>\n{_thought(reading)} So it may be {text}", None, chance.choice(("length", "stop")))
        case "cut_off":
            return Said(text[: int(len(text) * chance.uniform(0.3, 0.95))], None, "length")
        case "broken_json":
            return Said(
                chance.choice(
                    (
                        text[: int(len(text) * chance.uniform(0.3, 0.8))],
                        text.replace('"', "'"),
                        text.replace("}", ",", 1),
                    )
                )
            )
        case "eight_of_ten":
            return Said(re.sub(r'"quality":\s*([\d.]+)', r'"quality": \1/10', text))
        case "null_content":
            return Said(None)
        case "null_with_reasoning":
            return Said(None, text)
        case "prose":
            return Said(_PROSE)
    return Said(text)


def _thought(reading: Reading) -> str:
    mood = reading.moods[0]
    return f"Okay, the user wants an analysis. The song seems {mood}. Let me look at {{the rhymes}} first and then the themes."
