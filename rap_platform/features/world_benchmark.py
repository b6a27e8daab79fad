"""Whether the world's songs sound like rap, and whether the ear hears how well they are made. Only this bench sees the hidden truth."""

import numpy as np
from scipy.stats import spearmanr

from rap_platform.benchmarks import Bench
from rap_platform.features.analysis import LyricFeatures, analyse
from rap_platform.features.usual import USUAL
from rap_platform.orchestration.progress import track
from rap_platform.settings import Settings
from rap_platform.world import songwriter, truth
from rap_platform.world.corpus import Corpus

PUBLISHED = {name: USUAL[name] for name in ("syllables_per_line", "syllables_per_word", "rhyme_density")}
CRAFT = ("rhyme_density", "rhyme_factor")


def world(settings: Settings) -> Bench:
    """Every song of the world of the settings: where its figures lie beside the published ones, and their rank correlation with craft.

    Percentiles are over songs. The ratio is the share of songs that lie within the published 5th to 95th percentiles in all three figures
    over the share that three independent figures of real songs would have there (0.9 cubed).
    """
    craft, heard = _craft_and_figures(settings)
    figures: dict[str, float] = {"songs": float(len(heard))}
    reference: dict[str, float] = {}
    inside = np.ones(len(heard), np.bool_)
    for name, usual in PUBLISHED.items():
        values = _values(heard, name)
        inside &= (values >= usual.low) & (values <= usual.high)
        figures |= {f"{name}_p{q}": float(np.nanpercentile(values, q)) for q in (5, 50, 95)}
        reference |= {f"{name}_p5": usual.low, f"{name}_p95": usual.high}
    figures |= _correlations(craft, heard) | {"share_inside_all_three": float(inside.mean())}
    return Bench("world", figures, reference, float(inside.mean()) / 0.9**3)


def craft_correlations(settings: Settings) -> dict[str, float]:
    """Spearman's rank correlation over single songs of the world between craft, which the ear never sees, and the two rhyme densities."""
    return _correlations(*_craft_and_figures(settings))


def _correlations(craft: list[float], heard: list[LyricFeatures]) -> dict[str, float]:
    return {
        f"spearman_of_craft_and_{name}": float(spearmanr(craft, _values(heard, name), nan_policy="omit")[0])
        for name in CRAFT
    }


def _craft_and_figures(settings: Settings) -> tuple[list[float], list[LyricFeatures]]:
    corpus = Corpus(settings.world_seed, settings.world_artists, settings.world_songs)
    songs = [(artist, song) for artist, amount in enumerate(corpus.counts) for song in range(amount)]
    craft, heard = [], []
    for artist, song in track(songs, len(songs), "songs of the world"):
        craft.append(truth.song(settings.world_seed, artist, song).craft)
        heard.append(analyse(songwriter.write(settings.world_seed, artist, song).lyrics))
    return craft, heard


def _values(heard: list[LyricFeatures], name: str) -> np.ndarray:
    return np.array([getattr(figures, name) for figures in heard], dtype=float)
