"""How the stand-in for a language model reads lyrics: by rules of thumb of its own, with a noise that small edits hardly move.

It knows neither the hidden truth nor the platform's analyses.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass
from random import Random

from rap_platform.world import truth

_SWEARS = {"damn": 1, "goddamn": 1, "hell": 1, "ass": 2, "sorry-ass": 2, "shit": 3, "bitch": 4, "fuck": 5, "fucking": 5}
_THEMES = {
    "ambition": "climb ladder dream top future build plan alarm throne somebody office rungs chase goal key resume",
    "money": "money dollar dollars bank check rent bill bills wallet cash price pay paid atm account penny pennies coupon tax debt landlord",
    "street_life": "corner block street stoop sidewalk hydrant bodega curb hood pager streetlight hustler dice siren sirens",
    "struggle": "hungry hunger heater patched roof double shift ramen broke cold couch unpaid eviction interviews worries snooze",
    "love": "love kiss smile heart dance danced rose dress laugh toothbrush blanket name sundress bouquet sweetheart",
    "heartbreak": "goodbye left without alone voicemail text gone empty deleted locks waved number sleep broke",
    "family": "mother mama grandma uncle brother sister auntie cousin pops son family kitchen father aunties",
    "friendship": "friend friends we shared joke split laughed knucklehead jokes handshake bike booth",
    "loyalty": "loyal loyalty word stand stayed real oath trust rope plate promise ride table soldier",
    "betrayal": "snake snakes knife lie lied sold two-faced back smiled mask judas secret trust fingerprints",
    "party": "party dance floor bass speaker speakers dj cups punch glitter grill cake birthday confetti",
    "nightlife": "night club bar neon bouncer cab cabbie jukebox moon drink midnight skyline",
    "fame": "camera cameras famous autograph fans magazine spotlight stage carpet interview signed flash",
    "faith": "lord god pray prayed prayer church amen angel choir deacon mercy psalm preacher devil halo",
    "death": "buried grave rest funeral headstone ashes casket voicemail mural goodbye candles ghost wake",
    "nature": "river rain thunder moon ocean tree trees wind mountain clouds seed snow creek moss pigeons stars",
    "social_commentary": "senator mayor vote voted school system poor jail lawyer zip tax factory history news policy",
    "violence": "gun bullet fight blood siren war scars ambulance tape beef revenge vigil coroner",
    "drugs": "sober clean pills pill bottle habit high craving sponsor smoke pipe needle relapse coin",
    "identity": "name mirror accent masks skin passport myself form box hair tongue label born voice",
    "hip_hop_culture": "rhyme mic beat verse bars cypher crates vinyl dj flow turntable freestyle rap pen needle snare metaphors",
    "travel": "bus train map road city suitcase motel miles gate ferry border postcard highway plane",
    "time": "clock years year watch old yesterday tomorrow hour younger time blinked summers grey",
    "home": "home porch door kitchen couch key hallway radiator neighbors room mailbox mat curtains",
}
_MOODS = {
    "aggressive": "kick bark bit swing mercy eat brutal savage ruthless roaring move",
    "angry": "slammed tired boil temper furious grind lied enough burning seething",
    "anxious": "check lock pace worried restless trembling shaky thoughts sleepless jittery phone",
    "bitter": "congratulations toast funny sour receipts poisoned spoiled teeth cold",
    "boastful": "best number king fly diamond platinum flawless champion taught premiere",
    "calm": "breathe slow easy quiet gentle soft kettle tea still porch",
    "confident": "sure steady walk sign know worth bet solid chin bold told",
    "defiant": "won't no never rules fence break bow shrink rebel untamed",
    "dreamy": "float dream dreamt moon clouds swim stars lake weightless sway",
    "energetic": "jump bouncing run move shake up turn wired sprinting",
    "hopeful": "tomorrow light seeds rising saved good brand-new change one early",
    "joyful": "laugh laughed danced sun birthday smile happy balloons dancing sunny",
    "lonely": "echo alone empty phone talk listens one polish unanswered single",
    "melancholic": "rain grey slow blue leaves quiet tired fading train wilted",
    "nostalgic": "remember back tape childhood old summers rewound bikes vintage radio",
    "playful": "goldfish silly knock moonwalk joke beatbox cartoon goofy sock squeaky",
    "reflective": "learning wrong mirror older listen owe honest careful think list",
    "romantic": "candle close perfume kiss love jukebox candlelit velvet low hold",
    "somber": "bells buried black flag heavy softly breath silent solemn coats",
    "triumphant": "won win cup parade crowned victory ring lift golden made",
}
_BRIGHT = frozenset("calm confident dreamy energetic hopeful joyful playful romantic triumphant boastful".split())
_DARK = frozenset("angry anxious bitter lonely melancholic somber aggressive".split())
_STOCK = frozenset(
    "i i'm you it's do we they my me know day night time life way all like get got one never keep feel good real work top best hate style "
    "team everything nothing always".split()
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the model makes of lyrics; scores 1..10."""

    quality: float
    complexity: float
    wordplay: float
    storytelling: float
    confidence: float
    themes: list[str]
    moods: list[str]
    sentiment: str
    profanity: str
    quotes: list[tuple[str, str]]


