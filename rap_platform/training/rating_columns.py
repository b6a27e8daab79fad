"""Which column of a file of ratings is what: the keys of the track, the mark, the rater; or a column for each rater."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rap_platform.lyrics import presets
from rap_platform.lyrics.presets import Kind
from rap_platform.training.rating_values import is_blank, parse_mark

KEYS: Final = ("track_id", "genius_id", "isrc")
SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "track_id": ("track_id", "trackid", "rap_track_id"),
    "genius_id": ("genius_id", "geniusid", "genius_song_id", "song_id"),
    "isrc": ("isrc", "isrc_code", "track_isrc"),
    "artist": presets.SYNONYMS["artist"],
    "title": presets.SYNONYMS["title"],
    "year": presets.SYNONYMS["year"],
    "mark": ("rating", "mark", "score", "stars", "grade", "vote", "value", "quality", "user_rating", "rating_value", "points"),
    "rater": ("rater", "rater_id", "user", "user_id", "username", "critic", "reviewer", "judge", "annotator", "voter", "participant"),
    "rated_at": ("rated_at", "date", "timestamp", "time", "rated_on", "created_at", "reviewed_at", "when"),
    "occasion": ("occasion", "session", "round", "wave", "repeat", "trial"),
}  # fmt: skip
_SCALE_IN_NAME: Final = re.compile(
    r"[\s_(\[]*(?:\d{1,3}\s*(?:-|–|_|_to_|\bto\b)\s*\d{1,3}|out[ _]of[ _]\d+|/\s*\d+|percent|pct|%)[)\]]*$",
    re.IGNORECASE,
)
_NOT_RATERS: Final = frozenset(
    {name for names in presets.SYNONYMS.values() for name in names} | {name for key, names in SYNONYMS.items() if key != "mark" for name in names}
    | {*presets.FIGURES, "", "n", "index", "row", "rank", "duration", "duration_ms", "popularity", "gender", "comment", "comments", "note", "notes",
       "mean", "average", "avg", "median", "total", "sum", "count", "sd", "std"}
)  # fmt: skip
_RATER_PREFIX: Final = re.compile(r"^(?:rating|score|mark|grade)[_ ]+(?=.)", re.IGNORECASE)
_MOSTLY: Final = 0.8  # of a rater's cells that are filled hold a mark


class ColumnsUnknown(Exception):
    """The columns don't say what a row is about, or hold no mark; the message says what is missing."""


@dataclass(frozen=True)
class Columns:
    """Field -> column; `raters` are the columns of a wide table, rater -> column; `points` a poll of critics."""

    fields: Mapping[str, str]
    raters: Mapping[str, str]
    ignored: tuple[str, ...]
    points: bool = False


def understand(header: Sequence[str], mapped: presets.Mapped, sample: Sequence[Mapping[str, Any]]) -> Columns:
    """Say what each column is, by its name and, for wide tables, by the marks in it. Raises ColumnsUnknown."""
    named = {_bare(name): name for name in reversed(header) if name}
    points = mapped.kind is Kind.RATINGS
    fields: dict[str, str] = {}
    for key, names in SYNONYMS.items():
        usual = ("points",) if points and key == "mark" else names
        taken = set(fields.values())
        choice = next((named[name] for name in usual if name in named and named[name] not in taken), None)
        if choice is not None:
            fields[key] = choice
    raters = {} if "mark" in fields else _raters(header, fields, sample)
    ignored = tuple(name for name in header if name and name not in {*fields.values(), *raters.values()})
    told = ", ".join(name or "(unnamed)" for name in header[:40])
    if not any(key in fields for key in KEYS) and not {"artist", "title"} <= fields.keys():
        raise ColumnsUnknown(
            f"no column says which track a row is about; it has {told}. Name one track_id, genius_id or isrc, or two artist and title"
        )
    if "mark" not in fields and not raters:
        raise ColumnsUnknown(
            f"no column holds marks; it has {told}. Name one rating, or give each rater a column of numbers"
        )
    if raters and "rater" in fields:
        raise ColumnsUnknown(
            f"a column {fields['rater']!r} names raters, but no column holds their marks; name one rating"
        )
    return Columns(fields, raters, ignored, points)


def _bare(name: str) -> str:
    """The name without the scale that is written behind it: "Rating (1-5)" is rating."""
    return _SCALE_IN_NAME.sub("", name.strip().casefold()).strip().replace(" ", "_")


def _raters(header: Sequence[str], fields: Mapping[str, str], sample: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in header:
        if not name or name in fields.values() or _bare(name) in _NOT_RATERS:
            continue
        filled = [row.get(name) for row in sample if not is_blank(row.get(name))]
        marks = sum(parse_mark(value) is not None for value in filled)
        if filled and marks >= _MOSTLY * len(filled):
            rater = _RATER_PREFIX.sub("", _SCALE_IN_NAME.sub("", name.strip()).strip())
            found[rater if rater not in found else name] = name
    return found
