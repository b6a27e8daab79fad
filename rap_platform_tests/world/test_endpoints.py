"""The stand-ins over real HTTP: shapes, dirt, refusals, faults."""

import base64
import json
import re
import time

import httpx
import pytest
from bs4 import BeautifulSoup

from rap_platform.world import songwriter, truth
from rap_platform.world.corpus import Corpus
from rap_platform.world.lexicon import MOODS, THEMES

TOKEN = {"Authorization": "Bearer anything"}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "evidence": {"type": "array", "maxItems": 6, "items": {"$ref": "#/$defs/Quoted"}},
        "summary": {"type": "string", "maxLength": 600},
        "themes": {"type": "array", "items": {"enum": list(THEMES)}, "minItems": 1, "maxItems": 4},
        "primary_mood": {"enum": list(MOODS)},
        "moods": {"type": "array", "items": {"enum": list(MOODS)}, "minItems": 1, "maxItems": 3},
        "sentiment": {"enum": ["negative", "neutral", "positive", "mixed"]},
        "profanity_rating": {"enum": ["G", "PG", "PG-13", "R", "NC-17"]},
        "quality": {"type": "number", "minimum": 1, "maximum": 10},
        "complexity": {"type": "number", "minimum": 1, "maximum": 10},
        "wordplay": {"type": "number", "minimum": 1, "maximum": 10},
        "storytelling": {"type": "number", "minimum": 1, "maximum": 10},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "$defs": {
        "Quoted": {"type": "object", "properties": {"quote": {"type": "string"}, "supports": {"type": "string"}}}
    },
}


def every_song(corpus: Corpus) -> list[tuple[int, int]]:
    return [corpus.at(number) for number in range(corpus.songs)]


def chat(client: httpx.Client, text: str, **more: object) -> httpx.Response:
    body: dict[str, object] = {
        "model": "qwen/qwen3-4b-fp8",
        "messages": [{"role": "user", "content": text}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "Analysis", "schema": SCHEMA}},
    }
    return client.post("/llm/v1/chat/completions", json=body | more)


def about(lyrics: str) -> str:
    return f'Read this.\n<lyrics id="7">\n{lyrics}\n</lyrics id="7">\nAnswer with JSON.'


def spotify_token(client: httpx.Client) -> dict[str, str]:
    basic = base64.b64encode(b"id:secret").decode()
    answer = client.post(
        "/spotify/api/token", data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {basic}"}
    )
    answer.raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


# Genius


def test_the_front_page_says_that_nothing_is_real(http: httpx.Client) -> None:
    assert "Nothing here is real" in http.get("/").text
    assert http.get("/health").json() == {"status": "ok", "simulated": True, "seed": 2026, "artists": 60, "songs": 300}


def test_the_catalogue_lists_every_artist_once(http: httpx.Client) -> None:
    rows = [
        row
        for offset in (0, 25, 50)
        for row in http.get("/catalogue/artists", params={"limit": 25, "offset": offset}).json()["artists"]
    ]
    assert len({row["id"] for row in rows}) == 60
    assert sum(row["songs"] for row in rows) == 300


def test_all_songs_of_an_artist_come_page_by_page(http: httpx.Client) -> None:
    row = max(http.get("/catalogue/artists").json()["artists"], key=lambda one: one["songs"])
    found, page = [], 1
    while page is not None:
        answer = http.get(
            f"/genius/api/artists/{row['id']}/songs",
            params={"per_page": 3, "page": page, "sort": "title"},
            headers=TOKEN,
        ).json()["response"]
        found += answer["songs"]
        page = answer["next_page"]
    titles = [song["title"] for song in found]
    assert len({song["id"] for song in found}) == row["songs"]
    assert titles == sorted(titles, key=str.casefold)


def test_a_song_has_the_fields_of_the_real_api(http: httpx.Client, corpus: Corpus) -> None:
    number = corpus.song_id(3, 0)
    song = http.get(f"/genius/api/songs/{number}", headers=TOKEN).json()["response"]["song"]
    told = truth.song(2026, 3, 0)
    assert song["id"] == number
    assert song["title"] == corpus.title(3, 0)
    assert song["primary_artist"]["name"] == corpus.name(3)
    assert song["release_date_components"] == {"year": told.year, "month": told.month, "day": told.day}
    assert (song["language"], song["lyrics_state"], song["instrumental"]) == ("en", "complete", False)
    assert song["stats"]["pageviews"] > 0
    assert song["url"].endswith(song["path"])
    assert http.get(song["url"]).status_code == 200
    assert not {"craft", "quality", "charisma", "mood"} & set(song)


