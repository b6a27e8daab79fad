"""What rhymes with what in a song: end rhymes, internal rhymes, their density, the Malmi rhyme factor, schemes, spans to colour.

How alike two syllables sound is in syllables.py; words and their sounds are in phonetics.py. No figure here looks at spelling.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from rap_platform.features.bars import Bar, bars
from rap_platform.features.endings import rhymes
from rap_platform.features.phonetics import pronounce
from rap_platform.features.syllables import NEAR, Syllable, syllabify, tail_likeness, vowel_likeness

WINDOW_BARS = 4
SCHEME_BARS = 16
LOOKBACK_WORDS = 15
LONGEST_BAR_SYLLABLES = 200  # a longer line is no bar: its rhymes are looked for piece by piece

# Rhymes inside lines: a syllable may extend a rhyme, may stand alone, may carry one. Scale of `strength`.
_EXTEND, _ALONE, _ANCHOR, _MEAN = 1.25, 2.9, 2.0, 2.0
# A repeated word may run on inside a rhyme ("know it", "row it"); it neither begins nor carries one.
_REPEATED = 1.5

# Words that carry no beat unless they end a line.
_UNSTRESSED = frozenset(
    """
    a an and are as at be been but by can could did do does for from had has have he her him his i i'm if in is it it's its just
    me my no nor not of on or our shall she should so some such than that that's the their them then there these they they're
    this those to too us was we were what when where which who will with would you your you're 'em em yo ya
    """.split()  # noqa: SIM905
)


class Span(NamedTuple):
    """A rhyming word in its line: first and last+1 character, and the number of its rhyme group within the song."""

    start: int
    end: int
    group: int


@dataclass(frozen=True, slots=True)
class Rhyme:
    """Two stretches of syllables that rhyme: the first syllable of each in the song's numbering, and their length."""

    first: int
    second: int
    length: int
    same_bar: bool


@dataclass(frozen=True, slots=True)
class Sound:
    """A song as syllables, in order: parallel tuples; for each bar its slice of syllables and the first sounds of its words.

    `words` numbers the words over the song, `texts` spells them, `ends` says where a syllable ends its word; `word_spans` holds bar, first
    and last+1 character of each word. `ids` numbers equal syllables equally; `bar_ends` is one past the last syllable of each bar before
    its closing ad-lib.
    """

    bars: tuple[Bar, ...]
    syllables: tuple[Syllable, ...]
    words: tuple[int, ...]
    texts: tuple[str, ...]
    ends: tuple[bool, ...]
    bar_slices: tuple[tuple[int, int], ...]
    word_spans: tuple[tuple[int, int, int], ...]
    initials: tuple[tuple[str | None, ...], ...]
    ids: tuple[int, ...]
    bar_ends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RhymeFigures:
    """The rhyme of a whole song; shares are 0 to 1. `density` is the share of syllables that take part in a rhyme."""

    density: float
    factor: float | None
    end_share: float
    internal_per_bar: float
    multisyllabic_share: float | None
    longest: int
    scheme: str | None


# --- syllables against syllables -------------------------------------------------------------------------------------------------


def strength(one: Syllable, other: Syllable) -> float:
    """How strongly two syllables rhyme, about -2 to 3.2: vowel, tail and stress add up, as in Hirjee and Brown (2010).

    Their scores are log-odds learned from rap; these weights are ours, on a scale that keeps the same order of evidence.
    """
    score = 2.0 if one.vowel == other.vowel else 3.0 * vowel_likeness(one.vowel, other.vowel) - 1.0
    if one.tail or other.tail:
        score += 1.6 * tail_likeness(one.tail, other.tail) - 0.8
    else:
        score += 0.7
    return score + (0.4 if one.stress and other.stress else -0.3)


def hear(song: Sequence[Bar]) -> Sound:
    """Turn bars into syllables, one pronunciation per word; small words inside a line lose their stress."""
    syllables: list[Syllable] = []
    words: list[int] = []
    texts: list[str] = []
    ends: list[bool] = []
    slices: list[tuple[int, int]] = []
    spans: list[tuple[int, int, int]] = []
    initials: list[tuple[str | None, ...]] = []
    bar_ends: list[int] = []
    for index, bar in enumerate(song):
        begin = len(syllables)
        final = bar.main - 1
        initials.append(tuple(_initial(token.text) for token in bar.words))
        for position, token in enumerate(bar.words):
            small = position != final and token.text in _UNSTRESSED
            found = _unstressed(token.text) if small else _said(token.text)
            count = len(found)
            syllables.extend(found)
            words.extend([len(spans)] * count)
            texts.extend([token.text] * count)
            ends.extend([False] * (count - 1) + [True] * bool(count))
            spans.append((index, token.start, token.end))
            if position == final:
                bar_ends.append(len(syllables))
        slices.append((begin, len(syllables)))
    return Sound(
        tuple(song),
        tuple(syllables),
        tuple(words),
        tuple(texts),
        tuple(ends),
        tuple(slices),
        tuple(spans),
        tuple(initials),
        tuple([_number(syllable) for syllable in syllables]),
        tuple(bar_ends),
    )


