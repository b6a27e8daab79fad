"""Groups of songs by what their lyrics mean: how many, which song stands for each, and names from their own words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rap_platform.trends.telling import STABLE
from rap_platform.trends.words import words_of

Vectors = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
COUNTS = (4, 6, 8, 10, 12, 16, 20, 24)  # of clusters, to choose among
SONGS_PER_CLUSTER = 15
AXES = 32  # of the space that clusters are made in
JUDGED = 1500  # songs for the silhouette
NAMING_WORDS = 4
MEDOIDS = 3
MOST_COMMON = 0.2  # a word in more of the songs names nothing


@dataclass(frozen=True)
class Tried:
    """A number of clusters with how well it parts the songs (silhouette, -1 to 1) and how alike two halves part them (adjusted Rand index)."""

    count: int
    silhouette: float
    stability: float


@dataclass(frozen=True)
class Clustering:
    """Centres (k, AXES) in the space of `axes` (AXES, d) around `middle` (d,), and what else was tried."""

    middle: npt.NDArray[np.float64]
    axes: npt.NDArray[np.float64]
    centres: npt.NDArray[np.float64]
    tried: tuple[Tried, ...]
    explained: float  # share of the variance on the two axes of the picture

    def places(self, vectors: Vectors) -> npt.NDArray[np.float64]:
        """Where songs lie (n, AXES); the first two axes are the picture's."""
        return np.asarray((vectors - self.middle) @ self.axes.T)

    def assign(self, vectors: Vectors) -> tuple[Labels, npt.NDArray[np.float64]]:
        """The cluster of each song (n,), and its distance from the centre (n,)."""
        places = self.places(vectors)
        distance = ((places**2).sum(axis=1)[:, None] - 2 * places @ self.centres.T) + (self.centres**2).sum(axis=1)
        nearest = distance.argmin(axis=1)
        return nearest, np.sqrt(np.maximum(0.0, distance[np.arange(len(nearest)), nearest]))


def cluster(vectors: Vectors, seed: int) -> Clustering | None:
    """Clusters of a sample of unit vectors (n, d); None for fewer songs than twice the smallest number of clusters needs.

    Mini-batch k-means (Sculley 2010) on the first AXES principal axes. The number of clusters has the greatest silhouette (Rousseeuw 1987)
    among those that two halves of the songs agree on (adjusted Rand index of STABLE or more), else it is the one they agree on most.
    """
    possible = [count for count in COUNTS if len(vectors) >= count * SONGS_PER_CLUSTER]
    if len(possible) < 2:
        return None
    middle = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - middle
    values, directions = np.linalg.eigh(centred.T @ centred)
    axes = np.asarray(directions[:, ::-1][:, :AXES].T, dtype=np.float64)
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    places = centred @ axes.T
    tried = tuple(_judge(places, count, seed) for count in possible)
    stable = [one for one in tried if one.stability >= STABLE]
    best = max(stable, key=lambda one: one.silhouette) if stable else max(tried, key=lambda one: one.stability)
    explained = float(values[::-1][:2].sum() / values.sum())
    return Clustering(middle, axes, _fit(places, best.count, seed), tried, explained)


def _fit(places: npt.NDArray[np.float64], count: int, seed: int) -> npt.NDArray[np.float64]:
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # on a busy machine its threads wait for one another, ten times as long
        model = MiniBatchKMeans(count, random_state=seed, n_init=3, batch_size=2048).fit(places)
    return np.asarray(model.cluster_centers_, dtype=np.float64)


def _judge(places: npt.NDArray[np.float64], count: int, seed: int) -> Tried:
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    chance = np.random.default_rng([seed, count])
    order = chance.permutation(len(places))
    judged = places[order[:JUDGED]]
    labels = _nearest(judged, _fit(places, count, seed))
    halves = [_nearest(judged, _fit(places[half], count, seed)) for half in np.array_split(order, 2)]
    parted = len(set(labels.tolist())) > 1
    return Tried(
        count, float(silhouette_score(judged, labels)) if parted else -1.0, float(adjusted_rand_score(*halves))
    )


def _nearest(places: npt.NDArray[np.float64], centres: npt.NDArray[np.float64]) -> Labels:
    return np.asarray(((centres**2).sum(axis=1) - 2 * places @ centres.T).argmin(axis=1))


class Naming:
    """Counts which words the songs of each cluster hold, a song at a time; texts are not kept."""

    def __init__(self, clusters: int, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._number = {word: k for k, word in enumerate(words)}
        self.holding = np.zeros((clusters, len(words)), np.int64)
        self.songs = np.zeros(clusters, np.int64)

    def add(self, cluster: int, lyrics: str) -> None:
        """Count a song."""
        self.songs[cluster] += 1
        self.holding[cluster, [self._number[word] for word in words_of(lyrics) if word in self._number]] += 1

    def names(self) -> list[tuple[str, ...]]:
        """The NAMING_WORDS words that say most of each cluster.

        Class-based TF-IDF over songs that hold a word: tf(c, w) * log(1 + A / f(w)), A the mean number of words per cluster, f how often a
        word occurs in all of them (Grootendorst 2022, BERTopic). Words of more than MOST_COMMON of the songs name nothing.
        """
        total = self.holding.sum(axis=0)
        useful = total <= MOST_COMMON * max(1, int(self.songs.sum()))
        tf = self.holding / np.maximum(1, self.holding.sum(axis=1, keepdims=True))
        average = self.holding.sum() / max(1, len(self.songs))
        score = np.where(useful, tf * np.log1p(average / np.maximum(1, total)), 0.0)
        # what a cluster says no more than all do is not its own
        overall = total / max(1, int(total.sum()))
        score *= tf > overall
        order = np.argsort(-score, axis=1, kind="stable")[:, :NAMING_WORDS]
        return [tuple(self.words[k] for k in row if score[c, k] > 0) for c, row in enumerate(order)]


class Medoids:
    """Keeps the songs nearest to each centre while songs stream by."""

    def __init__(self, clusters: int) -> None:
        self._nearest: list[list[tuple[float, int]]] = [[] for _ in range(clusters)]

    def add(self, track_ids: Iterable[int], labels: Labels, distances: npt.NDArray[np.float64]) -> None:
        """Look at some songs."""
        for track_id, label, distance in zip(track_ids, labels, distances, strict=True):
            kept = self._nearest[int(label)]
            if len(kept) < MEDOIDS or distance < kept[-1][0]:
                kept.append((float(distance), track_id))
                kept.sort()
                del kept[MEDOIDS:]

    def track_ids(self) -> list[list[int]]:
        """By cluster, nearest first."""
        return [[track_id for _, track_id in kept] for kept in self._nearest]
