"""lyric_features over a real database: a row per track, made again only when there is a reason."""

from dataclasses import asdict

import dagster as dg
import psycopg
import pytest

from rap_platform.features import checks, queries
from rap_platform.features.analysis import VERSION, analyse, restored
from rap_platform.features.assets import lyric_features
from rap_platform.orchestration.partitions import SHARDS, slots_of
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import Settings
from rap_platform_tests.features.test_analysis import song

KEYS = SHARDS.get_partition_keys()


def add_track(conn: psycopg.Connection, number: int, lyrics: str, *, slot: int = 0, language: str | None = "en") -> int:
    """One artist, raw song and track; returns the track id."""
    (artist_id,) = conn.execute(
        """insert into artists (name, normalised_name, slug, simulated) values (%(n)s, %(n)s, %(n)s, false) returning artist_id""",
        {"n": f"artist {number}"},
    ).fetchone()
    (raw_id,) = conn.execute(
        """insert into raw_songs (source, source_id, artist, title, status, payload, content_sha256, simulated)
        values ('import', %s, 'a', 't', 'ok', '{}', repeat('0', 64), false) returning raw_song_id""",
        [str(number)],
    ).fetchone()
    (track_id,) = conn.execute(
        """insert into tracks (raw_song_id, source, source_id, artist_id, artist, title, normalised_title, lyrics, lyrics_sha256, line_count,
            word_count, cleaning, cleaner_version, raw_sha256, slot, simulated, language)
        values (%s, 'import', %s, %s, 'a', 't', 't', %s, encode(sha256(convert_to(%s, 'UTF8')), 'hex'), 1, 1, '{}', '1', repeat('0', 64), %s,
            false, %s) returning track_id""",
        [raw_id, str(number), artist_id, lyrics, lyrics, slot, language],
    ).fetchone()
    conn.commit()
    return int(track_id)


def materialize(database: str, first: str = KEYS[0], last: str = KEYS[-1]) -> dict[str, object]:
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    result = dg.materialize([lyric_features], resources={"postgres": PostgresResource(dsn=database)}, tags=tags)
    (event,) = result.asset_materializations_for_node("lyric_features")[:1]
    return {name: value.value for name, value in event.metadata.items()}


def test_every_track_gets_a_row_and_a_second_run_does_nothing(
    settings: Settings, connection: psycopg.Connection, database: str
) -> None:
    tracks = {
        "ok": add_track(connection, 1, song(4)),
        "low_confidence": add_track(connection, 2, song(1), slot=500),
        "too_short": add_track(connection, 3, "too short", slot=1023),
        "not_english": add_track(connection, 4, song(4), language="fr"),
    }
    first = materialize(database)
    assert first["rows_new"] == 4
    assert first["dagster/row_count"] == 4
    assert [first[status] for status in tracks] == [1, 1, 1, 1]
    stored = dict(connection.execute("select status, track_id from lyric_features"))
    assert stored == tracks
    expected = analyse(song(4))
    row = connection.execute(
        "select rhyme_density, rhyme_scheme, bars, mattr_50 from lyric_features where track_id = %s", [tracks["ok"]]
    ).fetchone()
    assert row == (pytest.approx(expected.rhyme_density), expected.rhyme_scheme, 32, pytest.approx(expected.mattr_50))
    stored_figures = connection.execute(f"select {', '.join(queries.COLUMNS)} from lyric_features where status = 'ok'")
    again = restored(queries.COLUMNS, stored_figures.fetchone() or ())
    assert again.section_schemes == expected.section_schemes
    assert (again.sections, again.verses, again.distinct_words) == (4, 4, expected.distinct_words)
    for name, value in asdict(expected).items():
        if isinstance(value, float):
            assert getattr(again, name) == pytest.approx(value, rel=1e-6), name
    assert "data:image/png" in str(first["distributions"])
    assert connection.execute("select rhyme_density from lyric_features where status = 'not_english'").fetchone() == (
        None,
    )
    connection.commit()
    made = connection.execute("select max(computed_at) from lyric_features").fetchone()
    connection.commit()
    assert materialize(database)["rows_new"] == 0
    assert connection.execute("select max(computed_at) from lyric_features").fetchone() == made


