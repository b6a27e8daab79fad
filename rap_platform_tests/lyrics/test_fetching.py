"""Genius to raw_songs: through real servers, polite ones and others."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import psycopg
import pytest

from rap_platform.lyrics import assets, checks, queries, watching
from rap_platform.lyrics.building import BuildReport, build_tracks, ensure_artists
from rap_platform.lyrics.fetching import Down, fetch_artists
from rap_platform.lyrics.parsing import PARSER_VERSION
from rap_platform.orchestration.partitions import ARTISTS
from rap_platform.resources.genius import GeniusClient, GeniusResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform.resources.redis import client as redis_client
from rap_platform.settings import Settings, get_settings
from rap_platform_tests.lyrics.misbehaving import Reply, Server, api, client, lyrics_page, page, serving

TEXT = "Rain on the window, a light in the hall\nI wrote you a letter and hung up the call\nStay up, stay {n}\nNobody answers at all"
REPOSITORY = Path(__file__).resolve().parents[2]
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


class LocalGenius(GeniusResource):
    """The resource over a server of the test."""

    root: str
    scrape: bool = True
    simulated: bool = True
    redis_url: str | None = None

    @contextmanager
    def client(self) -> Any:
        """A client with a Redis only where the test names one: what one test remembers is no other's business."""
        server = redis_client(self.redis_url) if self.redis_url else None
        with client(
            Server(self.root, []), scrape=self.scrape, simulated=self.simulated, redis=server, clock_rate=1000
        ) as opened:
            yield opened


def song(number: int, artist: int = 1, **more: Any) -> dict[str, Any]:
    names = {1: "Vale", 2: "Crow", 3: "Genius English Translations"}
    return {
        "id": number,
        "title": f"Song {number}",
        "url": f"/web/{number}",
        "primary_artist": {"id": artist, "name": names[artist]},
        "lyrics_state": "complete",
    } | more


def answering(pages: dict[str, Reply], songs: dict[int, list[dict[str, Any]]]) -> Callable[[str], Reply]:
    """A Genius with these songs per artist; `pages` answers come first."""
    known = {one["id"]: one for listed in songs.values() for one in listed}

    def answer(path: str) -> Reply:
        path = path.partition("?")[0]
        if path in pages:
            return pages[path]
        match path.strip("/").split("/"):
            case ["api", "artists", number, "songs"]:
                return api({"songs": songs[int(number)], "next_page": None})
            case ["api", "songs", number]:
                return api({"song": known[int(number)] | {"url": f"http://{HOST[0]}/web/{number}"}})
            case ["web", number]:
                return lyrics_page(TEXT.format(n=number))
        return Reply(404)

    return answer


HOST = [""]


@contextmanager
def genius(pages: dict[str, Reply], songs: dict[int, list[dict[str, Any]]]) -> Any:
    with serving(answering(pages, songs)) as server:
        HOST[0] = server.url.removeprefix("http://")
        yield server


def watch(conn: psycopg.Connection, **ids: int) -> None:
    artists = ensure_artists(conn, ids, simulated=True)
    queries.watch_artists(conn, [(artists[name].artist_id, number) for name, number in ids.items()])
    conn.commit()


