"""Whether the quality model learns what can be learned, on many worlds, where the truth is known. Only benches see the hidden truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from rap_platform.benchmarks import Bench
from rap_platform.evaluation import report
from rap_platform.evaluation.contestants import Inputs, contestants
from rap_platform.evaluation.predictors import MODEL, Model, Opinion, Predictions, Tracks
from rap_platform.evaluation.world_songs import Song, songs
from rap_platform.orchestration.progress import track
from rap_platform.settings import Settings
from rap_platform.training import dataset, quality
from rap_platform.training.features import EAR, frame
from rap_platform.training.labels import Rating
from rap_platform.world import truth
from rap_platform.world.corpus import Corpus

SEEDS = (2026, 7, 99, 4242, 1, 11, 123, 2024, 31337, 5150)
SHUFFLED = 3
TRACKS = 1200
SONGS_PER_ARTIST = 4.8
MOST_RATIO = 1.5

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """One world: the report, the hidden truth's own error on the held-out tracks, and how the model's intervals did."""

    seed: int
    body: dict[str, Any]
    floor: float
    coverage: float
    width: float
    truth_r2: float
    icc_single: float | None

    def mae(self, name: str) -> float:
        """Mean absolute error of a predictor."""
        return float(self.body["predictors"][name]["mae"]["value"])

    def row(self) -> dict[str, object]:
        """The world as a line of the table."""
        best, gap = self.body["best_baseline"], self.body["predictors"][MODEL]["vs_best_baseline"]
        return {
            "seed": self.seed,
            "tracks": f"{self.body['train_tracks']} + {self.body['eval_tracks']}",
            "MAE": round(self.mae(MODEL), 3),
            "floor": round(self.floor, 3),
            "of floor": round(self.mae(MODEL) / self.floor, 3),
            "best baseline": f"{best} {self.mae(best):.3f}",
            "difference": f"{gap['value']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f})",
            "of rules": round(self.mae(MODEL) / self.mae("rule_based"), 3),
            "of random": round(self.mae(MODEL) / self.mae("random"), 3),
            "coverage": round(self.coverage, 3),
            "width": round(self.width, 2),
            "R² of truth": round(self.truth_r2, 3),
            "ICC": None if self.icc_single is None else round(self.icc_single, 3),
        }


def bench_quality(settings: Settings, *, seeds: int = len(SEEDS), tracks: int = TRACKS) -> Bench:
    """On each of `seeds` worlds of `tracks` songs: the model, every baseline and the hidden truth against the same panel's labels.

    Songs go through the real ear, encoder, rules, dataset, training and report; near-duplicates are known from the truth. The first
    worlds are learned again with the marks shuffled among the songs: a model of nothing must not be promoted. The ratio is the mean over
    worlds of the model's error over the truth's.
    """
    outcomes, shuffled = [], []
    for number, seed in enumerate(track(_seeds(seeds), seeds, "worlds")):
        known = songs(settings, seed, tracks=tracks, artists=max(2, round(tracks / SONGS_PER_ARTIST)))
        outcomes.append(outcome(known, seed, settings))
        if number < SHUFFLED:
            shuffled.append(outcome(known, seed, settings, shuffle=True))
    ratio = float(np.mean([found.mae(MODEL) / found.floor for found in outcomes]))
    return Bench("quality", _figures(outcomes), {"of_floor_worst": MOST_RATIO, "coverage": quality.LEVEL}, ratio,
                 (*(found.row() for found in outcomes), _means(outcomes)), _note(shuffled))  # fmt: skip


def _seeds(count: int) -> list[int]:
    return [*SEEDS[:count], *range(10_001, 10_001 + max(0, count - len(SEEDS)))]


def outcome(known: Sequence[Song], seed: int, settings: Settings, *, shuffle: bool = False) -> Outcome:
    """Plan, learn, compete and judge on one world; with `shuffle` every song gets the marks of another.

    Raises ValueError when the songs make no dataset.
    """
    hidden = {number: truth.song(seed, song.artist, song.song).quality for number, song in enumerate(known)}
    marks = {number: _marks(number, seed, song) for number, song in enumerate(known)}
    if shuffle:
        marks = _exchanged(marks, seed)
    plan = dataset.plan(_rows(known, seed), marks, settings.dataset, "simulated")
    if isinstance(plan, dataset.TooFew):
        raise ValueError(f"world {seed} makes no dataset: {plan.missing}; raise --tracks")  # noqa: TRY004 -- a result, not a type
    train, test = (_side(plan, side, known) for side in ("train", "eval"))
    said = {"rule_based": {number: Opinion(song.quality, None) for number, song in enumerate(known) if song.quality}}
    learned = Model(MODEL, "", seed=settings.dataset.seed).fit(train)
    entered = contestants(Inputs(train, test, settings.dataset.seed, said, learned.model, "of this bench"))
    body = judged(entered, test, settings, plan.card, len(train), plan.version)
    return _measured(seed, body, entered, test, np.array([hidden[number] for number in test.track_ids]), plan.card)


def judged(
    entered: Sequence[Predictions],
    test: Tracks,
    settings: Settings,
    card: Mapping[str, Any],
    learned: int,
    version: str,
) -> dict[str, Any]:
    """The platform's own report on these contestants."""
    header = {"dataset": version, "simulated": True, "train_tracks": learned, "model_version": "bench"}
    return report.build(
        entered,
        test,
        resamples=settings.evaluation.bootstrap,
        seed=settings.dataset.seed,
        best_possible=report.ceiling(card),
        header=header,
    )


