"""What is usual in rap, as others published it, on the definitions that our figures of the same name follow. No number of ours stands here."""

from dataclasses import dataclass
from typing import Final

_HIRJEE_BROWN = "Hirjee and Brown (2010), Rhyme Analyzer"
_SONGS = f"{_HIRJEE_BROWN}: 603 songs, 5th to 95th percentile"
_ARTISTS = f"{_HIRJEE_BROWN}: means of 25 rappers, lowest to highest"
_MALMI = "Raplyzer, the program of Malmi et al. (2016), over the 31 English songs that come with it: lowest to highest"


@dataclass(frozen=True, slots=True)
class Usual:
    """The range in which a figure mostly lies and its mean over all songs, and where that is written."""

    low: float
    high: float
    mean: float
    source: str

    def place(self, value: float) -> float:
        """Where a value stands: 0 at the low end of the range, 1 at the high end, below 0 or above 1 outside it."""
        return (value - self.low) / (self.high - self.low)


USUAL: Final[dict[str, Usual]] = {
    # Syllables over lines, syllables over words.
    "syllables_per_line": Usual(9.56, 13.66, 11.52, _SONGS),
    "syllables_per_word": Usual(1.164, 1.361, 1.249, _SONGS),
    # Sum of the lengths of rhymes in syllables over all syllables.
    "rhyme_density": Usual(0.154, 0.354, 0.2437, _SONGS),
    # Rhymes of any length over lines; within a line; from the end of a line into the next; across lines elsewhere.
    "rhymes_per_line": Usual(1.19, 3.30, 1.806, _ARTISTS),
    "internal_rhymes_per_line": Usual(0.32, 1.67, 0.662, _ARTISTS),
    "link_rhymes_per_line": Usual(0.133, 0.341, 0.230, _ARTISTS),
    "bridge_rhymes_per_line": Usual(0.246, 1.023, 0.474, _ARTISTS),
    # Syllables of rhymes that follow at once, over lines.
    "chain_rhymes_per_line": Usual(0.078, 0.718, 0.182, _ARTISTS),
    # Share of the rhymes with two or more syllables: one minus their "singles".
    "multisyllabic_share": Usual(0.237, 0.527, 0.375, _ARTISTS),
    # Standard deviation of the syllables of lines.
    "syllables_per_line_sd": Usual(1.84, 3.59, 2.27, _ARTISTS),
    # Share of a line's words that the line before does not have.
    "novel_word_share": Usual(0.877, 0.924, 0.905, _ARTISTS),
    # Mean length of the longest matching run of vowels that ends each word.
    "rhyme_factor": Usual(0.798, 1.5, 1.1725, _MALMI),
}
