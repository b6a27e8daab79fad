"""How near the champion of the running platform comes to the hidden truth of the world that it learned from."""

import numpy as np

from rap_platform.benchmarks import Bench
from rap_platform.evaluation import queries
from rap_platform.evaluation.predictors import MODEL
from rap_platform.resources.postgres import connect
from rap_platform.settings import Settings
from rap_platform.world import truth
from rap_platform.world.corpus import Corpus


def floor(settings: Settings) -> Bench:
    """For the newest evaluation's held-out tracks: the hidden truth's error against their labels, and the model's over it.

    The reference of `mae` is the truth's error, that of `floor` what the report estimates from the marks alone. The ratio is the model's error over the
    truth's. Raises ValueError when nothing simulated was evaluated, or when the tracks are not of the world of the settings.
    """
    with connect(settings.require_database_url()) as conn:
        latest = queries.latest_evaluation(conn)
        if latest is None or not latest["simulated"]:
            raise ValueError(
                "the newest evaluation is not of a simulated world: `rap-platform run` with RAP_WORLD=on makes one"
            )
        rows = queries.held_out(conn, latest["evaluation_id"], MODEL)
    if not rows:
        raise ValueError(f"evaluation {latest['evaluation_id']} has no predictions of {MODEL}: is MLflow running?")
    corpus = Corpus(settings.world_seed, settings.world_artists, settings.world_songs)
    hidden = np.array([_quality(corpus, source_id, title) for source_id, title, _, _ in rows])
    labels, predicted = (np.array([row[place] for row in rows], dtype=float) for place in (2, 3))
    ours, of_truth = float(np.mean(np.abs(predicted - labels))), float(np.mean(np.abs(hidden - labels)))
    estimated = latest["report"]["noise_floor"]["mae"]
    figures = {
        "tracks": float(len(rows)),
        "mae": ours,
        "floor": of_truth,
        "r2_of_truth": 1 - float(np.mean((predicted - hidden) ** 2) / np.var(hidden)),
    }
    reference = {"mae": of_truth} | ({} if estimated is None else {"floor": float(estimated)})
    return Bench("floor", figures, reference, ours / of_truth)


def _quality(corpus: Corpus, source_id: str, title: str) -> float:
    found = corpus.find_song(int(source_id)) if source_id.isdecimal() else None
    if found is None or corpus.title(*found) != title:
        raise ValueError(
            f"{title!r} is no song of world {corpus.seed}: set RAP_WORLD_SEED, RAP_WORLD_SONGS and RAP_WORLD_ARTISTS to the world that was ingested"
        )
    return truth.song(corpus.seed, *found).quality
