"""The client of the rating panel: ids in, ratings out. What is stored, and for which tracks, is decided elsewhere."""

from collections.abc import Sequence
from datetime import datetime

import httpx
import stamina
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from rap_platform.settings import Endpoint

IDS_PER_REQUEST = 500
TIMEOUT_S = 20.0
ATTEMPTS = 4
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


class PanelRating(BaseModel):
    """One rater's mark for one song, 1 to 10."""

    source_id: str = Field(coerce_numbers_to_str=True, min_length=1)
    rater: str = Field(coerce_numbers_to_str=True, min_length=1)
    rating: float = Field(ge=1, le=10)
    rated_at: datetime
    occasion: int = Field(1, ge=1)


class PanelUnavailable(Exception):
    """The panel could not be asked now; trying again later may help."""


class PanelBroken(Exception):
    """The panel answered something that is no list of ratings; trying again won't help."""


_RATINGS: TypeAdapter[list[PanelRating]] = TypeAdapter(list[PanelRating])


def chunks(source_ids: Sequence[str], size: int = IDS_PER_REQUEST) -> list[Sequence[str]]:
    """The ids in pieces that fit into one request."""
    return [source_ids[start : start + size] for start in range(0, len(source_ids), size)]


def fetch(client: httpx.Client, endpoint: Endpoint, source_ids: Sequence[str]) -> list[PanelRating]:
    """Ratings of at most 500 songs; songs that nobody rated are absent.

    Raises PanelUnavailable after four attempts, PanelBroken for an answer that is no list of ratings.
    """
    if len(source_ids) > IDS_PER_REQUEST:
        raise ValueError(f"{len(source_ids)} ids in one request; the panel takes {IDS_PER_REQUEST}")
    for attempt in stamina.retry_context(on=PanelUnavailable, attempts=ATTEMPTS, wait_initial=0.2, wait_max=5.0):
        with attempt:
            return _fetch_once(client, endpoint, source_ids)
    raise AssertionError("stamina leaves its loop by returning or raising")


def _fetch_once(client: httpx.Client, endpoint: Endpoint, source_ids: Sequence[str]) -> list[PanelRating]:
    headers = {"Authorization": f"Bearer {endpoint.key.get_secret_value()}"} if endpoint.key else {}
    url = f"{endpoint.base_url}/ratings"
    try:
        response = client.get(url, params={"source_ids": ",".join(source_ids)}, headers=headers, timeout=TIMEOUT_S)
    except httpx.TransportError as error:
        raise PanelUnavailable(f"{url}: {error}") from error
    if response.status_code in _TRANSIENT:
        raise PanelUnavailable(f"{url} answered {response.status_code}")
    if response.status_code != 200:
        raise PanelBroken(f"{url} answered {response.status_code}")
    try:
        return _RATINGS.validate_python(response.json()["ratings"])
    except (KeyError, TypeError, ValueError) as error:
        reason = (
            f"{error.error_count()} invalid ratings" if isinstance(error, ValidationError) else "no list of ratings"
        )
        raise PanelBroken(f"{url} answered 200 with {reason}") from error
