"""The commands `rap-platform spotify …`: how we stand with Spotify, and the links that wait for a person; what they mean is in reviewing.py."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from rap_platform.console import AsJson, err, out, refuse, running, show_json, table
from rap_platform.settings import NotConfigured, Settings

if TYPE_CHECKING:
    import psycopg

app = typer.Typer(
    name="spotify", help="Links to Spotify: how far they reach, and those that wait for you.", no_args_is_help=True
)

TrackIds = list[int] | None
NEXT = "next: rap-platform run --select spotify_tracks (looks again for what was refused), then rap-platform run"


@app.command()
def review(
    accept: Annotated[
        TrackIds, typer.Option(metavar="TRACK_ID", help="Link this track to its candidate for good; may be repeated.")
    ] = None,
    reject: Annotated[
        TrackIds, typer.Option(metavar="TRACK_ID", help="Never propose its candidate again; may be repeated.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="TRACK_ID=SPOTIFY_ID", help="Link this track to that id, URI or link; may be repeated."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many of the queue.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Songs whose best candidate did not pass the gate: list them, decide on some, or (on a terminal, without options) on one after the other."""
    from rap_platform.resources.postgres import connect
    from rap_platform.spotify import queries

    links = [_pair(one) for one in set_ or []]
    asks = bool(links) or (is_terminal() and not (accept or reject or as_json))  # a person may name any track
    with running("postgres", *(["world", "redis"] if asks else [])) as ready, connect() as conn:
        if accept or reject or links:
            done = _decide(conn, ready, accept or [], reject or [], links)
            if as_json:
                show_json(done)
                return
            for one in done:
                out.print(Text(f"track {one['track_id']}: {one['decision']} {one['spotify_id']}"))
            out.print(NEXT)
            return
        queue = queries.review_queue(conn, limit)
        conn.commit()
        if as_json:
            show_json([asdict(item) for item in queue])
        elif not queue:
            out.print("nothing waits for a decision")
        elif is_terminal():
            _ask_one_by_one(conn, ready, queue)
        else:
            out.print(table([_row(item) for item in queue]))
            out.print(
                "decide: rap-platform spotify review --accept TRACK_ID | --reject TRACK_ID | --set TRACK_ID=SPOTIFY_ID"
            )


@app.command()
def status(as_json: AsJson = False) -> None:
    """What Spotify lets us do, until when it wants to be left alone, and how far links and audio features reach."""
    from rap_platform.resources.postgres import connect
    from rap_platform.resources.spotify import app_of
    from rap_platform.spotify import queries, remembering

    with running("postgres") as ready, connect() as conn:
        try:
            endpoint = ready.spotify_endpoint()
        except NotConfigured as error:
            refuse(str(error))
        standing = remembering.standing(conn, app_of(endpoint))
        told: dict[str, Any] = {
            "endpoint": "simulated" if endpoint.simulated else "real",
            "capabilities": asdict(standing.capabilities) if standing.capabilities else None,
            "holds": {service: asdict(hold) for service, hold in standing.holds.items()},
            "credentials_refused": standing.refusal,
            "coverage": queries.coverage(conn, simulated=endpoint.simulated),
            "links": queries.links(conn, simulated=endpoint.simulated),
            "audio_features": queries.sources(conn, simulated=endpoint.simulated),
            "imported_audio_features": queries.imported_count(conn)[0],
        }
    if as_json:
        show_json(told)
        return
    out.print(Text(f"Spotify: {told['endpoint']}"))
    known = told["capabilities"]
    out.print(
        Text(
            "what it allows: not asked yet"
            if known is None
            else "what it allows: " + ", ".join(f"{key} {value}" for key, value in known.items())
        )
    )
    for service, hold in standing.holds.items():
        out.print(Text(f"{service} is left alone until {hold.until:%Y-%m-%d %H:%M} UTC: {hold.reason}", style="yellow"))
    if standing.refusal:
        out.print(Text(f"{standing.refusal}: {remembering.REMEDY}", style="red"))
    for name in ("coverage", "links", "audio_features"):
        if told[name]:
            out.print(table([{name.replace("_", " "): key, "tracks": count} for key, count in told[name].items()]))


