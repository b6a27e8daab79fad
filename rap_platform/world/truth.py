"""What only the world knows: who the artists are, how good each song is, and how the panel of raters saw it.

Nothing here is served except ratings. No code is shared with the features or analyses that try to guess it.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import accumulate
from random import Random
from typing import Literal

from rap_platform.world import names
from rap_platform.world.lexicon import MOODS, THEMES

FIRST_YEAR, LAST_YEAR = 1985, 2025
CREW_SIZE = 4
RATERS = 24
QUALITY_MEAN, QUALITY_SD = 5.8, 1.3
# Raters are generous or strict, use the scale wide or narrow, have tastes of their own, and don't say the same twice. Single-rater
# ICC(A,1) = 1.3^2 / (1.3^2 + 0.45^2 + (0.15 x 1.3)^2 + 0.5^2 + 0.68^2 + rounding 1/12) = 0.62, and more where artists differ more.
RATER_BIAS_SD, RATER_SCALE_SD, RATER_TASTE_SD, RATER_NOISE_SD = 0.45, 0.15, 0.5, 0.68
REPEATED_SHARE = 0.08
SCALE_MIDDLE = 5.5
# Squares sum to 1. Charisma and freshness, 3 % of the variance, stand in no text (freshness leaves a trace that nobody could measure),
# and of craft, which does, the most that an ear gets out of 70 lines is an R2 of 0.95: u = 0.03 + 0.97 * 0.05, 8 % of the variance,
# stays unseen. The mean of three to seven marks errs with a variance e = (0.5^2 + 0.68^2 + 1/12) * 0.22 = 0.17, so that the best model's error
# is sqrt(1 + 1.3^2 * u / e) = 1.3 times that of the truth itself: near it, never at it; on 200 songs
# give or take 0.08. With charisma at 0.49, a quarter of the variance, it would be 2.1 times.
CRAFT_WEIGHT, FRESHNESS_WEIGHT, CHARISMA_WEIGHT = 0.985, 0.12, 0.12
# Craft counts as the pen has it, 0 to 1, brought to a variance of 1: what lies beyond its ends could be in no song.
CRAFT_MEAN, CRAFT_SD = 0.5, 12**-0.5

Version = Literal["remix", "live", "reupload"]
_VERSIONS: tuple[Version, ...] = ("remix", "live", "reupload")
# When a theme was in fashion: year of its peak. The others are evergreen.
_PEAK = {
    "hip_hop_culture": 1988,
    "party": 1991,
    "social_commentary": 1990,
    "street_life": 1996,
    "violence": 1995,
    "money": 2006,
    "nightlife": 2008,
    "fame": 2013,
    "heartbreak": 2019,
    "identity": 2020,
    "drugs": 2017,
}
# Themes that no fashion carries and that have words of their own: in most worlds some of them come up or go out from one year to the
# next. That share of the songs sings of such a theme first of all while it is up, whoever the artist is.
_TURNING = (
    "ambition",
    "love",
    "family",
    "friendship",
    "betrayal",
    "faith",
    "death",
    "nature",
    "travel",
    "time",
    "home",
)
TURNS, TURN_SHARE = 3, 0.25
CALM_EVERY = 10
_TURN_YEARS = range(1994, 2018)
_YEARS_APART = 5
_MOOD_OF_THEME = {
    "ambition": "confident hopeful defiant triumphant energetic",
    "money": "boastful confident playful bitter",
    "street_life": "defiant nostalgic aggressive reflective",
    "struggle": "somber defiant hopeful anxious",
    "love": "romantic joyful dreamy playful",
    "heartbreak": "melancholic bitter lonely angry",
    "family": "nostalgic joyful reflective calm",
    "friendship": "playful joyful nostalgic",
    "loyalty": "confident defiant reflective",
    "betrayal": "angry bitter aggressive",
    "party": "energetic joyful playful",
    "nightlife": "dreamy energetic lonely romantic",
    "fame": "boastful lonely anxious triumphant",
    "faith": "hopeful calm reflective triumphant",
    "death": "somber melancholic reflective",
    "nature": "calm dreamy reflective",
    "social_commentary": "angry defiant somber",
    "violence": "somber angry anxious",
    "drugs": "anxious somber hopeful",
    "identity": "reflective defiant confident",
    "hip_hop_culture": "boastful playful energetic nostalgic",
    "travel": "dreamy lonely energetic",
    "time": "nostalgic reflective melancholic",
    "home": "calm nostalgic joyful",
}


@dataclass(frozen=True, slots=True)
class Artist:
    """A persona. `craft` and `charisma` are standard-normal leanings; `slang`, `adlibs` and `swears` are shares 0..1."""

    index: int
    name: str
    city: str
    hood: str
    debut: int
    themes: tuple[str, ...]
    craft: float
    charisma: float
    slang: float
    adlibs: float
    swears: float
    headers: int


@dataclass(frozen=True, slots=True)
class Turn:
    """A theme that comes up with the songs of a year (`rises`), or was up until the year before."""

    theme: str
    year: int
    rises: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """The hidden truth of one song. `craft` and `freshness` are 0..1, `charisma` standard normal, `quality` 1..10."""

    artist: int
    song: int
    craft: float
    freshness: float
    charisma: float
    quality: float
    themes: tuple[str, ...]
    mood: str
    year: int
    month: int
    day: int
    guest: int | None
    version: Version | None
    version_of: int | None


def stream(*parts: object) -> Random:
    """A random stream of its own for each name; equal on every machine and Python."""
    return Random(int.from_bytes(blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest(), "big"))


def _squash(value: float) -> float:
    """Standard normal to 0..1."""
    return 0.5 * (1 + math.erf(value / math.sqrt(2)))


@cache
def _fashion(year: int) -> tuple[float, ...]:
    """Running sums of how much each theme was in fashion."""
    return tuple(
        accumulate(
            0.6 + 1.8 * math.exp(-(((year - _PEAK[theme]) / 9) ** 2)) if theme in _PEAK else 1.0 for theme in THEMES
        )
    )


@lru_cache(maxsize=1024)
def planted(seed: int) -> tuple[Turn, ...]:
    """The turns of a world, by year: other themes and years in every world, none in one whose seed is a multiple of CALM_EVERY."""
    if seed % CALM_EVERY == 0:
        return ()
    chance = stream(seed, "turns")
    years: list[int] = []
    while len(years) < TURNS:
        year = chance.choice(_TURN_YEARS)
        if all(abs(year - other) >= _YEARS_APART for other in years):
            years.append(year)
    themes = chance.sample(_TURNING, TURNS)
    return tuple(
        Turn(theme, year, rises=bool(number % 2 == 0))
        for number, (theme, year) in enumerate(zip(themes, sorted(years), strict=True))
    )


def turned(seed: int, artist_index: int, song_index: int, year: int) -> str | None:
    """The theme that is up in a year and that the song takes up; None for most songs."""
    chance = stream(seed, "turned", artist_index, song_index)
    up = [turn.theme for turn in planted(seed) if (year >= turn.year) == turn.rises]
    draw = chance.random()
    return up[int(draw / TURN_SHARE)] if draw < TURN_SHARE * len(up) else None


def _weighted_theme(chance: Random, year: int) -> str:
    return chance.choices(THEMES, cum_weights=_fashion(year))[0]


@lru_cache(maxsize=4096)
def _stage_names(seed: int, block: int) -> tuple[str, ...]:
    """Names of 512 artists, each unlike all before it in any block."""
    taken = {name.casefold() for earlier in range(block) for name in _stage_names(seed, earlier)}
    made = []
    for index in range(block * 512, (block + 1) * 512):
        chance = stream(seed, "name", index)
        name = names.stage_name(chance, index)
        tries = 0
        while name.casefold() in taken:
            tries += 1
            name = (
                names.stage_name(chance, 0)
                if tries < 40
                else f"{names.stage_name(chance, 0)} {chance.randrange(100, 9999)}"
            )
        taken.add(name.casefold())
        made.append(name)
    return tuple(made)


@lru_cache(maxsize=1024)
def artist(seed: int, index: int) -> Artist:
    """The persona of an artist."""
    chance = stream(seed, "artist", index)
    crew = stream(seed, "crew", index // CREW_SIZE)
    city, hood, era = names.city(crew), names.hood(crew), crew.randint(FIRST_YEAR, LAST_YEAR - 6)
    debut = min(LAST_YEAR - 3, max(FIRST_YEAR, era + chance.randint(-3, 3)))
    themes = tuple(dict.fromkeys(_weighted_theme(chance, debut) for _ in range(6)))[:4]
    return Artist(
        index,
        _stage_names(seed, index // 512)[index % 512],
        city,
        hood,
        debut,
        themes,
        chance.gauss(0, 1),
        chance.gauss(0, 1),
        chance.random(),
        chance.random(),
        max(0.0, chance.random() - 0.55),
        chance.randrange(4),
    )


@lru_cache(maxsize=8192)
def song(seed: int, artist_index: int, song_index: int) -> Truth:
    """The hidden truth of a song."""
    who = artist(seed, artist_index)
    chance = stream(seed, "truth", artist_index, song_index)
    if song_index and chance.random() < 0.037:
        origin = song(seed, artist_index, chance.randrange(song_index))
        if origin.version is None:
            version: Version = chance.choice(_VERSIONS)
            return Truth(
                artist_index,
                song_index,
                origin.craft,
                origin.freshness,
                origin.charisma,
                origin.quality,
                origin.themes,
                origin.mood,
                min(LAST_YEAR, origin.year + (0 if version == "reupload" else 1)),
                chance.randint(1, 12),
                chance.randint(1, 28),
                origin.guest,
                version,
                origin.song,
            )
    craft = 0.7 * who.craft + math.sqrt(1 - 0.49) * chance.gauss(0, 1)
    charisma = 0.5 * who.charisma + math.sqrt(0.75) * chance.gauss(0, 1)
    freshness = chance.gauss(0, 1)
    quality = QUALITY_MEAN + QUALITY_SD * (
        CRAFT_WEIGHT * (_squash(craft) - CRAFT_MEAN) / CRAFT_SD
        + FRESHNESS_WEIGHT * freshness
        + CHARISMA_WEIGHT * charisma
    )
    year = min(LAST_YEAR, who.debut + int(chance.random() ** 1.4 * 15))
    main = chance.choice(who.themes) if chance.random() < 0.65 else _weighted_theme(chance, year)
    themes = tuple(
        dict.fromkeys(
            [
                main,
                *(
                    chance.choice(who.themes) if chance.random() < 0.5 else _weighted_theme(chance, year)
                    for _ in range(2)
                ),
            ]
        )
    )
    mood = chance.choice(_MOOD_OF_THEME[main].split()) if chance.random() < 0.8 else chance.choice(MOODS)
    taken_up = turned(seed, artist_index, song_index, year)
    if taken_up is not None:
        # from a stream of its own, so that a turn changes what a song is about and nothing else of it
        themes = tuple(dict.fromkeys([taken_up, *themes]))[:3]
        mood = stream(seed, "turned mood", artist_index, song_index).choice(_MOOD_OF_THEME[taken_up].split())
    mates = [
        mate
        for mate in range(artist_index // CREW_SIZE * CREW_SIZE, (artist_index // CREW_SIZE + 1) * CREW_SIZE)
        if mate != artist_index
    ]
    guest = chance.choice(mates) if chance.random() < 0.16 else None
    return Truth(
        artist_index,
        song_index,
        _squash(craft),
        _squash(freshness),
        charisma,
        min(10.0, max(1.0, quality)),
        themes,
        mood,
        year,
        chance.randint(1, 12),
        chance.randint(1, 28),
        guest,
        None,
        None,
    )


@dataclass(frozen=True, slots=True)
class Rating:
    """One rater's verdict, a whole number 1..10; occasion 2 is the same rater asked again."""

    rater: str
    rating: int
    rated_at: datetime
    occasion: int = 1


