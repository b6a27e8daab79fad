"""Search, songs and pages over real vectors."""

from collections.abc import Callable

import httpx
import psycopg
import pytest

from rap_platform.embeddings.encoders.minilm import Encoder
from rap_platform.features.bars import bars
from rap_platform.features.groups import rhyme_groups, syllable_groups
from rap_platform.features.hearing import hear
from rap_platform.serving.api.pages import FILTERS
from rap_platform.serving.api.rhymes import letter, rhyme_lines
from rap_platform.settings import Settings
from rap_platform_tests.serving import songs

Serve = Callable[[Settings], httpx.Client]


@pytest.fixture
def library(connection: psycopg.Connection, encoder: Encoder) -> dict[str, int]:
    """Three songs with vectors: one real, one simulated, one that attacks the page."""
    numbers = {
        "harbour": songs.add_song(connection, "Harbour", songs.HARBOUR, artist="Nora Vale", year=1994),
        "party": songs.add_song(
            connection, "Neon", songs.PARTY, artist="DJ Stand-In", simulated=True, year=2010, explicit=True
        ),
        "hostile": songs.add_song(
            connection, "<b>Bold</b>", songs.HOSTILE, artist='<script>alert("x")</script>', year=None
        ),
    }
    songs.add_analysis(connection, numbers["harbour"], mood="lonely", themes=("travel",), simulated=True)
    songs.add_analysis(connection, numbers["harbour"], analyzer="rule_based", error="too_short: 6 bars")
    songs.add_vectors(connection, encoder)
    return numbers


def titles(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [hit["title"] for hit in answer.json()["results"]]


def test_search_finds_the_song_and_shows_the_line(api: httpx.Client, library: dict[str, int]) -> None:
    answer = api.get("/search", params={"q": "lonely night at sea"})
    best = answer.json()["results"][0]
    assert best["track_id"] == library["harbour"]
    assert best["simulated"] is False
    assert any(line["matched"] and "lonely sea" in line["text"] for line in best["lines"])
    assert best["lines"][0]["line_no"] == 2
    assert best["why"]["words"] == ["lonely", "night", "sea"] or "sea" in best["why"]["words"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"simulated": "false"}, {"Harbour", "<b>Bold</b>"}),
        ({"simulated": "true"}, {"Neon"}),
        ({"artist": "nora vale"}, {"Harbour"}),
        ({"year_from": 2000}, {"Neon"}),
        ({"year_to": 1994}, {"Harbour"}),
        ({"explicit": "true"}, {"Neon"}),
        ({"mood": "lonely"}, {"Harbour"}),
        ({"theme": "travel"}, {"Harbour"}),
        ({"language": "fr"}, set()),
        ({"artist": "nobody"}, set()),
    ],
)
def test_filters_hold_for_every_hit(
    api: httpx.Client, library: dict[str, int], filters: dict[str, str], expected: set[str]
) -> None:
    assert set(titles(api.get("/search", params={"q": "night in town", **filters}))) == expected


def test_a_search_is_cached_until_something_is_released(
    api: httpx.Client, library: dict[str, int], connection: psycopg.Connection
) -> None:
    ask = lambda: api.get("/search", params={"q": "night"}).json()  # noqa: E731
    first, second = ask(), ask()
    assert (first["cached"], second["cached"]) == (False, True)
    assert first["results"] == second["results"]
    connection.execute(
        "insert into serving_releases (content_digest, encoder, counts, simulated) values (repeat('b', 64), 'minilm', '{}', true)"
    )
    connection.commit()
    third = ask()
    assert third["cached"] is False
    assert third["release_id"] == 1


def test_a_song_comes_with_everything_known_about_it(api: httpx.Client, library: dict[str, int]) -> None:
    track = api.get(f"/tracks/{library['harbour']}").json()
    assert track["artist"] == "Nora Vale"
    assert [section["kind"] for section in track["sections"]] == ["verse", "hook"]
    assert track["provenance"]["url"] == "https://example.org/song"
    assert track["provenance"]["cleaning"] == {"headers": 2}
    assert track["features"] is None
    assert track["spotify"] is None
    by_analyzer = {analysis["analyzer"]: analysis for analysis in track["analyses"]}
    assert by_analyzer["qwen"]["quality"] == 6.5
    assert by_analyzer["qwen"]["simulated"] is True
    assert by_analyzer["rule_based"]["status"] == "failed"
    assert by_analyzer["rule_based"]["quality"] is None
    assert {other["track_id"] for other in track["similar"]} == {library["party"], library["hostile"]}
    assert track["lyrics"].split("\n")[1] == track["rhymes"][1]["text"]


