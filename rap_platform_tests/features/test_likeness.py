"""How alike syllables sound, as people's rhymes taught it."""

import itertools
from importlib import resources

import numpy as np
import pytest

from rap_platform.features import rhyme_learning
from rap_platform.features.likeness import (
    CONSONANTS,
    GAP,
    VOWELS,
    Coda,
    coda_score,
    coda_scores,
    parse,
    shipped,
    stress_scores,
    vowel_scores,
    written,
)
from rap_platform.features.rhyme_learning import gold_text, learn, log_odds, pairs_by_poet


def test_the_table_that_ships_is_what_the_stanzas_that_ship_teach() -> None:
    again = written(learn(pairs_by_poet(gold_text())), rhyme_learning._HEADING)
    assert again == resources.files("rap_platform").joinpath("data", "rhyme_log_odds.tsv").read_text("utf-8")
    assert written(parse(again), rhyme_learning._HEADING) == again


def test_tables_are_symmetric_and_every_vowel_is_likeliest_with_itself() -> None:
    vowels = vowel_scores()
    assert vowels.shape == (15, 15)
    assert vowels.dtype == np.float32
    assert (vowels == vowels.T).all()
    assert (vowels.argmax(axis=1) == np.arange(15)).all()
    assert (np.diag(vowels) > 1.5).all()
    assert vowels[VOWELS.index("UH"), VOWELS.index("UW")] > 0 > vowels[VOWELS.index("IY"), VOWELS.index("OW")]


def test_a_table_comes_back_from_its_text() -> None:
    odds = shipped()
    again = parse(written(odds, "heading"))
    for what in ("vowels", "consonants", "stress", "kinds", "together"):
        assert (getattr(again, what) == getattr(odds, what)).all()
        assert getattr(odds, what).any()
    assert (again.open, again.threshold) == (odds.open, odds.threshold)


def test_stresses_that_agree_speak_for_a_rhyme() -> None:
    stress = stress_scores()
    assert stress.shape == (2, 2)
    assert stress[0, 1] == stress[1, 0] < 0 < min(stress[0, 0], stress[1, 1])


def test_codas_of_one_sound_rhyme_and_others_do_not() -> None:
    codas: list[Coda] = [(), ("T",), ("D",), ("S", "T"), ("N", "D")]
    scores = coda_scores(codas, codas)
    assert scores.shape == (5, 5)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, scores.T)
    assert (np.diag(scores) > 1).all()
    assert (scores[~np.eye(5, dtype=bool)] < 0).all()


def test_many_codas_score_as_each_pair_does_alone() -> None:
    ones: list[Coda] = [(), ("T",), ("N", "T"), ("R", "L", "D"), ("T",), ("S", "T", "R")]
    others: list[Coda] = [("D",), (), ("NG", "K", "S"), ("R", "D")]
    scores = coda_scores(ones, others)
    assert scores.shape == (6, 4)
    for row, column in itertools.product(range(6), range(4)):
        assert scores[row, column] == pytest.approx(best_alignment(ones[row], others[column]), abs=1e-4)
        assert scores[row, column] == coda_score(ones[row], others[column])


def best_alignment(one: Coda, other: Coda) -> float:
    """The definition: every way to pair consonants in order, the rest unpaired."""
    odds = shipped()
    if not one and not other:
        return odds.open
    first, second = ([CONSONANTS.index(c) for c in coda] for coda in (one, other))
    best = -np.inf
    for size in range(min(len(first), len(second)) + 1):
        for mine, theirs in itertools.product(
            itertools.combinations(range(len(first)), size), itertools.combinations(range(len(second)), size)
        ):
            paired = sum(float(odds.consonants[first[i], second[j]]) for i, j in zip(mine, theirs, strict=True))
            alone = [first[i] for i in range(len(first)) if i not in mine]
            alone += [second[j] for j in range(len(second)) if j not in theirs]
            best = max(best, paired + sum(float(odds.consonants[GAP, c]) for c in alone))
    return best


def test_no_codas_give_no_scores_and_what_is_no_consonant_is_refused() -> None:
    assert coda_scores([], [("T",)]).shape == (0, 1)
    with pytest.raises(KeyError, match="AA1"):
        coda_scores([("AA1",)], [()])


def test_log_odds_are_what_was_observed_over_chance_and_rare_pairs_follow_their_class() -> None:
    observed = np.array([[9000.0, 1.0], [1.0, 0.0]])
    expected = np.array([[1000.0, 1000.0], [1000.0, 0.001]])
    odds = log_odds(observed, expected, np.array([[0, 1], [1, 0]]))
    assert odds[0, 0] == pytest.approx(np.log(9), abs=0.01)
    assert odds[0, 1] < -5
    assert odds[1, 1] == pytest.approx(np.log(9), abs=0.05)