def test_changed_lyrics_and_an_old_version_are_made_again_in_place(
    settings: Settings, connection: psycopg.Connection, database: str
) -> None:
    changed, old = add_track(connection, 1, song(1)), add_track(connection, 2, song(1))
    materialize(database)
    connection.execute(
        "update tracks set lyrics = %s, lyrics_sha256 = repeat('a', 64) where track_id = %s", [song(4), changed]
    )
    connection.execute("update lyric_features set version = '0' where track_id = %s", [old])
    connection.commit()
    assert materialize(database)["rows_new"] == 2
    rows = connection.execute("select track_id, version, bars from lyric_features order by 1").fetchall()
    assert rows == [(changed, VERSION, 32), (old, VERSION, 8)]


def test_a_shard_makes_its_own_tracks_only(settings: Settings, connection: psycopg.Connection, database: str) -> None:
    inside = add_track(connection, 1, song(1), slot=slots_of([KEYS[3]])[0])
    add_track(connection, 2, song(1), slot=slots_of([KEYS[4]])[0])
    assert materialize(database, KEYS[3], KEYS[3])["rows_new"] == 1
    assert connection.execute("select track_id from lyric_features").fetchall() == [(inside,)]


def test_a_track_that_changed_while_it_was_measured_stays_pending(connection: psycopg.Connection) -> None:
    add_track(connection, 1, song(1))
    slots = list(range(1024))
    (pending,) = queries.next_pending(connection, slots, 0, 10)
    connection.execute("update tracks set lyrics_sha256 = repeat('b', 64)")
    assert queries.store(connection, [(pending, analyse(pending.lyrics))]) == 0
    assert queries.count_pending(connection, slots) == 1


def test_the_checks_see_a_figure_that_should_not_be_there(
    settings: Settings, connection: psycopg.Connection, database: str
) -> None:
    postgres = PostgresResource(dsn=database)
    add_track(connection, 1, "too short")
    assert not checks.lyric_features_cover_the_tracks(postgres).passed
    materialize(database)
    assert checks.lyric_features_cover_the_tracks(postgres).passed
    assert checks.lyric_features_are_plausible(postgres).passed
    connection.execute("update lyric_features set rhyme_density = 0.5")
    connection.commit()
    assert not checks.lyric_features_are_plausible(postgres).passed


@pytest.mark.parametrize(
    ("change", "expectation"),
    [("rhyme_density = null", "figures_missing"), ("profanities = null", "figures_missing"), ("status = 'low_confidence'", "reason_missing"),
     ("syllables_per_word = -1", "out_of_range"), ("rhyme_factor = 'NaN'", "out_of_range"),
     ("perfect_rhyme_share = 0, slant_rhyme_share = 0", "contradictions"),
     ("growing_line_share = 1, even_line_share = 1", "contradictions"), ("verses = 7", "contradictions"),
     ("profanity_rating = 'R'", "contradictions"), ("distinct_words = words + 1", "contradictions")],
)  # fmt: skip
def test_the_checks_count_the_rows_that_contradict_themselves(
    settings: Settings, connection: psycopg.Connection, database: str, change: str, expectation: str
) -> None:
    add_track(connection, 1, song(4))
    add_track(connection, 2, song(4) + "\nand this one has a hell of a line")
    materialize(database)
    assert not any(queries.implausible(connection).values())
    connection.execute(f"update lyric_features set {change} where profanity_rating = 'G'")
    assert queries.implausible(connection) == {
        name: int(name == expectation)
        for name in (
            "figures_missing",
            "figures_that_should_be_null",
            "reason_missing",
            "out_of_range",
            "contradictions",
        )
    }


@pytest.mark.parametrize(
    "odd",
    [
        "hahahahahahahaha\n" * 9,
        "@$$ @$$ go\n" * 8,
        "日本\n" * 19 + "go\n",
        "hey bay ray day may\nday may hey bay ray\n" * 9,
        "555 867 5309\n" * 9,
    ],
)
def test_no_odd_song_fails_the_checks_of_all(
    settings: Settings, connection: psycopg.Connection, database: str, odd: str
) -> None:
    add_track(connection, 1, odd)
    materialize(database)
    assert not any(queries.implausible(connection).values())


@pytest.mark.parametrize(
    "change",
    [
        "rare_word_share = 1.5",
        "line_length_autocorrelation = -2",
        "similes = '{}'",
        "mtld = 0",
        "even_line_share = 'NaN'",
    ],
)
def test_the_table_itself_refuses_a_figure_out_of_range(connection: psycopg.Connection, change: str) -> None:
    add_track(connection, 1, song(4))
    (pending,) = queries.next_pending(connection, list(range(1024)), 0, 10)
    queries.store(connection, [(pending, analyse(pending.lyrics))])
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(f"update lyric_features set {change}")
