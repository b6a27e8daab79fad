"""The strongest multisyllabic rhymes, quoted as written."""

from rap_platform.features.multis import Multi, longest_rhymes

VERSE = "[Verse]\nShe told the lonely soldier\nHe held a Pony folder\nThe river rose at night\nNobody else was right"


def test_the_longest_rhyme_is_quoted_in_whole_words_with_its_lines() -> None:
    first = longest_rhymes(VERSE)[0]
    assert (first.first_line, first.second_line) == (1, 2)
    assert first.first.endswith("lonely soldier")
    assert first.second.endswith("Pony folder")
    assert first.syllables >= 4


def test_rhymes_of_one_syllable_are_no_multis() -> None:
    found = longest_rhymes(VERSE, most=20)
    assert all(multi.syllables >= 2 for multi in found)
    assert not any({multi.first, multi.second} == {"night", "right"} for multi in found)


def test_a_rhyme_said_again_is_quoted_once_and_no_more_than_asked_for() -> None:
    again = "\n\n".join([VERSE] * 5)
    pairs = [(multi.first.lower(), multi.second.lower()) for multi in longest_rhymes(again, most=20)]
    assert len(pairs) == len(set(pairs))
    assert len(longest_rhymes(again, most=1)) == 1


def test_silence_has_none() -> None:
    assert longest_rhymes("") == longest_rhymes("日本\n...") == list[Multi]()
