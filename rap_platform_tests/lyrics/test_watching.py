"""The watch list: changed by hand, kept in step with the partitions, and asked again for what was cut short."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from typer.testing import CliRunner

from rap_platform.lyrics import queries, watching
from rap_platform.lyrics.checks import artists_are_fresh
from rap_platform.lyrics.commands import app
from rap_platform.lyrics.sensors import artist_watch_list
from rap_platform.orchestration.partitions import ARTISTS, ARTISTS_PER_RUN, RANGE_END, RANGE_START, covering_ranges
from rap_platform.orchestration.schedules import weekly_artists
from rap_platform.resources.politeness import Hold
from rap_platform.resources.postgres import PostgresResource
from rap_platform.resources.service_state import remember_hold
from rap_platform.settings import Settings, get_settings

NOW = dt.datetime.now(dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def real(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a Genius token, so that real artists are fetched; nothing is asked of Genius by watching."""
    monkeypatch.setenv("RAP_GENIUS__TOKEN", "x")
    get_settings.cache_clear()
    return get_settings()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def tick(instance: dg.DagsterInstance) -> dg.SensorResult | dg.SkipReason:
    context = dg.build_sensor_context(instance=instance, resources={"postgres": PostgresResource()})
    return artist_watch_list(context)  # type: ignore[return-value]


def partitions(result: dg.SensorResult | dg.SkipReason) -> list[tuple[str, list[str]]]:
    assert isinstance(result, dg.SensorResult), result
    requests = result.dynamic_partitions_requests or ()
    return [
        ("add" if isinstance(one, dg.AddDynamicPartitionsRequest) else "delete", list(one.partition_keys))
        for one in requests
    ]


def tried(conn: psycopg.Connection, slug: str, ago: dt.timedelta, error: str | None) -> None:
    """Say that an artist was tried, and got there or not."""
    query = """
    update artists set fetch_tried_at = %(at)s, fetch_error = %(error)s,
                       fetched_at = case when %(error)s::text is null then %(at)s::timestamptz else fetched_at end
    where slug = %(slug)s
    """
    conn.execute(query, {"at": NOW - ago, "error": error, "slug": slug})
    conn.commit()


def test_adding_twice_watches_once_and_removing_is_remembered(
    real: Settings, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAP_GENIUS__ARTISTS", '["Crow"]')
    get_settings.cache_clear()
    done = watching.add_artists(connection, ["Vale", " vale ", "Mc  Tide"], simulated=False)
    assert done == watching.Watching(("Vale", "vale", "Mc Tide"), ())
    again = watching.add_artists(connection, ["Mc Tide"], simulated=False, genius_ids={"Mc Tide": 9})
    assert again == watching.Watching((), ("Mc Tide",))
    assert [(a.name, a.genius_id) for a in queries.watch_list(connection, simulated=False)] == [
        ("Mc Tide", 9),
        ("Vale", None),
    ]
    assert watching.remove_artists(connection, ["vale"], real) == ["Vale"]
    assert watching.sync_watch_list(connection, get_settings()) == ["crow", "mc-tide"]
    watching.add_artists(connection, ["VALE"], simulated=False)
    assert watching.sync_watch_list(connection, get_settings()) == ["crow", "mc-tide", "vale"]


def test_a_simulated_artist_taken_off_stays_off_although_the_catalogue_has_it(
    settings: Settings, world: str, connection: psycopg.Connection
) -> None:
    slugs = watching.sync_watch_list(connection, settings)
    watching.remove_artists(connection, [slugs[0]], settings)
    assert watching.sync_watch_list(connection, settings) == slugs[1:]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["Vale", " "], "empty"),
        (["Vale", "x" * 501], "longer than 500"),
        (["Vale", "a\0b"], "control"),
    ],
)
def test_a_name_that_is_none_is_refused_and_nothing_stored(
    connection: psycopg.Connection, names: list[str], said: str
) -> None:
    with pytest.raises(watching.WatchRefused, match=said):
        watching.add_artists(connection, names, simulated=False)
    assert queries.watch_list(connection, simulated=False) == []


