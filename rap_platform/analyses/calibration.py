"""What a confidence is worth: verses whose mood is known, and how an analyst's raw number becomes a probability. No database, no LLM.

The verses (labelled_verses.txt) are ours, eight lines each, six for each of the twenty moods, each written to carry that mood without
naming it. So "right" means: the primary mood named is the one that the writer meant. There is no panel of listeners behind it, the verses
are shorter than songs, and the writer of the verses also wrote the prototypes of the rules, knowing the verses: no sentence is shared, and
the misses on half of the verses were not looked at, but the accuracy on both halves was seen when a draft of the prototypes that
paraphrased verses was thrown away. The rules' figures flatter them. The same verses are put to every analyst. A
confidence holds for texts like them: collages, as the simulated world writes, carry their mood more faintly, and there it promises too much.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rap_platform.analyses.results import MOODS, Analysis, AnalysisFailure

METHOD: Final = "platt.1"
BINS: Final = 5
LEAST_ANSWERS: Final = 40  # with fewer a probability would be made up
PENALTY: Final = 1.0  # on the slope of the standardised logit: what the raw number does not tell stays at the base rate
EDGE: Final = 0.01  # raw numbers are cut to EDGE .. 1 - EDGE, where their logit ends
SHIPPED: Final = "rules_calibration.json"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Verse:
    """A verse and the mood that it was written to carry; `number` counts the verses of a mood from 1."""

    mood: str
    number: int
    lyrics: str

    @property
    def sha256(self) -> str:
        """What its answers are stored under."""
        return sha256(self.lyrics.encode()).hexdigest()


@dataclass(frozen=True)
class Trial:
    """What an analyst said of one verse: its moods, strongest first, and its raw number; no moods where it gave no analysis."""

    verse: Verse
    moods: tuple[str, ...] = ()
    raw: float | None = None

    @property
    def is_right(self) -> bool:
        """Whether the primary mood is the verse's."""
        return bool(self.moods) and self.moods[0] == self.verse.mood


@dataclass(frozen=True)
class Calibrator:
    """Raw number to probability: logistic in its logit. Beyond `lowest` and `highest`, the raw numbers seen, the ends hold."""

    intercept: float
    slope: float
    lowest: float
    highest: float

    def confidence(self, raw: float) -> float:
        """The probability that the primary mood is right, 0 to 1."""
        x = logit(min(self.highest, max(self.lowest, raw)))
        return 1 / (1 + math.exp(-(self.intercept + self.slope * x)))


@dataclass(frozen=True)
class Bin:
    """A fifth of the verses by their confidence: its mean, and the share that was right."""

    confidence: float
    right: float
    verses: int


@dataclass(frozen=True)
class Calibration:
    """A calibrator and how far it goes, measured on verses that it was not fitted on.

    `brier` is the mean squared error of the probabilities, `base_brier` that of saying the base rate each time; `ece` the mean distance of
    confidence and truth over the bins, weighted by their verses. All of them 0 (best) to 1.
    """

    calibrator: Calibrator
    verses: int
    answered: int
    right: int
    brier: float
    base_brier: float
    ece: float
    bins: tuple[Bin, ...]

    @property
    def accuracy(self) -> float:
        """Share of the answered verses whose primary mood is right."""
        return self.right / self.answered


class TooFewAnswers(Exception):
    """Not enough verses were answered to say what a confidence is worth."""


@cache
def labelled_verses() -> tuple[Verse, ...]:
    """All verses, by mood and number. Raises ValueError for a file that is not what it should be."""
    text = resources.files("rap_platform.analyses").joinpath("labelled_verses.txt").read_text(encoding="utf-8")
    verses = []
    for part in text.removeprefix("# ").split("\n# "):
        head, _, lyrics = part.partition("\n")
        mood, _, number = head.partition(" ")
        if mood not in MOODS or not number.isdigit() or not lyrics.strip():
            raise ValueError(f"labelled_verses.txt: {head!r} is no mood and number with lines below it")
        verses.append(Verse(mood, int(number), lyrics.strip()))
    return tuple(verses)


def digest() -> str:
    """Changes with the verses and the method: a calibration of another digest is out of date."""
    return sha256("\0".join([METHOD, *(f"{v.mood} {v.sha256}" for v in labelled_verses())]).encode()).hexdigest()[:16]


