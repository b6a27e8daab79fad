"""Headers that are known, and what the columns of the others are likely to be; reading and storing are elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What the rows of a file are. Songs and audio features can be imported; the others are named and refused."""

    SONGS = "songs"
    AUDIO_FEATURES = "audio_features"
    RATINGS = "ratings"
    BAG_OF_WORDS = "bag_of_words"
    ANNOTATIONS = "annotations"
    ARTISTS = "artists"


@dataclass(frozen=True)
class Preset:
    """A known header: which of its columns is what, and whether its ids are the same in every copy of the data set.

    `per_line` has one line of a song per row. `form` says what was done to the lyrics. `companion` is the header of a
    file beside it, whose column `joined_by` holds what our column `joins` holds.
    """

    name: str
    header: frozenset[str]  # case-folded; the file may have more
    columns: Mapping[str, str] = field(default_factory=dict)  # field -> column
    identified_by: str | None = "id"
    kind: Kind = Kind.SONGS
    per_line: bool = False
    form: str | None = None
    companion: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Mapped:
    """The columns of a file understood: field -> column as the file spells it; `preset` is None for an unknown header."""

    preset: Preset | None
    kind: Kind
    columns: Mapping[str, str]
    per_line: bool = False


FIELDS: Final = (
    "id", "artist", "title", "lyrics", "album", "genre", "year", "release_date", "language", "views", "featured", "explicit",
    "link",
)  # fmt: skip
FIGURES: Final = (
    "danceability", "energy", "valence", "acousticness", "instrumentalness", "speechiness", "liveness", "loudness", "tempo",
)  # fmt: skip
LEAST_FIGURES: Final = 3  # a file with fewer is no table of audio features

SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "lyrics": ("lyrics", "lyric", "text", "song_lyrics", "lyrics_text", "full_lyrics", "plain_lyrics", "plainlyrics"),
    "title": (
        "title", "song", "song_title", "track_name", "track", "name", "song_name", "sname", "lyrics_title", "track_title",
    ),
    "artist": (
        "artist", "artist_name", "singer", "performer", "primary_artist", "track_artist", "artists", "artist_names", "band",
        "poet", "author",
    ),
    "id": ("id", "song_id", "genius_id", "track_id", "uid"),
    "link": ("link", "url", "lyrics_url", "slink", "song_url", "song_link"),
    "album": ("album", "album_name", "track_album_name"),
    "genre": ("genre", "tag", "playlist_genre", "track_genre"),
    "year": ("year", "release_year"),
    "release_date": ("release_date", "date", "track_album_release_date", "released"),
    "language": ("language", "lang", "language_cld3"),
    "views": ("views", "track_views", "pageviews"),
    "featured": ("features", "featured", "featuring", "featured_artists"),
    "explicit": ("explicit", "is_explicit"),
}  # fmt: skip
_LINE_SYNONYMS: Final = ("line", "bar", "lyric_line")

_VAGALUME_ARTISTS: Final = frozenset({"artist", "genres", "songs", "popularity", "link"})
PRESETS: Final[tuple[Preset, ...]] = (
    Preset(
        "genius5m",
        frozenset({"title", "tag", "artist", "year", "views", "features", "lyrics", "id"}),
        {"id": "id", "title": "title", "artist": "artist", "lyrics": "lyrics", "genre": "tag", "year": "year", "views": "views",
         "featured": "features", "language": "language"},
    ),
    Preset(
        "millsongdata",
        frozenset({"artist", "song", "link", "text"}),
        {"link": "link", "title": "song", "artist": "artist", "lyrics": "text"},
        "link",
    ),
    Preset(
        "rap_lyrics_v1",
        frozenset({"id", "artist", "title", "full_title", "lyrics"}),
        {"id": "id", "artist": "artist", "title": "title", "lyrics": "lyrics"},
    ),
    Preset(
        "drake",
        frozenset({"album", "lyrics_title", "lyrics_url", "lyrics", "track_views"}),
        {"link": "lyrics_url", "title": "lyrics_title", "lyrics": "lyrics", "album": "album", "views": "track_views"},
        "link",
    ),
    Preset(
        "vagalume",
        frozenset({"alink", "sname", "slink", "lyric", "language"}),
        {"link": "slink", "title": "sname", "artist": "alink", "lyrics": "lyric", "language": "language"},
        "link",
        companion=_VAGALUME_ARTISTS,
    ),
    Preset(
        "tcc_ceds",
        frozenset({"artist_name", "track_name", "release_date", "genre", "lyrics", "len", "topic", "age"}),
        {"artist": "artist_name", "title": "track_name", "lyrics": "lyrics", "genre": "genre", "year": "release_date"},
        None,
        form="lemmatised",
    ),
    Preset(
        "rap_line_pairs",
        frozenset({"artist", "song", "lyric", "next lyric"}),
        {"artist": "artist", "title": "song", "lyrics": "lyric", "next": "next lyric"},
        None,
        per_line=True,
    ),
    Preset(
        "lyricsgenius",
        frozenset({"title", "lyrics", "lyrics_state", "primary_artist"}),
        {"id": "id", "title": "title", "artist": "primary_artist", "lyrics": "lyrics", "link": "url", "album": "album",
         "release_date": "release_date", "language": "language", "views": "pageviews", "featured": "featured_artists"},
    ),
    Preset(
        "spotify_1_2m",
        frozenset({"id", "name", "artists", "track_number", "disc_number", "duration_ms", *FIGURES}),
        {"id": "id", "title": "name", "artist": "artists", "duration_ms": "duration_ms"},
        kind=Kind.AUDIO_FEATURES,
    ),
    Preset(
        "spotify_114k",
        frozenset({"track_id", "artists", "track_name", "popularity", "track_genre", "duration_ms", *FIGURES}),
        {"id": "track_id", "title": "track_name", "artist": "artists", "duration_ms": "duration_ms"},
        kind=Kind.AUDIO_FEATURES,
    ),
    Preset(
        "tidytuesday_spotify_songs",
        frozenset({"track_id", "track_name", "track_artist", "playlist_id", "duration_ms", *FIGURES}),
        {"id": "track_id", "title": "track_name", "artist": "track_artist", "duration_ms": "duration_ms"},
        kind=Kind.AUDIO_FEATURES,
    ),
    Preset(
        "tidytuesday_rankings",
        frozenset({"id", "title", "artist", "year", "gender", "points", "n"}),
        kind=Kind.RATINGS,
    ),
    Preset("vagalume_artists", _VAGALUME_ARTISTS, kind=Kind.ARTISTS),
)  # fmt: skip
# Columns by which a table about songs that has no lyrics (WASABI and its like) gives itself away.
_ANNOTATION_MARKS: Final = ("emotion", "topic", "social_tag", "explicit_content", "self_similarity", "summar", "wasabi")

