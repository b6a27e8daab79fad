"""How people misremember and mistype a line: words replaced, left out, swapped with their neighbour, or misspelt. Pure."""

from collections.abc import Callable, Sequence
from random import Random

MOST_CHANGES = 3
WORDS_PER_CHANGE = 3  # a line of four words bears one change, one of nine bears three
SHORTEST_MISSPELT = 4  # letters
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = {
    key: "".join(
        other
        for line, other_row in enumerate(_ROWS)
        for place, other in enumerate(other_row)
        if other != key and abs(line - row) <= 1 and abs(place - column) <= 1
    )
    for row, keys in enumerate(_ROWS)
    for column, key in enumerate(keys)
}


def changed(words: Sequence[str], chance: Random, vocabulary: Sequence[str]) -> tuple[str, ...]:
    """The words with 1 to 3 changes at different places, at most one for every three words.

    A change is a word replaced by one of `vocabulary`, dropped, swapped with the next, or misspelt by one letter.
    """
    kept: list[str | None] = list(words)
    free = list(range(len(words)))
    for _ in range(chance.randint(1, min(MOST_CHANGES, max(1, len(words) // WORDS_PER_CHANGE)))):
        place = chance.choice(free)
        ways = _ways(kept, place, place + 1 in free, chance, vocabulary)
        for touched, word in chance.choice(ways)():
            kept[touched] = word
            free.remove(touched)
        if not free:
            break
    return tuple(word for word in kept if word is not None)


_Change = Callable[[], list[tuple[int, str | None]]]


def _ways(
    words: Sequence[str | None], place: int, can_swap: bool, chance: Random, vocabulary: Sequence[str]
) -> list[_Change]:
    """The changes that can be made at a place; each gives the places it touches and what stands there then."""
    word, after = words[place] or "", words[place + 1] if can_swap else None
    ways: list[_Change] = [
        lambda: [(place, _another(word, chance, vocabulary))],
        lambda: [(place, None)],
    ]
    if after is not None and after != word:
        ways.append(lambda: [(place, after), (place + 1, word)])
    if len(word) >= SHORTEST_MISSPELT and word.isascii() and word.isalpha():
        ways.append(lambda: [(place, misspelt(word, chance))])
    return ways


def _another(word: str, chance: Random, vocabulary: Sequence[str]) -> str:
    while (found := chance.choice(vocabulary)) == word:
        pass
    return found


def misspelt(word: str, chance: Random) -> str:
    """The word with one slip of the fingers: a letter missing, doubled, hit beside its key, or two neighbours swapped."""
    while True:
        at = chance.randrange(len(word))
        letter = word[at]
        slips = (
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + chance.choice(_NEIGHBOURS[letter]) + word[at + 1 :],
            word[:at] + word[at + 1 : at + 2] + letter + word[at + 2 :],
        )
        slipped = chance.choice(slips)
        if slipped != word:
            return slipped
