"""Songs of the world as the model sees them: what the ear hears, who made them, how the panel rates them; no database."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from rap_platform.features.analysis import analyse
from rap_platform.training import labels
from rap_platform.training.features import EAR
from rap_platform.training.labels import Rating, Reliability
from rap_platform.world import songwriter, truth

SEED, ARTISTS, SONGS = 2026, 60, 4


@dataclass(frozen=True)
class Heard:
    """240 songs by 60 artists: `x` (240, 34), the artist of each row, labels and how reliable these are."""

    x: pd.DataFrame
    artists: np.ndarray
    labels: np.ndarray
    reliability: Reliability


@cache
def heard() -> Heard:
    """The same songs for every test of a session; five seconds."""
    places = [(artist, song) for artist in range(ARTISTS) for song in range(SONGS)]
    rows, marks = [], []
    for number, place in enumerate(places):
        found = analyse(songwriter.write(SEED, *place).lyrics, "en")
        rows.append([np.nan if (value := getattr(found, name)) is None else float(value) for name in EAR])
        marks += [Rating(number, mark.rater, float(mark.rating)) for mark in truth.ratings(SEED, *place)]
    fitted = labels.fit(marks)
    return Heard(
        pd.DataFrame(rows, columns=list(EAR)),
        np.array([artist for artist, _ in places]),
        np.array([fitted.labels[number] for number in range(len(places))]),
        fitted.reliability,
    )