def trial(verse: Verse, said: Analysis | AnalysisFailure) -> Trial:
    """What was said of a verse; a failure is a trial without moods."""
    return Trial(verse, tuple(said.moods), said.raw_confidence) if isinstance(said, Analysis) else Trial(verse)


def logit(raw: float) -> float:
    """The log-odds of a raw number, cut to where they end."""
    cut = min(1 - EDGE, max(EDGE, raw))
    return math.log(cut / (1 - cut))


def calibrate(trials: Sequence[Trial]) -> Calibration:
    """Fit a calibrator on all answered verses, and measure it on folds that it did not see (the n-th verses of all moods).

    Raises TooFewAnswers below LEAST_ANSWERS.
    """
    answered = [one for one in trials if one.moods and one.raw is not None]
    if len(answered) < LEAST_ANSWERS:
        raise TooFewAnswers(
            f"{len(answered)} of {len(trials)} labelled verses were answered; a confidence needs {LEAST_ANSWERS}"
        )
    raws = np.array([one.raw for one in answered], dtype=np.float64)
    right = np.array([one.is_right for one in answered], dtype=np.float64)
    folds = np.array([one.verse.number for one in answered])
    guessed, base = np.empty(len(raws)), np.empty(len(raws))
    for fold in np.unique(folds):
        held_out = folds == fold
        fitted = fit(raws[~held_out], right[~held_out])
        guessed[held_out] = [fitted.confidence(raw) for raw in raws[held_out]]
        base[held_out] = (right[~held_out].sum() + 1) / ((~held_out).sum() + 2)
    bins = reliability(guessed, right)
    return Calibration(
        fit(raws, right),
        verses=len(trials),
        answered=len(answered),
        right=int(right.sum()),
        brier=float(np.mean((guessed - right) ** 2)),
        base_brier=float(np.mean((base - right) ** 2)),
        ece=sum(one.verses * abs(one.confidence - one.right) for one in bins) / len(raws),
        bins=bins,
    )


def fit(raws: Floats, right: Floats) -> Calibrator:
    """Platt scaling with his smoothed targets and a penalty on the slope; a raw number that tells nothing gives the base rate.

    Platt, Probabilistic outputs for support vector machines, 1999, section 2.2. A slope below zero is taken for chance.
    """
    from sklearn.linear_model import LogisticRegression

    x = np.array([logit(raw) for raw in raws])
    mean, scale = float(x.mean()), float(x.std()) or 1.0
    wins = float(right.sum())
    targets = np.where(right > 0, (wins + 1) / (wins + 2), 1 / (len(right) - wins + 2))
    inputs = np.concatenate([x, x])[:, None]
    labels = np.repeat([1, 0], len(x))
    weights = np.concatenate([targets, 1 - targets])
    model = LogisticRegression(C=1 / PENALTY, tol=1e-8, max_iter=1000).fit((inputs - mean) / scale, labels, weights)
    slope = float(model.coef_[0, 0]) / scale
    if slope <= 0:
        rate = float(targets.mean())
        return Calibrator(math.log(rate / (1 - rate)), 0.0, float(raws.min()), float(raws.max()))
    return Calibrator(float(model.intercept_[0]) - slope * mean, slope, float(raws.min()), float(raws.max()))


def reliability(guessed: Floats, right: Floats) -> tuple[Bin, ...]:
    """Confidence beside truth in bins of as many verses each, lowest first."""
    parts = np.array_split(np.argsort(guessed, kind="stable"), BINS)
    return tuple(Bin(float(guessed[part].mean()), float(right[part].mean()), len(part)) for part in parts)


def as_json(found: Calibration) -> dict[str, Any]:
    """For a file or a report."""
    return asdict(found)


def from_json(body: dict[str, Any]) -> Calibration:
    """The other way round."""
    return Calibration(
        **{**body, "calibrator": Calibrator(**body["calibrator"]), "bins": tuple(Bin(**one) for one in body["bins"])}
    )


@cache
def shipped() -> Calibration:
    """How the rules' raw number is calibrated; made by `python -m rap_platform.analyses.benchmarks --write`."""
    return from_json(json.loads(resources.files("rap_platform").joinpath("data", SHIPPED).read_text(encoding="utf-8")))
