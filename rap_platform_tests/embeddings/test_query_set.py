"""The query set: that its questions are what they are said to be, fair, and seen by one half only."""

from collections import Counter
from functools import lru_cache
from random import Random

import pytest

from rap_platform.embeddings.encoders.weights import weights_folder
from rap_platform.embeddings.search_quality import changing, mishearing, paraphrasing
from rap_platform.embeddings.search_quality.ground import MOST_SONGS, Ground
from rap_platform.embeddings.search_quality.library import Song
from rap_platform.embeddings.search_quality.mishearing import Sounds, misheard, without_stress
from rap_platform.embeddings.search_quality.query_set import HALVES, KINDS, QuerySet, half_of, known_words, make
from rap_platform.features import phonetics
from rap_platform.world import lexicon, songwriter, truth

LINES = ("exact", "changed", "misheard")
LINE = ("i", "sailed", "the", "night", "sea", "with", "no", "light", "to", "steer")


@lru_cache(maxsize=1)
def sounds() -> Sounds:
    return mishearing.sounds(phonetics.dictionary(), known_words(weights_folder()))


@lru_cache(maxsize=1)
def songs() -> tuple[Song, ...]:
    """120 songs of the world by 30 artists, the second half of each called verse, as a library would hold them."""
    made = []
    for artist in range(30):
        for number in range(4):
            told = truth.song(2026, artist, number)
            sections = tuple(section.lines for section in songwriter.write(2026, artist, number).sections)
            track_id = artist * 10 + number
            original = track_id if told.version_of is None else artist * 10 + told.version_of
            source = "world" if artist < 15 else "verse"
            made.append(Song(track_id, original, source, sections, told.themes, told.mood))
    return tuple(made)


@lru_cache(maxsize=1)
def query_set() -> QuerySet:
    return make(songs(), sounds(), per_kind=25)


def texts_of(original_id: int) -> list[str]:
    return [
        " ".join(phonetics.words(line)) for song in songs() if song.original_id == original_id for line in song.lines
    ]


