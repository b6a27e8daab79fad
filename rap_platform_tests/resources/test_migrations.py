"""The schema: applied once, by however many processes, whole or not at all."""

import multiprocessing
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from rap_platform.embeddings.encoders import weights, wordpieces
from rap_platform.resources.migrations import SQL_DIR, head, migrate


def tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as conn:
        return {row[0] for row in conn.execute("select tablename from pg_tables where schemaname = 'public'")}


def test_two_processes_may_start_at_once(empty_database: str) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        applied = pool.map(migrate, [empty_database, empty_database])
    assert sorted(map(len, applied)) == [0, len(list(SQL_DIR.glob("0*.sql")))]
    assert "tracks" in tables(empty_database)


def test_applying_again_changes_nothing(database: str) -> None:
    before = tables(database)
    assert migrate(database) == []
    assert tables(database) == before


@pytest.mark.parametrize("stop_after", ["create table tracks", "create table analysis_results"])
def test_a_process_killed_midway_leaves_whole_revisions_and_the_next_one_finishes(
    empty_database: str, stop_after: str
) -> None:
    """A lock on a table name's statement can't be had in time: the process is killed while PostgreSQL executes it."""
    code = (
        "import sys, os, signal, psycopg\n"
        "from sqlalchemy import event\n"
        "from sqlalchemy.engine import Engine\n"
        "@event.listens_for(Engine, 'after_cursor_execute')\n"
        "def stop(conn, cursor, statement, parameters, context, many):\n"
        f"    if {stop_after!r} in statement: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from rap_platform.resources.migrations import migrate\n"
        "migrate(sys.argv[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, empty_database], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    with psycopg.connect(empty_database) as conn:
        row = (
            conn.execute("select version_num from alembic_version").fetchone()
            if "alembic_version" in tables(empty_database)
            else None
        )
    assert row is None or row[0] < head()
    assert migrate(empty_database)[-1] == head()
    assert {"tracks", "analysis_results", "serving_releases"} <= tables(empty_database)


def test_every_revision_applies_the_file_of_its_number() -> None:
    for path in sorted(Path(SQL_DIR, "versions").glob("0*.py")):
        assert f'"{path.stem}.sql"' in path.read_text(encoding="utf-8")
        assert (SQL_DIR / f"{path.stem}.sql").exists()


def test_the_audit_log_can_only_grow(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("insert into audit_log (actor, action, object) values ('a', 'made', 'b')")
        for change in ("update audit_log set actor = 'c'", "delete from audit_log"):
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                conn.execute(change)


def test_no_two_workers_hold_the_same_asset_and_shard(database: str) -> None:
    from rap_platform.resources.postgres import PostgresResource

    resource = PostgresResource(dsn=database)
    order: list[str] = []

    def second() -> None:
        with resource.exclusively("lyric_features/00"):
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with resource.exclusively("lyric_features/00", "lyric_features/01"):
            waiting = pool.submit(second)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
            order.append("first")
        waiting.result(timeout=10)
    assert order == ["first", "second"]


def test_the_list_of_tables_is_the_database(database: str) -> None:
    listed = re.findall(r"^\| `(\w+)` \|", (SQL_DIR / "README.md").read_text(encoding="utf-8"), re.M)
    assert sorted(listed) == sorted(tables(database) - {"alembic_version"})


def test_vectors_from_before_there_were_encoders_are_known_as_minilm(empty_database: str) -> None:
    *before, _ = [path for path in sorted(SQL_DIR.glob("0*.sql")) if path.name <= "0016_encoders.sql"]
    with psycopg.connect(empty_database) as conn:
        for path in before:
            conn.execute(path.read_text(encoding="utf-8").encode())
        conn.execute("set session_replication_role = replica")  # without the song that the vector is of
        conn.execute(
            """
            insert into section_vectors_minilm (section_id, track_id, input_sha256, artist_id, embedding, simulated)
            values (1, 1, repeat('0', 64), 1, array_fill(0.1, array[384])::halfvec(384), false)
            """
        )
        conn.execute((SQL_DIR / "0016_encoders.sql").read_text(encoding="utf-8").encode())
        found = conn.execute("select name, model, dimension, fingerprint from encoders").fetchall()
    assert found == [(weights.NAME, weights.MODEL, weights.DIMENSION, wordpieces.fingerprint())]
