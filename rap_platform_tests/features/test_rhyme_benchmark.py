"""The rhyme benchmark measures what it says, on poets that the model never saw."""

from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rap_platform.cli import app
from rap_platform.features import rhyme_benchmark
from rap_platform.features.endings import rhymes
from rap_platform.features.likeness import shipped
from rap_platform.features.rhyme_benchmark import (
    Counts,
    count,
    cross_fitted,
    era,
    folds,
    heard,
    read_gold,
    rhyme,
    same_rhyming_part,
)
from rap_platform.features.rhyme_learning import AFTER_1800, Pairs, best_threshold, gold_text, learn, pairs_by_poet
from rap_platform.settings import Settings

HEADER = "poet\tend_words\tscheme\n"


@pytest.fixture(scope="module")
def gold() -> dict[str, Pairs]:
    return pairs_by_poet(gold_text())


def test_pairs_are_counted_within_a_stanza() -> None:
    assert pairs_by_poet(HEADER + "ann\tnight light day\t1 1 2\n") == {
        "ann": Counter({("light", "night", True): 1, ("day", "night", False): 1, ("day", "light", False): 1})
    }


def test_scores_are_those_of_the_definition() -> None:
    pairs = Counter({("a", "b", True): 2, ("a", "c", False): 1, ("b", "c", True): 1})
    found = count(lambda one, other: one == "a", pairs)
    assert found == Counts(2, 1, 1)
    assert (found.precision, found.recall, found.f1) == (2 / 3, 2 / 3, 2 / 3)
    nothing = count(lambda one, other: False, pairs)
    assert (nothing.precision, nothing.recall, nothing.f1) == (0.0, 0.0, 0.0)


def test_we_hear_what_people_hear_in_poets_we_never_read(gold: dict[str, Pairs], tmp_path: Path) -> None:
    bench = rhyme(Settings(data_dir=tmp_path, world_songs=60, world_artists=20))
    assert bench.figures["pairs"] == sum(pairs.total() for pairs in gold.values()) == 335_518
    assert bench.figures["f1"] >= 0.86 > bench.reference["f1"] + 0.05
    assert bench.figures["f1_after_1800"] >= 0.92 > bench.reference["f1_after_1800"] + 0.05
    assert bench.ratio == pytest.approx(bench.figures["f1"] / bench.reference["f1"])
    assert "f1_other_poets" not in bench.figures


def test_a_poet_is_scored_by_a_model_that_never_saw_his_fold(
    gold: dict[str, Pairs], monkeypatch: pytest.MonkeyPatch
) -> None:
    taught_by: list[set[str]] = []

    def watched(by_poet: dict[str, Pairs]) -> object:
        taught_by.append(set(by_poet))
        return shipped()

    monkeypatch.setattr(rhyme_benchmark, "learn", watched)
    cross_fitted({"byron": gold["byron"], "stranger": gold["smith"]}, gold)
    (fold,) = (set(fold) for fold in folds(gold) if "byron" in fold)
    assert taught_by == [set(gold) - fold]


def test_the_folds_hold_every_poet_once(gold: dict[str, Pairs]) -> None:
    assert sorted(poet for fold in folds(gold) for poet in fold) == sorted(gold)
    assert len(folds(gold)) == 5


def test_all_pairs_at_once_are_heard_as_one_by_one(gold: dict[str, Pairs]) -> None:
    stranger = gold["coleridge"] + Counter({("日本", "night", True): 2, ("日本", "日本", True): 1})
    assert heard(stranger, shipped()) == count(rhymes, stranger)


def test_only_poets_after_1800_teach_where_there_are_any(gold: dict[str, Pairs]) -> None:
    few = {poet: gold[poet] for poet in ("coleridge", "crosland", "milton")}
    assert learn(few).threshold == learn({poet: few[poet] for poet in ("crosland", "coleridge")}).threshold
    assert learn({"milton": gold["milton"]}).threshold != learn(few).threshold


def test_the_threshold_is_the_one_of_best_f1() -> None:
    import numpy as np

    scores, said, times = (
        np.array([3.0, 2.0, 1.0, 0.0]),
        np.array([True, True, False, True]),
        np.array([1.0, 1.0, 5.0, 1.0]),
    )
    assert best_threshold(scores, said, times) == 1.5
    assert best_threshold(scores, np.zeros(4, bool), times) == float("inf")


def test_poets_are_counted_under_their_era_and_strangers_apart(tmp_path: Path) -> None:
    assert {era(poet) for poet in AFTER_1800} == {"after_1800"}
    assert (era("milton"), era("shakespeare"), era("ann")) == ("17th_century", "16th_century", "other_poets")
    file = tmp_path / "ann.tsv"
    file.write_text(HEADER + "ann\tnight light sea eternity\t1 1 2 2\nbyron\tday way\t1 1\n", "utf-8")
    figures = rhyme(Settings(data_dir=tmp_path, world_songs=60, world_artists=20), file).figures
    assert figures["f1_other_poets"] == 1.0
    assert figures["f1_after_1800"] == 1.0
    assert figures["pairs"] == 7
    assert figures["guessed_words_share"] == 0.0


def test_the_reference_knows_no_word_outside_the_dictionary() -> None:
    assert same_rhyming_part("night", "light")
    assert not same_rhyming_part("zorbatrix", "zorbatrix")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: the columns must be poet, end_words, scheme"),
        ("poet,end_words,scheme\n", "line 1: the columns must be"),
        (HEADER + "ann\tnight light\t1 1\nann\tnight light\n", "line 3: 2 columns where there must be 3"),
        (HEADER + "ann\tnight light\t1\n", "line 2: 2 end words but 1 numbers in the scheme"),
        (HEADER + "ann\tnight\t1\n", "no stanza with two end words"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "gold.tsv"
    file.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=says) as refused:
        read_gold(file)
    assert str(file) in str(refused.value)


def test_a_file_that_is_absent_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file .*absent\.tsv; give one with the columns"):
        read_gold(tmp_path / "absent.tsv")
    (tmp_path / "binary.tsv").write_bytes(HEADER.encode() + b"ann\t\xff\xfe\t1\n")
    with pytest.raises(ValueError, match="is not UTF-8"):
        read_gold(tmp_path / "binary.tsv")


def test_a_file_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    file = tmp_path / "gold.tsv"
    file.write_bytes(b"\xef\xbb\xbf" + (HEADER + "ann\tnight light\t1 1\n").replace("\n", "\r\n").encode())
    assert read_gold(file) == {"ann": Counter({("light", "night", True): 1})}


def test_gold_belongs_to_the_rhyme_bench_alone() -> None:
    result = CliRunner().invoke(app, ["bench", "match", "--gold", "gold.tsv"])
    assert result.exit_code != 0
    assert "--gold belongs to `bench rhyme`" in result.output
    missing = CliRunner().invoke(app, ["bench", "rhyme", "--gold", "absent.tsv"])
    assert missing.exit_code != 0
    assert "there is no file absent.tsv" in missing.output
