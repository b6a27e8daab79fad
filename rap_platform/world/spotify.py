"""The stand-ins for Spotify, with the refusals of today, and for ReccoBeats. Numbers about sound come from the hidden truth."""

import base64
import binascii
import re
import uuid
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse

from rap_platform.world import genius, truth
from rap_platform.world.corpus import Corpus, tokens

TOKEN_S = 3600
MOST_RESULTS = 10
_ABSENT_SHARE = 0.04
_UNKNOWN_TO_RECCOBEATS = 0.08
_FIELD = re.compile(r'\b(track|artist|isrc|album|year):(?:"([^"]*)"|(.*?))(?=\s+(?:track|artist|isrc|album|year):|$)')
_DECOY_NAMES = {
    1: ("{title} (Karaoke Version)", "Sing-Along Basement"),
    2: ("{title}", "The Tribute Room"),
    3: ("{title} - Instrumental", None),
}
_ENERGY = {
    "aggressive": 0.85,
    "angry": 0.8,
    "energetic": 0.9,
    "triumphant": 0.8,
    "boastful": 0.75,
    "joyful": 0.75,
    "calm": 0.3,
    "dreamy": 0.38,
    "somber": 0.35,
    "melancholic": 0.35,
    "lonely": 0.38,
    "romantic": 0.45,
    "reflective": 0.48,
    "nostalgic": 0.5,
}
_VALENCE = {
    "joyful": 0.85,
    "playful": 0.8,
    "triumphant": 0.72,
    "hopeful": 0.65,
    "romantic": 0.62,
    "energetic": 0.7,
    "somber": 0.18,
    "melancholic": 0.2,
    "lonely": 0.22,
    "angry": 0.28,
    "bitter": 0.25,
    "anxious": 0.27,
}


def absent(corpus: Corpus, artist: int, song: int) -> bool:
    """About 4 % of songs never reached Spotify."""
    return truth.stream(corpus.seed, "absent", artist, song).random() < _ABSENT_SHARE


def kinds(corpus: Corpus, artist: int, song: int) -> list[int]:
    """What a search finds of a song: 0 the recording, 1 karaoke, 2 a cover, 3 the instrumental."""
    chance = truth.stream(corpus.seed, "decoys", artist, song)
    found = [] if absent(corpus, artist, song) else [0]
    return found + [kind for kind, share in ((1, 0.10), (2, 0.06), (3, 0.08)) if chance.random() < share]


