"""What the songwriter writes, and what the hidden truth and its panel look like."""

import ast
import itertools
import re
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from rap_platform.world import openings, rhymes, songwriter, truth
from rap_platform.world.banks import banks, last_word
from rap_platform.world.corpus import Corpus
from rap_platform.world.lexicon import MOODS, THEMES
from rap_platform.world.meter import Ear, Heard, sound

SEED = 2026
WORLD = Path(songwriter.__file__).parent


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(SEED, 250, 1200)


@pytest.fixture(scope="module")
def songs(corpus: Corpus) -> list[tuple[truth.Truth, songwriter.Song]]:
    chosen = [corpus.at(number) for number in range(0, corpus.songs, 4)]
    return [(truth.song(SEED, *one), songwriter.write(SEED, *one)) for one in chosen]


def grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[\w'-]+", text.casefold())
    return {tuple(words[start : start + 8]) for start in range(len(words) - 7)}


def shared(left: set[tuple[str, ...]], right: set[tuple[str, ...]]) -> float:
    return len(left & right) / max(1, min(len(left), len(right)))


def heard(song: songwriter.Song) -> list[tuple[str, Heard]]:
    """Each bar of the song as the songwriter hears it."""
    ear, found = Ear(banks().say), []
    for section in song.sections:
        for line in section.lines:
            found.append((line, ear.listen(line)))
            ear.keep(found[-1][1])
    return found


def middle(values: list[float]) -> tuple[float, float]:
    """5th and 95th percentile."""
    cuts = statistics.quantiles(values, n=20)
    return cuts[0], cuts[-1]


def test_the_default_world_has_1200_songs_by_250_artists(corpus: Corpus) -> None:
    assert sum(corpus.counts) == 1200
    assert len(corpus.counts) == 250
    assert min(corpus.counts) >= 1
    assert statistics.median(corpus.counts) < statistics.mean(corpus.counts) < max(corpus.counts) / 3
    names = {corpus.name(artist).casefold() for artist in range(250)}
    assert len(names) == 250
    assert any(not name.isascii() for name in names)
    assert any("&" in name for name in names)


def test_at_least_1080_songs_are_usable_and_distinct(corpus: Corpus) -> None:
    from rap_platform.world.faults import WebFaults
    from rap_platform.world.genius import fate

    every = [corpus.at(number) for number in range(corpus.songs)]
    usable = [
        one for one in every if fate(corpus, *one, WebFaults()) == "song" and truth.song(SEED, *one).version is None
    ]
    versions = sum(truth.song(SEED, *one).version is not None for one in every)
    assert len(usable) >= 1080
    assert 0.015 < versions / corpus.songs < 0.05


def test_a_fresh_process_writes_the_same_song() -> None:
    code = "from rap_platform.world import songwriter as s; print(s.write(2026, 7, 0).lyrics)"
    made = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "99", "PYTHONUTF8": "1"},
    ).stdout
    assert made.strip() == songwriter.write(SEED, 7, 0).lyrics.strip()
    assert songwriter.write(SEED + 1, 7, 0).lyrics != songwriter.write(SEED, 7, 0).lyrics


def test_songs_are_long_and_have_verses_and_a_hook(songs: list[tuple[truth.Truth, songwriter.Song]]) -> None:
    words = [len(song.lyrics.split()) for _, song in songs]
    assert statistics.mean(words) >= 300
    assert min(words) >= 200
    for _, song in songs:
        kinds = Counter(section.kind for section in song.sections)
        assert kinds["verse"] >= 2, song.title
        assert kinds["hook"] >= 2, song.title
        verses = [section for section in song.sections if section.kind == "verse"]
        assert all(8 <= len(verse.lines) <= 18 for verse in verses)
        assert all(re.match(r"Verse \d", verse.header) for verse in verses)
        hooks = {section.lines for section in song.sections if section.kind == "hook"}
        assert len(hooks) == 1, "a hook comes back unchanged"


def test_bars_are_filled_and_spelt(songs: list[tuple[truth.Truth, songwriter.Song]]) -> None:
    for _, song in songs:
        for section in song.sections:
            for line in section.lines:
                assert not re.search(r"[{}@_]|  | ,|,,|\ba (?:a|an|the|my)\b", line), line
                assert line[0].isupper() or not line[0].isalpha(), line
                assert len(line.split()) <= 24, line
    text = " ".join(song.lyrics for _, song in songs)
    assert not re.findall(
        r"\b[Aa] (?:apple|old|ancient|honest|empty|umbrella|alley|octopus|engine|oath|hourglass)\b", text
    )
    assert not re.findall(r"\b[Aa]n (?:unit|university|one|unit|used|useful|brass|king)\b", text)


