"""Vectors are unit, do not depend on their company, and long texts are read to the end."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rap_platform.embeddings.encoders import exporting, runtimes, weights
from rap_platform.embeddings.encoders.minilm import Encoder, Vectors
from rap_platform.embeddings.encoders.wordpieces import batches

LINES = ["the sea at night", "money and power in the city", "a lonely ship upon the dark water"]


@pytest.fixture(scope="module", params=[runtimes.OnnxRuntime, runtimes.OpenVino])
def encoder(request: pytest.FixtureRequest, shared_models: Path) -> Encoder:
    """The encoder over each runtime, whatever this processor would have."""
    folder = exporting.ensure_export(shared_models.parent)
    file = exporting.OPENVINO_FILE if request.param is runtimes.OpenVino else exporting.MODEL_FILE
    return Encoder(request.param(folder / file, 2), weights.weights_folder(), passes=2)


def assert_same(ours: Vectors, theirs: Vectors, runtime: runtimes.Runtime) -> None:
    """Passes of other shapes add up in another order, which bfloat16 rounds more coarsely."""
    least = 0.9999 if isinstance(runtime, runtimes.OpenVino) else 0.999999
    assert ours.shape == theirs.shape
    assert (ours * theirs).sum(axis=-1).min() >= least


def test_vectors_are_unit_and_near_what_means_the_same(encoder: Encoder) -> None:
    vectors = encoder.encode(LINES)
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[1] + 0.3


def test_a_vector_does_not_depend_on_its_batch(encoder: Encoder) -> None:
    company = [*LINES, " ".join(["another longer text"] * 60)]
    alone = np.vstack([encoder.encode([line]) for line in LINES])
    assert_same(encoder.encode(company)[:3], alone, encoder.runtime)


@pytest.mark.parametrize("words", [1, 21, 22, 23, 61, 62, 63, 64, 300])
def test_a_lone_text_is_encoded_the_same_whatever_pass_its_length_takes(encoder: Encoder, words: int) -> None:
    text = " ".join(["love"] * words)
    assert_same(encoder.encode([text]), encoder.encode([text, text])[:1], encoder.runtime)


def test_many_texts_go_through_passes_side_by_side_and_keep_their_order(encoder: Encoder) -> None:
    texts = [f"{line} {number} {'again ' * (number % 40)}" for number, line in enumerate(LINES * 40)]
    with ThreadPoolExecutor(3) as callers:
        found = list(callers.map(encoder.encode, [texts, texts[::-1], texts]))
    alone = np.vstack([encoder.encode([text]) for text in texts[::10]])
    assert_same(found[0][::10], alone, encoder.runtime)
    assert_same(found[1][::-1], found[0], encoder.runtime)
    assert_same(found[2], found[0], encoder.runtime)


def test_nothing_and_an_empty_text_are_encoded(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, 384)
    assert np.linalg.norm(encoder.encode([""])) == pytest.approx(1.0, abs=1e-5)


def test_cut_texts_are_counted(encoder: Encoder) -> None:
    found = encoder.encode_cut(["short", "rain " * 300])
    assert found.over_limit == 1
    assert found.word_pieces == 3 + 256


def test_a_long_text_is_the_mean_of_its_windows(encoder: Encoder) -> None:
    line = "the rain came down upon the harbour and the ships were gone"
    text = "\n".join([line] * 24 + ["gold in the vault"] * 60)
    found = encoder.encode_whole([text, line])
    assert found.over_limit == 1
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    gold = encoder.encode(["gold in the vault"])[0]
    assert found.vectors[0] @ gold > encoder.encode([text])[0] @ gold + 0.1  # the end of the text is read
    assert_same(found.vectors[1:], encoder.encode([line]), encoder.runtime)


def test_every_word_piece_of_a_long_text_is_read_once(encoder: Encoder) -> None:
    text = "one two three four five six seven eight\n" * 100
    windows = -(-800 // 254)
    assert encoder.encode_whole([text]).word_pieces == 800 + 2 * windows


def test_batches_keep_to_the_budget_and_hold_each_text_once() -> None:
    lengths = [5, 200, 7, 256, 3, 90, 256, 12]
    found = list(batches(lengths, 512))
    assert sorted(index for batch in found for index in batch) == list(range(8))
    assert all(len(batch) * max(lengths[index] for index in batch) <= 512 for batch in found)
    assert list(batches([900], 512)) == [[0]]


def test_the_sketch_points_at_the_line_that_means_the_query(encoder: Encoder) -> None:
    likeness = encoder.sketch(
        "lonely night at sea", ["We laughed in town", "Alone on the dark ocean", "Count the money"]
    )
    assert int(likeness.argmax()) == 1
    assert encoder.sketch("anything", []).shape == (0,)
    assert encoder.sketch("sea", [""])[0] == 0.0
