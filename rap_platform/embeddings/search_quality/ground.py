"""All lines of a library and which songs hold them: what a question's right answers are, and whether it has any that are fair. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from rap_platform.embeddings.search_quality.library import Song, Source
from rap_platform.embeddings.search_quality.mishearing import Phones
from rap_platform.features import phonetics

MOST_SONGS = 5  # a line that more songs hold is no fair question
SHORTEST = 4  # words
LONGEST = 24  # words: what is longer is prose set as one line
_FIRST_SIGN = 0xE000  # signs of words in the strings that are compared; surrogates lie below


@dataclass(frozen=True, slots=True)
class Line:
    """A line as its words, lower-cased, with the songs (originals) that hold it; `first` is the song it was met in first."""

    words: tuple[str, ...]
    source: Source
    first: int
    songs: frozenset[int]


class Ground:
    """The lines of a library, compared by their words and by their phones."""

    def __init__(self, songs: Sequence[Song], of_word: Mapping[str, Phones]) -> None:
        self._of_word = of_word
        holders: defaultdict[tuple[str, ...], set[int]] = defaultdict(set)
        first: dict[tuple[str, ...], Song] = {}
        texts: defaultdict[int, list[str]] = defaultdict(list)
        for song in songs:
            for text in song.lines:
                words = tuple(phonetics.words(text))
                holders[words].add(song.original_id)
                first.setdefault(words, song)
                texts[song.original_id].append(f" {' '.join(words)} ")
        self.lines = [
            Line(words, first[words].source, first[words].original_id, frozenset(held))
            for words, held in holders.items()
        ]
        self._texts = {original_id: "\n".join(lines) for original_id, lines in texts.items()}
        self._sections = [
            (song.original_id, frozenset(word for line in section for word in phonetics.words(line)))
            for song in songs
            for section in song.sections
        ]
        self._signs: dict[str, str] = {}

    def of(self, source: Source) -> Iterator[Line]:
        """The lines of a source that are fit to ask for: long enough, and in few songs."""
        for line in self.lines:
            if line.source == source and SHORTEST <= len(line.words) <= LONGEST and len(line.songs) <= MOST_SONGS:
                yield line

    def holding(self, run: Sequence[str]) -> frozenset[int]:
        """The songs that hold these words one after the other in a line."""
        wanted = f" {' '.join(run)} "
        return frozenset(original_id for original_id, text in self._texts.items() if wanted in text)

    def having(self, words: Collection[str]) -> frozenset[int]:
        """The songs that have all of these words in one section."""
        wanted = set(words)
        return frozenset(original_id for original_id, held in self._sections if wanted <= held)

    def rivals_by_words(self, asked: Sequence[str], line: Line) -> frozenset[int]:
        """Songs with a line at least as near to the question as its own is, in words inserted, dropped or replaced."""
        return self._rivals(self._spelt(asked), self._spelt(line.words), self._by_words, line)

    def rivals_by_phones(self, asked: Sequence[str], line: Line) -> frozenset[int]:
        """Songs with a line at least as near to the question as its own is, in phones inserted, dropped or replaced."""
        return self._rivals(self._said(asked), self._said(line.words), self._by_phones, line)

    def _rivals(self, asked: str, own: str, lines: Sequence[str], line: Line) -> frozenset[int]:
        distance = Levenshtein.distance(asked, own)
        near = process.extract_iter(asked, lines, scorer=Levenshtein.distance, score_cutoff=distance)
        return frozenset().union(*(self.lines[index].songs for _, _, index in near)) - line.songs

    @cached_property
    def _by_words(self) -> list[str]:
        return [self._spelt(line.words) for line in self.lines]

    @cached_property
    def _by_phones(self) -> list[str]:
        return [self._said(line.words) for line in self.lines]

    def _spelt(self, words: Iterable[str]) -> str:
        return "".join(self._sign(word) for word in words)

    def _said(self, words: Iterable[str]) -> str:
        """A sign for each phone; a word that the dictionary lacks is said letter by letter."""
        return "".join(self._sign(f"/{phone}") for word in words for phone in self._of_word.get(word, tuple(word)))

    def _sign(self, name: str) -> str:
        return self._signs.setdefault(name, chr(_FIRST_SIGN + len(self._signs)))
