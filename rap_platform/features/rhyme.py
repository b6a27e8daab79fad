"""The rhymes inside a song after Hirjee and Brown (2010): where they are, of what kind, how dense. Line ends are in schemes.py.

How alike two syllables sound is learned (likeness.py); here stretches of likely pairs are found, a line against itself and against the
line before. The other rhyme density of the field, Malmi's rhyme factor, is in malmi.py: the two are different constructs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from rap_platform.features import malmi, schemes
from rap_platform.features.hearing import Bools, Floats, Ints, Places, Sound, gathered, joined
from rap_platform.features.scoring import ALONE, ANCHOR, AT_ENDS, EXTEND, MEAN, near, without_repeats

LONGEST_LINE = 64  # syllables; a longer line is read in pieces of this length
_SONGS_AT_ONCE = 16
_MOST = 12  # syllables of a rhyme
_AT_ONCE = 50_000  # pairs of syllables that are looked at together
_LINK = 3  # syllables before the end of a line from which a rhyme into the next line is a link


@dataclass(frozen=True, slots=True, eq=False)
class Rhymes:
    """The r rhymes of a song in order of their second part: syllable numbers of both parts, length in syllables, log-odds.

    Every syllable is part of at most one rhyme as its second part (the likeliest), so the lengths add up to the syllables that answer
    an earlier one. Kinds: `internal` within a line; `end` from line end to line end; `link` from the end of a line into the next;
    `bridge` the other rhymes across lines. `chained`: the second part follows the first at once. `perfect`: vowels and consonants are equal.
    """

    first: Places
    second: Places
    length: Places
    score: Floats
    internal: Bools
    end: Bools
    link: Bools
    bridge: Bools
    chained: Bools
    perfect: Bools


@dataclass(frozen=True, slots=True)
class RhymeFigures:
    """The rhyme of a whole song; shares are 0 to 1.

    `density` is Hirjee and Brown's: rhyme lengths in syllables over all syllables (about a quarter for rap); `factor` is Malmi's (about
    1 for rap). `multisyllabic_share`, `perfect_share` and `slant_share` are shares of the rhymes, None where there is none;
    `chain_per_bar` counts syllables of chained rhymes. `longest` is in syllables.
    """

    density: float
    factor: float | None
    end_share: float
    rhymes_per_bar: float
    internal_per_bar: float
    link_per_bar: float
    bridge_per_bar: float
    chain_per_bar: float
    multisyllabic_share: float | None
    perfect_share: float | None
    slant_share: float | None
    longest: int
    scheme: str | None
    section_schemes: tuple[schemes.SectionScheme, ...]


def find_rhymes(sound: Sound) -> Rhymes:
    """Every rhyme within a line or with the line before; the same word twice is repetition, not rhyme.

    Cost grows with the syllables times the length of their lines, which counts up to LONGEST_LINE.
    """
    piece, before = _pieces(sound)
    found = [_candidates(sound, piece, ones, others) for ones, others in _pairs(before)]
    first, second, length, score = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return _classified(sound, *_chosen(first, second, length, score, sound.syllables))


def _pieces(sound: Sound) -> tuple[Places, Places]:
    """For each syllable the number of its line (or piece of a long one), and where the piece before it begins."""
    at = np.arange(sound.syllables)
    fresh = (at - sound.begin[sound.bar]) % LONGEST_LINE == 0
    piece = fresh.cumsum() - 1
    begins = at[fresh]
    song = sound.song[sound.bar[begins]]
    last = np.arange(len(begins)) - 1
    last += (last < 0) | (song[last] != song)  # the first of a song has none before it
    return piece, begins[last][piece]


def _pairs(before: Places) -> Iterator[tuple[Places, Places]]:
    """Each syllable with all before it from `before` on, a limited number at a time."""
    at = np.arange(len(before))
    counts = at - before
    until = counts.cumsum()
    edges = np.append(
        np.flatnonzero(np.diff(before, prepend=-1)), len(at)
    )  # a rhyme runs on inside a line: cut between lines
    start = 0
    while start < len(at):
        done = until[start - 1] if start else 0
        enough = np.searchsorted(until, done + _AT_ONCE, side="right")
        stop = int(
            edges[max(np.searchsorted(edges, enough, side="right") - 1, np.searchsorted(edges, start, side="right"))]
        )
        size = counts[start:stop]
        others = at[start:stop].repeat(size)
        yield np.arange(len(others)) + np.repeat(before[start:stop] - until[start:stop] + size + done, size), others
        start = stop


def _candidates(sound: Sound, piece: Places, ones: Places, others: Places) -> tuple[Places, Places, Places, Floats]:
    """The likeliest rhyme of each run of likely pairs: first and second syllable, length, score."""
    ones, others, score = near(sound, ones, others)
    texts = sound.text[sound.word]
    score = without_repeats(score, texts[ones] == texts[others])
    likely = (score >= EXTEND).nonzero()[0]
    ones, others, score = ones[likely], others[likely], score[likely]
    order = _by_diagonal(ones, others)
    ones, others, score = ones[order], others[order], score[order]
    fresh = np.ones(len(ones), np.bool_)
    here, there = piece[ones], piece[others]
    fresh[1:] = (others[1:] != others[:-1] + 1) | (ones[1:] != ones[:-1] + 1)
    fresh[1:] |= (here[1:] != here[:-1]) | (there[1:] != there[:-1])
    run = fresh.cumsum() - 1
    carries = sound.stressed[ones] & sound.stressed[others] & (texts[ones] != texts[others]) & (score >= ANCHOR)
    kept = np.flatnonzero((np.bincount(run, carries) > 0)[run]) if len(run) else run
    ones, others, score, run = ones[kept], others[kept], score[kept], run[kept]
    length, total = _best(sound, ones, others, score, run, carries[kept])
    good = length.nonzero()[0]
    best = good[np.lexsort((-total[good], run[good]))]
    best = best[np.diff(run[best], prepend=-1) != 0]
    return ones[best], others[best], length[best], total[best]


def _by_diagonal(ones: Places, others: Places) -> Places:
    """The order of pairs by their distance, then by their second syllable: runs of neighbours stand together. Every pair is different."""
    if not len(ones):
        return ones
    start = others[0]
    width = others[-1] - start + 1
    key = (others - ones) * width + others - start
    slots = np.zeros(key.max() + 1, np.int32)
    slots[key] = np.arange(1, len(key) + 1, dtype=np.int32)
    order: Places = slots[slots.nonzero()[0]] - np.int64(1)
    return order


def _best(
    sound: Sound, ones: Places, others: Places, score: Floats, run: Places, carries: Bools
) -> tuple[Places, Floats]:
    """For each pair the length (0: none) and score of the likeliest rhyme that begins with it; `carries` can hold a rhyme up."""
    repeated = sound.text[sound.word[ones]] == sound.text[sound.word[others]]
    ends = sound.final[ones] | sound.final[others]
    longest = np.where(sound.bar[ones] != sound.bar[others], _MOST, others - ones)
    closing = _closing(sound, ones, others)
    length = (carries & (score >= np.where(closing, AT_ENDS, ALONE)) & ends).astype(np.int64)
    total = np.where(length > 0, score, np.float32(0))
    summed, carried = score.copy(), carries.copy()
    alive = (~repeated).nonzero()[0]
    for more in range(1, _MOST):
        alive = alive[(alive + more < len(run)) & (more < longest[alive])]
        alive = alive[run[alive + more] == run[alive]]
        if not len(alive):
            break
        reached = alive + more
        summed[alive] += score[reached]
        carried[alive] |= carries[reached]
        least = np.where(closing[reached], np.float32(AT_ENDS), np.float32(MEAN)) * (more + 1)
        enough = carried[alive] & ends[reached] & (summed[alive] >= np.maximum(least, total[alive]))
        good = alive[enough]
        length[good], total[good] = more + 1, summed[good]
    return length, total


def _closing(sound: Sound, ones: Places, others: Places) -> Bools:
    """Whether two syllables are the last of two different lines, closing ad-libs apart."""
    line, line_2 = sound.bar[ones], sound.bar[others]
    found: Bools = (line != line_2) & (ones + 1 == sound.close[line]) & (others + 1 == sound.close[line_2])
    return found


def _chosen(
    first: Places, second: Places, length: Places, score: Floats, syllables: int
) -> tuple[Places, Places, Places, Floats]:
    """The likeliest first, then those whose second part is free still, nearer before farther; in order of their second part."""
    order = np.lexsort((second - first, -score))
    taken = bytearray(syllables)
    kept = []
    for at, begin, size in zip(order.tolist(), second[order].tolist(), length[order].tolist(), strict=True):
        if not any(taken[begin : begin + size]):
            taken[begin : begin + size] = b"\1" * size
            kept.append(at)
    chosen = np.array(kept, dtype=np.int64)
    chosen = chosen[np.argsort(second[chosen])]
    return first[chosen], second[chosen], length[chosen], score[chosen]


def _classified(sound: Sound, first: Places, second: Places, length: Places, score: Floats) -> Rhymes:
    line, line_2 = sound.bar[first], sound.bar[second]
    internal = line == line_2
    end = ~internal & (first + length == sound.close[line]) & (second + length == sound.close[line_2])
    link = ~internal & ~end & (first >= sound.close[line] - _LINK)
    ones, others = gathered(first, length), gathered(second, length)
    equal = (sound.vowel[ones] == sound.vowel[others]) & (sound.tail[ones] == sound.tail[others])
    starts = length.cumsum() - length
    perfect = np.logical_and.reduceat(equal, starts) if len(starts) else np.zeros(0, np.bool_)
    return Rhymes(
        first, second, length, score, internal, end, link, ~internal & ~end & ~link, second == first + length, perfect
    )


def measure(sound: Sound) -> RhymeFigures:
    """All rhyme figures of a song of at least one bar with a syllable in it."""
    return measure_all([sound])[0]


def measure_all(sounds: Sequence[Sound]) -> list[RhymeFigures]:
    """The rhyme figures of songs of at least one bar with a syllable in it, several at once: much faster than one by one."""
    found: list[RhymeFigures] = []
    for start in range(0, len(sounds), _SONGS_AT_ONCE):
        for _, alike in groupby(sounds[start : start + _SONGS_AT_ONCE], key=lambda sound: id(sound.lexicon)):
            found += _measured(joined(list(alike)))
    return found


def _measured(sound: Sound) -> list[RhymeFigures]:
    rhymes, pairs = find_rhymes(sound), schemes.end_rhymes(sound)
    songs = int(sound.song[-1]) + 1
    song = sound.song[sound.bar[rhymes.second]]
    longest = np.zeros(songs, np.int64)
    np.maximum.at(longest, song, rhymes.length)
    rhymed = np.array(sorted(schemes.rhymed_bars(pairs)), np.int64)

    def counted(of: Ints, weights: Ints | Places | Bools | None = None) -> list[float]:
        counts: list[float] = np.bincount(of, weights, minlength=songs).tolist()
        return counts

    columns = zip(
        counted(sound.song),
        counted(sound.song[sound.bar]),
        counted(song),
        counted(song, rhymes.length),
        *(counted(song, kind) for kind in (rhymes.internal, rhymes.link, rhymes.bridge)),
        counted(song, np.where(rhymes.chained, rhymes.length, 0)),
        counted(song, rhymes.length > 1),
        counted(song, rhymes.perfect),
        counted(sound.song[rhymed]),
        malmi.rhyme_factors(sound),
        longest.tolist(),
        schemes.sections(sound, pairs),
        strict=True,
    )
    return [_figures(*column) for column in columns]


def _figures(
    bars: int,
    syllables: int,
    count: int,
    lengths: float,
    internal: float,
    link: float,
    bridge: float,
    chain: float,
    multis: float,
    perfect: float,
    rhymed: int,
    factor: float | None,
    longest: int,
    by_section: list[schemes.SectionScheme],
) -> RhymeFigures:
    return RhymeFigures(
        density=lengths / syllables,
        factor=factor,
        end_share=rhymed / bars,
        rhymes_per_bar=count / bars,
        internal_per_bar=internal / bars,
        link_per_bar=link / bars,
        bridge_per_bar=bridge / bars,
        chain_per_bar=chain / bars,
        multisyllabic_share=multis / count if count else None,
        perfect_share=perfect / count if count else None,
        slant_share=1 - perfect / count if count else None,
        longest=longest,
        scheme=next((found.scheme for found in by_section if found.bars >= schemes.LEAST_BARS), None),
        section_schemes=tuple(by_section),
    )
