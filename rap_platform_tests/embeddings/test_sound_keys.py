"""Texts that sound alike have keys in common, and the same text has the same keys everywhere."""

import hashlib
import subprocess
import sys
from importlib import resources
from itertools import islice

import pytest

from rap_platform.embeddings.search import sound_keys
from rap_platform.features import phonetics


def shared_pairs(one: str, other: str) -> float:
    """The share of the pairs of `one` that `other` has too."""
    pairs = set(sound_keys.pairs(one))
    return len(pairs & set(sound_keys.pairs(other))) / len(pairs)


@pytest.mark.parametrize(
    ("heard", "sung"),
    [
        ("ice cream", "I scream"),
        ("kiss this guy", "kiss the sky"),
        ("it makes cents to me", "it makes sense to me"),
        ("runnin and gunnin", "running an' gunning"),
        ("the knight was won", "the night was one"),
        ("a grey tape", "a great ape"),
        ("gotcha now", "got you now"),
    ],
)
def test_lines_that_sound_the_same_have_the_same_pairs(heard: str, sung: str) -> None:
    assert shared_pairs(heard, sung) == 1.0


@pytest.mark.parametrize(
    ("one", "other"), [("cents", "sense"), ("night", "knight"), ("singin", "singing"), ("their", "there")]
)
def test_words_that_sound_the_same_share_a_key(one: str, other: str) -> None:
    assert set(sound_keys.word_keys(one)) & set(sound_keys.word_keys(other))


def test_other_words_share_no_key() -> None:
    assert not set(sound_keys.keys("cents of wonder")) & set(sound_keys.keys("grim black leopard"))


def test_the_pairs_of_a_line_do_not_reach_into_the_next() -> None:
    together = set(sound_keys.keys("alone tonight"))
    apart = set(sound_keys.keys("alone\ntonight"))
    assert apart < together


def test_the_keys_of_a_text_stand_line_after_line() -> None:
    lines = ["every dollar has a price", "世界", "every dollar rolls like dice", "every dollar has a price", ""]
    keys, ends = sound_keys.by_line("\n".join(lines))
    assert [keys[start:end] for start, end in zip([0, *ends], ends, strict=False)] == [
        sound_keys.keys(lines[0]), sound_keys.keys(lines[2])
    ]  # fmt: skip
    assert ends[-1] == len(keys) > len(set(keys))
    assert sorted(set(keys)) == sound_keys.keys("\n".join(lines))
    assert sound_keys.by_line("世界\n") == ([], [])


def test_pairs_belong_to_the_words_of_their_vowels() -> None:
    assert sound_keys.owners(["ice", "cream", "melting"]) == [(0, 1), (1, 2), (2, 2)]
    assert len(sound_keys.pairs("ice cream melting")) == 3


@pytest.mark.parametrize(
    "line", ["", "...", "mmm brr 24/7 gr8 $100", "señor déjà Ünïcödé", "世界 мир", "rhythm-'n'-blues 'cause it's"]
)
def test_every_line_has_as_many_owners_as_pairs(line: str) -> None:
    assert len(sound_keys.pairs(line)) == len(sound_keys.owners(sound_keys.line_words(line)))


def test_a_text_of_another_script_has_no_keys() -> None:
    assert sound_keys.keys("世界\nмир") == []


def test_keys_are_sorted_distinct_and_exact_as_floats() -> None:
    keys = sound_keys.keys("every dollar has a price\nevery dollar rolls like dice")
    assert keys == sorted(set(keys))
    assert all(0 <= key < 1 << 24 for key in keys)


def test_a_book_has_as_many_keys_as_a_vector_has_dimensions() -> None:
    book = "\n".join(word for word in islice(phonetics.dictionary(), 40_000) if word.isalpha())
    assert len(sound_keys.keys(book)) == sound_keys.MOST_KEYS
    keys, ends = sound_keys.by_line(book)
    assert len(keys) == ends[-1] == sound_keys.MOST_KEYS


def test_keys_are_the_same_in_another_process() -> None:
    line = "the tide went out without a sound"
    code = f"from rap_platform.embeddings.search import sound_keys; print(sound_keys.keys({line!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": "7"}
    )
    assert done.stdout.strip() == str(sound_keys.keys(line))


SOUNDS = {"1": "1a71a480c09e6e41"}  # by version: what keys are made from, and keys made of it


def test_who_changes_how_words_sound_gives_it_a_new_version() -> None:
    """Else stored keys are taken for those of now, and what sounds alike is not marked."""
    told = hashlib.sha256()
    for name in ("cmudict.txt.gz", "rap_words.txt", "letter_to_sound.xz"):
        told.update(resources.files("rap_platform").joinpath("data", name).read_bytes())
    text = "got you in the latter cents\nI'm finna vrombling down 42nd, skate 'til the fo'ty's ended\nice cream ain't butter, sdill"
    told.update(repr(sound_keys.by_line(text)).encode())
    assert SOUNDS[sound_keys.VERSION] == told.hexdigest()[:16], (
        "raise sound_keys.VERSION and say here what it sounds like"
    )
