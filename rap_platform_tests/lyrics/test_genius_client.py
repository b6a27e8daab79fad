"""The Genius client against servers that misbehave."""

import datetime as dt
import time
from collections.abc import Callable

import httpx
import pytest

from rap_platform.resources.genius import CredentialsRefused, Outcome, classify, retry_after_s
from rap_platform.settings import NotConfigured
from rap_platform_tests.lyrics.misbehaving import Reply, api, client, lyrics_page, page, serving


def in_turn(*replies: Reply) -> Callable[[str], Reply]:
    left = list(replies)
    return lambda path: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (lyrics_page("stay up"), Outcome.OK),
        (Reply(404), Outcome.MISSING),
        (Reply(410), Outcome.REMOVED),
        (Reply(451), Outcome.REMOVED),
        (Reply(403), Outcome.BLOCKED),
        (Reply(200, b"<html>hello</html>", {"cf-mitigated": "challenge"}), Outcome.BLOCKED),
        (Reply(503, b"<html></html>", {"cf-mitigated": "challenge"}), Outcome.BLOCKED),
        (Reply(200, b"<html><title>Just a moment...</title></html>"), Outcome.BLOCKED),
        (Reply(429, headers={"retry-after": "3600"}), Outcome.BLOCKED),
        (Reply(400), Outcome.FAILED),
    ],
)
def test_every_answer_is_one_thing_and_asked_for_once(reply: Reply, outcome: Outcome) -> None:
    with serving(lambda path: reply) as server, client(server) as genius:
        answer = genius.page(f"{server.url}/web/song-lyrics")
        assert answer.outcome is outcome
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(500),
        Reply(503),
        Reply(429),
        Reply(200, b"<!doctype html><html><he"),
        Reply(200, b"<html>", cut=True),
        Reply(408),
    ],
)
def test_a_passing_trouble_is_asked_again(trouble: Reply) -> None:
    with serving(in_turn(trouble, trouble, lyrics_page("stay up"))) as server, client(server) as genius:
        assert genius.page(f"{server.url}/web/song-lyrics").outcome is Outcome.OK
        assert len(server.requests) == 3


def test_a_lasting_429_is_a_block_and_a_lasting_500_a_failure() -> None:
    with serving(lambda path: Reply(429 if "limited" in path else 500)) as server, client(server) as genius:
        assert genius.page(f"{server.url}/web/limited").outcome is Outcome.BLOCKED
        failed = genius.page(f"{server.url}/web/broken")
        assert (failed.outcome, failed.reason) == (Outcome.FAILED, "HTTP 500")
        assert len(server.requests) == 8


def test_retry_after_is_kept() -> None:
    with (
        serving(in_turn(Reply(429, headers={"retry-after": "1"}), lyrics_page("stay up"))) as server,
        client(server) as genius,
    ):
        started = time.monotonic()
        assert genius.page(f"{server.url}/web/song-lyrics").outcome is Outcome.OK
        assert time.monotonic() - started >= 1.0


def test_a_server_that_asks_for_too_much_patience_blocks_and_says_when_to_come_back() -> None:
    with serving(lambda path: Reply(429, headers={"retry-after": "600"})) as server, client(server) as genius:
        answer = genius.song(1)
        assert (answer.outcome, answer.retry_after_s) == (Outcome.BLOCKED, 600.0)
        assert len(server.requests) == 1


