"""The Genius client against servers that misbehave."""

import datetime as dt
import email.utils
import gzip
import itertools
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from rap_platform.lyrics.fetching import find_artist
from rap_platform.resources.genius import CredentialsRefused, Outcome, classify, retry_after_s
from rap_platform.resources.politeness import OPEN_S
from rap_platform.resources.redis import client as redis_client
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
        (Reply(401), Outcome.BLOCKED),
        (Reply(204), Outcome.FAILED),
        (Reply(302), Outcome.FAILED),
        (Reply(200, b"<html>hello</html>", {"x-amzn-waf-action": "captcha"}), Outcome.BLOCKED),
        (Reply(405, b"<html><div class='g-recaptcha'></div></html>"), Outcome.BLOCKED),
        (Reply(500, b"<html><script>window._cf_chl_opt={}</script></html>"), Outcome.BLOCKED),
        (Reply(200, b'{"error": "no"}', {"content-type": "application/json"}), Outcome.FAILED),
        (Reply(200, b"%PDF-1.4", {"content-type": "application/pdf"}), Outcome.FAILED),
        (Reply(200, b"<html></html>", {"content-encoding": "br"}), Outcome.FAILED),
        (Reply(200, b"x" * 100, {"content-type": "image/png"}), Outcome.FAILED),
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
        Reply(200),
        Reply(200, gzip.compress(b"<html></html>")[:-6], {"content-encoding": "gzip"}),
        Reply(200, b"no gzip at all", {"content-encoding": "gzip"}),
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


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(403), Outcome.BLOCKED),
        (Reply(404), Outcome.MISSING),
        (Reply(422), Outcome.FAILED),
        (Reply(200, b'{"meta": {"status": 404}, "response": {}}'), Outcome.MISSING),
        (Reply(200, b'{"meta": {"status": 403}, "response": {}}'), Outcome.BLOCKED),
        (Reply(200, b'{"meta": {"status": 429}, "response": {}}'), Outcome.BLOCKED),
        (Reply(200, b'{"meta": {"status": "odd"}, "response": {"song": 1}}'), Outcome.OK),
        (Reply(200, b'{"meta": 3, "response": "song"}'), Outcome.FAILED),
        (Reply(200, b"<html><title>Just a moment...</title></html>"), Outcome.BLOCKED),
        (Reply(200, b"<html>hello</html>"), Outcome.FAILED),
        (Reply(200, b"[" * 100_000 + b"]" * 100_000), Outcome.FAILED),
    ],
)
def test_an_answer_of_the_api_is_one_thing(reply: Reply, outcome: Outcome) -> None:
    with serving(lambda path: reply) as server, client(server) as genius:
        assert genius.song(1).outcome is outcome


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


def test_a_few_packed_bytes_do_not_become_many() -> None:
    bomb = Reply(200, gzip.compress(b"\0" * 64 * 1024 * 1024), {"content-encoding": "gzip"})
    assert len(bomb.body) < 100_000
    with serving(lambda path: bomb) as server, client(server) as genius:
        tracemalloc.start()
        answer = genius.page(f"{server.url}/web/song-lyrics")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (answer.outcome, answer.reason) == (Outcome.FAILED, "the answer is larger than 8 MB")
    assert most < 24 * 1024 * 1024


def test_a_packed_page_is_read() -> None:
    packed = Reply(200, gzip.compress(lyrics_page("stay up").body), {"content-encoding": "gzip"})
    with serving(lambda path: packed) as server, client(server) as genius:
        assert "stay up" in genius.page(f"{server.url}/web/song-lyrics").text
        assert server.requests[0][1]["accept-encoding"] == "gzip"


def test_a_page_that_leads_home_is_no_proof_that_the_song_was_removed() -> None:
    home = {"/web/a": Reply(302, headers={"location": "/web/"}), "/web/": page("Genius")}
    with serving(lambda path: home[path]) as server, client(server) as genius:
        assert genius.page(f"{server.url}/web/a").outcome is Outcome.MISSING


@pytest.mark.parametrize("named", ["utf-8", "iso-8859-1", "no-such-charset", ""])
def test_valid_utf_8_is_read_as_such_whatever_the_server_calls_it(named: str) -> None:
    body = "<html><body>Kuş şarkısı</body></html>".encode()
    reply = Reply(200, body, {"content-type": f"text/html; charset={named}"})
    with serving(lambda path: reply) as server, client(server) as genius:
        assert "Kuş şarkısı" in genius.page(f"{server.url}/web/a").text


def test_other_bytes_are_read_as_the_server_calls_them() -> None:
    reply = Reply(
        200, "<html><body>café</body></html>".encode("latin-1"), {"content-type": "text/html; charset=latin1"}
    )
    with serving(lambda path: reply) as server, client(server) as genius:
        assert "café" in genius.page(f"{server.url}/web/a").text


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_as_a_date_is_kept(status: int) -> None:
    def date() -> str:
        return email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2), usegmt=True)

    asked: list[float] = []

    def answer(path: str) -> Reply:
        asked.append(time.time())
        return Reply(status, headers={"retry-after": date()}) if len(asked) == 1 else lyrics_page("stay up")

    with serving(answer) as server, client(server) as genius:
        assert genius.page(f"{server.url}/web/a").outcome is Outcome.OK
    assert int(asked[1]) >= int(asked[0] + 1)


