"""What Spotify told us is remembered over runs: what the app may do, until when to leave it alone; the sensor comes back then."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import psycopg
import pytest

from rap_platform.orchestration.jobs import refresh_spotify
from rap_platform.orchestration.partitions import RANGE_END, RANGE_START, SHARDS, slots_of
from rap_platform.resources.politeness import Hold
from rap_platform.resources.postgres import PostgresResource, connect
from rap_platform.resources.service_state import HOLD, hold_of, recall, remember, remember_hold
from rap_platform.settings import Settings, get_settings
from rap_platform.spotify import checks, remembering
from rap_platform.spotify.assets import audio_features, spotify_tracks
from rap_platform.spotify.sensors import AFTER_WAIT, spotify_after_wait
from rap_platform_tests.spotify.service import Service, found, track
from rap_platform_tests.spotify.test_assets import (
    FEATURES,
    FORBIDDEN,
    SEARCH,
    AskService,
    add_track,
    figures,
    materialize,
)

TRACKS, RECCO = "/v1/tracks", "/recco/audio-features"
LONG: tuple[int, dict[str, str], Any] = (429, {"Retry-After": "7200"}, {"error": {"message": "later"}})


@pytest.fixture
def conn(settings: Settings, database: str) -> Iterator[psycopg.Connection]:
    with connect(database, autocommit=True) as conn:
        yield conn


@pytest.fixture
def real(settings: Settings, service: Service, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an app at the test's server."""
    monkeypatch.setenv("RAP_SPOTIFY__CLIENT_ID", "key")
    monkeypatch.setenv("RAP_SPOTIFY__CLIENT_SECRET", "hush")
    monkeypatch.setenv("RAP_SPOTIFY__API_URL", f"{service.url}/v1")
    monkeypatch.setenv("RAP_SPOTIFY__TOKEN_URL", f"{service.url}/api/token")
    monkeypatch.setenv("RAP_SPOTIFY__REQUESTS_PER_MINUTE", "60000")
    get_settings.cache_clear()
    return get_settings()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def song(number: int) -> dict[str, Any]:
    return track(f"id{number}", f"Song {number}", "Ann")


def modern(service: Service, *songs: dict[str, Any]) -> None:
    """An app of today: ten results, no batches, no features."""
    service.standing |= {SEARCH: found(*songs), TRACKS: FORBIDDEN, FEATURES: FORBIDDEN}


