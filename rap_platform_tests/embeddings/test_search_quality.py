"""The measurement of search quality: its measures, the fitting of weights, reading by line, and a small run of the whole bench."""

import json
from pathlib import Path

import numpy as np
import psycopg
import pytest

from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.search.finding import candidates, search
from rap_platform.embeddings.search.fusion import Weights, certainty, fuse
from rap_platform.embeddings.search.question import Found, Question, Side
from rap_platform.embeddings.search_quality import fitting
from rap_platform.embeddings.search_quality.benchmark import search_quality
from rap_platform.embeddings.search_quality.fitting import Looked, fit
from rap_platform.embeddings.search_quality.measuring import interval, recall, reciprocal_rank, score
from rap_platform.embeddings.search_quality.query_set import KINDS, Kind, Query
from rap_platform.settings import Settings
from rap_platform_tests.embeddings.conftest import AddTrack

OPEN = Weights(meaning=1.0, words=1.0, sound=4.0, constant=10.0, exponent=1.0, margin=0.1, steepness=4.0)


def found(track_id: int, coverage: float) -> Found:
    return Found(100 + track_id, track_id, track_id, coverage, coverage)


def test_the_reciprocal_rank_is_that_of_the_first_right_song_of_ten() -> None:
    assert reciprocal_rank([5, 7, 9], {7, 9}) == 0.5
    assert reciprocal_rank([5], {7}) == 0.0
    assert reciprocal_rank([*range(10), 77], {77}) == 0.0


def test_recall_is_over_what_ten_places_can_hold() -> None:
    assert recall([1, 2, 3], {2, 3, 4, 5}) == 0.5
    assert recall(list(range(10)), set(range(5, 200))) == 0.5
    assert recall([1, 1, 1], {1}) == 1.0


def test_scores_are_means_over_queries() -> None:
    scores = score([[1, 2], [3, 4]], [{2}, {9}])
    assert (scores.mrr, scores.recall_at_10) == (0.25, 0.5)
    assert scores.at([0]).mrr == 0.5


def test_an_interval_holds_the_difference_and_widens_with_its_spread() -> None:
    rng = np.random.default_rng(1)
    steady = np.full(200, 0.1)
    noisy = steady + rng.normal(0, 0.5, 200)
    zero = np.zeros(200)
    assert interval(steady, zero) == (pytest.approx(0.1), pytest.approx(0.1))
    low, high = interval(noisy, zero)
    assert low < float(noisy.mean()) < high
    assert 0.1 < high - low < 0.2


def test_a_line_that_stands_out_is_certain_and_what_many_hold_a_little_is_not() -> None:
    line = [found(1, 0.9), *(found(number, 0.3) for number in range(2, 14))]
    theme = [found(number, 0.35 - number / 1000) for number in range(1, 14)]
    hook = [found(number, 1.0) for number in range(1, 60)]
    assert certainty("sound", line, OPEN) > 0.99
    assert certainty("sound", theme, OPEN) < 0.01
    assert certainty("sound", hook, OPEN) > 0.98
    assert certainty("words", [found(1, 0.5)], OPEN) > 0.99
    assert certainty("meaning", theme, OPEN) == 1.0


def test_without_a_margin_every_side_is_certain() -> None:
    assert certainty("sound", [found(1, 0.1), found(2, 0.1)], Weights(1.0, 1.0, 1.0, 60.0, 1.0)) == 1.0


def looked(kind: Kind, text: str, right: int, sides: dict[Side, list[Found]]) -> Looked:
    return Looked(Query(text, kind, "world", "fit", frozenset({right}), text), sides)


def test_fitting_trusts_the_side_that_is_right_and_fused_it_is_no_worse_than_any() -> None:
    """Lines that sound alone finds, and themes that meaning alone finds: only the certainty of sound tells them apart."""
    library = [
        looked(
            "exact",
            f"line {number}",
            50,
            {
                "meaning": [found(track, 1.0) for track in range(1, 30)],
                "words": [],
                "sound": [found(50, 0.8), *(found(track, 0.3) for track in range(30, 1, -1))],
            },
        )
        for number in range(20)
    ] + [
        looked(
            "paraphrase",
            f"theme {number}",
            1,
            {
                "meaning": [found(track, 1.0) for track in range(1, 30)],
                "words": [],
                "sound": [found(track, 0.3) for track in range(30, 1, -1)],
            },
        )
        for number in range(20)
    ]
    poor = Weights(meaning=1.0, words=1.0, sound=0.1, constant=60.0, exponent=1.0)
    fitted = fit(library, poor)
    answers = [[hit.original_id for hit in fuse(one.found, fitted.weights)] for one in library]
    assert score(answers, [one.query.right for one in library]).mrr == 1.0
    assert fitted.weights.sound > 1
    for name, (low, high) in fitted.flat.items():
        assert low <= getattr(fitted.weights, name) <= high
    assert set(fitted.flat) == set(fitting.GRID)


def test_the_bench_measures_every_kind_on_what_searches_answer(embedder_settings: Settings, tmp_path: Path) -> None:
    verse = tmp_path / "verse.csv"
    rows = [
        f"Poet {number},Poem {number},/poem/{number},"
        f'"The sea and sorrow keep my heart {number} hours,\nThe night is long beside the {number}th shore,\n'
        f'I seek a light among the falling flowers,\nAnd hear the wind of death go past my door."'
        for number in range(12)
    ]
    verse.write_text("artist,song,link,text\n" + "\n".join(rows) + "\n")
    result = search_quality(embedder_settings, verse, songs=10, artists=4, per_kind=3)
    assert result.note.startswith("weights, as shipped: meaning 1, words 3")
    shown = {(row["source"], row["kind"], row["measure"]): row for row in result.rows}
    assert {(source, kind) for source, kind, _ in shown} >= {("world", kind) for kind in KINDS}
    assert {source for source, _, _ in shown} == {"all", "world", "verse"}
    assert float(str(shown["world", "exact", "recall@10"]["hybrid"])) >= 0.95
    assert result.figures["world_exact_MRR"] >= result.figures["world_paraphrase_MRR"]
    assert list(tmp_path.glob("*.rejects*")) == []
    json.dumps(result.rows)


def test_what_is_measured_is_what_searches_answer(
    connection: psycopg.Connection, add_track: AddTrack, encoders: Encoders
) -> None:
    from rap_platform.embeddings.search_quality.benchmark import fill

    for number, line in enumerate(("gold chains in the rain", "my mother prays at night", "i scream for ice cream")):
        add_track(f"Song {number}", [f"{line}\nsay it again and again", "a second verse of nothing much"])
    connection.commit()
    fill(connection, encoders)
    for text in ("gold chains in the reign", "eyes cream for ice cream", "somebody praying"):
        fused = [hit.original_id for hit in fuse(candidates(connection, encoders, Question(text)))]
        assert [hit.track_id for hit in search(connection, encoders, Question(text)).hits] == fused[:10]