_MOST_NUMBERS = 50_000
_NUMBERS: dict[Syllable, int] = {}
_STRENGTHS: dict[int, dict[int, float]] = {}
_fresh = count()  # no number is given twice, not even to two threads at once


def _number(syllable: Syllable) -> int:
    """A number for each distinct syllable: comparing numbers is what makes whole songs quick; forgotten when there are too many."""
    number = _NUMBERS.get(syllable)
    if number is None:
        if len(_NUMBERS) >= _MOST_NUMBERS:
            _NUMBERS.clear()
            _STRENGTHS.clear()
        number = _NUMBERS.setdefault(syllable, next(_fresh))
    return number


def _known_strengths(number: int) -> dict[int, float]:
    """The strengths of one syllable with others that were computed before, to be added to; forgotten when there are too many."""
    known = _STRENGTHS.get(number)
    if known is None or len(known) > 2_000:
        known = _STRENGTHS[number] = {}
    return known


@lru_cache(maxsize=100_000)
def _initial(word: str) -> str | None:
    """The first sound of a word that can alliterate; None for small words and vowels."""
    if word in _UNSTRESSED:
        return None
    phones = pronounce(word).phones
    return phones[0] if phones and not phones[0][-1].isdigit() else None


@lru_cache(maxsize=100_000)
def _said(word: str) -> tuple[Syllable, ...]:
    return syllabify(pronounce(word).phones)


@lru_cache(maxsize=1_000)
def _unstressed(word: str) -> tuple[Syllable, ...]:
    return tuple(syllable._replace(stress=0) for syllable in _said(word))


def find_rhymes(sound: Sound) -> Iterator[Rhyme]:
    """Every rhyme of one or more syllables within a bar or with the bar before, longest form only.

    The same word twice is repetition, not rhyme, though it may run on inside one. Cost grows with bars times the square of their length,
    which counts up to LONGEST_BAR_SYLLABLES.
    """
    pieces = [
        (at, min(at + LONGEST_BAR_SYLLABLES, end))
        for begin, end in sound.bar_slices
        for at in range(begin, max(end, begin + 1), LONGEST_BAR_SYLLABLES)
    ]
    for index, (begin, end) in enumerate(pieces):
        if index:
            earlier, until = pieces[index - 1]
            yield from _runs(sound, earlier, until, begin, end, same_bar=False)
        yield from _runs(sound, begin, end, begin, end, same_bar=True)


def _runs(sound: Sound, first: int, first_end: int, second: int, second_end: int, *, same_bar: bool) -> Iterator[Rhyme]:
    """Diagonals of matching syllables between two bars."""
    syllables, texts, ids = sound.syllables, sound.texts, sound.ids
    by_vowel: dict[str, list[int]] = {}
    for p in range(first, first_end):
        by_vowel.setdefault(syllables[p].vowel, []).append(p)
    near: dict[str, list[int]] = {}
    before: dict[int, list[float]] = {}
    for q in range(second, second_end):
        here: dict[int, list[float]] = {}
        one, text, known = syllables[q], texts[q], _known_strengths(ids[q])
        candidates = near.get(one.vowel)
        if candidates is None:
            candidates = near[one.vowel] = [p for other in NEAR[one.vowel] for p in by_vowel.get(other, ())]
        for p in candidates:
            if same_bar and p >= q:
                continue
            score = known.get(ids[p])
            if score is None:
                score = known[ids[p]] = strength(one, syllables[p])
            if score < _EXTEND:
                continue
            if texts[p] == text:
                score = _REPEATED
            run = before.pop(p - 1, None)
            if run is not None and same_bar and len(run) >= q - p:
                yield from _accepted(sound, p - 1, q - 1, run, same_bar)
                run = None
            if run is None:
                run = []
            run.append(score)
            here[p] = run
        for p, run in before.items():
            yield from _accepted(sound, p, q - 1, run, same_bar)
        before = here
    for p, run in before.items():
        yield from _accepted(sound, p, second_end - 1, run, same_bar)


