"""Every weight of the rule-based analyst, in one place; how they are used is in rules.py.

A score is 1 + 9 times the weighted mean of its parts. A part is where a figure stands between `low` and `high`, cut to 0..1;
when high < low, less is more. Bounds and weights are judgement, set where songs of our ear differ and not fitted to any rating:
training/ learns from ratings, and evaluation/ says how far these go.
"""

from dataclasses import dataclass
from typing import Final

VERSION = "2"


@dataclass(frozen=True)
class Part:
    """One figure of the ear (or of rules.py) in a score."""

    figure: str
    low: float
    high: float
    weight: float


SCORES: Final[dict[str, tuple[Part, ...]]] = {
    "complexity": (
        Part("mattr_50", 0.70, 0.90, 2.0),
        Part("mtld", 35.0, 125.0, 1.0),
        Part("rare_word_share", 0.0, 0.07, 1.0),
        Part("novel_word_share", 0.78, 0.97, 2.0),
        Part("syllables_per_word", 1.16, 1.45, 2.0),
        Part("syllables_per_line", 7.0, 13.7, 1.0),
        Part("multisyllabic_share", 0.0, 0.6, 2.0),
        Part("hook_share", 0.60, 0.10, 1.0),
    ),
    "wordplay": (
        Part("rhyme_density", 0.10, 0.354, 2.0),
        Part("internal_rhymes_per_line", 0.0, 0.6, 2.0),
        Part("multisyllabic_share", 0.0, 0.6, 3.0),
        Part("longest_rhyme_syllables", 1.0, 6.0, 1.0),
        Part("alliteration_per_line", 0.1, 0.7, 1.0),
        Part("assonance_per_line", 0.4, 2.2, 1.0),
        Part("consonance_per_line", 0.1, 0.8, 1.0),
        Part("similes_per_100_lines", 0.0, 12.0, 1.0),
    ),
    "storytelling": (
        Part("narrative_words_per_line", 0.1, 0.9, 3.0),
        Part("story_likeness", -0.06, 0.12, 2.0),
        Part("novel_word_share", 0.78, 0.97, 2.0),
        Part("hook_share", 0.60, 0.10, 2.0),
        Part("section_movement", 0.55, 0.90, 1.0),
    ),
    "quality": (
        Part("rhyme_density", 0.10, 0.354, 3.0),
        Part("end_rhyme_share", 0.20, 0.90, 2.0),
        Part("multisyllabic_share", 0.0, 0.6, 2.0),
        Part("internal_rhymes_per_line", 0.0, 0.6, 1.0),
        Part("mattr_50", 0.70, 0.90, 2.0),
        Part("novel_word_share", 0.78, 0.97, 1.0),
        Part("stress_regularity", 0.22, 0.45, 1.0),
        Part("flow_evenness", 0.70, 0.96, 2.0),
        Part("storytelling", 1.0, 10.0, 1.0),
    ),
}
# A score rests on at least this share of its weights; with less there is no score.
LEAST_WEIGHT = 0.5

# Cosines of MiniLM between lyrics and prototypes spread by a few hundredths once their common part is taken off; divided
# by this they are logits.
MOOD_TEMPERATURE = 0.035
# Moods whose share of the softmax is at least this much of the first mood's are named too.
MOOD_RATIO = 0.5
# With odds below this the second mood is nearly as near as the first: 0.6 is three to two.
AMBIGUOUS_BELOW = 0.6
# A theme is named when it stands this many standard deviations above the mean theme of the song.
THEME_DEVIATIONS = 1.0
# How strongly what is sworn speaks for a mood: logit per profane word in 100, up to five of them.
MOOD_FROM_PROFANITY: Final = {
    "aggressive": 0.15,
    "angry": 0.12,
    "defiant": 0.05,
    "calm": -0.15,
    "romantic": -0.08,
    "dreamy": -0.08,
}
PROFANITY_CEILING = 5.0
# Half of a text's reliability is there at this number of words.
WORDS_HALF = 12.0
# Rhyme figures of songs under 30 bars are noisy, and a mood of a few lines is too.
LOW_CONFIDENCE_FACTOR = 0.9

# How pleasant a mood is, -1 to 1.
VALENCE: Final = {
    "aggressive": -0.6, "angry": -0.9, "anxious": -0.7, "bitter": -0.8, "boastful": 0.4, "calm": 0.5, "confident": 0.6, "defiant": 0.0,
    "dreamy": 0.4, "energetic": 0.5, "hopeful": 0.8, "joyful": 1.0, "lonely": -0.8, "melancholic": -0.7, "nostalgic": 0.1, "playful": 0.7,
    "reflective": 0.0, "romantic": 0.7, "somber": -0.7, "triumphant": 0.9,
}  # fmt: skip
POSITIVE_FROM = 0.15
NEGATIVE_FROM = -0.15
# Sections that differ in valence by this standard deviation make a song mixed, unless its mean is clear.
MIXED_FROM = 0.42
CLEAR_FROM = 0.45
