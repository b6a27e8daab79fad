"""Writes the songs: a pure function of (seed, artist, song). What words mean is lexicon.py; how good a song is, is truth.py."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from random import Random
from typing import NamedTuple

from rap_platform.world import lexicon, names, rhymes, truth
from rap_platform.world.closings import BY_KIND, WHOLE
from rap_platform.world.openings import ANY, BY_MOOD, BY_THEME, PLAIN
from rap_platform.world.refrains import BRIDGES, CROWD, HOOKS, INTROS, MOOD_GROUP, OUTROS, TITLES

_DARK = frozenset("angry anxious bitter lonely melancholic somber".split())
_NEUTRAL = frozenset("aggressive reflective nostalgic dreamy defiant".split())
_KIN_NOUNS = ("cousin", "uncle", "brother", "sister", "neighbor", "nephew", "barber", "stepsister")
_DAYS = ("days", "nights", "mornings", "evenings", "weekends")
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
# How often each kind ends a bar, and in which tense it may.
_KIND_WEIGHTS = {
    "thing": 20,
    "things": 12,
    "place": 16,
    "mass": 11,
    "idea": 13,
    "person": 8,
    "people": 5,
    "time": 4,
    "adj": 13,
    "base": 9,
    "past": 7,
    "gerund": 6,
    "adv": 8,
    "body": 5,
}
# What a hook may end on: words that are easy to sing and to picture.
_SUNG = frozenset(("place", "mass", "idea", "time", "adv", "body", "base", "whole"))
_SLOT = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r"(\ba|^A) (?=([\w'-]+))")
# One comparison to a bar is enough.
_SIMILE = re.compile(r"\b(?:like|as|than|half|parts)\b")
_ING = re.compile(r"\b([A-Za-z]{3,})ing\b(?=[ ,])")
_KEEP_ING = frozenset(
    "thing spring string everything anything ceiling king wing swing sling building wedding awning evening sterling bring".split()
)
_TITLES = tuple(TITLES.strip().splitlines())
_LIMIT = 13  # words in a bar


class Word(NamedTuple):
    """A word that can end a bar. `key` is its rhyme, `echo` its vowels, `parts` how many words it is made of."""

    text: str
    kind: str
    theme: str
    key: str
    sound: tuple[str, ...]
    echo: tuple[str, ...]
    parts: int
    preposition: str
    tense: str


class Phrase(NamedTuple):
    """A template: tense p, r or a; `agent` when it needs, or has, an I or we."""

    text: str
    tense: str
    agent: bool
    number: int

    @property
    def words(self) -> int:
        """Words, a slot counting as one."""
        return self.text.count(" ") + 1


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a song: header without brackets, kind, and its bars."""

    header: str
    kind: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Song:
    """A finished song; `rhymed` holds the pairs of bars meant to rhyme, as (section, line, line)."""

    title: str
    sections: tuple[Section, ...]
    rhymed: tuple[tuple[int, int, int], ...]

    @property
    def lyrics(self) -> str:
        """Headers in brackets, a blank line between sections."""
        return "\n\n".join("\n".join((f"[{section.header}]", *section.lines)) for section in self.sections)


@dataclass(slots=True)
class _Banks:
    words: dict[str, list[Word]] = field(default_factory=dict)  # kind -> words
    by_theme: dict[tuple[str, str], list[Word]] = field(default_factory=dict)  # (kind, theme) -> words
    by_key: dict[str, list[Word]] = field(default_factory=dict)  # rhyme -> words of all kinds
    filler_by_key: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # (slot, rhyme) -> fillers
    fillers: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # (slot, theme) -> fillers
    attribute_by_vowel: dict[str, list[str]] = field(default_factory=dict)
    sounds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    openings: dict[str, list[Phrase]] = field(default_factory=dict)
    closings: dict[str, list[Phrase]] = field(default_factory=dict)


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


