"""What people touch of search: corrections, marks, pages, what must not be, songs like a song, recommendations."""

import html
import re
from collections.abc import Callable

import httpx
import psycopg
import pytest
from pgvector import HalfVector

from rap_platform.embeddings.encoders.minilm import Encoder
from rap_platform.embeddings.search import explaining
from rap_platform.serving import queries
from rap_platform.serving.api import standing
from rap_platform.serving.api.pages import pieces, tasting
from rap_platform.serving.api.recommendations.schemas import RecommendationsQuery
from rap_platform.serving.api.search.schemas import MatchedLine, SearchPage, Span
from rap_platform.settings import Settings
from rap_platform_tests.serving import songs

Serve = Callable[[Settings], httpx.Client]
NAMES = ("harbour", "anchor", "party", "ledger", "garden")
TEXTS = {
    "harbour": songs.HARBOUR,
    "anchor": "[Verse 1]\nThe anchor is heavy, the water is deep\nI whisper to sailors who never could sleep\nThe tide is a lullaby, lonely and slow",
    "party": songs.PARTY,
    "ledger": "[Verse 1]\nCount every dollar and balance the books\nMoney makes enemies out of the looks\nPaper on paper, it never made sense",
    "garden": "[Verse 1]\nGrandmother planted the roses in May\nKneeling in gardens she taught me to pray\nLove was a trowel and patience a spade",
}


@pytest.fixture
def library(connection: psycopg.Connection, encoder: Encoder) -> dict[str, int]:
    """Five songs by four artists with vectors of their lyrics; three of them have audio vectors."""
    artists = {
        "harbour": "Nora Vale",
        "anchor": "Nora Vale",
        "party": "DJ Stand-In",
        "ledger": "Big Tally",
        "garden": "June Ode",
    }
    numbers = {
        name: songs.add_song(connection, name.title(), TEXTS[name], artist=artists[name], simulated=name == "party")
        for name in NAMES
    }
    songs.add_analysis(connection, numbers["harbour"])
    songs.add_vectors(connection, encoder)
    for name, value in (("harbour", 0.2), ("ledger", 0.25), ("party", 0.9)):
        connection.execute(
            "insert into track_vectors_audio (track_id, scaler_version, input_sha256, embedding, simulated) values (%s, '0', %s, %s, false)",
            [numbers[name], "0" * 64, HalfVector([value] * 9)],
        )
    connection.commit()
    return numbers


