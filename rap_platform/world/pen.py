"""The pen of one song: finds words that rhyme and writes bars, verses and hooks on a budget of rhyme. What makes a song is songwriter.py."""

import re
from bisect import bisect
from collections.abc import Collection, Sequence
from functools import cache
from itertools import accumulate
from random import Random
from typing import NamedTuple, TypeVar

from rap_platform.world import lexicon, names, rhymes, truth
from rap_platform.world.banks import SLOT, Phrase, Word, banks, phrase, plural
from rap_platform.world.meter import Ear, Heard
from rap_platform.world.openings import LEADS
from rap_platform.world.refrains import MOOD_GROUP

_DARK = frozenset("angry anxious bitter lonely melancholic somber".split())
_NEUTRAL = frozenset("aggressive reflective nostalgic dreamy defiant".split())
_KIN_NOUNS = ("cousin", "uncle", "brother", "sister", "neighbor", "nephew", "barber", "stepsister")
_DAYS = ("days", "nights", "mornings", "evenings", "weekends")
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
_ARTICLE = re.compile(r"(\ba|^A) (?=([\w'-]+))")
_ING = re.compile(r"\b([A-Za-z]{3,})ing\b(?=[ ,])")
_KEEP_ING = frozenset(
    "thing spring string everything anything ceiling king wing swing sling building wedding awning evening sterling bring".split()
)
_T = TypeVar("_T")
# Kinds that can wear an attribute.
_WORN = frozenset(("thing", "things", "place", "mass", "idea", "person", "people", "body"))
_GOOD = 2.0  # a draft as cheap as this is kept at once
# Rhymed syllables among a song's syllables, and the mean echo of its words, from no craft to all of it.
RHYMED = (0.13, 0.36)
ECHO = (0.97, 1.56)


def pick(chance: Random, among: Sequence[_T]) -> _T:
    """One of them; `Random.choice` for half the time."""
    return among[int(chance.random() * len(among))]


class Owed(NamedTuple):
    """What the bars so far leave to the next one: syllables, rhymed syllables, echo. Negative where they gave too much."""

    syllables: float
    rhymed: float
    echo: float


class _Draft(NamedTuple):
    """A template of a bar and what it uses up: names and numbers of an opening and a closing."""

    text: str
    opening: tuple[str, int] | None
    closing: tuple[str, int] | None
    slots: bool


