"""The client waits as it is told, gives up where waiting is pointless, and remembers what is closed."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rap_platform.resources.politeness import Politeness
from rap_platform.resources.spotify import (
    Capabilities,
    FeaturesRefused,
    RateLimited,
    SpotifyClient,
    SpotifyError,
    Unreachable,
    chunks,
    retry_after_s,
)
from rap_platform_tests.spotify.service import Service, found, track

SEARCH, TRACKS = "/v1/search", "/v1/tracks"
FEATURES = "/v1/audio-features"
FORBIDDEN: tuple[int, dict[str, str], Any] = (403, {}, {"error": {"status": 403, "message": "Forbidden"}})


def test_a_search_asks_for_several_results_with_one_token(service: Service) -> None:
    service.standing[SEARCH] = found(track("a", "One", "Ann"))
    with SpotifyClient(service.endpoint()) as client:
        assert [item["id"] for item in client.search("one")] == ["a"]
        client.search("two")
        assert client.requests == 2
    assert service.times("/api/token") == 1
    asked = dict(service.asked)[SEARCH]
    assert int(asked["limit"]) >= 5
    assert asked["type"] == "track"


def test_a_short_wait_is_waited_for(service: Service) -> None:
    service.queued[SEARCH] = [(429, {"Retry-After": "1"}, {"error": {"status": 429, "message": "slow"}})]
    service.standing[SEARCH] = found()
    with SpotifyClient(service.endpoint()) as client:
        started = time.monotonic()
        assert client.search("one") == []
        assert 0.9 < time.monotonic() - started < 5
    assert service.times(SEARCH) == 2


def test_a_long_wait_is_not_slept_through(service: Service) -> None:
    service.standing[SEARCH] = (429, {"Retry-After": "86400"}, {"error": {"status": 429, "message": "tomorrow"}})
    with SpotifyClient(service.endpoint()) as client:
        started = time.monotonic()
        with pytest.raises(RateLimited) as limited:
            client.search("one")
        assert time.monotonic() - started < 5
    assert service.times(SEARCH) == 1
    assert timedelta(hours=23) < limited.value.until - datetime.now(UTC) < timedelta(hours=25)


def test_a_server_error_is_tried_again(service: Service) -> None:
    service.queued[SEARCH] = [
        (502, {"Retry-After": "0"}, b"bad gateway"),
        (500, {"Retry-After": "0"}, {"error": {"message": "oops"}}),
    ]
    service.standing[SEARCH] = found(track("a", "One", "Ann"))
    with SpotifyClient(service.endpoint()) as client:
        assert len(client.search("one")) == 1


def test_a_server_that_stays_broken_is_an_error_of_that_request(service: Service) -> None:
    service.standing[SEARCH] = (503, {"Retry-After": "0"}, {"error": {"message": "down"}})
    with SpotifyClient(service.endpoint()) as client, pytest.raises(SpotifyError) as error:
        client.search("one")
    assert error.value.status == 503
    assert service.times(SEARCH) == 5


def test_an_expired_token_is_renewed(service: Service) -> None:
    service.queued[SEARCH] = [(401, {}, {"error": {"status": 401, "message": "The access token expired"}})]
    service.standing[SEARCH] = found()
    with SpotifyClient(service.endpoint()) as client:
        assert client.search("one") == []
    assert service.times("/api/token") == 2


def test_wrong_credentials_are_said_to_be_wrong(service: Service) -> None:
    service.standing["/api/token"] = (400, {}, {"error": "invalid_client", "error_description": "Invalid client"})
    with (
        SpotifyClient(service.endpoint()) as client,
        pytest.raises(SpotifyError, match="credentials: invalid_client") as error,
    ):
        client.search("one")
    assert error.value.status == 401


def test_a_busy_token_endpoint_is_tried_again(service: Service) -> None:
    service.queued["/api/token"] = [(429, {"Retry-After": "0"}, {"error": {"message": "slow"}})]
    service.standing[SEARCH] = found()
    with SpotifyClient(service.endpoint()) as client:
        assert client.search("one") == []


def test_an_answer_without_tracks_is_an_error(service: Service) -> None:
    service.standing[SEARCH] = (200, {}, {"unexpected": True})
    with SpotifyClient(service.endpoint()) as client, pytest.raises(SpotifyError):
        client.search("one")


def test_a_server_that_is_not_there_is_unreachable() -> None:
    closed = Service(url="http://127.0.0.1:9")
    fast = Politeness("spotify", 60_000, redis=None, clock_rate=50)
    with SpotifyClient(closed.endpoint(), polite=fast) as client, pytest.raises(Unreachable):
        client.search("one")


def test_refused_audio_features_cost_one_request(service: Service) -> None:
    service.standing[FEATURES] = FORBIDDEN
    with SpotifyClient(service.endpoint()) as client:
        for _ in range(5):
            with pytest.raises(FeaturesRefused):
                client.audio_features(["a", "b"])
        assert client.features_refused
    assert service.times(FEATURES) == 1


def test_audio_features_come_by_track_id_and_unknown_tracks_are_absent(service: Service) -> None:
    service.standing[FEATURES] = (200, {}, {"audio_features": [{"id": "a", "energy": 0.5}, None]})
    with SpotifyClient(service.endpoint()) as client:
        assert client.audio_features(["a", "b"]) == {"a": {"id": "a", "energy": 0.5}}


def test_reccobeats_answers_by_the_spotify_id_in_its_link(service: Service) -> None:
    row = {"id": "uuid", "href": "https://open.spotify.com/track/a", "energy": 0.5}
    service.standing["/recco/audio-features"] = (200, {}, {"content": [row]})
    with SpotifyClient(service.endpoint(), f"{service.url}/recco") as client:
        assert client.reccobeats_features(["a", "b"]) == {"a": row}
    assert service.asked[-1] == ("/recco/audio-features", {"ids": "a,b"})


def test_chunks_leave_nothing_out() -> None:
    assert list(chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]


def test_no_proxy_stands_before_the_world(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    service.standing[SEARCH] = found(track("a", "One", "Ann"))
    service.standing["/recco/audio-features"] = (200, {}, {"content": []})
    with SpotifyClient(service.endpoint(simulated=True), f"{service.url}/recco") as client:
        assert len(client.search("one")) == 1
        assert client.reccobeats_features(["a"]) == {}


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BAD_LIMIT: tuple[int, dict[str, str], Any] = (400, {}, {"error": {"status": 400, "message": "Invalid limit"}})


def legacy(**more: Any) -> Capabilities:
    return Capabilities(**{"batch_tracks": True, "search_limit": 50, "audio_features": True, "probed_at": NOW, **more})


def test_a_probe_of_an_app_in_development_mode_finds_what_is_closed_in_four_requests(service: Service) -> None:
    service.queued[SEARCH] = [BAD_LIMIT]
    service.standing |= {SEARCH: found(track("a", "One", "Ann")), TRACKS: FORBIDDEN, FEATURES: FORBIDDEN}
    with SpotifyClient(service.endpoint()) as client:
        known = client.probe()
        assert (known.batch_tracks, known.search_limit, known.audio_features) == (False, 10, False)
        assert (client.requests, client.learned) == (4, True)
        client.search("two")
    assert [asked["limit"] for path, asked in service.asked if path == SEARCH] == ["50", "10", "10"]
    assert dict(service.asked)[TRACKS] == {"ids": "a"}


def test_a_probe_of_an_app_of_old_finds_what_is_open_in_three_requests(service: Service) -> None:
    service.standing |= {
        SEARCH: found(),
        TRACKS: (200, {}, {"tracks": [None]}),
        FEATURES: (200, {}, {"audio_features": [None]}),
    }
    with SpotifyClient(service.endpoint()) as client:
        known = client.probe()
        assert (known.batch_tracks, known.search_limit, known.audio_features) == (True, 50, True)
        assert client.requests == 3


def test_a_probe_that_a_failing_server_answers_leaves_the_question_open(service: Service) -> None:
    service.standing |= {SEARCH: found(), TRACKS: FORBIDDEN, FEATURES: (503, {"Retry-After": "0"}, {})}
    with SpotifyClient(service.endpoint()) as client:
        assert client.probe().audio_features is None


def test_known_ids_are_fetched_fifty_at_a_time_where_the_app_may(service: Service) -> None:
    ids = [f"{number:022d}" for number in range(60)]
    service.queued[TRACKS] = [
        (200, {}, {"tracks": [track(one, "One", "Ann") for one in ids[:49]] + [None]}),
        (200, {}, {"tracks": [track(one, "One", "Ann") for one in ids[50:]]}),
    ]
    with SpotifyClient(service.endpoint(), capabilities=legacy()) as client:
        assert sorted(client.tracks(ids)) == [one for one in ids if one != ids[49]]
    assert service.times(TRACKS) == 2


def test_a_batch_that_turns_out_to_be_closed_is_remembered_and_asked_one_by_one(service: Service) -> None:
    service.standing |= {TRACKS: FORBIDDEN, f"{TRACKS}/a": (200, {}, track("a", "One", "Ann"))}
    with SpotifyClient(service.endpoint(), capabilities=legacy()) as client:
        assert list(client.tracks(["a", "b"])) == ["a"]
        assert client.capabilities == legacy(batch_tracks=False)
        assert client.learned
        client.tracks(["a"])
    assert service.times(TRACKS) == 1
    assert service.times(f"{TRACKS}/a") == 2


def test_a_search_limit_that_turns_out_too_high_is_lowered_once(service: Service) -> None:
    service.queued[SEARCH] = [BAD_LIMIT]
    service.standing[SEARCH] = found(track("a", "One", "Ann"))
    with SpotifyClient(service.endpoint(), capabilities=legacy()) as client:
        assert len(client.search("one")) == 1
        client.search("two")
        assert client.capabilities == legacy(search_limit=10)
    assert [asked["limit"] for path, asked in service.asked if path == SEARCH] == ["50", "10", "10"]


def test_features_that_turn_out_closed_are_asked_for_once(service: Service) -> None:
    service.standing[FEATURES] = FORBIDDEN
    with SpotifyClient(service.endpoint(), capabilities=legacy()) as client:
        for _ in range(3):
            with pytest.raises(FeaturesRefused):
                client.audio_features(["a"])
        assert client.capabilities == legacy(audio_features=False)
    assert service.times(FEATURES) == 1


@pytest.mark.parametrize("body", [{"error": "slow"}, [], "slow", b"<html>", {"error": None}])
def test_a_refusal_in_any_shape_is_a_refusal(service: Service, body: Any) -> None:
    service.standing[SEARCH] = (400, {}, body)
    with SpotifyClient(service.endpoint()) as client, pytest.raises(SpotifyError) as error:
        client.search("one")
    assert error.value.status == 400


@pytest.mark.parametrize("body", [[], "x", {"token": 1}, b"<html>"])
def test_a_token_that_is_none_is_an_error_that_says_so(service: Service, body: Any) -> None:
    service.standing["/api/token"] = (200, {}, body)
    fast = Politeness("spotify", 60_000, redis=None, clock_rate=50)
    with SpotifyClient(service.endpoint(), polite=fast) as client, pytest.raises((SpotifyError, Unreachable)):
        client.search("one")
    assert service.times(SEARCH) == 0


def test_an_answer_cut_short_is_asked_for_again(service: Service) -> None:
    service.queued[SEARCH] = [(200, {}, b'{"tracks": {"items": [')]
    service.standing[SEARCH] = found(track("a", "One", "Ann"))
    fast = Politeness("spotify", 60_000, redis=None, clock_rate=50)
    with SpotifyClient(service.endpoint(), polite=fast) as client:
        assert len(client.search("one")) == 1


def test_a_used_up_quota_is_a_wait_of_a_day(service: Service) -> None:
    service.standing[SEARCH] = (429, {}, {"error": {"status": 429, "reason": "QUOTA_EXCEEDED"}})
    with SpotifyClient(service.endpoint()) as client, pytest.raises(RateLimited, match="QUOTA_EXCEEDED") as limited:
        client.search("one")
    assert service.times(SEARCH) == 1
    assert timedelta(hours=23) < limited.value.until - datetime.now(UTC) <= timedelta(hours=24)


def test_a_wait_of_years_is_one_of_a_day(service: Service) -> None:
    service.standing[SEARCH] = (429, {"Retry-After": "99999999"}, {})
    with SpotifyClient(service.endpoint()) as client, pytest.raises(RateLimited) as limited:
        client.search("one")
    assert limited.value.until - datetime.now(UTC) <= timedelta(hours=24)


def test_a_wait_until_a_date_is_understood(service: Service) -> None:
    later = datetime.now(UTC) + timedelta(hours=2)
    service.standing[SEARCH] = (429, {"Retry-After": f"{later:%a, %d %b %Y %H:%M:%S} GMT"}, {})
    with SpotifyClient(service.endpoint()) as client:
        with pytest.raises(RateLimited) as limited:
            client.search("one")
        assert abs(limited.value.until - later) < timedelta(seconds=5)
        with pytest.raises(RateLimited):
            client.search("two")
    assert service.times(SEARCH) == 1


def test_a_wait_of_reccobeats_is_not_one_of_spotify(service: Service) -> None:
    service.standing |= {SEARCH: found(), "/recco/audio-features": (429, {"Retry-After": "7200"}, {})}
    with SpotifyClient(service.endpoint(), f"{service.url}/recco") as client:
        with pytest.raises(RateLimited) as limited:
            client.reccobeats_features(["a"])
        assert limited.value.service == "reccobeats"
        assert client.search("one") == []


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("0", 0.0),
        ("3600", 3600.0),
        ("1.5", 1.5),
        ("Sun, 01 Mar 2026 13:00:00 GMT", 3600.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
        ("9" * 400, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(told: str | None, seconds: float | None) -> None:
    assert retry_after_s(told, NOW) == seconds
