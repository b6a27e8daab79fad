"""The stand-in for Genius: its API and its song pages, dirt included. What a song is, is decided elsewhere in the world."""

import html
import json
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from random import Random
from typing import Any, Literal

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from rap_platform.world import lexicon, names, songwriter, truth
from rap_platform.world.corpus import Corpus, slug
from rap_platform.world.faults import FaultState, WebFaults

Fate = Literal["song", "missing", "unreleased", "instrumental", "non_lyrics"]
_SPACES = ("\u200b", "\u2005", "\u205f", "\u00a0")
_LANGUAGES = ("Español", "Português", "Türkçe", "Français", "Deutsch", "Русский")


def fate(corpus: Corpus, artist: int, song: int, rates: WebFaults) -> Fate:
    """What becomes of a song's page under the plan; the same song always meets the same fate."""
    left = truth.stream(corpus.seed, "fate", artist, song).random()
    for name in ("missing", "unreleased", "instrumental", "non_lyrics"):
        left -= getattr(rates, name)
        if left < 0:
            return name
    return "song"


def _image(number: int) -> str:
    return f"https://images.example/{blake2b(str(number).encode(), digest_size=16).hexdigest()}.300x300x1.png"


def artist_json(corpus: Corpus, artist: int, root: str) -> dict[str, Any]:
    """An artist as the API shows one inside a song."""
    number, name = corpus.artist_id(artist), corpus.name(artist)
    return {
        "api_path": f"/artists/{number}",
        "header_image_url": _image(number),
        "id": number,
        "image_url": _image(number),
        "is_meme_verified": False,
        "is_verified": artist % 3 == 0,
        "name": name,
        "url": f"{root}/genius/web/artists/{slug(name)}",
    }