def _measured(
    seed: int,
    body: dict[str, Any],
    entered: Sequence[Predictions],
    test: Tracks,
    hidden: Array,
    card: Mapping[str, Any],
) -> Outcome:
    (ours,) = [predictions for predictions in entered if predictions.name == MODEL]
    if ours.low is None or ours.high is None:
        raise ValueError("the model gave no intervals")
    return Outcome(
        seed,
        body,
        floor=float(np.mean(np.abs(hidden - test.labels))),
        coverage=float(np.mean((ours.low <= test.labels) & (test.labels <= ours.high))),
        width=float(np.mean(ours.high - ours.low)),
        truth_r2=1 - float(np.mean((ours.values - hidden) ** 2) / np.var(hidden)),
        icc_single=card["raters"]["icc_single"],
    )


def _marks(number: int, seed: int, song: Song) -> list[Rating]:
    return [Rating(number, given.rater, given.rating) for given in truth.ratings(seed, song.artist, song.song)]


def _exchanged(marks: Mapping[int, Sequence[Rating]], seed: int) -> dict[int, list[Rating]]:
    owners = list(marks)
    Random(seed).shuffle(owners)  # noqa: S311
    return {new: [replace(mark, track_id=new) for mark in marks[old]] for new, old in zip(marks, owners, strict=True)}


def _rows(known: Sequence[Song], seed: int) -> list[dataset.Row]:
    """The songs as the database would list them; of a remix, live take or re-upload the song it is a version of is the original."""
    corpus = Corpus(seed, 1 + max(song.artist for song in known), len(known))
    numbers = {(song.artist, song.song): number for number, song in enumerate(known)}
    rows = []
    for number, song in enumerate(known):
        told = truth.song(seed, song.artist, song.song)
        original = song.song if told.version_of is None else told.version_of
        rows.append(
            dataset.Row(
                track_id=number,
                source="genius",
                source_id=str(corpus.song_id(song.artist, song.song)),
                artist_id=song.artist,
                artist=corpus.name(song.artist),
                title=corpus.title(song.artist, song.song),
                guests=() if told.guest is None else (truth.artist(seed, told.guest).name,),
                lyrics_sha256=song.sha256,
                characters=len(song.lyrics),
                family=numbers[song.artist, original],
                simulated=True,
                confidence=song.raw_confidence,
                features=song.status,
            )
        )
    return rows


def _side(plan: dataset.Plan, side: str, known: Sequence[Song]) -> Tracks:
    members = [member for member in plan.members if member.split == side]
    chosen = {member.track_id: known[member.track_id] for member in members}
    ears = {number: [song.figures[name] for name in EAR] for number, song in chosen.items()}
    return Tracks(
        tuple(chosen),
        np.array([member.label for member in members]),
        tuple(member.group_key for member in members),
        np.array([song.figures["words"] for song in chosen.values()], dtype=float),
        tuple(song.lyrics for song in chosen.values()),
        frame(list(chosen), ears, {number: song.vector for number, song in chosen.items()}),
    )


def _figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    ratios = [found.mae(MODEL) / found.floor for found in outcomes]
    gaps = [found.body["predictors"][MODEL]["vs_best_baseline"]["high"] for found in outcomes]
    coverages = [found.coverage for found in outcomes]
    return {
        "worlds": float(len(outcomes)),
        "of_floor_mean": float(np.mean(ratios)),
        "of_floor_worst": max(ratios),
        "worst_upper_end_of_difference": max(gaps),
        "coverage": float(np.mean(coverages)),
        "coverage_least": min(coverages),
        "coverage_most": max(coverages),
    }


def _means(outcomes: Sequence[Outcome]) -> dict[str, object]:
    rows = [found.row() for found in outcomes]
    means: dict[str, object] = {}
    for name in rows[0]:
        numbers = [value for row in rows if isinstance(value := row[name], float)]
        means[name] = round(float(np.mean(numbers)), 3) if len(numbers) == len(rows) else ""
    return means | {"seed": "mean"}


def _note(shuffled: Sequence[Outcome]) -> str:
    lines = ["Marks shuffled among the songs:"]
    for found in shuffled:
        gap = found.body["predictors"][MODEL]["vs_best_baseline"]
        verdict = "PROMOTED" if found.body["verdict"]["promote"] else "not promoted"
        lines.append(
            f"- world {found.seed}: MAE {found.mae(MODEL):.3f}, median {found.mae('median'):.3f}, difference to {found.body['best_baseline']} "
            f"{gap['value']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f}), {verdict}"
        )
    return "\n".join(lines)
