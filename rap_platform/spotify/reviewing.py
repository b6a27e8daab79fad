"""What people decide about links: accept a candidate, refuse one for good, or say which track it is. Prints nothing."""

import re
from typing import Final

import psycopg

from rap_platform.resources.spotify import SpotifyClient
from rap_platform.spotify import queries, remembering
from rap_platform.spotify.enriching import Found, readable, track_row
from rap_platform.spotify.matching import Match, grade

_ID: Final = re.compile(
    r"(?:spotify:track:|https?://open\.spotify\.com/(?:intl-[a-z]+/)?track/)?([0-9A-Za-z]{22})(?:[?#]\S*)?"
)


class ReviewRefused(Exception):
    """A decision that can't be carried out; the message names the track and the remedy."""


def parse_spotify_id(text: str) -> str:
    """The id in an id, a URI (spotify:track:...) or a link (https://open.spotify.com/track/...). Raises ReviewRefused."""
    found = _ID.fullmatch(text.strip())
    if found is None:
        raise ReviewRefused(
            f"{text!r} is no Spotify track: give its 22 letters and digits, spotify:track:ID or https://open.spotify.com/track/ID"
        )
    return found[1]


def accept(conn: psycopg.Connection, track_id: int) -> str:
    """Link a song in review to its candidate, for good; gives the Spotify id. Raises ReviewRefused. The caller commits."""
    spotify_id = queries.accept(conn, track_id)
    if spotify_id is None:
        raise ReviewRefused(_why_not(conn, track_id, "nothing to accept"))
    return spotify_id


def reject(conn: psycopg.Connection, track_id: int) -> str:
    """Refuse a song's candidate, or a link that is wrong: it is never proposed again, and the next run looks without it.

    Gives its Spotify id. Raises ReviewRefused. The caller commits.
    """
    refused = queries.reject(conn, track_id)
    if refused is None:
        raise ReviewRefused(_why_not(conn, track_id, "nothing to refuse"))
    return refused


def set_link(conn: psycopg.Connection, client: SpotifyClient, track_id: int, spotify_id: str) -> Match:
    """Say which track of Spotify a song is: it is fetched and stored as `manual`, with the score that its names get.

    Raises ReviewRefused when there is no such song or Spotify has no such track, and whatever the client raises. The caller commits.
    """
    found = queries.one_track(conn, track_id)
    if found is None:
        raise ReviewRefused(_no_track(track_id))
    pending, simulated = found
    if simulated != client.simulated:
        ours, theirs = ("simulated", "real") if simulated else ("real", "simulated")
        raise ReviewRefused(
            f"track {track_id} is {ours}, and the {theirs} Spotify is configured: it knows nothing of it"
        )
    remembering.restore_holds(conn, client)
    item = client.track(spotify_id)
    read = next(readable([item] if item else []), None)
    if read is None:
        raise ReviewRefused(f"Spotify has no track {spotify_id}: copy the link of a song, not of an album or artist")
    candidate, item = read
    match = Match("matched", "manual", grade(pending.wanted, candidate)[0], candidate)
    row = track_row(pending, Found(match, {candidate.spotify_id: item}), 0)
    queries.set_by_hand(conn, row, simulated=client.simulated)
    return match


def _why_not(conn: psycopg.Connection, track_id: int, what: str) -> str:
    state = queries.state(conn, track_id)
    if state is not None:
        method = f" ({state[1]})" if state[1] else ""
        return f"track {track_id}: {what}, it is {state[0]}{method}; `rap-platform spotify review` lists what waits for a decision"
    if queries.slot_of_track(conn, track_id) is None:
        return _no_track(track_id)
    return f"track {track_id} was not looked for on Spotify yet: `rap-platform run --select spotify_tracks` does it"


def _no_track(track_id: int) -> str:
    return f"there is no track {track_id}: `rap-platform spotify review` lists ids, so does the search with --json"
