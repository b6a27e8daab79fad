"""Measures how long the API takes from the start of its process to its first answer, over a library of a few songs of its own."""

import json
import tempfile
import time
from contextlib import closing
from pathlib import Path

import httpx
from pydantic import SecretStr

from rap_platform.benchmarks import api_process
from rap_platform.embeddings import filling, indexing
from rap_platform.embeddings.encoders import minilm
from rap_platform.lyrics.building import BuildReport, build_tracks
from rap_platform.lyrics.importing import import_file
from rap_platform.resources.connecting import connect
from rap_platform.resources.scratch import scratch_database
from rap_platform.settings import Settings

RUNS = 3
PATIENCE_S = 60.0
SONGS = {
    "Harbour Light": (
        "I left the harbour in the dark tonight\n"
        "Nobody waved, nobody cried\n"
        "The ships were gone before the light\n"
        "And only gulls were at my side"
    ),
    "Gold Room": (
        "Gold on the table, snow on the street\n"
        "Count every coin to the sound of the beat\n"
        "Money will talk but it never will sleep\n"
        "Promises given are harder to keep"
    ),
    "City Morning": (
        "We rise with the city, we never look down\n"
        "The buses are singing all over the town\n"
        "My mother is calling, the kettle is on\n"
        "By seven the best of the morning is gone"
    ),
}


def starts(settings: Settings) -> dict[str, float]:
    """Seconds from starting the API's process to its first answer of GET /health and of GET /search, the best of three.

    The export is there; nothing else is warm but what the operating system keeps. Raises RuntimeError when it does not answer.
    """
    minilm.load_encoder(settings)
    with scratch_database(settings) as dsn:
        _fill(settings, dsn)
        ours = settings.model_copy(update={"database_url": SecretStr(dsn)})
        runs = [_start(ours, path) for path in ("/search?q=ships+at+night", "/health") for _ in range(RUNS)]
    return {"to_first_search_s": min(runs[:RUNS]), "to_first_health_s": min(runs[RUNS:])}


def _fill(settings: Settings, dsn: str) -> None:
    with closing(connect(dsn)) as conn, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "songs.jsonl"
        rows = [{"artist": "Nora Vale", "title": title, "lyrics": lyrics} for title, lyrics in SONGS.items()]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        import_file(conn, path)
        list(build_tracks(conn, BuildReport()))
        slots = range(1024)
        filling.fill_sections(conn, lambda: minilm.load_encoder(settings), slots)
        filling.fill_lyrics(conn, slots)
        indexing.build_missing(conn, {})


def _start(settings: Settings, path: str) -> float:
    """Seconds until `path` is answered by a new process."""
    started = time.perf_counter()
    with api_process(settings) as (root, child), httpx.Client(trust_env=False, timeout=PATIENCE_S) as client:
        while child.poll() is None and time.perf_counter() - started < PATIENCE_S:
            try:
                answer = client.get(root + path)
            except httpx.TransportError:
                time.sleep(0.01)
                continue
            if answer.is_success and (path == "/health" or answer.json()["results"]):
                return time.perf_counter() - started
            time.sleep(0.01)
    raise RuntimeError(f"the API of the bench gave no answer to {path} in {PATIENCE_S:g} s")
