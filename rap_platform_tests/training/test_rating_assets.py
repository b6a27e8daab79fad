"""The ratings asset and its sensor: what is shown, what is missing, and what counts as a change."""

from collections.abc import Callable

import dagster as dg
import psycopg
import pytest

from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import Settings
from rap_platform.training import assets, checks, rating_queries, rating_report
from rap_platform.training.sensors import new_ratings
from rap_platform_tests.training import songs
from rap_platform_tests.training.tracking import Materialize, figures, verdicts

Tick = Callable[[], dg.SensorResult]


def test_without_marks_the_asset_says_what_is_missing_and_what_to_do(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 3, artists=2, simulated=False, rated=False)
    made = figures(materialize(assets.ratings), "ratings")
    assert made["panel"].startswith("not asked: the panel of raters is not configured")
    assert made["missing"] == "no track has a rating, so that no dataset can be made and no model learned"
    assert "rap-platform ratings import FILE" in made["remedy"]
    assert made["by_population"] == {}


def test_the_asset_shows_agreement_by_population_and_source(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 90, artists=10, simulated=False)
    songs.insert(connection, 60, artists=10, simulated=True, seed=2)
    made = figures(materialize(assets.ratings, checks=checks.CHECKS[:1]), "ratings")
    assert made["by_population"]["real"]["human"] == {"tracks": 90, "ratings": 270, "raters": 4, "repeats": 0}
    assert made["by_population"]["simulated"]["panel"]["tracks"] == 60
    assert 0.7 < made["real_icc_single"] < made["real_icc_mean"] < 1
    assert made["real_noise_floor_mae"] == pytest.approx(0.5 / 3**0.5 * (2 / 3.14159) ** 0.5, rel=0.15)
    assert "| one mark, absolute agreement: ICC(A,1) |" in made["real_report"]
    assert made["simulated_raters"].startswith("![plot](data:image/png;base64,")


def test_the_report_is_computed_once_for_each_state_of_the_marks(
    connection: psycopg.Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    songs.insert(connection, 30, artists=5, simulated=False)
    computed: list[int] = []
    of_marks = rating_report.of_marks
    monkeypatch.setattr(rating_report, "of_marks", lambda marks: computed.append(len(marks)) or of_marks(marks))
    first = rating_report.load(connection)
    assert rating_report.load(connection) == first
    connection.execute("delete from ratings where rater = 'ann'")
    assert rating_report.load(connection) != first
    assert len(computed) == 2
    assert connection.execute("select count(*) from reports where kind = 'ratings'").fetchone() == (1,)


def test_a_mark_of_the_other_population_fails_the_check_and_counts_nowhere(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    book = songs.insert(connection, 5, artists=2, simulated=True, rated=False)
    before = rating_queries.state(connection)
    connection.execute(
        "insert into ratings (track_id, rater, source, rating, simulated) values (%s, 'ann', 'human', 7, false)", [book.track_ids[0]]
    )  # fmt: skip
    connection.commit()
    assert rating_queries.state(connection) == before
    result = materialize(assets.ratings, checks=checks.CHECKS[:1])
    assert verdicts(result) == {"ratings_keep_populations_apart": False}


@pytest.fixture
def tick(settings: Settings) -> Tick:
    """Evaluate the sensor; it keeps its cursor from tick to tick."""
    cursor: list[str | None] = [None]

    def once() -> dg.SensorResult:
        context = dg.build_sensor_context(cursor=cursor[0], resources={"postgres": PostgresResource()})
        result = new_ratings(context)
        assert isinstance(result, dg.SensorResult)
        cursor[0] = result.cursor
        return result

    return once


def test_the_sensor_notices_marks_that_are_added_corrected_removed_and_brought_back(
    connection: psycopg.Connection, tick: Tick
) -> None:
    book = songs.insert(connection, 4, artists=2, simulated=False)
    keys: list[str | None] = []

    def fires() -> bool:
        requests = tick().run_requests or []
        keys.extend(request.run_key for request in requests)
        return bool(requests)

    def change(query: str) -> bool:
        connection.execute(query.encode(), [book.track_ids[0]])
        connection.commit()
        return fires()

    assert not fires()
    assert not fires()
    assert not change("update ratings set rated_at = now() - interval '1 day' where track_id = %s")
    assert change("update ratings set rating = 11 - rating where track_id = %s")
    assert change("update ratings set rating = 11 - rating where track_id = %s")
    assert change("update ratings set rating = 11 - rating where track_id = %s")
    assert change("delete from ratings where track_id = %s")
    assert not fires()
    assert change(
        "insert into ratings (track_id, rater, source, rating, simulated) values (%s, 'new', 'human', 4, false)"
    )
    assert len(set(keys)) == len(keys) == 5
