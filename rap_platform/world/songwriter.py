"""Writes the songs: a pure function of (seed, artist, song). What words mean is lexicon.py; how good a song is, is truth.py."""

import re
from dataclasses import dataclass
from functools import lru_cache

from rap_platform.world import names, truth
from rap_platform.world.banks import banks as banks
from rap_platform.world.meter import Ear
from rap_platform.world.pen import Pen, pick
from rap_platform.world.refrains import CROWD, INTROS, OUTROS, TITLES

_TITLES = tuple(TITLES.strip().splitlines())


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
    pen = Pen(seed, told, truth.stream(seed, "title", artist_index, song_index), imagery=1.0)
    for _ in range(4):
        text = pen.fill(pick(pen.chance, _TITLES).replace("{pt}", str(pen.chance.randint(2, 3))))
        if len(set(text.casefold().split())) == len(text.split()):
            break
    return _title_case(re.sub(r"\b[Mm]y (?=\w+'s)", "", text))


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
    pen = Pen(seed, told, truth.stream(seed, "song", artist_index, song_index))
    chance, who = pen.chance, pen.who
    name = title(seed, artist_index, song_index)
    guest = truth.artist(seed, told.guest).name if told.guest is not None else None
    hook, hook_pairs = pen.hook(name, pick(chance, (4, 4, 4, 6) if told.year < 2000 else (4, 4, 4, 6, 8)))
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
    bars = (12, 16, 16, 16) if told.year < 2000 else (12, 12, 16, 16) if told.year < 2012 else (12, 12, 12, 16)
    ear = Ear(pen.banks.say)
    sung = [ear.keep(ear.listen(line)) for line in hook]
    pen.owed = pen.left_by(sung, plan.count("hook"))
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
            lines, pairs = pen.verse(pick(chance, bars if plan.count("verse") < 3 else (8, 12, 12)))
        elif kind == "hook":
            lines, pairs = hook, hook_pairs
            pen.ear.keep(sung[-2])
            pen.ear.keep(sung[-1])
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
    pen = Pen(seed, told, truth.stream(seed, "version", told.artist, told.song))
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
