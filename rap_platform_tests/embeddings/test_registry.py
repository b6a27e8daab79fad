"""Encoders are had by name, once, and the database says which one searches ask."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psycopg
import pytest

from rap_platform.embeddings.encoders.encoding import NotConfiguredHere
from rap_platform.embeddings.encoders.registry import EncoderError, Encoders
from rap_platform.settings import Settings


@pytest.fixture(scope="session")
def encoders(shared_models: Path) -> Encoders:
    return Encoders(Settings(data_dir=shared_models.parent))


def test_an_encoder_is_loaded_once_however_many_ask(encoders: Encoders) -> None:
    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(encoders.get, ["minilm"] * 16))
    assert all(encoder is found[0] for encoder in found)
    assert encoders.loaded("minilm")
    assert (found[0].name, found[0].dimension, found[0].max_word_pieces) == ("minilm", 384, 256)
    assert found[0].model == "sentence-transformers/all-MiniLM-L6-v2"


def test_an_unknown_name_is_refused_with_the_known_ones(encoders: Encoders) -> None:
    with pytest.raises(EncoderError, match=r"no encoder 'e5' is configured; there are: minilm"):
        encoders.get("e5")


def test_minilm_serves_and_one_that_is_not_configured_here_is_named(
    encoders: Encoders, connection: psycopg.Connection
) -> None:
    assert encoders.serving(connection).name == "minilm"
    connection.execute("insert into encoders (name, model, dimension, fingerprint) values ('e5', 'e5-small', 384, 'f')")
    connection.execute("insert into serving_encoder (name) values ('e5')")
    with pytest.raises(NotConfiguredHere, match="no encoder 'e5' is configured; there are: minilm, minilm_int8"):
        encoders.serving(connection)


def test_the_sketch_needs_no_forward_pass_and_points_at_the_line(encoders: Encoders) -> None:
    likeness = encoders.sketch("lonely night at sea", ["We laughed in town", "Alone on the dark ocean", "Count money"])
    assert int(np.argmax(likeness)) == 1