def track_json(corpus: Corpus, artist: int, song: int, kind: int = 0) -> dict[str, Any]:
    """A track as Spotify shows it now: ISRC yes, popularity and markets no."""
    told, title, own = truth.song(corpus.seed, artist, song), corpus.title(artist, song), corpus.name(artist)
    chance = truth.stream(corpus.seed, "spotify", artist, song, kind)
    duration = chance.randint(150_000, 285_000)
    performer, performer_id = own, corpus.spotify_id(artist, 0, 7)
    if kind:
        pattern, other = _DECOY_NAMES[kind]
        title = pattern.format(title=title)
        if other:
            performer, performer_id = other, corpus.spotify_id(0, 0, 3 + kind)
    elif chance.random() < 0.07:
        title += f" - {min(2025, told.year + 15)} Remaster"
    elif told.guest is not None and told.guest < corpus.artists and chance.random() < 0.7:
        title += f" (feat. {corpus.name(told.guest)})"
    artists = [
        {
            "external_urls": {},
            "href": f"/v1/artists/{performer_id}",
            "id": performer_id,
            "name": performer,
            "type": "artist",
            "uri": f"spotify:artist:{performer_id}",
        }
    ]
    if not kind and told.guest is not None and told.guest < corpus.artists:
        guest_id = corpus.spotify_id(told.guest, 0, 7)
        artists.append(
            {
                "external_urls": {},
                "href": f"/v1/artists/{guest_id}",
                "id": guest_id,
                "name": corpus.name(told.guest),
                "type": "artist",
                "uri": f"spotify:artist:{guest_id}",
            }
        )
    number = corpus.spotify_id(artist, song, kind)
    album = genius.album_name(corpus, artist, song) or title
    release = f"{told.year}-{told.month:02d}-{told.day:02d}" if told.year > 1996 else str(told.year)
    isrc = (
        corpus.isrc(artist, song)
        if kind == 0
        else f"QZ{chance.choice('XYZ')}KA{told.year % 100:02d}{chance.randrange(90_000, 99_999)}"
    )
    return {
        "album": {
            "album_type": "single" if album == title else "album",
            "artists": artists[:1],
            "external_urls": {},
            "href": "",
            "id": corpus.spotify_id(artist, song // 8, 6),
            "images": [],
            "name": album,
            "release_date": release,
            "release_date_precision": "day" if len(release) > 4 else "year",
            "total_tracks": 1 if album == title else 8,
            "type": "album",
            "uri": "",
        },
        "artists": artists,
        "disc_number": 1,
        "duration_ms": duration,
        "explicit": truth.artist(corpus.seed, artist).swears > 0,
        "external_ids": {"isrc": isrc},
        "external_urls": {"spotify": f"https://open.spotify.com/track/{number}"},
        "href": f"/v1/tracks/{number}",
        "id": number,
        "is_local": False,
        "is_playable": True,
        "name": title,
        "preview_url": None,
        "track_number": song % 8 + 1,
        "type": "track",
        "uri": f"spotify:track:{number}",
    }


def sound(corpus: Corpus, artist: int, song: int) -> dict[str, float]:
    """Audio features of a recording: rap-like, leaning on mood and year, with noise."""
    told = truth.song(corpus.seed, artist, song)
    chance = truth.stream(corpus.seed, "sound", artist, song)

    def near(middle: float, spread: float) -> float:
        return round(min(0.99, max(0.01, chance.gauss(middle, spread))), 3)

    energy = near(_ENERGY.get(told.mood, 0.62), 0.1)
    return {
        "danceability": near(0.72 + (0.08 if "party" in told.themes else 0), 0.09),
        "energy": energy,
        "valence": near(_VALENCE.get(told.mood, 0.48), 0.12),
        "acousticness": near(0.32 - 0.25 * energy, 0.1),
        "instrumentalness": round(abs(chance.gauss(0, 0.01)), 5),
        "speechiness": near(0.24, 0.08),
        "liveness": near(0.75 if told.version == "live" else 0.18, 0.08),
        "loudness": round(-11 + 6 * energy + (told.year - 1985) * 0.06 + chance.gauss(0, 1), 2),
        "tempo": round(chance.gauss(94 if told.year < 2010 else 118, 14), 2),
        "key": chance.randrange(12),
        "mode": chance.randrange(2),
    }


def _error(status: int, message: str, **headers: str) -> JSONResponse:
    return JSONResponse({"error": {"status": status, "message": message}}, status_code=status, headers=headers)


def router(corpus: Corpus) -> APIRouter:
    """Routes under /spotify and /reccobeats."""
    routes = APIRouter()

    def token_for(client: str) -> str:
        return base64.urlsafe_b64encode(f"simulated:{client}".encode()).decode()

    def unauthorised(authorization: str | None) -> JSONResponse | None:
        if not authorization or not authorization.startswith("Bearer "):
            return _error(401, "No token provided")
        try:
            known = base64.urlsafe_b64decode(authorization[7:].encode()).startswith(b"simulated:")
        except (binascii.Error, ValueError):
            known = False
        return None if known else _error(401, "Invalid access token")

    @routes.post("/spotify/api/token")
    async def token(request: Request, authorization: str | None = Header(None)) -> JSONResponse:
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        grant_type, client_id, client_secret = (
            form.get(name, [""])[0] for name in ("grant_type", "client_id", "client_secret")
        )
        if authorization and authorization.startswith("Basic "):
            try:
                client_id, _, client_secret = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
            except (binascii.Error, ValueError):
                client_id = client_secret = ""
        if grant_type != "client_credentials":
            return JSONResponse(
                {"error": "unsupported_grant_type", "error_description": "grant_type must be client_credentials"},
                status_code=400,
            )
        if not client_id or not client_secret:
            return JSONResponse({"error": "invalid_client", "error_description": "Invalid client"}, status_code=400)
        return JSONResponse({"access_token": token_for(client_id), "token_type": "Bearer", "expires_in": TOKEN_S})

    @routes.get("/spotify/v1/search")
    def search(
        q: str = "",
        kind: str = Query("", alias="type"),
        limit: int = 5,
        offset: int = 0,
        authorization: str | None = Header(None),
    ) -> JSONResponse:
        if refusal := unauthorised(authorization):
            return refusal
        if not q.strip():
            return _error(400, "No search query")
        if "track" not in kind.split(","):
            return _error(400, "Bad search type field" if kind else "Missing parameter type")
        if not 1 <= limit <= MOST_RESULTS:
            return _error(400, "Invalid limit")
        if not 0 <= offset <= 1000:
            return _error(400, "Invalid offset")
        fields = {found[1]: (found[2] if found[2] is not None else found[3]).strip() for found in _FIELD.finditer(q)}
        if "isrc" in fields:
            known = corpus.find_isrc(fields["isrc"])
            tracks = [(*known, 0)] if known and not absent(corpus, *known) else []
        else:
            hits = (
                corpus.search(fields.get("track") or q, offset + limit, artist=fields.get("artist"))
                if fields
                else corpus.search(q, offset + limit)
            )
            tracks = [(artist, song, kind) for artist, song in hits for kind in kinds(corpus, artist, song)]
            if "artist" in fields:
                tracks = [
                    one for one in tracks if one[2] != 2 or set(tokens(fields["artist"])) & {"tribute", "room"}
                ] or tracks
            # The very best match is not always first.
            chance = truth.stream(corpus.seed, "order", q.casefold())
            if len(tracks) > 1 and chance.random() < 0.12:
                tracks[0], tracks[1] = tracks[1], tracks[0]
        found = [track_json(corpus, *one) for one in tracks[offset : offset + limit]]
        return JSONResponse(
            {
                "tracks": {
                    "href": "",
                    "items": found,
                    "limit": limit,
                    "next": None,
                    "offset": offset,
                    "previous": None,
                    "total": len(tracks),
                }
            }
        )

    @routes.get("/spotify/v1/tracks")
    def several(authorization: str | None = Header(None)) -> JSONResponse:
        return unauthorised(authorization) or _error(403, "Forbidden")

    @routes.get("/spotify/v1/tracks/{track_id}")
    def one(track_id: str, authorization: str | None = Header(None)) -> JSONResponse:
        if refusal := unauthorised(authorization):
            return refusal
        known = corpus.find_spotify(track_id)
        if known is None or known[2] > 3:
            return _error(
                404 if re.fullmatch(r"[0-9A-Za-z]{22}", track_id) else 400,
                "Resource not found" if len(track_id) == 22 else "Invalid base62 id",
            )
        return JSONResponse(track_json(corpus, *known))

    @routes.get("/spotify/v1/audio-features")
    @routes.get("/spotify/v1/audio-features/{track_id}")
    @routes.get("/spotify/v1/audio-analysis/{track_id}")
    def features(track_id: str = "", authorization: str | None = Header(None)) -> JSONResponse:
        return unauthorised(authorization) or _error(403, "Forbidden")

    @routes.get("/catalogue/spotify")
    def links(first: int = Query(0, ge=0), limit: int = Query(500, ge=1, le=1000)) -> dict[str, Any]:
        """The truth that matching is measured against: songs by running number, `spotify_id` null where Spotify never had one."""
        rows = []
        for number in range(first, min(first + limit, corpus.songs)):
            artist, song = corpus.at(number)
            there = not absent(corpus, artist, song)
            rows.append(
                {
                    "source_id": str(corpus.song_id(artist, song)),
                    "artist": corpus.name(artist),
                    "title": corpus.title(artist, song),
                    "year": truth.song(corpus.seed, artist, song).year,
                    "isrc": corpus.isrc(artist, song),
                    "spotify_id": corpus.spotify_id(artist, song, 0) if there else None,
                }
            )
        return {"songs": rows, "total": corpus.songs}

    @routes.get("/reccobeats/v1/audio-features")
    def recco(ids: str = Query("")) -> JSONResponse:
        wanted = [part for part in ids.split(",") if part]
        if not 1 <= len(wanted) <= 40:
            return JSONResponse(
                {
                    "timestamp": "2026-01-05T00:00:00Z",
                    "error": 4001,
                    "path": "/v1/audio-features",
                    "errors": [{"message": "ids: 1 to 40"}],
                },
                status_code=400,
            )
        content = []
        for number in wanted:
            known = corpus.find_spotify(number)
            if (
                known
                and known[2] == 0
                and truth.stream(corpus.seed, "recco", number).random() >= _UNKNOWN_TO_RECCOBEATS
            ):
                content.append(
                    {
                        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, number)),
                        "href": f"https://open.spotify.com/track/{number}",
                        "isrc": corpus.isrc(known[0], known[1]),
                        **sound(corpus, known[0], known[1]),
                    }
                )
        return JSONResponse({"content": content})

    return routes
