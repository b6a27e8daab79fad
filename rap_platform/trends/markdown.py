"""The trend report as a person reads it. Nothing is computed here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rap_platform.trends.telling import FIGURES, STABLE, falling, rising

SHOWN = 8
TITLES = {"themes": "Themes", "moods": "Moods", "sentiments": "Sentiment", "figures": "Rhyme, words and flow"}

Row = Sequence[object]


def markdown(body: Mapping[str, Any]) -> str:
    """The whole report."""
    return "\n".join(line for block in _blocks(body) for line in block)


def _blocks(body: Mapping[str, Any]) -> Iterator[list[str]]:
    yield _head(body)
    for name, title in TITLES.items():
        yield _part(title, body["parts"][name])
    if body["clusters"]:
        yield clusters(body["clusters"])
    if body["words"]:
        yield words(body["words"])
    for name, found in body["careers"].items():
        yield _careers(name, found)


def _head(body: Mapping[str, Any]) -> list[str]:
    simulated = " Everything here is **simulated**." if body["simulated"] else ""
    per_year = body["songs_per_year"]
    span = f"{per_year[0]['year']} to {per_year[-1]['year']}" if per_year else "no year known"
    gaps = [entry["year"] for entry in per_year if entry["songs"] < body["minimum_songs_per_year"]]
    lines = [
        f"{body['songs']} {body['population']} songs with a year ({span}); {body['songs_without_year']} without one are left out.{simulated}",
        f"{len(gaps)} years with fewer than {body['minimum_songs_per_year']} songs are gaps, also those with fewer than "
        f"{body['minimum_artists_per_year']} artists. Near-duplicates count once. Intervals know that songs of one artist are alike.",
        f"Themes and moods: {body['analyzer'] or 'nobody analysed these songs yet'}.",
    ]
    return [*lines, *(f"\n**Beware**: {warning}." for warning in body["composition"]["warnings"])]


def _part(title: str, part: Mapping[str, Any]) -> list[str]:
    lines = ["", f"### {title}", ""]
    if not part["by_year"]:
        return [*lines, "Nothing is known yet."]
    if part["slopes"]:
        lines += [f"Change per decade over all years, of {part['songs']} songs:", ""]
        moving = [(s, "rising") for s in rising(part)[:SHOWN]] + [(s, "falling") for s in falling(part)[:SHOWN]]
        if moving:
            lines += table(
                ("", "per decade (95 %)", ""), [(label(s["name"]), change(s, part), way) for s, way in moving]
            )
        else:
            lines.append(f"None of {len(part['slopes'])} stands out from chance.")
    else:
        lines.append("No slopes: that takes 3 years of 5 songs, by 10 artists.")
    return [*lines, *_changes(part), *_outlook(part)]


def _changes(part: Mapping[str, Any]) -> list[str]:
    if not part["changes"]:
        return ["", "No year in which one of them jumps is certain."]
    rows = [
        (one["year"], f"{one['year_low']} to {one['year_high']}", label(one["name"]), number(one["before"], part),
         number(one["after"], part), beside(one))
        for one in part["changes"]
    ]  # fmt: skip
    return ["", "Years in which one of them jumps:", "", *table(("year", "95 %", "", "before", "after", ""), rows)]


def beside(change: Mapping[str, Any]) -> str:
    """What else happened at a change."""
    if change["beside"] is None:
        return ""
    return f"{'an echo of' if change['echo'] else 'beside'} {label(change['beside'])}"


def _outlook(part: Mapping[str, Any]) -> list[str]:
    outlook = part["outlook"]
    if outlook["method"] == "none":
        return ["", f"No forecast: {outlook['reason']}."]
    rows = [
        (test["ahead"], test["forecasts"], f"{test['ratio']:.2f} ({test['ratio_low']:.2f} to {test['ratio_high']:.2f})",
         f"{test['coverage']:.0%}", f"{test['naive_coverage']:.0%}")
        for test in outlook["backtests"] if test["ratio"] is not None
    ]  # fmt: skip
    head = (
        "years ahead",
        "forecasts",
        "error over that of the same as last year (95 %)",
        "in the 90 % interval",
        "of the other",
    )
    return ["", f"Forecast by the {outlook['method']}: {outlook['reason']}. Back-test:", "", *table(head, rows)]


def clusters(clusters: Mapping[str, Any]) -> list[str]:
    rows = [
        (one["name"], one["songs"], "; ".join(f"{song['title']} ({song['artist']})" for song in one["medoids"][:2]))
        for one in clusters["clusters"]
    ]
    about = (
        f"{len(rows)} groups of songs by what they mean; silhouette {clusters['silhouette']:.3f}, "
        f"two halves agree to {clusters['stability']:.2f} (adjusted Rand index)."
    )
    if clusters["stability"] < STABLE:
        about += f" Below {STABLE} the songs have no firm groups: take these as a sketch."
    return ["", "### Groups of songs", "", about, "", *table(("its own words", "songs", "in its middle"), rows)]


def words(words: Mapping[str, Any]) -> list[str]:
    lines = [
        "",
        "### Words",
        "",
        f"{words['words']} words of {words['songs']} songs in {words['language'] or 'an unknown language'}.",
    ]
    for key, title in (("rising", "Coming up"), ("falling", "Going out"), ("new", "Came into use")):
        rows = [
            (one["word"], f"{one['before']:.1%}", f"{one['recent']:.1%}", f"{one['z']:+.1f}", one["first_year"])
            for one in words[key][:SHOWN]
        ]
        if rows:
            head = ("word", "songs before", f"last {words['recent_years']} years", "z", "first heard")
            lines += ["", f"{title}:", "", *table(head, rows)]
        else:
            lines += ["", f"{title}: no word for certain."]
    return lines


def _careers(name: str, found: Mapping[str, Any]) -> list[str]:
    about = f"{found['artists']} artists have songs enough over the years; {found['moved']} of them move apart from the field for certain."
    rows = [
        (one["artist"], f"{one['first_year']} to {one['last_year']}", one["songs"], f"{one['per_decade']:+.3g}",
         f"{one['shrunken']:+.3g} ({one['low']:+.3g} to {one['high']:+.3g})")
        for one in found["careers"]
    ]  # fmt: skip
    head = ("artist", "years", "songs", "per decade", "after shrinking (95 %)")
    return ["", f"### Careers: {label(name)}", "", about, *(["", *table(head, rows)] if rows else [])]


def table(head: Row, rows: Sequence[Row]) -> list[str]:
    """A Markdown table."""
    lines = [f"| {' | '.join(map(str, head))} |", f"|{'---|' * len(head)}"]
    return [*lines, *(f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |" for row in rows)]


def label(name: str) -> str:
    """A name in words."""
    return FIGURES.get(name, name.replace("_", " "))


def number(value: float | None, part: Mapping[str, Any]) -> str:
    """A level: shares in per cent."""
    return "" if value is None else f"{value:.0%}" if part["kind"] == "share" else f"{value:.3g}"


def change(slope: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    """A slope with its interval; of shares in percentage points."""
    low, middle, high = (slope[key] for key in ("low", "per_decade", "high"))
    if part["kind"] == "share":
        return f"{100 * middle:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"
    return f"{middle:+.3g} ({low:+.3g} to {high:+.3g})"
