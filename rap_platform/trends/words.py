"""Which words songs take up and which they drop: songs that hold a word, by year, in one pass that keeps no text."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from rap_platform.trends.panel import MINIMUM_ARTISTS, MINIMUM_SONGS, Array, Panel
from rap_platform.trends.series import FALSE_DISCOVERY_RATE, clustered, enough_for_slopes

MOST_WORDS = 4000
LEAST_SHARE = 0.002  # of the songs of the sample
LEAST_SONGS = 5
CLUSTERS = 64  # artists by their number modulo this
RECENT = 5  # years
PRIOR = 500.0  # words that the prior weighs
SHOWN = 25
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*'?")
_HEADER = re.compile(r"^\[.*\]$", re.MULTILINE)

Row = tuple[int, int, str]  # artist, year, lyrics


@dataclass(frozen=True)
class Counted:
    """Songs by cluster of artists and year, (C, T), and those among them that hold each word, (C, T, K)."""

    words: tuple[str, ...]
    years: npt.NDArray[np.int64]
    songs: npt.NDArray[np.int32]
    holding: npt.NDArray[np.int32]


@dataclass(frozen=True)
class WordTrend:
    """A word that comes or goes.

    `before` and `recent` are shares of the songs that hold it, before the last RECENT years and in them; `z` is of the log-odds between the
    two under an informative Dirichlet prior; `per_decade` the slope of the share with its 95 % interval, clustered by artist, and `p`
    its p value; `first_year` the first year in which a song holds it.
    """

    word: str
    songs: int
    before: float
    recent: float
    z: float
    per_decade: float
    low: float
    high: float
    p: float
    clear: bool
    first_year: int


def words_of(lyrics: str) -> set[str]:
    """The distinct words of a song in lower case without its headers; -in' reads as -ing."""
    text = _HEADER.sub("", lyrics).lower().replace("’", "'")
    return {f"{word[:-1]}g" if word.endswith("in'") else word.rstrip("'") for word in _WORD.findall(text)}


def vocabulary(texts: Iterable[str]) -> list[str]:
    """The words worth counting, commonest first: said in LEAST_SHARE of the texts and in LEAST_SONGS, MOST_WORDS at most."""
    counts: Counter[str] = Counter()
    total = 0
    for text in texts:
        counts.update(words_of(text))
        total += 1
    least = max(LEAST_SONGS, LEAST_SHARE * total)
    return [
        word
        for word, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        if count >= least and len(word) > 1
    ][:MOST_WORDS]


def count(songs: Iterable[Row], words: Sequence[str], years: tuple[int, int]) -> Counted:
    """Count the songs that hold each word; `years` are the first and the last there can be. Memory does not grow with the songs."""
    number = {word: k for k, word in enumerate(words)}
    span = years[1] - years[0] + 1
    there = np.zeros((CLUSTERS, span), np.int32)
    holding = np.zeros((CLUSTERS, span, len(words)), np.int32)
    for artist, year, lyrics in songs:
        cluster, t = artist % CLUSTERS, year - years[0]
        there[cluster, t] += 1
        holding[cluster, t, [number[word] for word in words_of(lyrics) if word in number]] += 1
    return Counted(tuple(words), np.arange(years[0], years[1] + 1), there, holding)


