"""How well we say words that no dictionary lists, measured on dictionary words that the model never saw."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rap_platform.benchmarks import Bench
from rap_platform.features.letter_to_sound import Model, Phones, aligned, fit, guess
from rap_platform.features.phonetics import dictionary
from rap_platform.orchestration.progress import track
from rap_platform.settings import Settings

HELD_OUT = 10  # one word in so many
ASKED = 5_000

Entry = tuple[str, tuple[Phones, ...]]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Phone errors per phone, and shares of words, 0 to 1: all phones right, stress as well, the rhyming part, the last vowel and coda."""

    phone_error_rate: float
    words: float
    words_with_stress: float
    rhyming_parts: float
    last_syllables: float


def split(entries: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """The words to learn from and one in HELD_OUT to be asked about, the same ones every time."""
    shuffled = random.Random(11).sample(entries, len(entries))  # noqa: S311 - a sample, no secret
    held_out = len(shuffled) // HELD_OUT
    return shuffled[held_out:], shuffled[:held_out]


def accuracy(guesses: Sequence[Phones], known: Sequence[tuple[Phones, ...]]) -> Accuracy:
    """How near the guesses come to the nearest pronunciation that the dictionary has of each word; both hold one word at least."""
    errors = phones = whole = stressed = rhyming = last = 0
    for said, ways in zip(guesses, known, strict=True):
        nearest = min(ways, key=lambda way: _distance(_plain(said), _plain(way)))
        errors += _distance(_plain(said), _plain(nearest))
        phones += len(nearest)
        whole += any(_plain(said) == _plain(way) for way in ways)
        stressed += said in ways
        rhyming += any(_from_last(said, "12") == _from_last(way, "12") for way in ways)
        last += any(_from_last(said, "012") == _from_last(way, "012") for way in ways)
    asked = len(guesses)
    return Accuracy(errors / phones, whole / asked, stressed / asked, rhyming / asked, last / asked)


def _plain(phones: Phones) -> Phones:
    return tuple(phone.rstrip("012") for phone in phones)


def _from_last(phones: Phones, stresses: str) -> Phones:
    start = max((at for at, phone in enumerate(phones) if phone[-1] in stresses), default=0)
    return _plain(phones[start:])


def _distance(one: Phones, other: Phones) -> int:
    """Fewest phones to insert, remove or replace."""
    row = list(range(len(other) + 1))
    for at, phone in enumerate(one, start=1):
        above, row = row, [at]
        for column, wanted in enumerate(other, start=1):
            row.append(min(above[column] + 1, row[-1] + 1, above[column - 1] + (phone != wanted)))
    return row[-1]


def _asked(model: Model, entries: Sequence[Entry], label: str) -> Accuracy:
    guesses = [guess(word, model) for word, _ in track(entries, len(entries), label)]
    return accuracy(guesses, [ways for _, ways in entries])


def letters(settings: Settings) -> Bench:
    """Accuracy on held-out dictionary words, beside a model that hears every letter by itself."""
    taught, asked = split([(word, ways) for word, ways in dictionary().items() if word.isalpha() and word.isascii()])
    asked = asked[:ASKED]
    words = aligned(track(((word, ways[0]) for word, ways in taught), len(taught), "dictionary words"))
    ours = _asked(fit(words), asked, "words never seen")
    alone = _asked(fit(words, order=1), asked, "letter by letter")
    names = ("phone_error_rate", "words", "words_with_stress", "rhyming_parts", "last_syllables")
    figures = {name: getattr(ours, name) for name in names} | {"words_asked": float(len(asked))}
    reference = {name: getattr(alone, name) for name in names}
    return Bench("letters", figures, reference, ours.words / alone.words if alone.words else 0.0)
