"""Which of our tracks a row of ratings is about: by id, Genius id, ISRC, else by artist and title behind a threshold and a margin."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rapidfuzz import fuzz, process

from rap_platform.lyrics.identity import normalise, normalise_title
from rap_platform.spotify.matching import GATE, REVIEW, Candidate, Wanted, grade

THRESHOLD: Final = GATE  # of names below which nothing is linked
MARGIN: Final = 0.05  # by which the best must beat the next other song
_ARTISTS, _TITLES = 8, 8  # alike in name that are looked at

Key = Literal["track_id", "genius_id", "isrc", "exact", "fuzzy"]
Problem = Literal["ambiguous", "unmatched", "simulated", "names_disagree"]


@dataclass(frozen=True, slots=True)
class Track:
    """A track as far as it can be named. `family` is the track that it is a duplicate of, else itself."""

    track_id: int
    artist: str
    title: str
    featured: tuple[str, ...] = ()
    year: int | None = None
    genius_id: str | None = None
    isrc: str | None = None
    family: int = 0
    simulated: bool = False

    def __str__(self) -> str:
        return f"{self.artist}: {self.title} (track {self.track_id})"


@dataclass(frozen=True, slots=True)
class Named:
    """What a row says of its track; "" for what it leaves out."""

    artist: str = ""
    title: str = ""
    year: int | None = None
    track_id: str = ""
    genius_id: str = ""
    isrc: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """The track that a row is about, by which key and with which score 0..1; or what stands in the way and the candidates."""

    track: Track | None
    key: Key | None = None
    score: float = 0.0
    problem: Problem | None = None
    reason: str = ""
    candidates: tuple[tuple[Track, float], ...] = ()


class Tracks:
    """All tracks, found by key or by name. Simulated ones are known only to be refused."""

    def __init__(self, tracks: Iterable[Track]) -> None:
        self._by_id: dict[str, Track] = {}
        self._by_genius: dict[str, Track] = {}
        self._by_isrc: dict[str, list[Track]] = defaultdict(list)
        self._by_names: dict[tuple[str, str], list[Track]] = defaultdict(list)
        self._of_artist: dict[str, list[Track]] = defaultdict(list)
        self._of_title: dict[str, list[Track]] = defaultdict(list)
        for track in tracks:
            self._by_id[str(track.track_id)] = track
            if track.genius_id:
                self._by_genius[track.genius_id] = track
            if track.simulated:
                continue
            if track.isrc:
                self._by_isrc[track.isrc].append(track)
            artist, title = normalise(track.artist), normalise_title(track.title)
            self._by_names[artist, title].append(track)
            self._of_artist[artist].append(track)
            self._of_title[title].append(track)
        self._artists, self._titles = list(self._of_artist), list(self._of_title)
        self._known: dict[Named, Link] = {}

    def find(self, named: Named) -> Link:
        """Link a row to a track by the best key that it has, or say why not. The same row gets the same answer."""
        if named not in self._known:
            self._known[named] = self._find(named)
        return self._known[named]

    def _find(self, named: Named) -> Link:
        keys: tuple[tuple[Key, str, Mapping[str, Track]], ...] = (
            ("track_id", named.track_id, self._by_id),
            ("genius_id", named.genius_id, self._by_genius),
        )
        for key, value, known in keys:
            if value and (track := known.get(value)) is not None:
                return self._by_key(named, key, track)
        isrc = named.isrc.upper().replace("-", "").replace(" ", "")
        if isrc and (same := self._by_isrc.get(isrc)):
            if len({track.family for track in same}) > 1:
                return _ambiguous([(track, 1.0) for track in same], f"{len(same)} tracks have the ISRC {isrc}")
            return self._by_key(named, "isrc", _original(same))
        if named.artist and named.title:
            return self._by_name(named)
        given = ", ".join(f"{key} {value}" for key, value, _ in (*keys, ("isrc", named.isrc, {})) if value)
        return Link(
            None, problem="unmatched", reason=f"no track has {given}" if given else "neither a key nor artist and title"
        )

    def _by_key(self, named: Named, key: Key, track: Track) -> Link:
        if track.simulated:
            return Link(None, problem="simulated", reason=f"{track} is simulated: only its own panel marks it")
        if named.artist and named.title and (alike := _grade(named, track)[0]) < REVIEW:
            reason = f"{key} says {track}, the names agree with that to {alike:.2f} only"
            return Link(None, problem="names_disagree", reason=reason, candidates=((track, alike),))
        return Link(track, key, 1.0)

    def _by_name(self, named: Named) -> Link:
        exact = self._by_names.get((normalise(named.artist), normalise_title(named.title)), [])
        graded = _best_first(named, exact)
        if not graded or graded[0][1] < 1.0:
            graded = _best_first(named, {track.track_id: track for track in [*exact, *self._alike(named)]}.values())
        if not graded:
            return Link(None, problem="unmatched", reason="there is no real track")
        best, score, objection = graded[0]
        shown = tuple((track, found) for track, found, _ in graded[:3])
        if objection is not None or score < THRESHOLD:
            reason = f"nearest {best}, {score:.2f}: {objection or f'below {THRESHOLD}'}"
            return Link(None, problem="unmatched", reason=reason, candidates=shown[:1])
        rivals = [(track, found) for track, found, no in graded if no is None and score - found < MARGIN]
        if named.year is not None and len({track.family for track, _ in rivals}) > 1:
            rivals = [(track, found) for track, found in rivals if track.year == named.year] or rivals
        if len({track.family for track, _ in rivals}) > 1:
            return _ambiguous(rivals, f"{len(rivals)} tracks are within {MARGIN} of each other")
        track = _original([track for track, _ in rivals])
        return Link(track, "exact" if score == 1.0 else "fuzzy", score, candidates=shown)

    def _alike(self, named: Named) -> list[Track]:
        """Tracks of artists that are named alike, and tracks that are."""
        artist, title = normalise(named.artist), normalise_title(named.title)
        artists = process.extract(artist, self._artists, scorer=fuzz.WRatio, limit=_ARTISTS)
        titles = process.extract(title, self._titles, scorer=fuzz.ratio, limit=_TITLES)
        found = [track for name, _, _ in artists for track in self._of_artist[name]]
        return found + [track for name, _, _ in titles for track in self._of_title[name]]


def _best_first(named: Named, tracks: Iterable[Track]) -> list[tuple[Track, float, str | None]]:
    graded = [(track, *_grade(named, track)) for track in tracks]
    return sorted(graded, key=lambda found: (-found[1], found[2] is not None, found[0].track_id))


def _grade(named: Named, track: Track) -> tuple[float, str | None]:
    return grade(
        Wanted(named.artist, named.title), Candidate(str(track.track_id), track.title, (track.artist, *track.featured))
    )


def _original(same: Sequence[Track]) -> Track:
    """Of duplicates the one that the others are duplicates of, else the oldest."""
    return min(same, key=lambda track: (track.family != track.track_id, track.track_id))


def _ambiguous(tracks: Sequence[tuple[Track, float]], reason: str) -> Link:
    named = "; ".join(f"{track} {score:.2f}" for track, score in tracks[:5])
    return Link(None, problem="ambiguous", reason=f"{reason}: {named}", candidates=tuple(tracks[:5]))
