"""The feature row of a track: the same columns from the database for training and from pasted text for serving."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from rap_platform.features.analysis import analyse
from rap_platform.lyrics.sections import split_sections

# Bump when a column is added, dropped or computed differently: models of another version are not mixed up with it.
VERSION = "2"

# Typed columns of lyric_features that are numbers about craft. Shares and densities, no identity, no popularity, no analyst's opinion.
EAR = (
    "bars",
    "words",
    "out_of_vocabulary_share",
    "syllables_per_line",
    "syllables_per_line_sd",
    "syllables_per_word",
    "rhyme_factor",
    "rhyme_density",
    "end_rhyme_share",
    "rhymes_per_line",
    "internal_rhymes_per_line",
    "link_rhymes_per_line",
    "bridge_rhymes_per_line",
    "chain_rhymes_per_line",
    "multisyllabic_share",
    "perfect_rhyme_share",
    "longest_rhyme_syllables",
    "stress_regularity",
    "line_length_autocorrelation",
    "pauses_per_line",
    "type_token_ratio",
    "mattr_50",
    "mtld",
    "rare_word_share",
    "novel_word_share",
    "hook_share",
    "repeated_line_share",
    "compression_ratio",
    "alliteration_per_line",
    "assonance_per_line",
    "consonance_per_line",
    "anaphora_share",
    "similes_per_100_lines",
    "profanity_per_100_words",
)
# What the figures tell, by subject; with the embedding as one block, every column is in exactly one family.
_SUBJECTS = {
    "length": ("bars", "words"),
    "language": ("out_of_vocabulary_share",),
    "flow": (
        "syllables_per_line",
        "syllables_per_line_sd",
        "syllables_per_word",
        "stress_regularity",
        "line_length_autocorrelation",
        "pauses_per_line",
    ),
    "rhyme": (
        "rhyme_factor",
        "rhyme_density",
        "end_rhyme_share",
        "rhymes_per_line",
        "internal_rhymes_per_line",
        "link_rhymes_per_line",
        "bridge_rhymes_per_line",
        "chain_rhymes_per_line",
        "multisyllabic_share",
        "perfect_rhyme_share",
        "longest_rhyme_syllables",
    ),
    "vocabulary": ("type_token_ratio", "mattr_50", "mtld", "rare_word_share", "novel_word_share"),
    "repetition": ("hook_share", "repeated_line_share", "compression_ratio"),
    "devices": (
        "alliteration_per_line",
        "assonance_per_line",
        "consonance_per_line",
        "anaphora_share",
        "similes_per_100_lines",
    ),
    "profanity": ("profanity_per_100_words",),
}
# Feature rows of these statuses enter training and are predicted for.
HEARD = frozenset({"ok", "low_confidence"})
DIMENSION = 384
TEXT = tuple(f"embedding_{number:03d}" for number in range(DIMENSION))
COLUMNS = (*EAR, *TEXT)
FAMILIES = {**_SUBJECTS, "embedding": TEXT}

Vector = npt.NDArray[np.float32]


class Unheard(ValueError):
    """The text can't be judged: too short, or not English; the message says which."""


class Encoded(Protocol):
    """What an encoder returns: unit vectors, float32 (n, 384)."""

    @property
    def vectors(self) -> Vector: ...


class TextEncoder(Protocol):
    """Anything that turns whole texts into vectors, as embeddings.encoders.minilm.Encoder does."""

    def encode_whole(self, texts: Sequence[str]) -> Encoded: ...


def frame(
    track_ids: Sequence[int], ears: Mapping[int, Sequence[float | None]], vectors: Mapping[int, Vector]
) -> pd.DataFrame:
    """One row per track id in that order, columns COLUMNS, float64; what is missing is NaN, never a number.

    `ears` holds values in the order of EAR, `vectors` lyrics embeddings of 384.
    """
    ear = np.array(
        [[np.nan if value is None else value for value in ears.get(t, (None,) * len(EAR))] for t in track_ids],
        dtype=float,
    )
    text = np.array([vectors[t] if t in vectors else np.full(DIMENSION, np.nan) for t in track_ids], dtype=float)
    data = np.hstack([ear.reshape(len(track_ids), len(EAR)), text.reshape(len(track_ids), DIMENSION)])
    return pd.DataFrame(data, columns=list(COLUMNS), index=pd.Index(track_ids, name="track_id"))


def features_for_text(lyrics: str, encoder: TextEncoder, language: str | None) -> pd.DataFrame:
    """The one-row frame of pasted lyrics, made by the code that fills the database.

    `lyrics` should be cleaned first (lyrics.cleaning.clean), `language` detected (lyrics.languages.language_of), as those of tracks
    are. Raises Unheard for a text that no training track resembles: too short, or not English.
    """
    heard = analyse(lyrics, language)
    if heard.status not in HEARD:
        raise Unheard(heard.reason or heard.status)
    vector = text_vector(lyrics, encoder)
    if vector is None:
        raise Unheard("no section has words")
    return frame([0], {0: [getattr(heard, column) for column in EAR]}, {0: vector})


def text_vector(lyrics: str, encoder: TextEncoder) -> Vector | None:
    """The lyrics embedding of a track: normalised mean of its sections' vectors; None when nothing is sung."""
    texts = [section.text for section in split_sections(lyrics) if section.text.strip()]
    if not texts:
        return None
    return mean_vector(encoder.encode_whole(texts).vectors)


def mean_vector(sections: Vector) -> Vector | None:
    """The normalised mean of section vectors (n, 384), as the database keeps them; None when they cancel out."""
    stored = sections.astype(np.float16)  # the database keeps half precision
    mean = stored.astype(np.float32).mean(axis=0)
    norm = float(np.linalg.norm(mean))
    return None if norm == 0 else np.asarray(mean / norm, dtype=np.float32)
