"""Near-duplicates are found through bands, across the sides, and no pair is looked at that shares none."""

import random

from rap_platform.lyrics.duplicates import jaccard, shingles, signature
from rap_platform.training.dataset_overlaps import meetings, near_pairs

CHANCE = random.Random(4)
WORDS = [f"{a}{b}" for a in "bdfgklmnprst" for b in ("a", "ou", "ee", "ing", "all", "end")]


def text(length: int = 200) -> str:
    return " ".join(CHANCE.choice(WORDS) for _ in range(length))


def changed(lyrics: str, share: float) -> str:
    words = lyrics.split()
    for place in range(int(len(words) * share)):
        words[place] = CHANCE.choice(WORDS)
    return " ".join(words)


def test_every_pair_above_the_threshold_is_found_and_scored_exactly() -> None:
    texts = {number: text() for number in range(100)}
    texts |= {1000 + number: changed(texts[number], 0.01 * number) for number in range(30)}
    expected = {
        (number, 1000 + number)
        for number in range(30)
        if jaccard(shingles(texts[number]), shingles(texts[1000 + number])) >= 0.8
    }
    assert 5 < len(expected) < 30
    found = near_pairs(texts)
    assert {(pair.one, pair.other) for pair in found} == expected
    assert all(pair.score == jaccard(shingles(texts[pair.one]), shingles(texts[pair.other])) for pair in found)


def test_with_sides_only_pairs_across_them_count() -> None:
    song = text()
    texts = {1: song, 2: song + " more", 3: song + " again", 4: text()}
    sides = {1: "train", 2: "train", 3: "eval", 4: "eval"}
    assert {(pair.one, pair.other) for pair in near_pairs(texts, sides=sides)} == {(1, 3), (2, 3)}


def test_known_signatures_are_used() -> None:
    texts = {1: "one two three four five", 2: "quite another song altogether here"}
    same = signature(shingles(texts[1]))
    assert near_pairs(texts, {1: same, 2: same}) == []  # they meet in every band; the texts decide


def test_texts_that_have_nothing_in_common_are_never_compared() -> None:
    known = {number: signature(shingles(text(60))) for number in range(3000)}
    assert len(meetings(known)) < 30  # of 4,498,500 pairs
    copies = known | {number + 5000: known[number] for number in range(100)}
    assert {(number, number + 5000) for number in range(100)} <= meetings(copies)
