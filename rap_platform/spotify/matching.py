"""Which of Spotify's tracks a song is, if any: ISRC, then equal names, then similar names behind gates. Pure; nothing is asked here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from rapidfuzz import fuzz

from rap_platform.lyrics.identity import normalise, parse_title, split_names

VERSION: Final = "1"
# Below the gate nothing is linked; between the two a person decides. Both names must pass, a good title doesn't pay for another artist.
GATE: Final = 0.88
REVIEW: Final = 0.72
DURATION_TOLERANCE_MS: Final = 3_000

Method = Literal["isrc", "exact", "fuzzy"]
Status = Literal["matched", "missing", "review"]

# A remix is another recording, a remaster is not.
_OTHER_RECORDING = re.compile(
    r"\b(remix|re-mix|live|acoustic|demo|instrumental|a ?cappella|acapella|karaoke|sped up|slowed|unplugged|cover|tribute|"
    r"chopped|nightcore|8 ?d audio|freestyle)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A song to look for, as our own data names it."""

    artist: str
    title: str
    isrc: str | None = None
    duration_ms: int | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A track as Spotify describes it; what it leaves out is None."""

    spotify_id: str
    name: str
    artists: tuple[str, ...]
    isrc: str | None = None
    album: str | None = None
    release_date: str | None = None
    duration_ms: int | None = None
    popularity: int | None = None
    explicit: bool | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """What was decided: `score` 0 to 1, `reason` where nothing was linked; a review names its best candidate."""

    status: Status
    method: Method | None = None
    score: float | None = None
    candidate: Candidate | None = None
    reason: str | None = None


def candidate(item: Mapping[str, Any]) -> Candidate:
    """Read a track object of the Web API. Raises ValueError for one without id, name or artists."""
    spotify_id, name, credits_ = item.get("id"), item.get("name"), item.get("artists")
    artists = tuple(
        str(credit["name"]) for credit in credits_ or () if isinstance(credit, Mapping) and credit.get("name")
    )
    if not spotify_id or not name or not artists:
        raise ValueError("a track without id, name or artists")
    album = item.get("album") if isinstance(item.get("album"), Mapping) else {}
    external = item.get("external_ids") if isinstance(item.get("external_ids"), Mapping) else {}
    assert album is not None and external is not None
    return Candidate(
        spotify_id=str(spotify_id),
        name=str(name),
        artists=artists,
        isrc=_isrc(external.get("isrc")),
        album=album.get("name") or None,
        release_date=album.get("release_date") or None,
        duration_ms=_whole(item.get("duration_ms"), 1, 86_400_000),
        popularity=_whole(item.get("popularity"), 0, 100),
        explicit=item["explicit"] if isinstance(item.get("explicit"), bool) else None,
    )


def _whole(value: object, low: int, high: int) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high else None


def _isrc(value: object) -> str | None:
    text = re.sub(r"[^A-Z0-9]", "", value.upper()) if isinstance(value, str) else ""
    return text if len(text) == 12 else None


def queries(wanted: Wanted) -> list[str]:
    """What to search for, best first: the recording's code, then names by field, then names as plain words."""
    title, artist = parse_title(wanted.title).base, (split_names(wanted.artist) or [wanted.artist])[0]
    plain, field = f"{artist} {title}", f'track:"{_unquoted(title)}" artist:"{_unquoted(artist)}"'
    code = _isrc(wanted.isrc)
    return [*([f"isrc:{code}"] if code else []), field, plain]


def _unquoted(text: str) -> str:
    return " ".join(text.replace('"', " ").split())


