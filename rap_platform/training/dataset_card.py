"""The card of a dataset version: what is in it, how the sides compare, what was dropped, how far the raters agree, how to make it again."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rap_platform.settings import PREFIX, Dataset
from rap_platform.training import labels as rating_model
from rap_platform.training.dataset_rows import UNKNOWN, Member, Population, Row, label_bin

SPLITS = ("train", "eval")
FILES = {
    "train.jsonl, eval.jsonl": "one JSON object per track: `prompt` (system, user) and `completion` (assistant), as TRL's SFTTrainer reads them",
    "dataset.parquet": "one row per track: identity, split, group, label, year, era, genre, language, views, popularity, the ear's columns",
    "card.json": "this card for programs",
}


def build(
    rows: Mapping[int, Row],
    members: Sequence[Member],
    fitted: rating_model.Labels,
    settings: Dataset,
    *,
    version: str,
    digest: str,
    population: Population,
    eligible: int,
    rated: int,
    dropped: Mapping[str, int],
    guests: bool,
    ties: Collection[tuple[int, int]],
    heard: Collection[str],
) -> dict[str, Any]:
    """The card as JSON. `rows` are the members' tracks, `ties` the pairs that say nearly the same and that nobody had linked."""
    sides = {split: [m for m in members if m.split == split] for split in SPLITS}
    by_stratum = strata(rows, sides)
    return {
        "version": version,
        "digest": digest,
        "population": population,
        "seed": settings.seed,
        "asked_for": settings.size,
        "complete": len(members) == settings.size,
        "rated": rated,
        "eligible": eligible,
        "counts": {split: len(side) for split, side in sides.items()},
        "groups": {split: len({m.group_key for m in side}) for split, side in sides.items()},
        "artists": len({row.artist_id for row in rows.values()}),
        "largest_group": max(Counter(m.group_key for m in members).values()),
        "guests_tie_groups": guests,
        "near_duplicates_tied": len(ties),
        "label": "mean of the raters' marks, 1 to 10, rater effects removed (see `raters`)",
        "label_histogram": {split: _histogram([m.label for m in side]) for split, side in sides.items()},
        "strata": by_stratum,
        "largest_imbalance": largest_imbalance(by_stratum),
        "overlaps": overlaps(rows, sides, ties),
        "filters": {
            "raw_confidence_above": settings.minimum_confidence,
            "characters_above": settings.minimum_characters,
            "features": sorted(heard),
        },
        "dropped": dict(dropped),
        "raters": asdict(fitted.reliability),
        "noise_floor_mae": fitted.floor(m.track_id for m in sides["eval"]),
        "again": again(settings, population),
    }


def strata(rows: Mapping[int, Row], sides: Mapping[str, Sequence[Member]]) -> dict[str, dict[str, dict[str, int]]]:
    """Tracks by dimension, stratum and side; genre, era and label are balanced, language is only counted."""
    values = {
        "genre": lambda member: rows[member.track_id].genre or UNKNOWN,
        "era": lambda member: rows[member.track_id].era,
        "label": lambda member: label_bin(member.label),
        "language": lambda member: rows[member.track_id].language or UNKNOWN,
    }
    counted = {
        name: {split: Counter(map(value, side)) for split, side in sides.items()} for name, value in values.items()
    }
    return {
        name: {
            stratum: {split: own[split][stratum] for split in sides} for stratum in sorted(set().union(*own.values()))
        }
        for name, own in counted.items()
    }


def largest_imbalance(by_stratum: Mapping[str, Mapping[str, Mapping[str, int]]]) -> dict[str, Any]:
    """The stratum of genre, era or label whose share differs most between the sides; `points` are percentage points, eval minus train."""
    found: dict[str, Any] = {"dimension": None, "stratum": None, "points": 0.0}
    for dimension in ("genre", "era", "label"):
        counts = by_stratum[dimension]
        totals = {split: sum(of[split] for of in counts.values()) for split in SPLITS}
        for stratum, of in counts.items():
            points = round(100 * (of["eval"] / totals["eval"] - of["train"] / totals["train"]), 2)
            if abs(points) > abs(found["points"]):
                found = {"dimension": dimension, "stratum": stratum, "points": points}
    return found


