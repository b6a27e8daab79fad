"""The rhymes inside a song after Hirjee and Brown (2010): where they are, of what kind, how dense. Line ends are in schemes.py.

How alike two syllables sound is learned (likeness.py); here stretches of likely pairs are found, a line against itself and against the
line before. The other rhyme density of the field, Malmi's rhyme factor, is in malmi.py: the two are different constructs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from rap_platform.features import malmi, schemes
from rap_platform.features.hearing import Bools, Floats, Places, Sound, gathered, joined
from rap_platform.features.scoring import ALONE, ANCHOR, AT_ENDS, EXTEND, MEAN, near, same_word, without_repeats

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
    score = without_repeats(score, same_word(sound, ones, others))
    likely = (score >= EXTEND).nonzero()[0]
    ones, others, score = ones[likely], others[likely], score[likely]
    order = _by_diagonal(ones, others)
    ones, others, score = ones[order], others[order], score[order]
    fresh = np.ones(len(ones), np.bool_)
    here, there = piece[ones], piece[others]
    fresh[1:] = (others[1:] != others[:-1] + 1) | (ones[1:] != ones[:-1] + 1)
    fresh[1:] |= (here[1:] != here[:-1]) | (there[1:] != there[:-1])
    run = fresh.cumsum() - 1
    carries = sound.stressed[ones] & sound.stressed[others] & ~same_word(sound, ones, others) & (score >= ANCHOR)
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
    ends = sound.final[ones] | sound.final[others]
    longest = np.where(sound.bar[ones] != sound.bar[others], _MOST, others - ones)
    closing = _closing(sound, ones, others)
    length = (carries & (score >= np.where(closing, AT_ENDS, ALONE)) & ends).astype(np.int64)
    total = np.where(length > 0, score, np.float32(0))
    summed, carried = score.copy(), carries.copy()
    alive = (~same_word(sound, ones, others)).nonzero()[0]
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

    def counted(weights: Places | Bools | None = None) -> npt.NDArray[np.float64]:
        return np.bincount(song, weights, minlength=songs).astype(np.float64)

    bars, syllables = np.bincount(sound.song), np.bincount(sound.song[sound.bar], minlength=songs)
    rhymed = np.bincount(sound.song[sorted(schemes.rhymed_bars(pairs))], minlength=songs)
    count = counted()
    perfect = _shares(counted(rhymes.perfect), count)
    longest = np.zeros(songs, np.int64)
    np.maximum.at(longest, song, rhymes.length)
    columns = {
        "density": (counted(rhymes.length) / syllables).tolist(),
        "factor": malmi.rhyme_factors(sound),
        "end_share": (rhymed / bars).tolist(),
        "rhymes_per_bar": (count / bars).tolist(),
        "internal_per_bar": (counted(rhymes.internal) / bars).tolist(),
        "link_per_bar": (counted(rhymes.link) / bars).tolist(),
        "bridge_per_bar": (counted(rhymes.bridge) / bars).tolist(),
        "chain_per_bar": (counted(np.where(rhymes.chained, rhymes.length, 0)) / bars).tolist(),
        "multisyllabic_share": _shares(counted(rhymes.length > 1), count),
        "perfect_share": perfect,
        "slant_share": [None if share is None else 1 - share for share in perfect],
        "longest": longest.tolist(),
        "section_schemes": [tuple(found) for found in schemes.sections(sound, pairs)],
    }
    columns["scheme"] = [_first_scheme(found) for found in columns["section_schemes"]]
    return [RhymeFigures(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def _shares(parts: npt.NDArray[np.float64], count: npt.NDArray[np.float64]) -> list[float | None]:
    return [part / whole if whole else None for part, whole in zip(parts.tolist(), count.tolist(), strict=True)]


def _first_scheme(found: Sequence[schemes.SectionScheme]) -> str | None:
    """That of the first section long enough to have one."""
    return next((section.scheme for section in found if section.bars >= schemes.LEAST_BARS), None)
