"""What is said of all marks: who gave how many, how far they agree, how good anybody can be against them; computed once for each state."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import psycopg

from rap_platform.training import labels, rating_queries, rating_reliability
from rap_platform.training.rating_cells import Rating

VERSION = "1"
MISSING = "no track has a rating, so that no dataset can be made and no model learned"
REMEDY = (
    "bring marks of your own tracks: rap-platform ratings import FILE (CSV, JSON: a track_id, Genius id, ISRC or artist and title, "
    "a rating, a rater); or run with the simulated world (RAP_WORLD=on), whose panel marks its own songs"
)
_Z = 1.96
_WORDS = {
    "icc_single": "one mark, absolute agreement: ICC(A,1)",
    "icc_mean": "a track's mean mark, absolute agreement: ICC(A,k)",
    "icc_single_consistency": "one mark, consistency: ICC(C,1)",
    "icc_mean_consistency": "a track's mean mark, consistency: ICC(C,k)",
    "label_reliability": "reliability of the labels, rater effects out; the largest R2",
    "track_sd": "spread of tracks, points",
    "rater_effect_sd": "spread of raters' effects, points",
    "taste_sd": "spread of a rater's taste for a track, points",
    "noise_sd": "spread of a mark around what its rater means, points",
    "rater_sd": "spread of one mark around its track, points",
}


def load(conn: psycopg.Connection) -> dict[str, Any]:
    """The report of all marks as JSON's types; computed, and stored, when any mark changed."""
    key = f"{VERSION}|{rating_queries.state(conn)}"
    if (known := rating_queries.stored_report(conn, key)) is not None:
        return known
    counts = rating_queries.counts(conn)
    body: dict[str, Any] = {
        "counts": counts,
        "populations": {
            population: of_marks(rating_queries.marks(conn, simulated=population == "simulated"))
            for population in counts
        },
    }
    if not counts:
        body |= {"missing": MISSING, "remedy": REMEDY}
    rating_queries.store_report(conn, key, body, simulated="simulated" in counts)
    told: dict[str, Any] = json.loads(json.dumps(body))  # as it will be read back
    return told


def of_marks(marks: list[Rating]) -> dict[str, Any]:
    """Reliability with 95 % intervals, test-retest, ceiling and floor, and each rater with effect and slope."""
    fitted = labels.fit(marks)
    return {
        "reliability": rating_reliability.told(fitted.reliability),
        "intervals": rating_reliability.intervals(marks),
        "retest": asdict(rating_reliability.retest(marks)),
        "noise_floor_mae": fitted.floor(fitted.labels),
        "scale_use": fitted.scale_use,
        "raters": [
            {
                "rater": name,
                "marks": fitted.rater_counts[name],
                "effect": effect,
                "low": _end(effect, fitted.rater_effect_se.get(name), -_Z),
                "high": _end(effect, fitted.rater_effect_se.get(name), _Z),
                "slope": fitted.rater_slopes[name],
            }
            for name, effect in sorted(fitted.rater_effects.items(), key=lambda rater: rater[1])
        ],
    }


def _end(effect: float, error: float | None, z: float) -> float | None:
    return None if error is None else effect + z * error


def headline(found: Mapping[str, Any]) -> dict[str, float]:
    """The figures that are worth a line over time; those that the marks don't give are left out."""
    reliability = found["reliability"]
    shown = {name: reliability[name] for name in ("icc_single", "icc_mean", "label_reliability", "ceiling_correlation")}
    shown |= {"noise_floor_mae": found["noise_floor_mae"], "retest_correlation": found["retest"]["correlation"]}
    return {name: round(value, 4) for name, value in shown.items() if value is not None}


def rows(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each figure with its interval and what it means."""
    made = []
    for name, meaning in _WORDS.items():
        low, high = found["intervals"].get(name, (None, None))
        made.append({"figure": meaning, "value": found["reliability"][name], "low": low, "high": high})
    retest = found["retest"]
    low, high = retest["correlation_interval"] or (None, None)
    told = f"test-retest correlation of {retest['pairs']} marks that were asked for twice"
    made.append({"figure": told, "value": retest["correlation"], "low": low, "high": high})
    made.append({"figure": "largest correlation with the labels", "value": found["reliability"]["ceiling_correlation"]})
    made.append({"figure": "noise floor: MAE of the truth against the labels", "value": found["noise_floor_mae"]})
    return [{"low": None, "high": None} | row for row in made]


def markdown(population: str, found: Mapping[str, Any]) -> str:
    """The figures as a table."""
    reliability = found["reliability"]
    lines = [
        f"{reliability['ratings']} marks by {reliability['raters']} raters of {reliability['tracks']} {population} tracks.",
        "",
        "| figure | value | 95 % interval |",
        "|---|---|---|",
    ]
    for row in rows(found):
        value = "not known from these marks" if row["value"] is None else f"{row['value']:.3f}"
        interval = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
        lines.append(f"| {row['figure']} | {value} | {interval} |")
    lines += ["", f"A slope for each rater was {found['scale_use']}."]
    return "\n".join(lines)