def titles(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [song["title"] for song in answer.json()["results"]]


# ---- search ---------------------------------------------------------------------------------------------------------


def test_a_misspelt_word_is_corrected_and_said_so(api: httpx.Client, library: dict[str, int]) -> None:
    answer = api.get("/search", params={"q": "lullabye lonley"}).json()
    assert answer["corrected"] == {"lullabye": "lullaby", "lonley": "lonely"}
    assert answer["results"][0]["title"] == "Anchor"
    page = api.get("/", params={"q": "lullabye"}).text
    assert "Searched for <strong>lullaby</strong> instead of <s>lullabye</s>, which no song says." in page


def test_the_words_found_are_marked_in_the_answer_and_on_the_page(api: httpx.Client, library: dict[str, int]) -> None:
    hit = api.get("/search", params={"q": "money makes enemies"}).json()["results"][0]
    line = next(line for line in hit["lines"] if line["matched"])
    assert [line["text"][span["start"] : span["end"]] for span in line["spans"]] == ["Money", "makes", "enemies"]
    page = api.get("/", params={"q": "money makes enemies"}).text
    assert "<mark>Money</mark> <mark>makes</mark> <mark>enemies</mark> out of the looks" in page
    assert f'href="/songs/{library["ledger"]}#line-{line["line_no"]}"' in page


def test_a_misheard_word_is_found_by_ear_and_said_in_words(api: httpx.Client, library: dict[str, int]) -> None:
    hit = api.get("/search", params={"q": "it never made cents"}).json()["results"][0]
    assert hit["title"] == "Ledger"
    assert hit["why"]["sound_rank"] == 1
    assert {"asked": "cents", "sung": "sense"} in hit["why"]["sounds"]
    page = html.unescape(api.get("/", params={"q": "it never made cents"}).text)
    assert "“sense” sounds like “cents”" in page


def test_what_must_not_be_goes_back(api: httpx.Client, library: dict[str, int]) -> None:
    plain = titles(api.get("/search", params={"q": "love and patience"}))
    assert plain[0] == "Garden"
    for name in ("but_not", "not"):
        answer = api.get("/search", params={"q": "love and patience", name: "grandmother's garden of roses"})
        assert answer.json()["but_not"] == "grandmother's garden of roses"
        assert titles(answer)[0] != "Garden"
    assert "but not <q>roses</q>" in api.get("/", params={"q": "love", "but_not": "roses"}).text


def test_pages_by_cursor_are_one_list_without_repeats(api: httpx.Client, library: dict[str, int]) -> None:
    whole = titles(api.get("/search", params={"q": "night and water"}))
    found: list[str] = []
    cursor: str | None = None
    for _ in range(4):
        answer = api.get(
            "/search", params={"q": "night and water", "limit": 2, **({"cursor": cursor} if cursor else {})}
        )
        found += titles(answer)
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert found == whole
    assert sorted(found) == sorted(name.title() for name in NAMES)
    other = api.get(
        "/search",
        params={"q": "day", "cursor": api.get("/search", params={"q": "night", "limit": 1}).json()["next_cursor"]},
    )
    assert other.status_code == 422
    assert "another question" in other.json()["detail"]


def test_the_page_links_to_more_songs_and_back(
    api: httpx.Client, connection: psycopg.Connection, encoder: Encoder
) -> None:
    for number in range(13):
        songs.add_song(
            connection, f"Wave {number}", f"Wave number {number} comes in at night\nand the harbour has no light"
        )
    songs.add_vectors(connection, encoder)
    page = api.get("/", params={"q": "wave at night", "language": "en"}).text
    first = set(re.findall(r'href="/songs/(\d+)', page))
    (link,) = re.findall(r'data-more href="([^"]+)"', page)
    further = api.get(html.unescape(link)).text
    second = set(re.findall(r'href="/songs/(\d+)', further))
    assert (len(first), len(second), first & second) == (10, 3, set())
    assert "data-more" not in further
    assert 'href="/?q=wave+at+night&amp;language=en">Back to the first</a>' in further


def test_rarer_filters_open_when_they_are_set(api: httpx.Client, library: dict[str, int]) -> None:
    assert '<details class="filters rarer" >' in api.get("/", params={"q": "night", "artist": "Nora Vale"}).text
    page = api.get("/", params={"q": "night", "artist": "Nora Vale", "include_features": "true", "rating": "PG"}).text
    assert '<details class="filters rarer" open>' in page
    assert 'value="true" checked' in page
    assert '<option value="PG" selected>PG or milder</option>' in page
    assert "3 set" in page


def test_a_line_is_cut_where_its_marks_are() -> None:
    line = MatchedLine(
        line_no=1, text="naïve 🌊 night", matched=True, spans=[Span(start=6, end=7), Span(start=8, end=13)]
    )
    assert pieces(line) == [("naïve ", False), ("🌊", True), (" ", False), ("night", True)]
    assert pieces(line.model_copy(update={"spans": []})) == [("naïve 🌊 night", False)]


def test_reasons_are_told_in_words() -> None:
    assert explaining.found_by(2, ["night", "sea", "row"], [("cents", "sense")]) == [
        "says “night”, “sea” and “row”", "“sense” sounds like “cents”", "2nd by meaning",
    ]  # fmt: skip
    assert explaining.found_by(1, [], []) == ["means it best"]
    assert explaining.found_by(None, ["nigth"], [("nigth", "Night")], {"nigth": "night"}) == ["says “night”"]
    assert explaining.found_by(85, ["night"], []) == ["says “night”"]
    assert explaining.found_by(85, [], []) == ["85th by meaning"]
    assert [explaining.ordinal(number) for number in (1, 3, 11, 12, 21, 113)] == [
        "1st",
        "3rd",
        "11th",
        "12th",
        "21st",
        "113th",
    ]


# ---- similar songs --------------------------------------------------------------------------------------------------


def test_songs_like_a_song_by_lyrics_sound_and_a_blend(api: httpx.Client, library: dict[str, int]) -> None:
    similar = f"/tracks/{library['harbour']}/similar"
    assert titles(api.get(similar, params={"by": "lyrics"}))[0] == "Anchor"
    by_sound = api.get(similar, params={"by": "audio"})
    assert titles(by_sound) == ["Ledger", "Party"]
    assert by_sound.json()["results"][0]["by"] == {
        "lyrics": None, "analysis": None, "audio": pytest.approx(1 - 9 * 0.05**2 / 1.5, abs=1e-3),
    }  # fmt: skip
    blend = api.get(similar, params={"lyrics_weight": 1, "audio_weight": 3}).json()
    assert (blend["by"], blend["encoder"], blend["count"]) == ("blend", "minilm", 4)
    party = next(song for song in blend["results"] if song["title"] == "Party")
    assert party["similarity"] == pytest.approx((party["by"]["lyrics"] + 3 * party["by"]["audio"]) / 4, abs=1e-3)
    assert titles(api.get(similar, params={"other_artists": "true", "simulated": "false", "by": "audio"})) == ["Ledger"]
    assert "Anchor" not in titles(api.get(similar, params={"without_artist": "nora vale"}))


def test_a_song_that_cannot_be_compared_says_what_to_do(api: httpx.Client, library: dict[str, int]) -> None:
    answer = api.get(f"/tracks/{library['garden']}/similar", params={"by": "audio"})
    assert answer.status_code == 422
    assert answer.json()["type"] == "not-comparable"
    assert "has no vector of audio yet" in answer.json()["detail"]


def test_answers_are_cached_until_another_encoder_serves(
    api: httpx.Client, library: dict[str, int], connection: psycopg.Connection
) -> None:
    similar = f"/tracks/{library['harbour']}/similar"
    asked = [api.get(similar).json() for _ in range(2)]
    assert [answer["cached"] for answer in asked] == [False, True]
    assert asked[0]["results"] == asked[1]["results"]
    connection.execute("insert into encoders values ('other', 'a model', 8, 'print')")
    connection.execute("select create_vector_tables('other', 8)")
    connection.execute("delete from serving_encoder")
    connection.execute("insert into serving_encoder (name) values ('other')")
    connection.commit()
    answer = api.get(similar, params={"by": "audio"}).json()
    assert (answer["cached"], answer["encoder"]) == (False, "other")


def test_a_deleted_song_is_gone_from_answers_that_are_cached(
    api: httpx.Client, library: dict[str, int], connection: psycopg.Connection
) -> None:
    asked: list[tuple[str, dict[str, str | int]]] = [
        ("/search", {"q": "lonely on the water"}),
        (f"/tracks/{library['harbour']}/similar", {"by": "lyrics"}),
        ("/recommendations", {"liked": library["harbour"], "by": "lyrics"}),
    ]
    for path, question in asked:
        for cached in (False, True):
            answer = api.get(path, params=question)
            assert answer.json()["cached"] is cached
            assert "Anchor" in titles(answer)
    connection.execute("delete from tracks where track_id = %s", [library["anchor"]])
    connection.commit()
    for path, question in asked:
        assert "Anchor" not in titles(api.get(path, params=question))
    connection.execute("delete from tracks where track_id = %s", [library["harbour"]])
    connection.commit()
    assert [api.get(path, params=question).status_code for path, question in asked] == [200, 404, 422]


def test_what_another_version_of_ours_kept_is_no_answer() -> None:
    assert standing._read(SearchPage, {"results": [], "songs": []}) is None
    assert standing._read(SearchPage, None) is None


def test_the_languages_offered_are_those_that_searches_can_filter_by(
    connection: psycopg.Connection, encoder: Encoder
) -> None:
    assert queries.languages(connection) == []
    for number, language in enumerate(("fr", None, "de", "fr", "en")):
        songs.add_song(connection, f"Song {number}", f"Song number {number}\nis short", language=language)
    songs.add_vectors(connection, encoder)
    assert queries.languages(connection) == ["de", "en", "fr"]


def test_an_encoder_that_is_not_configured_here_is_a_503_with_the_remedy(
    api: httpx.Client, library: dict[str, int], connection: psycopg.Connection
) -> None:
    for name, remedy in (
        ("e5", "No encoder 'e5' is configured"),
        ("minilm", "The encoder minilm of these settings is not"),
    ):
        connection.execute(
            "insert into encoders values (%s, 'a model', 384, 'print') on conflict (name) do update set fingerprint = 'print'",
            [name],
        )
        connection.execute("delete from serving_encoder")
        connection.execute("insert into serving_encoder (name) values (%s)", [name])
        connection.commit()
        answer = api.get("/search", params={"q": "harbour"})
        assert (answer.status_code, answer.json()["type"]) == (503, "encoder-unavailable")
        assert answer.json()["detail"].startswith(remedy)
        assert "rap-platform encoders list" in answer.json()["detail"]


def test_the_page_of_a_song_shows_songs_like_it_by_kind(api: httpx.Client, library: dict[str, int]) -> None:
    page = api.get(f"/songs/{library['harbour']}").text
    similar = page[page.index('id="similar"') :]
    assert [title for title in ("By lyrics", "By sound", "By mood and themes") if f"<h3>{title}</h3>" in similar] == [
        "By lyrics",
        "By sound",
    ]
    assert f'href="/songs/{library["ledger"]}"' in similar[similar.index("By sound") :]
    assert f'href="/liked?liked={library["harbour"]}"' in similar
    assert f'data-like="{library["harbour"]}"' in page


# ---- recommendations ------------------------------------------------------------------------------------------------


def test_recommendations_come_with_their_reason_and_leave_out_what_was_named(
    api: httpx.Client, library: dict[str, int]
) -> None:
    answer = api.get(
        "/recommendations", params={"liked": [library["harbour"]], "disliked": [library["party"]], "diversity": 0}
    )
    found = answer.json()
    assert titles(answer)[0] in ("Anchor", "Ledger")
    assert not {"Harbour", "Party"} & set(titles(answer))
    assert {reason["title"] for song in found["results"] for reason in song["because"]} == {"Harbour"}
    assert (
        titles(
            api.get("/recommendations", params={"liked": library["harbour"], "by": "lyrics", "other_artists": "true"})
        )
        != []
    )


def test_the_page_of_liked_songs_holds_the_list_in_its_address(api: httpx.Client, library: dict[str, int]) -> None:
    assert "Nothing is marked yet." in api.get("/liked").text
    harbour, ledger = library["harbour"], library["ledger"]
    page = html.unescape(api.get("/liked", params={"liked": [harbour, ledger], "diversity": 0.6}).text)
    assert '<option value="0.6" selected>varied</option>' in page
    assert f'href="/liked?liked={ledger}&diversity=0.6"' in page  # without the first
    anchor = library["anchor"]
    assert f'href="/liked?liked={harbour}&liked={ledger}&liked={anchor}&diversity=0.6"' in page
    assert f'href="/liked?liked={harbour}&liked={ledger}&disliked={anchor}&diversity=0.6"' in page
    assert re.search(r"lose to “(Harbour|Ledger)” in (lyrics|sound|mood and themes)", page)
    assert f'data-add="{anchor}"' in page
    wrong = api.get("/liked", params={"liked": 424242})
    assert wrong.status_code == 422
    assert "There is no track 424242." in wrong.text


def test_a_list_that_is_full_takes_another_song_for_its_first() -> None:
    full = RecommendationsQuery(liked=list(range(1, 51)))
    numbers = re.findall(r"[?&]liked=(\d+)", tasting(full, "liked", 99))
    assert numbers == [*map(str, range(2, 51)), "99"]
    assert "liked=99" not in tasting(full, "forget", 99)
