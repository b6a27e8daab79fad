"""The benchmark of matching counts what it says, and matching is as exact as it claims on a small world."""

import random

import pytest

from rap_platform.settings import load
from rap_platform.spotify import benchmarks
from rap_platform.spotify.enriching import Found
from rap_platform.spotify.matching import Candidate, Match, Wanted, candidate, decide

RIGHT = Found(Match("matched", "exact", 1.0, Candidate("a", "Sky", ("Ann",))), {})
MISSING = Found(Match("missing"), {})
REVIEW = Found(Match("review", "fuzzy", 0.8, Candidate("a", "Sky", ("Ann",))), {})


def test_a_link_to_a_song_that_is_not_there_is_a_wrong_one() -> None:
    score = benchmarks.Score()
    for found, truth in ((RIGHT, "a"), (RIGHT, "b"), (RIGHT, None), (MISSING, "a"), (REVIEW, "a"), (MISSING, None)):
        score.count(found, truth)
    assert (score.made, score.there, score.right, score.review, score.asked) == (3, 4, 1, 1, 6)
    assert (score.precision, score.recall) == (1 / 3, 1 / 4)


@pytest.mark.parametrize("title", ["Long Winter Coat", "Sky", "Love & Glass", "Blues", "Sky (Remix)", "Sky, Pt. 2"])
def test_no_decoy_is_taken_for_the_song(title: str) -> None:
    wanted = Wanted("MC Copper", title, year=2001)
    found = [candidate(item) for item in benchmarks.decoys(wanted, random.Random(1))]
    assert len(found) == 15
    assert decide(wanted, found).status != "matched"
    mine = Candidate("me", title, ("MC Copper",), release_date="2001")
    assert decide(wanted, [*found, mine]).candidate == mine


def test_links_are_right_in_a_small_world(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SEEDS": (12,), "SONGS": 120, "ARTISTS": 8}.items():
        monkeypatch.setattr(benchmarks, name, value)
    bench = benchmarks.match(load())
    assert bench.figures["songs"] == 120
    for name in ("names", "isrc", "decoys"):
        assert bench.figures[f"{name}_precision"] >= 0.98, bench.figures
        assert bench.figures[f"{name}_recall"] >= 0.95, bench.figures
    assert bench.reference["names_precision"] < bench.figures["names_precision"]
