"""Which artists are watched, and which of them are due: by hand, by the settings, or the catalogue of the simulated Genius; fetching is elsewhere."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import httpx
import psycopg

from rap_platform.lyrics import queries
from rap_platform.lyrics.building import ensure_artists
from rap_platform.lyrics.identity import MOST_CHARACTERS, normalise
from rap_platform.settings import NotConfigured, Settings

PAGE = 500
TIMEOUT_S = 15.0
TRY_AGAIN_AFTER: Final = dt.timedelta(hours=6)  # an artist that could not be fetched, when nothing told us a time


class WatchRefused(Exception):
    """The watch list was not changed; the message names the artist and the remedy."""


@dataclass(frozen=True)
class Watching:
    """What a change of the watch list did: names now watched, and those that were before."""

    added: tuple[str, ...]
    already: tuple[str, ...]


def sync_watch_list(conn: psycopg.Connection, settings: Settings) -> list[str]:
    """Bring the watch list up to date and give the slugs to fetch; commits. Empty when Genius isn't configured.

    With the real Genius the artists of the settings are added and stay; with the simulated one the list equals its
    catalogue. Whoever was taken off by hand stays off. Raises httpx.HTTPError when the catalogue can't be read.
    """
    try:
        endpoint = settings.genius_endpoint()
    except NotConfigured:
        return []
    if endpoint.simulated:
        wanted: dict[str, int | None] = dict(_catalogue(settings.world_root))
    else:
        wanted = dict.fromkeys(_named(settings), None)
    with conn.transaction():
        artists = ensure_artists(conn, wanted, simulated=endpoint.simulated)
        queries.watch_artists(conn, [(artists[name].artist_id, genius_id) for name, genius_id in wanted.items()])
        if endpoint.simulated:
            ids = [artist.artist_id for artist in artists.values()]
            queries.unwatch_other_artists(conn, ids, simulated=True)
        watched = queries.watched_slugs(conn, simulated=endpoint.simulated)
    conn.commit()
    return watched


def add_artists(
    conn: psycopg.Connection, names: Iterable[str], *, simulated: bool, genius_ids: Mapping[str, int] | None = None
) -> Watching:
    """Put artists on the watch list by name; commits. Watching somebody twice changes nothing.

    `genius_ids` names the Genius id where the spelling alone would not find the artist. Raises WatchRefused for a name that
    can't be one, before anything is stored.
    """
    wanted = list(dict.fromkeys(" ".join(name.split()) for name in names))
    for name in wanted:
        _check_name(name)
    with conn.transaction():
        artists = ensure_artists(conn, wanted, simulated=simulated)
        already = tuple(name for name in wanted if artists[name].watched)
        chosen = {artists[name].artist_id: (genius_ids or {}).get(name) for name in wanted}
        queries.welcome_back(conn, list(chosen))
        queries.watch_artists(conn, list(chosen.items()))
    conn.commit()
    return Watching(tuple(name for name in wanted if name not in already), already)


def remove_artists(conn: psycopg.Connection, names: Iterable[str], settings: Settings) -> list[str]:
    """Take artists off the watch list, named by name or slug; commits and gives their names. Their songs stay.

    A name that a real and a simulated artist share means the real one. Raises WatchRefused, before anything is stored, for
    somebody who is not watched or whom the settings name.
    """
    watched = [artist for simulated in (True, False) for artist in queries.watch_list(conn, simulated=simulated)]
    by_key = {key: artist for artist in watched for key in (artist.slug, normalise(artist.name))}
    named = {normalise(name) for name in _named(settings)}
    chosen: dict[int, str] = {}
    for name in names:
        artist = by_key.get(name.strip()) or by_key.get(normalise(name))
        if artist is None:
            raise WatchRefused(f"{name!r} is not watched; `rap-platform artists list` shows who is")
        if not artist.simulated and normalise(artist.name) in named:
            raise WatchRefused(f"{artist.name!r} is named in RAP_GENIUS__ARTISTS: take it out there")
        chosen[artist.artist_id] = artist.name
    queries.take_off(conn, list(chosen))
    conn.commit()
    return list(chosen.values())


def stale(artists: Iterable[queries.WatchedArtist], now: dt.datetime, fresh_days: int) -> list[queries.WatchedArtist]:
    """Those whose songs were not gone through within `fresh_days`, the longest ago first, never first of all."""
    limit = now - dt.timedelta(days=fresh_days)
    found = [artist for artist in artists if artist.fetched_at is None or artist.fetched_at < limit]
    return sorted(found, key=lambda artist: (artist.fetched_at or dt.datetime.min.replace(tzinfo=dt.UTC), artist.slug))


def due_again(
    artists: Iterable[queries.WatchedArtist], now: dt.datetime, hold_until: dt.datetime | None
) -> list[queries.WatchedArtist]:
    """Those whose last try did not get there and that may be tried again.

    While Genius wants to be left alone (`hold_until` in the future) nobody is. Afterwards everybody tried before that time is, and
    without such a time everybody whose last try is six hours old.
    """
    if hold_until is not None and hold_until > now:
        return []
    failed = (artist for artist in artists if artist.fetch_error is not None and artist.fetch_tried_at is not None)
    return [
        artist
        for artist in failed
        if artist.fetch_tried_at is not None
        and (now - artist.fetch_tried_at >= TRY_AGAIN_AFTER or (hold_until and artist.fetch_tried_at < hold_until))
    ]


def _named(settings: Settings) -> list[str]:
    return [name for given in settings.genius.artists if (name := given.strip())]


def _check_name(name: str) -> None:
    if not name:
        raise WatchRefused("an artist's name is empty: give the name as Genius spells it")
    if len(name) > MOST_CHARACTERS:
        raise WatchRefused(f"{name[:40]!r}… is longer than {MOST_CHARACTERS} characters, no artist's name is")
    if any(ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF for character in name):
        raise WatchRefused(f"{name!r} holds a control or broken character: type the name anew")


def _catalogue(root: str) -> Iterator[tuple[str, int]]:
    offset, total = 0, 1
    with httpx.Client(base_url=root, timeout=TIMEOUT_S, trust_env=False) as client:
        while offset < total:
            answer = client.get("/catalogue/artists", params={"limit": PAGE, "offset": offset})
            answer.raise_for_status()
            document = answer.json()
            artists, total = document["artists"], int(document["total"])
            if not artists:
                return
            offset += len(artists)
            yield from ((str(artist["name"]), int(artist["id"])) for artist in artists)
