"""The benchmark of fetching runs whole, on few songs: every contender must bring all of them."""

import sys

import psycopg
import pytest

from rap_platform.lyrics import fetch_benchmark
from rap_platform.settings import Settings


def test_every_contender_brings_all_songs_and_nothing_stays_behind(
    settings: Settings, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"SONGS": 12, "ARTISTS": 3, "REPEATS": 1, "LATENCY_MS": 1}.items():
        monkeypatch.setattr(fetch_benchmark, name, value)
    measured = fetch_benchmark.fetching(settings)
    figures, reference = measured.figures, measured.reference
    assert figures["songs"] == 12
    assert figures["ratio"] == pytest.approx(figures["songs_per_s"] / reference["songs_per_s"], rel=0.05)
    assert set(reference) == {"songs_per_s", "songs_per_s_at_1_ms"}
    assert connection.execute("select count(*) from raw_songs").fetchone() == (0,)
    assert connection.execute("select count(*) from pg_database where datname like 'rap_bench_%'").fetchone() == (0,)


def test_without_lyricsgenius_the_benchmark_says_what_to_install(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lyricsgenius", None)
    with pytest.raises(ValueError, match="pip install lyricsgenius"):
        fetch_benchmark.fetching(settings)
