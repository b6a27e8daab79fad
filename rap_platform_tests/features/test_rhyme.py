"""What rhymes, and what only looks as if it did. All lines here are our own."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rap_platform.features import hearing, rhyme
from rap_platform.features.bars import bars
from rap_platform.features.groups import rhyme_groups, syllable_groups
from rap_platform.features.hearing import Lexicon, Sound, hear
from rap_platform.features.malmi import rhyme_factors
from rap_platform.features.rhyme import find_rhymes, measure, measure_all
from rap_platform.features.schemes import EndRhyme, end_rhymes, sections

COUPLETS = """[Verse 1]
The lamp is low, the night is long
I hum the pieces of a song
The window rattles in the rain
I write it down and start again

[Hook]
Over the water and over the hill
Nobody's talking and everything's still
Over the harbour the morning is grey
Nobody's asking and nobody's to stay
"""


def test_headers_and_directions_are_no_bars() -> None:
    found = bars(COUPLETS + "[Gunshot]\n")
    assert [bar.line_no for bar in found] == [1, 2, 3, 4, 7, 8, 9, 10]
    assert [bar.hook for bar in found] == [False] * 4 + [True] * 4


def heard(text: str) -> Sound:
    return hear(bars(text))


def found(text: str, kind: str) -> list[tuple[str, str]]:
    """The rhymes of one kind as the words of both parts."""
    sound = heard(text)
    rhymes = find_rhymes(sound)
    parts = zip(
        rhymes.first.tolist(),
        rhymes.second.tolist(),
        rhymes.length.tolist(),
        getattr(rhymes, kind).tolist(),
        strict=True,
    )

    def words(begin: int, length: int) -> str:
        return " ".join(dict.fromkeys(sound.spelling(at) for at in range(begin, begin + length)))

    return [(words(first, length), words(second, length)) for first, second, length, is_kind in parts if is_kind]


def test_every_section_has_its_scheme() -> None:
    sound = heard(COUPLETS)
    assert [(s.line_no, s.bars, s.scheme) for s in sections(sound, end_rhymes(sound))[0]] == [
        (1, 4, "AABB"),
        (7, 4, "AABB"),
    ]
    sound = heard("He took the road\nAnd left the town\nHe dropped the load\nThe sun went down")
    assert [section.scheme for section in sections(sound, end_rhymes(sound))[0]] == ["ABAB"]
    assert measure(heard("one line\nand another")).scheme is None


def test_a_repeated_word_keeps_its_letter_but_is_no_rhyme() -> None:
    figures = measure(heard("I said my name\nYou said my name\nThe cat went out\nA bird flew in"))
    assert figures.scheme == "AABC"
    assert figures.end_share == 0.0
    assert figures.density == 0.0


def test_a_mosaic_rhyme_crosses_words() -> None:
    assert end_rhymes(heard("they call me a poet\nand all of you know it")) == [EndRhyme(0, 1, repeated=False)]


def test_neighbouring_lines_may_end_in_a_slant_rhyme_and_distant_ones_may_not() -> None:
    lines = [
        "nobody gave me the time",
        "nobody told me of gold",
        "nobody saw me with cash",
        "all of the reason is pride",
    ]
    assert end_rhymes(heard("\n".join([lines[0], lines[3]]))) == [EndRhyme(0, 1, repeated=False)]
    assert [pair for pair in end_rhymes(heard("\n".join(lines))) if not pair.repeated] == []


def test_rhymes_within_a_line_are_internal_and_multisyllabic_ones_are_found_whole() -> None:
    assert found("the city was gritty and nothing was pretty", "internal") == [("city", "gritty"), ("gritty", "pretty")]


def test_the_kind_of_a_rhyme_says_where_its_parts_stand() -> None:
    assert ("night", "light") in found("we sat there in the night\nand waited for the light", "end")
    assert ("snow", "though") in found("a yard covered in snow\nthough it was early we went", "link")
    assert ("stone", "bone") in found("a stone in the garden was cold\nmy bone was as old as the pit", "bridge")
    assert ("cold", "gold") in found("he said cold gold was better than salt", "chained")
    assert not found("he said cold and pure gold was better than salt", "chained")


def test_perfect_rhymes_share_vowel_and_consonants() -> None:
    figures = measure(heard("we sat there in the night\nand waited for the light"))
    assert (figures.perfect_share, figures.slant_share) == (1.0, 0.0)
    figures = measure(heard("nobody gave me the time\nall of the money is mine"))
    assert (figures.perfect_share, figures.slant_share) == (0.0, 1.0)


def test_density_adds_up_the_lengths_of_rhymes_over_all_syllables() -> None:
    sound = heard("we sat there in the night\nand waited for the light")
    rhymes = find_rhymes(sound)
    assert measure(sound).density == rhymes.length.sum() / 12
    taken = [
        at for begin, length in zip(rhymes.second, rhymes.length, strict=True) for at in range(begin, begin + length)
    ]
    assert len(taken) == len(set(taken))


def test_prose_rhymes_less_than_verse() -> None:
    prose = "\n".join(
        ["the committee met on tuesday", "a report about drainage was read", "nobody had any questions",
         "the chairman thanked the secretary", "coffee was served at eleven", "the next meeting is in april"]
    )  # fmt: skip
    verse = "I keep my pen on the page till the rage turns sage\nlocked in a cage on a stage for a minimum wage"
    assert measure(heard(prose)).density < 0.6 * measure(heard(verse)).density


def test_the_rhyme_factor_counts_vowels_as_malmi_does() -> None:
    # "plate" e-i looks back at "late" e-i: a run of two; "late" has nothing before it.
    assert rhyme_factors(heard("late plate"))[0] == 2.0
    # A single equal vowel counts zero, so does the same word.
    assert rhyme_factors(heard("cat hat"))[0] == 0.0
    assert rhyme_factors(heard("late late"))[0] == 0.0
    # A repeated line is left out, so is one in brackets.
    assert rhyme_factors(heard("late plate\nlate plate\n(late plate crate)"))[0] == 2.0
    assert rhyme_factors(heard("alone"))[0] is None


def test_groups_cover_the_words_that_rhyme_line_by_line() -> None:
    lines = COUPLETS.split("\n")
    spans = rhyme_groups(COUPLETS)
    assert len(spans) == len(lines)
    assert spans[0] == []
    ends = [(lines[at][spans[at][-1].start : spans[at][-1].end], spans[at][-1].group) for at in (1, 2, 3, 4)]
    assert [word for word, _ in ends] == ["long", "song", "rain", "again"]
    assert ends[0][1] == ends[1][1]
    assert ends[2][1] == ends[3][1]
    assert ends[0][1] != ends[2][1]
    for line, found in zip(lines, spans, strict=True):
        assert all(0 <= span.start < span.end <= len(line) for span in found)


def test_text_without_words_has_no_groups() -> None:
    assert rhyme_groups("") == [[]]
    assert rhyme_groups("[Hook]\n!!!\n") == [[], [], []]


def test_an_adlib_in_brackets_is_not_the_end_of_the_line() -> None:
    sound = hear(
        bars("I was cold in the hall (yeah)\nWith my back to the wall (uh-huh) (woo!)\n(all night)\nnothing here")
    )
    assert [bar.main for bar in sound.bars] == [6, 6, 2, 2]
    assert end_rhymes(sound) == [(0, 1, False)]


def peak_mib(text: str) -> float:
    sound = heard(text)
    tracemalloc.start()
    find_rhymes(sound)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def test_a_line_without_end_takes_memory_by_its_length_not_by_its_square() -> None:
    line = " ".join(f"{word} the cat sat on a mat" for word in ("love", "dove", "stove", "rove") * 300)
    assert find_rhymes(heard(line)).length.sum() > 0
    assert peak_mib(line) < 3 * peak_mib(line[: len(line) // 2])


def test_where_long_work_is_cut_changes_no_rhyme(monkeypatch: pytest.MonkeyPatch) -> None:
    songs = [
        heard(COUPLETS * 3),
        heard("stacking the bricks and mixing the sticks counting the clicks of the clock on the bricks"),
    ]
    before = measure_all(songs)
    for pairs in (1, 7, 50):
        monkeypatch.setattr(rhyme, "_AT_ONCE", pairs)
        assert measure_all(songs) == before


def test_songs_side_by_side_do_not_rhyme_with_each_other() -> None:
    songs = [heard("we sat there in the night"), heard("and waited for the light")]
    assert [figures.density for figures in measure_all(songs)] == [0, 0]
    assert [figures.end_share for figures in measure_all(songs)] == [0, 0]


def test_a_link_begins_in_the_last_three_syllables_of_its_line() -> None:
    assert found("a pile of stone to see\nbone was on my mind", "link") == [("stone", "bone")]
    assert found("a pile of stone to see me\nbone was on my mind", "link") == []
    assert found("a pile of stone to see me\nbone was on my mind", "bridge") == [("stone", "bone")]


def test_lines_rhyme_over_four_bars_and_no_farther() -> None:
    between = ["nobody told me of gold", "nobody asked for the salt", "a fish in a tub"]
    near = ["she sat there in the night", *between, "he waited for the light"]
    assert EndRhyme(0, 4, repeated=False) in end_rhymes(heard("\n".join(near)))
    far = ["she sat there in the night", *between, "the moss on the roof", "he waited for the light"]
    assert EndRhyme(0, 5, repeated=False) not in end_rhymes(heard("\n".join(far)))


def test_a_scheme_has_sixteen_letters_at_most() -> None:
    sound = heard("\n".join(["she sat there in the night", "he waited for the light"] * 10))
    (section,) = sections(sound, end_rhymes(sound))[0]
    assert (section.bars, section.scheme) == (20, "A" * 16)


def test_a_word_said_again_does_not_lift_a_weak_rhyme() -> None:
    assert found("the river of mine\nthe summer of mine", "end") == []
    assert found("a foot night for the salt\nmy cut night was a pit", "bridge") == []


def test_chained_syllables_are_counted_by_line() -> None:
    assert measure(heard("he said cold gold was better than salt\na fish in a tub")).chain_per_bar == 0.5


def test_words_in_quotes_are_the_same_words() -> None:
    assert end_rhymes(heard("nobody told me 'go'\nnobody let me go")) == [EndRhyme(0, 1, repeated=True)]


def test_two_vowel_runs_do_not_overlap() -> None:
    # a i a i a i: the last four vowels are equal to those two before, but only two of them lie apart.
    assert rhyme_factors(heard("bat bit cat kit mat mitt"))[0] == (2 + 2 + 2) / 5


def test_a_vowel_run_is_looked_for_fifteen_words_back() -> None:
    filler = "of the " * 7  # fourteen words without a vowel that counts
    assert rhyme_factors(heard(f"late {filler.replace('of the', 'the the')}plate"))[0] == 2.0
    many = " ".join(["hut"] * 15)
    assert rhyme_factors(heard(f"late {many} plate"))[0] == 0.0
    fewer = " ".join(["hut"] * 14)
    assert rhyme_factors(heard(f"late {fewer} plate"))[0] == 2 / 15


def test_threads_that_meet_new_words_at_once_give_each_word_one_number(monkeypatch: pytest.MonkeyPatch) -> None:
    lexicon = Lexicon()
    words = [f"word{letter}{other}" for letter in "abcdefghij" for other in "klmnopqrst"]
    with ThreadPoolExecutor(8) as pool:
        numbers = list(
            pool.map(lambda start: lexicon.numbers(words[start:] + words[:start]).tolist(), range(0, 100, 5))
        )
    for start, given in zip(range(0, 100, 5), numbers, strict=True):
        assert given == [numbers[0][words.index(word)] for word in words[start:] + words[:start]]
    assert sorted(set(numbers[0])) == list(range(100))


def test_a_full_lexicon_is_replaced_and_songs_sound_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    before = measure(heard(COUPLETS))
    monkeypatch.setattr(hearing, "MOST_WORDS", 1)
    old = heard(COUPLETS).lexicon
    assert heard(COUPLETS).lexicon is not old
    assert measure(heard(COUPLETS)) == before


def test_syllables_know_their_group() -> None:
    sound = heard("we sat there in the night\nand waited for the light")
    groups = syllable_groups(sound)
    assert groups[5] == groups[11] == 5
    assert groups[0] is None
    assert np.array_equal(sound.begin, [0, 6])


def test_songs_measured_together_are_measured_as_each_alone() -> None:
    songs = [
        heard(text)
        for text in (COUPLETS, "late plate\nlate crate", "one word\n(one word)\nanother bird", COUPLETS + COUPLETS)
    ]
    assert measure_all(songs) == [measure(song) for song in songs]
    assert measure_all([]) == []


def test_songs_of_two_lexicons_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    first = heard(COUPLETS)
    monkeypatch.setattr(hearing, "MOST_WORDS", 1)
    assert measure_all([first, heard(COUPLETS), first]) == [measure(first)] * 3