def overlaps(
    rows: Mapping[int, Row], sides: Mapping[str, Sequence[Member]], ties: Collection[tuple[int, int]]
) -> dict[str, int]:
    """How many of each stand on both sides; all are nought unless the split is wrong, and asset checks count again in the database."""
    train, held_out = ({m.track_id for m in sides[split]} for split in SPLITS)
    side = {m.track_id: m.split for split in SPLITS for m in sides[split]}

    def both(values: Any) -> int:
        return len({values(rows[t]) for t in train} & {values(rows[t]) for t in held_out})

    return {
        "artists": both(lambda row: row.artist_id),
        "groups": len({m.group_key for m in sides["train"]} & {m.group_key for m in sides["eval"]}),
        "families of near-duplicates": both(lambda row: row.family),
        "equal texts": both(lambda row: row.lyrics_sha256),
        "near-duplicates that nobody linked": sum(side[one] != side[other] for one, other in ties),
    }


def again(settings: Dataset, population: Population) -> list[str]:
    """The commands that make this version again from the same songs and ratings."""
    wanted = {f"{PREFIX}DATASET__{name.upper()}": value for name, value in settings.model_dump().items()}
    told = " ".join(f"{name}={value}" for name, value in ({f"{PREFIX}POPULATION": population} | wanted).items())
    return [f"{told} rap-platform run --select training_dataset"]


def _histogram(values: Sequence[float]) -> dict[str, int]:
    counted = Counter(map(label_bin, values))
    return {label_bin(low): counted[label_bin(low)] for low in range(1, 10)}


def markdown(card: Mapping[str, Any]) -> str:
    """The card for people."""
    counts, raters, worst = card["counts"], card["raters"], card["largest_imbalance"]
    complete = (
        "complete" if card["complete"] else f"smaller than the {card['asked_for']} asked for: no more pass the filters"
    )
    lines = [
        f"# Dataset {card['version']}",
        "",
        f"{sum(counts.values())} {card['population']} tracks by {card['artists']} artists: {counts['train']} to learn from, "
        f"{counts['eval']} held out; {complete}. Digest `{card['digest']}`.",
        "",
        f"Label: {card['label']}.",
        "",
        "## Raters",
        "",
        f"{raters['ratings']} ratings of {raters['tracks']} tracks by {raters['raters']} raters. Reliability of one mark (ICC) "
        f"{_figure(raters['icc_single'])}, of a track's mean {_figure(raters['icc_mean'])}; spread of a mark around its track "
        f"{_figure(raters['rater_sd'])}. Whoever knew the truth would still have a mean absolute error of {_figure(card['noise_floor_mae'])}.",
        "",
        "## Sides",
        "",
        f"Groups (artists{', guests' if card['guests_tie_groups'] else ''} and near-duplicates that stay together): "
        f"{card['groups']['train']} in train, {card['groups']['eval']} in eval, the largest of {card['largest_group']} tracks. "
        + (f"Largest difference: {worst['dimension']} {worst['stratum']}, {worst['points']:+.1f} points in eval." if worst["dimension"] else "No difference."),
        "",
    ]  # fmt: skip
    for dimension, by_stratum in card["strata"].items():
        lines += [f"| {dimension} | train | eval | train, % | eval, % |", "|---|---:|---:|---:|---:|"]
        lines += [
            f"| {stratum} | {of['train']} | {of['eval']} | {100 * of['train'] / counts['train']:.1f} | {100 * of['eval'] / counts['eval']:.1f} |"
            for stratum, of in by_stratum.items()
        ]
        lines.append("")
    lines += ["## On both sides", ""]
    lines += [f"- {what}: {number}" for what, number in card["overlaps"].items()]
    lines += ["", "## Not in it", "", f"{card['rated']} tracks are rated, {card['eligible']} pass the filters."]
    lines += ["", *(f"- {reason}: {number}" for reason, number in card["dropped"].items())] if card["dropped"] else []
    lines += ["", "## Files", "", *(f"- `{name}`: {what}" for name, what in FILES.items())]
    lines += ["", "Views and popularity describe the tracks; they are no input of a model that predicts the label."]
    lines += [
        "",
        "## Make it again",
        "",
        "With the same songs and ratings:",
        "",
        *(f"    {line}" for line in card["again"]),
    ]
    return "\n".join(lines) + "\n"


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
