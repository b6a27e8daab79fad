"""A line as it is heard: its words and where they stand, its pairs of vowels. Heard once, for whoever compares it. Pure."""

from functools import cached_property, lru_cache

from rap_platform.embeddings.search import sound_keys
from rap_platform.features.phonetics import tokens, words

MOST_LINES = 8192  # remembered: about 20 MB
MOST_WORDS = 100  # of a line, so that nobody waits for "la la la"


class Heard:
    """A line of which only what is asked for is made: its words in lower case, at once; the pairs of its first hundred."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.words = words(line)

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """The characters [start, end) of each word."""
        return [(token.start, token.end) for token in tokens(self.line)]

    @cached_property
    def pair_keys(self) -> frozenset[int]:
        """The keys of all pairs of the line."""
        return frozenset(sound_keys.pairs_held(self.words))

    @cached_property
    def _paired(self) -> tuple[list[str], list[tuple[int, int]]]:
        return sound_keys.pairs_of(self.words[:MOST_WORDS])

    @property
    def pairs(self) -> list[str]:
        """Each vowel with the consonants after it and the next vowel, in order, as characters."""
        return self._paired[0]

    @property
    def owners(self) -> list[tuple[int, int]]:
        """Of each of `pairs` the positions of the words that its two vowels stand in."""
        return self._paired[1]


@lru_cache(maxsize=MOST_LINES)
def heard(line: str) -> Heard:
    """The line as it is heard; of words that no list has `saying.recall` is to be asked before."""
    return Heard(line)