def test_bars_meant_to_rhyme_rhyme_by_the_dictionary(songs: list[tuple[truth.Truth, songwriter.Song]]) -> None:
    pairs = [
        (song.sections[section].lines[left], song.sections[section].lines[right])
        for _, song in songs
        for section, left, right in song.rhymed
    ]
    wanted = {last_word(line) for pair in pairs for line in pair}
    sounds = rhymes.load(wanted)
    assert len(pairs) > 20 * len(songs) * 0.6
    for left, right in pairs:
        one, other = last_word(left), last_word(right)
        assert rhymes.rhyme_key(sounds[one]) == rhymes.rhyme_key(sounds[other]), (left, right)
        assert sounds[one] != sounds[other], (left, right)


def test_no_two_verses_are_alike_by_accident(songs: list[tuple[truth.Truth, songwriter.Song]]) -> None:
    holders: dict[tuple[str, ...], set[int]] = defaultdict(set)
    verses = [
        (number, grams("\n".join(section.lines)))
        for number, (told, song) in enumerate(songs)
        if told.version is None
        for section in song.sections
        if section.kind == "verse"
    ]
    for place, (_, found) in enumerate(verses):
        for gram in found:
            holders[gram].add(place)
    overlap: Counter[tuple[int, int]] = Counter()
    for places in holders.values():
        for left in places:
            for right in places:
                if left < right:
                    overlap[left, right] += 1
    worst = max(
        (count / min(len(verses[left][1]), len(verses[right][1])) for (left, right), count in overlap.items()),
        default=0,
    )
    assert worst < 0.12
    assert sum(len(places) > 1 for places in holders.values()) / len(holders) < 0.02


def test_a_version_is_nearly_its_origin(corpus: Corpus) -> None:
    every = [corpus.at(number) for number in range(corpus.songs)]
    versions = [one for one in every if truth.song(SEED, *one).version]
    assert len(versions) > 15
    for artist, song in versions:
        told = truth.song(SEED, artist, song)
        assert told.version_of is not None
        assert songwriter.title(SEED, artist, song).startswith(songwriter.title(SEED, artist, told.version_of))
        one, other = songwriter.write(SEED, artist, song).lyrics, songwriter.write(SEED, artist, told.version_of).lyrics
        assert 0.6 < shared(grams(one), grams(other)) <= 1


def test_craft_can_be_seen_and_charisma_can_not(songs: list[tuple[truth.Truth, songwriter.Song]]) -> None:
    from scipy.stats import spearmanr

    plain = {line.split(" ", 1)[1].casefold() for line in openings.PLAIN.strip().splitlines()}
    share = [
        sum(
            any(line.casefold().startswith(start) for start in plain)
            for section in song.sections
            for line in section.lines
        )
        for _, song in songs
    ]
    rhyming = [len(song.rhymed) / sum(len(section.lines) for section in song.sections) for told, song in songs]
    fresh = [told.version is None for told, _ in songs]
    craft = [told.craft for told, _ in songs]
    charisma = [told.charisma for told, _ in songs]
    assert spearmanr(craft, share).statistic < -0.3
    assert (
        spearmanr(
            [c for c, f in zip(craft, fresh, strict=True) if f], [r for r, f in zip(rhyming, fresh, strict=True) if f]
        ).statistic
        > 0.3
    )
    assert abs(spearmanr(charisma, share).statistic) < 0.2


def test_truth_has_a_human_spread(corpus: Corpus) -> None:
    told = [truth.song(SEED, *corpus.at(number)) for number in range(corpus.songs)]
    quality = [one.quality for one in told]
    assert 5.4 < statistics.mean(quality) < 6.2
    assert 1.1 < statistics.stdev(quality) < 1.7
    assert {one.mood for one in told} == set(MOODS)
    assert {theme for one in told for theme in one.themes} == set(THEMES)
    assert all(truth.FIRST_YEAR <= one.year <= truth.LAST_YEAR for one in told)
    early = [one for one in told if one.year < 1998]
    late = [one for one in told if one.year > 2012]

    def share(group: list[truth.Truth], theme: str) -> float:
        return sum(theme in one.themes for one in group) / len(group)

    assert share(early, "hip_hop_culture") > share(late, "hip_hop_culture")
    assert share(late, "heartbreak") > share(early, "heartbreak")


