"""Audio features come in from the files people have (Kaggle's Spotify tables and the like); which track they belong to is matched elsewhere."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg

from rap_platform.lyrics import reading
from rap_platform.lyrics.identity import MOST_CHARACTERS, normalise, normalise_title
from rap_platform.lyrics.importing import ImportRefused, ImportReport, Rejects, shown
from rap_platform.lyrics.presets import Kind, Mapped
from rap_platform.lyrics.reading import Layout, Source
from rap_platform.lyrics.values import parse_names, plain
from rap_platform.spotify import import_queries as queries
from rap_platform.spotify.features import read_features
from rap_platform.spotify.import_queries import ImportedFeatures

BATCH: Final = 5000
LEAST: Final = 1e-30  # a figure below is 0: the column's type knows nothing smaller
LONGEST_MS: Final = 24 * 3_600_000
UNKNOWN_DATASET: Final = "file"
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_SPOTIFY_ID: Final = re.compile(r"[0-9A-Za-z]{22}")
_ISRC: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")
_FIGURES: Final = (
    "danceability", "energy", "valence", "acousticness", "instrumentalness", "speechiness", "liveness", "loudness", "tempo",
)  # fmt: skip


def import_features(
    conn: psycopg.Connection, path: Path, *, dry_run: bool = False, encoding: str = "utf-8"
) -> ImportReport:
    """Store the audio features of a file in imported_audio_features, all in one transaction; a second time changes nothing.

    A row is known by its data set and its Spotify id (else by its names); later rows with the same key are duplicates.
    Several artists are named together, the key is the first one's. A row with a figure out of range is rejected with
    that figure's name and listed in FILE.rejects.csv. Raises ImportRefused when the file as a whole can't be trusted,
    or has no audio features.
    """
    source = reading.locate(path, encoding)
    layout = reading.layout_of(source)
    _require(source, layout)
    preset = layout.mapped.preset
    report = ImportReport(
        preset=preset.name if preset else None,
        kind=Kind.AUDIO_FEATURES.value,
        format=layout.format,
        columns=dict(layout.mapped.columns),
    )
    with closing(Rejects(None if dry_run else path)) as rejects:
        with conn.transaction(force_rollback=dry_run):
            queries.begin(conn)
            for batch in _batches(source, layout, report, rejects):
                for line, artist, title in queries.stage(conn, batch):
                    rejects.add(line, "duplicate_id", artist[:100], title[:100])
                new, unchanged, changed = queries.store(conn, keep=not dry_run)
                report.new += new
                report.unchanged += unchanged
                report.changed += changed
                rejects.write()
            rejects.write()
            if report.new or report.changed:
                queries.stamp(conn)
            if not report.rows:
                raise ImportRefused(f"{source}: there is a header but no row below it")
        report.rejects_file = rejects.keep()
    report.rejected = dict(sorted(rejects.counts.items()))
    report.first_lines = {reason: rejects.first_lines[reason] for reason in report.rejected}
    return report


def _require(source: Source, layout: Layout) -> None:
    if layout.mapped.kind is not Kind.AUDIO_FEATURES:
        raise ImportRefused(
            f"{source}: no table of audio features; it needs columns like danceability, energy, valence and no lyrics. "
            f"{layout.where or 'It has'}: {', '.join(layout.header[:40])}"
        )
    for needed in ("title", "artist"):
        if needed not in layout.mapped.columns:
            raise ImportRefused(
                f"{source}: audio features without a column for the {needed}; {layout.where}: {', '.join(layout.header[:40])}. "
                f"Name one of them {needed!r}"
            )


def _batches(
    source: Source, layout: Layout, report: ImportReport, rejects: Rejects
) -> Iterator[list[tuple[int, ImportedFeatures]]]:
    batch: list[tuple[int, ImportedFeatures]] = []
    columns = layout.mapped.columns
    with shown(source.path) as show:
        for row in reading.rows(source, layout, show):
            report.rows += 1
            features = row.problem or "unreadable" if row.values is None else _features(row.values, layout.mapped)
            if isinstance(features, str):
                values = row.values or {}
                artist, title = (plain(values.get(columns[key]))[:100] for key in ("artist", "title"))
                rejects.add(row.line, features, artist, title)
            else:
                batch.append((row.line, features))
            if len(batch) >= BATCH or len(rejects.waiting) >= BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _features(values: Mapping[str, Any], mapped: Mapped) -> ImportedFeatures | str:
    """Read a row, or say why it is of no use: a name is missing or a figure makes no sense."""
    given = {key: values.get(column) for key, column in mapped.columns.items()}
    names = _artists(given.get("artist"))
    title = plain(given.get("title"))
    if not title:
        return "no_title"
    if not names:
        return "no_artist"
    artist = ", ".join(names)
    artist_key, title_key = normalise(names[0]), normalise_title(title)
    if max(map(len, (artist, title, artist_key, title_key))) > MOST_CHARACTERS:
        return "name_too_long"
    if not all(map(_is_storable, (artist, title))):
        return "invalid_characters"
    try:
        found = read_features({name: _number(given.get(name), name) for name in _FIGURES})
        duration = _number(given.get("duration_ms"), "duration_ms")
    except ValueError as reason:
        return str(reason).replace(" ", "_").replace("no_figure_in_the_answer", "no_figures")
    if duration is not None and not 0 <= duration <= LONGEST_MS:
        return "duration_ms_out_of_range"
    told = plain(given.get("id"))
    isrc = plain(given.get("isrc")).upper().replace("-", "")
    spotify_id = told if _SPOTIFY_ID.fullmatch(told) else None
    named = hashlib.sha256(f"{artist_key}|{normalise(title)}".encode()).hexdigest()[:32]
    return ImportedFeatures(
        dataset=mapped.preset.name if mapped.preset else UNKNOWN_DATASET,
        row_key=spotify_id or (f"{told[:100]}:{named[:12]}" if told and _is_storable(told) else named),
        spotify_id=spotify_id, isrc=isrc if _ISRC.fullmatch(isrc) else None, artist=artist, title=title,
        artist_key=artist_key, title_key=title_key, duration_ms=round(duration) or None if duration is not None else None,
        danceability=found.danceability, energy=found.energy, valence=found.valence, acousticness=found.acousticness,
        instrumentalness=found.instrumentalness, speechiness=found.speechiness, liveness=found.liveness,
        loudness_db=found.loudness_db, tempo_bpm=found.tempo_bpm,
    )  # fmt: skip


def _artists(value: Any) -> list[str]:
    """Read the artists of a track: a list, its text in Python or JSON, or names joined by semicolons; a comma is part of a name."""
    names = value.split(";") if isinstance(value, str) and ";" in value and not value.startswith("[") else value
    return [name for item in parse_names(names) if (name := plain(item))]


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _number(value: Any, name: str) -> float | None:
    """Read a figure; None when there is none. Raises ValueError for what is no number."""
    if isinstance(value, bool):
        raise ValueError(f"{name} is no number")  # noqa: TRY004 -- a row's fault, not the caller's
    if isinstance(value, int | float):
        return None if value != value else float(min(value, 1e300)) if abs(value) > LEAST else 0.0
    text = plain(value)
    if text.casefold() in ("", "na", "nan", "null", "none"):
        return None
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{name} is no number")
    return float(text) if abs(float(text)) > LEAST else 0.0
