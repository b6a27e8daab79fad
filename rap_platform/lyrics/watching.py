"""Which artists are watched: those of the settings, or with the simulated Genius its whole catalogue; fetching is elsewhere."""

from collections.abc import Iterator

import httpx
import psycopg

from rap_platform.lyrics import queries
from rap_platform.lyrics.building import ensure_artists
from rap_platform.settings import NotConfigured, Settings

PAGE = 500
TIMEOUT_S = 15.0


def sync_watch_list(conn: psycopg.Connection, settings: Settings) -> list[str]:
    """Bring the watch list up to date and give the slugs to fetch; commits. Empty when Genius isn't configured.

    With the real Genius the artists of the settings are added and stay; with the simulated one the list equals its
    catalogue. Raises httpx.HTTPError when the catalogue can't be read.
    """
    try:
        endpoint = settings.genius_endpoint()
    except NotConfigured:
        return []
    if endpoint.simulated:
        wanted: dict[str, int | None] = dict(_catalogue(settings.world_root))
    else:
        wanted = dict.fromkeys((name.strip() for name in settings.genius.artists if name.strip()), None)
    with conn.transaction():
        artists = ensure_artists(conn, wanted, simulated=endpoint.simulated)
        queries.watch_artists(conn, [(artists[name].artist_id, genius_id) for name, genius_id in wanted.items()])
        if endpoint.simulated:
            ids = [artist.artist_id for artist in artists.values()]
            queries.unwatch_other_artists(conn, ids, simulated=True)
        watched = queries.watched_slugs(conn, simulated=endpoint.simulated)
    conn.commit()
    return watched


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
