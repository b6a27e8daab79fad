"""The songwriter's words with their sounds and its phrases with their slots, built once. Picks nothing; songwriter.py does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from rap_platform.world import lexicon, names, rhymes
from rap_platform.world.closings import BY_KIND, SHORT, WHOLE
from rap_platform.world.meter import Sound, sound
from rap_platform.world.openings import ANY, BY_MOOD, BY_THEME, LEADS, PLAIN, STARTS, STARTS_BY_THEME
from rap_platform.world.refrains import BRIDGES, CROWD, HOOKS, INTROS, OUTROS, TITLES

_MOST_SAID = 20_000  # words of one process, rare names included
SLOT = re.compile(r"\{(\w+)\}")
# One comparison to a bar is enough.
_SIMILE = re.compile(r"\b(?:like|as|than|half|parts)\b")
# Slots at the end of an opening that a rhyme word may fill.
_SOLO = frozenset(("thing", "things", "mass", "person", "people", "idea", "body"))
# Syllables that usually fill a slot; 1.7 for those not named.
_SLOT_SIZE = {
    "at_place": 4.0,
    "kin": 2.3,
    "name": 1.9,
    "street": 2.9,
    "city": 3.0,
    "hood": 2.5,
    "body": 1.1,
    "color": 1.5,
    "day": 2.1,
}
_IRREGULAR = {
    "knife": "knives",
    "wolf": "wolves",
    "thief": "thieves",
    "loaf": "loaves",
    "glass": "glasses",
    "kid": "kids",
    "goose": "geese",
    "mother": "mothers",
    "fox": "foxes",
    "hero": "heroes",
    "maple leaf": "maple leaves",
}


class Word(NamedTuple):
    """A word that can end a bar. `key` is its rhyme, `echo` its vowels, `parts` how many words it is made of, `last` the last of them."""

    text: str
    kind: str
    theme: str
    key: str
    sound: tuple[str, ...]
    echo: tuple[str, ...]
    parts: int
    preposition: str
    tense: str
    last: str

    @property
    def syllables(self) -> int:
        """As the dictionary counts them."""
        return len(self.echo)


class Phrase(NamedTuple):
    """A template: tense p, r or a; `agent` when it needs, or has, an I or we; `size` its syllables without {X}, slots as usual.

    `simile` says that it compares; `solo` is the kind of word that may end a bar made of this alone ("" for none), `whole` that bar.
    """

    text: str
    tense: str
    agent: bool
    number: int
    size: float
    simile: bool
    solo: str
    whole: str
    slots: int


@dataclass(slots=True)
class Banks:
    """All words and phrases by what they are looked up for."""

    by_theme: dict[tuple[str, str], list[Word]] = field(default_factory=dict)  # (kind, theme) -> words
    by_key: dict[str, list[Word]] = field(default_factory=dict)  # rhyme -> words of all kinds
    filler_by_key: dict[tuple[str, str], list[str]] = field(
        default_factory=dict
    )  # (slot, rhyme, or its vowels) -> fillers
    fillers: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # (slot, theme) -> fillers
    attributes: dict[tuple[str, ...], list[str]] = field(default_factory=dict)  # vowels -> attributes
    sounds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    openings: dict[tuple[str, str], list[Phrase]] = field(default_factory=dict)  # (name, tense that it fits) -> phrases
    closings: dict[tuple[str, str, bool], list[Phrase]] = field(default_factory=dict)  # (kind, tense, after an I or we)
    said: dict[str, Sound] = field(default_factory=dict)

    def say(self, word: str) -> Sound:
        """The sound of a word as it stands in a bar, marks and clipped endings included."""
        heard = self.said.get(word)
        if heard is None:
            heard = self._sound(word.strip(",.?!()\"'"))
            if len(self.said) < _MOST_SAID:
                self.said[word] = heard
        return heard

    def file(self, slot: str, key: str, text: str) -> None:
        """Put a filler where those who look for its rhyme, or for its vowels alone, find it."""
        for sound_ in (key, rhymes.assonance(key)):
            self.filler_by_key.setdefault((slot, sound_), []).append(text)

    def vowels(self, text: str) -> tuple[str, ...]:
        """The vowels of a text, "" where nobody knows one."""
        return tuple(syllable.vowel for part in spoken(text) for syllable in self.say(part).syllables)

    def _sound(self, bare: str) -> Sound:
        phones = self.sounds.get(bare)
        if phones is None and bare.endswith("in"):
            phones = self.sounds.get(bare + "g")
        if phones is None and bare.endswith("'s"):
            phones = self.sounds.get(bare[:-2])
            phones = phones and (*phones, "Z")
        return sound(bare, phones)


def plural(noun: str) -> str:
    """The plural of a noun or compound; the last word takes it."""
    head, _, last = noun.rpartition(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith(("man",)):
        last = last[:-3] + "men"
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        last += "es"
    elif last.endswith("y") and last[-2] not in "aeiou":
        last = last[:-1] + "ies"
    else:
        last += "s"
    return f"{head} {last}".strip()


def last_word(text: str) -> str:
    """The last dictionary word of a phrase: lower case, hyphens split, outer marks dropped."""
    words = re.sub(r"\([^)]*\)", " ", text).replace("-", " ").split()
    return words[-1].strip(",.?!'\"").casefold() if words else ""


def spoken(text: str) -> list[str]:
    """The words of a text as the dictionary spells them: lower case, hyphens split, outer marks dropped."""
    return [bare for word in text.casefold().replace("-", " ").split() if (bare := word.strip(",.?!()\"'"))]


def _entries(block: str) -> Iterator[tuple[str, str]]:
    for line in block.strip().splitlines():
        theme, _, rest = line.partition(": ")
        for entry in rest.split():
            yield theme, entry


def _raw_words() -> Iterator[tuple[str, str, str, str, str]]:
    """(text, kind, theme, preposition, tense) of everything that can end a bar."""
    for block, kind, more in (
        (lexicon.THING, "thing", "things"),
        (lexicon.PERSON, "person", "people"),
        (lexicon.MASS, "mass", ""),
        (lexicon.IDEA, "idea", ""),
        (lexicon.TIME, "time", ""),
        (lexicon.ADV, "adv", ""),
    ):
        for theme, entry in _entries(block):
            text = entry.replace("_", " ")
            yield text, kind, theme, "", "a"
            if more and text.count(" ") < 2:
                yield plural(text), more, theme, "", "a"
    for theme, entry in _entries(lexicon.PLACE):
        preposition, _, name = entry.partition(":")
        yield name.replace("_", " "), "place", theme, preposition, "a"
    for mood, entry in _entries(lexicon.ADJ):
        yield entry.replace("_", " "), "adj", mood, "", "a"
    for forms in lexicon.VERB.replace("\n", "|").strip("|").split("|"):
        base, past, gerund = forms.split()
        yield base, "base", "gen", "", "a"
        yield past, "past", "gen", "", "p"
        yield gerund, "gerund", "gen", "", "a"
    for entry in lexicon.BODY.split():
        yield entry, "body", "gen", "", "a"
    for line in WHOLE.strip().splitlines():
        theme, tense, text = line.split("|")
        yield text, "whole", theme, "", tense


def _phrases(block: str, sounds: dict[str, tuple[str, ...]]) -> list[Phrase]:
    made = []
    for number, line in enumerate(block.strip().splitlines()):
        tense, text = line[0], line[1:].strip() if line[1] == " " else line[1:]
        agent = text.endswith("@") or bool(re.match(r"(I|I'm|I'd|I'll|we|we're)\b", text))
        made.append(phrase(text.rstrip("@"), tense, agent, number, sounds))
    return made


def phrase(text: str, tense: str, agent: bool, number: int, sounds: dict[str, tuple[str, ...]]) -> Phrase:
    """A template with its size in syllables and, if it ends in a slot, the bar that it makes alone."""
    literal = SLOT.sub(" ", text)
    size = sum(len(sound(word, sounds.get(word)).syllables) for word in spoken(literal))
    end = re.search(r"\{(\w+)\}$", text)
    solo = {"at_place": "place"}.get(end[1], end[1] if end[1] in _SOLO else "") if end else ""
    whole = text[: end.start()] + ("{IN} the {X}" if solo == "place" else "{X}") if end and solo else ""
    slots = [slot for slot in SLOT.findall(text) if slot not in ("X", "IN")]
    return Phrase(
        text,
        tense,
        agent,
        number,
        size + sum(_SLOT_SIZE.get(slot, 1.7) for slot in slots) + text.count("{IN}"),
        bool(_SIMILE.search(text)),
        solo,
        whole,
        len(slots),
    )


@cache
def banks() -> Banks:
    """All words with their sounds, and all templates; built once, about 0.4 s."""
    raw = list(dict.fromkeys(_raw_words()))
    singles = [
        *lexicon.ATTRIBUTE,
        *lexicon.PLAIN,
        *(word for words in lexicon.MOOD_ATTRIBUTE.values() for word in words),
    ]
    others = [
        *lexicon.FOOD,
        *lexicon.DRINK,
        *lexicon.ANIMAL,
        *lexicon.COLOR,
        *lexicon.WEATHER,
        *lexicon.NAMES,
        *lexicon.NUMBER,
        *(gadget for era in lexicon.GADGET_BY_ERA for gadget in era),
    ]
    wanted = {last_word(text) for text, *_ in raw} | {
        part.casefold() for text, *_ in raw for part in re.split(r"[ -]", text)
    }
    texts = [
        *singles,
        *others,
        *(block for bank in (BY_THEME, BY_MOOD, STARTS_BY_THEME, HOOKS, BY_KIND, SHORT) for block in bank.values()),
        *(ANY, PLAIN, STARTS, BRIDGES, WHOLE, INTROS, OUTROS, TITLES, *CROWD),
        *(text for bank in vars(names).values() if isinstance(bank, tuple) for text in bank),
        *(
            *lexicon.KIN,
            *lexicon.STREET,
            *lexicon.MONTH,
            *lexicon.DAY,
            *lexicon.PROPS,
            *lexicon.FOLK,
            *lexicon.STUFF,
            *lexicon.NOTIONS,
        ),
        *(word for words in lexicon.ADLIBS_BY_ERA for word in words),
        *(word for words in lexicon.MOOD_ADLIBS.values() for word in words),
        "damn goddamn shit hell cause wanna gonna i'm",
        *(word for leads in LEADS.values() for word in leads),
    ]
    wanted |= {word for text in texts for word in spoken(SLOT.sub(" ", text))}
    wanted |= {plural(word) for word in (*lexicon.PROPS, *lexicon.FOLK, *lexicon.ANIMAL)}
    wanted |= {word.removesuffix("'s") for word in wanted}
    made = Banks(sounds=rhymes.load(wanted))
    for text, kind, theme, preposition, tense in raw:
        phones = made.sounds.get(last_word(text))
        if phones is None:
            continue
        parts = text.replace("-", " ").split()
        echo = tuple(vowel for part in parts for vowel in rhymes.vowels(made.sounds.get(part.casefold(), ())))
        word = Word(
            text, kind, theme, rhymes.rhyme_key(phones), phones, echo, len(parts), preposition, tense, last_word(text)
        )
        made.by_theme.setdefault((kind, theme), []).append(word)
        made.by_key.setdefault(word.key, []).append(word)
        if (
            kind in ("thing", "things", "person", "people", "mass", "idea", "adj", "body", "base", "gerund", "past")
            and len(parts) < 3
        ):
            made.fillers.setdefault((kind, theme), []).append(text)
            made.file(kind, word.key, text)
        if kind == "place" and len(parts) < 3:
            made.fillers.setdefault(("at_place", theme), []).append(f"{preposition} the {text}")
            made.file("at_place", word.key, f"{preposition} the {text}")
    for slot, bank in (
        ("food", lexicon.FOOD),
        ("drink", lexicon.DRINK),
        ("animal", lexicon.ANIMAL),
        ("color", lexicon.COLOR),
        ("name", lexicon.NAMES),
        ("a", tuple(dict.fromkeys(singles))),
    ):
        for text in bank:
            phones = made.sounds.get(last_word(text))
            if phones:
                made.file(slot, rhymes.rhyme_key(phones), text)
                vowels = made.vowels(text)
                if slot == "a" and "" not in vowels:
                    made.attributes.setdefault(vowels, []).append(text)
    openings = {
        **BY_THEME,
        **BY_MOOD,
        "any": ANY,
        "plain": PLAIN,
        "start": STARTS,
        **{f"start-{theme}": block for theme, block in STARTS_BY_THEME.items()},
        "bridge": BRIDGES,
        **{f"hook-{group}": block for group, block in HOOKS.items()},
    }
    for name, block in openings.items():
        every = _phrases(block, made.sounds)
        for tense in "pra":
            made.openings[name, tense] = [one for one in every if tense == "a" or one.tense in (tense, "a")]
    for kind, block in BY_KIND.items():
        every = _phrases(SHORT[kind] + block.lstrip(), made.sounds)
        for tense in "pr":
            fit = [one for one in every if one.tense in (tense, "a")]
            made.closings[kind, tense, True] = fit
            made.closings[kind, tense, False] = [one for one in fit if not one.agent]
    return made
