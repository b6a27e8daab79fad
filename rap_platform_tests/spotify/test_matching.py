"""Which track is the song: codes before names, gates on both names, and a person where it is close."""

import pytest

from rap_platform.spotify.features import read_features
from rap_platform.spotify.matching import GATE, Candidate, Wanted, artist_likeness, candidate, decide, queries
from rap_platform_tests.spotify.service import track


def one(spotify_id: str, name: str, *artists: str, **more: object) -> Candidate:
    return candidate(track(spotify_id, name, *artists, **more))


def test_the_same_isrc_wins_over_names() -> None:
    match = decide(
        Wanted("Ann", "Sky", isrc="US-ABC-01-00001"),
        [one("a", "Sky", "Ann"), one("b", "Another Name", "Somebody", isrc="USABC0100001")],
    )
    assert (match.status, match.method, match.score) == ("matched", "isrc", 1.0)
    assert match.candidate is not None
    assert match.candidate.spotify_id == "b"


@pytest.mark.parametrize(
    ("title", "name"),
    [("Sky", "SKY"), ("Sky", "Sky - 2011 Remaster"), ("Sky (feat. Ben)", "Sky"), ("Sky", "Sky (with Ben)"), ("Sky [Explicit]", "Sky"),
     ("Don’t Stop", "Dont Stop"), ("Live", "Live"), ("Remix", "Remix"), ("Love - Hate", "Love - Hate"), ("Niña", "Nina"), ("東京", "東京")],
)  # fmt: skip
def test_equal_names_are_exact(title: str, name: str) -> None:
    match = decide(Wanted("Ann", title), [one("a", name, "Ann")])
    assert (match.status, match.method, match.score) == ("matched", "exact", 1.0)


def test_a_small_slip_is_a_fuzzy_match_that_passes_the_gate() -> None:
    match = decide(Wanted("Ann Example", "Midnight Boulevard"), [one("a", "Midnight Boulevarde", "Ann Example")])
    assert (match.status, match.method) == ("matched", "fuzzy")
    assert match.score is not None
    assert GATE <= match.score < 1.0


@pytest.mark.parametrize(
    ("title", "name"),
    [("Sky", "Sky (Remix)"), ("Sky", "Sky - Live"), ("Sky (Live)", "Sky"), ("Sky", "Sky (Karaoke Version)")],
)
def test_another_recording_goes_to_a_person(title: str, name: str) -> None:
    match = decide(Wanted("Ann", title), [one("a", name, "Ann")])
    assert match.status == "review"
    assert "another version" in (match.reason or "")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [(("Lil Alpha", "Sky"), ("Sky", "Lil Beta")), (("Ann", "Sky"), ("Ground", "Ann")), (("Ann", "Sky Pt. 1"), ("Sky Pt. 2", "Ann")),
     (("東京", "夜"), ("朝", "大阪"))],
)  # fmt: skip
def test_a_good_half_does_not_pay_for_the_other(wanted: tuple[str, str], found: tuple[str, str]) -> None:
    assert decide(Wanted(*wanted), [one("a", *found)]).status == "missing"


def test_artists_agree_word_by_word() -> None:
    assert artist_likeness("The Roof", "Roof") == 1.0
    assert artist_likeness("Ann & Ben", "Ann") >= GATE
    assert artist_likeness("Lil Alpha", "Lil Beta") < 0.72
    assert artist_likeness("Ann", "Ann Marie Longname") < 0.72


def test_equal_names_are_told_apart_by_length_then_year_the_same_way_every_time() -> None:
    first, second = one("a", "Sky", "Ann", duration_ms=260_000), one("b", "Sky", "Ann", duration_ms=201_000)
    for order in ([first, second], [second, first]):
        match = decide(Wanted("Ann", "Sky", duration_ms=200_000), order)
        assert match.candidate == second
    old, new = one("a", "Sky", "Ann", release_date="1994"), one("b", "Sky", "Ann", release_date="2011-01-01")
    for order in ([old, new], [new, old]):
        assert decide(Wanted("Ann", "Sky", year=1994), order).candidate == old


def test_nothing_found_is_missing_with_a_reason() -> None:
    assert decide(Wanted("Ann", "Sky"), []).reason == "no search result"
    assert "agrees to" in (decide(Wanted("Ann", "Sky"), [one("a", "Ground", "Zed")]).reason or "")


def test_queries_go_from_code_to_fields_to_words() -> None:
    assert queries(Wanted("Ann & Ben", 'The "Sky" (feat. Cy)', isrc="usabc0100001")) == [
        "isrc:USABC0100001",
        'track:"The Sky" artist:"Ann"',
        'Ann The "Sky"',
    ]
    assert len(queries(Wanted("Ann", "Sky", isrc="no code"))) == 2


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"id": "a", "name": "Sky"},
        {"id": "a", "name": "Sky", "artists": [{}]},
        {"id": None, "name": "x", "artists": [{"name": "y"}]},
    ],
)
def test_half_a_track_is_refused(item: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="without id"):
        candidate(item)