def _phrases(block: str) -> list[Phrase]:
    made = []
    for number, line in enumerate(block.strip().splitlines()):
        tense, text = line[0], line[1:].strip() if line[1] == " " else line[1:]
        agent = text.endswith("@") or bool(re.match(r"(I|I'm|I'd|I'll|we|we're)\b", text))
        made.append(Phrase(text.rstrip("@"), tense, agent, number))
    return made


@cache
def banks() -> _Banks:
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
    wanted |= {part.casefold() for text in singles + others for part in re.split(r"[ -]", text)}
    made = _Banks(sounds=rhymes.load(wanted))
    for text, kind, theme, preposition, tense in raw:
        sound = made.sounds.get(last_word(text))
        if sound is None:
            continue
        parts = text.replace("-", " ").split()
        echo = tuple(vowel for part in parts for vowel in rhymes.vowels(made.sounds.get(part.casefold(), ())))
        word = Word(text, kind, theme, rhymes.rhyme_key(sound), sound, echo, len(parts), preposition, tense)
        made.words.setdefault(kind, []).append(word)
        made.by_theme.setdefault((kind, theme), []).append(word)
        made.by_key.setdefault(word.key, []).append(word)
        if (
            kind in ("thing", "things", "person", "people", "mass", "idea", "adj", "body", "base", "gerund", "past")
            and len(parts) < 3
        ):
            made.fillers.setdefault((kind, theme), []).append(text)
            made.filler_by_key.setdefault((kind, word.key), []).append(text)
        if kind == "place" and len(parts) < 3:
            made.fillers.setdefault(("at_place", theme), []).append(f"{preposition} the {text}")
            made.filler_by_key.setdefault(("at_place", word.key), []).append(f"{preposition} the {text}")
    for slot, bank in (
        ("food", lexicon.FOOD),
        ("drink", lexicon.DRINK),
        ("animal", lexicon.ANIMAL),
        ("color", lexicon.COLOR),
        ("name", lexicon.NAMES),
        ("a", tuple(dict.fromkeys(singles))),
    ):
        for text in bank:
            sound = made.sounds.get(last_word(text))
            if sound:
                made.filler_by_key.setdefault((slot, rhymes.rhyme_key(sound)), []).append(text)
                if slot == "a" and sum(phone[-1].isdigit() for phone in sound) == 1:
                    made.attribute_by_vowel.setdefault(rhymes.vowels(sound)[-1], []).append(text)
    made.openings = {
        name: _phrases(block)
        for name, block in {
            **BY_THEME,
            **BY_MOOD,
            "any": ANY,
            "plain": PLAIN,
            "bridge": BRIDGES,
            **{f"hook-{group}": block for group, block in HOOKS.items()},
        }.items()
    }
    made.closings = {kind: _phrases(block) for kind, block in BY_KIND.items()}
    return made


def _title_case(text: str) -> str:
    small = {"a", "an", "and", "at", "by", "in", "of", "on", "the", "to", "under", "&"}
    parts = text.split(" ")
    return " ".join(
        part if (place and part in small) or part in ("A.M.",) else part[:1].upper() + part[1:]
        for place, part in enumerate(parts)
    )


@lru_cache(maxsize=16384)
def title(seed: int, artist_index: int, song_index: int) -> str:
    """The title of a song; a version carries that of its origin with a suffix."""
    told = truth.song(seed, artist_index, song_index)
    if told.version_of is not None:
        origin = title(seed, artist_index, told.version_of)
        chance = truth.stream(seed, "suffix", artist_index, song_index)
        return (
            origin
            + {
                "remix": chance.choice((" (Remix)", " - Remix", " (Midnight Remix)", " [VIP Mix]")),
                "live": chance.choice((f" (Live in {names.city(chance)})", " - Live", " (Live Session)")),
                "reupload": chance.choice(
                    (" (Radio Edit)", " [Re-Upload]", " (Clean)", " - 2024 Remaster", " (Single Version)")
                ),
            }[told.version or "reupload"]
        )
    pen = _Pen(seed, told, truth.stream(seed, "title", artist_index, song_index), imagery=1.0)
    for _ in range(4):
        text = pen.fill(pen.chance.choice(_TITLES).replace("{pt}", str(pen.chance.randint(2, 3))))
        if len(set(text.casefold().split())) == len(text.split()):
            break
    return _title_case(re.sub(r"\b[Mm]y (?=\w+'s)", "", text))


