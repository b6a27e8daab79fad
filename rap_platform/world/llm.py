"""The stand-in for a small language model behind an OpenAI-compatible API. It reads lyrics by rules of thumb of its own.

It knows neither the hidden truth nor the platform's analyses; its habits (thinking aloud, fences, broken JSON) are those of small models.
"""

import asyncio
import json
import re
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from rap_platform.world import truth
from rap_platform.world.faults import FaultState

MODEL = "qwen/qwen3-4b-fp8"
LATENCY_S = 0.004
_LYRICS = re.compile(r"^[ \t]*<lyrics[^\n]*\n(.*?)^[ \t]*</lyrics", re.DOTALL | re.MULTILINE)
_SCHEMA = re.compile(r"```json\s*(\{.*?\})\s*```", re.DOTALL)
_SWEARS = {"damn": 1, "goddamn": 1, "hell": 1, "ass": 2, "sorry-ass": 2, "shit": 3, "bitch": 4, "fuck": 5, "fucking": 5}
_THEMES = {
    "ambition": "climb ladder dream top future build plan alarm throne somebody office rungs chase goal key resume",
    "money": "money dollar dollars bank check rent bill bills wallet cash price pay paid atm account penny pennies coupon tax debt landlord",
    "street_life": "corner block street stoop sidewalk hydrant bodega curb hood pager streetlight hustler dice siren sirens",
    "struggle": "hungry hunger heater patched roof double shift ramen broke cold couch unpaid eviction interviews worries snooze",
    "love": "love kiss smile heart dance danced rose dress laugh toothbrush blanket name sundress bouquet sweetheart",
    "heartbreak": "goodbye left without alone voicemail text gone empty deleted locks waved number sleep broke",
    "family": "mother mama grandma uncle brother sister auntie cousin pops son family kitchen father aunties",
    "friendship": "friend friends we shared joke split laughed knucklehead jokes handshake bike booth",
    "loyalty": "loyal loyalty word stand stayed real oath trust rope plate promise ride table soldier",
    "betrayal": "snake snakes knife lie lied sold two-faced back smiled mask judas secret trust fingerprints",
    "party": "party dance floor bass speaker speakers dj cups punch glitter grill cake birthday confetti",
    "nightlife": "night club bar neon bouncer cab cabbie jukebox moon drink midnight skyline",
    "fame": "camera cameras famous autograph fans magazine spotlight stage carpet interview signed flash",
    "faith": "lord god pray prayed prayer church amen angel choir deacon mercy psalm preacher devil halo",
    "death": "buried grave rest funeral headstone ashes casket voicemail mural goodbye candles ghost wake",
    "nature": "river rain thunder moon ocean tree trees wind mountain clouds seed snow creek moss pigeons stars",
    "social_commentary": "senator mayor vote voted school system poor jail lawyer zip tax factory history news policy",
    "violence": "gun bullet fight blood siren war scars ambulance tape beef revenge vigil coroner",
    "drugs": "sober clean pills pill bottle habit high craving sponsor smoke pipe needle relapse coin",
    "identity": "name mirror accent masks skin passport myself form box hair tongue label born voice",
    "hip_hop_culture": "rhyme mic beat verse bars cypher crates vinyl dj flow turntable freestyle rap pen needle snare metaphors",
    "travel": "bus train map road city suitcase motel miles gate ferry border postcard highway plane",
    "time": "clock years year watch old yesterday tomorrow hour younger time blinked summers grey",
    "home": "home porch door kitchen couch key hallway radiator neighbors room mailbox mat curtains",
}
_MOODS = {
    "aggressive": "kick bark bit swing mercy eat brutal savage ruthless roaring move",
    "angry": "slammed tired boil temper furious grind lied enough burning seething",
    "anxious": "check lock pace worried restless trembling shaky thoughts sleepless jittery phone",
    "bitter": "congratulations toast funny sour receipts poisoned spoiled teeth cold",
    "boastful": "best number king fly diamond platinum flawless champion taught premiere",
    "calm": "breathe slow easy quiet gentle soft kettle tea still porch",
    "confident": "sure steady walk sign know worth bet solid chin bold told",
    "defiant": "won't no never rules fence break bow shrink rebel untamed",
    "dreamy": "float dream dreamt moon clouds swim stars lake weightless sway",
    "energetic": "jump bouncing run move shake up turn wired sprinting",
    "hopeful": "tomorrow light seeds rising saved good brand-new change one early",
    "joyful": "laugh laughed danced sun birthday smile happy balloons dancing sunny",
    "lonely": "echo alone empty phone talk listens one polish unanswered single",
    "melancholic": "rain grey slow blue leaves quiet tired fading train wilted",
    "nostalgic": "remember back tape childhood old summers rewound bikes vintage radio",
    "playful": "goldfish silly knock moonwalk joke beatbox cartoon goofy sock squeaky",
    "reflective": "learning wrong mirror older listen owe honest careful think list",
    "romantic": "candle close perfume kiss love jukebox candlelit velvet low hold",
    "somber": "bells buried black flag heavy softly breath silent solemn coats",
    "triumphant": "won win cup parade crowned victory ring lift golden made",
}
_BRIGHT = frozenset("calm confident dreamy energetic hopeful joyful playful romantic triumphant boastful".split())
_DARK = frozenset("angry anxious bitter lonely melancholic somber aggressive".split())
_STOCK = frozenset(
    "i i'm you it's do we they my me know day night time life way all like get got one never keep feel good real work top best hate style "
    "team everything nothing always".split()
)


