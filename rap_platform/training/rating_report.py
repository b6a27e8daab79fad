"""What the marks of a population are worth: agreement with intervals, second marks, each rater's habits; as JSON and in words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rap_platform.training import labels
from rap_platform.training.labels import Rating
from rap_platform.training.rating_reliability import intervals, retest, told

SHOWN = (
    ("icc_single", "one mark, absolute agreement: ICC(A,1)"),
    ("icc_mean", "a track's mean mark: ICC(A,k)"),
    ("icc_single_consistency", "one mark, generosity left out: ICC(C,1)"),
    ("rater_sd", "spread of a mark around its track, points"),
    ("taste_sd", "of that, a rater's lasting taste"),
    ("noise_sd", "of that, what the same rater says otherwise next time"),
    ("rater_effect_sd", "how generous raters differ, points"),
    ("label_reliability", "share of the labels' variance that is the tracks': the largest R²"),
)


def build(ratings: Sequence[Rating]) -> dict[str, Any]:
    """Agreement, its 95 % intervals over tracks, test-retest, noise floor of all tracks, and each rater's effect, error, slope, marks."""
    fitted = labels.fit(ratings)
    raters = [
        {
            "rater": name,
            "marks": fitted.rater_counts.get(name, 0),
            "effect": effect,
            "effect_se": fitted.rater_effect_se.get(name),
            "slope": fitted.rater_slopes.get(name),
        }
        for name, effect in sorted(fitted.rater_effects.items(), key=lambda rater: (-rater[1], rater[0]))
    ]
    return {
        "reliability": told(fitted.reliability),
        "intervals": {name: list(ends) for name, ends in intervals(ratings).items()},
        "retest": asdict(retest(ratings)),
        "noise_floor_mae": fitted.floor(fitted.labels),
        "scale_use": fitted.scale_use,
        "raters": raters,
    }


def rows(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """The figures of agreement with their intervals, those that the marks give."""
    found = []
    for name, meaning in SHOWN:
        value = report["reliability"].get(name)
        if value is not None:
            ends = report["intervals"].get(name)
            interval = "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"
            found.append({"figure": meaning, "value": f"{value:.3f}", "95 % interval": interval})
    return found


def sentences(report: Mapping[str, Any]) -> list[str]:
    """What else there is to say: how much was marked, second marks, the floor, how raters use the scale."""
    known, second, floor = report["reliability"], report["retest"], report["noise_floor_mae"]
    told_ = [
        f"{known['ratings']} marks of {known['tracks']} tracks by {known['raters']} raters, {known['repeats']} of them second marks."
    ]
    if known["rater_sd"] is None:
        told_.append("Too few tracks were marked by several raters to say how far they agree.")
    if second["correlation"] is not None:
        low, high = second["correlation_interval"] or (second["correlation"],) * 2
        told_.append(
            f"Asked again, raters agree with themselves to r = {second['correlation']:.2f} ({low:.2f} to {high:.2f}, {second['pairs']} pairs)."
        )
    if floor is not None:
        told_.append(
            f"Whoever knew the truth would still have a mean absolute error of {floor:.3f} against the labels."
        )
    return [*told_, f"Use of the scale: {report['scale_use']}."]


def markdown(report: Mapping[str, Any]) -> str:
    """The report for a reader of Dagster."""
    table = ["| figure | value | 95 % interval |", "|---|---|---|"]
    table += [f"| {row['figure']} | {row['value']} | {row['95 % interval']} |" for row in rows(report)]
    return " ".join(sentences(report)) + "\n\n" + "\n".join(table)
