"""Which of Spotify's tracks a song is, if any: the id that came with it, ISRC, equal names, then similar names behind gates.

Pure; nothing is asked here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from rapidfuzz import fuzz

from rap_platform.lyrics.identity import normalise, parse_title, split_names

VERSION: Final = "2"
# Below the gate nothing is linked; between the two a person decides. Both names must pass, a good title doesn't pay for another artist.
GATE: Final = 0.88
REVIEW: Final = 0.72
DURATION_TOLERANCE_MS: Final = 3_000
YEARS_EARLY: Final = 3  # a reissue is later than its song; what was out this long before is another song of that name
# Not quite the same names: a slip in one of the two may be a slip, in both it is another song.
_NEARLY: Final = 0.96
_BELOW_GATE: Final = GATE - 0.01

Method = Literal["id", "isrc", "exact", "fuzzy", "manual"]
Status = Literal["matched", "missing", "review"]

# What a version mark may say without being another recording; an edit is one, but of the same recording.
_SAME_RECORDING = frozenset(
    ("remaster", "remastered", "re", "digital", "version", "album", "original", "explicit", "bonus", "track", "mono",
     "stereo", "main", "deluxe", "edition", "anniversary", "reissue", "the", "a", "in", "of")
)  # fmt: skip
_REMASTERED = frozenset(("remaster", "remastered"))
_EDITS = frozenset(("radio", "edit", "clean", "edited", "censored", "single", "upload", "reupload", "reup", "up"))
_MARKS = re.compile(
    r"\b(remix(?:ed)?|re-mix|mix|live|acoustic|demo|instrumental|a ?cappella|acapella|karaoke|sped up|slowed|unplugged|cover|tribute|"
    r"originally performed|made famous|in the style of|chopped|screwed|nightcore|8 ?d audio|freestyle|extended|dub|reprise|"
    r"interlude|skit|intro|outro|edit|clean|session|rehearsal|take \d+|re-?recorded)\b",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\s*[(\[]([^)\]]*)[)\]]")
_PRODUCED = re.compile(r"\s*[(\[]\s*prod(?:uced)?\b[^)\]]*[)\]]", re.IGNORECASE)
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_ROMAN_OR_WORD = _ROMAN | {
    "i": "1", "v": "5", "x": "10", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
}  # fmt: skip
_PARTS = {
    "pt": "part",
    "pts": "part",
    "part": "part",
    "vol": "volume",
    "volume": "volume",
    "chapter": "chapter",
    "ch": "chapter",
}
_ARTICLES = frozenset(("the", "a", "an"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A song to look for, as our own data names it."""

    artist: str
    title: str
    isrc: str | None = None
    duration_ms: int | None = None
    year: int | None = None
    spotify_id: str | None = None  # came with the song; believed once the names agree


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
    """Choose among candidates: the id that came with the song if its names agree, the same ISRC, else the best names.

    Names link at or above GATE, go to review above REVIEW, are missing below. Equal scores are told apart by version,
    duration within DURATION_TOLERANCE_MS, year, popularity and id, so the choice is the same every time.
    """
    graded = sorted(((*grade(wanted, one), one) for one in candidates), key=lambda g: (-g[0], _tie(wanted, g[2])))
    for score, objection, one in graded:
        if one.spotify_id == wanted.spotify_id and objection is None and score >= GATE:
            return Match("matched", "id", score, one)
    code = _isrc(wanted.isrc)
    if code and (same := [one for one in candidates if one.isrc == code]):
        return Match("matched", "isrc", 1.0, min(same, key=lambda one: _tie(wanted, one)))
    if not graded:
        return Match("missing", reason="no search result")
    score, objection, best = graded[0]
    if objection is None and score >= GATE:
        return Match("matched", "exact" if score == 1.0 else "fuzzy", score, best)
    if score >= REVIEW:
        return Match("review", "fuzzy", score, best, objection or f"names agree to {score:.2f}, {GATE} is needed")
    return Match("missing", reason=f"best of {len(graded)} results agrees to {score:.2f}")


def grade(wanted: Wanted, one: Candidate) -> tuple[float, str | None]:
    """Score a candidate's names 0 to 1, and what speaks against linking it whatever the score.

    1.0 means that artist and title are equal once normalised. The score is the lower of the two names'. Objections:
    another version, an edit, another length, a release long before, another first artist, a slip in both names.
    """
    mine, theirs = _Named.of(wanted.title), _Named.of(one.name)
    title = title_likeness(mine.base, theirs.base)
    artist = max(artist_likeness(wanted.artist, name) for name in (*one.artists, ", ".join(one.artists)))
    score = round(min(title, artist), 4)
    objection = None
    if mine.recording != theirs.recording:
        objection = f"another version: {one.name}"
    elif mine.is_edit != theirs.is_edit:
        objection = f"an edit: {one.name}" if theirs.is_edit else "the edit is wanted"
    elif wanted.duration_ms and one.duration_ms and _apart(wanted, one) > 10 * DURATION_TOLERANCE_MS:
        objection = f"length differs by {_apart(wanted, one) // 1000} s"
    elif wanted.year and (year := _year(one)) and wanted.year - year >= YEARS_EARLY:
        objection = f"released in {year}, {wanted.year - year} years before the song"
    elif not _led_by(wanted, mine, one):
        objection = f"the first artist is {one.artists[0]}"
    elif title < _NEARLY and artist < _NEARLY:
        objection = "both names differ a little"
    if objection is not None:
        return min(score, _BELOW_GATE), objection
    return score, None


