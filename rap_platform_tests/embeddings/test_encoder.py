"""Vectors are unit, do not depend on their company, and long texts are read to the end."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rap_platform.embeddings.encoders.onnx import Encoder
from rap_platform.embeddings.encoders.wordpieces import batches

LINES = ["the sea at night", "money and power in the city", "a lonely ship upon the dark water"]


def test_vectors_are_unit_and_near_what_means_the_same(encoder: Encoder) -> None:
    vectors = encoder.encode(LINES)
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[1] + 0.3


def test_a_vector_does_not_depend_on_its_batch(encoder: Encoder) -> None:
    company = [*LINES, " ".join(["another longer text"] * 60)]
    assert encoder.encode(company)[:3] == pytest.approx(np.vstack([encoder.encode([line]) for line in LINES]), abs=1e-5)


def test_many_texts_go_through_passes_side_by_side_and_keep_their_order(encoder: Encoder) -> None:
    texts = [f"{line} {number} {'again ' * (number % 40)}" for number, line in enumerate(LINES * 40)]
    with ThreadPoolExecutor(3) as callers:
        found = list(callers.map(encoder.encode, [texts, texts[::-1], texts]))
    alone = np.vstack([encoder.encode([text]) for text in texts[::10]])
    assert found[0][::10] == pytest.approx(alone, abs=1e-5)
    assert found[1][::-1] == pytest.approx(found[0], abs=1e-5)
    assert (found[2] == found[0]).all()


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
    assert found.vectors[1] == pytest.approx(encoder.encode([line])[0], abs=1e-5)


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
