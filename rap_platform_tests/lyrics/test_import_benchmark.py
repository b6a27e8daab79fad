"""The benchmark of importing, on a small file: what it measures is there, and what it made is gone."""

import psycopg
import pytest

from rap_platform.lyrics.import_benchmark import imports
from rap_platform.settings import Settings


def test_the_benchmark_finds_one_change_and_leaves_nothing_behind(
    settings: Settings, world: str, connection: psycopg.Connection
) -> None:
    bench = imports(settings, sizes=[300])
    assert bench.figures["second_import_changed_300"] == 1
    assert bench.figures["rows_per_s_300"] > 0
    assert bench.figures["peak_mb_300"] > 20
    assert bench.ratio == round(bench.figures["rows_per_s_300"] / bench.reference["rows_per_s_300"], 3)
    left = connection.execute("select count(*) from pg_database where datname like 'rap_bench%'").fetchone()
    assert left == (0,)
    assert connection.execute("select count(*) from raw_songs").fetchone() == (0,)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_memory_is_the_same_for_ten_times_the_rows(settings: Settings, world: str) -> None:
    figures = imports(settings, sizes=[20_000, 200_000]).figures
    assert figures["peak_mb_200000"] < figures["peak_mb_20000"] + 20
    assert figures["second_import_times_faster_200000"] > 5
