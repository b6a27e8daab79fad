"""The stand-in for a small language model behind an OpenAI-compatible API.

How it reads lyrics is in llm_reader.py, what it takes for instructions and how its answers go wrong in llm_habits.py.
"""

import asyncio
import json
import re
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from rap_platform.world import truth
from rap_platform.world.faults import FaultState
from rap_platform.world.llm_habits import Said, answer_as_told, hear, obey
from rap_platform.world.llm_reader import Reading, read

__all__ = ["read"]

MODEL = "qwen/qwen3-4b-fp8"
OTHER_MODEL = "simulated/second-reader"  # with an ear of its own, so that two models can be compared
READERS = {MODEL: "", OTHER_MODEL: "second"}
LATENCY_S = 0.004


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


def complete(request: ChatRequest, state: FaultState) -> Said:
    """The answer to a request: an analysis where there are lyrics, as told by whoever speaks outside of them."""
    asked = [message.text for message in request.messages if message.role == "user"]
    schema = _schema(request)
    found = [(text, hear(text, wants_json=schema is not None)) for text in asked]
    heard = next((one for _, one in reversed(found) if one is not None), None)
    if heard is None:
        return Said(_plain(asked[-1] if asked else request.messages[-1].text))
    others = [text for text, one in found if one is None]
    instructions = [message.text for message in request.messages if message.role == "system"]
    reading = obey(
        read(heard.lyrics, READERS[request.model]), [heard.outside, *others, *map(_outside_json, instructions)]
    )
    wanted = schema or _DEFAULT_SCHEMA
    tries = sum(message.role == "assistant" for message in request.messages)
    chance = truth.stream(state.plan.seed, "habits", READERS[request.model], heard.lyrics, tries)
    answer = _answer(wanted, wanted, "", reading)
    return answer_as_told(answer, reading, state.plan.llm, chance, tries, state.done)


def _outside_json(text: str) -> str:
    """Instructions without the schema that they may hold."""
    return text.partition("```json")[0]


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
                    "id": name,
                    "object": "model",
                    "created": 1_745_000_000,
                    "owned_by": "simulated",
                    "context_size": 32_768,
                    "features": ["structured-outputs"],
                }
                for name in READERS
            ],
        }

    @routes.post("/llm/v1/chat/completions", response_model=None)
    async def chat(request: ChatRequest) -> Response:
        if request.model not in READERS:
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
        said = complete(request, state)
        text, reason = said.content or "", said.finish_reason
        limit = request.max_completion_tokens or request.max_tokens
        if limit is not None and _tokens(text) > limit:
            text, reason = text[: int(limit * 3.9)], "length"
        usage = {
            "prompt_tokens": sum(_tokens(message.text) + 4 for message in request.messages),
            "completion_tokens": _tokens(text or said.reasoning or ""),
        }
        usage["total_tokens"] = sum(usage.values())
        head: dict[str, Any] = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": request.model,
        }
        if not request.stream:
            choice = {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None if said.content is None else text,
                    **({"reasoning_content": said.reasoning} if said.reasoning else {}),
                },
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