class _Pen:
    """One song being written: its random stream, what it has used, how well it writes."""

    def __init__(self, seed: int, told: truth.Truth, chance: Random, *, imagery: float | None = None) -> None:
        self.seed, self.told, self.chance, self.banks = seed, told, chance, banks()
        self.who = truth.artist(seed, told.artist)
        craft, fresh = told.craft, told.freshness
        era = min(1.0, max(0.0, (told.year - 1985) / 25))
        self.dull = 0.75 * (1 - craft) ** 1.2 if imagery is None else 0.0
        self.plain = 0.45 * (1 - 0.55 * craft - 0.45 * fresh) ** 1.7
        self.unrhymed = 0.4 * (1 - craft) ** 1.4
        self.multi = (0.02 + 0.9 * craft) * (0.85 + 0.15 * era)
        self.internal = (0.02 + 0.85 * craft) * (0.85 + 0.15 * era)
        self.repeat = 0.45 * (1 - craft) * (1 - 0.6 * fresh)
        self.era = 0 if told.year < 1999 else 1 if told.year < 2010 else 2
        self.adlibs = (0.02, 0.05, 0.10)[self.era] * (0.3 + 1.6 * self.who.adlibs)
        self.used_words: set[str] = set()
        self.used_openings: set[tuple[str, int]] = set()
        self.used_closings: set[tuple[str, int]] = set()
        self.name, self.street = chance.choice(lexicon.NAMES), chance.choice(lexicon.STREET)
        self.cast: dict[str, str] = {}

    def theme(self) -> str:
        """A theme of the song, the main one most often."""
        themes = self.told.themes
        return themes[0] if len(themes) == 1 or self.chance.random() < 0.66 else self.chance.choice(themes[1:])

    def attribute(self) -> str:
        chance = self.chance
        if chance.random() < self.dull:
            return chance.choice(lexicon.PLAIN)
        if chance.random() < 0.4:
            return chance.choice(lexicon.MOOD_ATTRIBUTE[self.told.mood])
        return chance.choice(lexicon.ATTRIBUTE)

    def _adjective_pool(self) -> str:
        draw = self.chance.random()
        if self.told.mood in _DARK:
            return "neg" if draw < 0.7 else "neutral" if draw < 0.9 else "pos"
        if self.told.mood in _NEUTRAL:
            return "neutral" if draw < 0.4 else "neg" if draw < 0.7 else "pos"
        return "pos" if draw < 0.75 else "neutral"

    def filler(self, slot: str, sound: str | None = None) -> str:
        """Something for a slot; with `sound`, something that rhymes with it when there is any."""
        chance, held = self.chance, self.banks
        if sound is not None:
            near = held.filler_by_key.get((slot, sound))
            if near and slot != "name":
                return chance.choice(near)
        match slot:
            case "a":
                return self.attribute()
            case "adj":
                return chance.choice(held.fillers["adj", self._adjective_pool()])
            case "thing" | "things" | "person" | "people" | "mass" | "idea" | "at_place":
                return self._familiar(slot)
            case "body" | "base" | "gerund" | "past":
                return chance.choice(held.fillers[slot, "gen"])
            case "animals":
                return plural(chance.choice(lexicon.ANIMAL))
            case "name":
                return self.name if chance.random() < 0.8 else chance.choice(lexicon.NAMES)
            case "street":
                return self.street if chance.random() < 0.7 else chance.choice(lexicon.STREET)
            case "hood":
                return self.who.hood
            case "city":
                return self.who.city if chance.random() < 0.6 else names.city(chance)
            case "gadget":
                return chance.choice(lexicon.GADGET_BY_ERA[self.era])
            case "artist":
                return self.who.name
            case "producer":
                return names.producer(chance)
        bank = {
            "kin": lexicon.KIN,
            "food": lexicon.FOOD,
            "drink": lexicon.DRINK,
            "animal": lexicon.ANIMAL,
            "month": lexicon.MONTH,
            "day": lexicon.DAY,
            "days": _DAYS,
            "color": lexicon.COLOR,
            "num": lexicon.NUMBER,
            "weather": lexicon.WEATHER,
            "kin_n": _KIN_NOUNS,
        }[slot]
        return self.cast[slot] if slot in self.cast and chance.random() < 0.55 else chance.choice(bank)

    def _familiar(self, slot: str) -> str:
        """A thing, person, stuff or place: one of the verse's own props, one of the theme, or one that everybody knows."""
        chance, draw = self.chance, self.chance.random()
        if slot in self.cast and draw < 0.4:
            return self.cast[slot]
        own = self.banks.fillers.get((slot, self.told.themes[0] if draw < 0.8 else self.told.themes[-1]))
        if own and draw < 0.75:
            return chance.choice(own)
        known = {
            "thing": lexicon.PROPS,
            "things": lexicon.PROPS,
            "person": lexicon.FOLK,
            "people": lexicon.FOLK,
            "mass": lexicon.STUFF,
            "idea": lexicon.NOTIONS,
        }.get(slot)
        if known is None:
            return chance.choice(self.banks.fillers[slot, "gen"])
        return plural(chance.choice(known)) if slot in ("things", "people") else chance.choice(known)

    def recast(self) -> None:
        """Another verse: another person, street, animal and props, which then come back in it."""
        chance = self.chance
        self.name, self.street = chance.choice(lexicon.NAMES), chance.choice(lexicon.STREET)
        self.cast = {
            "animal": chance.choice(lexicon.ANIMAL),
            "kin": chance.choice(lexicon.KIN),
            "food": chance.choice(lexicon.FOOD),
            "weather": chance.choice(lexicon.WEATHER),
        }
        for slot, known in (("thing", lexicon.PROPS), ("person", lexicon.FOLK)):
            own = self.banks.fillers.get((slot, self.told.themes[0]))
            self.cast[slot] = chance.choice(own) if own and chance.random() < 0.6 else chance.choice(known)

    def fill(self, template: str, *, sounds: Sequence[str] = (), reserved: dict[str, str] | None = None) -> str:
        """Fills the slots; `sounds` are rhymes to prefer now and then, `reserved` fixed fillers by slot."""
        seen: set[str] = set(reserved.values()) if reserved else set()

        def one(match: re.Match[str]) -> str:
            slot = match[1]
            if reserved and slot in reserved:
                return reserved[slot]
            wanted = self.chance.choice(sounds) if sounds and self.chance.random() < self.internal else None
            for _ in range(4):
                word = self.filler(slot, wanted)
                if word not in seen:
                    break
                wanted = None
            seen.add(word)
            return word

        return self._articles(_SLOT.sub(one, template))

    def _articles(self, text: str) -> str:
        def one(match: re.Match[str]) -> str:
            word = re.split(r"[-']", match[2].casefold())[0]
            if word.isupper() or (match[2].isupper() and len(match[2]) > 1):
                vowel = match[2][0] in "AEFHILMNORSX"
            else:
                sound = self.banks.sounds.get(word)
                vowel = sound[0][-1].isdigit() if sound else rhymes.starts_with_vowel_letter(word)
            return f"{match[1]}n " if vowel else f"{match[1]} "

        return _ARTICLE.sub(one, text).replace("Pops's", "Pops'")

    def opening(self, theme: str, tense: str) -> Phrase:
        """A fresh opening for the theme, the mood, or anything; a tired pen reaches for a plain one."""
        draw = self.chance.random()
        first = "plain" if draw < self.plain else self.told.mood if draw > 0.84 else "any" if draw > 0.76 else theme
        for name in (first, theme, *self.told.themes, self.told.mood, "any"):
            fresh = [
                phrase
                for phrase in self.banks.openings[name]
                if phrase.tense in (tense, "a") and (name, phrase.number) not in self.used_openings
            ]
            if fresh:
                break
            if name == "plain":
                fresh = [phrase for phrase in self.banks.openings[name] if phrase.tense in (tense, "a")]
                break
        else:
            fresh = [phrase for phrase in self.banks.openings[theme] if phrase.tense in (tense, "a")]
        phrase = self.chance.choice(fresh)
        self.used_openings.add((name, phrase.number))
        return phrase

    def closing(self, kind: str, tense: str, *, agent: bool, single: bool, simile: bool, room: int) -> Phrase:
        """A closing for a rhyme word of this kind that fits what came before."""
        fit: Phrase | None = None
        for attempt in range(18):
            phrase = self.chance.choice(self.banks.closings[kind])
            if (
                phrase.tense not in (tense, "a")
                or (phrase.agent and not agent)
                or ("{a} {X}" in phrase.text and not single)
            ):
                continue
            if attempt < 12 and (phrase.words > room or (simile and _SIMILE.search(phrase.text))):
                continue
            fit = phrase
            if (kind, phrase.number) not in self.used_closings:
                self.used_closings.add((kind, phrase.number))
                return phrase
            if attempt > 13:
                break
        if fit is None:
            fit = next(
                phrase
                for phrase in self.banks.closings[kind]
                if phrase.tense in (tense, "a") and not phrase.agent and "{a} {X}" not in phrase.text
            )
        return fit

    def _allowed(self, word: Word, tense: str, own: set[str]) -> bool:
        if word.tense not in (tense, "a") or (word.kind != "adj" and word.theme not in own and word.theme != "gen"):
            return False
        return word.kind != "adj" or word.theme != (
            "pos" if self.told.mood in _DARK else "neg" if self.told.mood not in _NEUTRAL else ""
        )

    def rhyme_words(self, count: int, theme: str, tense: str, only: frozenset[str] | None = None) -> list[Word]:
        """`count` words that rhyme with each other, none a homophone of another; fewer only when `count` is 1."""
        chance, held = self.chance, self.banks
        own = {theme, self.told.themes[0]}
        kinds = list(_KIND_WEIGHTS)
        weights = [
            0 if (kind == "past" and tense != "p") or (only and kind not in only) else weight
            for kind, weight in _KIND_WEIGHTS.items()
        ]
        want_multi = chance.random() < self.multi
        for attempt in range(60):
            kind = chance.choices(kinds, weights)[0]
            if kind == "adj":
                pool = held.by_theme[kind, self._adjective_pool()]
            else:
                pool = held.by_theme.get((kind, theme), []) if chance.random() < 0.5 else []
                pool = pool or held.by_theme.get((kind, "gen"), [])
            anchor = chance.choice(pool)
            if anchor.text in self.used_words and chance.random() > self.repeat:
                continue
            if count == 1:
                self.used_words.add(anchor.text)
                return [anchor]
            if want_multi and attempt < 25 and len(anchor.key.split()) < 4:
                continue
            others = [
                word
                for word in held.by_key[anchor.key]
                if word.sound != anchor.sound
                and (attempt > 40 or self._allowed(word, tense, own))
                and word.tense in (tense, "a")
                and word.text not in self.used_words
                and (only is None or word.kind in only)
            ]
            if len({word.sound for word in others}) < count - 1:
                continue
            group, sounds, last = [anchor], {anchor.sound}, {last_word(anchor.text)}
            chance.shuffle(others)
            if want_multi:
                others.sort(key=lambda word: -_shared(word.echo, anchor.echo))
            elif chance.random() < 0.5:
                others.sort(key=lambda word: word.kind != "whole")
            for word in others:
                if word.sound not in sounds and last_word(word.text) not in last:
                    group.append(word)
                    sounds.add(word.sound)
                    last.add(last_word(word.text))
                if len(group) == count:
                    self.used_words.update(word.text for word in group)
                    if count == 2 and chance.random() < 0.5:
                        group.reverse()
                    return group
        return [self.rhyme_words(1, theme, tense)[0] for _ in range(count)]

    def bar(
        self, word: Word, theme: str, tense: str, *, start: Phrase | None = None, match_vowel: str | None = None
    ) -> tuple[str, str | None]:
        """One bar that ends on the word, and the vowel of the adjective before the word if there is one."""
        chance = self.chance
        if word.kind == "whole":
            return self.polish(self.fill(word.text, sounds=(word.key,))), None
        line, vowel = "", None
        for _ in range(4):
            head = start or self.opening(theme, tense)
            tail = self.closing(
                word.kind,
                tense,
                agent=head.agent,
                single=word.parts == 1,
                simile=bool(_SIMILE.search(head.text)),
                room=_LIMIT - head.words - word.parts + 1,
            )
            if match_vowel and word.parts == 1 and chance.random() < self.multi:
                tail = next(
                    (
                        phrase
                        for phrase in chance.sample(self.banks.closings[word.kind], len(self.banks.closings[word.kind]))
                        if "{a} {X}" in phrase.text
                        and phrase.tense in (tense, "a")
                        and not (phrase.agent and not head.agent)
                    ),
                    tail,
                )
            attribute = self.attribute()
            if match_vowel and "{a} {X}" in tail.text and match_vowel in self.banks.attribute_by_vowel:
                attribute = chance.choice(self.banks.attribute_by_vowel[match_vowel])
            closing = tail.text.replace("{a} {X}", attribute + " {X}").replace("{IN}", word.preposition)
            # A title or a fragment is set off from what follows.
            apart = head.tense == "a" and not head.agent and not closing.startswith(",")
            text = head.text + ("" if closing.startswith(",") else ", " if apart else " ") + closing
            line = self.fill(text, sounds=(word.key,), reserved={"X": word.text})
            if "{a} {X}" in tail.text:
                sound = self.banks.sounds.get(attribute)
                vowel = rhymes.vowels(sound)[-1] if sound and sum(phone[-1].isdigit() for phone in sound) == 1 else None
            if 7 <= len(line.split()) <= _LIMIT:
                break
        return self.polish(line), vowel

    def polish(self, line: str) -> str:
        """Slang spelling by persona, a capital at the start."""
        if self.who.slang > 0.35:

            def clip(match: re.Match[str]) -> str:
                return (
                    match[0]
                    if match[0].casefold() in _KEEP_ING or self.chance.random() > self.who.slang
                    else f"{match[1]}in'"
                )

            line = _ING.sub(clip, line)
            if self.who.slang > 0.6:
                line = (
                    line.replace("because ", "'cause ")
                    .replace("want to ", "wanna ")
                    .replace("going to ", "gonna ")
                    .replace(" them ", " 'em ")
                )
        if self.chance.random() < 0.45 * self.who.swears:
            curse = self.chance.choice(("damn", "damn", "damn", "goddamn"))
            line = re.sub(r"\b(the|that|my|every) (?=[a-z]{4})", rf"\1 {curse} ", line, count=1)
        return line[:1].upper() + line[1:]

    def adlib(self) -> str:
        swearing = ("shit", "hell yeah", "damn") if self.who.swears > 0.15 else ()
        said: str = self.chance.choice(
            (*lexicon.ADLIBS_BY_ERA[self.era], *lexicon.MOOD_ADLIBS.get(self.told.mood, ()), *swearing)
        )
        return said

    def verse(self, bars: int, *, adlibs: bool = True) -> tuple[list[str], list[tuple[int, int]]]:
        """Bars in groups that rhyme AABB, ABAB or AAAA, in one tense, about one person; and which pairs rhyme."""
        chance = self.chance
        tense = "p" if chance.random() < 0.5 else "r"
        self.recast()
        lines: list[str] = []
        pairs: list[tuple[int, int]] = []
        scheme = chance.choices(("AABB", "ABAB", "AAAA"), (62, 20, 8 + 20 * self.told.craft))[0]
        while len(lines) < bars:
            room = bars - len(lines)
            shape = scheme if chance.random() < 0.75 and room >= 4 else "AABB"
            theme, base = self.theme(), len(lines)
            if shape == "AAAA":
                order: tuple[int, ...] = (0, 0, 0, 0)
            elif shape == "ABAB":
                order = (0, 1, 0, 1)
            else:
                order = (0, 0)
            groups = [
                self.rhyme_words(order.count(voice), theme, tense)
                if chance.random() >= self.unrhymed
                else [self.rhyme_words(1, theme, tense)[0] for _ in range(order.count(voice))]
                for voice in sorted(set(order))
            ]
            taken = [0] * len(groups)
            vowel: list[str | None] = [None] * len(groups)
            where: list[int] = [-1] * len(groups)
            before: list[Word | None] = [None] * len(groups)
            for place, voice in enumerate(order):
                word = groups[voice][taken[voice]]
                line, made = self.bar(word, theme, tense, match_vowel=vowel[voice])
                vowel[voice] = made or vowel[voice]
                if _rhyme(before[voice], word):
                    pairs.append((where[voice], base + place))
                before[voice] = word
                taken[voice] += 1
                where[voice] = base + place
                if adlibs and chance.random() < self.adlibs:
                    line += f" ({self.adlib()})"
                lines.append(line)
        return lines, pairs

    def hook(self, name: str, bars: int) -> tuple[list[str], list[tuple[int, int]]]:
        """A hook around the title: the first pair comes back at the end when it has eight bars."""
        chance, theme = self.chance, self.told.themes[0]
        group = self.banks.openings[f"hook-{MOOD_GROUP[self.told.mood]}"]
        call = Phrase(name, "a", False, -1)
        double = Phrase(f"{name}, {name}", "a", False, -1)
        chant = chance.choice(group)
        tense = "r" if chant.tense == "a" else chant.tense
        starts = (
            {0: call, 1: chant, 2: double if len(name) < 16 else call, 3: None}
            if chance.random() < 0.6
            else {0: chant, 1: call, 2: chant, 3: call}
        )
        chant_text = self.fill(chant.text)
        lines: list[str] = []
        pairs = []
        for base in (0, 2):
            words = self.rhyme_words(2, theme, tense, _SUNG)
            if _rhyme(words[0], words[1]):
                pairs.append((base, base + 1))
            for place, word in enumerate(words):
                start = starts[base + place]
                if start is chant:
                    start = Phrase(chant_text, tense, chant.agent, -1)
                if word.kind == "whole":
                    start = None
                lines.append(self.bar(word, theme, tense, start=start)[0])
        if bars >= 6:
            lines += lines[:2]
            pairs += [(4, 5)] if (0, 1) in pairs else []
        if bars >= 8:
            lines += lines[2:4]
            pairs += [(6, 7)] if (2, 3) in pairs else []
        if chance.random() < 0.25:
            lines = [f"{line} ({self.adlib()})" if place % 2 else line for place, line in enumerate(lines)]
        return lines, pairs

    def bridge(self) -> tuple[list[str], list[tuple[int, int]]]:
        """Four slow bars."""
        words = [*self.rhyme_words(2, self.told.themes[-1], "r"), *self.rhyme_words(2, self.told.themes[-1], "r")]
        starts = self.chance.sample(self.banks.openings["bridge"], 4)
        lines = [
            self.bar(word, self.told.themes[-1], "r", start=start)[0] for word, start in zip(words, starts, strict=True)
        ]
        return lines, [
            pair
            for pair, left, right in (((0, 1), words[0], words[1]), ((2, 3), words[2], words[3]))
            if _rhyme(left, right)
        ]

    def spoken(self, block: str, count: int) -> list[str]:
        lines = [self.polish(self.fill(line)) for line in self.chance.sample(block.strip().splitlines(), count)]
        return [line.replace("My ", "my ") if line.startswith("Shout") else line for line in lines]


