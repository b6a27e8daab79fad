"""What a question's text is on the lexical sides: its words, stems, phrases and sounds, and how common each is.

How sections are found by them is in words.py and sounds.py, how words are corrected in spelling.py.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

from rap_platform.embeddings.search import saying, sound_keys, spelling, term_queries
from rap_platform.embeddings.search.question import WORD

SAMPLED_SECTIONS = 20_000
LISTED_SHARE = 0.0005  # of the sections: rarer terms need no planning, even among millions of sections
LISTED_COUNT = 2
GROWTH = 0.1  # of the collection, after which shares are sampled again
MAX_WORDS = 64  # distinct ones of a question that count: as many as eight lines have
MAX_PHRASES = 8
_PHRASE = re.compile(r'["“”]([^"“”]*)["“”]')
_VERSIONS = {"lexeme": "english", "sound": sound_keys.VERSION}


@dataclass(frozen=True)
class Phrase:
    """Words that must be held as they stand; `query` is them as a tsquery, empty when all of them are stop words."""

    text: str
    query: str


@dataclass(frozen=True)
class Terms:
    """What a question's text is on the lexical sides.

    `words` are its distinct words in lower case, as asked and in order; `corrected` maps those that no section holds to the word
    looked for instead; `stems` maps each of `words` to the lexemes looked for (none for a stop word). `lexemes` and `sounds` map
    each term to ln(1 / share of the sections that hold it), 0 or more; every phrase must be held. `sections` is about how many there
    are, 0 when nobody has counted yet.
    """

    text: str
    words: tuple[str, ...]
    corrected: Mapping[str, str]
    stems: Mapping[str, tuple[str, ...]]
    lexemes: Mapping[str, float]
    sounds: Mapping[int, float]
    phrases: tuple[Phrase, ...]
    sections: int


@dataclass(frozen=True)
class Sample:
    """A sample of the collection: how many sections there were, how many were looked at, how many terms are listed."""

    kind: str
    sections: int
    sampled: int
    terms: int


def read(conn: psycopg.Connection[Any], text: str) -> Terms:
    """Read a question: split it, correct the words that nobody sings, look up how common its terms are.

    At most 64 distinct words and 8 phrases count. From here on the transaction reads by index wherever there is one.
    """
    words = tuple(dict.fromkeys(word.replace("’", "'") for word in WORD.findall(text.lower())))[:MAX_WORDS]
    with conn.pipeline():
        conn.execute(term_queries.BY_INDEX)
        split = conn.execute(term_queries.SPLIT, {"words": list(words)})
        saying.recall(conn, [text])
        found = _split(split)
    unsung = [word for word, (_, sections) in found.items() if sections == 0]
    corrected = spelling.correct(conn, unsung) if unsung else {}
    known = found
    if corrected:
        known = found | _split(conn.execute(term_queries.SPLIT, {"words": sorted(set(corrected.values()))}))
    stems = {word: known[corrected.get(word, word)][0] for word in words}
    sung = {word: known[corrected.get(word, word)][1] for word in words}
    sounds = sound_keys.keys("\n".join(first_words(text)))
    shares = _shares(conn, {stem for held in stems.values() for stem in held}, sounds)
    lexemes = {
        stem: _weight(shares.of("lexeme", stem, at_least=sung[word])) for word, held in stems.items() for stem in held
    }
    return Terms(
        text=text,
        words=words,
        corrected=corrected,
        stems=stems,
        lexemes=lexemes,
        sounds={key: _weight(shares.of("sound", str(key))) for key in sounds},
        phrases=_phrases(conn, text),
        sections=shares.sections,
    )


def sample(conn: psycopg.Connection[Any]) -> list[Sample]:
    """Count the terms of up to 20,000 sections anew, where the collection changed by a tenth since or terms are made otherwise.

    Only one process counts at a time, a second one waits and finds it done.
    """
    taken = []
    for kind, statements in term_queries.SAMPLES.items():
        with conn.transaction():
            conn.execute(term_queries.LOCK, {"lock": f"rap_platform common terms {kind}"})
            row = conn.execute(statements.state, {"kind": kind}).fetchone()
            sections, before, version = row if row else (0, 0, None)
            if version != _VERSIONS[kind] or abs(sections - before) > GROWTH * before:
                taken.append(_sample(conn, kind, statements, int(sections)))
    return taken


def coverage(terms: Mapping[Any, float], held: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The share of the question's weight that each of some sections holds, 0 to 1."""
    total = sum(terms.values())
    return np.minimum(1.0, held / total) if total > 0 else np.zeros(len(held))


