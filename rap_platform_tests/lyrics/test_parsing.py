"""Song pages, written by us in the shapes that song sites use."""

import json

import pytest

from rap_platform.lyrics.parsing import parse_page

CONTAINERS = """<!doctype html><html><head><title>Letter Home</title></head><body>
<div data-lyrics-container="true" class="Lyrics__Container-x"><div data-exclude-from-selection="true" class="LyricsHeader__Container">
<button>12 Contributors</button><h2>Letter Home Lyrics</h2></div>[Verse 1]<br/>Rain on the <i>window</i>, a
 <a href="/1/fragment"><span>light in the hall<br/>I wrote</span></a> you a letter<br/><br/>[Hook]<br/>Stay up</div>
<aside>advert</aside>
<div data-lyrics-container="true" class="Lyrics__Container-x">Stay <b>down</b>&#x27;n<br>out
<div data-exclude-from-selection="true">You might also like</div></div>
%s</body></html>"""
TEXT = "[Verse 1]\nRain on the window, a light in the hall\nI wrote you a letter\n\n[Hook]\nStay up\nStay down'n\nout"


def state(song: dict[str, object], lyrics: dict[str, object]) -> str:
    document = {
        "songPage": {"song": 7, "lyricsData": lyrics},
        "entities": {"songs": {"7": song}, "artists": {"3": {"name": "Vale"}}},
    }
    literal = json.dumps(document).replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')
    return f"<script>window.__PRELOADED_STATE__ = JSON.parse('{literal}');</script>"


def page(script: str) -> str:
    return f"<!doctype html><html><head><title>x</title></head><body>{script}</body></html>"


def test_only_br_breaks_a_line_and_inline_tags_stay_inline() -> None:
    found = parse_page(CONTAINERS % "")
    assert (found.status, found.text) == ("ok", TEXT)


def test_the_preloaded_state_gives_facts_and_is_the_second_source_of_text() -> None:
    song = {"title": 'It’s "home"', "primaryArtist": 3, "language": "en", "explicit": True}
    found = parse_page(
        page(state(song, {"body": {"html": "<p>Rain on the <i>window</i><br>\nA light<br/>in the hall</p>"}}))
    )
    assert (found.status, found.text) == ("ok", "Rain on the window\nA light\nin the hall")
    assert (found.title, found.artist, found.language, found.explicit) == ('It’s "home"', "Vale", "en", True)


@pytest.mark.parametrize(
    ("song", "lyrics", "status"),
    [({"title": "A", "instrumental": True}, {}, "instrumental"), ({"title": "A"}, {"lyricsPlaceholderReason": "unreleased"}, "unreleased"),
     ({"title": "A", "lyricsState": "unreleased"}, {}, "unreleased"), ({"title": "A"}, {"body": {"html": ""}}, "missing"),
     ({"title": "A", "lyricsState": "incomplete"}, {"body": {"html": ""}}, "missing"),
     ({"title": "A"}, {"body": {"html": "<p>[Instrumental]</p>"}}, "instrumental"), ({"title": "A"}, {"body": 3}, "missing")],
)  # fmt: skip
def test_a_page_without_lyrics_says_why(song: dict[str, object], lyrics: dict[str, object], status: str) -> None:
    found = parse_page(page(state(song, lyrics)))
    assert (found.status, found.text) == (status, None)


@pytest.mark.parametrize(
    "content",
    ["<html><head><title>Just a moment...</title></head></html>", "<html><body><p>hello</p></body></html>", "{}"],
)
def test_a_blocked_page_is_not_a_missing_song(content: str) -> None:
    assert parse_page(content).status == "blocked"


@pytest.mark.parametrize("content", ["", " \n", "\0"])
def test_an_empty_page_is_a_failure(content: str) -> None:
    assert parse_page(content).status == "failed"


def test_a_broken_state_does_not_take_the_containers_with_it() -> None:
    assert parse_page(CONTAINERS % "<script>window.__PRELOADED_STATE__ = JSON.parse('{oops');</script>").text == TEXT


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        ("<h1>Oops! Page not found</h1>", "missing", "no such page"),
        ("<title>Burrr! | Genius</title>", "missing", "no such page"),
        ('<form><input name="p" type="password"></form>', "blocked", "log-in"),
        ("<h1>Please solve this captcha</h1>", "blocked", "bot check"),
        ("<p>We have seen unusual traffic from your network</p>", "blocked", "bot check"),
        ("<p>Before you continue, choose your cookies</p>", "blocked", "consent"),
        ('<script>window.__PRELOADED_STATE__ = {"currentPage": "homePage"}</script>', "failed", "homePage"),
        (
            '<div class="LyricsPlaceholder__Container-x"><div>This song is an instrumental</div></div>',
            "instrumental",
            "",
        ),
        (
            '<div class="LyricsPlaceholder__M">Lyrics for this song have yet to be released. Please check back.</div>',
            "unreleased",
            "not out yet",
        ),
        ('<div class="LyricsPlaceholder__M">Nobody has written these down</div>', "missing", "no lyrics"),
        ('<div data-lyrics-container="true">[Instrumental]</div>', "instrumental", ""),
        ('<div data-lyrics-container="true"> <br/> </div>', "missing", "no lyrics"),
    ],
)
def test_a_page_without_a_song_says_what_it_is(content: str, status: str, reason: str) -> None:
    found = parse_page(page(content))
    assert (found.status, found.text) == (status, None)
    assert reason in (found.reason or "")


def test_words_that_bot_checks_use_may_stand_in_a_song() -> None:
    found = parse_page(page('<div data-lyrics-container="true">Just a moment<br>solve my captcha</div>'))
    assert (found.status, found.text) == ("ok", "Just a moment\nsolve my captcha")


def test_a_container_inside_another_is_read_once_and_one_inside_what_is_left_out_never() -> None:
    inner = '<div data-lyrics-container="true">inner</div>'
    hidden = f'<aside data-exclude-from-selection="true">{inner}</aside><div aria-hidden="true">{inner}</div>'
    found = parse_page(page(f'{hidden}<div data-lyrics-container="true">outer{inner}</div>'))
    assert (found.status, found.text) == ("ok", "outer\ninner")


def test_the_head_of_a_page_names_artist_and_title_where_there_is_no_state() -> None:
    body = '<title>Vale &amp; Crow – Stay – Up Lyrics | Genius Lyrics</title><div data-lyrics-container="true">x</div>'
    found = parse_page(body)
    assert (found.artist, found.title) == ("Vale & Crow", "Stay – Up")


def test_a_page_nested_without_end_is_read_all_the_same() -> None:
    found = parse_page(f'<div data-lyrics-container="true">{"<i>" * 3000}stay up{"</i>" * 3000}</div>')
    assert (found.status, found.text) == ("ok", "stay up")


@pytest.mark.parametrize("odd", ["a\\u0000b", "a\\ud800b"])
def test_what_cant_be_stored_is_left_out_of_what_the_state_says(odd: str) -> None:
    body = f'{{"songPage": {{"lyricsData": {{"body": {{"html": "{odd}"}}}}}}}}'
    assert parse_page(page(f"<script>window.__PRELOADED_STATE__ = {body};</script>")).text == "ab"
    other = parse_page(page(f'<script>window.__PRELOADED_STATE__ = {{"currentPage": "{odd}"}};</script>'))
    assert (other.status, "\0" in (other.reason or "")) == ("failed", False)
    (other.reason or "").encode()