def album_name(corpus: Corpus, artist: int, song: int) -> str | None:
    """About eight songs share an album; one in six stands alone."""
    if truth.stream(corpus.seed, "single", artist, song).random() < 0.17:
        return None
    return _album(corpus.seed, artist, song // 8)


@lru_cache(maxsize=2048)
def _album(seed: int, artist: int, number: int) -> str:
    chance = truth.stream(seed, "album", artist, number)
    return (
        songwriter.title(seed, artist, 0)
        if number == 0 and chance.random() < 0.2
        else (
            f"{chance.choice(lexicon.MOOD_ATTRIBUTE[chance.choice(lexicon.MOODS)]).title()} {chance.choice(lexicon.STREET)}"
            if chance.random() < 0.5
            else f"{chance.choice(('Notes from', 'Live from', 'Goodbye', 'The Book of', 'Tales of'))} {names.hood(chance)}"
        )
    )


def song_json(corpus: Corpus, artist: int, song: int, root: str, rates: WebFaults, *, full: bool) -> dict[str, Any]:
    """A song as the API shows it; `full` as under /songs/{id}."""
    told = truth.song(corpus.seed, artist, song)
    what = fate(corpus, artist, song, rates)
    number, name, own = corpus.song_id(artist, song), corpus.title(artist, song), corpus.name(artist)
    guests = [told.guest] if told.guest is not None and told.guest < corpus.artists else []
    chance = truth.stream(corpus.seed, "genius", artist, song)
    released = date(told.year, told.month, told.day)
    views = int(10 ** (2.5 + 0.55 * chance.gauss(0, 1) + 0.35 * told.charisma + 0.12 * (told.quality - 5.8)))
    found: dict[str, Any] = {
        "annotation_count": chance.randrange(40),
        "api_path": f"/songs/{number}",
        "artist_names": own + "".join(f" (Ft. {corpus.name(one)})" for one in guests),
        "full_title": f"{name} by\u00a0{own}",
        "header_image_thumbnail_url": _image(number),
        "header_image_url": _image(number),
        "id": number,
        "instrumental": what == "instrumental",
        "lyrics_owner_id": 100 + number % 9973,
        "lyrics_state": "unreleased" if what == "unreleased" else "complete",
        "path": f"/{corpus.page_path(artist, song)}",
        "primary_artist_names": own,
        "pyongs_count": chance.randrange(60) or None,
        "relationships_index_url": f"{root}/genius/web/{corpus.page_path(artist, song)}/sample",
        "release_date_components": {"year": released.year, "month": released.month, "day": released.day},
        "release_date_for_display": f"{released:%B} {released.day}, {released.year}",
        "release_date_with_abbreviated_month_for_display": f"{released:%b}. {released.day}, {released.year}",
        "song_art_image_thumbnail_url": _image(number),
        "song_art_image_url": _image(number),
        "stats": {"unreviewed_annotations": chance.randrange(5), "hot": views > 20_000, "pageviews": views},
        "title": name,
        "title_with_featured": name + "".join(f" (Ft.\u00a0{corpus.name(one)})" for one in guests),
        "updated_by_human_at": 1_700_000_000 + number,
        "url": f"{root}/genius/web/{corpus.page_path(artist, song)}",
        "featured_artists": [artist_json(corpus, one, root) for one in guests],
        "primary_artist": artist_json(corpus, artist, root),
        "primary_artists": [artist_json(corpus, artist, root)],
    }
    if full:
        album = album_name(corpus, artist, song)
        found |= {
            "language": "en",
            "release_date": released.isoformat(),
            "embed_content": "",
            "apple_music_id": None,
            "recording_location": None,
            "description": {"plain": "?"},
            "spotify_uuid": None,
            "explicit": songwriter_swears(corpus, artist),
            "album": None
            if album is None
            else {
                "id": number // 8,
                "name": album,
                "full_title": f"{album} by {own}",
                "url": f"{root}/genius/web/albums/{slug(album)}",
                "artist": artist_json(corpus, artist, root),
            },
            "producer_artists": [{"id": 9_000_000 + chance.randrange(999), "name": names.producer(chance)}],
            "writer_artists": [artist_json(corpus, artist, root)],
            "media": [],
            "song_relationships": [],
            "custom_performances": [],
        }
    return found


def songwriter_swears(corpus: Corpus, artist: int) -> bool:
    """Whether the artist swears."""
    return truth.artist(corpus.seed, artist).swears > 0


def _not_lyrics(chance: Random, artist: str, title: str) -> str:
    """An interview, credits or a ranking, as such pages carry them."""
    who = lexicon.NAMES
    kind = chance.randrange(3)
    if kind == 0:
        questions = (
            "How did the record start?",
            "Who heard it first?",
            "What did you eat in the studio?",
            "Do you read the comments?",
            "What comes next?",
            "Why that title?",
            "Were you nervous on stage?",
            "Who taught you to count bars?",
        )
        answers = (
            "Honestly, it started as a joke between me and {n}, and then the joke paid rent.",
            "We recorded it in {n}'s kitchen because the fridge was in tune.",
            "I wrote most of it on a bus, standing, with one hand on the rail.",
            "{n} said it was too long, so I made it longer and more polite.",
            "My mother heard it first and she asked who hurt me.",
            "I stopped reading them after someone reviewed my shoes.",
            "I count on my fingers like everybody else, I just do it faster now.",
            "A nap, then a tour, then a longer nap.",
        )
        lines = [f"{title}: the interview", ""]
        for question in chance.sample(questions, 6):
            lines += [
                f"Interviewer: {question}",
                f"{artist}: {chance.choice(answers).format(n=chance.choice(who))}",
                "",
            ]
        return "\n".join(lines)
    if kind == 1:
        roles = (
            "Executive Producer",
            "Mixed by",
            "Mastered by",
            "Recorded at",
            "Cover Art",
            "Horns",
            "Bass",
            "Drum Programming",
            "Management",
            "Legal",
            "Hair",
        )
        return "\n".join([f"{title} [Credits]", "", *(f"{role}: {chance.choice(who)}" for role in roles)])
    rows = [
        f"{place}. {songwriter.title(0, chance.randrange(99), chance.randrange(9))} – {chance.randrange(4, 11)}/10"
        for place in range(1, 26)
    ]
    return "\n".join([f"Every {artist} song, ranked by me, do not argue", "", *rows])


def _dirty(chance: Random, lyrics: str) -> str:
    """A few wrong letters and odd spaces, as often as real pages carry them."""
    if chance.random() < 0.066:
        words = lyrics.split(" ")
        places = [
            place
            for place, word in enumerate(words)
            if "e" in word and "[" not in word and "]" not in word and len(word) > 3 and word.isalpha()
        ]
        for place in chance.sample(places, min(len(places), chance.randint(3, 8))):
            words[place] = words[place].replace("e", "\u0435", 1)  # Cyrillic
        lyrics = " ".join(words)
    if chance.random() < 0.13:
        space = chance.choice(_SPACES)
        places = [place for place, letter in enumerate(lyrics) if letter == " "]
        for place in sorted(chance.sample(places, min(len(places), chance.randint(1, 6))), reverse=True):
            lyrics = lyrics[:place] + (space + " " if space == "\u200b" else space) + lyrics[place + 1 :]
    return lyrics


def _markup(chance: Random, part: str) -> str:
    """Lines joined by <br/>, some of them italic, bold or inside an annotation."""
    made = []
    for line in part.split("\n"):
        safe = html.escape(line, quote=False).replace("'", "&#x27;")
        draw = chance.random()
        if not line or line.startswith("["):
            made.append(safe)
        elif draw < 0.10:
            made.append(
                f'<a href="/{chance.randrange(10**6, 10**7)}/fragment" class="ReferentFragment-desktop__ClickTarget-sc-380d78dd-0 hPTPPp"><span class='
                f'"ReferentFragment-desktop__Highlight-sc-380d78dd-1 fIkrDi">{safe}</span></a><span tabindex="0" style="position:absolute;opacity:0;width:0"></span>'
            )
        elif draw < 0.12:
            made.append(f"<i>{safe}</i>")
        elif draw < 0.135:
            first, _, rest = safe.partition(" ")
            made.append(f"<b>{first}</b> {rest}")
        else:
            made.append(safe)
    return "<br/>".join(made)


def page(corpus: Corpus, artist: int, song: int, root: str, rates: WebFaults) -> str | None:
    """The song page as bytes-like text; None where Genius answers 404."""
    what = fate(corpus, artist, song, rates)
    if what == "missing":
        return None
    meta = song_json(corpus, artist, song, root, rates, full=True)
    chance = truth.stream(corpus.seed, "page", artist, song)
    name, own = str(meta["title"]), corpus.name(artist)
    contributors = chance.randint(1, 90)
    if what in ("unreleased", "instrumental"):
        words = (
            "Lyrics for this song have yet to be released. Please check back once the song has been released."
            if what == "unreleased"
            else "This song is an instrumental"
        )
        body, containers = (
            "",
            f'<div class="LyricsPlaceholder__Container-sc-14605be4-0 jDxAhO"><div class="LyricsPlaceholder__Message-sc-14605be4-1 kbQvkg">{words}</div></div>',
        )
    else:
        text = (
            _not_lyrics(chance, own, name)
            if what == "non_lyrics"
            else songwriter.write(corpus.seed, artist, song).lyrics
        )
        text = _dirty(chance, text)
        body, containers = _containers(chance, text, name, own, contributors)
    return _document(meta, body, containers, what, contributors, root)


def _containers(chance: Random, text: str, name: str, own: str, contributors: int) -> tuple[str, str]:
    """The inner HTML of all lyrics, and the lyric containers with what clings to them."""
    parts = text.split("\n\n")
    cut = (
        sorted(chance.sample(range(2, len(parts)), min(len(parts) - 2, chance.randrange(3)))) if len(parts) > 2 else []
    )
    groups = [parts[low:high] for low, high in zip([0, *cut], [*cut, len(parts)], strict=True)]
    contributors_text = f"{contributors} Contributor{'s' if contributors > 1 else ''}"
    translations = (
        "".join(f"<li>{language}</li>" for language in chance.sample(_LANGUAGES, chance.randint(1, 4)))
        if chance.random() < 0.55
        else ""
    )
    header = (
        '<div data-exclude-from-selection="true" class="LyricsHeader__Container-sc-5e4b7146-1 hFsUgC"><div class="ContributorsCreditSong__Container-sc-12cb8dd2-0">'
        f'<button type="button"><span>{contributors_text}</span></button></div>'
        + (f'<div class="LyricsHeader__Translations">Translations<ul>{translations}</ul></div>' if translations else "")
        + f'<h2 class="LyricsHeader__Title-sc-5e4b7146-9 dbwrIi">{html.escape(name)} Lyrics</h2></div>'
    )
    if chance.random() < 0.12:  # an older layout: the header is plain text
        header = f"{contributors_text}{'Translations' if translations else ''}{html.escape(name)} Lyrics<br/>"
    also = "You might also like"
    plain_also, tickets, embed = chance.random() < 0.3, chance.random() < 0.2, chance.random() < 0.6
    price = chance.randint(19, 140)
    bodies = []
    shown = []
    for place, group in enumerate(groups):
        inner = []
        for number, part in enumerate(group):
            inner.append(_markup(chance, part))
            if number + 1 < len(group):
                if place == 0 and number == 0 and plain_also:
                    seat = f"See {html.escape(own)} LiveGet tickets as low as ${price}" if tickets else ""
                    inner.append(f"<br/><br/>{seat}{also}")
                elif place == 0 and number == 0:
                    seat = (
                        f"<div>See {html.escape(own)} Live</div><div>Get tickets as low as ${price}</div>"
                        if tickets
                        else ""
                    )
                    inner.append(
                        f'<br/><div data-exclude-from-selection="true" class="RecommendedSongs__Container-sc-7dc2a8b1-0">{seat}<div>{also}</div><ul>'
                        "<li>Another song</li><li>One more</li></ul></div><br/>"
                    )
                else:
                    inner.append("<br/><br/>")
        body = "".join(inner)
        bodies.append(body)
        last = place + 1 == len(groups)
        tail = f"{chance.randint(1, 400) if chance.random() < 0.8 else ''}Embed" if last and embed else ""
        shown.append(
            f'<div data-lyrics-container="true" class="Lyrics__Container-sc-78fb6627-1 hiRbsH">{header if place == 0 else ""}{body}{tail}</div>'
        )
        if not last:
            shown.append(
                '<div class="SidebarAd__Container-sc-7a98f6f1-1"></div><aside data-exclude-from-selection="true"><div class="InreadContainer__Container">Advertisement</div></aside>'
            )
    return "<br/><br/>".join(bodies), "".join(shown)


def _document(meta: dict[str, Any], body: str, containers: str, what: Fate, contributors: int, root: str) -> str:
    number, artist = meta["id"], meta["primary_artist"]
    state = {
        "currentPage": "songPage",
        "deviceType": "desktop",
        "session": {"cmpEnabled": False, "showAds": True},
        "songPage": {
            "song": number,
            "contributors": contributors,
            "lyricsData": {
                "body": {"html": f"<p>{body}</p>" if body else ""},
                "lyricsPlaceholderReason": what if what in ("unreleased", "instrumental") else None,
                "clientTimestamps": {
                    "updatedByHumanAt": meta["updated_by_human_at"],
                    "lyricsUpdatedAt": meta["updated_by_human_at"],
                },
            },
            "trackingData": [
                {"key": "Song ID", "value": number},
                {"key": "Title", "value": meta["title"]},
                {"key": "Primary Artist", "value": artist["name"]},
                {"key": "Lyrics Language", "value": "en"},
            ],
        },
        "entities": {
            "artists": {
                str(one["id"]): {"id": one["id"], "name": one["name"], "url": one["url"]}
                for one in [artist, *meta["featured_artists"]]
            },
            "songs": {
                str(number): {
                    "id": number,
                    "title": meta["title"],
                    "url": meta["url"],
                    "path": meta["path"],
                    "language": "en",
                    "lyricsState": meta["lyrics_state"],
                    "instrumental": meta["instrumental"],
                    "explicit": meta["explicit"],
                    "explicitContent": meta["explicit"],
                    "releaseDateComponents": meta["release_date_components"],
                    "releaseDateForDisplay": meta["release_date_for_display"],
                    "primaryArtist": artist["id"],
                    "primaryArtistNames": meta["primary_artist_names"],
                    "primaryArtists": [artist["id"]],
                    "featuredArtists": [one["id"] for one in meta["featured_artists"]],
                    "stats": {"pageviews": meta["stats"]["pageviews"]},
                    "spotifyUuid": None,
                    "appleMusicId": None,
                }
            },
        },
    }
    literal = preloaded(state)
    title = html.escape(f"{artist['name']} – {meta['title']} Lyrics | Genius Lyrics (simulated)")
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<title>{title}</title>\n<meta charset="utf-8"/>\n<meta name="robots" content="noindex"/>\n'
        f'<link rel="canonical" href="{html.escape(str(meta["url"]))}"/>\n<meta property="og:title" content="{title}"/>\n</head>\n<body>\n<div id="application">'
        f'<main><div class="SongHeader-desktop__Container-sc-9c2f20c9-0"><h1 class="SongHeader-desktop__Title">{html.escape(meta["title"])}</h1>'
        f'<a href="{html.escape(artist["url"])}">{html.escape(artist["name"])}</a><div>{meta["release_date_for_display"]}</div>'
        f'<div>{meta["stats"]["pageviews"]} views</div></div><div id="lyrics-root-pin-spacer"><div id="lyrics-root" class="Lyrics__Root-sc-78fb6627-0">{containers}'
        f'<div class="LyricsFooter__Container-sc-9f3ac5a3-0"><button>Embed</button></div></div></div><div class="About"><h2>About</h2><p>Have the inside scoop on this song?</p></div>'
        f'</main></div>\n<script>window.__PRELOADED_STATE__ = JSON.parse(\'{literal}\');\nwindow.__APP_CONFIG__ = {{"env":"simulated","root":"{root}"}};</script>\n</body>\n</html>\n'
    )


