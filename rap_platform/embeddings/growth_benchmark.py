"""What new, edited and deleted songs cost on a platform that is filled already: by the real assets, from stored songs to searchable."""

import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg

from rap_platform.benchmarks import Bench
from rap_platform.embeddings import analysis_assets, assets, bench_queries, fact_assets, term_assets
from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.search.finding import search as find
from rap_platform.embeddings.search.question import Question
from rap_platform.embeddings.synthetic.library import Library, Song
from rap_platform.embeddings.synthetic.verse import Book, Passage, read_book
from rap_platform.lyrics import assets as lyrics
from rap_platform.lyrics import queries as lyrics_queries
from rap_platform.lyrics.importing import import_file
from rap_platform.orchestration import progress
from rap_platform.orchestration.headless import QUIET
from rap_platform.orchestration.partitions import SHARDS, range_tags
from rap_platform.resources.embedder import EmbedderResource
from rap_platform.resources.postgres import PostgresResource, connect
from rap_platform.resources.scratch import scratch_database
from rap_platform.settings import Settings

TRACKS = 6_000
NEW_SHARE = 0.01
HEADER = (
    "title",
    "tag",
    "artist",
    "year",
    "views",
    "features",
    "lyrics",
    "id",
    "language_cld3",
    "language_ft",
    "language",
)
EDITED_LINE = "a paper lantern over seven quiet harbours"
PER_SHARD = (assets.lyrics_embeddings, term_assets.section_sounds, fact_assets.track_facts)
# From songs that are stored to songs that are found. Without analysts: what they cost is theirs.
STEPS: tuple[tuple[dg.AssetsDefinition, ...], ...] = ((lyrics.tracks,), PER_SHARD, (analysis_assets.vector_index,))


@dataclass(frozen=True)
class Run:
    """Seconds of a run in all and by asset, and how many texts were encoded."""

    seconds: float
    by_asset: dict[str, float]
    texts_encoded: int


def growth(settings: Settings, *, tracks: int = TRACKS, book: Book | None = None) -> Bench:
    """Seconds to make `tracks` songs searchable, then 1 % more, nothing, one edited and one deleted song.

    The ratio is the 1 % over the whole; start-up (imports, the graph, loading the encoder) happens once before and is shown apart.
    Raises RuntimeError when an asset fails, the edit encodes another number of texts than it changed, or the deleted song is found.
    """
    if tracks < 100:
        raise ValueError(f"{tracks} tracks have no hundredth: take 100 or more")
    figures, encoders = _start_up(settings)
    new = max(1, round(tracks * NEW_SHARE))
    library = Library(settings.world_seed, tracks + new, book or read_book(settings.world_seed))
    with scratch_database(settings) as dsn, tempfile.TemporaryDirectory(prefix="rap_platform_bench_") as folder:
        songs = _Songs(dsn, Path(folder) / "songs.csv", library)
        figures["import_s"] = songs.store(range(tracks))
        full = run(dsn, "all songs")
        songs.store(range(tracks, tracks + new))
        more = run(dsn, "new songs")
        nothing = run(dsn, "no new song")
        figures |= _edited(songs, encoders) | _deleted(songs, encoders)
    figures |= {
        "tracks": float(tracks),
        "new_tracks": float(new),
        "new_s": more.seconds,
        "new_texts_encoded": float(more.texts_encoded),
    }
    figures |= {f"new_{asset}_s": seconds for asset, seconds in more.by_asset.items()}
    figures |= {"nothing_new_s": nothing.seconds, "nothing_new_texts_encoded": float(nothing.texts_encoded)}
    reference = {"new_s": full.seconds, "new_texts_encoded": float(full.texts_encoded)}
    reference |= {f"new_{asset}_s": seconds for asset, seconds in full.by_asset.items()}
    return Bench("growth", figures, reference, round(more.seconds / full.seconds, 4))


