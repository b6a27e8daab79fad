"""What enters a dataset version, what is dropped and why, and the files it is exported to. No SQL, no models."""

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from rap_platform.settings import Dataset
from rap_platform.training import labels as rating_model
from rap_platform.training import splitting

Population = Literal["real", "simulated", "mixed"]
LABEL_DECIMALS = 4
HEARD = frozenset({"ok", "low_confidence"})
INSTRUCTION = (
    "You are a critic of rap lyrics. Judge craft, originality, imagery and coherence, not popularity. "
    'Answer with JSON only: {"quality": q} with q from 1 (worst) to 10 (best).'
)


@dataclass(frozen=True)
class Row:
    """What decides whether a rated track enters: everything but the lyrics themselves."""

    track_id: int
    source: str
    source_id: str
    artist_id: int
    artist: str
    title: str
    guests: tuple[str, ...]
    lyrics_sha256: str
    characters: int
    family: int
    simulated: bool
    confidence: float | None
    features: str | None


@dataclass(frozen=True)
class Member:
    """A track of a dataset version."""

    track_id: int
    split: splitting.Split
    label: float
    group_key: str
    lyrics_sha256: str


@dataclass(frozen=True)
class Plan:
    """A dataset version before it is stored."""

    version: str
    digest: str
    population: Population
    members: tuple[Member, ...]
    card: dict[str, Any]

    def count(self, split: splitting.Split) -> int:
        """Tracks on one side."""
        return sum(member.split == split for member in self.members)


@dataclass(frozen=True)
class TooFew:
    """No dataset can be made; `missing` says of what there is too little and `remedy` what to do."""

    population: str
    eligible: int
    missing: str
    remedy: str
    dropped: dict[str, int]


def plan(
    rows: Sequence[Row],
    ratings: Mapping[int, Sequence[rating_model.Rating]],
    settings: Dataset,
    population: Literal["auto", "real", "simulated", "mixed"],
) -> Plan | TooFew:
    """Filter, label, choose and split; the same input always gives the same version.

    `rows` are rated tracks, `ratings` their marks; marks of one population never label the other's tracks. `population` is
    auto, real, simulated or mixed; auto means real once `minimum` real tracks pass the filters, else simulated.
    """
    chosen: Population = _automatic(rows, settings) if population == "auto" else population
    pool = [row for row in rows if chosen == "mixed" or row.simulated == (chosen == "simulated")]
    eligible, dropped = eligible_rows(pool, settings)
    if len(eligible) < settings.minimum:
        return too_few(chosen, len(pool), len(eligible), dropped, settings)
    fitted = rating_model.fit([rating for row in pool for rating in ratings[row.track_id]])
    taken = sorted(eligible, key=lambda row: _rank(row, settings.seed))[: settings.size]
    if len(eligible) > len(taken):
        dropped["not needed: the dataset is full"] = len(eligible) - len(taken)
    grouped, guests = splitting.groups(
        [splitting.Candidate(r.track_id, r.artist_id, r.family, r.guests, r.artist, r.lyrics_sha256) for r in taken]
    )
    labelled = {row.track_id: round(fitted.labels[row.track_id], LABEL_DECIMALS) for row in taken}
    try:
        sides = splitting.split(grouped, labelled, share=settings.eval_share, seed=settings.seed)
    except splitting.NoSplit as error:
        return TooFew(chosen, len(eligible), str(error), "rate tracks of more artists", dropped)
    members = tuple(
        Member(row.track_id, sides[row.track_id], labelled[row.track_id], grouped[row.track_id], row.lyrics_sha256)
        for row in sorted(taken, key=lambda row: row.track_id)
    )
    digest = _digest(taken, members, chosen, settings)
    version = f"{chosen}-{digest[:12]}"
    card = _card(taken, members, fitted, chosen, settings, dropped, guests)
    return Plan(version, digest, chosen, members, card)


def eligible_rows(pool: Sequence[Row], settings: Dataset) -> tuple[list[Row], dict[str, int]]:
    """Rows that pass the filters, one per family of near-duplicates, and how many were dropped for which reason."""
    dropped: Counter[str] = Counter()
    eligible = []
    seen: set[int | str] = set()
    for row in sorted(pool, key=lambda row: (row.family != row.track_id, row.track_id)):
        reason = _objection(row, settings)
        if reason is None and seen & {row.family, row.lyrics_sha256}:
            reason = "near-duplicate of a track that is in"
        if reason is None:
            seen |= {row.family, row.lyrics_sha256}
            eligible.append(row)
        else:
            dropped[reason] += 1
    return eligible, dict(dropped)


def _objection(row: Row, settings: Dataset) -> str | None:
    if row.characters <= settings.minimum_characters:
        return f"lyrics not longer than {settings.minimum_characters} characters"
    if row.features is None:
        return "no lyric features yet"
    if row.features not in HEARD:
        return f"lyric features: {row.features}"
    if row.confidence is None:
        return "no analysis"
    if row.confidence <= settings.minimum_confidence:
        return f"no analysis with a raw confidence above {settings.minimum_confidence}"
    return None


def _automatic(rows: Sequence[Row], settings: Dataset) -> Population:
    real, _ = eligible_rows([row for row in rows if not row.simulated], settings)
    return "real" if len(real) >= settings.minimum else "simulated"


