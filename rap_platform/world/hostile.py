"""Named situations that Genius puts a client into, each a whole HTTP answer; what Genius answers on a good day is in genius.py.

Every word and every tag is ours. A page case is reached through an API that behaves, an API case leads to a page that does.
"""

import asyncio
import datetime as dt
import email.utils
import gzip
import html
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from rap_platform.world.faults import CHALLENGE
from rap_platform.world.genius import preloaded

ARTIST, ARTIST_ID = "Vale Ardent", 7
TITLE, SONG_ID = "Lanterns", 1
FIRST_LINE = "Señal on the rooftop, lanterns in a row"
LYRICS = f"""[Verse 1]
{FIRST_LINE}
We count the late trains and we let the cold ones go

[Hook]
Keep a lantern burning, keep it burning slow"""
FORBIDDEN = "/hostile/genius/web/robots-forbid"
DRIP_PARTS = 200
BOMB_BYTES = HUGE_BYTES = 12 * 1024 * 1024
LATER_S = 600

_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_BREAK = "<br/>"


@dataclass(frozen=True)
class Reply:
    """One answer. `ends`: whole; cut: more bytes are promised than come; open: of no stated length; drip: the first bytes come
    one by one, over `drip_s` seconds."""

    status: int = 200
    body: bytes = b""
    kind: str = _HTML
    headers: tuple[tuple[str, str], ...] = ()
    ends: Literal["whole", "cut", "open", "drip"] = "whole"
    drip_s: float = 10.0


class Raw(Response):
    """A Reply on the wire, byte by byte as it says."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; where it is cut the server drops the connection."""
        reply = self.reply
        headers = [("content-type", reply.kind)] if reply.kind else []
        if reply.ends in ("whole", "cut"):
            headers.append(("content-length", str(len(reply.body) + 1000 * (reply.ends == "cut"))))
        lines = [(name.encode(), value.encode("latin-1")) for name, value in (*headers, *reply.headers)]
        await send({"type": "http.response.start", "status": reply.status, "headers": lines})
        slow = DRIP_PARTS if reply.ends == "drip" else 0
        for number in range(slow):
            await send({"type": "http.response.body", "body": reply.body[number : number + 1], "more_body": True})
            await asyncio.sleep(reply.drip_s / DRIP_PARTS)
        await send({"type": "http.response.body", "body": reply.body[slow:], "more_body": reply.ends == "cut"})


Replies = Sequence[Reply]  # the last one stands for all further requests


def in_turn(asked: Counter[str], path: str, replies: Replies) -> Raw:
    """The answer to the next request of a path, counted."""
    asked[path] += 1
    return Raw(replies[min(asked[path], len(replies)) - 1])


def http_date(seconds: float) -> str:
    """The date of so many seconds from now, as Retry-After takes it."""
    return email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds), usegmt=True)


def as_json(document: object, status: int = 200, **headers: str) -> Reply:
    """A JSON answer."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status, json.dumps(document).encode(), _JSON, named)


def as_html(text: str, status: int = 200, **headers: str) -> Reply:
    """An HTML answer."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status, text.encode(), _HTML, named)


def plain(title: str, body: str) -> str:
    """A page that is no song page."""
    return f"<!doctype html><html lang='en'><head><title>{title}</title></head><body>{body}</body></html>"


def container(lyrics: str = LYRICS, before: str = "", after: str = "") -> str:
    """A lyric container."""
    inner = html.escape(lyrics, quote=False).replace("\n", _BREAK)
    return f'<div data-lyrics-container="true" class="Lyrics__Container-sc-0">{before}{inner}{after}</div>'


def placeholder(words: str) -> str:
    """What stands where lyrics would."""
    return f'<div class="LyricsPlaceholder__Container-sc-0"><div class="LyricsPlaceholder__Message-sc-1">{words}</div></div>'