def _rhyme(left: Word | None, right: Word) -> bool:
    return left is not None and left.key == right.key and left.sound != right.sound


def _shared(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    count = 0
    for one, other in zip(reversed(left), reversed(right), strict=False):
        if one != other:
            break
        count += 1
    return count


def _header(kind: str, number: int | None, performer: str, style: int) -> str:
    label = {"hook": "Hook" if style % 2 else "Chorus"}.get(kind, kind.capitalize())
    label = f"{label} {number}" if number else label
    return (
        f"{label}: {performer}"
        if (style < 2 and kind in ("verse", "hook", "bridge", "intro")) or performer.startswith("!")
        else label
    )


@lru_cache(maxsize=256)
def write(seed: int, artist_index: int, song_index: int) -> Song:
    """The whole song. A version is its origin with a few bars changed."""
    told = truth.song(seed, artist_index, song_index)
    if told.version_of is not None:
        return _version(seed, told, write(seed, artist_index, told.version_of))
    pen = _Pen(seed, told, truth.stream(seed, "song", artist_index, song_index))
    chance, who = pen.chance, pen.who
    name = title(seed, artist_index, song_index)
    bars = (8, 12, 12, 16) if told.year < 2000 else (8, 12, 12, 12) if told.year < 2012 else (8, 8, 12, 12)
    guest = truth.artist(seed, told.guest).name if told.guest is not None else None
    hook, hook_pairs = pen.hook(name, chance.choice((4, 4, 4, 6) if told.year < 2000 else (4, 4, 4, 6, 8)))
    plan = ["verse", "hook", "verse", "hook"]
    tail = chance.random()
    plan += (
        ["verse", "hook"]
        if tail < 0.15 or (told.year < 1998 and tail < 0.4)
        else ["bridge", "hook"]
        if tail > 0.7
        else []
    )
    if chance.random() < 0.18:
        plan.insert(0, "hook")
    if chance.random() < 0.5:
        plan.insert(0, "intro")
    if chance.random() < 0.5:
        plan.append("outro")
    sections: list[Section] = []
    rhymed: list[tuple[int, int, int]] = []
    verses = 0
    for kind in plan:
        performer, number = who.name, None
        if kind == "verse":
            verses += 1
            number = verses
            if guest and verses == 2:
                performer = guest
            lines, pairs = pen.verse(chance.choice(bars))
        elif kind == "hook":
            lines, pairs = hook, hook_pairs
        elif kind == "bridge":
            lines, pairs = pen.bridge()
        else:
            lines, pairs = pen.spoken(INTROS if kind == "intro" else OUTROS, chance.randint(1, 3)), []
        style = 0 if guest and kind == "verse" else who.headers
        rhymed += [(len(sections), left, right) for left, right in pairs]
        sections.append(Section(_header(kind, number, performer, style), kind, tuple(lines)))
    return Song(name, tuple(sections), tuple(rhymed))


def _version(seed: int, told: truth.Truth, origin: Song) -> Song:
    """A remix, live take or re-upload: the same song but for about one bar in twelve."""
    pen = _Pen(seed, told, truth.stream(seed, "version", told.artist, told.song))
    chance, sections = pen.chance, []
    for section in origin.sections:
        lines = list(section.lines)
        if section.kind == "verse":
            for place in range(1, len(lines)):
                if chance.random() < 0.05:
                    lines[place] = (
                        re.sub(r"^(\w)", lambda match: "Yeah, " + match[1].lower(), lines[place])
                        if not lines[place].startswith("I")
                        else lines[place]
                    )
                elif chance.random() < 0.04:
                    lines[place] += f" ({pen.adlib()})"
            if told.version == "remix" and len(lines) >= 12:
                fresh, _ = pen.verse(2, adlibs=False)
                lines[-2:] = fresh[:2]
        sections.append(Section(section.header, section.kind, tuple(lines)))
    if told.version == "live":
        sections.insert(
            0, Section("Intro", "intro", tuple(pen.polish(pen.fill(line)) for line in chance.sample(CROWD, 2)))
        )
    return Song(title(seed, told.artist, told.song), tuple(sections), ())