def shares(weights: Iterable[float]) -> list[float]:
    """Shares of sections from the weights made of them."""
    return [math.exp(-weight) for weight in weights]


def first_words(text: str) -> list[str]:
    """The lines of a text up to its 64th word, blanks between words single: what is heard of a question."""
    lines = []
    left = MAX_WORDS
    for line in text.split("\n"):
        words = line.split()[:left]
        left -= len(words)
        lines.append(" ".join(words))
        if left <= 0:
            break
    return lines


@dataclass(frozen=True)
class _Shares:
    """Shares of the listed terms by kind; `rare` is the share from which on a term of a kind is listed."""

    listed: Mapping[tuple[str, str], float]
    rare: Mapping[str, float]
    sections: int

    def of(self, kind: str, term: str, *, at_least: int = 0) -> float:
        """The share of a term: as sampled, else half of what is listed, or what its own word is known to have."""
        known = self.listed.get((kind, term))
        if known is not None:
            return known
        below = self.rare.get(kind, LISTED_SHARE)
        return max(below / 2, min(below, at_least / self.sections)) if self.sections else below / 2


def _split(split: psycopg.Cursor[Any]) -> dict[str, tuple[tuple[str, ...], int]]:
    """Each word's lexemes and the number of sections that hold it; of a word with an apostrophe the number is of no use, so 1."""
    return {word: (tuple(lexemes), sections) for word, lexemes, sections in split.fetchall()}


def _shares(conn: psycopg.Connection[Any], lexemes: Iterable[str], sounds: Iterable[int]) -> _Shares:
    parameters = {"lexemes": sorted(lexemes), "sounds": [str(key) for key in sounds]}
    listed: dict[tuple[str, str], float] = {}
    rare: dict[str, float] = {}
    sections = 0
    for kind, term, value, counted in conn.execute(term_queries.SHARES, parameters).fetchall():
        if term is None:
            rare[kind] = value
            sections = max(sections, counted)
        else:
            listed[kind, term] = value
    return _Shares(listed, rare, sections)


def _weight(share: float) -> float:
    return math.log(1 / min(1.0, share))


def _phrases(conn: psycopg.Connection[Any], text: str) -> tuple[Phrase, ...]:
    phrases = [phrase.strip() for phrase in _PHRASE.findall(text) if WORD.search(phrase)][:MAX_PHRASES]
    if not phrases:
        return ()
    rows = conn.execute(term_queries.PHRASES, {"phrases": phrases}).fetchall()
    return tuple(Phrase(phrase, query) for phrase, query in rows)


def _sample(conn: psycopg.Connection[Any], kind: str, statements: term_queries.Sampling, sections: int) -> Sample:
    percent = min(100.0, 100.0 * SAMPLED_SECTIONS / max(1, sections))
    parameters = {"kind": kind, "percent": percent, "limit": SAMPLED_SECTIONS, "version": _VERSIONS[kind]}
    parameters |= {"sections": sections, "least_share": LISTED_SHARE, "least_count": LISTED_COUNT}
    conn.execute(term_queries.FORGET_TERMS, parameters)
    terms = conn.execute(statements.count, parameters).rowcount
    row = conn.execute(term_queries.SAMPLED, parameters).fetchone()
    return Sample(kind, sections, int(row[0]) if row else 0, terms)