def test_strange_fields_become_unknown_not_wrong() -> None:
    item = track("a", "Sky", "Ann") | {
        "duration_ms": -5,
        "popularity": 400,
        "explicit": "yes",
        "album": None,
        "external_ids": None,
    }
    read = candidate(item)
    assert (read.duration_ms, read.popularity, read.explicit, read.album, read.isrc) == (None, None, None, None, None)


def test_audio_features_keep_what_is_missing_missing() -> None:
    features = read_features({"energy": 0.4, "tempo": 93.5, "loudness": -7})
    assert (features.energy, features.tempo_bpm, features.loudness_db, features.valence) == (0.4, 93.5, -7.0, None)


@pytest.mark.parametrize("row", [{}, {"energy": 1.5}, {"energy": "high"}, {"tempo": float("nan")}, {"energy": True}])
def test_audio_features_that_make_no_sense_are_refused(row: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="out of range|no figure"):
        read_features(row)


@pytest.mark.parametrize(
    ("title", "name"),
    [("Sky, Pt. 2", "Sky Part II"), ("Sky Pt. One", "Sky, Part 1"), ("Sky III", "Sky 3"), ("Sky", "Sky (prod. by Ben)"),
     ("Sky (Live)", "Sky (Live) - 2011 Remaster"), ("Sky - Album Version", "Sky")],
)  # fmt: skip
def test_the_same_part_and_version_written_otherwise_is_exact(title: str, name: str) -> None:
    assert decide(Wanted("Ann", title), [one("a", name, "Ann")]).method == "exact"


@pytest.mark.parametrize(
    ("title", "name"),
    [("Sky", "Sky (Radio Edit)"), ("Sky (Clean)", "Sky"), ("Sky (Remix)", "Sky (Ben Remix)"), ("Sky (Live)", "Sky (Live in Town)"),
     ("Sky", "Sky (Skit)"), ("Sky", "Sky [Sped Up]"), ("Long Winter Coat", "Long Winter Coats"), ("Long Winter Coat", "My Long Winter Coat"),
     ("Winter Love", "Love Winter"), ("The Long Winter Rain", "The Long Winter Pain")],
)  # fmt: skip
def test_what_may_be_another_recording_is_not_linked(title: str, name: str) -> None:
    assert decide(Wanted("Ann", title), [one("a", name, "Ann")]).status != "matched"


@pytest.mark.parametrize("name", ["Sky Pt. 2", "Sky II", "Sky 2"])
def test_another_part_is_not_even_proposed(name: str) -> None:
    assert decide(Wanted("Ann", "Sky Pt. 1"), [one("a", name, "Ann")]).status == "missing"


def test_a_song_out_long_before_is_another_of_that_name_a_reissue_is_not() -> None:
    assert decide(Wanted("Ann", "Sky", year=2010), [one("a", "Sky", "Ann", release_date="2003")]).status == "review"
    assert decide(Wanted("Ann", "Sky", year=2003), [one("a", "Sky", "Ann", release_date="2010")]).status == "matched"


def test_a_guest_of_another_artists_song_is_not_its_artist() -> None:
    match = decide(Wanted("Ann", "Sky"), [one("a", "Sky", "Zed", "Ann")])
    assert (match.status, match.reason) == ("review", "the first artist is Zed")
    assert decide(Wanted("Ann", "Sky (feat. Zed)"), [one("a", "Sky", "Zed", "Ann")]).status == "matched"


def test_a_slip_in_both_names_is_too_many() -> None:
    match = decide(Wanted("Annabel Example", "Midnight Boulevard"), [one("a", "Midnight Boulevarde", "Anabel Example")])
    assert (match.status, match.reason) == ("review", "both names differ a little")


def test_the_id_that_came_with_a_song_is_believed_once_the_names_agree() -> None:
    better = one("a", "Sky", "Ann")
    mine, other = one("b", "Sky - 2011 Remaster", "Ann"), one("b", "Ground", "Ann")
    assert decide(Wanted("Ann", "Sky", spotify_id="b"), [better, mine]).method == "id"
    found = decide(Wanted("Ann", "Sky", spotify_id="b"), [better, other])
    assert (found.method, found.candidate) == ("exact", better)


@pytest.mark.parametrize(
    ("mine", "theirs"), [("King", "Kin"), ("Sin", "Sing"), ("The Thing", "The Thin"), ("Wing", "Win")]
)
def test_a_word_that_ends_like_a_verb_is_another_word(mine: str, theirs: str) -> None:
    found = decide(Wanted("Vale Ardent", mine), [Candidate("a" * 22, theirs, ("Vale Ardent",))])
    assert found.status != "matched"
