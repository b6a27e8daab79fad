"""kill -9 of every process during a real run, then `up` again: nothing lost, nothing double."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from rap_platform.embeddings.encoders import exporting
from rap_platform.local import stack
from rap_platform.local.environment import export_environment
from rap_platform.settings import Dataset, Evaluation, Settings
from rap_platform_tests.conftest import SHARED
from rap_platform_tests.local.conftest import free_ports

SONGS, ARTISTS = 16, 4
# What every run over the same world has to end with, however often it was killed.
CONTENTS = {
    "raw songs": "select source, source_id, status from raw_songs",
    "set aside": "select r.source_id, s.reason from set_aside s join raw_songs r using (raw_song_id)",
    "tracks": "select source_id, lyrics_sha256, duplicate_of is not null from tracks",
    "sections": "select t.source_id, s.section_no, s.kind, s.text from track_sections s join tracks t using (track_id)",
    "section vectors": """
        select t.source_id, s.section_no, v.input_sha256
        from section_vectors_minilm v join track_sections s using (section_id) join tracks t on t.track_id = s.track_id
    """,
    "track vectors": "select t.source_id, v.kind from track_vectors_minilm v join tracks t using (track_id)",
    "lyric features": "select t.source_id, f.version, f.words from lyric_features f join tracks t using (track_id)",
    "analyses": "select t.source_id, a.analyzer, a.input_sha256 from analysis_results a join tracks t using (track_id)",
    "Spotify": "select t.source_id, s.status, s.spotify_id from spotify_tracks s join tracks t using (track_id)",
    "audio features": "select t.source_id, f.status, f.source, f.tempo_bpm from audio_features f join tracks t using (track_id)",
    "audio vectors": "select t.source_id from track_vectors_audio v join tracks t using (track_id)",
    "ratings": "select t.source_id, r.rater, r.occasion, r.rating from ratings r join tracks t using (track_id)",
    "dataset": "select t.source_id, m.split from dataset_members m join tracks t using (track_id)",
    "predictions": "select t.source_id, p.predictor from predictions p join tracks t using (track_id)",
    "evaluations": "select train_count, eval_count, e.simulated from evaluations e join dataset_versions on version = dataset_version",
    "serving releases": "select encoder, model_name, simulated from serving_releases",
}
LOST = """
    select source_id from raw_songs r where status = 'ok'
       and not exists (select from tracks t where t.source = r.source and t.source_id = r.source_id)
       and not exists (select from set_aside s where s.raw_song_id = r.raw_song_id)
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="rap_platform_kill_"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def small_platform(data_dir: Path) -> Settings:
    data_dir.mkdir(mode=0o755)
    shutil.copytree(exporting.ensure_export(SHARED).parent, data_dir / "models")  # the export of the encoder takes long
    return Settings(
        data_dir=data_dir, ports=free_ports(), world_songs=SONGS, world_artists=ARTISTS,
        dataset=Dataset(minimum=10, size=20), evaluation=Evaluation(bootstrap=100),
    )  # fmt: skip


def start(settings: Settings, *command: str) -> subprocess.Popen[bytes]:
    with (settings.data_dir / "up.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "rap_platform.cli", *command],
            env={**os.environ, **export_environment(settings)}, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip


def output(settings: Settings) -> str:
    return (settings.data_dir / "up.log").read_text()


def wait_for_fill(up: subprocess.Popen[bytes], settings: Settings) -> float:
    """The moment at which the fill was seen to start."""
    while up.poll() is None:
        for child in psutil.Process(up.pid).children():
            try:
                if child.cmdline()[-2:] == ["rap_platform.cli", "run"]:
                    return time.monotonic()
            except psutil.Error:
                continue
        time.sleep(0.05)
    raise AssertionError(output(settings))


def wait_for_vectors(up: subprocess.Popen[bytes], settings: Settings) -> None:
    """Wait until the run has stored its first vectors: songs and tracks are there, most of what is made of them is not."""
    wait_for_fill(up, settings)
    ready = stack.joined(settings)
    assert ready is not None
    with psycopg.connect(ready.require_database_url(), autocommit=True) as conn:
        while conn.execute("select exists (select from section_vectors_minilm)").fetchone() == (False,):
            assert up.poll() is None, output(settings)
            time.sleep(0.01)


def kill_everything(up: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the supervisor and all below it at once; PostgreSQL is not asked first."""
    tree = [psutil.Process(up.pid), *psutil.Process(up.pid).children(recursive=True)]
    for member in tree:
        if member.is_running():
            member.kill()
    up.wait()
    psutil.wait_procs(tree, timeout=10)


def contents(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    with stack.services(settings, "postgres") as ready, psycopg.connect(ready.require_database_url()) as conn:
        assert conn.execute(LOST).fetchall() == []
        return {name: sorted(conn.execute(query).fetchall(), key=repr) for name, query in CONTENTS.items()}  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def undisturbed(place: Path) -> tuple[dict[str, list[tuple[object, ...]]], float]:
    """What a run that nobody disturbs ends with, and how many seconds it takes."""
    settings = small_platform(place / "undisturbed")
    began = time.monotonic()
    assert start(settings, "run").wait() == 0, output(settings)
    seconds = time.monotonic() - began
    found = contents(settings)
    for kind, rows in found.items():
        assert rows, f"{kind}: none, so that its loss would not be seen"
        assert len(rows) == len(set(rows)), f"{kind}: doubled"
    return found, seconds


def finish(settings: Settings, expected: dict[str, list[tuple[object, ...]]]) -> None:
    assert start(settings, "up", "--exit-after-fill").wait() == 0, output(settings)
    found = contents(settings)
    for kind, rows in expected.items():
        assert found[kind] == rows, kind


@pytest.mark.timeout(600)
def test_a_run_that_is_killed_ends_like_one_that_is_not(
    place: Path, undisturbed: tuple[dict[str, list[tuple[object, ...]]], float]
) -> None:
    settings = small_platform(place / "killed once")
    up = start(settings, "up", "--exit-after-fill")
    wait_for_vectors(up, settings)
    kill_everything(up)
    with (
        stack.services(settings, "postgres") as ready,
        psycopg.connect(ready.require_database_url()) as conn,
        psycopg.connect(ready.require_dagster_database_url()) as dagster,
    ):
        made = "select (select count(*) from section_vectors_minilm) > 0, (select count(*) from evaluations)"
        assert conn.execute(made).fetchone() == (True, 0)
        runs = dict(dagster.execute("select status, count(*) from runs group by status").fetchall())
        assert runs.get("FAILURE") == 1, "the kill fell between two runs"
        assert set(runs) <= {"FAILURE", "SUCCESS"}
    finish(settings, undisturbed[0])


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(4))
def test_a_run_that_is_killed_by_the_dozen_ends_like_one_that_is_not(
    place: Path, undisturbed: tuple[dict[str, list[tuple[object, ...]]], float], seed: int
) -> None:
    expected, seconds = undisturbed
    name, kills = f"killed often {seed}", 6
    moments = random.Random(name)
    settings = small_platform(place / name)
    done = 0
    for _ in range(kills):
        up = start(settings, "up", "--exit-after-fill")
        began = wait_for_fill(up, settings)
        until = began + moments.uniform(0.1, 0.9) * seconds
        while time.monotonic() < until and up.poll() is None:
            time.sleep(0.02)
        if up.poll() is None:
            kill_everything(up)
            done += 1
    assert done > 0
    finish(settings, expected)