def test_without_a_token_the_api_refuses(http: httpx.Client, corpus: Corpus) -> None:
    assert http.get(f"/genius/api/songs/{corpus.song_id(0, 0)}").status_code == 401
    assert http.get("/genius/api/songs/1", headers=TOKEN).json()["meta"]["status"] == 404


def test_search_finds_a_song_by_title_and_artist(http: httpx.Client, corpus: Corpus) -> None:
    for one in every_song(corpus)[::40]:
        query = f"{corpus.title(*one)} {corpus.name(one[0])}"
        hits = http.get("/genius/api/search", params={"q": query}, headers=TOKEN).json()["response"]["hits"]
        assert corpus.song_id(*one) in {hit["result"]["id"] for hit in hits}


def test_pages_hold_all_lyrics_and_the_dirt_of_real_pages(http: httpx.Client, corpus: Corpus) -> None:
    seen = {
        "Embed": 0,
        "also": 0,
        "tickets": 0,
        "Contributor": 0,
        "cyrillic": 0,
        "odd space": 0,
        "containers": 0,
        "annotation": 0,
        "italic": 0,
    }
    chosen = every_song(corpus)[:120]
    for one in chosen:
        answer = http.get(f"/genius/web/{corpus.page_path(*one)}")
        tree = BeautifulSoup(answer.text, "lxml")
        containers = tree.select('div[data-lyrics-container="true"]')
        assert containers
        for excluded in tree.select('[data-exclude-from-selection="true"]'):
            excluded.decompose()
        for mark in tree.find_all("br"):
            mark.replace_with("\n")
        text = "\n".join(container.get_text() for container in containers)
        seen["Embed"] += bool(re.search(r"\d*Embed$", text))
        seen["also"] += "You might also like" in answer.text
        seen["tickets"] += "Get tickets as low as $" in answer.text
        seen["Contributor"] += "Contributor" in answer.text
        seen["cyrillic"] += "\u0435" in text
        seen["odd space"] += bool(re.search("[\u200b\u2005\u205f\u00a0]", text))
        seen["containers"] += len(containers) > 1
        seen["annotation"] += "ReferentFragment" in answer.text
        seen["italic"] += "<i>" in answer.text
        clean = re.sub(r"\s+", " ", text.replace("\u0435", "e").replace("\u200b", ""))
        for line in [line for section in songwriter.write(2026, *one).sections for line in section.lines][:6]:
            assert re.sub(r"\s+", " ", line) in clean
    share = {name: count / len(chosen) for name, count in seen.items()}
    assert share["Contributor"] == 1
    assert 0.4 < share["Embed"] < 0.8
    assert share["also"] > 0.9
    assert 0.08 < share["tickets"] < 0.35
    assert 0 < share["cyrillic"] < 0.2
    assert 0 < share["odd space"] < 0.3
    assert share["containers"] > 0.4
    assert share["annotation"] > 0.9
    assert share["italic"] > 0.3


def test_the_preloaded_state_is_json_behind_javascript_escapes(http: httpx.Client, corpus: Corpus) -> None:
    text = http.get(f"/genius/web/{corpus.page_path(1, 0)}").text
    literal = re.search(r"window\.__PRELOADED_STATE__ = JSON\.parse\('((?:[^'\\]|\\.)*)'\)", text)
    assert literal
    state = json.loads(re.sub(r"\\(.)", r"\1", literal[1]))
    song = state["entities"]["songs"][str(corpus.song_id(1, 0))]
    assert song["title"] == corpus.title(1, 0)
    assert song["lyricsState"] == "complete"
    assert "<br/>" in state["songPage"]["lyricsData"]["body"]["html"]


