"""Named situations that Spotify puts a client into, each a whole HTTP answer; what Spotify answers on a good day is in spotify.py."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from rap_platform.world.hostile import LATER_S, Raw, Replies, Reply, as_html, as_json, http_date, in_turn, plain

TRACK_ID, OTHER_ID = "1Lanterns0000000000000", "2CellarDoor00000000000"
TITLE, ARTIST, ISRC = "Lanterns", "Vale Ardent", "QZVAL2100001"
_JSON = "application/json"
# Which limit a search may ask for: apps of today get 10, those of old 50.
OLD_LIMIT, NEW_LIMIT = 50, 10

SOUND: Final[dict[str, Any]] = {
    "danceability": 0.71, "energy": 0.62, "valence": 0.4, "acousticness": 0.1, "instrumentalness": 0.0, "speechiness": 0.2,
    "liveness": 0.15, "loudness": -7.5, "tempo": 92.0, "key": 4, "mode": 1, "time_signature": 4, "duration_ms": 180_000,
}  # fmt: skip


def track(**more: Any) -> dict[str, Any]:
    """The one track, as Spotify gives it."""
    artist = {"id": "3ValeArdent00000000000", "name": ARTIST, "type": "artist"}
    return {
        "id": TRACK_ID, "name": TITLE, "type": "track", "uri": f"spotify:track:{TRACK_ID}", "duration_ms": 180_000, "explicit": False,
        "artists": [artist], "album": {"name": "Lamp Oil", "release_date": "2021-03-05"}, "external_ids": {"isrc": ISRC},
    } | more  # fmt: skip


def hits(*tracks: Any) -> Reply:
    """What a search found."""
    return as_json({"tracks": {"items": list(tracks), "total": len(tracks), "limit": 10, "offset": 0, "next": None}})


def refused(status: int, message: str, **headers: str) -> Reply:
    """A refusal as Spotify words it."""
    return as_json({"error": {"status": status, "message": message}}, status, **headers)


def sounds(*rows: Any) -> Reply:
    """Audio features."""
    return as_json({"audio_features": list(rows)})


GOOD_TOKEN = as_json({"access_token": "hostile", "token_type": "Bearer", "expires_in": 3600})
GOOD: Final = hits(track())


def cases() -> dict[str, dict[str, Replies]]:
    """The situations: what is answered instead, by `token`, `search`, `batch` (tracks by ids), `track`, `features`."""
    quota = as_json({"error": {"status": 429, "message": "Quota exceeded", "reason": "QUOTA_EXCEEDED"}}, 429)
    known = sounds({"id": TRACK_ID} | SOUND)
    return {
        "good": {},
        "token-refused": {"token": [as_json({"error": "invalid_client", "error_description": "Invalid client"}, 400)]},
        "token-401": {"token": [as_json({"error": "invalid_client"}, 401)]},
        "token-429-in-a-second": {"token": [refused(429, "Slow down", retry_after="1"), GOOD_TOKEN]},
        "token-429-in-an-hour": {"token": [refused(429, "Slow down", retry_after="3600")]},
        "token-500-once": {"token": [refused(500, "Oops", retry_after="0"), GOOD_TOKEN]},
        "token-503": {"token": [refused(503, "Down", retry_after="0")]},
        "token-malformed": {"token": [Reply(body=b'{"access_tok', kind=_JSON)]},
        "token-as-html": {"token": [as_html(plain("Spotify", "Welcome"))]},
        "token-without-token": {"token": [as_json({"token_type": "Bearer"})]},
        "search-401-once": {"search": [refused(401, "The access token expired"), GOOD]},
        "search-401": {"search": [refused(401, "Invalid access token")]},
        "search-403": {"search": [refused(403, "Forbidden")]},
        "search-404": {"search": [refused(404, "Not found")]},
        "search-400": {"search": [refused(400, "No search query")]},
        "search-429-in-a-second": {"search": [refused(429, "Slow down", retry_after="1"), GOOD]},
        "search-429-in-an-hour": {"search": [refused(429, "Slow down", retry_after="3600")]},
        "search-429-tomorrow": {"search": [refused(429, "Slow down", retry_after="86400")]},
        "search-429-bare": {"search": [refused(429, "Slow down"), GOOD]},
        "search-429-until-a-date": {"search": [refused(429, "Slow down", retry_after=http_date(LATER_S))]},
        "search-429-until-a-date-gone-by": {"search": [refused(429, "Slow down", retry_after=http_date(-LATER_S)), GOOD]},
        "search-429-with-an-absurd-figure": {"search": [refused(429, "Slow down", retry_after="99999999999999")]},
        "search-quota-exceeded": {"search": [quota]},
        "search-500-once": {"search": [refused(500, "Oops", retry_after="0"), GOOD]},
        "search-502-as-html-once": {"search": [as_html(plain("Bad gateway", ""), 502, retry_after="0"), GOOD]},
        "search-503": {"search": [refused(503, "Down", retry_after="0")]},
        "search-503-in-an-hour": {"search": [refused(503, "Down", retry_after="3600")]},
        "search-malformed": {"search": [Reply(body=GOOD.body[:50], kind=_JSON)]},
        "search-as-html": {"search": [as_html(plain("Spotify", "Welcome"))]},
        "search-empty-body": {"search": [Reply(kind=_JSON)]},
        "search-reset-once": {"search": [Reply(kind=_JSON, ends="cut"), GOOD]},
        "search-reset": {"search": [Reply(kind=_JSON, ends="cut")]},
        "search-drips": {"search": [Reply(body=GOOD.body, kind=_JSON, ends="drip", drip_s=1.0)]},
        "search-without-tracks": {"search": [as_json({})]},
        "search-without-items": {"search": [as_json({"tracks": {"total": 0}})]},
        "search-items-null": {"search": [as_json({"tracks": {"items": None}})]},
        "search-tracks-null": {"search": [as_json({"tracks": None})]},
        "search-tracks-a-list": {"search": [as_json({"tracks": [track()]})]},
        "search-a-list": {"search": [as_json([track()])]},
        "search-null-among-the-items": {"search": [hits(None, track(), None)]},
        "search-items-of-wrong-types": {"search": [hits("x", 3, track(name=None), track(artists="x"), track())]},
        "search-finds-nothing": {"search": [hits()]},
        "batch-403": {"batch": [refused(403, "Forbidden")]},
        "batch-allowed": {},
        "batch-with-nulls": {"batch": [as_json({"tracks": [track(), None]})]},
        "batch-without-tracks": {"batch": [as_json({})]},
        "track-404": {"batch": [refused(403, "Forbidden")], "track": [refused(404, "Resource not found")]},
        "features-403": {"features": [refused(403, "Forbidden")]},
        "features-404": {"features": [refused(404, "Not found")]},
        "features-allowed": {"features": [known]},
        "features-429-in-an-hour": {"features": [refused(429, "Slow down", retry_after="3600")]},
        "features-with-nulls": {"features": [sounds(None, {"id": TRACK_ID} | SOUND)]},
        "features-without-ids": {"features": [sounds(SOUND)]},
        "features-out-of-range": {"features": [sounds({"id": TRACK_ID} | SOUND | {"energy": 7.5})]},
        "features-of-wrong-types": {"features": [sounds({"id": TRACK_ID} | SOUND | {"tempo": "fast"})]},
        "features-without-rows": {"features": [as_json({"audio_features": None})]},
        "features-as-html": {"features": [as_html(plain("Spotify", "Welcome"))]},
    }  # fmt: skip


# Apps of old may ask for more at a time; in every other case batches and 50 hits are refused, as they are today.
OF_OLD = frozenset({"batch-allowed", "batch-with-nulls", "batch-without-tracks", "features-allowed"})


def router(asked: Counter[str]) -> APIRouter:
    """Routes under /hostile/spotify; `asked` counts requests by path."""
    routes = APIRouter(include_in_schema=False)

    def answer(request: Request, case: str, what: str, usual: Callable[[], Replies]) -> Response:
        found = cases().get(case)
        if found is None:
            return JSONResponse({"detail": f"no situation {case!r}; /hostile/spotify lists them"}, status_code=500)
        return in_turn(asked, request.url.path, found[what] if what in found else usual())

    @routes.get("/hostile/spotify")
    async def listed() -> list[str]:
        return list(cases())

    @routes.post("/hostile/spotify/{case}/api/token")
    async def token(request: Request, case: str) -> Response:
        return answer(request, case, "token", lambda: [GOOD_TOKEN])

    @routes.get("/hostile/spotify/{case}/v1/search")
    async def search(request: Request, case: str, limit: int = 5) -> Response:
        if not 1 <= limit <= (OLD_LIMIT if case in OF_OLD else NEW_LIMIT):
            asked[f"{request.url.path}?limit={limit}"] += 1
            return Raw(refused(400, "Invalid limit"))
        return answer(request, case, "search", lambda: [GOOD])

    @routes.get("/hostile/spotify/{case}/v1/tracks")
    async def batch(request: Request, case: str, ids: str = "") -> Response:
        rows = [track() if one == TRACK_ID else None for one in ids.split(",")]
        allowed = case in OF_OLD
        return answer(
            request, case, "batch", lambda: [as_json({"tracks": rows}) if allowed else refused(403, "Forbidden")]
        )

    @routes.get("/hostile/spotify/{case}/v1/tracks/{track_id}")
    async def one(request: Request, case: str, track_id: str) -> Response:
        there = track_id == TRACK_ID
        return answer(
            request, case, "track", lambda: [as_json(track()) if there else refused(404, "Resource not found")]
        )

    @routes.get("/hostile/spotify/{case}/v1/audio-features")
    async def features(request: Request, case: str) -> Response:
        return answer(request, case, "features", lambda: [refused(403, "Forbidden")])

    return routes