REFUSALS: Final[Mapping[Kind, str]] = {
    Kind.AUDIO_FEATURES: "audio features of songs (Spotify's figures), without lyrics. They are imported for the Spotify stage, not as songs: "
    "`rap-platform import FILE`, or the inbox and `rap-platform run`",
    Kind.RATINGS: "critics' points for songs (a ranking), without lyrics: there is no song in it to import. "
    "Import a file that has the lyrics, then give its tracks these points: `rap-platform ratings import FILE`",
    Kind.BAG_OF_WORDS: "a bag of words (musiXmatch for the Million Song Dataset): how often each stemmed word occurs, in no order. "
    "Lyrics can't be made of it, so there is nothing to import; get the lyrics from another data set",
    Kind.ANNOTATIONS: "annotations of songs (WASABI or its like: topics, emotions, explicitness), without lyrics. "
    "There is nothing to import; get the lyrics from another data set",
    Kind.ARTISTS: "Vagalume's list of artists, without lyrics. Keep it beside the lyrics file and import that one: the artists' names are taken from here",
}


def understand(header: Sequence[str], columns: Mapping[str, str] | None = None, *, per_line: bool = False) -> Mapped:
    """Say what the rows under a header are and which column is which; `columns` (column -> field) wins over presets."""
    named = {name.strip().casefold(): name for name in reversed(header) if name}
    if not columns and not per_line:
        for preset in PRESETS:
            if preset.header <= named.keys():
                found = {key: named[name] for key, name in preset.columns.items() if name in named}
                if preset.kind is Kind.AUDIO_FEATURES:
                    if _lyrics_column(named) is not None:
                        continue
                    found |= _figures(named)
                return Mapped(preset, preset.kind, found, preset.per_line)
    found = _guess(named, columns or {}, per_line=per_line)
    if "lyrics" not in found and not columns:
        if sum(any(mark in name for mark in _ANNOTATION_MARKS) for name in named) >= 2:
            return Mapped(None, Kind.ANNOTATIONS, found)
        figures = _figures(named)
        if sum(name in figures for name in FIGURES) >= LEAST_FIGURES:
            return Mapped(None, Kind.AUDIO_FEATURES, found | figures)
    return Mapped(None, Kind.SONGS, found, per_line)


def _guess(named: Mapping[str, str], columns: Mapping[str, str], *, per_line: bool) -> dict[str, str]:
    found = {key: column for column, key in columns.items()}
    for key, usual in SYNONYMS.items():
        names = (*_LINE_SYNONYMS, *usual) if per_line and key == "lyrics" else usual
        taken = set(found.values())
        choice = next((named[name] for name in names if name in named and named[name] not in taken), None)
        if key not in found and choice is not None:
            found[key] = choice
    if per_line and "next lyric" in named:
        found["next"] = named["next lyric"]
    return found


def _lyrics_column(named: Mapping[str, str]) -> str | None:
    return next((named[name] for name in SYNONYMS["lyrics"] if name in named), None)


def _figures(named: Mapping[str, str]) -> dict[str, str]:
    return {name: named[name] for name in (*FIGURES, "isrc", "duration_ms") if name in named}
