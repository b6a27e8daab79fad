"""The rhyme benchmark measures what it says."""

from collections import Counter
from pathlib import Path

import pytest

from rap_platform.features import benchmarks
from rap_platform.features.benchmarks import Score, pairs_by_poet, score
from rap_platform.settings import Settings


def test_pairs_are_counted_within_a_stanza() -> None:
    text = "poet\tend_words\tscheme\nann\tnight light day\t1 1 2\n"
    assert pairs_by_poet(text) == {
        "ann": Counter({("light", "night", True): 1, ("day", "night", False): 1, ("day", "light", False): 1})
    }


def test_scores_are_those_of_the_definition() -> None:
    counts = [Counter({("a", "b", True): 2, ("a", "c", False): 1, ("b", "c", True): 1})]
    assert score(lambda one, other: one == "a", counts) == Score(2 / 3, 2 / 3, 2 / 3)
    assert score(lambda one, other: False, counts) == Score(0.0, 0.0, 0.0)


def test_we_hear_more_than_spelling_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RAP_RHYME_GOLD", raising=False)
    bench = benchmarks.rhyme(Settings(data_dir=tmp_path))
    assert bench.figures["f1"] > 0.91
    assert bench.figures["f1"] > bench.reference["rhyming_part_f1"] + 0.05
    assert bench.ratio == pytest.approx(bench.figures["f1"] / bench.reference["last_letters_f1"])


def test_a_gold_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        benchmarks.rhyme(Settings(data_dir=tmp_path), tmp_path / "absent.tsv")