class Message(BaseModel):
    """A chat message; content may come in parts."""

    model_config = ConfigDict(extra="allow")

    role: str
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        """All text parts."""
        if isinstance(self.content, list):
            return "".join(str(part.get("text", "")) for part in self.content)
        return self.content or ""


class ChatRequest(BaseModel):
    """What the endpoint reads of a chat completion request; other fields are ignored."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    response_format: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the model makes of lyrics; scores 1..10."""

    quality: float
    complexity: float
    wordplay: float
    storytelling: float
    confidence: float
    themes: list[str]
    moods: list[str]
    sentiment: str
    profanity: str
    quotes: list[tuple[str, str]]


def _tail(word: str) -> str:
    """The end of a word from its last group of vowels on: rhyme as a careless reader sees it."""
    found = re.search(r"[aeiouy]+[^aeiouy]*e?$", word)
    return found[0] if found else word[-2:]


def read(lyrics: str) -> Reading:
    """Read lyrics by rules of thumb with a noise that depends on the text alone."""
    lines = [line.strip() for line in lyrics.splitlines() if line.strip() and not line.strip().startswith("[")]
    words = re.findall(r"[a-z'-]+", lyrics.casefold())
    chance = truth.stream("reader", lyrics)
    ends = [re.sub(r"\([^)]*\)", "", line).strip().strip(",.?!'\"").casefold().rsplit(" ", 1)[-1] for line in lines]
    unique = list(dict.fromkeys(lines))
    rhymed = sum(
        any(
            _tail(ends[place]) == _tail(ends[place - back]) and ends[place] != ends[place - back]
            for back in (1, 2)
            if place >= back
        )
        for place in range(len(ends))
    ) / max(1, len(ends))
    start = words[:300]
    variety = len(set(start)) / max(1, len(start))
    length = sum(map(len, words)) / max(1, len(words))
    stock = sum(word in _STOCK for word in words) / max(1, len(words))
    long_ends = sum(len(end) > 7 for end in ends) / max(1, len(ends))
    images = sum(" like " in f" {line.casefold()} " for line in unique) / max(1, len(unique))
    inner: float = sum(
        len({_tail(word) for word in row}) < len(set(row))
        for row in (re.findall(r"[a-z]{4,}", line.casefold()) for line in unique)
    )
    inner /= max(1, len(unique))
    skill = (
        2.8 * (rhymed - 0.39)
        + 3 * (variety - 0.56)
        + 1.3 * (length - 4.22)
        - 9 * (stock - 0.154)
        + 1.0 * (long_ends - 0.38)
        + 1.5 * (inner - 0.2)
    )
    skill = min(2.5, max(-2.5, skill))
    short = -2.0 if len(words) < 60 else 0.0

    def score(value: float) -> float:
        return min(10.0, max(1.0, round(2 * value) / 2))

    counts = Counter(words)
    themes = _ranked(_THEMES, counts, chance, 0.5)
    moods = _ranked(_MOODS, counts, chance, 1.2)
    swearing = max((_SWEARS[word] for word in counts if word in _SWEARS), default=0)
    picked = chance.sample(unique, min(len(unique), chance.randint(2, 3))) if unique else []
    first = moods[0]
    clear = min(1.0, len(words) / 200)
    return Reading(
        score(5.9 + 1.1 * skill + short + chance.gauss(0, 0.62)),
        score(5.4 + 1.1 * skill + 2 * (long_ends - 0.2) + short + chance.gauss(0, 0.9)),
        score(5.5 + 0.9 * skill + 2 * (images - 0.3) + short + chance.gauss(0, 1.0)),
        score(5.5 + 0.4 * skill + 5 * (_past(words) - 0.05) + short + chance.gauss(0, 1.0)),
        round(min(0.95, max(0.35, chance.gauss(0.55 + 0.2 * clear, 0.1))), 2),
        themes[: chance.randint(1, 3)],
        moods[: chance.randint(1, 3)],
        "positive"
        if first in _BRIGHT and chance.random() < 0.75
        else "negative"
        if first in _DARK and chance.random() < 0.75
        else chance.choice(("neutral", "mixed")),
        "G"
        if not swearing
        else "PG"
        if swearing == 1
        else "PG-13"
        if swearing == 2
        else "R"
        if swearing < 5
        else "NC-17",
        [
            (line, f"{'theme' if place == 0 else 'mood'}: {themes[0] if place == 0 else first}")
            for place, line in enumerate(picked)
        ],
    )


