"""Commercial potential: what is predicted where labels of it exist. Views and popularity are labels here and inputs nowhere."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MODEL_NAME = "commercial_model"
CODE_VERSION = "1"
REMEDY = "import songs with a column of views, or configure Spotify with an account that is told popularity"


@dataclass(frozen=True)
class Attention:
    """What is known of a track's success: views of its lyrics page and Spotify's popularity, 0 to 100; None where nobody said."""

    track_id: int
    views: int | None
    popularity: int | None


@dataclass(frozen=True)
class Target:
    """What is predicted: its name and unit, the label of each track that has one, the ends of its scale, and a digest of it all."""

    name: str
    unit: str
    labels: dict[int, float]
    scale: tuple[float, float]
    digest: str


@dataclass(frozen=True)
class NoTarget:
    """No model can be made; `missing` says of what there is too little and `remedy` what to do."""

    missing: str
    remedy: str


def target(known: Sequence[Attention], minimum: int) -> Target | NoTarget:
    """Log10 of views where `minimum` tracks have views, else popularity where so many have that; the two are never mixed."""
    views = {entry.track_id: float(np.log10(1 + entry.views)) for entry in known if entry.views is not None}
    if len(views) >= minimum:
        return Target("log10 of views", "log10 of views", views, (0.0, 12.0), _digest("views", views))
    popularity = {entry.track_id: float(entry.popularity) for entry in known if entry.popularity is not None}
    if len(popularity) >= minimum:
        digest = _digest("popularity", popularity)
        return Target("Spotify popularity", "points of popularity", popularity, (0.0, 100.0), digest)
    return NoTarget(
        f"of {len(known)} tracks of the dataset {len(views)} have views and {len(popularity)} a popularity; a model needs {minimum}",
        REMEDY,
    )


def lacking(labelled: Sequence[tuple[str, str]], target: Target) -> NoTarget | None:
    """Why labels can't be learned from and tested on the split of the ratings, given (split, group) of the labelled tracks; None when they can."""
    learned = {group for split, group in labelled if split == "train"}
    held_out = sum(split == "eval" for split, _ in labelled)
    if len(learned) >= 2 and held_out >= 2:
        return None
    return NoTarget(
        f"tracks with {target.name} are of {len(learned)} groups of artists to learn from, {held_out} of them are held out; a model needs two of each",
        REMEDY,
    )


def _digest(kind: str, labels: dict[int, float]) -> str:
    lines = [f"{track_id}:{label:.6f}" for track_id, label in sorted(labels.items())]
    return hashlib.sha256("\n".join([kind, *lines]).encode()).hexdigest()


def training_key(target: Target, quality_key: str) -> str:
    """What a commercial model was learned from, as one hash: labels, code, and what a quality model of the dataset would see."""
    return hashlib.sha256("|".join([CODE_VERSION, target.digest, quality_key]).encode()).hexdigest()