def test_retry_after_may_be_a_date() -> None:
    now = dt.datetime(2026, 1, 1, 12, 0, tzinfo=dt.UTC)
    assert retry_after_s(httpx.Headers({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT"}), now) == 30.0
    assert retry_after_s(httpx.Headers({"retry-after": "Thu, 01 Jan 2026 11:00:30 GMT"}), now) == 0.0
    assert retry_after_s(httpx.Headers({"retry-after": "soon"}), now) is None
    assert retry_after_s(httpx.Headers({}), now) is None


def test_a_server_that_is_not_there_is_a_failure() -> None:
    with serving(lambda path: Reply(200)) as server:
        genius = client(server)
    with genius:
        answer = genius.song(1)
    assert answer.outcome is Outcome.FAILED
    assert answer.reason is not None and "ConnectError" in answer.reason


def test_the_token_goes_to_the_api_alone_and_everybody_learns_who_asks() -> None:
    with (
        serving(lambda path: api({"song": {"id": 1}}) if path.startswith("/api") else lyrics_page("x")) as server,
        client(server) as genius,
    ):
        genius.song(1)
        genius.page(f"{server.url}/web/song-lyrics")
    (_, asked), (_, fetched) = server.requests
    assert asked["authorization"] == "Bearer a-token"
    assert "authorization" not in fetched
    assert asked["user-agent"] == fetched["user-agent"] == "rap-platform/0.1 (+tests@example.org)"


def test_a_redirect_is_followed_at_home_only() -> None:
    with serving(lambda path: lyrics_page("secret")) as elsewhere:
        home = {"/web/a": Reply(302, headers={"location": "/web/b"}), "/web/b": lyrics_page("home"),
                "/web/c": Reply(302, headers={"location": f"{elsewhere.url}/x"}),
                "/web/d": Reply(302, headers={"location": "/web/d"}), "/web/e": Reply(302, headers={"location": "file:///etc/passwd"})}  # fmt: skip
        with serving(lambda path: home[path]) as server, client(server) as genius:
            assert "home" in genius.page(f"{server.url}/web/a").text
            for away in ("c", "d", "e"):
                assert genius.page(f"{server.url}/web/{away}").outcome is Outcome.FAILED
            assert genius.page(f"{elsewhere.url}/x").outcome is Outcome.FAILED
        assert elsewhere.requests == []


def test_an_endless_answer_is_cut_off() -> None:
    with serving(lambda path: Reply(200, b"x" * (9 * 1024 * 1024))) as server, client(server) as genius:
        answer = genius.page(f"{server.url}/web/song-lyrics")
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, "the answer is larger than 8 MB")


def test_a_refused_token_is_said_and_not_shown() -> None:
    with serving(lambda path: Reply(401)) as server, client(server) as genius:
        with pytest.raises(CredentialsRefused, match="RAP_GENIUS__TOKEN") as refused:
            genius.song(1)
        assert "a-token" not in str(refused.value)


@pytest.mark.parametrize("reply", [Reply(200, b'{"meta": {"sta'), Reply(200, b"[]"), Reply(200, b'{"response": null}')])
def test_an_answer_that_is_no_answer_is_a_failure(reply: Reply) -> None:
    with serving(lambda path: reply) as server, client(server) as genius:
        assert genius.song(1).outcome is Outcome.FAILED


def test_pages_of_the_real_genius_need_leave() -> None:
    with serving(lambda path: page("")) as server, client(server, scrape=False, simulated=False) as genius:
        with pytest.raises(NotConfigured, match="RAP_GENIUS__SCRAPE=true"):
            genius.page(f"{server.url}/web/song-lyrics")
        assert server.requests == []


def test_the_rate_limit_is_kept() -> None:
    with serving(lambda path: api({"song": {"id": 1}})) as server, client(server, per_minute=1200) as genius:
        started = time.monotonic()
        for _ in range(5):
            genius.song(1)
        assert time.monotonic() - started >= 4 * 0.05


def test_a_bot_check_is_never_a_missing_song() -> None:
    assert classify(404, httpx.Headers({"cf-mitigated": "challenge"}))[0] is Outcome.BLOCKED


def test_the_script_that_stands_in_ordinary_pages_is_no_bot_check() -> None:
    script = b"<html><script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script></html>"
    check = b"<html><script src='/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1'></script></html>"
    assert classify(404, httpx.Headers(), script)[0] is Outcome.MISSING
    assert classify(200, httpx.Headers(), check)[0] is Outcome.BLOCKED


def test_a_retry_is_logged_and_never_printed(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with serving(in_turn(Reply(500), lyrics_page("stay up"))) as server, client(server) as genius:
        genius.page(f"{server.url}/web/song-lyrics")
    assert capsys.readouterr().out == ""
    assert [record.name for record in caplog.records if record.name.startswith("stamina")] == ["stamina"]
    assert "a-token" not in caplog.text