def _past(words: list[str]) -> float:
    return sum(
        word.endswith("ed") or word in ("was", "were", "had", "told", "left", "came", "went") for word in words
    ) / max(1, len(words))


def _ranked(banks: dict[str, str], counts: Counter[str], chance: Random, noise: float) -> list[str]:
    scores = {
        name: sum(min(3, counts[word]) for word in bank.split()) ** 0.8 + abs(chance.gauss(0, noise))
        for name, bank in banks.items()
    }
    return sorted(scores, key=lambda name: -scores[name])


def _resolve(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Follow $ref, and take the first branch of anyOf, oneOf and allOf that is not null."""
    for _ in range(20):
        if isinstance(reference := schema.get("$ref"), str):
            target: Any = root
            for part in reference.removeprefix("#/").split("/"):
                target = target.get(part, {}) if isinstance(target, dict) else {}
            schema = target if isinstance(target, dict) else {}
            continue
        branches = next((schema[name] for name in ("anyOf", "oneOf", "allOf") if schema.get(name)), None)
        if branches is None:
            return schema
        schema = next((branch for branch in branches if branch.get("type") != "null"), branches[0])
    return schema


def _answer(schema: dict[str, Any], root: dict[str, Any], name: str, reading: Reading, depth: int = 0) -> Any:
    """A value for a schema, from the reading where the name is known."""
    schema = _resolve(schema, root)
    if "const" in schema:
        return schema["const"]
    low, high = (
        schema.get("minimum", schema.get("exclusiveMinimum")),
        schema.get("maximum", schema.get("exclusiveMaximum")),
    )
    known = _known(name, reading)
    if allowed := schema.get("enum"):
        wanted = known if isinstance(known, list) else [known]
        return next((value for value in wanted if value in allowed), allowed[0])
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        if depth > 4:
            return {}
        return {
            key: _answer(value, root, key, reading, depth + 1) for key, value in schema.get("properties", {}).items()
        }
    if kind == "array":
        items = _resolve(schema.get("items", {}), root)
        most = int(schema.get("maxItems", 4))
        if items.get("type") == "object" or "properties" in items:
            return [
                {
                    key: _evidence(key, quote, why, _resolve(value, root))
                    for key, value in items.get("properties", {}).items()
                }
                for quote, why in reading.quotes
            ][:most]
        wanted = known if isinstance(known, list) else [] if known is None else [known]
        allowed = items.get("enum")
        chosen = [value for value in wanted if not allowed or value in allowed]
        if not chosen and allowed and schema.get("minItems", 0):
            chosen = [allowed[0]]
        return chosen[:most]
    if kind in ("number", "integer"):
        value = (
            float(known) if isinstance(known, int | float) else ((low or 0) + (high if high is not None else 10)) / 2
        )
        if isinstance(known, int | float) and high is not None and high <= 1 and known > 1:
            value = (known - 1) / 9
        value = max(value, low) if low is not None else value
        value = min(value, high) if high is not None else value
        return round(value) if kind == "integer" else round(value, 2)
    if kind == "boolean":
        return False
    if kind == "null":
        return None
    text = known[0] if isinstance(known, list) and known else known if isinstance(known, str) else _summary(reading)
    return str(text)[: int(schema.get("maxLength", 600))]


def _evidence(key: str, quote: str, why: str, schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        subject = why.split(": ")[-1]
        return next((value for value in schema["enum"] if value in (subject, why.split(": ")[0])), schema["enum"][0])
    if schema.get("type") in ("number", "integer"):
        return 0
    return (quote if "quote" in key or key in ("text", "line") else why)[: int(schema.get("maxLength", 300))]


def _known(name: str, reading: Reading) -> Any:
    name = name.casefold()
    if "evidence" in name or "quote" in name:
        return [quote for quote, _ in reading.quotes]
    if "mood" in name:
        return reading.moods
    if "theme" in name:
        return reading.themes
    if "sentiment" in name:
        return reading.sentiment
    if "profan" in name or "explicit" in name:
        return reading.profanity
    if "confid" in name or "certain" in name:
        return reading.confidence
    for part in ("complexity", "wordplay", "storytelling", "quality"):
        if part in name:
            return getattr(reading, part)
    return None


def _summary(reading: Reading) -> str:
    chance = truth.stream("summary", *reading.quotes, *reading.themes)
    theme, mood = reading.themes[0].replace("_", " "), reading.moods[0]
    more = f" with an eye on {reading.themes[1].replace('_', ' ')}" if len(reading.themes) > 1 else ""
    end = chance.choice(
        (
            "The images carry it.",
            "The rhymes do most of the work.",
            "It leans on its hook.",
            "The details are the best of it.",
            "It moves from line to line by ear.",
        )
    )
    return f"A {mood} song about {theme}{more}. {end}"


def _plain(text: str) -> str:
    """An answer to anything that is not about lyrics."""
    asked = " ".join(text.split())
    if re.match(r"(hi|hello|hey)\b", asked, re.IGNORECASE):
        return "Hello! I am the simulated model of this world. Send me lyrics and I will read them."
    if re.search(r"\b(ping|ready|test)\b", asked, re.IGNORECASE):
        return "Ready."
    return (
        "I am a simulated model: I read rap lyrics by rules of thumb and know little else. "
        f"You wrote {len(asked.split())} words; put lyrics between <lyrics> and </lyrics> and I will analyse them."
    )


def _schema(request: ChatRequest) -> dict[str, Any] | None:
    asked = request.response_format or {}
    if asked.get("type") == "json_schema":
        found = asked.get("json_schema", {}).get("schema")
        if isinstance(found, dict):
            return found
    for message in request.messages:
        for block in re.findall(r"```(?:json)?\s*\n(.*?)```", message.text, re.DOTALL):
            try:
                found = json.loads(block)
            except ValueError:
                continue
            if isinstance(found, dict) and ("properties" in found or "$defs" in found):
                return found
    return None


_DEFAULT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "evidence": {
            "type": "array",
            "items": {"type": "object", "properties": {"quote": {"type": "string"}, "supports": {"type": "string"}}},
        },
        "summary": {"type": "string"},
        "sentiment": {"type": "string"},
        "primary_mood": {"type": "string"},
        "moods": {"type": "array", "items": {"type": "string"}},
        "themes": {"type": "array", "items": {"type": "string"}},
        "profanity_rating": {"type": "string"},
        **{
            name: {"type": "number", "minimum": 1, "maximum": 10}
            for name in ("quality", "complexity", "wordplay", "storytelling")
        },
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
}


def complete(request: ChatRequest, state: FaultState) -> str:
    """The content of the answer."""
    faults = state.plan.llm
    said = next(
        (
            message.text
            for message in reversed(request.messages)
            if message.role == "user" and _LYRICS.search(message.text)
        ),
        None,
    )
    last = next(
        (message.text for message in reversed(request.messages) if message.role == "user"), request.messages[-1].text
    )
    if said is None:
        return _plain(last)
    lyrics = found[1] if (found := _LYRICS.search(said)) else ""
    reading = read(lyrics)
    tries = sum(message.role == "assistant" for message in request.messages)
    schema = _schema(request) or _DEFAULT_SCHEMA
    answer = _answer(schema, schema, "", reading)
    chance = truth.stream(state.plan.seed, "habits", lyrics, tries)
    evidence = answer.get("evidence") if isinstance(answer, dict) else None
    if (
        chance.random() < faults.misquote
        and isinstance(evidence, list)
        and evidence
        and isinstance(evidence[-1], dict)
        and "quote" in evidence[-1]
    ):
        evidence[-1]["quote"] = " ".join(reversed(str(evidence[-1]["quote"]).split()))
    text = json.dumps(answer, ensure_ascii=False, indent=None if chance.random() < 0.6 else 2)
    broken = chance.random() < (faults.broken_json if tries == 0 else min(0.3, faults.broken_json))
    if broken:
        match chance.randrange(4):
            case 0:
                text = text[: int(len(text) * chance.uniform(0.3, 0.8))]
            case 1:
                text = text.replace('"', "'")
            case 2:
                text = re.sub(r'"quality":\s*([\d.]+)', r'"quality": \1/10', text)
            case _:
                text = "Here is what I found: the song is strong, I would say a solid piece of writing."
    if chance.random() < faults.fence:
        text = f"```json\n{text}\n```"
    if chance.random() < faults.think:
        thought = f"Okay, the user wants an analysis. The song seems {reading.moods[0]}. Let me look at {{the rhymes}} first and then the themes."
        text = f"{thought}\n</think>\n\n{text}" if chance.random() < 0.2 else f"<think>\n{thought}\n</think>\n\n{text}"
    return text


def _tokens(text: str) -> int:
    return max(1, round(len(text) / 3.9))


def router(state: FaultState) -> APIRouter:
    """Routes under /llm/v1."""
    routes = APIRouter()

    @routes.get("/llm/v1/models")
    def models() -> dict[str, Any]:
        return {
            "object": "list",
            "data": [
                {
                    "id": MODEL,
                    "object": "model",
                    "created": 1_745_000_000,
                    "owned_by": "simulated",
                    "context_size": 32_768,
                    "features": ["structured-outputs"],
                }
            ],
        }

    @routes.post("/llm/v1/chat/completions", response_model=None)
    async def chat(request: ChatRequest) -> Response:
        if request.model != MODEL:
            return JSONResponse(
                {
                    "error": {
                        "message": f"model {request.model} not found",
                        "type": "invalid_request_error",
                        "code": "model_not_found",
                    }
                },
                status_code=404,
            )
        await asyncio.sleep(LATENCY_S)
        text = complete(request, state)
        reason: Literal["stop", "length"] = "stop"
        limit = request.max_completion_tokens or request.max_tokens
        if limit is not None and _tokens(text) > limit:
            text, reason = text[: int(limit * 3.9)], "length"
        usage = {
            "prompt_tokens": sum(_tokens(message.text) + 4 for message in request.messages),
            "completion_tokens": _tokens(text),
        }
        usage["total_tokens"] = sum(usage.values())
        head: dict[str, Any] = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": MODEL}
        if not request.stream:
            choice = {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": reason,
                "logprobs": None,
            }
            return JSONResponse({**head, "object": "chat.completion", "choices": [choice], "usage": usage})

        async def events() -> AsyncIterator[str]:
            for piece in ["", *re.findall(r".{1,48}", text, re.DOTALL)]:
                delta = {"content": piece} if piece else {"role": "assistant", "content": ""}
                yield f"data: {json.dumps({**head, 'object': 'chat.completion.chunk', 'choices': [{'index': 0, 'delta': delta, 'finish_reason': None}]})}\n\n"
            yield f"data: {json.dumps({**head, 'object': 'chat.completion.chunk', 'choices': [{'index': 0, 'delta': {}, 'finish_reason': reason}], 'usage': usage})}\n\n"
            yield "data: [DONE]\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    return routes