def _accepted(sound: Sound, p: int, q: int, run: list[float], same_bar: bool) -> Iterator[Rhyme]:
    """A run that ends at syllables p and q, if it is a rhyme; a long run too weak as a whole may still end in one."""
    syllables, texts = sound.syllables, sound.texts
    ends_both = sound.ends[p] and sound.ends[q]
    if not ends_both and not sound.ends[p] and not sound.ends[q]:
        return
    length = len(run)
    while length > 1:
        if texts[p - length + 1] == texts[q - length + 1]:
            length -= 1
            continue
        scores = run[len(run) - length :]
        anchored = any(
            score >= _ANCHOR
            and texts[p - back] != texts[q - back]
            and syllables[p - back].stress
            and syllables[q - back].stress
            for back, score in enumerate(reversed(scores))
        )
        if anchored and sum(scores) >= _MEAN * length:
            yield Rhyme(p - length + 1, q - length + 1, length, same_bar)
            return
        length -= 1
    if ends_both and run[-1] >= _ALONE and syllables[p].stress and syllables[q].stress:
        yield Rhyme(p, q, 1, same_bar)


# --- lines against lines ---------------------------------------------------------------------------------------------------------


def bars_rhyme(sound: Sound, one: int, other: int) -> bool:
    """Whether two bars end in a rhyme: their last words do, or their last syllables across words ("know it", "poet")."""
    last, last_2 = _last(sound.bars[one]), _last(sound.bars[other])
    if last != last_2 and rhymes(last, last_2):
        return True
    begin, begin_2 = sound.bar_slices[one][0], sound.bar_slices[other][0]
    end, end_2 = sound.bar_ends[one], sound.bar_ends[other]
    run: list[float] = []
    for back in range(1, min(end - begin, end_2 - begin_2, 6) + 1):
        same = sound.texts[end - back] == sound.texts[end_2 - back]
        score = _REPEATED if same else strength(sound.syllables[end - back], sound.syllables[end_2 - back])
        if score < _EXTEND:
            break
        run.insert(0, score)
    return len(run) > 1 and any(rhyme.length > 1 for rhyme in _accepted(sound, end - 1, end_2 - 1, run, False))


def _last(bar: Bar) -> str:
    return bar.words[bar.main - 1].text


def end_rhymes(sound: Sound) -> list[tuple[int, int, bool]]:
    """Pairs of bars within WINDOW_BARS of each other whose ends rhyme: (earlier, later, by repeating the same word)."""
    pairs: list[tuple[int, int, bool]] = []
    lasts = [_last(bar) for bar in sound.bars]
    for later in range(len(sound.bars)):
        for earlier in range(later - 1, max(-1, later - 1 - WINDOW_BARS), -1):
            if bars_rhyme(sound, earlier, later):
                pairs.append((earlier, later, False))
            elif lasts[earlier] == lasts[later]:
                pairs.append((earlier, later, True))
    return pairs


def scheme(sound: Sound, pairs: Sequence[tuple[int, int, bool]]) -> str | None:
    """Letters of the first section with four or more bars, at most SCHEME_BARS of it; None where there is no such section."""
    sizes: dict[int, list[int]] = {}
    for index, bar in enumerate(sound.bars):
        sizes.setdefault(bar.section, []).append(index)
    chosen = next((members[:SCHEME_BARS] for members in sizes.values() if len(members) >= 4), None)
    if chosen is None:
        return None
    nearest: dict[int, int] = {}
    for earlier, later, _ in pairs:
        nearest.setdefault(later, earlier)
    letters: dict[int, str] = {}
    used = 0
    for index in chosen:
        letter = letters.get(nearest.get(index, -1))
        if letter is None:
            letter, used = chr(ord("A") + used), used + 1
        letters[index] = letter
    return "".join(letters.values())


# --- Malmi et al. ----------------------------------------------------------------------------------------------------------------

_SPLIT = {
    "AA": "o", "AE": "a", "AH": "V", "AO": "o", "AW": "au", "AY": "ai", "EH": "e", "ER": "3", "EY": "ei",
    "IH": "i", "IY": "i", "OW": "ou", "OY": "oi", "UH": "U", "UW": "u",
}  # fmt: skip


@lru_cache(maxsize=100_000)
def _vowels(word: str) -> str:
    return "".join(_SPLIT[phone[:2]] for phone in pronounce(word).phones if phone[-1].isdigit() and phone != "AH0")


