"""The files of a dataset version: conversations for fine-tuning, a table for models, the card. All or nothing."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rap_platform.training import dataset_card as cards
from rap_platform.training.dataset import Plan
from rap_platform.training.dataset_rows import Member, Row

INSTRUCTION = (
    "You are a critic of rap lyrics. Judge craft, originality, imagery and coherence, not popularity. "
    'Answer with JSON only: {"quality": q} with q from 1 (worst) to 10 (best).'
)
TABLE, CARD, READABLE_CARD = "dataset.parquet", "card.json", "card.md"
NAMES = (CARD, READABLE_CARD, TABLE, "eval.jsonl", "train.jsonl")


def complete(folder: Path) -> bool:
    """Whether every file of a version is there."""
    return all((folder / name).is_file() for name in NAMES)


def export(
    folder: Path,
    plan: Plan,
    lyrics: Mapping[int, str],
    rows: Mapping[int, Row],
    features: Mapping[int, Sequence[float | None]],
    columns: Sequence[str],
) -> list[Path]:
    """Write train.jsonl, eval.jsonl, dataset.parquet, card.json and card.md into `folder`, all or nothing.

    The prompt holds the lyrics alone; the label stands in the completion and nowhere else. `features` has the values of
    `columns` for each track that was heard. Raises KeyError when the lyrics of a member are missing.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for split in cards.SPLITS:
            with (scratch / f"{split}.jsonl").open("w", encoding="utf-8") as out:
                for member in plan.members:
                    if member.split == split:
                        told = conversation(member, rows[member.track_id], lyrics[member.track_id])
                        out.write(json.dumps(told, ensure_ascii=False) + "\n")
        pq.write_table(_table(plan, lyrics, rows, features, columns), scratch / TABLE)
        (scratch / CARD).write_text(json.dumps(plan.card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (scratch / READABLE_CARD).write_text(cards.markdown(plan.card), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        scratch.replace(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return sorted(folder.iterdir())


def conversation(member: Member, row: Row, lyrics: str) -> dict[str, Any]:
    """A track in TRL's conversational prompt-completion form, so that only the completion is learned."""
    return {
        "prompt": prompt(lyrics),
        "completion": [{"role": "assistant", "content": json.dumps({"quality": round(member.label, 1)})}],
        "track_id": member.track_id,
        "source": row.source,
        "source_id": row.source_id,
        "artist": row.artist,
        "title": row.title,
        "group": member.group_key,
        "simulated": row.simulated,
    }


def prompt(lyrics: str) -> list[dict[str, str]]:
    """What a language model is asked about a song: the instruction and the lyrics, nothing that knows the label."""
    return [
        {"role": "system", "content": INSTRUCTION},
        {"role": "user", "content": f"<lyrics>\n{lyrics}\n</lyrics>"},
    ]


def _table(
    plan: Plan,
    lyrics: Mapping[int, str],
    rows: Mapping[int, Row],
    features: Mapping[int, Sequence[float | None]],
    columns: Sequence[str],
) -> pa.Table:
    of = [(m, rows[m.track_id]) for m in plan.members]
    heard = [features.get(m.track_id, (None,) * len(columns)) for m in plan.members]
    described = {
        "track_id": pa.array([m.track_id for m in plan.members], pa.int64()),
        "source": pa.array([row.source for _, row in of], pa.string()),
        "source_id": pa.array([row.source_id for _, row in of], pa.string()),
        "artist": pa.array([row.artist for _, row in of], pa.string()),
        "title": pa.array([row.title for _, row in of], pa.string()),
        "lyrics": pa.array([lyrics[m.track_id] for m in plan.members], pa.string()),
        "lyrics_sha256": pa.array([m.lyrics_sha256 for m in plan.members], pa.string()),
        "split": pa.array([m.split for m in plan.members], pa.string()),
        "group": pa.array([m.group_key for m in plan.members], pa.string()),
        "label": pa.array([m.label for m in plan.members], pa.float64()),
        "year": pa.array([row.year for _, row in of], pa.int16()),
        "era": pa.array([row.era for _, row in of], pa.string()),
        "genre": pa.array([row.genre for _, row in of], pa.string()),
        "language": pa.array([row.language for _, row in of], pa.string()),
        "views": pa.array([row.views for _, row in of], pa.int64()),
        "popularity": pa.array([row.popularity for _, row in of], pa.int16()),
        "simulated": pa.array([row.simulated for _, row in of], pa.bool_()),
    }
    ear = {
        name: pa.array([None if values[k] is None else float(values[k]) for values in heard], pa.float64())  # type: ignore[arg-type]
        for k, name in enumerate(columns)
    }
    made = pa.table(described | ear)
    return made.replace_schema_metadata({"version": plan.version, "digest": plan.digest})
