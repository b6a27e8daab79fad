"""The commands `rap-platform scaler …`: what audio features are measured against. The arithmetic is in scaling.py."""

import typer

from rap_platform.console import AsJson, out, refuse, running, show_json, table

app = typer.Typer(
    name="scaler", help="The scaler of audio features, fitted once and then frozen.", no_args_is_help=True
)


@app.command()
def show(as_json: AsJson = False) -> None:
    """The scaler in force, and how many tracks a new one could be fitted to."""
    with running("postgres"):
        from rap_platform.embeddings.audio.filling import active_scaler, population
        from rap_platform.embeddings.audio.scaling import FEWEST_TRACKS
        from rap_platform.resources.postgres import connect

        with connect() as conn:
            try:
                scaler = active_scaler(conn)
            except ValueError as error:
                refuse(str(error), code=1)
            now = population(conn)
    if as_json:
        told = scaler and {
            "version": scaler.version,
            "tracks": scaler.tracks,
            "simulated": scaler.simulated,
            "quantiles": scaler.quantiles,
        }
        show_json({"scaler": told, "real_tracks_now": now.real, "simulated_tracks_now": now.simulated})
        return
    if scaler is None:
        out.print("no scaler yet: `rap-platform run` fits one when audio features are there")
    else:
        kind = "simulated" if scaler.simulated else "real"
        out.print(
            f"version {scaler.version}, "
            + (f"fitted to {scaler.tracks:,} {kind} tracks" if scaler.tracks else "the published ranges")
        )
        out.print(
            table(
                [
                    {"feature": name, "lowest": values[0], "median": values[len(values) // 2], "highest": values[-1]}
                    for name, values in scaler.quantiles.items()
                ]
            )
        )
    out.print(f"tracks with enough features now: {now.real:,} real, {now.simulated:,} simulated")
    if scaler is not None and now.real >= FEWEST_TRACKS and (scaler.simulated or not scaler.tracks):
        out.print("there are enough real ones to fit it to: rap-platform scaler fit")


@app.command()
def fit(as_json: AsJson = False) -> None:
    """Fit the scaler to the tracks as they are now and make every audio vector again, at once for those who search."""
    with running("postgres"):
        from rap_platform.embeddings.audio.filling import refit
        from rap_platform.resources.postgres import connect

        with connect() as conn:
            found = refit(conn)
    told = {
        "version": found.scaler.version,
        "fitted_to": found.scaler.tracks,
        "simulated": found.scaler.simulated,
        "vectors_made": found.tracks,
        "skipped": found.skipped,
    }
    show_json(told) if as_json else out.print(table([told]))
