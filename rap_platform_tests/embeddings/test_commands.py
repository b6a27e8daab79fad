"""`rap-platform encoders` says how encoders stand, switches between them and refuses with the reason."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from typer.testing import CliRunner, Result

from rap_platform import cli
from rap_platform.embeddings import commands, filling, indexing
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.resources.connecting import advisory_lock, connect
from rap_platform.settings import Settings
from rap_platform_tests.embeddings.conftest import AddTrack

SLOTS = list(range(1024))


@pytest.fixture
def library(
    connection: psycopg.Connection, embedder_settings: Settings, add_track: AddTrack, monkeypatch: pytest.MonkeyPatch
) -> psycopg.Connection:
    """Twelve songs with minilm's vectors, and the commands on this test's database instead of a stack of their own."""

    @contextmanager
    def already_running(*_: str) -> Iterator[Settings]:
        yield embedder_settings

    monkeypatch.setattr(commands, "running", already_running)
    for number in range(12):
        add_track(f"Song {number}", [f"ships in the harbour {number}", f"gold in vault {number}"])
    fill(connection, Encoders(embedder_settings), "minilm")
    return connection


def fill(conn: psycopg.Connection, encoders: Encoders, name: str) -> None:
    filling.fill_sections(conn, lambda: encoders.get(name), SLOTS, name)
    found = indexing.inventory(conn)
    built = indexing.build_missing(conn, found.vectors)
    indexing.store(conn, found, indexing.measure(conn, found.vectors), built)
    conn.commit()


def encoders(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["encoders", *arguments])


def test_encoders_are_listed_switched_rebuilt_and_dropped(
    library: psycopg.Connection, embedder_settings: Settings
) -> None:
    fill(library, Encoders(embedder_settings), "minilm_int8")
    first, second = json.loads(encoders("list", "--json").stdout)
    assert (first["name"], first["serving"], first["sections"], first["missing"]) == ("minilm", True, 24, 0)
    assert (second["name"], second["serving"], second["unready"]) == ("minilm_int8", False, None)
    assert second["recall_at_10"] >= 0.98
    assert "24 of 24" in encoders("list").stdout
    assert json.loads(encoders("switch", "minilm_int8", "--json").stdout) == {"serving": "minilm_int8"}
    refused = encoders("drop", "minilm_int8")
    assert refused.exit_code == 2
    assert "switch to another first" in " ".join(refused.stderr.split())
    assert set(json.loads(encoders("rebuild", "minilm_int8", "--json").stdout)) == {
        "section_vectors_minilm_int8_hnsw",
        "track_vectors_minilm_int8_lyrics_hnsw",
        "track_vectors_minilm_int8_analysis_hnsw",
    }
    assert encoders("switch", "minilm").exit_code == 0
    assert json.loads(encoders("drop", "minilm_int8", "--json").stdout) == {"dropped": "minilm_int8"}
    assert [row["name"] for row in json.loads(encoders("list", "--json").stdout)] == ["minilm"]


def test_a_rebuild_waits_until_nobody_else_builds_and_keeps_nobody_waiting_for_ever(
    library: psycopg.Connection, database: str
) -> None:
    library.commit()
    with ThreadPoolExecutor(1) as running, connect(database, autocommit=True) as other:
        with advisory_lock(other, indexing.LOCK):
            rebuilt = running.submit(encoders, "rebuild", "minilm")
            with pytest.raises(TimeoutError):
                rebuilt.result(timeout=1.0)
            # What waits for the lock must not be waited for by this.
            other.execute("set statement_timeout = '10s'")
            other.execute("create index concurrently beside on track_sections (text_sha256, section_no)")
        assert rebuilt.result(timeout=30).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["switch", "e5"], "no encoder 'e5' has vectors; there are: minilm"),
        (["drop", "minilm"], "minilm stays"),
        (["rebuild", "e5"], "no encoder 'e5' has vectors; there are: minilm, audio"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    library: psycopg.Connection, arguments: list[str], reason: str
) -> None:
    refused = encoders(*arguments)
    assert refused.exit_code == 2
    assert reason in " ".join(refused.stderr.split())


def test_the_api_starts_without_what_searches_do_not_need() -> None:
    heavy = {"torch", "transformers", "dagster", "pandas", "sklearn", "mlflow", "sqlalchemy", "openai"}
    code = f"import sys, rap_platform.serving.api.app\nprint(*sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