def run(
    server: Server, *slugs: str, force: bool = False, raises: bool = True, **resource: Any
) -> dg.ExecuteInProcessResult:
    defs = dg.Definitions(
        assets=[assets.genius_songs, assets.imported_songs, assets.tracks],
        asset_checks=dg.load_asset_checks_from_modules([checks]),
        resources={"postgres": PostgresResource(), "genius": LocalGenius(root=server.url, **resource)},
    )
    config = {
        "ops": {"genius_songs": {"config": {"force": force}}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("artists", list(slugs))
        tags = {RANGE[0]: slugs[0], RANGE[1]: slugs[-1]}
        job = defs.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            run_config=config,
            instance=instance,
            asset_selection=[assets.genius_songs.key],
            tags=tags,
            raise_on_error=raises,
        )


def statuses(conn: psycopg.Connection) -> dict[str, str]:
    rows = conn.execute("select source_id, status from raw_songs order by source_id")
    conn.commit()
    return {str(source_id): str(status) for source_id, status in rows}


def figures(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = {e.step_key: e for e in result.get_asset_materialization_events()}.values()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_songs_are_stored_and_told_apart_and_fetched_once(settings: Settings, connection: psycopg.Connection) -> None:
    watch(connection, Vale=1, Crow=2)
    mine = [
        song(1),
        song(2, instrumental=True),
        song(3, lyrics_state="unreleased"),
        song(4),
        song(5),
        song(6, artist=2),
        song(7, artist=3),
    ]
    pages = {"/web/4": Reply(404), "/web/5": Reply(410)}
    with genius(pages, {1: mine, 2: [song(8, artist=2)]}) as server:
        result = run(server, "crow", "vale")
        assert statuses(connection) == {
            "1": "ok",
            "2": "instrumental",
            "3": "unreleased",
            "4": "missing",
            "5": "removed",
            "8": "ok",
        }
        told = figures(result)
        assert (told["artists"], told["artists_failed"], told["songs_of_other_artists"], told["rows_new"]) == (
            2,
            0,
            2,
            6,
        )
        asked = len(server.requests)
        second = figures(run(server, "crow", "vale"))
        assert (second["rows_new"], second["songs_unchanged"]) == (0, 6)
        assert len(server.requests) == asked + 2
        assert figures(run(server, "crow", "vale", force=True))["rows_new"] == 6


def test_an_edited_or_old_song_is_fetched_again(settings: Settings, connection: psycopg.Connection) -> None:
    watch(connection, Vale=1)
    with genius({}, {1: [song(1), song(2)]}) as server:
        run(server, "vale")
        connection.execute("update raw_songs set fetched_at = now() - interval '91 days' where source_id = '2'")
        connection.commit()
        assert figures(run(server, "vale"))["rows_new"] == 1
    with genius({}, {1: [song(1, lyrics_updated_at=5), song(2)]}) as server:
        assert figures(run(server, "vale"))["rows_new"] == 1


def test_a_block_stops_politely_keeps_what_came_and_says_when_to_try_again(
    settings: Settings, connection: psycopg.Connection
) -> None:
    watch(connection, Vale=1)
    pages = {"/web/2": Reply(403, headers={"retry-after": "7200"})}
    with genius(pages, {1: [song(n) for n in range(1, 9)]}) as server:
        result = run(server, "vale", raises=False)
        assert "/web/3" not in server.paths()
        assert server.paths().count("/web/2") == 1
    assert not result.success
    assert statuses(connection) == {"1": "ok", "2": "blocked"}
    failure = next(event for event in result.all_events if event.is_step_failure).step_failure_data
    text = str(failure.user_failure_data.description if failure.user_failure_data else "")
    again = dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
    assert "nothing was recorded as missing" in text
    assert f"Try again after {again:%Y-%m-%d %H:}" in text


def test_while_genius_wants_to_be_left_alone_a_run_asks_nothing_and_a_check_fails(
    settings: Settings, connection: psycopg.Connection
) -> None:
    watch(connection, Vale=1)
    with genius({"/web/1": Reply(403, headers={"retry-after": "7200"})}, {1: [song(1)]}) as server:
        checks_of_the_block = lets_us_in(run(server, "vale", raises=False))
    assert [check.passed for check in checks_of_the_block] == [False]
    (told,) = (check.metadata for check in checks_of_the_block)
    assert told["reason"].value == "HTTP 403"
    assert "import songs from a file" in str(told["remedy"].value)
    with genius({}, {1: [song(1)]}) as server:
        result = run(server, "vale", raises=False)
        assert not result.success
        assert (server.requests, server.robots_asked) == ([], 0)
        (again,) = lets_us_in(result)
        assert (again.passed, again.metadata["since"].value) == (False, told["since"].value)
        connection.execute("update service_state set until = now() - interval '1 second'")
        connection.commit()
        (free,) = lets_us_in(run(server, "vale"))
        assert free.passed
    assert statuses(connection) == {"1": "ok"}
    assert connection.execute("select count(*) from service_state").fetchone() == (0,)


def test_artists_that_a_blocked_run_did_not_come_to_are_due_once_the_hold_has_passed(
    settings: Settings, connection: psycopg.Connection
) -> None:
    watch(connection, Vale=1, Crow=2)
    with genius({"/web/1": Reply(403, headers={"retry-after": "7200"})}, {1: [song(1)]}) as server:
        run(server, "vale", raises=False)
        run(server, "crow", raises=False)
    now = dt.datetime.now(dt.UTC)
    artists = queries.watch_list(connection, simulated=False) + queries.watch_list(connection, simulated=True)
    assert {artist.slug: artist.fetch_error for artist in artists}["crow"] == "not asked: HTTP 403"
    due = watching.due_again(artists, now + dt.timedelta(hours=3), now + dt.timedelta(hours=2))
    assert [artist.slug for artist in due] == ["crow", "vale"]


def lets_us_in(result: dg.ExecuteInProcessResult) -> list[dg.AssetCheckEvaluation]:
    return [one for one in result.get_asset_check_evaluations() if one.check_name == "genius_lets_us_in"]


def test_what_robots_txt_forbids_is_blocked_alone_and_never_asked_for(
    settings: Settings, connection: psycopg.Connection
) -> None:
    watch(connection, Vale=1)
    rules = Reply(200, b"User-agent: *\nDisallow: /web/2\n", {"content-type": "text/plain"})
    listed = [song(1), song(2), song(3)]
    with serving(answering({}, {1: listed}), robots=lambda: rules) as server:
        HOST[0] = server.url.removeprefix("http://")
        for one in listed:
            one["url"] = f"{server.url}/web/{one['id']}"
        (check,) = lets_us_in(run(server, "vale"))
        assert not {"/web/2", "/api/songs/2"} & set(server.paths())
        assert server.robots_asked == 1
    assert statuses(connection) == {"1": "ok", "2": "blocked", "3": "ok"}
    assert connection.execute("select reason from raw_songs where source_id = '2'").fetchone() == (
        "robots.txt forbids /web/2",
    )
    assert (check.passed, check.metadata["songs_forbidden_by_robots_txt"].value) == (False, 1)


def test_an_artist_gone_through_is_marked_and_one_that_was_not_says_why(
    settings: Settings, connection: psycopg.Connection
) -> None:
    watch(connection, Vale=1, Crow=2)
    with genius({"/api/artists/2/songs": Reply(400)}, {1: [song(1)], 2: []}) as server:
        run(server, "crow", "vale")
    query = "select slug, fetched_at is not null, fetch_error from artists order by slug"
    assert connection.execute(query).fetchall() == [
        ("crow", False, "list of songs, page 1: HTTP 400"),
        ("vale", True, None),
    ]
    connection.rollback()
    with genius({}, {1: [song(1)], 2: []}) as server:
        run(server, "crow", "vale")
    assert connection.execute(query).fetchall() == [("crow", True, None), ("vale", True, None)]


def test_a_list_of_songs_is_asked_for_once_an_hour_unless_forced(
    settings: Settings, connection: psycopg.Connection, redis_url: str
) -> None:
    watch(connection, Vale=1)
    with genius({}, {1: [song(1), song(2)]}) as server:
        for _ in range(2):
            run(server, "vale", redis_url=redis_url)
        assert server.paths().count("/api/artists/1/songs") == 1
        run(server, "vale", redis_url=redis_url, force=True)
        assert server.paths().count("/api/artists/1/songs") == 2
        server_of_lists = redis_client(redis_url)
        assert server_of_lists is not None
        (key,) = server_of_lists.scan_iter(f"rap:genius:songs:{server.url}*")
        assert 0 < server_of_lists.ttl(key) <= 3600
        server_of_lists.set(key, b"{oops")
        assert figures(run(server, "vale", redis_url=redis_url))["songs_unchanged"] == 2
        assert server.paths().count("/api/artists/1/songs") == 3


def test_the_same_words_under_another_id_are_counted_with_redis_and_without(
    settings: Settings, connection: psycopg.Connection, redis_url: str
) -> None:
    watch(connection, Vale=1)
    same = {"/web/2": lyrics_page(TEXT.format(n=1).upper()), "/web/3": lyrics_page(TEXT.format(n=1))}
    with genius(same, {1: [song(1), song(2), song(3), song(4)]}) as server:
        assert figures(run(server, "vale"))["exact_duplicates"] == 2
        connection.execute("delete from raw_songs")
        connection.commit()
        found = redis_client(redis_url)
        assert found is not None
        key = f"rap:lyrics:hashes:{server.url}/api"
        assert figures(run(server, "vale", redis_url=redis_url))["exact_duplicates"] == 2
        assert (found.hlen(key), found.ttl(key)) == (2, -1)
        connection.execute("delete from raw_songs where source_id = '3'")
        connection.commit()
        found.delete(key)
        assert figures(run(server, "vale", redis_url=redis_url))["exact_duplicates"] == 1
        assert found.hvals(key) == [b"1", b"4"]


def test_the_page_of_another_artist_or_song_or_of_translators_is_refused(
    settings: Settings, connection: psycopg.Connection
) -> None:
    def titled(title: str) -> Reply:
        body = f'<title>{title}</title></head><body><div data-lyrics-container="true">Stay up</div>'
        return Reply(200, f"<html><head>{body}</body></html>".encode())

    watch(connection, Vale=1)
    pages = {
        "/web/1": titled("Crow – Song 1 Lyrics | Genius Lyrics"),
        "/web/2": titled("Vale – Tide Lyrics | Genius Lyrics"),
        "/web/3": titled("Genius English Translations – Song 3 Lyrics | Genius Lyrics"),
        "/web/4": titled("VALE – Song 4 Lyrics | Genius Lyrics"),
    }
    with genius(pages, {1: [song(n) for n in range(1, 5)]}) as server:
        run(server, "vale")
    rows = connection.execute("select source_id, status, reason from raw_songs order by source_id").fetchall()
    assert rows == [
        ("1", "failed", "the page is of another artist: 'Crow'"),
        ("2", "failed", "the page is of another song: 'Tide'"),
        ("3", "failed", "the page is a translation: 'Genius English Translations'"),
        ("4", "ok", None),
    ]


def test_another_parser_reads_the_stored_pages_again_and_asks_for_none(
    settings: Settings, connection: psycopg.Connection
) -> None:
    watch(connection, Vale=1)
    pages = {"/web/3": Reply(404)}
    with genius(pages, {1: [song(1), song(2), song(3)]}) as server:
        run(server, "vale")
        asked = len(server.requests)
        connection.execute("update raw_songs set parser_version = '0', status = 'failed' where source_id = '1'")
        connection.execute("update raw_songs set parser_version = null, text_sha256 = null where source_id = '2'")
        connection.commit()
        told = figures(run(server, "vale"))
        assert told["pages_read_again"] == 2
        assert server.paths()[asked:] == ["/api/artists/1/songs"]
    rows = connection.execute(
        "select source_id, status, parser_version, text_sha256 is not null from raw_songs order by source_id"
    ).fetchall()
    assert rows == [
        ("1", "ok", PARSER_VERSION, True),
        ("2", "ok", PARSER_VERSION, True),
        ("3", "missing", None, False),
    ]


KILLED = """
import os, signal, sys
import dagster as dg
from rap_platform.lyrics import assets, queries
from rap_platform_tests.lyrics import test_fetching
from rap_platform_tests.lyrics.misbehaving import Server
root, songs = sys.argv[1], int(sys.argv[2])
read = assets.reread
seen = []
def dying(song):
    seen.append(song)
    if len(seen) > songs:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(song)
assets.reread = dying
test_fetching.run(Server(root, []), "vale")
"""


def test_a_run_killed_in_the_middle_of_an_artist_asks_for_no_page_twice(
    settings: Settings, connection: psycopg.Connection, database: str
) -> None:
    watch(connection, Vale=1)
    songs = [song(number) for number in range(1, 21)]
    with genius({}, {1: songs}) as server:
        env = os.environ | {"RAP_DATABASE_URL": database}
        argv = [sys.executable, "-c", KILLED, server.url, "7"]
        assert (
            subprocess.run(argv, env=env, cwd=REPOSITORY, capture_output=True, check=False).returncode
            == -signal.SIGKILL
        )
        arrived = connection.execute("select count(*) from raw_songs").fetchone()
        landed = connection.execute("select count(*) from fetched_songs").fetchone()
        assert (arrived, landed) == ((7,), (1,))
        connection.commit()
        before = Counter(server.paths())
        run(server, "vale")
        after = Counter(server.paths()) - before
    assert statuses(connection) == {str(number): "ok" for number in range(1, 21)}
    assert sum(count for path, count in after.items() if path.startswith("/web/")) == 20 - 8
    assert connection.execute("select count(*) from fetched_songs").fetchone() == (0,)


def test_one_broken_artist_does_not_lose_the_others(settings: Settings, connection: psycopg.Connection) -> None:
    watch(connection, Vale=1, Crow=2)
    with genius({"/api/artists/2/songs": Reply(400)}, {1: [song(1)], 2: []}) as server:
        told = figures(run(server, "crow", "nobody", "vale"))
    assert statuses(connection) == {"1": "ok"}
    assert told["artists_failed"] == 2
    assert "| Crow | list of songs, page 1: HTTP 400 |" in told["problems"]
    assert "| nobody | not on the watch list |" in told["problems"]


def test_a_song_that_fails_is_a_row_and_is_tried_again(settings: Settings, connection: psycopg.Connection) -> None:
    watch(connection, Vale=1)
    with genius({"/web/1": Reply(400)}, {1: [song(1), song(2)]}) as server:
        run(server, "vale")
    assert statuses(connection) == {"1": "failed", "2": "ok"}
    with genius({}, {1: [song(1), song(2)]}) as server:
        assert figures(run(server, "vale"))["rows_new"] == 1
    assert statuses(connection) == {"1": "ok", "2": "ok"}


def test_pages_that_are_no_song_pages_are_blocked_not_missing(
    settings: Settings, connection: psycopg.Connection
) -> None:
    watch(connection, Vale=1)
    with genius({"/web/1": page("hello")}, {1: [song(1), song(2)]}) as server:
        run(server, "vale")
    assert statuses(connection) == {"1": "blocked", "2": "ok"}


def test_nul_in_an_answer_is_a_failure_and_does_not_reach_the_database(
    settings: Settings, connection: psycopg.Connection
) -> None:
    watch(connection, Vale=1)
    with genius({}, {1: [song(1, title="So\0ng"), song(2, title="So\ud800ng"), song(3)]}) as server:
        run(server, "vale")
    assert statuses(connection) == {"1": "failed", "2": "failed", "3": "ok"}


def test_without_leave_to_fetch_pages_the_asset_says_what_to_set(
    settings: Settings, connection: psycopg.Connection
) -> None:
    with genius({}, {}) as server:
        told = figures(run(server, "vale", scrape=False, simulated=False))
        assert server.requests == []
    assert told["status"] == "not configured"
    assert "RAP_GENIUS__SCRAPE=true" in told["remedy"]


def test_a_refused_token_is_not_tried_again(settings: Settings, connection: psycopg.Connection) -> None:
    watch(connection, Vale=1)
    with genius({"/api/artists/1/songs": Reply(401)}, {1: []}) as server:
        result = run(server, "vale", raises=False)
        assert not result.success
        assert len(server.requests) == 1


def test_a_real_song_never_overwrites_a_simulated_one(connection: psycopg.Connection) -> None:
    def raw(simulated: bool) -> queries.RawSong:
        return queries.RawSong(
            "genius", "1", "vale", "Vale", "Tide", "ok", None, {}, "x", "0" * 64, simulated=simulated
        )

    assert queries.store_raw_songs(connection, [raw(True)]) == 1
    assert queries.store_raw_songs(connection, [raw(False)]) == 0
    assert connection.execute("select simulated from raw_songs").fetchall() == [(True,)]


def test_the_world_is_watched_fetched_and_made_into_tracks(
    settings: Settings, world: str, connection: psycopg.Connection
) -> None:
    httpx.delete(f"{world}/faults").raise_for_status()
    slugs = watching.sync_watch_list(connection, settings)
    assert len(slugs) == 10
    assert watching.sync_watch_list(connection, settings) == slugs == queries.watched_slugs(connection, simulated=True)
    with settings_client(settings) as opened:
        artists = list(queries.artists_by_slug(connection, slugs).values())
        assert all(artist.simulated and artist.genius_id for artist in artists)
        songs = [
            item for item in fetch_artists(opened, artists, {}, most_songs=50) if isinstance(item, queries.RawSong)
        ]
    assert len(songs) == 40
    queries.store_raw_songs(connection, songs)
    report = BuildReport()
    for _ in build_tracks(connection, report):
        pass
    assert report.new + sum(report.set_aside.values()) == sum(one.status == "ok" for one in songs)
    assert report.new >= 30
    dirty = connection.execute(
        r"select count(*) from tracks where lyrics ~ '\d*Embed$|You might also like(\[|$)|Contributors|Get tickets as low as' or not simulated"
    ).fetchone()
    assert dirty == (0,)


def test_artists_of_the_settings_are_watched_with_the_real_genius(
    settings: Settings, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watching.sync_watch_list(connection, settings) == []
    monkeypatch.setenv("RAP_GENIUS__TOKEN", "x")
    monkeypatch.setenv("RAP_GENIUS__ARTISTS", '["Vale", " ", "JAY-Q"]')
    get_settings.cache_clear()
    assert watching.sync_watch_list(connection, get_settings()) == ["jay-q", "vale"]
    assert connection.execute("select bool_or(simulated) from artists").fetchone() == (False,)


@contextmanager
def settings_client(settings: Settings) -> Any:
    with GeniusClient(settings.genius_endpoint(), scrape=False) as opened:
        yield opened


def test_artists_is_the_partition_set_of_the_asset() -> None:
    assert assets.genius_songs.partitions_def == ARTISTS


def test_a_page_gone_blank_or_away_leaves_the_song_as_it_was_and_is_not_asked_for_at_every_run(
    settings: Settings, connection: psycopg.Connection
) -> None:
    watch(connection, Vale=1)
    with genius({}, {1: [song(1), song(2)]}) as server:
        run(server, "vale")
    before = connection.execute("select body, content_sha256 from raw_songs order by source_id").fetchall()
    connection.execute("update raw_songs set fetched_at = now() - interval '91 days'")
    connection.commit()
    gone = {"/web/1": page('<div data-lyrics-container="true"></div>'), "/web/2": Reply(404)}
    with genius(gone, {1: [song(1), song(2)]}) as server:
        assert figures(run(server, "vale"))["fetched"] == {"missing": 2, "not_written": 2}
        asked = len(server.requests)
        assert figures(run(server, "vale"))["songs_unchanged"] == 2
        assert len(server.requests) == asked + 1
    assert statuses(connection) == {"1": "ok", "2": "ok"}
    assert connection.execute("select body, content_sha256 from raw_songs order by source_id").fetchall() == before


def test_when_several_pages_are_no_song_pages_genius_is_asked_no_more(
    settings: Settings, connection: psycopg.Connection
) -> None:
    watch(connection, Vale=1)
    songs = [song(number) for number in range(1, 101)]
    with genius({f"/web/{number}": page("hello") for number in range(1, 101)}, {1: songs}) as server:
        assert not run(server, "vale", raises=False).success
        asked = len(server.requests)
        assert list(statuses(connection).values()) == ["blocked"] * 3
        assert asked < 50
        time.sleep(0.3)
        assert len(server.requests) == asked
    assert connection.execute("select count(*) from raw_songs where body like '%hello%'").fetchone() == (3,)


def test_while_genius_is_down_the_run_ends_and_the_next_one_goes_on(connection: psycopg.Connection) -> None:
    watch(connection, Vale=1)
    artists = list(queries.artists_by_slug(connection, ["vale"]).values())
    songs = [song(number) for number in range(1, 31)]
    down = threading.Event()
    answer = answering({}, {1: songs})

    def failing(path: str) -> Reply:
        if path == "/web/5":
            down.set()
        return Reply(503) if down.is_set() else answer(path)

    arrived: list[str] = []
    with serving(failing) as server, client(Server(server.url, []), clock_rate=1000) as opened:
        HOST[0] = server.url.removeprefix("http://")
        with pytest.raises(Down, match="genius failed 5 times in a row"):
            for item in fetch_artists(opened, artists, {}, most_songs=50):
                arrived.append(item.status if isinstance(item, queries.RawSong) else str(item.error))
        assert arrived[:5] == ["ok"] * 4 + ["failed"]
        assert arrived[5] == "failed"
        assert arrived[6].startswith("not finished: genius failed 5 times in a row")
        assert opened.politeness.state().openings >= 1
        assert len(server.requests) < 40


def test_a_passing_outage_costs_time_and_no_song_but_the_one_that_it_began_with(connection: psycopg.Connection) -> None:
    watch(connection, Vale=1)
    artists = list(queries.artists_by_slug(connection, ["vale"]).values())
    songs = [song(number) for number in range(1, 13)]
    answer, begun, refusals = answering({}, {1: songs}), threading.Event(), [Reply(503)] * 8

    def failing(path: str) -> Reply:
        if begun.is_set() and refusals:
            return refusals.pop()
        if path == "/web/1":
            begun.set()
        return answer(path)

    with serving(failing) as server, client(Server(server.url, []), clock_rate=1000) as opened:
        HOST[0] = server.url.removeprefix("http://")
        found = list(fetch_artists(opened, artists, {}, most_songs=50))
        told = opened.politeness.state()
    assert Counter(item.status for item in found if isinstance(item, queries.RawSong)) == {"ok": 11, "failed": 1}
    assert told.breaker == "closed"
    assert told.closings == 1
    assert told.openings == len([change for change in told.transitions if change.after == "open"]) >= 1


def test_a_newly_watched_artist_is_fetched_by_itself_and_once() -> None:
    defs = dg.Definitions(
        assets=[assets.genius_songs, assets.imported_songs, assets.tracks],
        resources={"postgres": PostgresResource(), "genius": GeniusResource()},
    )
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("artists", ["crow"])
        instance.report_runless_asset_event(dg.AssetMaterialization("genius_songs", partition="crow"))
        instance.report_runless_asset_event(dg.AssetMaterialization("imported_songs"))
        instance.report_runless_asset_event(dg.AssetMaterialization("tracks"))
        first = dg.evaluate_automation_conditions(defs, instance)
        assert first.total_requested == 0
        instance.add_dynamic_partitions("artists", ["vale"])
        second = dg.evaluate_automation_conditions(defs, instance, cursor=first.cursor)
        assert second.get_requested_partitions(assets.genius_songs.key) == {"vale"}
        third = dg.evaluate_automation_conditions(defs, instance, cursor=second.cursor)
        assert third.get_num_requested(assets.genius_songs.key) == 0
        instance.report_runless_asset_event(dg.AssetMaterialization("genius_songs", partition="vale"))
        last = dg.evaluate_automation_conditions(defs, instance, cursor=third.cursor)
        assert {
            name: last.get_num_requested(dg.AssetKey(name)) for name in ("genius_songs", "imported_songs", "tracks")
        } == {
            "genius_songs": 0,
            "imported_songs": 0,
            "tracks": 1,
        }