@dataclass(frozen=True, slots=True)
class Rater:
    """How a rater marks: `bias` above the others, `scale` of their distances from the middle (1: as the others)."""

    name: str
    bias: float
    scale: float


@lru_cache(maxsize=16)
def raters(seed: int) -> tuple[Rater, ...]:
    """The panel. Quality is on the scale of the panel as a whole: its biases sum to 0 and its scales average 1."""
    chance = stream(seed, "raters")
    biases = [chance.gauss(0, RATER_BIAS_SD) for _ in range(RATERS)]
    scales = [chance.gauss(1, RATER_SCALE_SD) for _ in range(RATERS)]
    bias, scale = sum(biases) / RATERS, sum(scales) / RATERS
    return tuple(
        Rater(f"rater-{number:02d}", own - bias, max(0.4, wide - scale + 1))
        for number, (own, wide) in enumerate(zip(biases, scales, strict=True), start=1)
    )


def ratings(seed: int, artist_index: int, song_index: int) -> list[Rating]:
    """What the panel gave a song: three to seven raters of 24; some of them were asked again three to eight weeks later."""
    truth = song(seed, artist_index, song_index)
    chance = stream(seed, "panel", artist_index, song_index)
    given = []
    for rater in sorted(chance.sample(raters(seed), chance.randint(3, 7)), key=lambda rater: rater.name):
        meant = SCALE_MIDDLE + rater.bias + rater.scale * (truth.quality - SCALE_MIDDLE)
        meant += chance.gauss(0, RATER_TASTE_SD)
        at = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=chance.randrange(200_000))
        for occasion in range(1, 2 + (chance.random() < REPEATED_SHARE)):
            mark = min(10, max(1, round(meant + chance.gauss(0, RATER_NOISE_SD))))
            given.append(Rating(rater.name, mark, at, occasion))
            at += timedelta(days=chance.randint(21, 56))
    return given
