"""Near-duplicates: found whatever the order, never chained."""

from random import Random

from rap_platform.lyrics.duplicates import Text, find_links, jaccard, shingles

WORDS = [f"word{n}" for n in range(400)]


def lyrics(seed: int) -> str:
    chance = Random(seed)
    return "\n".join(" ".join(chance.choices(WORDS, k=8)) for _ in range(30))


def altered(text: str, lines: int) -> str:
    return "\n".join([*text.split("\n")[lines:], *(f"another closing line number {n} here" for n in range(lines))])


def links(texts: dict[int, str], versions: set[int] | None = None) -> dict[int, int]:
    rows = [Text(number, (number in (versions or set()), number), text) for number, text in texts.items()]
    return {link.track_id: link.original_id for link in find_links(rows, lambda ids: {n: texts[n] for n in ids})}


def test_headers_case_and_punctuation_do_not_count() -> None:
    assert jaccard(shingles("[Verse 1]\nRain, on the WINDOW"), shingles("rain on the window")) == 1.0


def test_a_near_duplicate_points_to_the_earlier_song_and_others_stay_alone() -> None:
    texts = {1: lyrics(1), 2: lyrics(2), 3: altered(lyrics(1), 2), 4: altered(lyrics(2), 12), 5: lyrics(1).upper()}
    assert links(texts) == {3: 1, 5: 1}
    assert links(dict(reversed(texts.items()))) == {3: 1, 5: 1}


def test_a_remix_that_came_first_is_still_the_copy() -> None:
    assert links({1: lyrics(1), 2: lyrics(1)}, versions={1}) == {1: 2}


def test_links_never_form_a_chain() -> None:
    texts = {n: altered(lyrics(9), n) for n in range(6)}
    found = links(texts)
    assert found
    assert not set(found) & set(found.values())


def test_a_thousand_unrelated_songs_are_not_linked() -> None:
    assert links({n: lyrics(n) for n in range(1000)}) == {}