def test_one_rater_alone_has_an_icc_of_six_to_seven_tenths(corpus: Corpus) -> None:
    given = [truth.ratings(SEED, *corpus.at(number)) for number in range(corpus.songs)]
    rows = [[one.rating for one in panel if one.occasion == 1] for panel in given]
    assert {len(row) for row in rows} == {3, 4, 5, 6, 7}
    assert all(1 <= rating <= 10 for row in rows for rating in row)
    total = sum(map(len, rows))
    grand = sum(map(sum, rows)) / total
    between = sum(len(row) * (statistics.mean(row) - grand) ** 2 for row in rows) / (len(rows) - 1)
    within = sum((rating - statistics.mean(row)) ** 2 for row in rows for rating in row) / (total - len(rows))
    size = (total - sum(len(row) ** 2 for row in rows) / total) / (len(rows) - 1)
    assert 0.58 < (between - within) / (between + (size - 1) * within) < 0.7


def test_one_rater_in_twelve_is_asked_again_weeks_later_and_says_nearly_the_same(corpus: Corpus) -> None:
    marks = [one for number in range(corpus.songs) for one in truth.ratings(SEED, *corpus.at(number))]
    again = [(first, second) for first, second in itertools.pairwise(marks) if second.occasion == 2]
    assert all(first.rater == second.rater for first, second in again)
    assert all(21 <= (second.rated_at - first.rated_at).days <= 56 for first, second in again)
    assert 0.06 < len(again) / (len(marks) - len(again)) < 0.1
    assert 0.5 < statistics.mean(abs(first.rating - second.rating) for first, second in again) < 1.1


def test_guests_stay_within_their_crew(corpus: Corpus) -> None:
    with_guest = [
        told for number in range(corpus.songs) if (told := truth.song(SEED, *corpus.at(number))).guest is not None
    ]
    assert 0.08 < len(with_guest) / corpus.songs < 0.25
    assert all(
        told.guest is not None
        and told.guest // truth.CREW_SIZE == told.artist // truth.CREW_SIZE
        and told.guest != told.artist
        for told in with_guest
    )


def test_the_world_imports_nothing_of_the_package_but_settings() -> None:
    for module in WORLD.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in names:
                assert not name.startswith("rap_platform") or name.startswith(
                    ("rap_platform.world", "rap_platform.settings")
                ), (module.name, name)


def test_57718_tracks_need_no_more_memory_than_their_titles() -> None:
    code = (
        "import psutil\nfrom rap_platform.world import songwriter\nfrom rap_platform.world.corpus import Corpus\n"
        "world = Corpus(2026, 4000, 57718)\nassert world.search('paper crown', 5)\n"
        "for number in range(0, 57718, 577): songwriter.write(2026, *world.at(number))\n"
        "print(psutil.Process().memory_info().rss / 2**20)"
    )
    megabytes = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert megabytes < 120


def test_ids_lead_back_to_their_songs() -> None:
    corpus = Corpus(SEED, 4000, 57_718)
    for number in (0, 1, 999, 30_000, 57_717):
        artist, song = corpus.at(number)
        assert corpus.find_song(corpus.song_id(artist, song)) == (artist, song)
        assert corpus.find_spotify(corpus.spotify_id(artist, song, 2)) == (artist, song, 2)
        assert corpus.find_isrc(corpus.isrc(artist, song)) == (artist, song)
        assert corpus.find_artist(corpus.artist_id(artist)) == artist
    assert corpus.find_song(17) is None
    assert corpus.find_spotify("0" * 21) is None
    assert corpus.find_isrc("USRC17607839") is None


def test_an_impossible_world_says_what_to_change() -> None:
    with pytest.raises(ValueError, match="raise world_songs or lower world_artists"):
        Corpus(SEED, 10, 5)
    with pytest.raises(ValueError, match="raise world_artists"):
        Corpus(SEED, 2, 50_000)


def test_openings_are_never_repeated_within_a_verse(songs: list[tuple[truth.Truth, songwriter.Song]]) -> None:
    for told, song in songs:
        for section in song.sections:
            if section.kind == "verse" and told.craft > 0.5:
                assert all(left != right for left, right in pairwise(section.lines))
                assert len(set(section.lines)) == len(section.lines)


