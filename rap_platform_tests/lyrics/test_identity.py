"""Names: what counts as the same artist and the same song."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rap_platform.lyrics.identity import (
    is_translation_account,
    normalise,
    normalise_title,
    parse_title,
    same_artist,
    same_title,
    slot_of,
    slug,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [("JAY-Z", "Jay Z"), ("JAY-Z", "JayZ"), ("Beyoncé", "BEYONCE"), ("A$AP Rocky", "ASAP Rocky"), ("Simon & Vale", "Simon and Vale"),
     ("Ol’ Grey", "Ol' Grey"), ("Björn", "Bjo\u0308rn"), ("Vale & Crow", "Vale"), ("The Crows", "Crows")],
)  # fmt: skip
def test_spellings_of_one_artist_agree(one: str, other: str) -> None:
    assert same_artist(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("Vale", "Valerie"), ("Каста", "Каспер"), ("!!!", "???"), ("Crow", "Vale & Crow")]
)
def test_different_artists_stay_apart(one: str, other: str) -> None:
    assert not same_artist(one, other)


def test_a_title_is_taken_apart() -> None:
    assert parse_title("Sky High (feat. Vale & Crow) - Live at Sea") == parse_title(
        "Sky High ft. Vale, Crow (Live at Sea)"
    )
    title = parse_title("Sky High (feat. Vale & Crow) [2011 Remaster]")
    assert (title.base, title.version, title.featured) == ("Sky High", "2011 Remaster", ("Vale", "Crow"))
    assert parse_title("Live").base == "Live"
    assert parse_title("(Remix)").base == "(Remix)"
    assert parse_title("Alive (In the Rain)").version is None


def test_a_karma_is_no_creep_and_a_remix_no_original() -> None:
    assert not same_title("Karma Street", "Creeping Street")
    assert not same_title("Sky High (Remix)", "Sky High")
    assert same_title("SKY  HIGH!", "Sky High (feat. Vale)")
    assert normalise_title("Sky High (Remix) ft. Vale") == "sky high"


def test_translation_accounts_are_told_from_artists() -> None:
    assert is_translation_account("Genius English Translations")
    assert is_translation_account("Genius Türkçe Çeviri")
    assert not is_translation_account("Perfume Genius")
    assert not is_translation_account("Genius")


def test_slots_are_stable() -> None:
    assert slot_of("genius", "4711") == slot_of("genius", "4711") == 909
    assert 0 <= slot_of("import", "millsongdata:/verse/1") < 1024


@given(st.text(min_size=1).filter(lambda name: name.strip()))
def test_a_name_never_becomes_empty_and_normalising_twice_changes_nothing(name: str) -> None:
    assert slug(name)
    assert len(slug(name)) <= 80
    assert normalise(name)


@pytest.mark.parametrize(
    ("name", "expected"), [("Каста", "каста"), ("舐達麻", "舐達麻"), ("!!!", "!!!"), ("Sigur Rós", "sigur ros")]
)
def test_names_in_any_script_keep_their_letters(name: str, expected: str) -> None:
    assert normalise(name) == expected