def test_a_503_that_asks_for_hours_is_a_block() -> None:
    with serving(lambda path: Reply(503, headers={"retry-after": "7200"})) as server, client(server) as genius:
        answer = genius.page(f"{server.url}/web/a")
    assert (answer.outcome, answer.retry_after_s) == (Outcome.BLOCKED, 7200.0)
    assert len(server.requests) == 1


def test_waits_grow_from_two_to_eight_seconds_with_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda path: Reply(500)) as server, client(server, clock_rate=20.0) as genius:
        asked: list[float] = []
        reading = genius._read

        def noting(*given: Any, **more: Any) -> Any:
            asked.append(time.monotonic())
            return reading(*given, **more)

        monkeypatch.setattr(genius, "_read", noting)
        genius.song(1)
    waits = [(after - before) * 20 for before, after in itertools.pairwise(asked)]
    assert len(waits) == 3
    assert all(wait >= least for wait, least in zip(waits, (1.9, 3.9, 7.9), strict=True))


def test_an_open_breaker_asks_nothing_until_its_time() -> None:
    trouble = [Reply(500)] * 5
    with (
        serving(lambda path: trouble.pop() if trouble else api({"song": {"id": 1}})) as server,
        client(server, clock_rate=200) as genius,
    ):
        assert genius.song(1).outcome is Outcome.FAILED
        started = time.monotonic()
        assert genius.song(1).outcome is Outcome.OK
        assert time.monotonic() - started >= OPEN_S / 200 - 0.01
        told = genius.politeness.state()
    assert (told.openings, told.closings, told.breaker) == (1, 1, "closed")
    assert len(server.requests) == 6


def test_robots_txt_is_asked_for_once_a_day_over_all_clients(redis_url: str) -> None:
    rules = Reply(200, b"User-agent: rap-platform\nDisallow: /web/private\nCrawl-delay: 2\n")
    shared = redis_client(redis_url)
    assert shared is not None
    with serving(lambda path: lyrics_page("stay up"), robots=lambda: rules) as server:
        for _ in range(2):
            with client(server, redis=shared) as genius:
                assert genius.page(f"{server.url}/web/a").outcome is Outcome.OK
                refused = genius.page(f"{server.url}/web/private/b")
                assert (refused.outcome, refused.reason) == (Outcome.BLOCKED, "robots.txt forbids /web/private/b")
                assert not refused.others_too
                started = time.monotonic()
                genius.page(f"{server.url}/web/c")
                genius.page(f"{server.url}/web/d")
                assert time.monotonic() - started >= 2 / 100
        assert server.robots_asked == 1
        assert server.paths() == ["/web/a", "/web/c", "/web/d"] * 2
        assert 0 < shared.ttl(f"rap:robots:{server.url}/robots.txt") <= 24 * 3600


@pytest.mark.parametrize("robots", [Reply(500), Reply(503), Reply(200, b"x" * 600_000)])
def test_while_robots_txt_can_t_be_read_nothing_is_fetched(robots: Reply) -> None:
    with serving(lambda path: lyrics_page("stay up"), robots=lambda: robots) as server, client(server) as genius:
        answer = genius.page(f"{server.url}/web/a")
        assert answer.outcome is Outcome.BLOCKED
        assert "so nothing may be fetched" in (answer.reason or "")
        assert answer.retry_after_s is not None
        assert server.requests == []


@pytest.mark.parametrize(
    "robots", [Reply(404), Reply(410), Reply(403), Reply(422), Reply(200, b"\xff\xfe\0 junk"), Reply(200)]
)
def test_a_robots_txt_that_is_not_there_or_says_nothing_allows(robots: Reply) -> None:
    with serving(lambda path: lyrics_page("stay up"), robots=lambda: robots) as server, client(server) as genius:
        assert genius.page(f"{server.url}/web/a").outcome is Outcome.OK


def test_a_challenge_in_place_of_robots_txt_is_a_block() -> None:
    robots = Reply(403, headers={"cf-mitigated": "challenge"})
    with serving(lambda path: lyrics_page("stay up"), robots=lambda: robots) as server, client(server) as genius:
        answer = genius.page(f"{server.url}/web/a")
        assert (answer.outcome, answer.reason) == (Outcome.BLOCKED, "HTTP 403: a challenge page")
        assert answer.others_too
        assert server.requests == []


def test_an_answer_of_the_api_that_names_a_bot_check_is_no_bot_check() -> None:
    found = classify(
        200, httpx.Headers(), b'{"response": {"song": {"title": "Just a moment", "note": "verify you are human"}}}'
    )
    assert found == (Outcome.OK, None)


def test_the_artist_who_is_named_so_is_found_before_one_who_is_named_nearly_so() -> None:
    artists = [(1, "Vale & The Harbour"), (2, "Vale")]
    hits = [{"result": {"primary_artist": {"id": number, "name": name}}} for number, name in artists]
    with serving(lambda path: api({"hits": hits})) as server, client(server) as genius:
        assert find_artist(genius, "vale") == 2