def test_bars_are_as_long_as_a_rappers(songs: list[tuple[truth.Truth, songwriter.Song]]) -> None:
    per_line, per_word, spread = [], [], []
    for _, song in songs:
        bars = heard(song)
        syllables = [bar.syllables for _, bar in bars]
        per_line.append(statistics.mean(syllables))
        per_word.append(sum(syllables) / sum(len(line.split()) for line, _ in bars))
        verses = {line for section in song.sections if section.kind == "verse" for line in section.lines}
        spread.append(statistics.stdev(bar.syllables for line, bar in bars if line in verses))
    low, high = middle(per_line)
    assert 9.5 < low < high < 13.7
    assert min(per_line) > 9
    assert max(per_line) < 14
    low, high = middle(per_word)
    assert 1.14 < low < high < 1.36
    assert statistics.stdev(per_line) > 0.4, "artists have flows of their own"
    assert statistics.median(spread) < 2, "and keep them through a song"


def test_rhyme_follows_craft_from_song_to_song(songs: list[tuple[truth.Truth, songwriter.Song]]) -> None:
    from scipy.stats import spearmanr

    craft, rhymed, echo = [], [], []
    for told, song in songs:
        bars = heard(song)
        first = dict(reversed(bars))  # a line that comes again has no new echo
        craft.append(told.craft)
        rhymed.append(sum(bar.rhymed for _, bar in bars) / sum(bar.syllables for _, bar in bars))
        echo.append(sum(bar.echo for bar in first.values()) / sum(bar.words for bar in first.values()))
    assert spearmanr(craft, rhymed).statistic > 0.93
    assert spearmanr(craft, echo).statistic > 0.93
    low, high = middle(rhymed)
    assert 0.13 < low < high < 0.37


def test_good_pens_rhyme_over_several_syllables(songs: list[tuple[truth.Truth, songwriter.Song]]) -> None:
    def vowels(line: str) -> list[str]:
        return [beat.vowel for beat in Ear(banks().say).listen(re.sub(r" \([^)]*\)", "", line)).beats]

    def share(chosen: list[songwriter.Song]) -> float:
        pairs = [
            (vowels(song.sections[at].lines[left]), vowels(song.sections[at].lines[right]))
            for song in chosen
            for at, left, right in song.rhymed
        ]
        return sum(one[-2:] == other[-2:] for one, other in pairs) / len(pairs)

    good = [song for told, song in songs if told.craft > 0.8]
    poor = [song for told, song in songs if told.craft < 0.2]
    assert share(good) > 0.6
    assert share(good) > share(poor) + 0.2


def test_the_songwriter_hears_syllables_and_rhymes_as_the_dictionary_says() -> None:
    def say(word: str) -> tuple[str, ...] | None:
        return rhymes.load([word]).get(word)

    ear = Ear(lambda word: sound(word, say(word)))
    assert [(beat.vowel, beat.stressed, beat.last) for beat in ear.listen("rusty kettle").beats] == [
        ("AH", True, False),
        ("IY", False, True),
        ("EH", True, False),
        ("AH", False, True),
    ]
    assert ear.listen("zzyqua").beats[0].vowel == "", "a word that nobody knows has syllables, but rhymes with nothing"
    assert ear.listen("zzyqua zzyquo").rhymed == 0
    ear.keep(ear.listen("I drop the broken chair"))
    assert ear.listen("you pick the stolen pear").rhymed == 3
    assert ear.listen("you pick the cold pear").rhymed == 2, "cold answers broken by its vowel"
    assert ear.listen("you push the little chair").rhymed == 0, "the same word again is no rhyme"
    assert ear.listen("kick it quick").rhymed == 1, "a small word carries none"


def test_an_echo_is_the_longest_run_of_vowels_that_a_word_repeats() -> None:
    def say(word: str) -> tuple[str, ...] | None:
        return rhymes.load([word]).get(word)

    ear = Ear(lambda word: sound(word, say(word)))
    ear.keep(ear.listen("broken chair"))
    assert ear.listen("stolen pear").echo == 2 + 3, "o-u, then o-u-e"
    assert ear.listen("broken chair").echo == 0
    assert ear.listen("lamp").echo == 0
    for _ in range(15):
        ear.keep(ear.listen("milk"))
    assert ear.listen("stolen pear").echo == 0, "too long ago"
