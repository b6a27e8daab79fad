"""What the encoders made of MiniLM's weights share: word pieces, cuts, windows, batches. What runs the model is elsewhere."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import tokenizers

from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.encoders.encoding import Encoded, Vectors, mean_of_parts
from rap_platform.embeddings.encoders.windows import windows

MARKERS = 2  # [CLS] and [SEP]
READING = "mean pooling, unit length, windows of 254 along lines"  # how texts are read; a change needs another name


class WordPieceEncoder(ABC):
    """The pinned MiniLM, whatever runs it; a subclass turns word pieces into vectors."""

    model = weights.MODEL
    dimension = weights.DIMENSION
    max_word_pieces = weights.MAX_WORD_PIECES

    def __init__(self, name: str, folder: Path, *, variant: str = "") -> None:
        """Load the tokenizer in the weights' `folder`. `variant` names what makes vectors differ from the reference's."""
        self.name = name
        self.fingerprint = fingerprint(variant)
        self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    @abstractmethod
    def encode_pieces(self, pieces: Sequence[list[int]]) -> Vectors:
        """Unit vectors, float32 (n, 384), of word-piece ids with their markers, none over the limit."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, 384), in the order of the texts; what lies beyond 256 word pieces is not read."""
        return self.encode_cut(texts).vectors

    def encode_cut(self, texts: Sequence[str]) -> Encoded:
        """As `encode`; `over_limit` says how many texts were cut."""
        pieces = self.word_pieces(texts)
        over = sum(len(ids) > self.max_word_pieces for ids in pieces)
        pieces = [self._cut(ids) for ids in pieces]
        return Encoded(self.encode_pieces(pieces), over, sum(map(len, pieces)))

    def encode_whole(self, texts: Sequence[str]) -> Encoded:
        """Unit vectors that read every word: a text over the limit is the normalised mean of its windows, cut along lines."""
        pieces: list[list[int]] = []
        owners: list[int] = []
        over = 0
        for owner, (text, ids) in enumerate(zip(texts, self.word_pieces(texts), strict=True)):
            parts = [ids]
            if len(ids) > self.max_word_pieces:
                over += 1
                lines = [line[1:-1] for line in self.word_pieces(text.split("\n"))]
                parts = [[ids[0], *window, ids[-1]] for window in windows(lines, self.max_word_pieces - MARKERS)]
            pieces.extend(parts)
            owners.extend([owner] * len(parts))
        vectors = self.encode_pieces(pieces)
        if over:
            vectors = mean_of_parts(vectors, owners, len(texts))
        return Encoded(vectors, over, sum(map(len, pieces)))

    def word_pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """The word-piece ids of each text, markers included, uncut."""
        if len(texts) == 1:  # a batch of one starts threads
            return [self._tokenizer.encode(texts[0]).ids]
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def _cut(self, ids: list[int]) -> list[int]:
        return ids if len(ids) <= self.max_word_pieces else [*ids[: self.max_word_pieces - 1], ids[-1]]


def fingerprint(variant: str = "") -> str:
    """The sha256 of what vectors of the pinned weights depend on; the same for every runtime that agrees with the reference."""
    parts = [weights.SHA256["model.safetensors"], weights.SHA256["tokenizer.json"], READING, *filter(None, [variant])]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions grouped so that texts of like length share a pass and rows times width stays within the budget."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        if batch and (len(batch) + 1) * lengths[index] > budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