def state(lyrics: str = LYRICS, *, artist: str = ARTIST, artist_id: int = ARTIST_ID, reason: str | None = None, **song: Any) -> str:  # fmt: skip
    """The script with the preloaded state of the song; `song` overrides its fields."""
    body = "<p>" + html.escape(lyrics, quote=False).replace("\n", _BREAK) + "</p>" if lyrics else ""
    fields = {"id": SONG_ID, "title": TITLE, "language": "es", "lyricsState": "complete", "instrumental": False}
    fields |= {"explicit": False, "primaryArtist": artist_id, "primaryArtistNames": artist} | song
    lyrics_data = {"body": {"html": body}, "lyricsPlaceholderReason": reason}
    document = {
        "currentPage": "songPage",
        "songPage": {"song": SONG_ID, "lyricsData": lyrics_data},
        "entities": {
            "artists": {str(artist_id): {"id": artist_id, "name": artist}},
            "songs": {str(SONG_ID): fields},
        },
    }
    return f"<script>window.__PRELOADED_STATE__ = JSON.parse('{preloaded(document)}');</script>"


def song_page(lyrics: str | None = None, script: str | None = None, *, title: str = TITLE, artist: str = ARTIST, head: str = "") -> str:  # fmt: skip
    """A song page; `lyrics` is the HTML in the place of the lyrics, `script` the one with the state."""
    place = container() if lyrics is None else lyrics
    return (
        f"<!doctype html>\n<html lang='en'><head><title>{html.escape(artist)} – {html.escape(title)} Lyrics | Genius Lyrics</title>{head}"
        f"</head><body><main><h1>{html.escape(title)}</h1><a href='/artists/7'>{html.escape(artist)}</a>"
        f"<div id='lyrics-root'>{place}</div></main>{state(title=title, artist=artist) if script is None else script}</body></html>"
    )


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    return gzip.compress(b"<html>" + b" " * BOMB_BYTES + b"</html>")


