"""Each contestant on tracks whose labels are known: it learns from train alone and a failure is no number."""

import numpy as np
import pytest

from rap_platform.evaluation.contestants import CommercialInputs, Inputs, commercial, contestants
from rap_platform.evaluation.predictors import (
    BagOfWords,
    Constant,
    LengthOnly,
    Opinion,
    Predictor,
    Recalibrated,
    StoredOpinion,
    Tracks,
    Uniform,
    sung,
)


def tracks(first: int, labels: list[float], texts: tuple[str, ...] = ()) -> Tracks:
    count = len(labels)
    groups = tuple(f"g{(first + row) // 2}" for row in range(count))
    return Tracks(tuple(range(first, first + count)), np.array(labels), groups, np.arange(100.0, 100.0 + count), texts)


TRAIN, TEST = tracks(0, [2.0, 3.0, 3.0, 8.0] * 5), tracks(100, [5.0, 6.0, 7.0])


def test_constants_are_those_of_train() -> None:
    said = [Constant(name, "", statistic=name).fit(TRAIN).predict(TEST).values for name in ("mean", "median")]
    np.testing.assert_array_equal(said, [[4.0] * 3, [3.0] * 3])


def test_chance_is_seeded_and_uses_the_whole_scale() -> None:
    many = tracks(0, [5.0] * 2000)
    first, again, other = (Uniform("random", "", seed=seed).fit(TRAIN).predict(many).values for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (first.min(), first.max()) == (pytest.approx(1, abs=0.05), pytest.approx(10, abs=0.05))


def test_length_is_a_line_over_the_logarithm_of_words() -> None:
    train = Tracks(TRAIN.track_ids, 1 + np.log1p(TRAIN.words), TRAIN.groups, TRAIN.words)
    np.testing.assert_allclose(LengthOnly("length_only", "").fit(train).predict(TEST).values, 1 + np.log1p(TEST.words))


def test_words_are_learned_from_train_alone_and_headers_are_no_words() -> None:
    texts = tuple(f"[Verse: Praised]\n{'golden' if row % 2 else 'dull'} line of the song number" for row in range(40))
    train = tracks(0, [8.0 if row % 2 else 3.0 for row in range(40)], texts)
    test = tracks(100, [5.0, 5.0, 5.0], ("golden line", "dull line", "[Verse: Praised]\nunheard"))
    fitted = BagOfWords("bag_of_words", "", seed=1).fit(train)
    golden, dull, unheard = fitted.predict(test).values
    assert golden > 7
    assert dull < 4
    assert unheard == pytest.approx(5.5, abs=0.5)
    assert "alpha" in fitted.note
    assert "praised" not in fitted.fitted[0].vocabulary_
    assert list(sung(["[Hook]\na [b] c"])) == ["\na [b] c"]


def test_a_failed_opinion_is_a_failure_with_its_reason_and_no_number() -> None:
    said = {100: Opinion(7.0, None), 101: Opinion(None, "invalid JSON")}
    found = StoredOpinion("qwen_zero_shot", "", kind="model", said=said).fit(TRAIN).predict(TEST)
    assert found.failures == {101: "invalid JSON", 102: "not analysed"}
    assert found.values[0] == 7.0
    assert np.isnan(found.values[1:]).all()
    assert list(found.covered) == [True, False, False]


def test_recalibration_is_a_line_on_train_and_needs_ten_opinions() -> None:
    said = {track: Opinion(label / 2 + 1, None) for track, label in zip(TRAIN.track_ids, TRAIN.labels, strict=True)}
    fitted = Recalibrated("r", "", said=said | {100: Opinion(4.0, None)}).fit(TRAIN)
    assert fitted.predict(TEST).values[0] == pytest.approx(6.0)
    assert fitted.predict(TEST).failures == {101: "not analysed", 102: "not analysed"}
    few = {track: said[track] for track in range(9)}
    with pytest.raises(ValueError, match="9 opinions"):
        Recalibrated("r", "", said=few).fit(TRAIN)


def test_who_has_nothing_to_go_by_does_not_compete() -> None:
    names = [found.name for found in contestants(Inputs(TRAIN, TEST, 1))]
    assert names == ["random", "mean", "median", "length_only", "rule_based"]
    said = {"qwen": {100: Opinion(5.0, None)}, "rule_based": {t: Opinion(5.0, None) for t in TRAIN.track_ids}}
    names = [found.name for found in contestants(Inputs(TRAIN, TEST, 1, said))]
    assert names[-3:] == ["rule_based", "rule_based_recalibrated", "qwen_zero_shot"]


def test_no_predictor_changes_its_mind_when_the_held_out_labels_change() -> None:
    other = tracks(100, [1.0, 1.0, 1.0])
    entered: list[Predictor] = [Uniform("u", "", seed=1), Constant("c", ""), LengthOnly("l", "")]
    for predictor in entered:
        fitted = predictor.fit(TRAIN)
        np.testing.assert_array_equal(fitted.predict(TEST).values, fitted.predict(other).values)


def test_commercial_potential_is_judged_on_tracks_that_have_a_label_of_it() -> None:
    labels = dict.fromkeys((*TRAIN.track_ids[:10], 100, 102), 3.0)
    test, found = commercial(CommercialInputs(TRAIN, TEST, labels, "log10 of views", (0.0, 12.0), 1))
    assert test.track_ids == (100, 102)
    assert [predictions.name for predictions in found] == ["median", "length_only"]
    np.testing.assert_allclose([predictions.values for predictions in found], 3.0)