@pytest.mark.parametrize(
    ("fate", "status", "words"),
    [
        ("missing", 404, "Page not found"),
        ("unreleased", 200, "have yet to be released"),
        ("instrumental", 200, "This song is an instrumental"),
    ],
)
def test_songs_without_lyrics_say_so(http: httpx.Client, corpus: Corpus, fate: str, status: int, words: str) -> None:
    none = {"missing": 0, "unreleased": 0, "instrumental": 0, "non_lyrics": 0}
    http.put("/faults", json={"genius_web": none | {fate: 1}})
    answer = http.get(f"/genius/web/{corpus.page_path(2, 0)}")
    assert answer.status_code == status
    assert words in answer.text
    assert "data-lyrics-container" not in answer.text


def test_some_pages_are_no_songs(http: httpx.Client, corpus: Corpus) -> None:
    http.put("/faults", json={"genius_web": {"missing": 0, "unreleased": 0, "instrumental": 0, "non_lyrics": 1}})
    answer = http.get(f"/genius/web/{corpus.page_path(2, 0)}").text
    assert "data-lyrics-container" in answer
    assert "[Verse" not in answer


def test_an_unknown_address_is_not_found(http: httpx.Client) -> None:
    assert http.get("/genius/web/nobody-nothing-lyrics").status_code == 404


# Spotify and ReccoBeats


def test_spotify_wants_a_token_of_its_own(http: httpx.Client) -> None:
    assert http.get("/spotify/v1/search", params={"q": "x", "type": "track"}).status_code == 401
    assert http.get("/spotify/v1/search", params={"q": "x", "type": "track"}, headers=TOKEN).status_code == 401
    assert (
        http.post("/spotify/api/token", data={"grant_type": "client_credentials"}).json()["error"] == "invalid_client"
    )
    assert http.post("/spotify/api/token", data={"grant_type": "password"}).status_code == 400


def test_spotify_finds_most_songs_by_field_search_and_by_isrc(http: httpx.Client, corpus: Corpus) -> None:
    token, found, asked = spotify_token(http), 0, every_song(corpus)[::6]
    for one in asked:
        query = f'track:"{corpus.title(*one)}" artist:"{corpus.name(one[0])}"'
        items = http.get("/spotify/v1/search", params={"q": query, "type": "track", "limit": 5}, headers=token).json()[
            "tracks"
        ]["items"]
        hit = next((item for item in items if item["external_ids"]["isrc"] == corpus.isrc(*one)), None)
        if hit:
            found += 1
            assert hit["artists"][0]["name"] == corpus.name(one[0])
            assert "popularity" not in hit
            assert hit["duration_ms"] > 60_000
            by_isrc = http.get(
                "/spotify/v1/search", params={"q": f"isrc:{corpus.isrc(*one)}", "type": "track"}, headers=token
            ).json()["tracks"]["items"]
            assert [item["id"] for item in by_isrc] == [hit["id"]]
            assert http.get(f"/spotify/v1/tracks/{hit['id']}", headers=token).json()["id"] == hit["id"]
    assert 0.88 < found / len(asked) < 1


def test_spotify_offers_decoys(http: httpx.Client, corpus: Corpus) -> None:
    token = spotify_token(http)
    names = {
        item["name"]
        for one in every_song(corpus)[::5]
        for item in http.get(
            "/spotify/v1/search",
            params={"q": f"{corpus.title(*one)} {corpus.name(one[0])}", "type": "track", "limit": 10},
            headers=token,
        ).json()["tracks"]["items"]
    }
    assert any("Karaoke Version" in name for name in names)
    assert any("Remaster" in name for name in names)


def test_spotify_refuses_what_it_refuses_today(http: httpx.Client, corpus: Corpus) -> None:
    token, number = spotify_token(http), corpus.spotify_id(0, 0, 0)
    for path in ("/spotify/v1/audio-features", f"/spotify/v1/audio-features/{number}", "/spotify/v1/tracks"):
        assert http.get(path, params={"ids": number}, headers=token).json() == {
            "error": {"status": 403, "message": "Forbidden"}
        }
    answer = http.get("/spotify/v1/search", params={"q": "x", "type": "track", "limit": 11}, headers=token)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Invalid limit")


def test_reccobeats_knows_the_sound_of_most_tracks(http: httpx.Client, corpus: Corpus) -> None:
    ids = [corpus.spotify_id(artist, 0, 0) for artist in range(40)]
    content = http.get("/reccobeats/v1/audio-features", params={"ids": ",".join(ids)}).json()["content"]
    assert 30 <= len(content) < 41
    for row in content:
        assert row["href"].rsplit("/", 1)[1] in ids
        assert all(
            0 <= row[name] <= 1
            for name in (
                "danceability",
                "energy",
                "valence",
                "acousticness",
                "instrumentalness",
                "speechiness",
                "liveness",
            )
        )
        assert -30 < row["loudness"] < 0 < row["tempo"]