def preloaded(state: dict[str, Any]) -> str:
    """A page's state as it stands between the quotes of JSON.parse('...')."""
    return json.dumps(state, ensure_ascii=False).replace("\\", "\\\\").replace("'", "\\'").replace("</", "<\\\\/")


def _ok(response: dict[str, Any]) -> JSONResponse:
    return JSONResponse({"meta": {"status": 200}, "response": response})


def _refused(status: int, message: str) -> JSONResponse:
    return JSONResponse({"meta": {"status": status, "message": message}}, status_code=status)


def router(corpus: Corpus, state: FaultState) -> APIRouter:
    """Routes under /genius and /catalogue."""
    routes = APIRouter()

    def root(request: Request) -> str:
        return str(request.base_url).rstrip("/")

    def unauthorised(authorization: str | None) -> JSONResponse | None:
        if authorization and authorization.startswith("Bearer ") and authorization[7:].strip():
            return None
        return JSONResponse(
            {"error": "invalid_token", "error_description": "The access token is missing."},
            status_code=401,
            headers={"www-authenticate": 'Bearer realm="api"'},
        )

    @routes.get("/genius/api/search")
    def search(
        request: Request, q: str = "", per_page: int = Query(10, ge=1, le=20), authorization: str | None = Header(None)
    ) -> JSONResponse:
        if refusal := unauthorised(authorization):
            return refusal
        hits = corpus.search(q, per_page)
        return _ok(
            {
                "hits": [
                    {
                        "highlights": [],
                        "index": "song",
                        "type": "song",
                        "result": song_json(corpus, artist, song, root(request), state.plan.genius_web, full=False),
                    }
                    for artist, song in hits
                ]
            }
        )

    @routes.get("/genius/api/artists/{artist_id}")
    def one_artist(request: Request, artist_id: int, authorization: str | None = Header(None)) -> JSONResponse:
        if refusal := unauthorised(authorization):
            return refusal
        artist = corpus.find_artist(artist_id)
        if artist is None:
            return _refused(404, "Not found")
        return _ok(
            {
                "artist": artist_json(corpus, artist, root(request))
                | {
                    "alternate_names": [],
                    "followers_count": 17 * (artist % 91),
                    "description": {"plain": f"From {truth.artist(corpus.seed, artist).city}. Simulated."},
                }
            }
        )

    @routes.get("/genius/api/artists/{artist_id}/songs")
    def songs(
        request: Request,
        artist_id: int,
        per_page: int = Query(20, ge=1, le=50),
        page: int = Query(1, ge=1),
        sort: Literal["title", "popularity", "release_date"] = "title",
        authorization: str | None = Header(None),
    ) -> JSONResponse:
        if refusal := unauthorised(authorization):
            return refusal
        artist = corpus.find_artist(artist_id)
        if artist is None:
            return _refused(404, "Not found")
        order = sorted(range(corpus.counts[artist]), key=lambda song: (corpus.title(artist, song).casefold(), song))
        if sort == "release_date":

            def day(song: int) -> tuple[int, int, int]:
                told = truth.song(corpus.seed, artist, song)
                return (-told.year, -told.month, -told.day)

            order.sort(key=day)
        elif sort == "popularity":
            order.sort(key=lambda song: -truth.song(corpus.seed, artist, song).charisma)
        first = (page - 1) * per_page
        rows = [
            song_json(corpus, artist, song, root(request), state.plan.genius_web, full=False)
            for song in order[first : first + per_page]
        ]
        return _ok({"songs": rows, "next_page": page + 1 if first + per_page < len(order) else None})

    @routes.get("/genius/api/songs/{song_id}")
    def one_song(request: Request, song_id: int, authorization: str | None = Header(None)) -> JSONResponse:
        if refusal := unauthorised(authorization):
            return refusal
        found = corpus.find_song(song_id)
        if found is None:
            return _refused(404, "Not found")
        return _ok({"song": song_json(corpus, *found, root(request), state.plan.genius_web, full=True)})

    @routes.get("/genius/web/{path}")
    def song_page(request: Request, path: str) -> Response:
        found = corpus.find_page(path)
        made = None if found is None else page(corpus, *found, root(request), state.plan.genius_web)
        if made is None:
            return HTMLResponse(
                "<!doctype html><html><head><title>Burrr! | Genius</title></head><body><h1>Oops! Page not found</h1></body></html>",
                status_code=404,
            )
        return HTMLResponse(made)

    @routes.get("/catalogue/artists")
    def catalogue(limit: int = Query(100, ge=1, le=1000), offset: int = Query(0, ge=0)) -> dict[str, Any]:
        rows = [
            {"id": corpus.artist_id(artist), "name": corpus.name(artist), "songs": corpus.counts[artist]}
            for artist in range(offset, min(offset + limit, corpus.artists))
        ]
        return {"artists": rows, "total": corpus.artists}

    return routes
