"""The Spotify assets over a real database and a real HTTP server: rows, re-asking, labels, limits."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import psycopg
import pytest

from rap_platform.orchestration.partitions import SHARDS
from rap_platform.resources import spotify as resource
from rap_platform.resources.politeness import Politeness
from rap_platform.resources.postgres import PostgresResource, connect
from rap_platform.resources.spotify import SpotifyClient, SpotifyResource
from rap_platform.settings import Settings
from rap_platform.spotify import checks, queries
from rap_platform.spotify.assets import audio_features, spotify_tracks
from rap_platform_tests.spotify.service import Service, found, track

ALL_SHARDS = {
    "dagster/asset_partition_range_start": SHARDS.get_partition_keys()[0],
    "dagster/asset_partition_range_end": SHARDS.get_partition_keys()[-1],
}
SEARCH, FEATURES, RECCO = "/v1/search", "/v1/audio-features", "/recco/audio-features"
FORBIDDEN: tuple[int, dict[str, str], Any] = (403, {}, {"error": {"status": 403, "message": "Forbidden"}})


def add_track(
    conn: psycopg.Connection,
    title: str,
    artist: str = "Ann",
    *,
    simulated: bool = True,
    slot: int = 7,
    payload: str = "{}",
) -> int:
    """One artist, raw song and track; returns the track id."""
    (artist_id,) = conn.execute(
        """insert into artists (name, normalised_name, slug, simulated) values (%(name)s, lower(%(name)s), %(slug)s, %(simulated)s)
        on conflict (normalised_name, simulated) do update set name = excluded.name returning artist_id""",
        {"name": artist, "slug": f"{artist.lower().replace(' ', '-')}-{simulated}", "simulated": simulated},
    ).fetchone()
    (raw_id,) = conn.execute(
        """insert into raw_songs (source, source_id, artist, title, status, payload, content_sha256, simulated)
        values ('import', %s, %s, %s, 'ok', %s, repeat('0', 64), %s) returning raw_song_id""",
        [f"{artist}/{title}/{simulated}", artist, title, payload, simulated],
    ).fetchone()
    (track_id,) = conn.execute(
        """insert into tracks (raw_song_id, source, source_id, artist_id, artist, title, normalised_title, lyrics, lyrics_sha256, line_count,
            word_count, cleaning, cleaner_version, raw_sha256, slot, simulated, language)
        values (%s, 'import', %s, %s, %s, %s, lower(%s), 'la la', repeat('1', 64), 1, 2, '{}', '1', repeat('0', 64), %s, %s, 'en')
        returning track_id""",
        [raw_id, f"{artist}/{title}/{simulated}", artist_id, artist, title, title, slot, simulated],
    ).fetchone()
    conn.commit()
    return int(track_id)


class AskService(SpotifyResource):
    """A resource whose client asks the test's server."""

    url: str
    simulated: bool = True
    recco: bool = True

    def client(self) -> SpotifyClient:
        endpoint = Service(url=self.url).endpoint(simulated=self.simulated)
        polite, polite_to_reccobeats = (
            Politeness(service, 60_000, redis=None, clock_rate=20) for service in ("spotify", "reccobeats")
        )
        return SpotifyClient(
            endpoint,
            f"{self.url}/recco" if self.recco else None,
            polite=polite,
            polite_to_reccobeats=polite_to_reccobeats,
        )


def materialize(
    asset: dg.AssetsDefinition, database: str, spotify: SpotifyResource, *, raise_on_error: bool = True
) -> dg.ExecuteInProcessResult:
    resources = {"postgres": PostgresResource(dsn=database), "spotify": spotify}
    return dg.materialize([asset], resources=resources, tags=ALL_SHARDS, raise_on_error=raise_on_error)