def test_a_changed_line_has_one_to_three_changes_and_no_more_than_a_third_of_its_words() -> None:
    vocabulary = ["harbour", "candle", "forty"]
    for seed in range(300):
        chance = Random(seed)
        words = LINE[: chance.randint(4, 10)]
        asked = changing.changed(words, chance, vocabulary)
        left = Counter(words) - Counter(asked)
        most = max(1, len(words) // 3)
        assert asked != words, seed
        assert sum(left.values()) <= most, (words, asked)
        assert len(words) - most <= len(asked) <= len(words)


def test_a_misspelt_word_is_one_slip_away() -> None:
    for seed in range(300):
        slipped = changing.misspelt("whisper", Random(seed))
        assert slipped != "whisper"
        if len(slipped) != 7:
            assert abs(len(slipped) - 7) == 1
        elif sorted(slipped) != sorted("whisper"):
            assert sum(a != b for a, b in zip(slipped, "whisper", strict=True)) == 1


def test_homophones_have_the_same_phones_in_the_dictionary() -> None:
    checked = 0
    for words, heard, ways in heard_lines():
        if ways == ("homophone",):
            ((sung, other),) = [(a, b) for a, b in zip(words, heard, strict=True) if a != b]
            said = phonetics.dictionary()
            assert without_stress(said[sung][0]) == without_stress(said[other][0])
            checked += 1
    assert checked > 20


def test_words_cut_elsewhere_have_the_same_phones_together() -> None:
    checked = 0
    for words, heard, ways in heard_lines():
        if ways == ("recut",):
            assert phones(words) == phones(heard)
            assert words != heard
            checked += 1
    assert checked > 5


def test_a_near_miss_is_off_by_one_phone_of_the_same_class() -> None:
    checked = 0
    for words, heard, ways in heard_lines():
        if ways == ("near",):
            ((sung, other),) = [(a, b) for a, b in zip(phones(words), phones(heard), strict=True) if a != b]
            assert other in mishearing.CONFUSED[sung]
            checked += 1
    assert checked > 20


def heard_lines() -> list[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]:
    """Lines whose words the dictionary knows, as they were heard."""
    made = []
    for number, line in enumerate(line for song in songs()[:20] for line in song.lines):
        words = tuple(phonetics.words(line))
        if len(words) >= 4 and all(word in sounds().of_word for word in words):
            found = misheard(words, Random(number), sounds())
            if found:
                made.append((words, *found))
    return made


def phones(words: tuple[str, ...]) -> list[str]:
    return [phone for word in words for phone in sounds().of_word[word]]


def test_ice_cream_is_heard_as_i_scream() -> None:
    options = {one.words for one in mishearing._recuts(("ice", "cream"), sounds())}
    assert ("i", "scream") in options


def test_a_line_of_weak_words_alone_is_not_misheard() -> None:
    assert misheard(("to", "you", "for", "him"), Random(1), sounds()) is None


def test_an_exact_question_is_answered_by_every_song_that_holds_it_and_no_other() -> None:
    exact = [query for query in query_set().queries if query.kind == "exact"]
    assert {query.ways for query in exact} == {("line",), ("run",)}
    texts = {one: texts_of(one) for one in {song.original_id for song in songs()}}
    for query in exact:
        holders = {one for one, lines in texts.items() if any(f" {query.text} " in f" {line} " for line in lines)}
        assert query.right == holders
        assert 1 <= len(query.right) <= MOST_SONGS
        assert len(query.text.split()) >= 4


def test_scattered_words_stand_in_one_section_of_every_right_song() -> None:
    scattered = [query for query in query_set().queries if query.kind == "scattered"]
    sections = {song.original_id: [] for song in songs()}
    for song in songs():
        sections[song.original_id] += [set(phonetics.words(" ".join(section))) for section in song.sections]
    assert len(scattered) == 100
    for query in scattered:
        words = set(query.text.split())
        assert 3 <= len(words) <= 5
        assert query.right == {one for one, held in sections.items() if any(words <= section for section in held)}


def test_no_line_is_in_both_halves() -> None:
    lines = {half: {query.made_from for query in query_set().of(half) if query.kind in LINES} for half in HALVES}
    assert lines["fit"] and lines["report"]
    assert not lines["fit"] & lines["report"]
    for query in query_set().queries:
        if query.kind in ("changed", "misheard"):
            assert {half_of(song) for song in query.right} == {query.half}


def test_no_wording_of_a_theme_is_in_both_halves() -> None:
    asked = {half: {query.text for query in query_set().of(half) if query.kind == "paraphrase"} for half in HALVES}
    assert not asked["fit"] & asked["report"]
    for fitted, reported in paraphrasing.wordings().themes.values():
        assert not set(fitted) & set(reported)


def test_there_are_as_many_of_each_kind_from_each_source_as_asked_for() -> None:
    counts = Counter((query.kind, query.source, query.half) for query in query_set().queries)
    for source in ("world", "verse"):
        for half in HALVES:
            assert {kind: counts[kind, source, half] for kind in KINDS[:4]} == dict.fromkeys(KINDS[:4], 25)
            assert counts["paraphrase", source, half] > 0


def test_the_same_library_gives_the_same_questions() -> None:
    assert make(songs(), sounds(), per_kind=5).queries == make(songs(), sounds(), per_kind=5).queries


def test_a_question_that_another_song_answers_as_well_is_unfair() -> None:
    library = [
        Song(1, 1, "world", (("shout out to my mother who hates this song",),)),
        Song(2, 2, "world", (("shout out to my sister who hates this song",),)),
    ]
    ground = Ground(library, sounds().of_word)
    (line,) = [line for line in ground.lines if line.songs == {1}]
    asked = ("shout", "out", "to", "my", "sister", "who", "hates", "this", "song")
    assert ground.rivals_by_words(asked, line) == {2}
    assert ground.rivals_by_words(("shout", "to", "my", "mother", "who", "hates", "this", "song"), line) == frozenset()


def test_a_line_of_more_than_five_songs_is_never_asked_for() -> None:
    library = [Song(number, number, "world", (("let it ride let it ride",),)) for number in range(6)]
    assert list(Ground(library, sounds().of_word).of("world")) == []
    assert len(list(Ground(library[:5], sounds().of_word).of("world"))) == 1


def test_a_copy_counts_as_its_original() -> None:
    library = [Song(number, 1, "world", (("the lighthouse keeper dances alone",),)) for number in (1, 7, 9, 11, 12, 13)]
    (line,) = Ground(library, sounds().of_word).of("world")
    assert line.songs == {1}


def test_a_theme_is_asked_for_in_words_that_the_world_does_not_write_it_with() -> None:
    banks: dict[str, set[str]] = {}
    for bank in (lexicon.THING, lexicon.PLACE, lexicon.MASS, lexicon.IDEA, lexicon.PERSON):
        for row in bank.strip().splitlines():
            theme, _, words = row.partition(": ")
            banks.setdefault(theme, set()).update(word.split(":")[-1].lower() for word in words.split())
    for theme, halves in paraphrasing.wordings().themes.items():
        used = {word for half in halves for phrase in half for word in phonetics.words(phrase)} - mishearing.WEAK
        assert not used & banks[theme], theme


def test_there_is_a_wording_for_every_theme_and_mood_of_the_world() -> None:
    told = paraphrasing.wordings()
    assert set(told.themes) == set(lexicon.THEMES)
    assert set(told.moods) == set(lexicon.MOODS)


def test_a_line_is_reworded_only_where_half_of_its_meaning_is() -> None:
    asked = paraphrasing.reworded(("the", "sea", "of", "sorrow", "hath", "no", "shore"), Random(3))
    assert asked is not None
    assert not {"sea", "sorrow", "shore", "hath"} & set(asked)
    assert "has" in asked
    assert paraphrasing.reworded(("the", "sea", "of", "umbrellas", "and", "accordions"), Random(3)) is None


@pytest.mark.parametrize("half", [0, 1])
def test_a_theme_in_other_words_names_the_mood_where_there_is_room(half: int) -> None:
    asked = {paraphrasing.about("money", "angry", half, Random(seed)) for seed in range(80)}
    assert any(paraphrasing.wordings().moods["angry"][half] in text for text in asked)
    assert not any("{" in text or "  " in text for text in asked)
