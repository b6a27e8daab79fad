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
     ({"title": "A", "lyricsState": "unreleased"}, {}, "unreleased"), ({"title": "A"}, {"body": {"html": ""}}, "missing")],
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


def test_a_page_nested_without_end_is_read_all_the_same() -> None:
    found = parse_page(f'<div data-lyrics-container="true">{"<i>" * 3000}stay up{"</i>" * 3000}</div>')
    assert (found.status, found.text) == ("ok", "stay up")
