"""Measures matching against the truth of simulated worlds, over HTTP, with decoys that real catalogues are full of."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import httpx
from pydantic import SecretStr

from rap_platform.benchmarks import Bench, world_of_its_own
from rap_platform.resources.spotify import SpotifyClient
from rap_platform.settings import Endpoint, Settings
from rap_platform.spotify import enriching
from rap_platform.spotify.matching import Match, Wanted

SEEDS: Final = (11, 12, 13)
SONGS, ARTISTS = 600, 30
_WITHHELD = 0.5


@dataclass
class Score:
    """Links made and links that were there to make; `right` of them are the same."""

    made: int = 0
    there: int = 0
    right: int = 0
    review: int = 0
    asked: int = 0

    def count(self, found: enriching.Found, spotify_id: str | None) -> None:
        """Count one decision against the truth; a link where there is none to make is a wrong one."""
        linked = found.match.candidate if found.match.status == "matched" else None
        self.asked += 1
        self.there += spotify_id is not None
        self.made += linked is not None
        self.review += found.match.status == "review"
        self.right += linked is not None and linked.spotify_id == spotify_id

    @property
    def precision(self) -> float:
        """Share of links that are right; 1 when none was made."""
        return self.right / self.made if self.made else 1.0

    @property
    def recall(self) -> float:
        """Share of the songs that are there that were linked rightly."""
        return self.right / self.there if self.there else 1.0


def match(_: Settings) -> Bench:
    """Precision and recall of links in three worlds by names and year alone, by ISRC, and among decoys.

    The reference takes the first hit of the same search, as many scripts do; the ratio is our precision by names over
    its. Among decoys half of the songs lose their own recording from the results and every song gets others: another
    artist's, a part two, a remix, a cover, a karaoke version, a live one.
    """
    ours = {name: Score() for name in ("names", "isrc", "decoys")}
    first = {"names": Score()}
    for seed in SEEDS:
        with _world(seed) as root, _client(root) as client:
            for song in _songs(root):
                wanted, truth = Wanted(song["artist"], song["title"], year=song["year"]), song["spotify_id"]
                ours["names"].count(enriching.find(client, wanted), truth)
                first["names"].count(_first_hit(client, wanted), truth)
                ours["isrc"].count(enriching.find(client, replace(wanted, isrc=song["isrc"])), truth)
                chance = random.Random(f"{seed}/{song['source_id']}")  # noqa: S311
                withheld = truth if chance.random() < _WITHHELD else None
                hostile = Decoys(client, wanted, chance, withheld)
                left = None if withheld else truth
                ours["decoys"].count(enriching.find(hostile, wanted), left)
    return Bench("match", _figures(ours), _figures(first), round(ours["names"].precision / first["names"].precision, 3))


def _figures(scores: dict[str, Score]) -> dict[str, float]:
    figures: dict[str, float] = {"songs": float(scores["names"].asked)}
    for name, score in scores.items():
        figures |= {
            f"{name}_precision": round(score.precision, 4),
            f"{name}_recall": round(score.recall, 4),
            f"{name}_in_review": round(score.review / score.asked, 4),
        }
    return figures


class Decoys:
    """Search results with recordings mixed in that are not the song; `withheld` is taken out of them."""

    def __init__(
        self, inner: enriching.Searches, wanted: Wanted, chance: random.Random, withheld: str | None = None
    ) -> None:
        self.inner, self.withheld, self.chance = inner, withheld, chance
        self.added = decoys(wanted, chance)

    def search(self, query: str) -> list[dict[str, Any]]:
        """The world's answer, shuffled together with the decoys."""
        found = [item for item in self.inner.search(query) if item.get("id") != self.withheld] + self.added
        self.chance.shuffle(found)
        return found


def decoys(wanted: Wanted, chance: random.Random) -> list[dict[str, Any]]:
    """Recordings that a search for the song may find and that are not it."""
    artist, title = wanted.artist, wanted.title
    other = " ".join([*artist.split()[:-1], chance.choice(("Junior", "Tha Kidd", "Brown", "2000"))])
    named = [
        (title, other),
        (title, f"{artist} Tribute Band"),
        (title, "The Rap Karaoke Crew"),
        (f"{title} (Karaoke Version)", artist),
        (f"{title} (Originally Performed by {artist})", "Backing Traxx"),
        (f"{title}, Pt. 2", artist),
        (f"{title} II", artist),
        (f"{title} (Night Drive Remix)", artist),
        (f"{title} (Remix)", f"DJ {other}"),
        (f"{title} - Live from the Roof", artist),
        (f"{title} (Cover)", other),
        (f"{title} - Instrumental", artist),
        (f"{title} (Sped Up)", artist),
        (f"More {title}", artist),
        (f"{title} Again" if title.endswith("s") else f"{title}s", artist),
    ]
    # A song that is itself a remix or live version has its own kind among the decoys: what equals it is no decoy.
    return [
        {"id": f"decoy{number:017d}", "name": name, "artists": [{"name": who}], "duration_ms": 200_000, "explicit": False,
         "album": {"name": "Decoys", "release_date": str(wanted.year or 2001)}, "external_ids": {}}
        for number, (name, who) in enumerate(named)
        if (name, who) != (title, artist)
    ]  # fmt: skip


def _first_hit(client: enriching.Searches, wanted: Wanted) -> enriching.Found:
    for candidate, item in enriching.readable(client.search(f"{wanted.artist} {wanted.title}")):
        return enriching.Found(Match("matched", "fuzzy", 1.0, candidate), {candidate.spotify_id: item})
    return enriching.Found(Match("missing", reason="no search result"), {})


def _songs(root: str) -> Iterator[dict[str, Any]]:
    with httpx.Client(base_url=root, timeout=60, trust_env=False) as http:
        for first in range(0, SONGS, 200):
            answer = http.get("/catalogue/spotify", params={"first": first, "limit": 200})
            answer.raise_for_status()
            yield from answer.json()["songs"]


def _client(root: str) -> SpotifyClient:
    key = SecretStr("bench")
    return SpotifyClient(
        Endpoint("spotify", f"{root}/spotify/v1", f"{root}/spotify/api/token", key, key, True, 600_000)
    )


@contextmanager
def _world(seed: int) -> Iterator[str]:
    """The root URL of a world of this seed whose Spotify does not fail."""
    with world_of_its_own(songs=SONGS, artists=ARTISTS, seed=seed) as root:
        httpx.put(f"{root}/faults", json={"spotify": {}}, timeout=5, trust_env=False).raise_for_status()
        yield root
