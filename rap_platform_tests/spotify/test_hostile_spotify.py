"""What the client makes of every situation that Spotify puts it into, over real HTTP: the world serves them by name.

A row per situation: the case, what comes of the call, a word of the reason, and the wait that was asked for.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from pydantic import SecretStr

from rap_platform.resources.politeness import Politeness
from rap_platform.resources.spotify import FeaturesRefused, RateLimited, SpotifyClient, SpotifyError, Unreachable
from rap_platform.settings import Endpoint
from rap_platform.spotify.features import read_features
from rap_platform.world.hostile import LATER_S
from rap_platform.world.hostile_spotify import OTHER_ID, TRACK_ID

CLOCK_RATE = 100.0
HOUR_S, DAY_S = 3600.0, 86400.0

# found, nothing; features, unusable, refused (this app gets none); limited, unreachable, or the status of an error.
Row = tuple[str, str | None, float | None]
SITUATIONS: dict[str, Row] = {
    "good": ("found", None, None),
    "token-refused": ("error 401", "credentials", None),
    "token-401": ("error 401", "credentials", None),
    "token-429-in-a-second": ("found", None, None),
    "token-429-in-an-hour": ("limited", "token endpoint", HOUR_S),
    "token-500-once": ("found", None, None),
    "token-503": ("error 503", "token endpoint", None),
    "token-malformed": ("error 200", "token endpoint", None),
    "token-as-html": ("error 200", "token endpoint", None),
    "token-without-token": ("error 0", "can't be read", None),
    "search-401-once": ("found", None, None),
    "search-401": ("error 401", "token", None),
    "search-403": ("error 403", "403", None),
    "search-404": ("error 404", "404", None),
    "search-400": ("error 400", "400", None),
    "search-429-in-a-second": ("found", None, None),
    "search-429-in-an-hour": ("limited", None, HOUR_S),
    "search-429-tomorrow": ("limited", None, DAY_S),
    "search-429-bare": ("found", None, None),
    "search-429-until-a-date": ("limited", None, LATER_S),
    "search-429-until-a-date-gone-by": ("found", None, None),
    "search-429-with-an-absurd-figure": ("limited", None, None),
    "search-quota-exceeded": ("limited", "QUOTA_EXCEEDED", DAY_S),
    "search-500-once": ("found", None, None),
    "search-502-as-html-once": ("found", None, None),
    "search-503": ("error 503", "503", None),
    "search-503-in-an-hour": ("limited", "503", HOUR_S),
    "search-malformed": ("error 200", "not JSON", None),
    "search-as-html": ("error 200", "not JSON", None),
    "search-empty-body": ("error 200", "not JSON", None),
    "search-reset-once": ("found", None, None),
    "search-reset": ("unreachable", None, None),
    "search-drips": ("found", None, None),
    "search-without-tracks": ("error 0", "tracks.items", None),
    "search-without-items": ("error 0", "tracks.items", None),
    "search-items-null": ("error 0", "tracks.items", None),
    "search-tracks-null": ("error 0", "tracks.items", None),
    "search-tracks-a-list": ("error 0", "tracks.items", None),
    "search-a-list": ("error 0", "tracks.items", None),
    "search-null-among-the-items": ("found", None, None),
    "search-items-of-wrong-types": ("found", None, None),
    "search-finds-nothing": ("nothing", None, None),
    "batch-403": ("found", None, None),
    "batch-allowed": ("found", None, None),
    "batch-with-nulls": ("found", None, None),
    "batch-without-tracks": ("error 0", "tracks answered", None),
    "track-404": ("nothing", None, None),
    "features-403": ("refused", None, None),
    "features-404": ("refused", None, None),
    "features-allowed": ("features", None, None),
    "features-429-in-an-hour": ("limited", None, HOUR_S),
    "features-with-nulls": ("features", None, None),
    "features-without-ids": ("nothing", None, None),
    "features-out-of-range": ("unusable", "energy", None),
    "features-of-wrong-types": ("unusable", "tempo", None),
    "features-without-rows": ("error 0", "audio_features", None),
    "features-as-html": ("error 200", "not JSON", None),
}  # fmt: skip


@dataclass(frozen=True)
class Came:
    """What came of a call."""

    what: str
    reason: str
    wait_s: float | None
    requests: dict[str, int]


@pytest.fixture(scope="module")
def hostile(world: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{world}/hostile", timeout=20, trust_env=False) as client:
        yield client


def client_of(hostile: httpx.Client, case: str) -> SpotifyClient:
    root, key = f"{str(hostile.base_url).rstrip('/')}/spotify/{case}", SecretStr("key")
    endpoint = Endpoint("spotify", f"{root}/v1", f"{root}/api/token", key, key, True, 60_000)
    return SpotifyClient(endpoint, polite=Politeness("spotify", 60_000, redis=None, clock_rate=CLOCK_RATE))


def call(client: SpotifyClient, case: str) -> tuple[str, str]:
    """Do what a situation is about, and say what came of it."""
    about = case.partition("-")[0]
    if about in ("batch", "track"):
        client.probe()
        return ("found" if list(client.tracks([TRACK_ID, OTHER_ID])) == [TRACK_ID] else "nothing"), ""
    if about == "features":
        rows = client.audio_features([TRACK_ID])
        return ("features" if rows and read_features(rows[TRACK_ID]).energy == 0.62 else "nothing"), ""
    return ("found" if TRACK_ID in [item.get("id") for item in client.search("lanterns")] else "nothing"), ""


def ask(hostile: httpx.Client, case: str) -> Came:
    hostile.delete("/requests").raise_for_status()
    wait_s = None
    with client_of(hostile, case) as client:
        try:
            what, reason = call(client, case)
        except SpotifyError as error:
            what, reason = f"error {error.status}", str(error)
        except RateLimited as error:
            what, reason = "limited", str(error)
            wait_s = (error.until - dt.datetime.now(dt.UTC)).total_seconds()
        except Unreachable as error:
            what, reason = "unreachable", str(error)
        except FeaturesRefused as error:
            what, reason = "refused", str(error)
        except ValueError as error:
            what, reason = "unusable", str(error)
    asked = hostile.get("/requests").json()
    start = f"/hostile/spotify/{case}/"
    return Came(what, reason, wait_s, {path.removeprefix(start): count for path, count in asked.items()})


@pytest.mark.parametrize("case", SITUATIONS)
def test_every_situation_comes_to_one_thing(hostile: httpx.Client, case: str) -> None:
    what, fragment, wait_s = SITUATIONS[case]
    came = ask(hostile, case)
    assert came.what == what, came.reason
    assert fragment is None or fragment in came.reason
    assert wait_s is None or (came.wait_s is not None and wait_s - 60 < came.wait_s <= wait_s)


def test_every_situation_that_the_world_knows_has_its_row(hostile: httpx.Client) -> None:
    assert sorted(hostile.get("/spotify").json()) == sorted(SITUATIONS)
    assert len(SITUATIONS) >= 25


@pytest.mark.parametrize("case", [case for case, (_, _, wait_s) in SITUATIONS.items() if wait_s])
def test_a_long_wait_is_asked_for_once_and_not_slept_through(hostile: httpx.Client, case: str) -> None:
    came = ask(hostile, case)
    assert {path: count for path, count in came.requests.items() if count != 1} == {}
    assert came.wait_s is not None and 60 < came.wait_s <= DAY_S


def test_an_absurd_wait_is_none_that_is_kept(hostile: httpx.Client) -> None:
    came = ask(hostile, "search-429-with-an-absurd-figure")
    assert came.requests["v1/search"] == 5
    assert came.wait_s is not None and 0 < came.wait_s <= 60


@pytest.mark.parametrize("case", ["search-403", "search-404", "search-400", "token-refused", "features-403"])
def test_a_refusal_is_not_asked_again(hostile: httpx.Client, case: str) -> None:
    requests = ask(hostile, case).requests
    assert set(requests.values()) == {1}


def test_a_batch_that_is_refused_is_asked_one_by_one(hostile: httpx.Client) -> None:
    requests = ask(hostile, "batch-403").requests
    assert requests["v1/tracks"] == 1
    assert (requests[f"v1/tracks/{TRACK_ID}"], requests[f"v1/tracks/{OTHER_ID}"]) == (1, 1)


def test_an_app_of_old_gets_its_tracks_at_once(hostile: httpx.Client) -> None:
    requests = ask(hostile, "batch-allowed").requests
    assert requests["v1/tracks"] == 2  # the probe, and both tracks
    assert not [path for path in requests if path.startswith("v1/tracks/")]


def test_a_search_for_fifty_is_refused_once(hostile: httpx.Client) -> None:
    hostile.delete("/requests").raise_for_status()
    with client_of(hostile, "good") as client:
        assert client.probe().search_limit == 10
        client.search("lanterns")
    requests = hostile.get("/requests").json()
    assert requests["/hostile/spotify/good/v1/search?limit=50"] == 1