@dataclass(frozen=True, slots=True)
class _Named:
    """A title taken apart for comparing: the canonical base, the marks of another recording, whether it is an edit."""

    base: str
    recording: frozenset[str]
    is_edit: bool
    featured: tuple[str, ...]

    @classmethod
    def of(cls, title: str) -> "_Named":
        parsed = parse_title(_PRODUCED.sub("", title) or title)
        base, said = parsed.base, [parsed.version or ""]
        for found in _BRACKETS.finditer(parsed.base):
            if _MARKS.search(found[1]) and found.start() > 0:
                base = base.replace(found[0], " ")
                said.append(found[1])
        words = normalise(" ".join(said)).split() if any(said) else []
        marks = {word for word in words if word not in _SAME_RECORDING | _EDITS}
        if all(word.isdigit() for word in marks) or _REMASTERED & set(words):
            marks = {word for word in marks if not word.isdigit()}  # the year of a remaster
        return cls(_canonical(base), frozenset(marks), bool(_EDITS & set(words)), parsed.featured)


def _canonical(base: str) -> str:
    """Normalised, with "Pt. II", "Part 2" and "Part Two" written the same way."""
    words: list[str] = []
    for place, word in enumerate(normalise(base).split()):
        after_part = bool(words) and words[-1] in _PARTS.values()
        if place and word in _PARTS:
            words.append(_PARTS[word])
        elif after_part and word in _ROMAN_OR_WORD:
            words.append(_ROMAN_OR_WORD[word])
        elif place and word in _ROMAN:
            words.append(_ROMAN[word])
        else:
            words.append(word)
    return " ".join(words)


def _led_by(wanted: Wanted, mine: _Named, one: Candidate) -> bool:
    """Whether the candidate's first artist is anybody of whom the song's own credits speak."""
    credited = [wanted.artist, *split_names(wanted.artist), *mine.featured]
    return max(artist_likeness(name, one.artists[0]) for name in credited) >= GATE


def _apart(wanted: Wanted, one: Candidate) -> int:
    return abs((wanted.duration_ms or 0) - (one.duration_ms or 0))


def title_likeness(one: str, other: str) -> float:
    """How alike two canonical titles are, 0 to 1. Figures must be the same, and every word needs its partner to pass the gate."""
    if one == other or one.replace(" ", "") == other.replace(" ", ""):
        return 1.0
    whole = fuzz.ratio(one, other) / 100
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return min(0.6, whole)
    left, right = ([word for word in text.split() if word not in _ARTICLES] for text in (one, other))
    if left == right and left:
        return 0.97
    if len(left) != len(right):
        return min(_BELOW_GATE, whole)
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
    if all(_same_ending(a, b) for a, b in pairs):
        return 0.97
    if any(_only_a_plural(a, b) or min(len(a), len(b)) < 5 or fuzz.ratio(a, b) < 80 for a, b in pairs):
        return min(_BELOW_GATE, whole)
    return min(0.95, whole)


def _same_ending(one: str, other: str) -> bool:
    """Whether two words are a verb written with and without its last letter: runnin, running; but king is not kin."""
    stem = one.removesuffix("g")
    return stem == other.removesuffix("g") and len(stem) > 5 and stem.endswith("in")


def _only_a_plural(one: str, other: str) -> bool:
    return one.removesuffix("s") == other.removesuffix("s")


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
    version = 0 if _version(wanted.title) == _version(one.name) else 1
    length = 1
    if wanted.duration_ms and one.duration_ms:
        length = 0 if _apart(wanted, one) <= DURATION_TOLERANCE_MS else 2
    released = _year(one)
    year = abs(wanted.year - released) if wanted.year and released else 50
    return version, length, year, -(one.popularity or 0), one.spotify_id


def _version(title: str) -> str:
    version = parse_title(title).version
    return normalise(version) if version else ""


def _year(one: Candidate) -> int | None:
    digits = (one.release_date or "")[:4]
    return int(digits) if len(digits) == 4 and digits.isdecimal() and int(digits) else None


def merge(rounds: Iterable[Sequence[Candidate]]) -> list[Candidate]:
    """Candidates of several searches, each track once."""
    return list({one.spotify_id: one for found in rounds for one in found}.values())