def test_whom_the_settings_name_or_nobody_watches_cant_be_removed(
    real: Settings, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAP_GENIUS__ARTISTS", '["Crow"]')
    get_settings.cache_clear()
    watching.add_artists(connection, ["Vale"], simulated=False)
    watching.sync_watch_list(connection, get_settings())
    with pytest.raises(watching.WatchRefused, match="RAP_GENIUS__ARTISTS"):
        watching.remove_artists(connection, ["Vale", "Crow"], get_settings())
    with pytest.raises(watching.WatchRefused, match="'Finch' is not watched"):
        watching.remove_artists(connection, ["Vale", "Finch"], get_settings())
    assert len(queries.watch_list(connection, simulated=False)) == 2


def test_the_sensor_adds_partitions_and_takes_away_those_of_artists_no_longer_watched(
    real: Settings, connection: psycopg.Connection, instance: dg.DagsterInstance
) -> None:
    watching.add_artists(connection, ["Vale", "Crow"], simulated=False)
    assert partitions(tick(instance)) == [("add", ["crow", "vale"])]
    instance.add_dynamic_partitions("artists", ["crow", "vale"])
    assert isinstance(tick(instance), dg.SkipReason)
    watching.remove_artists(connection, ["Crow"], real)
    assert partitions(tick(instance)) == [("delete", ["crow"])]
    watching.remove_artists(connection, ["Vale"], real)
    assert partitions(tick(instance)) == [("delete", ["crow", "vale"])]


@pytest.mark.parametrize("what", ["a run of the job", "a run of the asset", "a backfill"])
def test_no_partition_is_taken_away_while_artists_are_fetched(
    real: Settings, connection: psycopg.Connection, instance: dg.DagsterInstance, what: str
) -> None:
    instance.add_dynamic_partitions("artists", ["crow"])
    watching.add_artists(connection, ["Vale"], simulated=False)
    key = dg.AssetKey("genius_songs")
    if what == "a backfill":
        backfill = PartitionBackfill(
            backfill_id="b", status=BulkActionStatus.REQUESTED, from_failure=False, tags={}, backfill_timestamp=0.0,
            asset_selection=[key], serialized_asset_backfill_data="{}",
        )  # fmt: skip
        instance.add_backfill(backfill)
    else:
        job, selection = ("refresh_artists", None) if what == "a run of the job" else ("__ASSET_JOB", frozenset({key}))
        run = dg.DagsterRun(job_name=job, status=dg.DagsterRunStatus.STARTED, asset_selection=selection)
        instance.add_run(run)
    assert partitions(tick(instance)) == [("add", ["vale"])]


def test_what_was_cut_short_is_asked_for_again_once_and_only_after_the_hold(
    real: Settings, connection: psycopg.Connection, instance: dg.DagsterInstance
) -> None:
    watching.add_artists(connection, ["Ash", "Crow", "Finch", "Vale"], simulated=False)
    instance.add_dynamic_partitions("artists", ["ash", "crow", "finch", "vale"])
    tried(connection, "ash", 2 * HOUR, None)
    tried(connection, "crow", 2 * HOUR, "blocked: HTTP 403")
    tried(connection, "vale", 2 * HOUR, "not finished: the run stopped before")
    assert isinstance(tick(instance), dg.SkipReason), "six hours have not passed, and nothing told a time"
    remember_hold(connection, "genius", Hold(NOW + HOUR, "HTTP 403"))
    connection.commit()
    waiting = tick(instance)
    assert isinstance(waiting, dg.SkipReason)
    assert "asked again after" in str(waiting.skip_message)
    remember_hold(connection, "genius", Hold(NOW - HOUR, "HTTP 403"))
    connection.commit()
    first, second = tick(instance), tick(instance)
    assert isinstance(first, dg.SensorResult)
    assert isinstance(second, dg.SensorResult)
    assert [run.tags for run in first.run_requests or ()] == [{RANGE_START: "crow", RANGE_END: "vale"}]
    assert [run.run_key for run in first.run_requests or ()] == [run.run_key for run in second.run_requests or ()]


def test_an_artist_that_failed_by_itself_is_tried_again_after_six_hours() -> None:
    def artist(error: str | None, ago: dt.timedelta) -> queries.WatchedArtist:
        return queries.WatchedArtist(1, "A", "a", None, False, None, NOW - ago, error, {}, 0)

    unknown = "Genius knows no artist named 'A'"
    assert watching.due_again([artist(unknown, 5 * HOUR), artist(None, 9 * HOUR)], NOW, None) == []
    assert len(watching.due_again([artist(unknown, 6 * HOUR)], NOW, None)) == 1
    assert watching.due_again([artist(unknown, 9 * HOUR)], NOW, NOW + HOUR) == []


def test_345_artists_are_asked_for_in_bounded_runs() -> None:
    keys = [f"artist-{number:03d}" for number in range(345)]
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("artists", keys)
        runs = weekly_artists(dg.build_schedule_context(instance=instance))
    assert isinstance(runs, list)
    spans = [(keys.index(run.tags[RANGE_START]), keys.index(run.tags[RANGE_END])) for run in runs]
    assert [last - first + 1 for first, last in spans] == [64, 64, 64, 64, 64, 25]
    assert [place for first, last in spans for place in range(first, last + 1)] == list(range(345))
    assert len({run.run_key for run in runs}) == 6


def test_ranges_cover_what_is_due_and_start_and_end_there() -> None:
    keys = list("abcdefghij")
    assert list(covering_ranges(keys, "bdj", 4)) == [("b", "d"), ("j", "j")]
    assert list(covering_ranges(keys, keys, 3)) == [("a", "c"), ("d", "f"), ("g", "i"), ("j", "j")]
    assert list(covering_ranges(keys, "", 3)) == []


def test_the_check_names_artists_that_nobody_went_through_lately(
    real: Settings, connection: psycopg.Connection
) -> None:
    watching.add_artists(connection, ["Ash", "Crow", "Vale"], simulated=False)
    tried(connection, "ash", dt.timedelta(days=7), None)
    tried(connection, "crow", dt.timedelta(days=9), None)
    result = artists_are_fresh(PostgresResource())
    assert isinstance(result, dg.AssetCheckResult)
    assert (result.passed, result.metadata["watched"].value, result.metadata["stale"].value) == (False, 3, 2)
    told = str(result.metadata["stale_artists"].value)
    assert told.index("Vale") < told.index("Crow")
    assert "Ash" not in told


def test_the_commands_add_from_a_file_list_and_remove(
    real: Settings, connection: psycopg.Connection, tmp_path: Path
) -> None:
    names = tmp_path / "artists.txt"
    names.write_text("\ufeffVale # the first\n\n# nobody\nCrow & Co\n", encoding="utf-8")
    run = CliRunner().invoke
    assert json.loads(run(app, ["add", "Ash", "--file", str(names), "--json"]).stdout)["added"] == [
        "Ash",
        "Vale",
        "Crow & Co",
    ]
    tried(connection, "vale", HOUR, None)
    listed = json.loads(run(app, ["list", "--json"]).stdout)
    assert [(one["slug"], one["fresh"]) for one in listed] == [("ash", False), ("crow-and-co", False), ("vale", True)]
    assert json.loads(run(app, ["remove", "crow-and-co", "--json"]).stdout) == {"removed": ["Crow & Co"]}
    assert "1 not gone through" in run(app, ["list"]).stdout
    missing = run(app, ["remove", "Nobody"])
    assert (missing.exit_code, "is not watched" in missing.stderr) == (2, True)
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"Beyonc\xe9\n")
    assert "not UTF-8 at byte 6" in run(app, ["add", "-f", str(latin)]).stderr
    assert run(app, ["add", "A", "B", "--genius-id", "3"]).exit_code == 2


def test_artists_is_the_partition_set_that_the_sensor_serves() -> None:
    assert ARTISTS.name == "artists"
    assert ARTISTS_PER_RUN == 64
