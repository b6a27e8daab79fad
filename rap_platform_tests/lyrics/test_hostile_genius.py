"""What becomes of a song in every situation that Genius puts us into: the world serves it, the real client and the parser judge it.

A row per situation: the case, what the song is in the end, what its reason must say, and the wait that was asked for.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from pydantic import SecretStr

from rap_platform.lyrics.fetching import ArtistReport, Blocked, fetch_artists, reread
from rap_platform.lyrics.parsing import parse_page
from rap_platform.lyrics.queries import Artist, RawSong
from rap_platform.resources.genius import CredentialsRefused, GeniusClient
from rap_platform.settings import Endpoint
from rap_platform.world.hostile import ARTIST, ARTIST_ID, FIRST_LINE, LATER_S

TIMEOUT_S, CLOCK_RATE = 0.5, 200.0
HOUR_S = 3600.0

# case: (what the song is, a word of the reason, the wait in seconds that was asked for)
PAGES: dict[str, tuple[str, str | None, float | None]] = {
    "good": ("ok", None, None),
    "challenge-as-200": ("blocked", "challenge", None),
    "challenge-as-403": ("blocked", "challenge", None),
    "challenge-as-404": ("blocked", "challenge", None),
    "challenge-as-503": ("blocked", "challenge", None),
    "challenge-by-header-alone": ("blocked", "challenge", None),
    "challenge-after-a-redirect": ("blocked", "challenge", None),
    "captcha": ("blocked", None, None),
    "consent": ("blocked", None, None),
    "login": ("blocked", None, None),
    "login-by-redirect": ("blocked", None, None),
    "forbidden": ("blocked", "403", None),
    "robots-forbid": ("blocked", "robots.txt", None),
    "429-bare": ("blocked", "429", None),
    "429-in-a-second": ("ok", None, None),
    "429-in-two-hours": ("blocked", "429", 2 * HOUR_S),
    "429-until-a-date": ("blocked", "429", LATER_S),
    "429-until-a-date-gone-by": ("ok", None, None),
    "429-with-an-absurd-figure": ("blocked", "429", None),
    "429-with-a-negative-figure": ("ok", None, None),
    "429-with-words": ("ok", None, None),
    "500": ("failed", "500", None),
    "500-once": ("ok", None, None),
    "502-with-a-page": ("failed", "502", None),
    "503-in-an-hour": ("blocked", "503", HOUR_S),
    "503-in-a-second": ("ok", None, None),
    "504": ("failed", "504", None),
    "408": ("failed", "408", None),
    "400": ("failed", "400", None),
    "reset": ("failed", "RemoteProtocolError", None),
    "reset-once": ("ok", None, None),
    "cut-short-of-its-promise": ("failed", "RemoteProtocolError", None),
    "cut-short-without-a-promise": ("failed", "cut short", None),
    "cut-short-once": ("ok", None, None),
    "drip": ("failed", "slowly", None),
    "empty-200": ("failed", None, None),
    "204": ("failed", None, None),
    "json-instead": ("failed", None, None),
    "wrong-charset": ("ok", None, None),
    "unknown-charset": ("ok", None, None),
    "no-content-type": ("ok", None, None),
    "invalid-bytes": ("ok", None, None),
    "byte-order-mark": ("ok", None, None),
    "nul-bytes": ("failed", "NUL", None),
    "gzip-bomb": ("failed", "larger", None),
    "gzip-that-is-none": ("failed", "decompress", None),
    "huge": ("failed", "larger", None),
    "deep-nesting": ("ok", None, None),
    "deep-nesting-within": ("ok", None, None),
    "redirect-to-another-host": ("failed", "elsewhere.invalid", None),
    "redirect-to-another-scheme": ("failed", "https://", None),
    "redirect-to-a-file": ("failed", "file://", None),
    "redirect-loop": ("failed", "redirect", None),
    "redirect-to-nowhere": ("failed", "302", None),
    "redirect-home": ("missing", "home page", None),
    "renamed": ("ok", None, None),
    "404": ("missing", "404", None),
    "404-that-looks-like-a-song": ("missing", "404", None),
    "404-that-says-200": ("missing", None, None),
    "410": ("removed", "410", None),
    "451": ("removed", "451", None),
    "unreleased-by-state": ("unreleased", None, None),
    "unreleased-by-text": ("unreleased", None, None),
    "instrumental-by-state": ("instrumental", None, None),
    "instrumental-by-text": ("instrumental", None, None),
    "incomplete": ("ok", None, None),
    "incomplete-without-a-line": ("missing", None, None),
    "empty-container": ("missing", None, None),
    "state-alone": ("ok", None, None),
    "containers-alone": ("ok", None, None),
    "several-containers": ("ok", None, None),
    "container-in-a-container": ("ok", None, None),
    "excluded-subtrees": ("ok", None, None),
    "header-as-text": ("ok", None, None),
    "homoglyphs": ("ok", None, None),
    "broken-state": ("ok", None, None),
    "broken-state-alone": ("blocked", None, None),
    "script-of-the-bot-check-in-an-ordinary-page": ("ok", None, None),
    "artist-called-like-a-refusal": ("ok", None, None),
    "another-song": ("failed", "Cellar Door", None),
    "another-artist": ("failed", "Crow Hollis", None),
    "translation": ("failed", "Translations", None),
}  # fmt: skip

# What an artist without a song ends as: `nothing` without an error, `token` when the token is refused.
API: dict[str, tuple[str, str | None, float | None]] = {
    "token-refused": ("token", "RAP_GENIUS__TOKEN", None),
    "token-refused-at-a-song": ("token", "RAP_GENIUS__TOKEN", None),
    "list-forbidden": ("blocked", "403", None),
    "list-challenged": ("blocked", "challenge", None),
    "list-challenged-as-200": ("blocked", "challenge", None),
    "list-429-in-two-hours": ("blocked", "429", 2 * HOUR_S),
    "list-404": ("failed", "404", None),
    "list-422": ("failed", "422", None),
    "list-500": ("failed", "500", None),
    "list-500-once": ("ok", None, None),
    "list-not-json": ("failed", None, None),
    "list-of-nothing-known": ("failed", "not as Genius documents", None),
    "list-with-a-null-title": ("failed", "not as Genius documents", None),
    "list-with-ids-as-words": ("failed", "not as Genius documents", None),
    "list-without-next-page": ("ok", None, None),
    "list-next-page-is-a-word": ("ok", None, None),
    "list-leads-back": ("ok", None, None),
    "list-says-it-twice": ("ok", None, None),
    "list-of-another-artist": ("nothing", None, None),
    "list-of-translations": ("nothing", None, None),
    "list-empty": ("nothing", None, None),
    "song-forbidden": ("blocked", "403", None),
    "song-404": ("missing", "404", None),
    "song-422": ("failed", "422", None),
    "song-429-in-two-hours": ("blocked", "429", 2 * HOUR_S),
    "song-429-in-a-second": ("ok", None, None),
    "song-500": ("failed", "500", None),
    "song-404-in-a-200": ("missing", "404", None),
    "song-429-in-a-200": ("blocked", "429", None),
    "song-cut-once": ("ok", None, None),
    "song-not-json": ("failed", None, None),
    "song-as-html": ("failed", None, None),
    "song-is-a-list": ("failed", "another song", None),
    "song-is-null": ("failed", "another song", None),
    "song-is-another": ("failed", "another song", None),
    "song-without-address": ("failed", "no address", None),
    "song-lives-elsewhere": ("failed", "elsewhere.invalid", None),
    "song-is-an-instrumental": ("instrumental", None, None),
    "song-is-not-out": ("unreleased", None, None),
    "song-with-nul-in-its-title": ("failed", "NUL", None),
    "song-with-half-a-letter": ("failed", "broken characters", None),
}  # fmt: skip

ASKED_MORE_THAN_ONCE = {"429-bare", "429-with-an-absurd-figure"}
ASKED_ONCE = [case for case, (what, _, _) in PAGES.items() if what == "blocked" and case not in ASKED_MORE_THAN_ONCE]


@dataclass(frozen=True)
class Came:
    """What came of an artist with one song."""

    what: str
    reason: str
    wait_s: float | None
    body: str | None
    songs: int
    requests: dict[str, int]


@pytest.fixture(scope="module")
def hostile(world: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{world}/hostile", timeout=20, trust_env=False) as client:
        yield client


def fetch(hostile: httpx.Client, case: str) -> Came:
    """Fetch the artist of a situation as the platform would, and look into the page that came."""
    hostile.delete("/requests").raise_for_status()
    root = str(hostile.base_url).rstrip("/")
    endpoint = Endpoint("genius", f"{root}/genius/api/{case}", f"{root}/genius/web", SecretStr("t"), None, True, 60_000)
    name = "Access Denied" if case == "artist-called-like-a-refusal" else ARTIST
    artist = Artist(1, name, name.casefold(), "vale-ardent", ARTIST_ID, True, True)
    songs: list[RawSong] = []
    reports: list[ArtistReport] = []
    wait_s, block = None, None
    before = threading.active_count()
    with GeniusClient(endpoint, scrape=False, timeout_s=TIMEOUT_S, clock_rate=CLOCK_RATE) as client:
        try:
            for item in fetch_artists(client, [artist], {}, most_songs=10):
                (songs if isinstance(item, RawSong) else reports).append(item)  # type: ignore[arg-type]
        except Blocked as error:
            wait_s, block = error.retry_after_s, error
        except CredentialsRefused as error:
            return Came("token", str(error), None, None, len(songs), hostile.get("/requests").json())
    assert threading.active_count() == before
    requests = hostile.get("/requests").json()
    if songs:
        judged = reread(songs[0])
        return Came(judged.status, judged.reason or "", wait_s, judged.body, len(songs), requests)
    error = reports[0].error
    what = "blocked" if block else "failed" if error else "nothing"
    return Came(what, error or "", wait_s, None, 0, requests)


def check(came: Came, expected: tuple[str, str | None, float | None]) -> None:
    what, fragment, wait_s = expected
    assert (came.what, came.songs <= 1) == (what, True), came.reason
    if fragment is not None:
        assert fragment.casefold() in came.reason.casefold()
    if wait_s is not None:
        assert came.wait_s is not None and wait_s - 60 < came.wait_s <= wait_s
    if what == "ok":
        page = parse_page(came.body or "")
        assert page.text is not None
        assert page.text.count("lanterns in a row") == 1


@pytest.mark.parametrize("case", PAGES)
def test_every_page_makes_its_song_one_thing(hostile: httpx.Client, case: str) -> None:
    check(fetch(hostile, case), PAGES[case])


@pytest.mark.parametrize("case", API)
def test_every_answer_of_the_api_makes_its_song_one_thing(hostile: httpx.Client, case: str) -> None:
    check(fetch(hostile, case), API[case])


def test_every_situation_that_the_world_knows_has_its_row(hostile: httpx.Client) -> None:
    known = hostile.get("/cases").json()
    assert known["genius_web"] == sorted(PAGES, key=known["genius_web"].index)
    assert known["genius_api"] == sorted(API, key=known["genius_api"].index)
    assert len(PAGES) + len(API) >= 45


@pytest.mark.parametrize("case", ASKED_ONCE)
def test_who_blocks_us_is_not_asked_again(hostile: httpx.Client, case: str) -> None:
    requests = fetch(hostile, case).requests
    assert requests.get(f"/hostile/genius/web/{case}", 0) == (0 if case == "robots-forbid" else 1)


def test_an_absurd_wait_is_none_that_is_kept(hostile: httpx.Client) -> None:
    came = fetch(hostile, "429-with-an-absurd-figure")
    assert came.wait_s is None
    assert came.requests["/hostile/genius/web/429-with-an-absurd-figure"] == 4


@pytest.mark.parametrize("case", ["wrong-charset", "unknown-charset", "no-content-type", "byte-order-mark"])
def test_letters_survive_a_server_that_names_the_wrong_charset(hostile: httpx.Client, case: str) -> None:
    text = parse_page(fetch(hostile, case).body or "").text
    assert text is not None and FIRST_LINE in text.splitlines()


@pytest.mark.parametrize("case", ["excluded-subtrees", "several-containers"])
def test_nothing_but_lyrics_is_read(hostile: httpx.Client, case: str) -> None:
    text = parse_page(fetch(hostile, case).body or "").text
    assert text is not None
    assert "Advert" not in text and "Contributors" not in text
    assert text.splitlines()[0] == "[Verse 1]"
    assert text.splitlines()[-1] == "Keep a lantern burning, keep it burning slow"


def test_a_list_that_leads_back_ends(hostile: httpx.Client) -> None:
    requests = fetch(hostile, "list-leads-back").requests
    assert sum(count for path, count in requests.items() if "/artists/" in path) == 2