@lru_cache(maxsize=1)
def _huge() -> bytes:
    return song_page().encode().replace(b"</body>", b"<p>x</p>" * (HUGE_BYTES // 8) + b"</body>")


def page_cases(web: str) -> dict[str, Replies]:
    """The page situations; `web` is the root of the pages."""
    good = as_html(song_page())
    whole = song_page().encode()
    header = "<div data-exclude-from-selection='true' class='LyricsHeader__Container'>12 Contributors<h2>Lanterns Lyrics</h2></div>"
    advert = "<div data-exclude-from-selection='true' class='RecommendedSongs__Container'><div>Advert</div></div>"
    first, second = LYRICS.split("\n\n")
    other = state(title="Cellar Door")
    return {
        # who asks is doubted
        "challenge-as-200": [as_html(CHALLENGE)],
        "challenge-as-403": [as_html(CHALLENGE, 403, cf_mitigated="challenge")],
        "challenge-as-404": [as_html(plain("Not here", ""), 404, cf_mitigated="challenge")],
        "challenge-as-503": [as_html(CHALLENGE, 503)],
        "challenge-by-header-alone": [as_html(song_page(), cf_mitigated="challenge")],
        "challenge-after-a-redirect": [Reply(302, headers=(("location", f"{web}/challenge-as-200"),))],
        "captcha": [as_html(plain("Genius", "<form><p>Prove that you are no robot</p><div class='h-captcha'></div></form>"))],
        "consent": [as_html(plain("Before you go on", "<form action='/consent'><button>Accept all cookies</button></form>"))],
        "login": [as_html(plain("Sign in | Genius", "<form action='/login'><input name='password'></form>"))],
        "login-by-redirect": [Reply(302, headers=(("location", f"{web}/login"),))],
        "forbidden": [as_html(plain("Forbidden", ""), 403)],
        "robots-forbid": [good],
        # too many requests
        "429-bare": [as_html("", 429)],
        "429-in-a-second": [as_html("", 429, retry_after="1"), good],
        "429-in-two-hours": [as_html("", 429, retry_after="7200")],
        "429-until-a-date": [as_html("", 429, retry_after=http_date(LATER_S))],
        "429-until-a-date-gone-by": [as_html("", 429, retry_after=http_date(-LATER_S)), good],
        "429-with-an-absurd-figure": [as_html("", 429, retry_after="99999999999999")],
        "429-with-a-negative-figure": [as_html("", 429, retry_after="-5"), good],
        "429-with-words": [as_html("", 429, retry_after="soon"), good],
        # the server is in trouble
        "500": [as_html("", 500)],
        "500-once": [as_html("", 500), good],
        "502-with-a-page": [as_html(plain("Bad gateway", "<h1>502</h1>"), 502)],
        "503-in-an-hour": [as_html("", 503, retry_after="3600")],
        "503-in-a-second": [as_html("", 503, retry_after="1"), good],
        "504": [as_html("", 504)],
        "408": [as_html("", 408)],
        "400": [as_html("", 400)],
        "reset": [Reply(ends="cut")],
        "reset-once": [Reply(ends="cut"), good],
        "cut-short-of-its-promise": [Reply(body=whole[: len(whole) // 2], ends="cut")],
        "cut-short-without-a-promise": [Reply(body=whole[: len(whole) // 2], ends="open")],
        "cut-short-once": [Reply(body=whole[: len(whole) // 2], ends="cut"), good],
        "drip": [Reply(body=whole, ends="drip")],
        # bytes
        "empty-200": [Reply()],
        "204": [Reply(204, kind="")],
        "json-instead": [as_json({"meta": {"status": 200}, "response": {}})],
        "wrong-charset": [replace(good, kind="text/html; charset=iso-8859-1")],
        "unknown-charset": [replace(good, kind="text/html; charset=klingon")],
        "no-content-type": [replace(good, kind="")],
        "invalid-bytes": [Reply(body=whole.replace(b"late trains", b"late \xff\xfe trains"))],
        "byte-order-mark": [Reply(body=b"\xef\xbb\xbf" + whole)],
        "nul-bytes": [Reply(body=whole.replace(b"late trains", b"late \0trains"))],
        "gzip-bomb": [Reply(body=_bomb(), headers=(("content-encoding", "gzip"),))],
        "gzip-that-is-none": [Reply(body=whole, headers=(("content-encoding", "gzip"),))],
        "huge": [Reply(body=_huge(), ends="open")],
        "deep-nesting": [as_html(song_page("<div>" * 6000 + container() + "</div>" * 6000, script=""))],
        "deep-nesting-within": [as_html(song_page(container(before="<i>" * 6000, after="</i>" * 6000), script=""))],
        # elsewhere
        "redirect-to-another-host": [Reply(302, headers=(("location", "http://elsewhere.invalid/page"),))],
        "redirect-to-another-scheme": [Reply(302, headers=(("location", web.replace("http:", "https:") + "/good"),))],
        "redirect-to-a-file": [Reply(302, headers=(("location", "file:///dev/null"),))],
        "redirect-loop": [Reply(302, headers=(("location", f"{web}/redirect-loop"),))],
        "redirect-to-nowhere": [Reply(302)],
        "redirect-home": [Reply(302, headers=(("location", f"{web}/"),))],
        "renamed": [Reply(301, headers=(("location", f"{web}/good"),))],
        # gone
        "404": [as_html(plain("Page not found", ""), 404)],
        "404-that-looks-like-a-song": [as_html(song_page(), 404)],
        "404-that-says-200": [as_html(plain("Burrr! | Genius", "<h1>Oops! Page not found</h1>"))],
        "410": [as_html("", 410)],
        "451": [as_html("", 451)],
        # no lyrics
        "unreleased-by-state": [as_html(song_page("", state("", lyricsState="unreleased", reason="unreleased")))],
        "unreleased-by-text": [as_html(song_page(placeholder("Lyrics for this song have yet to be released."), ""))],
        "instrumental-by-state": [as_html(song_page("", state("", instrumental=True)))],
        "instrumental-by-text": [as_html(song_page(placeholder("This song is an instrumental"), ""))],
        "incomplete": [as_html(song_page(None, state(lyricsState="incomplete")))],
        "incomplete-without-a-line": [as_html(song_page("", state("", lyricsState="incomplete")))],
        "empty-container": [as_html(song_page(container(""), state("")))],
        # where the lyrics stand
        "good": [good],
        "state-alone": [as_html(song_page("", state()))],
        "containers-alone": [as_html(song_page(script=""))],
        "several-containers": [as_html(song_page(container(first) + "<aside>Advert</aside>" + container(second)))],
        "container-in-a-container": [as_html(song_page(container("", before=container())))],
        "excluded-subtrees": [as_html(song_page(container(before=header, after=advert)))],
        "header-as-text": [as_html(song_page(container(before="12 ContributorsLanterns Lyrics<br/>", after="7Embed")))],
        "homoglyphs": [as_html(song_page(container(LYRICS.replace("trains", "tr\u0430ins").replace("late", "lat\u0435"))))],
        "broken-state": [as_html(song_page(script="<script>window.__PRELOADED_STATE__ = JSON.parse('{\"so');</script>"))],
        "broken-state-alone": [as_html(song_page("", "<script>window.__PRELOADED_STATE__ = JSON.parse('{\"so');</script>"))],
        "script-of-the-bot-check-in-an-ordinary-page": [
            as_html(song_page(head="<script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script>"))
        ],
        "artist-called-like-a-refusal": [as_html(song_page(artist="Access Denied", script=state(artist="Access Denied")))],
        # whose
        "another-song": [as_html(song_page(script=other, title="Cellar Door"))],
        "another-artist": [as_html(song_page(script=state(artist="Crow Hollis", artist_id=8), artist="Crow Hollis"))],
        "translation": [
            as_html(song_page(script=state(artist="Genius English Translations", artist_id=9), artist="Genius English Translations"))
        ],
    }  # fmt: skip


# What the API says of the song of a page case where that differs from the one song.
LISTED: dict[str, dict[str, Any]] = {
    "artist-called-like-a-refusal": {"primary_artist": {"id": ARTIST_ID, "name": "Access Denied"}}
}


def listed(url: str | None, **more: Any) -> dict[str, Any]:
    """The one song, as the API gives it."""
    return {
        "id": SONG_ID, "title": TITLE, "url": url, "lyrics_state": "complete", "instrumental": False,
        "primary_artist": {"id": ARTIST_ID, "name": ARTIST},
    } | more  # fmt: skip


def told(response: object) -> Reply:
    """An answer of the API on a good day."""
    return as_json({"meta": {"status": 200}, "response": response})


def refused(status: int, message: str, http_status: int | None = None, **headers: str) -> Reply:
    """A refusal of the API."""
    return as_json({"meta": {"status": status, "message": message}}, http_status or status, **headers)


def api_cases(web: str) -> dict[str, dict[str, Replies]]:
    """The API situations: what is answered instead, by `song` or `songs` (the list), or `songs/2` for its second page."""
    url = f"{web}/good"
    one, two = listed(url), listed(url, id=2, title="Cellar Door")
    good = told({"song": one})
    others = listed(url, primary_artist={"id": 8, "name": "Crow Hollis"})
    translated = listed(url, primary_artist={"id": ARTIST_ID, "name": "Genius English Translations"})
    return {
        "token-refused": {"songs": [as_json({"error": "invalid_token"}, 401)]},
        "token-refused-at-a-song": {"song": [as_json({"error": "invalid_token"}, 401)]},
        "list-forbidden": {"songs": [refused(403, "Forbidden")]},
        "list-challenged": {"songs": [as_html(CHALLENGE, 403, cf_mitigated="challenge")]},
        "list-challenged-as-200": {"songs": [as_html(CHALLENGE)]},
        "list-429-in-two-hours": {"songs": [refused(429, "Too many requests", retry_after="7200")]},
        "list-404": {"songs": [refused(404, "Not found")]},
        "list-422": {"songs": [refused(422, "per_page must be at most 50")]},
        "list-500": {"songs": [refused(500, "Oops")]},
        "list-500-once": {"songs": [refused(500, "Oops"), told({"songs": [one], "next_page": None})]},
        "list-not-json": {"songs": [Reply(body=b"{oops", kind=_JSON)]},
        "list-of-nothing-known": {"songs": [told({"songs": {"id": SONG_ID}})]},
        "list-with-a-null-title": {"songs": [told({"songs": [listed(url, title=None)], "next_page": None})]},
        "list-with-ids-as-words": {"songs": [told({"songs": [listed(url, id="1")], "next_page": None})]},
        "list-without-next-page": {"songs": [told({"songs": [one]})]},
        "list-next-page-is-a-word": {"songs": [told({"songs": [one], "next_page": "2"})]},
        "list-leads-back": {
            "songs": [told({"songs": [one], "next_page": 2})],
            "songs/2": [told({"songs": [], "next_page": 1})],
        },
        "list-says-it-twice": {
            "songs": [told({"songs": [one], "next_page": 2})],
            "songs/2": [told({"songs": [one], "next_page": None})],
        },
        "list-of-another-artist": {"songs": [told({"songs": [others], "next_page": None})]},
        "list-of-translations": {"songs": [told({"songs": [translated], "next_page": None})]},
        "list-empty": {"songs": [told({"songs": [], "next_page": None})]},
        "song-forbidden": {"song": [refused(403, "Forbidden")]},
        "song-404": {"song": [refused(404, "Not found")]},
        "song-422": {"song": [refused(422, "Unprocessable")]},
        "song-429-in-two-hours": {"song": [refused(429, "Too many requests", retry_after="7200")]},
        "song-429-in-a-second": {"song": [refused(429, "Too many requests", retry_after="1"), good]},
        "song-500": {"song": [refused(500, "Oops")]},
        "song-404-in-a-200": {"song": [refused(404, "Not found", 200)]},
        "song-429-in-a-200": {"song": [refused(429, "Too many requests", 200)]},
        "song-cut-once": {"song": [Reply(body=good.body[:40], kind=_JSON, ends="cut"), good]},
        "song-not-json": {"song": [Reply(body=good.body[:40], kind=_JSON)]},
        "song-as-html": {"song": [as_html(plain("Genius", "hello"))]},
        "song-is-a-list": {"song": [told({"song": [one]})]},
        "song-is-null": {"song": [told({"song": None})]},
        "song-is-another": {"song": [told({"song": two})]},
        "song-without-address": {"song": [told({"song": listed(None)})], "songs": [told({"songs": [listed(None)]})]},
        "song-lives-elsewhere": {"song": [told({"song": listed("http://elsewhere.invalid/lanterns")})]},
        "song-is-an-instrumental": {"song": [told({"song": listed(url, instrumental=True)})]},
        "song-is-not-out": {"song": [told({"song": listed(url, lyrics_state="unreleased")})]},
        "song-with-nul-in-its-title": {"song": [told({"song": listed(url, title="Lan\0terns")})]},
        "song-with-half-a-letter": {"song": [told({"song": listed(url, title="Lan\ud800terns")})]},
    }


def router(asked: Counter[str]) -> APIRouter:
    """Routes under /hostile for Genius; `asked` counts requests by path, over all of /hostile."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/hostile/genius/web/")
    async def home() -> Response:
        return Raw(as_html(plain("Genius | Song Lyrics & Knowledge", "<h1>Genius is the home of invented songs</h1>")))

    @routes.get("/hostile/genius/web/{case}")
    async def page(request: Request, case: str) -> Response:
        replies = page_cases(_web(request)).get(case)
        return _unknown(case) if replies is None else in_turn(asked, request.url.path, replies)

    @routes.get("/hostile/genius/api/{case}/artists/{artist_id}/songs")
    async def songs(request: Request, case: str, artist_id: int, page: int = 1) -> Response:
        def usual(url: str) -> Reply:
            return told({"songs": [listed(url, **LISTED.get(case, {}))], "next_page": None})

        return _answer(asked, request, case, "songs" if page == 1 else f"songs/{page}", usual)

    @routes.get("/hostile/genius/api/{case}/songs/{song_id}")
    async def song(request: Request, case: str, song_id: int) -> Response:
        def usual(url: str) -> Reply:
            return told({"song": listed(url, **LISTED.get(case, {}))})

        return _answer(asked, request, case, "song", usual)

    @routes.get("/hostile/cases")
    async def cases(request: Request) -> dict[str, list[str]]:
        return {"genius_web": list(page_cases(_web(request))), "genius_api": list(api_cases(_web(request)))}

    @routes.get("/hostile/requests")
    async def requests() -> dict[str, int]:
        return dict(asked)

    @routes.delete("/hostile/requests")
    async def forget() -> dict[str, int]:
        asked.clear()
        return {}

    return routes


def _web(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}/hostile/genius/web"


def _answer(asked: Counter[str], request: Request, case: str, what: str, usual: Callable[[str], Reply]) -> Response:
    """The case's own answer; a page case, and a case that is about something else, gets the usual one."""
    web = _web(request)
    special = api_cases(web).get(case)
    if special is None and case not in page_cases(web):
        return _unknown(case)
    page = case if special is None else "good"
    path = request.url.path + (f"?page={what.partition('/')[2]}" if "/" in what else "")
    return in_turn(asked, path, (special or {}).get(what, [usual(f"{web}/{page}")]))


def _unknown(case: str) -> Response:
    return JSONResponse({"detail": f"no situation {case!r}; /hostile/cases lists them"}, status_code=500)
