"""Asks Spotify which track a song is and says what became of the question; reads and writes no database."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rap_platform.spotify.matching import Candidate, Match, Wanted, candidate, decide, merge, queries
from rap_platform.spotify.queries import FAILED_EXPIRES_HOURS, PendingTrack, TrackRow

# What is kept of Spotify's answer; the rest is in columns or of no use (markets, links, pictures).
KEPT = (
    "id",
    "uri",
    "name",
    "type",
    "duration_ms",
    "explicit",
    "popularity",
    "track_number",
    "disc_number",
    "external_ids",
)


class Searches(Protocol):
    """Whoever finds tracks by a query."""

    def search(self, query: str) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Found:
    """A decision and the answers it rests on, by Spotify id."""

    match: Match
    items: dict[str, dict[str, Any]]


def find(
    client: Searches, wanted: Wanted, known: Mapping[str, Any] | None = None, rejected: Collection[str] = ()
) -> Found:
    """Weigh what Spotify has under the id that came with the song (`known`), then search until one query brings a link.

    Candidates of all queries are weighed together; those in `rejected` were refused by a person and don't count.
    Raises whatever the client raises.
    """
    items: dict[str, dict[str, Any]] = {}
    rounds: list[list[Candidate]] = []
    match = Match("missing", reason="no search result")
    for answer in _rounds(client, wanted, known):
        answered = [(one, item) for one, item in readable(answer) if one.spotify_id not in rejected]
        items.update({one.spotify_id: item for one, item in answered})
        rounds.append([one for one, _ in answered])
        match = decide(wanted, merge(rounds))
        if match.status == "matched":
            break
    return Found(match, items)


def _rounds(client: Searches, wanted: Wanted, known: Mapping[str, Any] | None) -> Iterator[list[dict[str, Any]]]:
    if known is not None:
        yield [dict(known)]
    for query in queries(wanted):
        yield client.search(query)


def readable(items: Sequence[dict[str, Any]]) -> Iterator[tuple[Candidate, dict[str, Any]]]:
    """Candidates with the items they were read from; what is no track is left out."""
    for item in items:
        try:
            yield candidate(item), item
        except ValueError:
            continue


def track_row(pending: PendingTrack, found: Found, miss_expires_days: float) -> TrackRow:
    """A decision as a row; a miss says when to ask again."""
    match = found.match
    item = found.items.get(match.candidate.spotify_id) if match.candidate else None
    payload = {name: item[name] for name in KEPT if name in item} if item else None
    expires = miss_expires_days if match.status == "missing" else None
    return TrackRow(
        pending.track_id,
        pending.input_sha256,
        match.status,
        match.method,
        match.score,
        match.candidate,
        payload,
        match.reason,
        expires,
    )


def failed_row(pending: PendingTrack, reason: str) -> TrackRow:
    """A request that failed, as a row that is asked again soon."""
    return TrackRow(
        pending.track_id, pending.input_sha256, "failed", None, None, None, None, reason, FAILED_EXPIRES_HOURS / 24
    )
