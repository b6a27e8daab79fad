"""The trend report of one population: body as JSON, markdown. Figures come from series."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from rap_platform.trends import series
from rap_platform.trends.series import Song

SHOWN = 8


def build(songs: Sequence[Song], *, without_year: int, analyzer: str | None, simulated: bool) -> dict[str, Any]:
    """Songs per year, rhyme density, theme and mood shares by year, and what rises or falls.

    `songs` have a year; `without_year` counts those that have none and stand in no series; `analyzer` is whose themes and
    moods these are, None when nobody analysed the songs.
    """
    heard = [(song.year, song.artist_id, song.rhyme_density) for song in songs if song.rhyme_density is not None]
    density = np.array([value for _, _, value in heard], dtype=float)
    themed = [song for song in songs if song.themes is not None]
    moody = [song for song in songs if song.mood is not None]
    themes = _shares([song.themes or () for song in themed], themed)
    moods = _shares([(song.mood,) if song.mood else () for song in moody], moody)
    return {
        "population": "simulated" if simulated else "real",
        "simulated": simulated,
        "songs": len(songs),
        "songs_without_year": without_year,
        "songs_with_rhyme": len(heard),
        "songs_with_themes": len(themed),
        "analyzer": analyzer,
        "minimum_songs_per_year": series.MINIMUM_SONGS,
        "songs_per_year": series.songs_per_year([song.year for song in songs]),
        "rhyme_density": {
            "by_year": [asdict(point) for point in series.means([year for year, _, _ in heard], density)],
            "slope": [
                asdict(s)
                for s in series.slopes(
                    ["rhyme_density"], [h[0] for h in heard], [h[1] for h in heard], density[:, None]
                )
            ],
        },
        "themes": themes,
        "moods": moods,
    }


def _shares(labels: Sequence[Sequence[str]], songs: Sequence[Song]) -> dict[str, Any]:
    names, matrix = series.indicators(labels)
    years, artists = [song.year for song in songs], [song.artist_id for song in songs]
    return {
        "by_year": {
            name: [asdict(point) for point in series.shares(years, matrix[:, k])] for k, name in enumerate(names)
        },
        "slopes": [asdict(slope) for slope in series.slopes(names, years, artists, matrix)],
    }


def rising(part: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Slopes that are clearly above zero, steepest first."""
    return [slope for slope in part["slopes"] if slope["clear"] and slope["per_decade"] > 0]


def falling(part: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Slopes that are clearly below zero, steepest first."""
    return [slope for slope in reversed(part["slopes"]) if slope["clear"] and slope["per_decade"] < 0]


def markdown(body: Mapping[str, Any]) -> str:
    """The report as a person reads it."""
    simulated = " Everything here is **simulated**." if body["simulated"] else ""
    per_year = body["songs_per_year"]
    span = f"{per_year[0]['year']} to {per_year[-1]['year']}" if per_year else "no year known"
    gaps = [entry["year"] for entry in per_year if entry["songs"] < body["minimum_songs_per_year"]]
    lines = [
        f"{body['songs']} {body['population']} songs with a year ({span}); {body['songs_without_year']} without one are left out.{simulated}",
        f"{len(gaps)} years with fewer than {body['minimum_songs_per_year']} songs are gaps. Near-duplicates count once.",
        f"Themes and moods: {body['analyzer'] or 'nobody analysed these songs yet'}.",
    ]
    slope = body["rhyme_density"]["slope"]
    if slope:
        lines += ["", f"Rhyme density changes by {_change(slope[0], 1, '')} per decade."]
    for title, part in (("theme", body["themes"]), ("mood", body["moods"])):
        if not part["slopes"]:
            lines += [
                "",
                f"No slopes of {title}s: that takes 3 years of {body['minimum_songs_per_year']} songs, by 10 artists.",
            ]
            continue
        lines += ["", f"| {title} | change per decade, percentage points (95 %) | |", "|---|---|---|"]
        moving = [(s, "rising") for s in rising(part)[:SHOWN]] + [(s, "falling") for s in falling(part)[:SHOWN]]
        lines += [f"| {s['name']} | {_change(s, 100, '')} | {direction} |" for s, direction in moving]
        if not moving:
            lines.append(f"| none of {len(part['slopes'])} | no change stands out from chance | |")
    return "\n".join(lines)


def _change(slope: Mapping[str, Any], factor: float, unit: str) -> str:
    style = "+.1f" if factor > 1 else "+.4f"
    return f"{slope['per_decade'] * factor:{style}}{unit} ({slope['low'] * factor:{style}} to {slope['high'] * factor:{style}})"
