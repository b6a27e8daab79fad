"""What changed between two dataset versions: tracks, sides, labels, texts, strata. Pure: two lists of members in, a report out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from rap_platform.training.dataset_rows import UNKNOWN, era, label_bin
from rap_platform.training.splitting import Split

SAME_LABEL = 5e-5


@dataclass(frozen=True)
class Described:
    """A member of a version with what is shown of it."""

    track_id: int
    split: Split
    label: float
    lyrics_sha256: str
    artist: str
    title: str
    genre: str | None = None
    year: int | None = None
    language: str | None = None

    @property
    def name(self) -> str:
        """Artist and title."""
        return f"{self.artist}, {self.title}"


@dataclass(frozen=True)
class Change:
    """A track that is in both versions and not the same: what it was and what it is."""

    track_id: int
    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Diff:
    """How version `new` differs from `old`; `relabelled` has the largest changes first."""

    old: str
    new: str
    tracks: dict[str, int]
    added: list[str]
    removed: list[str]
    moved: list[Change]
    relabelled: list[Change]
    reworded: list[Change]
    contaminated: list[str]
    strata: dict[str, dict[str, dict[str, int]]]
    labels: dict[str, dict[str, float]]
    warnings: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.added or self.removed or self.moved or self.relabelled or self.reworded)

    def told(self) -> dict[str, Any]:
        """The report as JSON."""
        return {"same": self.same, **asdict(self)}


def compare(old: str, before: Sequence[Described], new: str, after: Sequence[Described]) -> Diff:
    """Compare the members `before` of version `old` with the members `after` of version `new`.

    A track counts as contaminated when it, or another track with the same lyrics, was held out in `old` and is in train of
    `new`: what was learned or chosen by looking at the old held-out errors is then in the new training set.
    """
    was, now = ({m.track_id: m for m in members} for members in (before, after))
    kept = sorted(was.keys() & now.keys())

    def changes(what: Any) -> list[Change]:
        pairs = [(was[t], now[t]) for t in kept]
        return [Change(a.track_id, b.name, what(a), what(b)) for a, b in pairs if _differ(what(a), what(b))]

    relabelled = sorted(changes(lambda m: m.label), key=lambda c: (-abs(c.after - c.before), c.track_id))
    held_out = {m.track_id for m in before if m.split == "eval"}, {m.lyrics_sha256 for m in before if m.split == "eval"}
    contaminated = [
        m.name for m in after if m.split == "train" and (m.track_id in held_out[0] or m.lyrics_sha256 in held_out[1])
    ]
    warnings = []
    if contaminated:
        warnings.append(
            f"{len(contaminated)} of {len(held_out[0])} tracks that were held out in {old} are in train of {new}: "
            "a model that is learned from the new version must not be judged on the old held-out tracks"
        )
    return Diff(
        old=old,
        new=new,
        tracks={"before": len(was), "after": len(now), "in_both": len(kept)},
        added=[now[t].name for t in sorted(now.keys() - was.keys())],
        removed=[was[t].name for t in sorted(was.keys() - now.keys())],
        moved=changes(lambda m: m.split),
        relabelled=relabelled,
        reworded=changes(lambda m: m.lyrics_sha256),
        contaminated=contaminated,
        strata=_strata(before, after),
        labels=_labels(was, now, kept),
        warnings=warnings,
    )


def _differ(one: Any, other: Any) -> bool:
    return abs(one - other) > SAME_LABEL if isinstance(one, float) else bool(one != other)


def _strata(before: Sequence[Described], after: Sequence[Described]) -> dict[str, dict[str, dict[str, int]]]:
    """Tracks by dimension and stratum, before and after, with the side that they stand on."""
    values = {
        "split": lambda m: m.split,
        "genre": lambda m: m.genre or UNKNOWN,
        "era": lambda m: era(m.year),
        "label": lambda m: label_bin(m.label),
        "language": lambda m: m.language or UNKNOWN,
    }
    found: dict[str, dict[str, dict[str, int]]] = {}
    for name, value in values.items():
        was, now = Counter(map(value, before)), Counter(map(value, after))
        found[name] = {stratum: {"before": was[stratum], "after": now[stratum]} for stratum in sorted(was | now)}
    return found


def _labels(
    was: Mapping[int, Described], now: Mapping[int, Described], kept: Sequence[int]
) -> dict[str, dict[str, float]]:
    """Mean and spread of the labels of each version, and how far those of the common tracks moved."""
    shown = {}
    for name, members in (("before", was), ("after", now)):
        values = np.array([m.label for m in members.values()])
        shown[name] = {"mean": float(values.mean()), "sd": float(values.std(ddof=1))} if len(values) > 1 else {}
    moved = np.array([now[t].label - was[t].label for t in kept])
    shown["in_both"] = (
        {"mean_change": float(moved.mean()), "largest_change": float(np.abs(moved).max())} if kept else {}
    )
    return shown
