"""Which words a song uses, against counts made by hand and by the plain definition."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rap_platform.features import vocabulary
from rap_platform.features.bars import bars
from rap_platform.features.hearing import Places, Sound, hear

WORDS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=120)


def sound(text: str) -> Sound:
    return hear(bars(text))


def before(words: list[str]) -> Places:
    text = np.array([ord(word) for word in words], dtype=np.int32)
    return vocabulary.places_before(text, np.argsort(text, kind="stable"))


def test_each_word_knows_where_it_stood_last() -> None:
    assert before(list("abacab")).tolist() == [-1, -1, 0, -1, 2, 1]


def test_moving_ratio_is_the_mean_over_windows() -> None:
    assert vocabulary.moving_ratio(before(list("aab")), 2) == pytest.approx((1 / 2 + 2 / 2) / 2)
    assert vocabulary.moving_ratio(before(list("a")), 2) is None


@given(WORDS, st.integers(1, 20))
def test_moving_ratio_equals_counting_every_window(words: list[str], window: int) -> None:
    windows = [words[at : at + window] for at in range(len(words) - window + 1)]
    expected = sum(len(set(part)) / window for part in windows) / len(windows) if windows else None
    assert vocabulary.moving_ratio(before(words), window) == (None if expected is None else pytest.approx(expected))


def test_mtld_follows_the_worked_example_of_its_authors() -> None:
    words = ["of", "the", "people", "by", "the", "people", "for", "the", "people"]
    numbers = {word: chr(ord("a") + at) for at, word in enumerate(dict.fromkeys(words))}
    # Forwards a stretch ends at the second "people" (4 of 6 are distinct), the rest keeps a ratio of 1; backwards likewise.
    assert vocabulary.mtld(before([numbers[word] for word in words])) == pytest.approx(9.0)


def mtld_by_definition(words: list[str]) -> float | None:
    lengths = []
    for read in (words, words[::-1]):
        stretches, part = 0.0, []
        for word in read:
            part.append(word)
            if len(set(part)) / len(part) <= vocabulary.MTLD_RATIO:
                stretches, part = stretches + 1, []
        if part:
            stretches += (1 - len(set(part)) / len(part)) / (1 - vocabulary.MTLD_RATIO)
        if not stretches:
            return None
        lengths.append(len(words) / stretches)
    return sum(lengths) / 2


@given(WORDS)
def test_mtld_equals_its_definition(words: list[str]) -> None:
    expected = mtld_by_definition(words)
    assert vocabulary.mtld(before(words)) == (None if expected is None else pytest.approx(expected))


def test_novelty_compares_with_the_line_before() -> None:
    heard = sound("a cat sat\na dog sat")
    assert vocabulary.measure(heard).novel_word_share == pytest.approx(1 / 3)
    assert vocabulary.measure(sound("alone")).novel_word_share is None
    # "cat cat" comes from the line before the line before: only the last line counts.
    assert vocabulary.measure(sound("cat\ndog dog\ncat cat")).novel_word_share == 1.0


@given(st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=6), min_size=2, max_size=12))
def test_novelty_equals_comparing_line_by_line(lines: list[list[str]]) -> None:
    heard = sound("\n".join(" ".join(line) for line in lines))
    shares = [sum(word not in one for word in two) / len(two) for one, two in pairwise(lines)]
    assert vocabulary.measure(heard).novel_word_share == pytest.approx(sum(shares) / len(shares))


def test_hooks_are_headed_or_repeated_lines() -> None:
    text = "[Verse]\nnew words here\nother words there\n[Chorus]\nsing it loud\n[Verse 2]\nnew words here"
    figures = vocabulary.measure(sound(text))
    assert figures.hook_share == pytest.approx(3 / 4)
    assert figures.repeated_line_share == pytest.approx(1 / 4)


def test_rare_words_are_those_that_the_encoder_has_no_whole_piece_for() -> None:
    assert vocabulary.measure(sound("the river is walkin' slow and I'm a well-known man")).rare_word_share == 0.0
    heard = sound("the gallivanting quokka is slow")
    assert vocabulary.measure(heard).rare_word_share == pytest.approx(2 / 5)
    assert len(vocabulary.common_words()) > 20_000


def test_a_song_that_says_the_same_again_packs_smaller() -> None:
    once = "a tower of chalk on the corner\nmy mother sang over the radio\nthe preacher was counting his dollars"
    again = vocabulary.measure(sound("\n".join([once] * 4))).compression_ratio
    assert again > 2 * vocabulary.measure(sound(once)).compression_ratio


def test_types_are_counted_once() -> None:
    figures = vocabulary.measure(sound("the cat and the dog\nand the bird"))
    assert figures.distinct_words == 5
    assert figures.type_token_ratio == pytest.approx(5 / 8)
