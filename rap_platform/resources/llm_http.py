"""The HTTP of an LLM endpoint: no answer takes longer in all, or is longer, than a client allows. Nothing here knows what is asked."""

import time
from collections.abc import Iterator
from typing import Any, Final

import httpx

MOST_BYTES: Final = 1_000_000
PLAIN: Final = frozenset({"", "identity"})


class AnswerTooLong(httpx.ReadError):
    """The body is longer than anything that we asked for, or packed, so that nobody knows."""


class BoundedClient(httpx.Client):
    """A client that reads a body for `seconds` at most from when it sent the request, and MOST_BYTES of it; redirects are not followed."""

    def __init__(self, seconds: float, *, trust_env: bool) -> None:
        # Where nothing is packed, bytes on the wire are bytes in memory.
        super().__init__(timeout=seconds, trust_env=trust_env, headers={"accept-encoding": "identity"})
        self._seconds = seconds

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send; raises ReadTimeout also where each byte came in time, and AnswerTooLong."""
        deadline = time.monotonic() + self._seconds
        response = super().send(request, stream=True, **options)
        try:
            assert isinstance(response.stream, httpx.SyncByteStream)
            packed = response.headers.get("content-encoding", "").lower() not in PLAIN
            response.stream = _Bounded(response.stream, deadline, 0 if packed else MOST_BYTES, request)
            if not stream:
                response.read()
        except BaseException:
            response.close()
            raise
        return response


class _Bounded(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, deadline: float, most: int, request: httpx.Request) -> None:
        self._stream, self._deadline, self._most, self._request = stream, deadline, most, request

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        for chunk in self._stream:
            read += len(chunk)
            if read > self._most:
                raise AnswerTooLong(f"an answer of more than {self._most} bytes, or packed", request=self._request)
            if time.monotonic() > self._deadline:
                raise httpx.ReadTimeout("the answer came too slowly", request=self._request)
            yield chunk

    def close(self) -> None:
        self._stream.close()
