"""Near-duplicates: which texts are near each other, and which of them is the original."""

import datetime as dt

import numpy as np
import pytest
from datasketch import MinHash

from rap_platform.lyrics.duplicates import (
    PERMUTATIONS,
    Song,
    band_keys,
    decide,
    jaccard,
    released,
    shingles,
    signature,
    version_of,
)
from rap_platform.lyrics.identity import normalise_title
from rap_platform_tests.lyrics.songbook import altered, lyrics


def song(number: int, text: str, title: str = "Tide", *, artist: int = 1, year: int | None = None) -> Song:
    rank = (version_of(title) is not None, released(None, year), number)
    return Song(number, artist, normalise_title(title), version_of(title), rank, signature(shingles(text)))


def linked(*songs: tuple[Song, str]) -> dict[int, int]:
    texts = {one.track_id: text for one, text in songs}
    found = decide([one for one, _ in songs], {}, lambda number: shingles(texts[number]))
    return {number: link.original_id for number, link in found.items() if link}


def test_headers_case_and_punctuation_do_not_count() -> None:
    assert jaccard(shingles("[Verse 1]\nRain, on the WINDOW"), shingles("rain on the window")) == 1.0


def test_scripts_without_spaces_and_texts_of_one_word_have_shingles() -> None:
    assert len(shingles("雨が降る\n窓に落ちる")) == 1
    assert jaccard(shingles("雨が降る"), shingles("雪が降る")) == 0.0
    assert jaccard(shingles("Stay up"), shingles("stay up!")) == 1.0


def test_the_signature_is_that_of_datasketch_taken_value_by_value() -> None:
    hashes = shingles(lyrics(3))
    plain = MinHash(PERMUTATIONS, seed=1, hashfunc=lambda value: value)
    for value in (hashes >> np.uint64(32)).tolist():
        plain.update(value)
    assert signature(hashes).tolist() == plain.digest().tolist()


def test_a_long_text_is_signed_a_piece_at_a_time() -> None:
    hashes = shingles(lyrics(4, lines=2000))
    assert len(hashes) > 3 * 4096
    parts = [signature(part) for part in np.array_split(hashes, 3)]
    assert signature(hashes).tolist() == np.minimum.reduce(parts).tolist()


def test_signatures_estimate_the_similarity() -> None:
    text = lyrics(5, lines=100)
    for lines in (5, 20, 40):
        other = altered(text, lines)
        estimate = float(np.mean(signature(shingles(text)) == signature(shingles(other))))
        assert estimate == pytest.approx(jaccard(shingles(text), shingles(other)), abs=0.15)


def test_band_keys_are_distinct_and_equal_for_equal_texts() -> None:
    keys = band_keys(signature(shingles(lyrics(1))))
    assert len(set(keys)) == 32
    assert keys == band_keys(signature(shingles(lyrics(1).upper())))
    assert not set(keys) & set(band_keys(signature(shingles(lyrics(2)))))


def test_a_near_duplicate_points_to_the_earlier_song_and_others_stay_alone() -> None:
    texts = [lyrics(1), lyrics(2), altered(lyrics(1), 2), altered(lyrics(2), 12), lyrics(1).upper()]
    songs = [(song(number, text, f"Song {number}"), text) for number, text in enumerate(texts, 1)]
    assert linked(*songs) == {3: 1, 5: 1}
    assert linked(*reversed(songs)) == {3: 1, 5: 1}


def test_the_song_itself_comes_before_its_versions_then_the_older_then_the_first_to_come() -> None:
    text = lyrics(1)
    remix, early, late, undated = (
        song(1, text, "Tide (Remix)", year=1990),
        song(4, text, "Tide", year=1994),
        song(3, text, "Tide", year=2004),
        song(2, text, "Tide"),
    )
    everything = [(one, text) for one in (remix, early, late, undated)]
    assert linked(*everything) == {1: 4, 2: 4, 3: 4}
    assert linked(*everything[1:]) == {2: 4, 3: 4}
    assert linked((song(7, text), text), (song(6, text), text)) == {7: 6}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ((dt.date(2004, 3, 1), None), (dt.date(2004, 5, 1), 2004)),
        ((dt.date(2004, 5, 1), None), (None, 2004)),
        ((None, 2004), (dt.date(2005, 1, 1), None)),
        ((None, 2004), (None, None)),
    ],
)
def test_a_date_that_is_known_better_comes_first(
    earlier: tuple[dt.date | None, int | None], later: tuple[dt.date | None, int | None]
) -> None:
    assert released(*earlier) < released(*later)


def test_a_remix_with_new_verses_is_linked_by_its_title_and_another_song_is_not() -> None:
    text = lyrics(1)
    both = [(song(1, text, "Tide"), text)]
    other = altered(text, 10)
    assert 0.3 < jaccard(shingles(text), shingles(other)) < 0.6
    assert linked(*both, (song(2, other, "Tide (Midnight Remix)"), other)) == {}
    near = altered(text, 5)
    assert 0.6 < jaccard(shingles(text), shingles(near)) < 0.8
    assert linked(*both, (song(2, near, "Tide (Midnight Remix)"), near)) == {2: 1}
    assert linked(*both, (song(2, near, "Ebb (Midnight Remix)"), near)) == {}
    assert linked(*both, (song(2, near, "Tide (Midnight Remix)", artist=2), near)) == {}
    assert linked(*both, (song(2, near, "Tide"), near)) == {}


def test_links_never_form_a_chain() -> None:
    texts = [altered(lyrics(9), n) for n in range(6)]
    found = linked(*((song(n, text, f"Song {n}"), text) for n, text in enumerate(texts)))
    assert found
    assert not set(found) & set(found.values())


def test_a_copy_points_to_the_nearest_of_the_originals() -> None:
    first, last = lyrics(9), altered(lyrics(9), 5)
    between = altered(lyrics(9), 4)
    songs = [(song(1, first, "One"), first), (song(2, last, "Two"), last), (song(3, between, "Three"), between)]
    assert linked(*songs) == {3: 2}


def test_a_thousand_unrelated_songs_are_not_linked() -> None:
    assert linked(*((song(n, lyrics(n)), lyrics(n)) for n in range(1000))) == {}
