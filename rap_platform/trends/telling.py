"""What of a stored report is worth telling first. Imports nothing heavy: the API's pages read it."""

from collections.abc import Mapping
from typing import Any

STABLE = 0.6  # adjusted Rand index of two halves of the songs from which their groups are firm

# Column of lyric_features -> what it is called.
FIGURES = {
    "rhyme_density": "rhymed syllables per syllable",
    "end_rhyme_share": "share of lines that rhyme at the end",
    "internal_rhymes_per_line": "internal rhymes per line",
    "multisyllabic_share": "share of rhymes over several syllables",
    "syllables_per_line": "syllables per line",
    "stress_regularity": "regularity of the beat",
    "mattr_50": "distinct words per 50 words",
    "mtld": "lexical diversity (MTLD)",
    "rare_word_share": "share of rare words",
    "hook_share": "share of lines in hooks",
    "profanity_per_100_words": "profanities per 100 words",
    "words": "words per song",
}


def rising(part: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Slopes that are clearly above zero, steepest first."""
    return [slope for slope in part["slopes"] if slope["clear"] and slope["per_decade"] > 0]


def falling(part: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Slopes that are clearly below zero, steepest first."""
    return [slope for slope in reversed(part["slopes"]) if slope["clear"] and slope["per_decade"] < 0]


def telling(part: Mapping[str, Any], most: int = 6) -> list[str]:
    """The names worth a picture: those that jump, then those that move most clearly, then the commonest."""
    jumping = [change["name"] for change in part["changes"] if change["beside"] is None]
    moving = [slope["name"] for slope in sorted(part["slopes"], key=lambda slope: slope["p"]) if slope["clear"]]
    seen = [name for name, line in part["by_year"].items() if any(point["value"] is not None for point in line)]
    return [name for name in dict.fromkeys([*jumping, *moving, *seen]) if name in seen][:most]
