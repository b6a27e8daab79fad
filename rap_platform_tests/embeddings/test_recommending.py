"""Recommendations: near what is liked, varied as far as asked, no song twice in any clothes, with reasons."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
import pytest

from rap_platform.embeddings.search.diversity import choose
from rap_platform.embeddings.search.likeness import (
    NEAR_DUPLICATE,
    Among,
    Comparing,
    Known,
    Weights,
    near_duplicates,
)
from rap_platform.embeddings.search.question import SearchError
from rap_platform.embeddings.search.recommending import Recommendation, Taste, recommend
from rap_platform.embeddings.search.similar import NotComparable, UnknownTrack
from rap_platform_tests.embeddings.conftest import AddTrack
from rap_platform_tests.embeddings.test_similar import add_library, axis, make_indexes, store

LYRICS = Weights.only("lyrics")


@pytest.fixture
def library(connection: psycopg.Connection, add_track: AddTrack) -> list[int]:
    """1,500 songs in 20 clusters, one for each artist."""
    return add_library(connection, add_track, 1500)


def pairwise(conn: psycopg.Connection, found: list[Recommendation]) -> float:
    """The mean similarity of two songs of a list."""
    comparing = Comparing(conn, LYRICS)
    songs = comparing.known([song.track_id for song in found])
    alike = comparing.likeness(songs, songs).blend
    return float(alike[~np.eye(len(songs), dtype=bool)].mean())


def test_diversity_makes_a_list_less_alike_and_less_near(connection: psycopg.Connection, library: list[int]) -> None:
    lists = [
        recommend(connection, Taste((library[0], library[1]), diversity=diversity, per_artist=10), LYRICS)
        for diversity in (0.0, 0.5, 1.0)
    ]
    spread = [pairwise(connection, found) for found in lists]
    near = [float(np.mean([song.score for song in found])) for found in lists]
    assert spread[0] - 0.05 > spread[1] > spread[2]
    assert near[0] > near[1] > near[2]
    assert lists[0][0] == lists[1][0] == lists[2][0]  # the nearest song comes first whatever the diversity
    assert [song.score for song in lists[0]] == sorted((song.score for song in lists[0]), reverse=True)


def test_a_list_comes_from_all_that_is_liked_and_says_why(connection: psycopg.Connection, library: list[int]) -> None:
    liked = (library[4], library[9])
    found = recommend(connection, Taste(liked, per_artist=5, limit=10), LYRICS)
    assert {reason.track_id for song in found for reason in song.reasons} == set(liked)
    assert {(song.artist) for song in found} == {"Artist 4", "Artist 9"}  # the two clusters
    for song in found:
        nearest = {"Artist 4": "Song 4", "Artist 9": "Song 9"}[song.artist]
        assert song.reasons[0].title == nearest
        assert song.reasons[0].kind == "lyrics"
        assert 0.2 < song.reasons[0].similarity < 1
    assert not {song.track_id for song in found} & set(liked)


def test_an_artist_has_at_most_so_many_songs(connection: psycopg.Connection, library: list[int]) -> None:
    for most in (1, 3):
        found = recommend(connection, Taste((library[0],), per_artist=most, limit=15, diversity=0), LYRICS)
        counts = [sum(song.artist == artist for song in found) for artist in {song.artist for song in found}]
        assert max(counts) == most
        assert len(found) == 15


def test_where_one_artist_is_nearest_by_far_few_songs_of_each_are_read_to_fill_the_list(
    connection: psycopg.Connection, library: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def known(self: Comparing, track_ids: Sequence[int], known: Any = Comparing.known) -> list[Known]:
        read.append(len(track_ids))
        return list(known(self, track_ids))

    monkeypatch.setattr(Comparing, "known", known)
    found = recommend(connection, Taste((library[0],), limit=40, diversity=0), LYRICS)
    assert len(found) == 40  # two of each of twenty artists: all there can be
    assert [song.artist for song in found[:2]] == ["Artist 0"] * 2
    assert max(read) <= 5 * 2 * 20, "five times the songs that an artist may have, of each artist"


def test_filters_hold_and_the_list_is_not_short(connection: psycopg.Connection, library: list[int]) -> None:
    found = recommend(
        connection, Taste((library[0],), per_artist=60, limit=50), among=Among(language="de", other_artists=True)
    )
    languages = connection.execute(
        "select language from tracks where track_id = any(%s)", [[s.track_id for s in found]]
    )
    assert len(found) == 50
    assert set(languages.fetchall()) == {("de",)}
    assert "Artist 0" not in {song.artist for song in found}


@pytest.fixture
def twins(connection: psycopg.Connection, add_track: AddTrack) -> dict[str, int]:
    """A liked song; near it three songs, of which two are nearly the same, and a copy of the third; and one far away."""
    base = axis(0)
    tracks = {name: add_track(name, [name], artist=f"By {name}") for name in ("liked", "one", "twin", "third", "far")}
    tracks["copy"] = add_track("copy", ["copy"], artist="By copy", duplicate_of=tracks["third"], duplicate_score=0.9)
    tracks["echo"] = add_track("echo", ["echo"], artist="By echo")
    store(connection, tracks["liked"], lyrics=base)
    store(connection, tracks["echo"], lyrics=base + 0.1 * axis(7))
    store(connection, tracks["one"], lyrics=base + 0.6 * axis(1))
    store(connection, tracks["twin"], lyrics=base + 0.6 * axis(1) + 0.15 * axis(2))
    store(connection, tracks["third"], lyrics=base + 0.7 * axis(3))
    store(connection, tracks["copy"], lyrics=base + 0.65 * axis(3) + 0.4 * axis(5))
    store(connection, tracks["far"], lyrics=base + 3 * axis(4))
    make_indexes(connection)
    return tracks


@pytest.mark.parametrize("diversity", [0.0, 0.3, 1.0])
def test_near_duplicates_never_come_together(
    connection: psycopg.Connection, twins: dict[str, int], diversity: float
) -> None:
    found = recommend(connection, Taste((twins["liked"],), diversity=diversity), LYRICS)
    assert sorted(song.title for song in found) == ["far", "one", "third"]
    comparing = Comparing(connection, LYRICS)
    pair = comparing.known([twins["one"], twins["twin"]])
    assert near_duplicates(pair, pair).all(), f"else this shows nothing: they are no nearer than {NEAR_DUPLICATE}"


def test_what_is_disliked_moves_its_like_back_and_its_copies_out(
    connection: psycopg.Connection, twins: dict[str, int]
) -> None:
    order = [song.title for song in recommend(connection, Taste((twins["liked"],), diversity=0), LYRICS)]
    assert order == ["one", "third", "far"]
    found = recommend(connection, Taste((twins["liked"],), (twins["twin"],), diversity=0), LYRICS)
    assert [song.title for song in found] == ["third", "far"]  # "one" is nearly the disliked song


def test_a_real_song_that_was_compared_by_a_simulated_vector_says_so(
    connection: psycopg.Connection, twins: dict[str, int]
) -> None:
    for name in ("liked", "one", "third"):
        store(connection, twins[name], audio=[0.5] * 9)
    connection.execute("update track_vectors_audio set simulated = true where track_id = %s", [twins["one"]])
    weights = Weights(lyrics=1, audio=0.1, analysis=0)
    found = {song.title: song for song in recommend(connection, Taste((twins["liked"],)), weights)}
    assert {reason.kind for song in found.values() for reason in song.reasons} == {"lyrics"}
    assert [title for title in found if found[title].simulated] == ["one"]


def test_wrong_tastes_are_refused_by_name(
    connection: psycopg.Connection, twins: dict[str, int], add_track: AddTrack
) -> None:
    bare = add_track("bare", ["no vector"])
    liked = twins["liked"]
    with pytest.raises(UnknownTrack, match="there is no track 77777, 88888"):
        recommend(connection, Taste((liked, 88888, 77777)))
    with pytest.raises(NotComparable, match=f"track {bare} has no vector of lyrics or audio or analysis yet"):
        recommend(connection, Taste((liked, bare)))
    for taste, message in (
        (Taste(()), "0 liked songs are named, must be 1 to 50"),
        (Taste(tuple(range(1, 52))), "51 liked songs"),
        (Taste((liked,), (liked,)), f"track {liked} is both liked and disliked"),
        (Taste((liked,), diversity=1.1), "diversity is 1.1"),
        (Taste((liked,), limit=101), "limit is 101"),
        (Taste((liked,), per_artist=0), "per_artist is 0"),
    ):
        with pytest.raises(SearchError, match=message):
            recommend(connection, taste)


# ---- choosing, without a database -----------------------------------------------------------------------------------


def test_choosing_goes_by_marginal_relevance() -> None:
    relevance = np.array([0.9, 0.85, 0.5])
    alike = np.array([[1, 0.9, 0.0], [0.9, 1, 0.0], [0.0, 0.0, 1]])
    never, groups = np.zeros((3, 3), dtype=bool), np.arange(3)

    def order(diversity: float) -> list[int]:
        return choose(
            relevance, alike.__getitem__, never.__getitem__, groups, diversity=diversity, limit=3, per_group=3
        )

    assert order(0.0) == [0, 1, 2]
    assert order(0.5) == [0, 2, 1]  # 0.5*0.5 - 0 > 0.5*0.85 - 0.5*0.9
    assert order(0.25) == [0, 1, 2]  # 0.75*0.85 - 0.25*0.9 = 0.41 > 0.75*0.5 = 0.375


def test_choosing_stops_where_nothing_is_allowed() -> None:
    everything, alike = np.ones((4, 4), dtype=bool), np.eye(4).__getitem__
    found = choose(np.arange(4.0), alike, everything.__getitem__, np.arange(4), diversity=0, limit=4, per_group=1)
    assert found == [3]
    none, groups = (~everything).__getitem__, np.zeros(4, dtype=int)
    found = choose(np.arange(4.0), alike, none, groups, diversity=0, limit=4, per_group=2)
    assert found == [3, 2]