def _start_up(settings: Settings) -> tuple[dict[str, float], Encoders]:
    """What every run of a process pays once: imports and the asset graph in a fresh interpreter, and loading the encoder."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", "import rap_platform.definitions"], check=True)
    graph_s = time.monotonic() - started
    encoders = Encoders(settings)
    started = time.monotonic()
    encoders.get(weights.NAME).encode(["warm"])
    return {"start_up_graph_s": round(graph_s, 2), "start_up_encoder_s": round(time.monotonic() - started, 2)}, encoders


class _Songs:
    """Songs of a library in the database of a bench."""

    def __init__(self, dsn: str, path: Path, library: Library) -> None:
        self.dsn, self._path, self._library = dsn, path, library

    def store(self, numbers: Sequence[int]) -> float:
        """Import these songs from a file; returns the seconds it took."""
        songs = (self._library.song(number) for number in numbers)
        return self._import(
            [_row(song, song.passages, self._library.names) for song in progress.track(songs, len(numbers), "songs")]
        )

    def edit(self, number: int, section: int) -> str:
        """Reword the first line of a section; returns the new line."""
        song = self._library.song(number)
        passages = list(song.passages)
        old = passages[section]
        passages[section] = Passage(old.kind, (EDITED_LINE, *old.lines[1:]))
        self._import([_row(song, passages, self._library.names)])
        return EDITED_LINE

    def unlike(self) -> tuple[int, int]:
        """An English original and a section of it that is sung once and long enough to be told from others."""
        for number in range(self._library.songs):
            song = self._library.song(number)
            for place, passage in enumerate(song.passages):
                once = sum(other.lines == passage.lines for other in song.passages) == 1
                if (
                    song.language == "en"
                    and song.copy_of is None
                    and once
                    and passage.kind == "verse"
                    and len(passage.lines) >= 4
                ):
                    return number, place
        raise RuntimeError("no song of the bench has a verse of its own")

    def _import(self, rows: Sequence[Sequence[object]]) -> float:
        with self._path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([HEADER, *rows])
        with closing(connect(self.dsn)) as conn:
            started = time.monotonic()
            report = import_file(conn, self._path)
            conn.commit()
            if report.new + report.changed != len(rows):
                raise RuntimeError(f"of {len(rows)} songs {report.new} were new and {report.changed} changed")
            return round(time.monotonic() - started, 2)


def _row(song: Song, passages: Sequence[Passage], names: Sequence[str]) -> tuple[object, ...]:
    lyrics_text = "\n\n".join(f"[{passage.kind.capitalize()}]\n{passage.text}" for passage in passages)
    language = song.language
    return (
        song.title,
        "rap",
        names[song.artist],
        song.year or "",
        0,
        "{}",
        lyrics_text,
        song.number + 1,
        language,
        language,
        language,
    )


def run(dsn: str, what: str) -> Run:
    """Materialize everything from stored songs to searchable ones, in this process. Raises RuntimeError when an asset fails."""
    keys = SHARDS.get_partition_keys()
    tags = range_tags(keys[0], keys[-1])
    by_asset: dict[str, float] = {}
    texts = 0
    started = time.monotonic()
    for step in progress.track(STEPS, len(STEPS), what):
        result = dg.materialize(
            list(step), resources={"postgres": PostgresResource(dsn=dsn), "embedder": EmbedderResource()},
            run_config=QUIET, tags=tags if step is PER_SHARD else None, raise_on_error=False,
        )  # fmt: skip
        if not result.success:
            failed = [str(event.step_failure_data.error) for event in result.all_events if event.is_step_failure]
            raise RuntimeError(f"{what}: {'; '.join(failed)[:2000]}")
        for event in result.all_events:
            if event.is_step_success:
                by_asset[event.step_key or ""] = round(event.step_success_data.duration_ms / 1000, 2)
        texts += _texts_encoded(result)
    return Run(round(time.monotonic() - started, 2), by_asset, texts)


def _texts_encoded(result: dg.ExecuteInProcessResult) -> int:
    """What the assets of a run say they encoded; one over shards says the same for each of them."""
    told = {event.asset_key: event.materialization.metadata for event in result.get_asset_materialization_events()}
    return sum(int(str(metadata["texts_encoded"].value)) for metadata in told.values() if "texts_encoded" in metadata)


def _edited(songs: _Songs, encoders: Encoders) -> dict[str, float]:
    number, section = songs.unlike()
    new = songs.edit(number, section)
    done = run(songs.dsn, "one edited song")
    if done.texts_encoded != 1:
        raise RuntimeError(f"one section of one song was reworded, and {done.texts_encoded} texts were encoded")
    with closing(connect(songs.dsn)) as conn:
        found = _is_found(conn, encoders, new, number)
    if not found:
        raise RuntimeError(f"the edited song is not found by its new line {new!r}")
    return {"edited_s": done.seconds, "edited_texts_encoded": float(done.texts_encoded)}


def _deleted(songs: _Songs, encoders: Encoders) -> dict[str, float]:
    number, _ = songs.unlike()
    with closing(connect(songs.dsn)) as conn:
        before = _is_found(conn, encoders, EDITED_LINE, number)
        started = time.monotonic()
        lyrics_queries.delete_tracks(conn, _track_ids(conn, number))
        conn.commit()
        seconds = time.monotonic() - started
        after = _is_found(conn, encoders, EDITED_LINE, number)
    if not before or after:
        raise RuntimeError(
            f"the deleted song was {'' if before else 'not '}found before and {'' if after else 'not '}after"
        )
    return {
        "deleted_ms": round(seconds * 1000, 1),
        "deleted_found_before": float(before),
        "deleted_found_after": float(after),
    }


def _is_found(conn: psycopg.Connection[Any], encoders: Encoders, text: str, number: int) -> bool:
    """Whether the song is on the first page for the text."""
    page = find(conn, encoders, Question(text))
    conn.rollback()
    return bool({hit.track_id for hit in page.hits} & set(_track_ids(conn, number)))


def _track_ids(conn: psycopg.Connection[Any], number: int) -> list[int]:
    return [row[0] for row in conn.execute(bench_queries.TRACKS_TITLED, {"number": f"% {number}"}).fetchall()]