def decide(wanted: Wanted, candidates: Sequence[Candidate]) -> Match:
    """Choose among candidates: the same ISRC, else the best name score at or above GATE, else review or missing.

    Equal scores are told apart by duration within DURATION_TOLERANCE_MS, then year, popularity and id, so the choice is the same every time.
    """
    code = _isrc(wanted.isrc)
    if code and (same := [one for one in candidates if one.isrc == code]):
        return Match("matched", "isrc", 1.0, min(same, key=lambda one: _tie(wanted, one)))
    graded = sorted(((*grade(wanted, one), one) for one in candidates), key=lambda g: (-g[0], _tie(wanted, g[2])))
    if not graded:
        return Match("missing", reason="no search result")
    score, objection, best = graded[0]
    if objection is None and score >= GATE:
        return Match("matched", "exact" if score == 1.0 else "fuzzy", score, best)
    if score >= REVIEW:
        return Match("review", "fuzzy", score, best, objection or f"names agree to {score:.2f}, {GATE} is needed")
    return Match("missing", reason=f"best of {len(graded)} results agrees to {score:.2f}")


def grade(wanted: Wanted, one: Candidate) -> tuple[float, str | None]:
    """Score a candidate's names 0 to 1, and what speaks against linking it whatever the score: another version, another length.

    1.0 means that artist and title are equal once normalised. The score is the lower of the two names'.
    """
    mine, theirs = parse_title(wanted.title), parse_title(one.name)
    title = _title_likeness(normalise(mine.base), normalise(theirs.base))
    artist = max(artist_likeness(wanted.artist, name) for name in (*one.artists, ", ".join(one.artists)))
    score = round(min(title, artist), 4)
    if _recording(wanted.title, mine.base) != _recording(one.name, theirs.base):
        return min(score, GATE - 0.01), f"another version: {one.name}"
    if (
        wanted.duration_ms
        and one.duration_ms
        and abs(wanted.duration_ms - one.duration_ms) > 10 * DURATION_TOLERANCE_MS
    ):
        return min(score, GATE - 0.01), f"length differs by {abs(wanted.duration_ms - one.duration_ms) // 1000} s"
    return score, None


def _recording(full: str, base: str) -> frozenset[str]:
    """The marks of another recording in what stands outside the base title ("Live" as the whole title is no mark)."""
    decoration = full.replace(base, " ", 1) if base in full else full
    return frozenset(mark.lower().replace("-", "").replace(" ", "") for mark in _OTHER_RECORDING.findall(decoration))


def _title_likeness(one: str, other: str) -> float:
    if one == other or one.replace(" ", "") == other.replace(" ", ""):
        return 1.0
    # Figures count: Pt. 1 is not Pt. 2.
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return min(0.6, fuzz.ratio(one, other) / 100)
    return min(0.99, max(fuzz.ratio(one, other), fuzz.token_sort_ratio(one, other)) / 100)


def artist_likeness(one: str, other: str) -> float:
    """How alike two artist names are, 0 to 1, word by word: every word needs its partner, so "Lil Alpha" is far from "Lil Beta"."""
    left, right = _artist_words(one), _artist_words(other)
    if left == right or "".join(left) == "".join(right):
        return 1.0
    first = _artist_words((split_names(one) or [one])[0])
    if first == right:
        return 0.97
    if not left or len(left) != len(right):
        return 0.0 if not left else min(0.7, fuzz.ratio(" ".join(left), " ".join(right)) / 100)
    return min(0.99, min(fuzz.ratio(a, b) for a, b in zip(left, right, strict=True)) / 100)


def _artist_words(name: str) -> list[str]:
    words = normalise(name).split()
    return words[1:] if len(words) > 1 and words[0] == "the" else words


def _tie(wanted: Wanted, one: Candidate) -> tuple[int, int, int, int, str]:
    exact = 0 if normalise(wanted.title) == normalise(one.name) else 1
    length = 1
    if wanted.duration_ms and one.duration_ms:
        length = 0 if abs(wanted.duration_ms - one.duration_ms) <= DURATION_TOLERANCE_MS else 2
    year = abs(wanted.year - int(one.release_date[:4])) if wanted.year and _has_year(one) and one.release_date else 50
    return exact, length, year, -(one.popularity or 0), one.spotify_id


def _has_year(one: Candidate) -> bool:
    return bool(one.release_date and one.release_date[:4].isdigit())


def merge(rounds: Iterable[Sequence[Candidate]]) -> list[Candidate]:
    """Candidates of several searches, each track once."""
    return list({one.spotify_id: one for found in rounds for one in found}.values())
