"""How often the rules name the mood that a verse was written to carry, and whether their confidence keeps what it says."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rap_platform.analyses import calibration, rules
from rap_platform.analyses.asking import Result
from rap_platform.analyses.calibration import Calibration, Trial, Verse, calibrate, labelled_verses, trial
from rap_platform.analyses.results import MOODS, Analysis
from rap_platform.benchmarks import Bench
from rap_platform.embeddings.encoders.minilm import Encoder, load_encoder
from rap_platform.settings import Settings, get_settings

KEPT_OUT_FROM = 4  # misses on verses from this number on were not looked at (see calibration.py)


def moods(settings: Settings) -> Bench:
    """Accuracy of the primary mood beside chance, and the confidence beside the base rate; all verses, and the half that was kept out.

    Chance is also what whoever always says the same would reach: each mood has as many verses. Brier, calibration error and the fifths
    are of confidences fitted on other verses.
    """
    read = rules_readings(load_encoder(settings))
    found = calibrate([trial(verse, said) for verse, said in read])
    kept_out = [one for one in read if one[0].number >= KEPT_OUT_FROM]
    chance = 1 / len(MOODS)
    figures = {
        "verses": found.verses,
        "answered": found.answered,
        "right": found.accuracy,
        "right_kept_out": _share_among(kept_out, 1),
        "among_first_three": _share_among(read, 3),
        "among_first_three_kept_out": _share_among(kept_out, 3),
        "brier": found.brier,
        "expected_calibration_error": found.ece,
    }
    for number, one in enumerate(found.bins, 1):
        figures |= {f"fifth_{number}_confidence": one.confidence, f"fifth_{number}_right": one.right}
    reference = {
        "right": chance,
        "right_kept_out": chance,
        "among_first_three": 3 * chance,
        "among_first_three_kept_out": 3 * chance,
        "brier": found.base_brier,
    }
    return Bench("moods", figures, reference, ratio=found.accuracy / chance)


def rules_readings(encoder: Encoder) -> list[tuple[Verse, Result]]:
    """What the rules say of every labelled verse."""
    return [(verse, rules.analyse_text(verse.lyrics, encoder)) for verse in labelled_verses()]


def rules_trials(encoder: Encoder) -> list[Trial]:
    """The same, as the calibration takes it."""
    return [trial(verse, said) for verse, said in rules_readings(encoder)]


def _share_among(read: Sequence[tuple[Verse, Result]], first: int) -> float:
    """How often the verse's mood is among the first so many; a failure is a miss."""
    hits = [
        verse.mood in list(said.explanation["nearest_moods"])[:first]
        for verse, said in read
        if isinstance(said, Analysis)
    ]
    return sum(hits) / len(read)


def write(found: Calibration) -> Path:
    """Rewrite the calibration that ships."""
    path = Path(__file__).parents[1] / "data" / calibration.SHIPPED
    body = json.loads(json.dumps(calibration.as_json(found)), parse_float=lambda text: round(float(text), 4))
    path.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    return path


def main(arguments: Sequence[str]) -> None:
    """Print the calibration of the rules; with --write also ship it."""
    found = calibrate(rules_trials(load_encoder(get_settings())))
    sys.stdout.write(json.dumps(calibration.as_json(found), indent=1) + "\n")
    if "--write" in arguments:
        sys.stdout.write(f"wrote {write(found).name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
