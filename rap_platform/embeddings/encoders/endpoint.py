"""An encoder behind an OpenAI-compatible embeddings endpoint. Nothing it answers is believed before it is checked."""

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rap_platform.embeddings.encoders.encoding import Encoded, EncoderError, Vectors, mean_of_parts, unit
from rap_platform.embeddings.encoders.windows import windows
from rap_platform.settings import EmbeddingsApi

if TYPE_CHECKING:
    import openai

ASCII_PER_TOKEN = 2.5  # lyrics have about 4 ASCII characters to a token; other characters count as a token each
QUICK_PAUSE_S = 0.1  # before a question is asked again
READING = "windows along lines by 2.5 ASCII characters or one other to a token"


class EndpointError(EncoderError):
    """The endpoint does not answer, or answers what can't be used."""


class Encoder:
    """Texts into unit vectors over HTTP; safe to call from several threads at once.

    A text that may be over `max_tokens` by a careful estimate is the normalised mean of its windows, cut along lines.
    """

    max_word_pieces = None

    def __init__(self, config: EmbeddingsApi) -> None:
        """Nothing is asked yet. Raises EncoderError when the settings name no endpoint."""
        if config.name is None or config.base_url is None or config.model is None:
            raise EncoderError(
                "no embeddings endpoint is configured: set RAP_EMBEDDINGS_API__NAME, __BASE_URL and __MODEL"
            )
        self.name, self.model, self.dimension = config.name, config.model, config.dimension
        self._base_url, self._config = config.base_url, config
        parts = [self._base_url, self.model, str(self.dimension), str(config.ask_dimension), str(config.max_tokens),
                 config.query_prefix, config.text_prefix, READING]  # fmt: skip
        self.fingerprint = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        self.computed_by = "an endpoint"
        self._client = self._new_client()
        self._quick = self._client.with_options(max_retries=0)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of questions, float32 (n, dimension). Raises EndpointError.

        Asked again once at most and given up after `query_timeout_s`: a search holds a connection to the database meanwhile.
        """
        until = time.monotonic() + self._config.query_timeout_s
        return self._encode(texts, self._config.query_prefix, until).vectors

    def encode_whole(self, texts: Sequence[str]) -> Encoded:
        """Unit vectors of stored texts; `word_pieces` are the tokens that the endpoint counted. Raises EndpointError."""
        return self._encode(texts, self._config.text_prefix, None)

    def _encode(self, texts: Sequence[str], prefix: str, until: float | None) -> Encoded:
        parts: list[str] = []
        owners: list[int] = []
        over = 0
        room = self._config.max_tokens - estimated_tokens(prefix)
        for owner, text in enumerate(texts):
            cut = text_windows(text, room)
            over += len(cut) > 1
            parts += [prefix + part for part in cut]
            owners += [owner] * len(cut)
        found = np.zeros((len(parts), self.dimension), dtype=np.float32)
        tokens = 0
        for batch in _batches(sorted(range(len(parts)), key=lambda index: len(parts[index])), self._config.batch):
            found[batch], counted = self._ask([parts[index] for index in batch], until)
            tokens += counted
        return Encoded(mean_of_parts(found, owners, len(texts)) if over else found, over, tokens)

    def _ask(self, texts: list[str], until: float | None) -> tuple[Vectors, int]:
        """Vectors of one request and the tokens that it took; `until` is when a question is given up."""
        import openai

        # An empty text is no input to many endpoints; a blank line has the same nothing to say.
        inputs = [text if text.strip() else "-" for text in texts]
        try:
            answer = self._create(self._client, inputs) if until is None else self._create_quickly(inputs, until)
        except openai.APIStatusError as error:
            raise EndpointError(self._refused(error)) from error
        except openai.APITimeoutError as error:
            waited, remedy = (
                (self._config.timeout_s, "RAP_EMBEDDINGS_API__TIMEOUT_S or a smaller RAP_EMBEDDINGS_API__BATCH")
                if until is None
                else (self._config.query_timeout_s, "RAP_EMBEDDINGS_API__QUERY_TIMEOUT_S")
            )
            raise EndpointError(
                f"the embeddings endpoint {self._base_url} did not answer in {waited:g} s: set {remedy}"
            ) from error
        except (openai.APIError, ValueError) as error:
            raise EndpointError(
                f"the embeddings endpoint {self._base_url} can't be reached or gives no JSON: check RAP_EMBEDDINGS_API__BASE_URL"
            ) from error
        return self._checked(answer, len(inputs))

    def _create(self, client: "openai.OpenAI", inputs: list[str], **options: Any) -> Any:
        if self._config.ask_dimension:
            options["dimensions"] = self.dimension
        return client.embeddings.create(model=self.model, input=inputs, encoding_format="float", **options)

    def _create_quickly(self, inputs: list[str], until: float) -> Any:
        """The answer to a question; after a 429, a 5xx or a broken connection once more, when there is time for it."""
        import openai

        try:
            return self._create(self._quick, inputs, timeout=_left(until))
        except openai.APITimeoutError:
            raise
        except (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError) as error:
            pause = _pause(error)
            if pause >= _left(until):
                raise
            time.sleep(pause)
            return self._create(self._quick, inputs, timeout=_left(until))

    def _refused(self, error: "openai.APIStatusError") -> str:
        status = error.status_code
        remedy = {
            400: f"a text may be too long: set RAP_EMBEDDINGS_API__MAX_TOKENS under {self._config.max_tokens}",
            413: f"set RAP_EMBEDDINGS_API__BATCH under {self._config.batch}",
            401: "check RAP_EMBEDDINGS_API__API_KEY",
            403: "check RAP_EMBEDDINGS_API__API_KEY",
            404: "check RAP_EMBEDDINGS_API__BASE_URL and RAP_EMBEDDINGS_API__MODEL",
            422: "check RAP_EMBEDDINGS_API__MODEL and RAP_EMBEDDINGS_API__ASK_DIMENSION",
            429: "its limit is reached: try again later",
        }.get(status, "try again later")
        return f"the embeddings endpoint {self._base_url} answers {status} for {self.model}: {remedy}"

    def _checked(self, answer: Any, count: int) -> tuple[Vectors, int]:
        """The vectors in the order of the texts, unit; raises EndpointError when the answer is not one vector for each text."""
        data = getattr(answer, "data", None)
        if not isinstance(data, list):
            raise EndpointError(
                f"the embeddings endpoint {self._base_url} answers no list of vectors: check RAP_EMBEDDINGS_API__BASE_URL, it ends in /v1"
            )
        indices = [getattr(item, "index", None) for item in data]
        if sorted(index for index in indices if isinstance(index, int)) != list(range(count)):
            raise EndpointError(
                f"the embeddings endpoint {self._base_url} gave {len(data)} vectors for {count} texts, or the same twice"
            )
        vectors = np.empty((count, self.dimension), dtype=np.float32)
        for index, item in zip(indices, data, strict=True):
            vector: Vectors
            try:
                vector = np.asarray(getattr(item, "embedding", None), dtype=np.float32)
            except (TypeError, ValueError):
                vector = np.empty((), dtype=np.float32)
            if vector.ndim != 1:
                raise EndpointError(
                    f"the embeddings endpoint {self._base_url} gave a vector that is no list of numbers"
                )
            if vector.shape != (self.dimension,):
                raise EndpointError(
                    f"{self.model} at {self._base_url} gives vectors of {vector.size} values, {self.dimension} are expected: "
                    f"set RAP_EMBEDDINGS_API__DIMENSION={vector.size}, or __ASK_DIMENSION=true where the model can shorten them"
                )
            vectors[index] = vector
        norms = np.linalg.norm(vectors, axis=1)
        if not (np.isfinite(norms).all() and (norms > 0).all()):
            raise EndpointError(
                f"the embeddings endpoint {self._base_url} gave a vector that is not finite or all zero"
            )
        tokens = getattr(getattr(answer, "usage", None), "prompt_tokens", 0)
        return unit(vectors), tokens if isinstance(tokens, int) else 0

    def _new_client(self) -> "openai.OpenAI":
        import openai

        key = self._config.api_key
        return openai.OpenAI(
            base_url=self._base_url,
            api_key=key.get_secret_value() if key else "none",
            max_retries=self._config.retries,  # the client's own: waits as Retry-After says, else doubles, with jitter
            timeout=self._config.timeout_s,
        )


def estimated_tokens(text: str) -> int:
    """At most how many tokens a text has, roughly: 2.5 ASCII characters make one, and every other character is one."""
    ascii_characters = sum(character < "\x80" for character in text)
    return math.ceil(ascii_characters / ASCII_PER_TOKEN) + len(text) - ascii_characters


def text_windows(text: str, max_tokens: int) -> list[str]:
    """The text, or windows of it along its lines that hold every character once, each estimated to be within `max_tokens`."""
    tokens = estimated_tokens(text)
    if tokens <= max_tokens:
        return [text]
    narrowest = max(1, int(max_tokens * len(text) / tokens * 0.8))  # a window may be denser than the whole
    lines = text.splitlines(keepends=True)
    cut = ["".join(map(chr, window)) for window in windows([list(map(ord, line)) for line in lines], narrowest)]
    return [
        part
        for window in cut
        for part in ([window] if estimated_tokens(window) <= max_tokens else _halves(window, max_tokens))
    ]


def _left(until: float) -> float:
    """Seconds until then; never nothing, which would mean no limit."""
    return max(0.001, until - time.monotonic())


def _pause(error: "openai.APIError") -> float:
    """Seconds before a question may be asked again: what the endpoint says, at least a tenth."""
    response = getattr(error, "response", None)
    told = None if response is None else response.headers.get("retry-after")
    try:
        return max(QUICK_PAUSE_S, float(told or 0))
    except ValueError:
        return math.inf  # a date: not now


def _halves(text: str, max_tokens: int) -> list[str]:
    if len(text) < 2 or estimated_tokens(text) <= max_tokens:
        return [text]
    middle = len(text) // 2
    return [*_halves(text[:middle], max_tokens), *_halves(text[middle:], max_tokens)]


def _batches(items: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