def _tail(word: str) -> str:
    """The end of a word from its last group of vowels on: rhyme as a careless reader sees it."""
    found = re.search(r"[aeiouy]+[^aeiouy]*e?$", word)
    return found[0] if found else word[-2:]


def _noise(reader: str, what: str, lines: list[str]) -> float:
    """A standard normal number that depends on the lines alone: each adds its part, so that one line more moves it little."""
    parts = [truth.stream("reader", reader, what, line).gauss(0, 1) for line in lines]
    return sum(parts) / math.sqrt(len(parts)) if parts else 0.0


_LOOKED_AT = 300  # characters of a line: nobody weighs a song by a line without end


def read(lyrics: str, reader: str = "") -> Reading:
    """Read lyrics by rules of thumb with a noise that depends on the text and on who reads."""
    lines = [line.strip() for line in lyrics.splitlines() if line.strip() and not line.strip().startswith("[")]
    words = re.findall(r"[a-z'-]+", "\n".join([line[:_LOOKED_AT] for line in lyrics.splitlines()]).casefold())
    chance = truth.stream("reader", reader, lyrics)
    ends = [re.sub(r"\([^)]*\)", "", line).strip().strip(",.?!'\"").casefold().rsplit(" ", 1)[-1] for line in lines]
    unique = list(dict.fromkeys(lines))
    rhymed = sum(
        any(
            _tail(ends[place]) == _tail(ends[place - back]) and ends[place] != ends[place - back]
            for back in (1, 2)
            if place >= back
        )
        for place in range(len(ends))
    ) / max(1, len(ends))
    start = words[:300]
    variety = len(set(start)) / max(1, len(start))
    length = sum(map(len, words)) / max(1, len(words))
    stock = sum(word in _STOCK for word in words) / max(1, len(words))
    long_ends = sum(len(end) > 7 for end in ends) / max(1, len(ends))
    images = sum(" like " in f" {line.casefold()} " for line in unique) / max(1, len(unique))
    skill = 5.0 * (rhymed - 0.34) + 3 * (variety - 0.575) + 1.8 * (length - 4.06) - 12 * (stock - 0.14)
    skill = min(2.5, max(-2.5, skill))
    short = -2.0 if len(words) < 60 else 0.0

    def score(value: float) -> float:
        return min(10.0, max(1.0, round(2 * value) / 2))

    counts = Counter(words)
    themes = _ranked(_THEMES, counts, chance, 0.5)
    moods = _ranked(_MOODS, counts, chance, 1.2)
    swearing = max((_SWEARS[word] for word in counts if word in _SWEARS), default=0)
    picked = chance.sample(unique, min(len(unique), chance.randint(2, 3))) if unique else []
    first = moods[0]
    clear = min(1.0, len(words) / 200)
    return Reading(
        score(5.9 + 1.3 * skill + short + 0.5 * _noise(reader, "quality", unique)),
        score(5.4 + 1.1 * skill + 2 * (long_ends - 0.2) + short + 0.9 * _noise(reader, "complexity", unique)),
        score(5.5 + 0.9 * skill + 2 * (images - 0.3) + short + _noise(reader, "wordplay", unique)),
        score(5.5 + 0.4 * skill + 5 * (_past(words) - 0.05) + short + _noise(reader, "storytelling", unique)),
        round(min(0.95, max(0.35, chance.gauss(0.55 + 0.2 * clear, 0.1))), 2),
        themes[: chance.randint(1, 3)],
        moods[: chance.randint(1, 3)],
        "positive"
        if first in _BRIGHT and chance.random() < 0.75
        else "negative"
        if first in _DARK and chance.random() < 0.75
        else chance.choice(("neutral", "mixed")),
        "G"
        if not swearing
        else "PG"
        if swearing == 1
        else "PG-13"
        if swearing == 2
        else "R"
        if swearing < 5
        else "NC-17",
        [
            (line, f"{'theme' if place == 0 else 'mood'}: {themes[0] if place == 0 else first}")
            for place, line in enumerate(picked)
        ],
    )


def _past(words: list[str]) -> float:
    return sum(
        word.endswith("ed") or word in ("was", "were", "had", "told", "left", "came", "went") for word in words
    ) / max(1, len(words))


def _ranked(banks: dict[str, str], counts: Counter[str], chance: Random, noise: float) -> list[str]:
    scores = {
        name: sum(min(3, counts[word]) for word in bank.split()) ** 0.8 + abs(chance.gauss(0, noise))
        for name, bank in banks.items()
    }
    return sorted(scores, key=lambda name: -scores[name])