def rhyme_factor(song: Sequence[Bar]) -> float | None:
    """Mean length of the longest matching vowel run that ends each word (Malmi et al., DopeLearning, 2016); about 1 for rap.

    Diphthongs count as two vowels, the schwa as none, runs of one as zero, the same word as nothing; repeated lines and lines in
    brackets are left out, and each word looks back LOOKBACK_WORDS words. None without two words.
    """
    texts: list[str] = []
    starts: list[int] = []
    chunks: list[str] = []
    seen: set[str] = set()
    size = 0
    for bar in song:
        if bar.aside or bar.key in seen:
            continue
        seen.add(bar.key)
        for word in bar.words:
            if vowels := _vowels(word.text):
                texts.append(word.text)
                starts.append(size)
                chunks.append(vowels)
                size += len(vowels)
    if len(texts) < 2:
        return None
    stream = "".join(chunks)
    owner = [index for index, chunk in enumerate(chunks) for _ in chunk]
    ends = [start + len(chunk) - 1 for start, chunk in zip(starts, chunks, strict=True)]
    total = 0
    for second in range(1, len(texts)):
        longest = 0
        end = ends[second]
        last = stream[end]
        for first in range(max(0, second - LOOKBACK_WORDS), second):
            if stream[ends[first]] == last and texts[first] != texts[second]:
                longest = max(longest, _run(stream, owner, texts, ends[first], end))
        total += longest if longest > 1 else 0
    return total / (len(texts) - 1)


def _run(stream: str, owner: list[int], texts: list[str], first: int, second: int) -> int:
    length, limit = 0, min(first + 1, second - first)
    while length < limit and stream[first - length] == stream[second - length]:
        one, other = owner[first - length], owner[second - length]
        if texts[one] == texts[other]:
            break
        length += 1
    return length


# --- the song --------------------------------------------------------------------------------------------------------------------


def measure(sound: Sound) -> RhymeFigures:
    """All rhyme figures of a song of at least one bar with a syllable in it."""
    pairs = end_rhymes(sound)
    taking_part: set[int] = set()
    longest_at: dict[int, int] = {}
    internal: set[int] = set()
    for rhyme in find_rhymes(sound):
        taking_part.update(range(rhyme.first, rhyme.first + rhyme.length))
        taking_part.update(range(rhyme.second, rhyme.second + rhyme.length))
        last = rhyme.second + rhyme.length - 1
        longest_at[last] = max(longest_at.get(last, 0), rhyme.length)
        if rhyme.same_bar:
            internal.add(last)
    for earlier, later, repeated in pairs:
        if not repeated:
            taking_part.update(sound.bar_ends[bar] - 1 for bar in (earlier, later))
            longest_at.setdefault(sound.bar_ends[later] - 1, 1)
    rhymed_bars = {bar for earlier, later, repeated in pairs if not repeated for bar in (earlier, later)}
    multis = sum(length > 1 for length in longest_at.values())
    return RhymeFigures(
        density=len(taking_part) / len(sound.syllables),
        factor=rhyme_factor(sound.bars),
        end_share=len(rhymed_bars) / len(sound.bars),
        internal_per_bar=len(internal) / len(sound.bars),
        multisyllabic_share=multis / len(longest_at) if longest_at else None,
        longest=max(longest_at.values(), default=0),
        scheme=scheme(sound, pairs),
    )


def rhyme_groups(lyrics: str) -> list[list[Span]]:
    """The rhyming words of every line of the lyrics, for colouring: words of one group sound alike.

    One list per line of `lyrics.split("\\n")`, header and empty lines included; groups are numbered from 0 as they first appear. A word
    belongs to the group of its last rhyming syllable.
    """
    spans: list[list[Span]] = [[] for _ in lyrics.split("\n")]
    sound = hear(bars(lyrics))
    parent = list(range(len(sound.syllables)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    linked: set[int] = set()
    joins = [(r.first + k, r.second + k) for r in find_rhymes(sound) for k in range(r.length)]
    for earlier, later, _ in end_rhymes(sound):
        end, end_2 = sound.bar_ends[earlier], sound.bar_ends[later]
        if end > sound.bar_slices[earlier][0] and end_2 > sound.bar_slices[later][0]:
            joins.append((end - 1, end_2 - 1))
    for one, other in joins:
        linked.update((one, other))
        parent[root(other)] = root(one)
    of_word = {sound.words[at]: root(at) for at in sorted(linked)}
    numbers: dict[int, int] = {}
    for word, group in sorted(of_word.items()):
        bar, start, end = sound.word_spans[word]
        number = numbers.setdefault(group, len(numbers))
        spans[sound.bars[bar].line_no].append(Span(start, end, number))
    return spans