def test_what_the_app_may_do_is_found_out_once_over_all_shards_and_runs(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    for number in range(8):
        add_track(conn, f"Song {number}", slot=number * 128)
    modern(service, *(song(number) for number in range(8)))
    resources = {"postgres": PostgresResource(dsn=database), "spotify": AskService(url=service.url, recco=False)}
    with dg.DagsterInstance.ephemeral() as instance:
        for shard in SHARDS.get_partition_keys()[::2]:
            done = dg.materialize(
                [spotify_tracks, audio_features], resources=resources, partition_key=shard, instance=instance
            )
            assert done.success
    assert (service.times(FEATURES), service.times(TRACKS)) == (1, 1)
    assert conn.execute("select reason, count(*) from audio_features group by 1").fetchall() == [
        ("endpoint_restricted", 8)
    ]
    kept = recall(conn, "spotify", "capabilities")
    assert kept is not None
    assert kept.until is not None
    assert timedelta(days=6, hours=23) < kept.until - datetime.now(UTC) <= timedelta(days=7)
    assert (kept.value["batch_tracks"], kept.value["audio_features"]) == (False, False)
    assert "key" not in str(kept.value["app"])


def test_another_app_and_a_week_later_are_asked_again(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    modern(service, song(1))
    with AskService(url=service.url).client() as client:
        remembering.make_ready(conn, client)
        assert client.requests == 3
    with AskService(url=service.url).client() as again:
        remembering.make_ready(conn, again)
        assert again.requests == 0
        assert again.capabilities == client.capabilities
        again.app = "another"
        remembering.make_ready(conn, again)
        assert again.requests == 3
    conn.execute("update service_state set until = now() - interval '1 second' where key = 'capabilities'")
    with AskService(url=service.url).client() as later:
        later.app = "another"
        remembering.make_ready(conn, later)
        assert later.requests == 3


def test_a_capability_that_was_wrong_is_corrected_for_the_next_run(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    told = {
        "batch_tracks": True,
        "search_limit": 50,
        "audio_features": True,
        "probed_at": datetime.now(UTC).isoformat(),
    }
    app = AskService(url=service.url).client().app
    remember(conn, "spotify", "capabilities", {"app": app, **told}, datetime.now(UTC) + timedelta(days=5))
    ids = [f"{number:022d}" for number in range(3)]
    for number, spotify_id in enumerate(ids):
        add_track(conn, f"Song {number}", payload=f'{{"row": {{"track_id": "{spotify_id}"}}}}')
        service.standing[f"{TRACKS}/{spotify_id}"] = (200, {}, song(number) | {"id": spotify_id})
    modern(service)
    result = figures(materialize(spotify_tracks, database, AskService(url=service.url)), "spotify_tracks")
    assert (result["matched"], result["by_id"]) == (3, 3)
    kept = recall(conn, "spotify", "capabilities")
    assert kept is not None
    assert kept.value["batch_tracks"] is False
    assert service.times(TRACKS) == 1


def test_ids_that_came_with_the_songs_are_fetched_in_one_request_and_held_against_the_names(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    right, wrong = "a" * 22, "b" * 22
    given = [
        add_track(conn, "Sky", payload=f'{{"row": {{"spotify_uri": "spotify:track:{right}"}}}}'),
        add_track(conn, "Ground", payload=f'{{"row": {{"id": "{wrong}"}}}}'),
        add_track(conn, "Sea", payload=f'{{"song": {{"spotify_uuid": "{"c" * 22}"}}}}'),
        add_track(conn, "Rain", payload='{"row": {"id": "12345"}}'),
    ]
    service.standing |= {
        SEARCH: found(track("g", "Ground", "Ann"), track("r", "Rain", "Ann")),
        TRACKS: (200, {}, {"tracks": [track(right, "Sky", "Ann"), track(wrong, "Other", "Zed"), track("c" * 22, "Sea", "Ann")]}),
        FEATURES: (200, {}, {"audio_features": []}),
    }  # fmt: skip
    materialize(spotify_tracks, database, AskService(url=service.url))
    rows = {row[0]: row[1:] for row in conn.execute("select track_id, method, spotify_id from spotify_tracks")}
    assert [rows[track_id] for track_id in given] == [
        ("id", right),
        ("exact", "g"),
        ("id", "c" * 22),
        ("exact", "r"),
    ]
    assert [asked["ids"] for path, asked in service.asked if path == TRACKS][1:] == [",".join([right, wrong, "c" * 22])]
    assert checks.spotify_links_pass_the_gate(PostgresResource(dsn=database)).passed


def test_a_long_wait_is_kept_over_runs_and_nothing_is_asked_before_its_end(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    add_track(conn, "Song 1")
    modern(service, song(1))
    service.queued[SEARCH] = [LONG]
    spotify = AskService(url=service.url)
    result = figures(materialize(spotify_tracks, database, spotify), "spotify_tracks")
    assert (result["rows_new"], result["rows_left"]) == (0, 1)
    hold = hold_of(conn, "spotify")
    assert hold is not None
    assert timedelta(minutes=119) < hold.until - datetime.now(UTC) < timedelta(minutes=121)
    assert result["rate_limited_until"] == hold.until.isoformat()
    asked = len(service.asked)
    add_track(conn, "Song 2", slot=900)
    for asset in (spotify_tracks, audio_features):
        again = figures(materialize(asset, database, spotify), asset.key.to_user_string())
        assert again["requests"] == 0
    assert len(service.asked) == asked
    conn.execute("update service_state set until = now() - interval '1 second' where key = 'hold'")
    assert figures(materialize(spotify_tracks, database, spotify), "spotify_tracks")["matched"] == 1


def test_a_wait_that_another_app_was_told_does_not_hold_us_back(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    add_track(conn, "Song 1")
    modern(service, song(1))
    remember(conn, "spotify", HOLD, {"app": "another"}, datetime.now(UTC) + timedelta(hours=1), reason="later")
    assert figures(materialize(spotify_tracks, database, AskService(url=service.url)), "spotify_tracks")["matched"] == 1


def test_while_reccobeats_wants_to_be_left_alone_the_tracks_wait_for_it(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    add_track(conn, "Song 1")
    modern(service, song(1))
    spotify = AskService(url=service.url)
    materialize(spotify_tracks, database, spotify)
    service.queued[RECCO] = [LONG]
    service.standing[RECCO] = (200, {}, {"content": [{"id": "u", "href": "https://x/track/id1", "energy": 0.5}]})
    result = figures(materialize(audio_features, database, spotify), "audio_features")
    assert (result["rows_new"], result["rows_left"]) == (0, 1)
    assert (hold_of(conn, "reccobeats") is not None, hold_of(conn, "spotify")) == (True, None)
    conn.execute("update service_state set until = now() - interval '1 second' where key = 'hold'")
    assert figures(materialize(audio_features, database, spotify), "audio_features")["rows_new"] == 1
    assert conn.execute("select source from audio_features").fetchone() == ("reccobeats",)


def test_the_check_says_why_we_are_not_let_in_until_when_and_what_to_do(
    conn: psycopg.Connection, database: str, real: Settings
) -> None:
    postgres = PostgresResource(dsn=database)
    assert checks.spotify_lets_us_in(postgres).passed
    until = datetime(2099, 1, 2, 3, 4, tzinfo=UTC)
    remember_hold(conn, "spotify", Hold(until, "Spotify answered 429 (too many requests)"))
    result = checks.spotify_lets_us_in(postgres)
    assert isinstance(result, dg.AssetCheckResult)
    told = {name: str(value.value) for name, value in result.metadata.items()}
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert (told["asked_again_after"], told["reason"]) == (
        "2099-01-02 03:04 UTC",
        "Spotify answered 429 (too many requests)",
    )
    assert "spotify_after_wait" in told["remedy"]


def test_refused_credentials_show_in_the_check_until_they_are_accepted(
    conn: psycopg.Connection, database: str, real: Settings, service: Service
) -> None:
    add_track(conn, "Song 1", simulated=False)
    good = service.standing["/api/token"]
    service.standing["/api/token"] = (400, {}, {"error": "invalid_client"})
    spotify, postgres = AskService(url=service.url, simulated=False), PostgresResource(dsn=database)
    assert not materialize(spotify_tracks, database, spotify, raise_on_error=False).success
    result = checks.spotify_lets_us_in(postgres)
    assert isinstance(result, dg.AssetCheckResult)
    assert not result.passed
    assert "RAP_SPOTIFY__CLIENT_ID" in str(result.metadata["remedy"].value)
    assert "invalid_client" in str(result.metadata["reason"].value)
    service.standing["/api/token"] = good
    modern(service, song(1))
    materialize(spotify_tracks, database, spotify)
    assert checks.spotify_lets_us_in(postgres).passed


def tick(instance: dg.DagsterInstance, database: str) -> dg.SensorResult | dg.SkipReason:
    context = dg.build_sensor_context(instance=instance, resources={"postgres": PostgresResource(dsn=database)})
    return spotify_after_wait(context)  # type: ignore[return-value]


def hold(conn: psycopg.Connection, until: datetime, service: str = "spotify") -> None:
    remember_hold(conn, service, Hold(until, "later"))


def test_the_sensor_waits_then_starts_the_shards_with_work_once(
    conn: psycopg.Connection, database: str, real: Settings, instance: dg.DagsterInstance, service: Service
) -> None:
    keys = SHARDS.get_partition_keys()
    for shard in (3, 5):
        add_track(conn, f"Song {shard}", simulated=False, slot=slots_of([keys[shard]])[0])
    assert "nobody" in str(tick(instance, database).skip_message)  # type: ignore[union-attr]
    hold(conn, datetime(2099, 1, 2, tzinfo=UTC))
    assert "2099-01-02" in str(tick(instance, database).skip_message)  # type: ignore[union-attr]
    hold(conn, datetime.now(UTC) - timedelta(seconds=1))
    result = tick(instance, database)
    assert isinstance(result, dg.SensorResult)
    (request,) = result.run_requests or ()
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == (keys[3], keys[5])
    same = tick(instance, database)
    assert isinstance(same, dg.SensorResult)
    assert [one.run_key for one in same.run_requests or ()] == [request.run_key]

    instance.add_run(
        dg.DagsterRun(
            job_name=refresh_spotify.name, run_id="1" * 32, status=dg.DagsterRunStatus.STARTED, tags=request.tags
        )
    )
    assert "at it already" in str(tick(instance, database).skip_message)  # type: ignore[union-attr]
    assert recall(conn, "spotify", HOLD) is not None
    instance.delete_run("1" * 32)
    instance.add_run(
        dg.DagsterRun(
            job_name=refresh_spotify.name, run_id="2" * 32, status=dg.DagsterRunStatus.SUCCESS, tags=request.tags
        )
    )
    assert "nothing of it is left" in str(tick(instance, database).skip_message)  # type: ignore[union-attr]
    assert recall(conn, "spotify", HOLD) is None


def test_the_run_that_the_sensor_asks_for_finishes_the_work(
    conn: psycopg.Connection, database: str, real: Settings, instance: dg.DagsterInstance, service: Service
) -> None:
    add_track(conn, "Song 1", simulated=False)
    modern(service, song(1))
    hold(conn, datetime.now(UTC) - timedelta(seconds=1))
    result = tick(instance, database)
    assert isinstance(result, dg.SensorResult)
    (request,) = result.run_requests or ()
    spotify = AskService(url=service.url, simulated=False, recco=False)
    resources = {"postgres": PostgresResource(dsn=database), "spotify": spotify}
    run = dg.materialize(
        [spotify_tracks, audio_features], resources=resources, tags=dict(request.tags), instance=instance
    )
    assert run.success
    assert instance.get_runs_count(dg.RunsFilter(tags={AFTER_WAIT: request.tags[AFTER_WAIT]})) == 1
    assert conn.execute("select status from spotify_tracks").fetchall() == [("matched",)]
    assert isinstance(tick(instance, database), dg.SkipReason)
    assert recall(conn, "spotify", HOLD) is None


def test_a_wait_with_nothing_left_to_do_is_dropped_without_a_run(
    conn: psycopg.Connection, database: str, real: Settings, instance: dg.DagsterInstance
) -> None:
    hold(conn, datetime.now(UTC) - timedelta(seconds=1), "reccobeats")
    assert isinstance(tick(instance, database), dg.SkipReason)
    assert recall(conn, "reccobeats", HOLD) is None


def test_the_thresholds_of_coverage_are_settings_and_the_sources_are_shown(
    conn: psycopg.Connection, database: str, real: Settings, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        add_track(conn, f"Song {number}", simulated=False)
    modern(service, song(1), song(2))
    spotify, postgres = AskService(url=service.url, simulated=False), PostgresResource(dsn=database)
    service.standing[RECCO] = (200, {}, {"content": [{"id": "u", "href": "https://x/track/id1", "energy": 0.5}]})
    materialize(spotify_tracks, database, spotify)
    materialize(audio_features, database, spotify)
    found_by_default = (checks.spotify_covers_the_tracks(postgres), checks.audio_features_cover_the_tracks(postgres))
    assert [one.passed for one in found_by_default] == [True, False]  # type: ignore[union-attr]
    monkeypatch.setenv("RAP_SPOTIFY__LEAST_MATCHED", "0.7")
    monkeypatch.setenv("RAP_SPOTIFY__LEAST_FEATURES", "0.3")
    get_settings.cache_clear()
    links, sound = checks.spotify_covers_the_tracks(postgres), checks.audio_features_cover_the_tracks(postgres)
    assert isinstance(links, dg.AssetCheckResult)
    assert isinstance(sound, dg.AssetCheckResult)
    assert (links.passed, sound.passed) == (False, True)
    assert links.metadata["coverage"].value == pytest.approx(2 / 3)
    assert links.metadata["by_source"].value == {"exact": 2, "none: missing": 1}
    assert sound.metadata["by_source"].value == {
        "reccobeats": 1, "none: no_spotify_match": 1, "none: unknown_to_reccobeats": 1,
    }  # fmt: skip


def test_a_run_that_fails_midway_loses_no_answered_song_and_the_next_asks_for_the_rest_alone(
    conn: psycopg.Connection, database: str, service: Service
) -> None:
    for number in range(120):
        add_track(conn, f"Song {number}", slot=number)
    modern(service, *(song(number) for number in range(120)))
    told = {"batch_tracks": False, "search_limit": 50, "audio_features": False}
    spotify = AskService(url=service.url)
    remember(
        conn, "spotify", "capabilities",
        {"app": spotify.client().app, "probed_at": datetime.now(UTC).isoformat(), **told},
        datetime.now(UTC) + timedelta(days=5),
    )  # fmt: skip
    good = service.standing[SEARCH]
    service.queued[SEARCH] = [good] * 70 + [(401, {}, {})] * 1000
    assert not materialize(spotify_tracks, database, spotify, raise_on_error=False).success
    (stored,) = conn.execute("select count(*) from spotify_tracks").fetchone() or (0,)
    assert 60 <= stored <= 70
    service.queued[SEARCH] = []
    asked = service.times(SEARCH)
    result = figures(materialize(spotify_tracks, database, spotify), "spotify_tracks")
    assert (result["matched"], result["rows_new"]) == (120, 120 - stored)
    assert service.times(SEARCH) - asked == 120 - stored