def test_rhymes_carry_letters_and_whole_words() -> None:
    lines = rhyme_lines(songs.HARBOUR)
    ends = {line.text.rsplit(" ", 1)[-1]: line.spans[-1].letter for line in lines if line.spans}
    assert ends["down"] == ends["town"]
    assert ends["me"] == ends["sea"]
    assert ends["me"] != ends["town"]
    for line, found in zip(lines, rhyme_groups(songs.HARBOUR), strict=True):
        assert {(span.start, span.end) for span in line.spans} <= {(span.start, span.end) for span in found}
    assert [letter(number) for number in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_small_words_are_coloured_at_the_end_of_a_line_only() -> None:
    lyrics = "I lit a light in the night for the two of us\nThe cold and the bold in the back of the bus"
    sound = hear(bars(lyrics))
    rhyming = {sound.spelling(at) for at, group in enumerate(syllable_groups(sound)) if group is not None}
    assert rhyming & {"a", "in", "the"}, "else this shows nothing"
    coloured = [[line.text[span.start : span.end] for span in line.spans] for line in rhyme_lines(lyrics)]
    assert not {"a", "and", "in", "of", "the", "The"} & {word for line in coloured for word in line}
    assert coloured[0][-1] == "us" and coloured[1][-1] == "bus"
    assert {"cold", "bold"} <= set(coloured[1])


def test_the_page_shows_what_the_address_asks(api: httpx.Client, library: dict[str, int]) -> None:
    page = api.get("/", params={"q": "lonely night at sea", "simulated": "false", "mood": "lonely"})
    assert page.status_code == 200
    assert f'href="/songs/{library["harbour"]}#line-' in page.text
    assert "A <mark>lonely</mark> man and a <mark>lonely</mark> <mark>sea</mark>" in page.text
    assert 'value="lonely night at sea"' in page.text
    assert '<option value="lonely" selected>' in page.text
    assert "2 set" in page.text


def test_simulated_songs_are_marked_on_the_page(api: httpx.Client, library: dict[str, int]) -> None:
    page = api.get("/", params={"q": "dancing all night", "artist": "DJ Stand-In"}).text
    assert page.count('class="badge simulated"') == 2  # the hit and the explanation in the footer
    song = api.get(f"/songs/{library['party']}").text
    assert song.count('class="badge simulated"') >= 2


def test_hostile_lyrics_stay_text(api: httpx.Client, library: dict[str, int]) -> None:
    for page in (
        api.get(f"/songs/{library['hostile']}").text,
        api.get("/", params={"q": "rain came down on the town"}).text,
    ):
        assert "&lt;" in page
        for tag in ("<img", "<b>Bold", "<script>alert", "<script>document"):
            assert tag not in page
    marked = api.get("/", params={"q": "it was hacked"}).text
    assert "&lt;script&gt;document.title=&#39;<mark>hacked</mark>&#39;&lt;/script&gt;" in marked
    assert "<script>document" not in marked
    echoed = api.get("/", params={"q": '"><img src=x onerror=alert(1)>', "artist": "'\"><script>"}).text
    assert "<img" not in echoed
    assert "<script>" not in echoed


def test_pages_have_no_inline_script_style_or_handler(api: httpx.Client, library: dict[str, int]) -> None:
    for path in (
        "/",
        "/?q=night",
        f"/songs/{library['harbour']}",
        "/docs",
        "/songs/999999",
        "/liked",
        f"/liked?liked={library['harbour']}",
    ):
        page = api.get(path).text
        assert page.count("<script") == page.count('<script type="module" src="/static/') == 1
        for forbidden in ("<style", " style=", " onclick=", " onload=", "javascript:", "https://cdn", "//fonts."):
            assert forbidden not in page, path


def test_scripts_never_build_markup_from_data(api: httpx.Client) -> None:
    for name in ("app.js", "analyse.js", "rhymes.js", "liked.js", "dom.js"):
        script = api.get(f"/static/{name}").text
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert forbidden not in script, name


def test_every_field_of_the_page_has_a_label(api: httpx.Client) -> None:
    page = api.get("/").text
    for field in FILTERS:
        before = page[: page.index(f'name="{field}"')]
        assert before.rindex("<label") > before.rindex("</label>")
    assert '<label class="visually-hidden" for="q">' in page
    assert '<label for="but-not">' in page
    assert '<label for="lyrics">' in page
    assert page.count('aria-live="polite"') == 2


def test_empty_and_wrong_searches_say_what_to_do(api: httpx.Client, library: dict[str, int]) -> None:
    nothing = api.get("/", params={"q": "night", "artist": "nobody"})
    assert nothing.status_code == 200
    assert "Take a filter away" in nothing.text
    wrong = api.get("/", params={"q": "night", "year_from": "2000", "year_to": "1999"})
    assert wrong.status_code == 422
    assert "year_from is after year_to" in wrong.text


def test_before_anything_is_released_the_page_says_so(api: httpx.Client) -> None:
    assert "Nothing is released yet." in api.get("/").text
