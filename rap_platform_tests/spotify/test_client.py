"""The client waits as it is told, gives up where waiting is pointless, and remembers what is closed."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rap_platform.resources.spotify import (
    FeaturesRefused,
    RateLimited,
    SpotifyClient,
    SpotifyError,
    Unreachable,
    chunks,
)
from rap_platform_tests.spotify.service import Service, found, track

SEARCH = "/v1/search"
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
    with SpotifyClient(closed.endpoint()) as client, pytest.raises(Unreachable):
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