class Pen:
    """One song being written: its random stream, what it has used, how well it writes."""

    def __init__(self, seed: int, told: truth.Truth, chance: Random, *, imagery: float | None = None) -> None:
        self.seed, self.told, self.chance, self.banks = seed, told, chance, banks()
        self.who = truth.artist(seed, told.artist)
        craft, fresh = told.craft, told.freshness
        self.dull = 0.75 * (1 - craft) ** 1.2 if imagery is None else 0.0
        self.plain = 0.45 * (1 - 0.55 * craft - 0.45 * fresh) ** 1.7
        self.unrhymed = 0.4 * (1 - craft) ** 1.4
        self.multi = 0.02 + 0.9 * craft
        self.internal = 0.02 + 0.85 * craft
        self.repeat = 0.45 * (1 - craft) * (1 - 0.6 * fresh)
        self.ear = Ear(self.banks.say)
        self.flow = _flow(seed, told)
        self.rhymed = RHYMED[0] + (RHYMED[1] - RHYMED[0]) * craft
        self.echo = ECHO[0] + (ECHO[1] - ECHO[0]) * craft
        self.owed = Owed(0.0, 0.0, 0.0)
        self.era = 0 if told.year < 1999 else 1 if told.year < 2010 else 2
        self.adlibs = (0.02, 0.05, 0.10)[self.era] * (0.3 + 1.6 * self.who.adlibs)
        self.used_words: set[str] = set()
        self.used_openings: set[tuple[str, int]] = set()
        self.used_closings: set[tuple[str, int]] = set()
        self.tries, self.slack = 6, 2.0
        self.recent: list[str] = []
        self.name, self.street = pick(chance, lexicon.NAMES), pick(chance, lexicon.STREET)
        self.cast: dict[str, str] = {}

    def theme(self) -> str:
        """A theme of the song, the main one most often."""
        themes = self.told.themes
        return themes[0] if len(themes) == 1 or self.chance.random() < 0.66 else pick(self.chance, themes[1:])

    def attribute(self) -> str:
        """An attribute that the song has not worn out."""
        for _ in range(3):
            word = self._attribute()
            if word not in self.used_words:
                break
        self.used_words.add(word)
        return word

    def _attribute(self) -> str:
        chance = self.chance
        if chance.random() < self.dull:
            return pick(chance, lexicon.PLAIN)
        if chance.random() < 0.4:
            return pick(chance, lexicon.MOOD_ATTRIBUTE[self.told.mood])
        return pick(chance, lexicon.ATTRIBUTE)

    def _adjective_pool(self) -> str:
        draw = self.chance.random()
        if self.told.mood in _DARK:
            return "neg" if draw < 0.7 else "neutral" if draw < 0.9 else "pos"
        if self.told.mood in _NEUTRAL:
            return "neutral" if draw < 0.4 else "neg" if draw < 0.7 else "pos"
        return "pos" if draw < 0.75 else "neutral"

    def filler(self, slot: str) -> str:
        """Something for a slot."""
        chance, held = self.chance, self.banks
        match slot:
            case "a":
                return self.attribute()
            case "adj":
                return pick(chance, held.fillers["adj", self._adjective_pool()])
            case "thing" | "things" | "person" | "people" | "mass" | "idea" | "at_place":
                return self._familiar(slot)
            case "body" | "base" | "gerund" | "past":
                return pick(chance, held.fillers[slot, "gen"])
            case "animals":
                return plural(pick(chance, lexicon.ANIMAL))
            case "name":
                return self.name if chance.random() < 0.8 else pick(chance, lexicon.NAMES)
            case "street":
                return self.street if chance.random() < 0.7 else pick(chance, lexicon.STREET)
            case "hood":
                return self.who.hood
            case "city":
                return self.who.city if chance.random() < 0.6 else names.city(chance)
            case "gadget":
                return pick(chance, lexicon.GADGET_BY_ERA[self.era])
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
        return self.cast[slot] if slot in self.cast and chance.random() < 0.55 else pick(chance, bank)

    def _familiar(self, slot: str) -> str:
        """A thing, person, stuff or place: one of the verse's own props, one of the theme, or one that everybody knows."""
        chance, draw = self.chance, self.chance.random()
        if slot in self.cast and draw < 0.4:
            return self.cast[slot]
        own = self.banks.fillers.get((slot, self.told.themes[0] if draw < 0.8 else self.told.themes[-1]))
        if own and draw < 0.75:
            return pick(chance, own)
        known = {
            "thing": lexicon.PROPS,
            "things": lexicon.PROPS,
            "person": lexicon.FOLK,
            "people": lexicon.FOLK,
            "mass": lexicon.STUFF,
            "idea": lexicon.NOTIONS,
        }.get(slot)
        if known is None:
            return pick(chance, self.banks.fillers[slot, "gen"])
        return plural(pick(chance, known)) if slot in ("things", "people") else pick(chance, known)

    def recast(self) -> None:
        """Another verse: another person, street, animal and props, which then come back in it."""
        chance = self.chance
        self.name, self.street = pick(chance, lexicon.NAMES), pick(chance, lexicon.STREET)
        self.cast = {
            "animal": pick(chance, lexicon.ANIMAL),
            "kin": pick(chance, lexicon.KIN),
            "food": pick(chance, lexicon.FOOD),
            "weather": pick(chance, lexicon.WEATHER),
        }
        for slot, known in (("thing", lexicon.PROPS), ("person", lexicon.FOLK)):
            own = self.banks.fillers.get((slot, self.told.themes[0]))
            self.cast[slot] = pick(chance, own) if own and chance.random() < 0.6 else pick(chance, known)

    def fill(
        self,
        template: str,
        *,
        sounds: Sequence[str] = (),
        shunned: Collection[str] = (),
        reserved: dict[str, str] | None = None,
    ) -> str:
        """Fills the slots; `sounds` are rhymes that fillers look for, `shunned` vowels they avoid, `reserved` fixed fillers by slot."""
        seen: set[str] = set(reserved.values()) if reserved else set()

        def one(match: re.Match[str]) -> str:
            slot = match[1]
            if reserved and slot in reserved:
                return reserved[slot]
            word = self._rhyming(slot, sounds, seen) if sounds else None
            if word is None:
                for _ in range(5):
                    word = self.filler(slot)
                    if word not in seen and not (shunned and self._vowels_of(word) in shunned):
                        break
            seen.add(word or "")
            return word or ""

        return self._articles(SLOT.sub(one, template))

    def _rhyming(self, slot: str, sounds: Sequence[str], seen: set[str]) -> str | None:
        """A filler that rhymes with one of the sounds; None where none does."""
        for key in (*sounds, *map(rhymes.assonance, sounds)):
            near = self.banks.filler_by_key.get((slot, key))
            if near:
                word = pick(self.chance, near)
                if word not in seen:
                    return word
        return None

    def _vowels_of(self, text: str) -> str:
        return rhymes.assonance(self.banks.say(text.rpartition(" ")[2].casefold()).key)

    def _articles(self, text: str) -> str:
        def one(match: re.Match[str]) -> str:
            word = re.split(r"[-']", match[2].casefold())[0]
            if word.isupper() or (match[2].isupper() and len(match[2]) > 1):
                vowel = match[2][0] in "AEFHILMNORSX"
            else:
                sound = self.banks.sounds.get(word)
                vowel = sound[0][-1].isdigit() if sound else rhymes.starts_with_vowel_letter(word)
            return f"{match[1]}n " if vowel else f"{match[1]} "

        if " a " in text or text[:2] in ("a ", "A "):
            text = _ARTICLE.sub(one, text)
        return text.replace("Pops's", "Pops'")

    def opening(self, theme: str, tense: str, kind: str, room: float) -> tuple[str, Phrase, bool]:
        """A fresh opening for the theme, the mood, or anything, its pool, and whether it is the whole bar; a tired pen takes a plain one."""
        chance, draw = self.chance, self.chance.random()
        first = (
            "plain"
            if draw < self.plain
            else self.told.mood
            if draw > 0.86
            else "any"
            if draw > 0.8
            else "start"
            if draw > 0.76
            else f"start-{theme}"
            if draw > 0.66
            else theme
        )
        for name in (first, theme, f"start-{theme}", self.told.mood, f"start-{self.told.themes[0]}", "any", "start"):
            every = self.banks.openings[name, tense]
            slotless = 0.8 - 0.06 * self.owed.rhymed
            for _ in range(6):
                one = pick(chance, every)
                if name != "plain" and (name, one.number) in self.used_openings:
                    continue
                if one.solo == kind and abs(one.size - 1.5 - room) < 2.6:
                    return name, one, True
                if one.size < room - 1.5 and (one.slots or chance.random() < slotless):
                    return name, one, False
        return "start", pick(chance, self.banks.openings["start", tense]), False

    def closing(self, kind: str, tense: str, *, agent: bool, single: bool, simile: bool, room: float) -> Phrase:
        """A closing for a rhyme word of this kind that fits what came before, of about `room` syllables."""
        every, draw = self.banks.closings[kind, tense, agent], self.chance.random
        fit, miss, count = every[0], 99.0, len(every)
        for _ in range(12):
            one = every[int(draw() * count)]
            off = abs(one.size - room)
            if off >= miss:
                continue
            off += ((kind, one.number) in self.used_closings) + 2 * (simile and one.simile)
            if off < miss and (single or "{a} {X}" not in one.text):
                fit, miss = one, off
                if off < 0.8:
                    break
        return fit

    def rhyme_words(
        self, count: int, theme: str, tense: str, only: frozenset[str] | None = None
    ) -> tuple[list[Word], list[str | None]]:
        """`count` words that rhyme with each other, none a homophone of another, and the attribute that each is to wear.

        Attributes of equal vowels before words of equal vowels make a rhyme of several syllables. Fewer only when `count` is 1.
        """
        chance, held = self.chance, self.banks
        worn = chance.random() < self.multi
        long = not worn and chance.random() < 0.5 * self.multi
        kinds, weights = _kinds(tense, only)
        for attempt in range(60):
            kind = kinds[bisect(weights, chance.random() * weights[-1])]
            if kind == "adj":
                pool = held.by_theme[kind, self._adjective_pool()]
            else:
                pool = held.by_theme.get((kind, theme), []) if chance.random() < 0.5 else []
                pool = pool or held.by_theme.get((kind, "gen"), [])
            anchor = pick(chance, pool)
            if (anchor.text in self.used_words and chance.random() > self.repeat) or (
                anchor.syllables > 3 and attempt < 30
            ):
                continue
            if count == 1:
                self.used_words.add(anchor.text)
                return [anchor], [None]
            if attempt < 25 and ((long and len(anchor.key.split()) < 4) or (worn and kind not in _WORN)):
                continue
            mates = self._mates(
                anchor, count - 1, theme if attempt <= 40 else None, tense, only, worn and attempt < 30, long
            )
            if mates:
                group = [anchor, *mates]
                self.used_words.update(word.text for word in group)
                if count == 2 and chance.random() < 0.5:
                    group.reverse()
                return group, self._attributes(count) if worn and attempt < 30 else [None] * count
        return [self.rhyme_words(1, theme, tense)[0][0] for _ in range(count)], [None] * count

    def _mates(
        self,
        anchor: Word,
        count: int,
        theme: str | None,
        tense: str,
        only: frozenset[str] | None,
        worn: bool,
        long: bool,
    ) -> list[Word]:
        """`count` words that rhyme with the anchor and each other, or none: of the theme unless it is None; equal vowels if worn."""
        every = self.banks.by_key[anchor.key]
        if len(every) <= count:
            return []
        own = ("gen", theme, self.told.themes[0])
        shunned = "pos" if self.told.mood in _DARK else "neg" if self.told.mood not in _NEUTRAL else ""
        others = [
            word
            for word in every
            if word.tense in (tense, "a")
            and word.text not in self.used_words
            and (not worn or (word.echo == anchor.echo and word.kind in _WORN))
            and (only is None or word.kind in only)
            and (theme is None or (word.theme != shunned if word.kind == "adj" else word.theme in own))
        ]
        if len(others) < count:
            return []
        self.chance.shuffle(others)
        if long:
            others.sort(key=lambda word: -_shared(word.echo, anchor.echo))
        elif self.chance.random() < 0.5 and any(word.kind == "whole" for word in others):
            others.sort(key=lambda word: word.kind != "whole")
        mates: list[Word] = []
        sounds, last = {anchor.sound}, {anchor.last}
        for word in others:
            if word.sound not in sounds and word.last not in last:
                mates.append(word)
                sounds.add(word.sound)
                last.add(word.last)
                if len(mates) == count:
                    return mates
        return []

    def _attributes(self, count: int) -> list[str | None]:
        """`count` different attributes of equal vowels."""
        chance, held = self.chance, self.banks
        for _ in range(12):
            first = self.attribute()
            vowels = held.vowels(first)
            alike = [text for text in held.attributes.get(vowels, ()) if text != first and text not in self.used_words]
            if len(alike) >= count - 1:
                found = [first, *chance.sample(alike, count - 1)]
                self.used_words.update(found)
                return [*found]
        return [None] * count

    def bar(
        self, word: Word, theme: str, tense: str, *, start: Phrase | None = None, attribute: str | None = None
    ) -> str:
        """The bar that ends on the word: of a few drafts the one that best pays what is owed in syllables, rhymes and echoes."""
        chance = self.chance
        wanted = self.flow + max(-2.0, min(2.0, self.owed.syllables))
        best: tuple[float, str, Heard, _Draft] | None = None
        draft: _Draft | None = None
        for _ in range(self.tries):
            if draft is None or not draft.slots or chance.random() < 0.5:
                draft = self._draft(word, theme, tense, start, attribute, wanted)
            line = self.polish(self._filled(draft.text, word))
            heard = self.ear.glance(line)
            cost = self._cost(heard, wanted)
            if best is not None and cost >= best[0]:
                continue
            echo = self.ear.echo(heard.sung)
            cost += 0.5 * max(0.0, abs(self.owed.echo + self.echo * heard.words - echo) - 4.5 * self.slack)
            if best is None or cost < best[0]:
                best = cost, line, heard._replace(echo=echo), draft
                if cost < _GOOD:
                    break
        assert best is not None
        _, line, heard, draft = best
        self.sung(heard)
        if draft.opening:
            self.used_openings.add(draft.opening)
        if draft.closing:
            self.used_closings.add(draft.closing)
        return line

    def _filled(self, template: str, word: Word) -> str:
        """The bar that ends on the word; its fillers rhyme when rhymes are owed and keep away from them when there are too many."""
        chance = self.chance
        sounds: Sequence[str] = ()
        shunned: Collection[str] = ()
        if chance.random() < 0.4 + 0.12 * self.owed.rhymed + 0.04 * self.owed.echo:
            turn = int(chance.random() * len(self.recent))
            sounds = (*self.recent[turn:], *self.recent[:turn], word.key)
        elif self.owed.rhymed < 0:
            shunned = {rhymes.assonance(word.key), *map(rhymes.assonance, self.recent)}
        return self.fill(template, sounds=sounds, shunned=shunned, reserved={"X": word.text})

    def _cost(self, heard: Heard, wanted: float) -> float:
        """What is wrong with a draft, its echo apart; 0 when it leaves next to nothing owed."""
        owed = self.owed.rhymed + self.rhymed * heard.syllables - heard.rhymed
        return max(0.0, abs(heard.syllables - wanted) - 1.5) + max(0.0, abs(owed) - 3.5 * self.slack)

    def sung(self, heard: Heard) -> None:
        """A bar is part of the song: what is owed changes."""
        self.owed = Owed(
            self.owed.syllables + self.flow - heard.syllables,
            self.owed.rhymed + self.rhymed * heard.syllables - heard.rhymed,
            self.owed.echo + self.echo * heard.words - (heard.echo or 0),
        )
        self.ear.keep(heard)
        self.recent = [one.key for one in heard.sounds if one.key]

    def _draft(
        self, word: Word, theme: str, tense: str, start: Phrase | None, attribute: str | None, wanted: float
    ) -> _Draft:
        """A template that ends on the word, of about the wanted size."""
        if word.kind == "whole":
            return _Draft(word.text, None, None, "{" in word.text)
        worn = len(self.banks.vowels(attribute)) if attribute else 0
        room = wanted - word.syllables - worn
        pool, head, alone = ("", start, False) if start else self.opening(theme, tense, word.kind, room)
        if alone:
            text, closed = self._led(head.whole, head.tense, room + 1.5 - head.size), None
        else:
            tail = self.closing(
                word.kind,
                tense,
                agent=head.agent,
                single=word.parts == 1 and not attribute,
                simile=head.simile,
                room=room - head.size,
            )
            end = tail.text.replace("{IN}", word.preposition)
            # A title or a fragment is set off from what follows, and so is a word from itself ("the rain sets in, in the key of").
            apart = (head.tense == "a" and not head.agent) or head.text.split()[-1] == end.split()[0]
            text = head.text + ("" if end.startswith(",") else ", " if apart else " ") + end
            closed = (word.kind, tail.number)
            if start is None:
                text = self._led(text, head.tense, room - head.size - tail.size)
        if attribute:
            text = text.replace("{a} {X}", "{X}").replace("{X}", attribute + " {X}")
        elif word.parts > 1:
            text = text.replace("{a} {X}", "{X}")
        text = text.replace("{IN}", word.preposition)
        return _Draft(text, (pool, head.number) if pool else None, closed, text.count("{") > 1)

    def _led(self, text: str, tense: str, short: float) -> str:
        """The text with a word or two before it where it is short of syllables."""
        if short < 0.8 or self.chance.random() < 0.3:
            return text
        lead = pick(self.chance, LEADS[tense])
        return f"{lead}{' ' if ' ' in lead or lead in ('And', 'So', 'Now') else ', '}{text}"

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
            curse = pick(self.chance, ("damn", "damn", "damn", "goddamn"))
            line = re.sub(r"\b(the|that|my|every) (?=[a-z]{4})", rf"\1 {curse} ", line, count=1)
        return line[:1].upper() + line[1:]

    def adlib(self) -> str:
        swearing = ("shit", "hell yeah", "damn") if self.who.swears > 0.15 else ()
        said: str = self.chance.choice(
            (*lexicon.ADLIBS_BY_ERA[self.era], *lexicon.MOOD_ADLIBS.get(self.told.mood, ()), *swearing)
        )
        return said

    def shout(self) -> str:
        """An ad-lib to put after a bar; its syllables count."""
        said = self.adlib()
        more = len(self.banks.vowels(said))
        self.owed = self.owed._replace(syllables=self.owed.syllables - more)
        return f" ({said})"

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
                else (
                    [self.rhyme_words(1, theme, tense)[0][0] for _ in range(order.count(voice))],
                    [None] * order.count(voice),
                )
                for voice in sorted(set(order))
            ]
            taken = [0] * len(groups)
            where: list[int] = [-1] * len(groups)
            before: list[Word | None] = [None] * len(groups)
            for place, voice in enumerate(order):
                words, worn = groups[voice]
                word = words[taken[voice]]
                line = self.bar(word, theme, tense, attribute=worn[taken[voice]])
                if _rhyme(before[voice], word):
                    pairs.append((where[voice], base + place))
                before[voice] = word
                taken[voice] += 1
                where[voice] = base + place
                if adlibs and chance.random() < self.adlibs:
                    line += self.shout()
                lines.append(line)
        return lines, pairs

    def hook(self, name: str, bars: int) -> tuple[list[str], list[tuple[int, int]]]:
        """A hook around the title: the first pair comes back at the end when it has eight bars."""
        chance, theme = self.chance, self.told.themes[0]
        group = self.banks.openings[f"hook-{MOOD_GROUP[self.told.mood]}", "a"]
        call, double = (phrase(text, "a", False, -1, self.banks.sounds) for text in (name, f"{name}, {name}"))
        chant = pick(chance, group)
        tense = "r" if chant.tense == "a" else chant.tense
        starts = (
            {0: call, 1: chant, 2: double if len(name) < 16 else call, 3: None}
            if chance.random() < 0.6
            else {0: chant, 1: call, 2: chant, 3: call}
        )
        chant_text = self.fill(chant.text)
        self.tries, self.slack = 6, 1.0  # sung often, so worth the trouble
        lines: list[str] = []
        pairs = []
        for base in (0, 2):
            words, worn = self.rhyme_words(2, theme, tense, _SUNG)
            if _rhyme(words[0], words[1]):
                pairs.append((base, base + 1))
            for place, word in enumerate(words):
                start = starts[base + place]
                if start is chant:
                    start = phrase(chant_text, tense, chant.agent, -1, self.banks.sounds)
                if word.kind == "whole":
                    start = None
                lines.append(self.bar(word, theme, tense, start=start, attribute=worn[place]))
        if bars >= 6:
            lines += lines[:2]
            pairs += [(4, 5)] if (0, 1) in pairs else []
        if bars >= 8:
            lines += lines[2:4]
            pairs += [(6, 7)] if (2, 3) in pairs else []
        if chance.random() < 0.25:
            lines = [line + self.shout() if place % 2 else line for place, line in enumerate(lines)]
        self.tries, self.slack = 6, 2.0
        return lines, pairs

    def bridge(self) -> tuple[list[str], list[tuple[int, int]]]:
        """Four slow bars."""
        theme = self.told.themes[-1]
        (one, worn), (other, worn_too) = self.rhyme_words(2, theme, "r"), self.rhyme_words(2, theme, "r")
        words = [*one, *other]
        starts = self.chance.sample(self.banks.openings["bridge", "a"], 4)
        lines = [
            self.bar(word, theme, "r", start=start, attribute=attribute)
            for word, attribute, start in zip(words, [*worn, *worn_too], starts, strict=True)
        ]
        return lines, [
            pair
            for pair, left, right in (((0, 1), words[0], words[1]), ((2, 3), words[2], words[3]))
            if _rhyme(left, right)
        ]

    def left_by(self, hook: Sequence[Heard], times: int) -> Owed:
        """What a hook leaves to the rest of the song that sings it so many times; its echoes count once, and did."""
        syllables = sum(self.flow - heard.syllables for heard in hook)
        answers = sum(self.rhymed * heard.syllables - heard.rhymed for heard in hook)
        return Owed(times * syllables, times * answers, self.owed.echo)

    def spoken(self, block: str, count: int) -> list[str]:
        lines = [self.polish(self.fill(line)) for line in self.chance.sample(block.strip().splitlines(), count)]
        for line in lines:
            self.sung(self.ear.listen(line))
        return [line.replace("My ", "my ") if line.startswith("Shout") else line for line in lines]


@cache
def _kinds(tense: str, only: frozenset[str] | None) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Kinds of words that may end a bar and running sums of how often they do."""
    return tuple(_KIND_WEIGHTS), tuple(
        accumulate(
            0 if (kind == "past" and tense != "p") or (only and kind not in only) else weight
            for kind, weight in _KIND_WEIGHTS.items()
        )
    )


def _rhyme(left: Word | None, right: Word) -> bool:
    return left is not None and left.key == right.key and left.sound != right.sound


def _shared(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    count = 0
    for one, other in zip(reversed(left), reversed(right), strict=False):
        if one != other:
            break
        count += 1
    return count


def _flow(seed: int, told: truth.Truth) -> float:
    """Syllables in a bar of the song, 10 to 13: a habit of the artist, a little of the song's own."""
    habit = truth.stream(seed, "flow", told.artist).gauss(11.5, 0.6)
    return min(12.9, max(10.2, habit + truth.stream(seed, "flow", told.artist, told.song).gauss(0, 0.35)))