# The panel


def test_the_panel_rates_by_genius_id(http: httpx.Client, corpus: Corpus) -> None:
    rows = http.get(
        "/panel/ratings", params={"source_ids": f"{corpus.song_id(0, 0)},{corpus.song_id(1, 0)},99"}
    ).json()["ratings"]
    assert {row["source_id"] for row in rows} == {str(corpus.song_id(0, 0)), str(corpus.song_id(1, 0))}
    assert all(1 <= row["rating"] <= 10 and row["rater"].startswith("rater-") for row in rows)
    assert len({(row["source_id"], row["rater"], row["occasion"]) for row in rows}) == len(rows)
    assert {row["occasion"] for row in rows} <= {1, 2}
    assert http.get("/panel/ratings", params={"source_ids": ",".join(["1"] * 501)}).status_code == 422
    assert http.get("/panel/ratings", params={"source_ids": "x"}).status_code == 422


# The language model


def test_the_model_answers_in_the_asked_schema_with_verbatim_quotes(http: httpx.Client) -> None:
    lyrics = songwriter.write(2026, 4, 0).lyrics
    answer = chat(http, about(lyrics)).json()
    found = json.loads(answer["choices"][0]["message"]["content"])
    assert set(found) == set(SCHEMA["properties"])  # type: ignore[arg-type]
    assert found["primary_mood"] in MOODS
    assert set(found["themes"]) <= set(THEMES)
    assert all(1 <= found[name] <= 10 for name in ("quality", "complexity", "wordplay", "storytelling"))
    assert 0.35 <= found["confidence"] <= 0.95
    assert found["evidence"]
    assert all(item["quote"] in lyrics for item in found["evidence"])
    assert answer["usage"]["prompt_tokens"] > 100 < answer["usage"]["total_tokens"]
    assert answer["model"] == "qwen/qwen3-4b-fp8"
    again = json.loads(chat(http, about(lyrics)).json()["choices"][0]["message"]["content"])
    assert again == found


def test_the_model_reads_a_schema_from_the_system_message_and_other_vocabularies(http: httpx.Client) -> None:
    schema = {
        "type": "object",
        "properties": {
            "primary_mood": {"enum": ["grim", "sunny"]},
            "quality": {"type": "integer", "minimum": 0, "maximum": 5},
        },
    }
    messages = [
        {"role": "system", "content": f"Answer so:\n```json\n{json.dumps(schema)}\n```"},
        {"role": "user", "content": about("I count my money\nit looks funny")},
    ]
    found = json.loads(
        chat(http, "", messages=messages, response_format=None).json()["choices"][0]["message"]["content"]
    )
    assert found["primary_mood"] in ("grim", "sunny")
    assert 0 <= found["quality"] <= 5


def test_the_model_streams_and_chats_and_knows_only_itself(http: httpx.Client) -> None:
    with http.stream(
        "POST",
        "/llm/v1/chat/completions",
        json={"model": "qwen/qwen3-4b-fp8", "stream": True, "messages": [{"role": "user", "content": "hello"}]},
    ) as answer:
        events = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    assert events[-1] == "[DONE]"
    assert "Hello!" in "".join(json.loads(event)["choices"][0]["delta"].get("content", "") for event in events[:-1])
    assert http.get("/llm/v1/models").json()["data"][0]["id"] == "qwen/qwen3-4b-fp8"
    assert (
        http.post(
            "/llm/v1/chat/completions", json={"model": "other", "messages": [{"role": "user", "content": "x"}]}
        ).status_code
        == 404
    )
    assert http.post("/llm/v1/chat/completions", json={"model": "qwen/qwen3-4b-fp8", "messages": []}).status_code == 400


def test_an_answer_that_is_too_long_is_cut_and_says_so(http: httpx.Client) -> None:
    choice = chat(http, about(songwriter.write(2026, 4, 0).lyrics), max_tokens=20).json()["choices"][0]
    assert choice["finish_reason"] == "length"
    with pytest.raises(ValueError, match="."):
        json.loads(choice["message"]["content"])


