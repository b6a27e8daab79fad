"""The commands `rap-platform artists …`: who is watched; what watching means is in watching.py."""

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from rap_platform.console import AsJson, out, refuse, running, show_json, table

app = typer.Typer(name="artists", help="The artists whose songs are fetched from Genius.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(help="Artists as Genius spells them.")]


@app.command()
def add(
    names: Names = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="A text file with one name a line; # starts a comment.")
    ] = None,
    genius_id: Annotated[
        int | None, typer.Option(min=1, help="The artist's id at Genius, for one name that the spelling does not find.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Watch artists: their songs are fetched by the platform that runs, or by the next `run`."""
    from rap_platform.lyrics import watching
    from rap_platform.resources.postgres import connect

    wanted = [*(names or []), *(_names_of(file) if file else [])]
    if not wanted:
        refuse("nobody to watch: give names, or --file FILE with one name a line")
    if genius_id is not None and len(wanted) != 1:
        refuse(f"--genius-id belongs to one artist, {len(wanted)} are named")
    with running("postgres") as ready:
        real = ready.genius.token is not None
        with connect() as conn:
            try:
                done = watching.add_artists(
                    conn, wanted, simulated=False, genius_ids={wanted[0]: genius_id} if genius_id else None
                )
            except watching.WatchRefused as reason:
                refuse(str(reason))
    if as_json:
        show_json(asdict(done) | {"fetched_by": "genius" if real else None})
        return
    out.print(f"{len(done.added)} watched now, {len(done.already)} watched before")
    if not real:
        out.print(
            "their songs are fetched once RAP_GENIUS__TOKEN is set: the simulated Genius knows only its own artists"
        )
    elif done.added:
        out.print("next: rap-platform run --select genius_songs+ (a platform that is up does it by itself)")


@app.command()
def remove(names: Names = None, as_json: AsJson = False) -> None:
    """Watch artists no longer, by name or slug. Songs that were fetched stay; a fetch under way is not cut short."""
    from rap_platform.lyrics import watching
    from rap_platform.resources.postgres import connect

    if not names:
        refuse("nobody to take off the watch list: give names")
    with running("postgres") as ready, connect() as conn:
        try:
            removed = watching.remove_artists(conn, names, ready)
        except watching.WatchRefused as reason:
            refuse(str(reason))
    if as_json:
        show_json({"removed": removed})
    else:
        out.print(f"{', '.join(removed)}: no longer watched; the songs stay")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Who is watched, how many songs came, and when the artist was last gone through."""
    from rap_platform.lyrics import queries, watching
    from rap_platform.resources.postgres import connect

    with running("postgres") as ready, connect() as conn:
        artists = [artist for simulated in (False, True) for artist in queries.watch_list(conn, simulated=simulated)]
        stale = {a.artist_id for a in watching.stale(artists, dt.datetime.now(dt.UTC), ready.genius.fresh_days)}
    if as_json:
        show_json([asdict(artist) | {"fresh": artist.artist_id not in stale} for artist in artists])
        return
    if not artists:
        out.print("nobody is watched: rap-platform artists add NAME")
        return
    out.print(
        table(
            [
                {
                    "artist": artist.name,
                    "slug": artist.slug,
                    "from": "simulated" if artist.simulated else "Genius",
                    "songs": sum(artist.songs.values()),
                    "tracks": artist.tracks,
                    "without lyrics": sum(count for status, count in artist.songs.items() if status != "ok"),
                    "gone through": f"{artist.fetched_at:%Y-%m-%d %H:%M}" if artist.fetched_at else "never",
                    "state": artist.fetch_error or ("stale" if artist.artist_id in stale else "fresh"),
                }
                for artist in artists
            ]
        )
    )
    out.print(Text(f"{len(artists)} watched, {len(stale)} not gone through for {ready.genius.fresh_days} days"))


def _names_of(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        refuse(f"{file}: no such file")
    except OSError as error:
        refuse(f"{file}: {error.strerror or error}")
    except UnicodeDecodeError as error:
        refuse(f"{file}: not UTF-8 at byte {error.start}: save it as UTF-8, one artist a line")
    return [name for line in lines if (name := line.partition("#")[0].strip())]
