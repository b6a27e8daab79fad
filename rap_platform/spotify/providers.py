"""Who knows what a track sounds like, asked in order: files that people have, Spotify, ReccoBeats. Stores nothing."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rap_platform.lyrics.identity import split_names
from rap_platform.resources.spotify import FeaturesRefused, RateLimited, SpotifyClient, SpotifyError
from rap_platform.spotify.features import AudioFeatures, read_features
from rap_platform.spotify.matching import DURATION_TOLERANCE_MS, Candidate, Wanted, grade
from rap_platform.spotify.queries import FeatureRow, FileFeatures, PendingFeatures


@dataclass(frozen=True)
class Heard:
    """Audio features with the one source that all of them come from."""

    features: AudioFeatures
    source: str


@dataclass(frozen=True)
class Answer:
    """What a provider knows, by track id, and why it knows nothing of the others."""

    heard: dict[int, Heard] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)


class Provider(Protocol):
    """A source of audio features. `ask` raises RateLimited when it wants to be left alone, Unreachable when it is down."""

    def ask(self, batch: Sequence[PendingFeatures]) -> Answer: ...


def features_of(
    providers: Sequence[Provider], batch: Sequence[PendingFeatures]
) -> tuple[list[FeatureRow], RateLimited | None]:
    """Ask the providers in order, each for what those before it did not know; the last reason stands.

    When one wants to be left alone, what is known so far is given with its wish, and the rest is left out to be asked later.
    """
    heard: dict[int, Heard] = {}
    reasons: dict[int, str] = {}
    limit = None
    for provider in providers:
        left = [track for track in batch if track.track_id not in heard]
        if not left:
            break
        try:
            answer = provider.ask(left)
        except RateLimited as error:
            limit = error
            break
        heard |= answer.heard
        reasons |= answer.reasons
    rows = []
    for track in batch:
        known = heard.get(track.track_id)
        if known is not None:
            rows.append(FeatureRow(track.track_id, track.spotify_id, known.features, known.source, None))
        elif limit is None or not track.is_asked:
            reason = reasons.get(track.track_id, "no_provider")
            rows.append(FeatureRow(track.track_id, track.spotify_id, None, None, reason))
    return rows, limit


class Files:
    """Files that people imported, found by Spotify id, ISRC, or equal names that leave no doubt."""

    def __init__(self, look_up: Callable[[Sequence[PendingFeatures]], list[FileFeatures]]) -> None:
        self._look_up = look_up

    def ask(self, batch: Sequence[PendingFeatures]) -> Answer:
        """Choose among the rows of files that may be about each track."""
        rows: dict[int, list[FileFeatures]] = defaultdict(list)
        for row in self._look_up(batch):
            rows[row.track_id].append(row)
        answer = Answer()
        for track in batch:
            chosen = choose(track, rows[track.track_id]) if rows[track.track_id] else "unknown_to_files"
            if isinstance(chosen, str):
                answer.reasons[track.track_id] = chosen
            else:
                answer.heard[track.track_id] = Heard(chosen.features, f"file:{chosen.dataset}")
        return answer


def choose(track: PendingFeatures, rows: Sequence[FileFeatures]) -> FileFeatures | str:
    """The row that is about the track, or why none is: by Spotify id, then ISRC, then names if all such rows say the same."""
    for same in (
        [row for row in rows if track.spotify_id and row.spotify_id == track.spotify_id],
        [row for row in rows if track.isrc and row.isrc == track.isrc],
    ):
        if same:
            return max(same, key=_figures)
    wanted = Wanted(track.artist, track.title, duration_ms=track.duration_ms)
    named = [row for row in rows if grade(wanted, _candidate(row)) == (1.0, None)]
    if not named:
        return "other_version_in_files"
    if len({row.features for row in named}) > 1 and track.duration_ms:
        long = track.duration_ms
        named = [
            row for row in named if row.duration_ms and abs(row.duration_ms - long) <= DURATION_TOLERANCE_MS
        ] or named
    return named[0] if len({row.features for row in named}) == 1 else "ambiguous_in_files"


def _figures(row: FileFeatures) -> int:
    return sum(getattr(row.features, name) is not None for name in AudioFeatures.__dataclass_fields__)


def _candidate(row: FileFeatures) -> Candidate:
    return Candidate(
        "file", row.title, tuple(dict.fromkeys((*split_names(row.artist), row.artist))), duration_ms=row.duration_ms
    )


class Spotify:
    """Spotify's own figures, where it still gives them."""

    def __init__(self, client: SpotifyClient) -> None:
        self._client = client

    def ask(self, batch: Sequence[PendingFeatures]) -> Answer:
        """Ask for the tracks that have an id; `endpoint_restricted` where this app may not."""
        try:
            return _by_id(batch, self._client.audio_features, "spotify")
        except FeaturesRefused:
            return _unknown(batch, "endpoint_restricted")


class ReccoBeats:
    """ReccoBeats' figures by Spotify id."""

    def __init__(self, client: SpotifyClient) -> None:
        self._client = client

    def ask(self, batch: Sequence[PendingFeatures]) -> Answer:
        """Ask for the tracks that have an id."""
        return _by_id(batch, self._client.reccobeats_features, "reccobeats")


def _by_id(
    batch: Sequence[PendingFeatures], ask: Callable[[list[str]], dict[str, dict[str, Any]]], source: str
) -> Answer:
    ids = [track.spotify_id for track in batch if track.spotify_id is not None and track.is_asked]
    try:
        answers = ask(list(dict.fromkeys(ids))) if ids else {}
    except SpotifyError as error:
        if error.status == 401 and source == "spotify":
            raise
        return _unknown(batch, str(error))
    answer = _unknown(batch, f"unknown_to_{source}")
    for track in batch:
        given = answers.get(track.spotify_id or "")
        if given is None or not track.is_asked:
            continue
        try:
            answer.heard[track.track_id] = Heard(read_features(given), source)
        except ValueError as error:
            answer.reasons[track.track_id] = f"{source}: {error}"
    return answer


def _unknown(batch: Sequence[PendingFeatures], reason: str) -> Answer:
    return Answer(
        reasons={
            track.track_id: "no_spotify_match" if track.spotify_id is None else reason
            for track in batch
            if track.is_asked
        }
    )
