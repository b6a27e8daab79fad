"""Songs of simulated worlds as the stages before the dataset would know them, made in this process and kept between runs. For benches alone."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

import rap_platform.world
from rap_platform.analyses import rules
from rap_platform.analyses.results import Analysis
from rap_platform.embeddings.encoders.minilm import load_encoder
from rap_platform.features import analysis as ear
from rap_platform.lyrics.cleaning import clean
from rap_platform.lyrics.languages import language_of
from rap_platform.lyrics.sections import split_sections
from rap_platform.orchestration.progress import track
from rap_platform.settings import Settings
from rap_platform.training.features import mean_vector
from rap_platform.world import songwriter
from rap_platform.world.corpus import Corpus

if TYPE_CHECKING:
    from rap_platform.embeddings.encoders.minilm import Encoder

FOLDER = "bench-quality"
SAVED_EVERY = 100  # songs that a kill can cost
FIGURES = tuple(
    field.name for field in fields(ear.LyricFeatures) if field.type in ("int", "float", int | None, float | None, int)
)
Known = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Song:
    """A song of a world: which it is, its cleaned lyrics, what the ear heard, its lyrics vector and what the rules say."""

    artist: int
    song: int
    lyrics: str
    sha256: str
    status: str
    figures: Mapping[str, float | None]
    vector: npt.NDArray[np.float32]
    quality: float | None
    raw_confidence: float | None


def songs(settings: Settings, seed: int, *, tracks: int, artists: int) -> list[Song]:
    """Every song of the world `seed` of `tracks` songs by `artists`; only texts that no earlier run heard are heard and embedded.

    They are kept in the data directory, one file per world, for one version of ear, encoder and rules.
    """
    encoder = load_encoder(settings)
    file = settings.data_dir / FOLDER / f"{seed}-{tracks}-{artists}-{_versions(encoder)}.parquet"
    stored, world = _load(file)
    if world == _world() and len(stored) == tracks:
        return [_song(row) for row in stored]
    known = {row["sha256"]: row for row in stored}
    rows: list[dict[str, Any]] = []
    for row in track(_rows(encoder, seed, tracks, artists, known), tracks, f"songs of world {seed}"):
        rows.append(row)
        if len(rows) % SAVED_EVERY == 0 and row["sha256"] not in known:
            _save(file, rows + [old for sha, old in known.items() if sha not in {new["sha256"] for new in rows}], None)
    _save(file, rows, _world())
    return [_song(row) for row in rows]


def _rows(encoder: "Encoder", seed: int, tracks: int, artists: int, known: Known) -> Iterator[dict[str, Any]]:
    corpus = Corpus(seed, artists, tracks)
    marks = rules.landmarks(encoder)
    for artist, amount in enumerate(corpus.counts):
        for number in range(amount):
            lyrics = clean(songwriter.write(seed, artist, number).lyrics).text
            sha = hashlib.sha256(lyrics.encode()).hexdigest()
            heard = known.get(sha) or _heard(lyrics, encoder, marks)
            yield heard | {"artist": artist, "song": number, "lyrics": lyrics, "sha256": sha}


def _heard(lyrics: str, encoder: "Encoder", marks: rules.Landmarks) -> dict[str, Any]:
    """What the ear, the encoder and the rules make of a text, by the code that fills the database."""
    features = ear.analyse(lyrics, language_of(lyrics))
    sections = [rules.SectionText(s.first_line, s.last_line, s.text) for s in split_sections(lyrics) if s.text.strip()]
    texts = list(dict.fromkeys(section.text for section in sections))  # a hook that comes three times is encoded once
    by_text = dict(zip(texts, encoder.encode_whole(texts).vectors, strict=True))
    vectors = np.stack([by_text[section.text] for section in sections])
    said = rules.analyse_song(lyrics, features, sections, vectors, marks)
    judged = said if isinstance(said, Analysis) else None
    return {
        "status": features.status,
        "figures": {name: getattr(features, name) for name in FIGURES},
        "vector": mean_vector(vectors),
        "quality": None if judged is None else judged.quality,
        "raw_confidence": None if judged is None else judged.raw_confidence,
    }


def _versions(encoder: "Encoder") -> str:
    parts = (ear.VERSION, encoder.fingerprint, rules.RULES_VERSION)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]


def _world() -> str:
    """Changes with any line of the world's code: then every song is written again, and heard where its text is new."""
    files = sorted(Path(next(iter(rap_platform.world.__path__))).glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _save(file: Path, rows: Sequence[Mapping[str, Any]], world: str | None) -> None:
    """Write all or nothing; without `world` the file only holds what need not be heard again."""
    columns = {
        name: [row[name] for row in rows]
        for name in ("artist", "song", "lyrics", "sha256", "status", "quality", "raw_confidence")
    }
    columns["figures"] = [json.dumps(row["figures"]) for row in rows]
    columns["vector"] = [row["vector"] for row in rows]
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_suffix(".part")
    pq.write_table(pa.table(columns).replace_schema_metadata({"world": world or ""}), scratch)
    scratch.replace(file)


def _load(file: Path) -> tuple[list[dict[str, Any]], str]:
    if not file.exists():
        return [], ""
    table = pq.read_table(file)
    rows = table.to_pylist()
    for row in rows:
        row["figures"] = json.loads(row["figures"])
        row["vector"] = np.array(row["vector"], dtype=np.float32)
    return rows, (table.schema.metadata or {}).get(b"world", b"").decode()


def _song(row: Mapping[str, Any]) -> Song:
    return Song(**{field.name: row[field.name] for field in fields(Song)})
