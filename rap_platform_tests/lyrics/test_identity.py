"""Names: what counts as the same artist and the same song."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rap_platform.lyrics.identity import (
    Title,
    is_translation_account,
    normalise,
    normalise_title,
    parse_title,
    same_artist,
    same_title,
    slot_of,
    slug,
    split_names,
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


@pytest.mark.parametrize(
    ("title", "base", "version", "featured"),
    [
        ("Sky (feat. Crow)", "Sky", None, ("Crow",)), ("Sky ft. Crow", "Sky", None, ("Crow",)), ("Sky featuring Crow & Ada", "Sky", None, ("Crow", "Ada")),
        ("Sky f/ Crow", "Sky", None, ("Crow",)), ("Sky (f/ Crow)", "Sky", None, ("Crow",)), ("Sky w/ Crow", "Sky", None, ("Crow",)),
        ("Sky (with Crow)", "Sky", None, ("Crow",)), ("Sky [Ft. Crow & Ada]", "Sky", None, ("Crow", "Ada")), ("Sky (Ft.\u00a0Crow)", "Sky", None, ("Crow",)),
        ("Sky (feat. Crow x Ada)", "Sky", None, ("Crow", "Ada")), ("Дом (при уч. Касты)", "Дом", None, ("Касты",)), ("歌 (feat. 烏)", "歌", None, ("烏",)),
        ("Sky (2011 Remaster)", "Sky", "2011 Remaster", ()), ("Sky - Remastered 2009", "Sky", "Remastered 2009", ()), ("Sky - Live", "Sky", "Live", ()),
        ("Sky (Live in Oslo)", "Sky", "Live in Oslo", ()), ("Sky (Crow Remix)", "Sky", "Crow Remix", ()), ("Sky [VIP Mix]", "Sky", "VIP Mix", ()),
        ("Sky (Radio Edit)", "Sky", "Radio Edit", ()), ("Sky [Re-Upload]", "Sky", "Re-Upload", ()), ("Sky (Slowed + Reverb)", "Sky", "Slowed + Reverb", ()),
        ("Sky (Remix) [feat. Crow]", "Sky", "Remix", ("Crow",)), ("Sky ft. Crow (Live)", "Sky", "Live", ("Crow",)), ("Дом (Ремикс)", "Дом", "Ремикс", ()),
        ("Sky (Remix) (Live)", "Sky", "Remix, Live", ()), ("Cielo (En Vivo)", "Cielo", "En Vivo", ()),
    ],
)  # fmt: skip
def test_guests_and_versions_in_every_notation(
    title: str, base: str, version: str | None, featured: tuple[str, ...]
) -> None:
    parsed = parse_title(title)
    assert (parsed.base, parsed.version, parsed.featured) == (base, version, featured)


@pytest.mark.parametrize(
    "title",
    ["Sky, Pt. 2", "Sky (Part II)", "Love - Hate", "Remix", "Live", "(Live)", "(Remix)", "Edit", "feat. Crow", "Live Wires", "Live - Alive", "Demo - Crazy",
     "Stand (Up)", "Mixed Feelings", "Come With Me", "Alive (In the Rain)", "Sky (Interlude)", "One x One", "!!!", "$$$", "😀", "Дом", "Σπίτι", "بيت", "בית",
     "家", "집", "Left & Right"],
)  # fmt: skip
def test_what_belongs_to_a_title_stays(title: str) -> None:
    assert parse_title(title) == Title(title, None, parse_title(title).featured)
    assert normalise_title(title)


@pytest.mark.parametrize(
    ("names", "parts"),
    [("Vale x Crow", ["Vale", "Crow"]), ("Vale × Crow", ["Vale", "Crow"]), ("Malcolm X", ["Malcolm X"]), ("Lil X & Crow", ["Lil X", "Crow"]),
     ("Vale f/ Crow", ["Vale", "Crow"]), ("Vale feat. Crow, Ada; Quill", ["Vale", "Crow", "Ada", "Quill"]), ("Sandy Alexx", ["Sandy Alexx"]), ("", [])],
)  # fmt: skip
def test_names_are_split(names: str, parts: list[str]) -> None:
    assert split_names(names) == parts


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
    assert normalise(normalise(name)) == normalise(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Каста", "каста"), ("舐達麻", "舐達麻"), ("!!!", "!!!"), ("Sigur Rós", "sigur ros"), ("$$$", "$$$"), ("😀", "😀"), ("Ελλάδα", "ελλάδα"),
     ("שיר", "שיר"), ("شعر", "شعر"), ("한글", "한글"), ("A$AP", "asap"), ("P!nk", "p nk"), ("Ｖａｌｅ", "vale")],
)  # fmt: skip
def test_names_in_any_script_keep_their_letters(name: str, expected: str) -> None:
    assert normalise(name) == expected
