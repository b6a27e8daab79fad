"""Words that come and go, artists that move, groups of songs with names of their own."""

import numpy as np
import pytest

from rap_platform.trends import careers, clusters, words
from rap_platform.trends.careers import Cell


def book(count: int = 1500) -> list[words.Row]:
    chance = np.random.default_rng(2)
    made = []
    for n in range(count):
        year = 1990 + n % 30
        held = [f"word{chr(97 + k // 26)}{chr(97 + k % 26)}" for k in range(40) if chance.random() < 0.2]
        if chance.random() < 0.05 + 0.02 * (year - 1990):
            held.append("rise")
        if year >= 2012 and chance.random() < 0.3:
            held.append("fresh")
        made.append((n % 80, year, f"[Verse 1: Header]\n{' '.join(['the', *held])} (yeah), runnin'"))
    return made


def test_rising_and_new_words_are_found_among_those_that_stay() -> None:
    songs = book()
    vocabulary = words.vocabulary(lyrics for _, _, lyrics in songs)
    assert {"running", "yeah", "the"} <= set(vocabulary)
    assert "header" not in vocabulary
    found = words.trends(words.count(songs, vocabulary, (1990, 2019)))
    assert {one.word for one in words.rising(found)} == {"rise", "fresh"}
    assert words.falling(found) == []
    (fresh,) = words.new(words.count(songs, vocabulary, (1990, 2019)), found)
    assert (fresh.word, fresh.first_year) == ("fresh", 2012)
    assert fresh.recent == pytest.approx(0.3, abs=0.06)


def test_the_log_odds_of_a_word_are_those_of_monroe_et_al() -> None:
    here, there = np.array([30, 70]), np.array([10, 190])
    prior = 500 * np.array([40, 260]) / 300
    odds = [np.log((y[0] + prior[0]) / (y.sum() + 500 - y[0] - prior[0])) for y in (here, there)]
    expected = (odds[0] - odds[1]) / np.sqrt(1 / (30 + prior[0]) + 1 / (10 + prior[0]))
    assert words.log_odds(here, there)[0] == pytest.approx(expected)


def test_who_moved_is_told_from_who_only_seems_to() -> None:
    chance = np.random.default_rng(4)
    cells = []
    for artist in range(60):
        slope = 1.5 if artist == 7 else 0.0
        for year in range(2000, 2012, 2):
            values = chance.normal(10 + 0.3 * (year - 2000) + slope * (year - 2000), 1, 3)
            cells.append(Cell(artist, f"Artist {artist}", year, 3, float(values.sum()), float((values**2).sum())))
    found = careers.careers(cells)
    first = found.careers[0]
    assert (found.artists, first.artist, first.moved) == (60, "Artist 7", True)
    assert first.per_decade == pytest.approx(15, abs=2)
    assert 10 < first.shrunken < first.per_decade
    assert sum(one.moved for one in found.careers) <= 4
    assert np.std([one.shrunken for one in found.careers[1:]]) < np.std([one.per_decade for one in found.careers[1:]])


def test_songs_that_differ_fall_into_groups_named_by_their_words() -> None:
    chance = np.random.default_rng(6)
    centres = chance.normal(0, 1, (6, 48))
    kind = np.arange(300) % 6
    vectors = (centres[kind] + chance.normal(0, 0.35, (300, 48))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = clusters.cluster(vectors, seed=1)
    assert made is not None
    assert len(made.centres) == 6
    labels, distances = made.assign(vectors)
    assert all(len(set(labels[kind == k])) == 1 for k in range(6))
    naming, medoids = clusters.Naming(6, ["all", *(f"own{kind}" for kind in "abcdef")]), clusters.Medoids(6)
    for label, k in zip(labels, kind, strict=True):
        naming.add(int(label), f"all own{'abcdef'[k]}")
    assert set(naming.names()) == {(f"own{kind}",) for kind in "abcdef"}
    medoids.add(range(300), labels, distances)
    nearest = medoids.track_ids()[0]
    assert distances[nearest[0]] == distances[labels == 0].min()


def test_few_songs_make_no_groups() -> None:
    assert clusters.cluster(np.eye(40, dtype=np.float32), seed=1) is None