def too_few(population: str, rated: int, eligible: int, dropped: dict[str, int], settings: Dataset) -> TooFew:
    """Says what is missing: ratings, or analyses and features of what is rated."""
    missing = f"{eligible} {population} tracks pass the filters, {rated} are rated; a dataset needs {settings.minimum}"
    if rated < settings.minimum:
        remedy = "materialize `ratings` with the simulated world on (RAP_WORLD=on), or bring ratings of your own tracks into the table ratings"
    else:
        remedy = "materialize `lyric_features` and `rule_based_analyses` for the rated tracks, then this asset again"
    return TooFew(population, eligible, missing, remedy, dropped)


def _rank(row: Row, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{row.source}:{row.source_id}".encode()).hexdigest()


def _digest(taken: Sequence[Row], members: Sequence[Member], population: str, settings: Dataset) -> str:
    names = {row.track_id: f"{row.source}:{row.source_id}" for row in taken}
    lines = sorted(
        f"{m.track_id}|{names[m.track_id]}|{m.lyrics_sha256}|{m.label:.{LABEL_DECIMALS}f}|{m.split}|{m.group_key}"
        for m in members
    )
    head = f"{population}|{settings.seed}|{len(members)}"
    return hashlib.sha256("\n".join([head, *lines]).encode()).hexdigest()


def _card(
    taken: Sequence[Row],
    members: Sequence[Member],
    fitted: rating_model.Labels,
    population: str,
    settings: Dataset,
    dropped: Mapping[str, int],
    guests: bool,
) -> dict[str, Any]:
    by_split = {split: [m for m in members if m.split == split] for split in ("train", "eval")}
    held_out = [fitted.counts[m.track_id] for m in by_split["eval"]]
    return {
        "population": population,
        "seed": settings.seed,
        "asked_for": settings.size,
        "complete": len(members) == settings.size,
        "counts": {split: len(side) for split, side in by_split.items()},
        "groups": {split: len({m.group_key for m in side}) for split, side in by_split.items()},
        "artists": len({row.artist_id for row in taken}),
        "guests_tie_groups": guests,
        "label": "mean of the raters' marks, 1 to 10, rater effects removed (additive model, shrunk by n / (n + 3))",
        "label_histogram": {split: _histogram([m.label for m in side]) for split, side in by_split.items()},
        "filters": {
            "raw_confidence_above": settings.minimum_confidence,
            "characters_above": settings.minimum_characters,
            "features": sorted(HEARD),
        },
        "dropped": dict(dropped),
        "raters": asdict(fitted.reliability),
        "noise_floor_mae": rating_model.noise_floor(fitted.reliability.rater_sd, held_out),
    }


def _histogram(values: Sequence[float]) -> dict[str, int]:
    counted = Counter(min(9, int(value)) for value in values)
    return {f"{low}-{low + 1}": counted.get(low, 0) for low in range(1, 10)}


def export(folder: Path, plan: Plan, lyrics: Mapping[int, str], rows: Mapping[int, Row]) -> list[Path]:
    """Write train.jsonl and eval.jsonl (chat format), dataset.parquet and card.json into `folder`, all or nothing.

    The prompt holds the lyrics alone; the label stands in the assistant's turn and nowhere else. Raises KeyError when the
    lyrics of a member are missing.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for split in ("train", "eval"):
            with (scratch / f"{split}.jsonl").open("w", encoding="utf-8") as out:
                for member in plan.members:
                    if member.split == split:
                        out.write(
                            json.dumps(
                                _chat(member, rows[member.track_id], lyrics[member.track_id]), ensure_ascii=False
                            )
                            + "\n"
                        )
        pq.write_table(_table(plan, lyrics, rows), scratch / "dataset.parquet")
        (scratch / "card.json").write_text(json.dumps(plan.card, indent=2) + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        scratch.replace(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return sorted(folder.iterdir())


def _chat(member: Member, row: Row, lyrics: str) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "system", "content": INSTRUCTION},
            {"role": "user", "content": f"<lyrics>\n{lyrics}\n</lyrics>"},
            {"role": "assistant", "content": json.dumps({"quality": round(member.label, 1)})},
        ],
        "track_id": member.track_id,
        "artist": row.artist,
        "title": row.title,
        "group": member.group_key,
        "simulated": row.simulated,
    }


def _table(plan: Plan, lyrics: Mapping[int, str], rows: Mapping[int, Row]) -> pa.Table:
    return pa.table(
        {
            "track_id": pa.array([m.track_id for m in plan.members], pa.int64()),
            "source": [rows[m.track_id].source for m in plan.members],
            "source_id": [rows[m.track_id].source_id for m in plan.members],
            "artist": [rows[m.track_id].artist for m in plan.members],
            "title": [rows[m.track_id].title for m in plan.members],
            "lyrics": [lyrics[m.track_id] for m in plan.members],
            "lyrics_sha256": [m.lyrics_sha256 for m in plan.members],
            "label": pa.array([m.label for m in plan.members], pa.float64()),
            "split": [m.split for m in plan.members],
            "group": [m.group_key for m in plan.members],
            "simulated": [rows[m.track_id].simulated for m in plan.members],
        }
    )
