"""What every request and answer goes through: request id, security headers, a size limit, and a net for unforeseen errors."""

import re
from uuid import uuid4

from fastapi_problem.handler import ExceptionHandler
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rap_platform.serving.api.problems import TooLarge

MAX_BODY_BYTES = 1_000_000
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
        "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Envelope:
    """Outermost layer: names the request, sets the security headers and turns what nobody caught into a problem+json."""

    def __init__(self, app: ASGIApp, handler: ExceptionHandler) -> None:
        self.app = app
        self.handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        scope["request_id"] = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        started = False

        async def enveloped(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = scope["request_id"]
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                # Scripts import each other by bare names, so browsers ask each time whether they changed.
                fixed = scope["path"].startswith("/static/")
                headers.setdefault("Cache-Control", "no-cache" if fixed else "no-store")
            await send(message)

        try:
            await self.app(scope, receive, enveloped)
        except Exception as error:  # the net: logged with its trace by the handler, answered without its text
            if started:
                raise
            await self.handler(Request(scope), error)(scope, receive, enveloped)


class BodyLimit:
    """Refuses bodies above the limit, by the announced length or by counting what comes."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY_BYTES) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced[:20]) > self.limit:
            raise self._problem()
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                raise self._problem()
            return message

        async def silenced(message: Message) -> None:
            if received <= self.limit:  # else the application answers that it could not read the body: say why instead
                await send(message)

        await self.app(scope, counted, silenced)
        if received > self.limit:
            raise self._problem()

    def _problem(self) -> TooLarge:
        return TooLarge(f"At most {self.limit:,} bytes are read.", headers={"Connection": "close"})