def trends(counted: Counted) -> list[WordTrend]:
    """Every counted word, greatest z first; none where a slope would mean nothing.

    z: log-odds with an informative Dirichlet prior, the words of all songs (Monroe, Colaresi and Quinn 2008), over songs that hold a word.
    Slopes: least squares with errors clustered by artist; `clear` holds the false discovery rate over all words at 5 %.
    """
    whole = next(_panels(counted), None)
    if whole is None or not enough_for_slopes(whole):
        return []
    parts = [clustered(panel) for panel in _panels(counted)]
    slope, error = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    freedom = parts[0][2] - 1
    t = np.divide(slope, error, out=np.zeros_like(slope), where=error > 0)
    p = 2 * stats.t.sf(np.abs(t), freedom)
    clear = stats.false_discovery_control(p) <= FALSE_DISCOVERY_RATE
    half = stats.t.ppf(0.975, freedom) * error
    by_year = counted.holding.sum(axis=0)
    songs = counted.songs.sum(axis=0)
    recent = counted.years > counted.years[songs >= MINIMUM_SONGS][-1] - RECENT
    z = log_odds(by_year[recent].sum(axis=0), by_year[~recent].sum(axis=0))
    first = counted.years[(by_year > 0).argmax(axis=0)]
    found = [
        WordTrend(
            word=word,
            songs=int(by_year[:, k].sum()),
            before=float(by_year[~recent, k].sum() / max(1, songs[~recent].sum())),
            recent=float(by_year[recent, k].sum() / max(1, songs[recent].sum())),
            z=float(z[k]),
            per_decade=float(10 * slope[k]),
            low=float(10 * (slope[k] - half[k])),
            high=float(10 * (slope[k] + half[k])),
            p=float(p[k]),
            clear=bool(clear[k]),
            first_year=int(first[k]),
        )
        for k, word in enumerate(counted.words)
    ]
    return sorted(found, key=lambda one: (-one.z, one.word))


def log_odds(here: npt.NDArray[np.integer], there: npt.NDArray[np.integer]) -> Array:
    """z (K,) of each word's log-odds in one corpus against another. Source: Monroe, Colaresi and Quinn 2008, equations 15 to 22."""
    prior = PRIOR * (here + there) / max(1, int((here + there).sum())) + 1e-9
    total = float(prior.sum())
    odds = [np.log((y + prior) / np.maximum(y.sum() + total - y - prior, 1e-9)) for y in (here, there)]
    return np.asarray((odds[0] - odds[1]) / np.sqrt(1 / (here + prior) + 1 / (there + prior)))


def rising(found: Sequence[WordTrend]) -> list[WordTrend]:
    """Words whose share of songs clearly grows and is higher of late, greatest z first."""
    return [one for one in found if one.clear and one.per_decade > 0 and one.z > 0][:SHOWN]


def falling(found: Sequence[WordTrend]) -> list[WordTrend]:
    """Words whose share of songs clearly shrinks and is lower of late, least z first."""
    return [one for one in reversed(found) if one.clear and one.per_decade < 0 and one.z < 0][:SHOWN]


def new(counted: Counted, found: Sequence[WordTrend]) -> list[WordTrend]:
    """Words that came into use: no song before `first_year` holds one, which at the share of its first RECENT years would be chance
    in one of twenty such lists (Poisson, corrected for the number of words); said by several artists; commonest first."""
    songs = counted.songs.sum(axis=0)
    expected = math.log(max(1, len(counted.words)) / FALSE_DISCOVERY_RATE)
    chosen = []
    for one in found:
        k = counted.words.index(one.word)
        before = counted.years < one.first_year
        since = ~before & (counted.years < one.first_year + RECENT)
        share = int(counted.holding[:, since, k].sum()) / max(1, int(songs[since].sum()))
        artists = int((counted.holding[:, :, k].sum(axis=1) > 0).sum())
        if share * int(songs[before].sum()) >= expected and artists >= MINIMUM_ARTISTS:
            chosen.append((share, one))
    return [one for _, one in sorted(chosen, key=lambda pair: (-pair[0], pair[1].word))][:SHOWN]


def _panels(counted: Counted, at_once: int = 500) -> Iterator[Panel]:
    """The counts as panels of some words each, so that they are never all in memory as floating-point numbers."""
    songs = counted.songs.astype(np.float64)
    artists = (songs > 0).sum(axis=0).astype(np.int64)
    for start in range(0, len(counted.words), at_once):
        sums = counted.holding[:, :, start : start + at_once].astype(np.float64)
        names = counted.words[start : start + at_once]
        yield Panel("share", names, counted.years, songs, sums, sums.sum(axis=0), artists)