def test_the_model_thinks_fences_breaks_and_misquotes_when_told_to(http: httpx.Client) -> None:
    lyrics = songwriter.write(2026, 5, 0).lyrics
    none = {"http_429": 0, "think": 0, "fence": 0, "broken_json": 0, "misquote": 0}

    def content(**rates: float) -> str:
        http.put("/faults", json={"llm": none | rates}).raise_for_status()
        return str(chat(http, about(lyrics)).json()["choices"][0]["message"]["content"])

    assert "</think>" in content(think=1)
    assert content(fence=1).startswith("```json\n")
    misquoted = json.loads(content(misquote=1))["evidence"]
    assert misquoted[-1]["quote"] not in lyrics
    assert misquoted[0]["quote"] in lyrics
    broken = content(broken_json=1)
    with pytest.raises(ValueError, match="."):
        json.loads(broken)
    again = [
        {"role": "user", "content": about(lyrics)},
        {"role": "assistant", "content": broken},
        {"role": "user", "content": "That was not JSON."},
    ]
    http.put("/faults", json={"llm": none | {"broken_json": 0.02}})
    assert json.loads(chat(http, "", messages=again).json()["choices"][0]["message"]["content"])["quality"] >= 1


def test_the_model_agrees_with_the_truth_about_half(corpus: Corpus) -> None:
    from scipy.stats import spearmanr

    from rap_platform.world import llm

    told = [truth.song(2026, *one) for one in every_song(corpus)]
    read = [llm.read(songwriter.write(2026, *one).lyrics) for one in every_song(corpus)]
    assert 0.3 < spearmanr([one.quality for one in told], [one.quality for one in read]).statistic < 0.7
    assert sum(one.confidence > 0.5 for one in read) / len(read) > 0.9
    assert sum(one.themes[0] in other.themes for one, other in zip(told, read, strict=True)) / len(read) > 0.5


# Faults


def test_the_fault_plan_refuses_what_it_does_not_know(http: httpx.Client) -> None:
    assert http.put("/faults", json={"genius_api": {"http_418": 1}}).status_code == 422
    assert http.put("/faults", json={"spotify": {"http_429": 2}}).status_code == 422
    assert http.get("/faults").json()["plan"]["clock_rate"] == 30


def test_a_rate_limit_names_its_wait_by_the_fast_clock(http: httpx.Client, corpus: Corpus) -> None:
    http.put("/faults", json={"clock_rate": 10, "genius_api": {"http_429": 1}})
    answer = http.get(f"/genius/api/songs/{corpus.song_id(0, 0)}", headers=TOKEN)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert http.get("/catalogue/artists").status_code == 200


def test_a_challenge_is_403_or_200_and_marked(http: httpx.Client, corpus: Corpus) -> None:
    http.put("/faults", json={"genius_web": {"challenge": 1}})
    answers = [http.get(f"/genius/web/{corpus.page_path(0, 0)}") for _ in range(12)]
    assert {answer.status_code for answer in answers} == {200, 403}
    assert all(
        answer.headers["cf-mitigated"] == "challenge" and "<title>Just a moment...</title>" in answer.text
        for answer in answers
    )


def test_servers_break_in_every_way_they_are_told_to(http: httpx.Client) -> None:
    def ask(**rates: float) -> httpx.Response:
        http.put("/faults", json={"panel": rates}).raise_for_status()
        return http.get("/panel/ratings", params={"source_ids": "2000000"})

    assert ask(http_500=1).status_code == 500
    assert ask(http_503=1).headers["retry-after"] == "1"
    with pytest.raises(ValueError, match="."):
        ask(malformed=1).json()
    with pytest.raises(httpx.RemoteProtocolError):
        ask(reset=1)
    began = time.monotonic()
    assert ask(slow_ms=300).status_code == 200
    assert time.monotonic() - began >= 0.3


def test_faults_fall_on_the_same_requests_each_time(http: httpx.Client) -> None:
    def run() -> list[int]:
        http.put("/faults", json={"seed": 3, "panel": {"http_503": 0.3}}).raise_for_status()
        return [http.get("/panel/ratings", params={"source_ids": "2000000"}).status_code for _ in range(40)]

    first = run()
    assert first == run()
    assert 4 < first.count(503) < 22