def figures(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    (event,) = result.asset_materializations_for_node(asset)[:1]
    return {name: value.value for name, value in event.metadata.items()}


@pytest.fixture
def conn(settings: Settings, database: str) -> Iterator[psycopg.Connection]:
    with connect(database) as conn:
        yield conn


def test_songs_are_matched_missing_or_in_review_and_a_second_run_asks_nothing(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    sky, gone, live = (add_track(conn, title) for title in ("Sky", "Nowhere to be found", "Harbour (Live)"))
    service.standing[SEARCH] = found(track("a", "Sky", "Ann", isrc="USABC0100001"), track("b", "Harbour", "Ann"))
    spotify = AskService(url=service.url)
    result = figures(materialize(spotify_tracks, database, spotify), "spotify_tracks")
    assert (result["rows_new"], result["matched"], result["missing"], result["review"]) == (3, 1, 1, 1)
    rows = {
        row[0]: row[1:]
        for row in conn.execute(
            "select track_id, status, method, score, spotify_id, isrc, simulated, expires_at is null from spotify_tracks"
        )
    }
    assert rows[sky] == ("matched", "exact", 1.0, "a", "USABC0100001", True, True)
    assert rows[gone][:2] == ("missing", None)
    assert rows[gone][-1] is False
    assert (rows[live][0], rows[live][3]) == ("review", "b")
    before = len(service.asked)
    again = figures(materialize(spotify_tracks, database, spotify), "spotify_tracks")
    assert (again["rows_new"], again["requests"], len(service.asked)) == (0, 0, before)


def test_a_miss_is_asked_again_after_it_expires_and_a_changed_title_at_once(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    missed, changed = add_track(conn, "Sky"), add_track(conn, "Ground")
    service.standing[SEARCH] = found()
    spotify = AskService(url=service.url)
    materialize(spotify_tracks, database, spotify)
    service.standing[SEARCH] = found(track("a", "Sky", "Ann"), track("b", "Soil", "Ann"))
    conn.execute("update spotify_tracks set expires_at = now() - interval '1 hour' where track_id = %s", [missed])
    conn.execute("update tracks set title = 'Soil' where track_id = %s", [changed])
    conn.commit()
    assert figures(materialize(spotify_tracks, database, spotify), "spotify_tracks")["rows_new"] == 2
    assert dict(conn.execute("select track_id, spotify_id from spotify_tracks")) == {missed: "a", changed: "b"}


def test_a_link_made_by_hand_stays(conn: psycopg.Connection, database: str, service: Service) -> None:
    track_id = add_track(conn, "Sky")
    service.standing[SEARCH] = found()
    spotify = AskService(url=service.url)
    materialize(spotify_tracks, database, spotify)
    conn.execute(
        "update spotify_tracks set status = 'matched', method = 'manual', score = 1, spotify_id = 'mine', expires_at = null, reason = null"
    )
    conn.execute("update tracks set title = 'Sky again' where track_id = %s", [track_id])
    conn.commit()
    assert figures(materialize(spotify_tracks, database, spotify), "spotify_tracks")["rows_new"] == 0


def test_real_tracks_are_not_asked_of_the_simulated_spotify_nor_the_other_way(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    add_track(conn, "Sky", simulated=True)
    add_track(conn, "Sky", simulated=False)
    service.standing[SEARCH] = found(track("a", "Sky", "Ann"))
    result = figures(
        materialize(spotify_tracks, database, AskService(url=service.url, simulated=True)), "spotify_tracks"
    )
    assert (result["rows_new"], result["not_asked"]) == (1, 1)
    result = figures(
        materialize(spotify_tracks, database, AskService(url=service.url, simulated=False)), "spotify_tracks"
    )
    assert (result["rows_new"], result["not_asked"]) == (1, 1)
    labels = conn.execute(
        "select t.simulated, s.simulated from tracks t join spotify_tracks s using (track_id) order by 1"
    ).fetchall()
    assert labels == [(False, False), (True, True)]


def test_a_track_whose_request_failed_is_a_failed_row_and_the_others_go_on(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    add_track(conn, "Sky")
    service.standing[SEARCH] = (200, {}, {"surprise": 1})
    spotify = AskService(url=service.url)
    assert figures(materialize(spotify_tracks, database, spotify), "spotify_tracks")["failed"] == 1
    (status, reason, soon) = (
        conn.execute("select status, reason, expires_at < now() + interval '1 day' from spotify_tracks").fetchone()
        or ()
    )
    assert (status, soon) == ("failed", True)
    assert "tracks.items" in reason


def test_a_long_rate_limit_leaves_the_rest_for_later_and_says_until_when(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    for number in range(30):
        add_track(conn, f"Song {number}")
    service.standing[SEARCH] = (429, {"Retry-After": "7200"}, {"error": {"message": "QUOTA_EXCEEDED"}})
    result = figures(materialize(spotify_tracks, database, AskService(url=service.url, threads=2)), "spotify_tracks")
    assert (result["rows_new"], result["rows_left"]) == (0, 30)
    assert service.times(SEARCH) < 15
    assert result["rate_limited_until"] != "none"
    assert conn.execute("select count(*) from spotify_tracks").fetchone() == (0,)


def test_refused_credentials_fail_the_asset_for_good(conn: psycopg.Connection, database: str, service: Service) -> None:
    add_track(conn, "Sky")
    service.standing["/api/token"] = (400, {}, {"error": "invalid_client"})
    result = materialize(spotify_tracks, database, AskService(url=service.url), raise_on_error=False)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "RAP_SPOTIFY__CLIENT_ID" in str(failure.step_failure_data.error_display_string)


def test_without_spotify_the_assets_say_what_to_set(conn: psycopg.Connection, database: str) -> None:
    add_track(conn, "Sky")
    for asset, name in ((spotify_tracks, "spotify_tracks"), (audio_features, "audio_features")):
        result = figures(materialize(asset, database, SpotifyResource()), name)
        assert result["status"] == "not configured"
        assert "RAP_SPOTIFY__CLIENT_ID" in result["remedy"]


def test_a_code_of_the_import_is_searched_for_first(conn: psycopg.Connection, database: str, service: Service) -> None:
    add_track(conn, "Sky", payload='{"row": {"isrc": "USABC0100001", "duration_ms": "not a number"}}')
    service.standing[SEARCH] = found(track("z", "Some other name", "Zed", isrc="USABC0100001"))
    materialize(spotify_tracks, database, AskService(url=service.url))
    assert conn.execute("select method, spotify_id from spotify_tracks").fetchone() == ("isrc", "z")
    assert service.asked[-1][1]["q"] == "isrc:USABC0100001"


def test_refused_features_cost_one_request_and_come_from_the_other_provider(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    known, unknown, odd, unmatched = (
        add_track(conn, title) for title in ("Sky", "Ground", "Sea", "Nowhere to be found")
    )
    service.standing[SEARCH] = found(*(track(title.lower(), title, "Ann") for title in ("Sky", "Ground", "Sea")))
    spotify = AskService(url=service.url)
    materialize(spotify_tracks, database, spotify)
    service.standing[FEATURES] = FORBIDDEN
    rows = [
        {"id": "u1", "href": "https://x/track/sky", "energy": 0.7, "tempo": 91.0},
        {"id": "u2", "href": "https://x/track/sea", "energy": 7},
    ]
    service.standing[RECCO] = (200, {}, {"content": rows})
    result = figures(materialize(audio_features, database, spotify), "audio_features")
    assert service.times(FEATURES) == 1
    assert result["spotify_refuses_audio_features"] is True
    stored = {
        row[0]: row[1:]
        for row in conn.execute(
            "select track_id, status, source, reason, energy, tempo_bpm, valence from audio_features"
        )
    }
    assert stored[known] == ("ok", "reccobeats", None, pytest.approx(0.7), 91.0, None)
    assert stored[unknown] == ("unavailable", None, "unknown_to_reccobeats", None, None, None)
    assert stored[odd] == ("unavailable", None, "reccobeats: energy out of range", None, None, None)
    assert stored[unmatched] == ("unavailable", None, "no_spotify_match", None, None, None)
    before = len(service.asked)
    assert figures(materialize(audio_features, database, spotify), "audio_features")["rows_new"] == 0
    assert len(service.asked) == before


def test_without_another_provider_features_are_unavailable_until_there_is_one(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    for number in range(60):
        add_track(conn, f"Song {number}", slot=number)
    service.standing[SEARCH] = found(*(track(f"id{number}", f"Song {number}", "Ann") for number in range(60)))
    materialize(spotify_tracks, database, AskService(url=service.url))
    service.standing[FEATURES] = FORBIDDEN
    materialize(audio_features, database, AskService(url=service.url, recco=False))
    assert service.times(FEATURES) == 1
    assert conn.execute("select status, reason, count(*) from audio_features group by 1, 2").fetchall() == [
        ("unavailable", "endpoint_restricted", 60)
    ]
    conn.commit()
    with_provider = [{"id": "u", "href": f"https://x/track/id{number}", "energy": 0.5} for number in range(60)]
    service.standing[RECCO] = (200, {}, {"content": with_provider})
    assert (
        figures(materialize(audio_features, database, AskService(url=service.url)), "audio_features")["rows_new"] == 60
    )
    assert conn.execute("select count(*) from audio_features where status = 'ok'").fetchone() == (60,)


def test_spotify_comes_first_where_it_answers(conn: psycopg.Connection, database: str, service: Service) -> None:
    add_track(conn, "Sky")
    service.standing[SEARCH] = found(track("sky", "Sky", "Ann"))
    service.standing[FEATURES] = (200, {}, {"audio_features": [{"id": "sky", "energy": 0.25, "loudness": -8.5}]})
    spotify = AskService(url=service.url)
    materialize(spotify_tracks, database, spotify)
    materialize(audio_features, database, spotify)
    assert conn.execute("select source, energy, loudness_db, simulated from audio_features").fetchone() == (
        "spotify",
        0.25,
        -8.5,
        True,
    )
    assert service.times(RECCO) == 0


def test_the_checks_see_a_link_below_the_gate_and_figures_without_a_source(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    add_track(conn, "Sky")
    service.standing[SEARCH] = found(track("sky", "Sky", "Ann"))
    service.standing[FEATURES] = FORBIDDEN
    service.standing[RECCO] = (200, {}, {"content": []})
    spotify, postgres = AskService(url=service.url), PostgresResource(dsn=database)
    materialize(spotify_tracks, database, spotify)
    materialize(audio_features, database, spotify)
    assert checks.spotify_links_pass_the_gate(postgres).passed
    assert checks.audio_features_are_given_or_absent(postgres).passed
    conn.execute("update spotify_tracks set score = 0.5")
    conn.execute("update audio_features set energy = 0.5")
    conn.commit()
    assert not checks.spotify_links_pass_the_gate(postgres).passed
    assert not checks.audio_features_are_given_or_absent(postgres).passed


def test_the_simulated_world_is_matched_over_http(world: str, settings: Settings, database: str) -> None:
    endpoint = settings.spotify_endpoint()
    assert resource.reccobeats_url(settings, endpoint) == f"{world}/reccobeats/v1"
    import httpx

    songs = _songs_of_the_world(httpx.Client(base_url=world, headers={"Authorization": "Bearer x"}, timeout=20))
    with connect(database) as conn:
        for artist, title in songs:
            add_track(conn, title, artist)
        result = figures(materialize(spotify_tracks, database, SpotifyResource()), "spotify_tracks")
        assert result["matched"] >= 0.75 * len(songs)
        assert result["failed"] == 0
        sound = figures(materialize(audio_features, database, SpotifyResource()), "audio_features")
        assert sound["spotify_refuses_audio_features"] is True
        assert sound["by_source_or_reason"]["reccobeats"] >= 0.6 * len(songs)
        assert (
            queries.coverage(conn, simulated=True)["with_audio_features"] == sound["by_source_or_reason"]["reccobeats"]
        )


def _songs_of_the_world(client: Any) -> list[tuple[str, str]]:
    songs: list[tuple[str, str]] = []
    with client:
        for artist in client.get("/catalogue/artists", params={"limit": 4}).json()["artists"]:
            for _ in range(5):
                answer = client.get(f"/genius/api/artists/{artist['id']}/songs", params={"per_page": 10})
                if answer.status_code == 200:
                    songs += [(artist["name"], song["title"]) for song in answer.json()["response"]["songs"]]
                    break
    return list(dict.fromkeys(songs))


def test_features_whose_request_failed_are_asked_for_again_soon(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    add_track(conn, "Sky")
    service.standing[SEARCH] = found(track("sky", "Sky", "Ann"))
    service.standing[FEATURES] = FORBIDDEN
    service.standing[RECCO] = (400, {}, {"error": "broken"})
    spotify = AskService(url=service.url)
    materialize(spotify_tracks, database, spotify)
    assert figures(materialize(audio_features, database, spotify), "audio_features")["rows_new"] == 1
    assert figures(materialize(audio_features, database, spotify), "audio_features")["rows_new"] == 0
    conn.execute("update audio_features set fetched_at = now() - interval '7 hours'")
    conn.commit()
    row = {"id": "u", "href": "https://x/track/sky", "energy": 0.5}
    service.standing[RECCO] = (200, {}, {"content": [row]})
    assert figures(materialize(audio_features, database, spotify), "audio_features")["rows_new"] == 1
    assert conn.execute("select status, energy from audio_features").fetchone() == ("ok", 0.5)