def is_terminal() -> bool:
    """Whether a person is there to answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _pair(text: str) -> tuple[int, str]:
    from rap_platform.spotify.reviewing import ReviewRefused, parse_spotify_id

    track_id, mark, link = text.partition("=")
    if not mark or not track_id.strip().isdecimal():
        refuse(f"--set {text}: write TRACK_ID=SPOTIFY_ID, e.g. --set 42=spotify:track:ID")
    try:
        return int(track_id), parse_spotify_id(link)
    except ReviewRefused as reason:
        refuse(str(reason))


def _decide(
    conn: "psycopg.Connection", ready: Settings, accepted: list[int], refused: list[int], links: list[tuple[int, str]]
) -> list[dict[str, Any]]:
    """Carry out all decisions in one transaction, or none."""
    from rap_platform.spotify import reviewing

    done: list[dict[str, Any]] = []
    try:
        for track_id in accepted:
            done.append({"track_id": track_id, "decision": "linked to", "spotify_id": reviewing.accept(conn, track_id)})
        for track_id in refused:
            done.append({"track_id": track_id, "decision": "refused", "spotify_id": reviewing.reject(conn, track_id)})
        for track_id, spotify_id in links:
            done.append(
                {"track_id": track_id, "decision": "linked to", "spotify_id": _set(conn, ready, track_id, spotify_id)}
            )
    except reviewing.ReviewRefused as reason:
        refuse(str(reason))
    conn.commit()
    return done


def _set(conn: "psycopg.Connection", ready: Settings, track_id: int, spotify_id: str) -> str:
    from rap_platform.resources.spotify import RateLimited, SpotifyError, Unreachable, client_of
    from rap_platform.spotify import remembering, reviewing

    try:
        client = client_of(ready)
    except NotConfigured as error:
        refuse(str(error))
    try:
        with client:
            reviewing.set_link(conn, client, track_id, spotify_id)
    except RateLimited as limit:
        conn.rollback()
        remembering.remember_wait(conn, client, limit)
        conn.commit()
        refuse(f"track {track_id}: {limit}; nothing was stored", code=1)
    except (SpotifyError, Unreachable) as error:
        refuse(
            f"track {track_id}: {error}; nothing was stored, `rap-platform spotify status` says how we stand", code=1
        )
    return spotify_id


def _ask_one_by_one(conn: "psycopg.Connection", ready: Settings, queue: "list[Any]") -> None:
    from rap_platform.spotify import reviewing

    choices: dict[str, Callable[[int], object]] = {
        "a": lambda track_id: reviewing.accept(conn, track_id),
        "r": lambda track_id: reviewing.reject(conn, track_id),
    }
    decided = 0
    for place, item in enumerate(queue, start=1):
        out.print(table([_row(item)]))
        answer = typer.prompt(
            f"{place} of {len(queue)}: (a)ccept, (r)eject, (s)kip, (q)uit, or the right Spotify id", default="s"
        ).strip()
        if answer == "q":
            break
        if answer == "s":
            continue
        try:
            if answer in choices:
                choices[answer](item.track_id)
            else:
                _set(conn, ready, item.track_id, reviewing.parse_spotify_id(answer))
        except reviewing.ReviewRefused as reason:
            conn.rollback()
            err.print(Text(str(reason)))
            continue
        conn.commit()
        decided += 1
    out.print(f"{decided} decided" + (f"; {NEXT}" if decided else ""))


def _row(item: Any) -> dict[str, Any]:
    return {
        "track": item.track_id,
        "song": f"{item.artist}: {item.title}" + (f" ({item.year})" if item.year else ""),
        "candidate": f"{', '.join(item.candidate_artists)}: {item.candidate}"
        + (f" ({item.release_date})" if item.release_date else ""),
        "id": item.spotify_id,
        "score": item.score,
        "why not linked": item.reason,
    }
