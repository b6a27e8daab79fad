"""What goes wrong on purpose: slow and short bodies, outages, robots.txt, and what the world remembers of it."""

import datetime as dt
import email.utils
import time

import httpx
import pytest
from pydantic import ValidationError

from rap_platform.world.corpus import Corpus
from rap_platform.world.faults import MOST_PATHS, OTHER_PATHS, FaultPlan, FaultState, Outage

TOKEN = {"Authorization": "Bearer anything"}
QUIET = {
    "genius_api": {"http_429": 0},
    "genius_web": {"http_429": 0, "missing": 0, "unreleased": 0, "instrumental": 0, "non_lyrics": 0},
}


def put(client: httpx.Client, **plan: object) -> None:
    client.put("/faults", json=QUIET | plan).raise_for_status()


def done(client: httpx.Client) -> dict[str, int]:
    return client.get("/faults").json()["faults"]


def test_a_body_that_drips_is_whole_in_the_end(http: httpx.Client, corpus: Corpus) -> None:
    put(http)
    whole = http.get(f"/genius/web/{corpus.page_path(0, 0)}").text
    put(http, genius_web=QUIET["genius_web"] | {"drip": 1, "drip_ms": 400})
    with http.stream("GET", f"/genius/web/{corpus.page_path(0, 0)}") as response:
        parts = list(response.iter_raw())
    assert len(parts) > 5
    assert b"".join(parts).decode() == whole
    assert done(http) == {"genius_web.drip": 1}


def test_a_truncated_body_was_promised_whole(http: httpx.Client, corpus: Corpus) -> None:
    put(http, genius_web=QUIET["genius_web"] | {"truncated": 1})
    came = bytearray()
    with http.stream("GET", f"/genius/web/{corpus.page_path(0, 0)}") as response:
        promised = int(response.headers["content-length"])
        with pytest.raises(httpx.RemoteProtocolError):
            for part in response.iter_raw():
                came += part
    assert len(came) == promised // 2
    assert done(http) == {"genius_web.truncated": 1}


def test_an_outage_is_a_stretch_of_requests_of_one_family(http: httpx.Client, corpus: Corpus) -> None:
    put(http, outages=[{"family": "genius_api", "first_request": 2, "requests": 3}])
    song = f"/genius/api/songs/{corpus.song_id(0, 0)}"
    answers = [http.get(song, headers=TOKEN) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200, 503, 503, 503, 200, 200]
    assert "retry-after" in answers[1].headers
    assert http.get(f"/genius/web/{corpus.page_path(0, 0)}").status_code == 200
    assert done(http) == {"genius_api.outage": 3}


def test_an_outage_may_drop_connections(http: httpx.Client, corpus: Corpus) -> None:
    put(http, outages=[{"family": "genius_api", "kind": "reset", "first_request": 1, "requests": 1}])
    with pytest.raises(httpx.RemoteProtocolError):
        http.get(f"/genius/api/songs/{corpus.song_id(0, 0)}", headers=TOKEN)
    assert http.get(f"/genius/api/songs/{corpus.song_id(0, 0)}", headers=TOKEN).status_code == 200


def test_an_outage_may_last_for_a_time_of_the_worlds_clock() -> None:
    outage = Outage(family="genius_web", from_s=60, seconds=30)
    assert [outage.covers(1, second) for second in (59.9, 60, 89.9, 90)] == [False, True, True, False]
    state = FaultState()
    state.put(FaultPlan(clock_rate=1e9, outages=[outage.model_copy(update={"from_s": 0.0, "seconds": 1e15})]))
    time.sleep(0.001)
    assert state.clock_s > 1e5
    assert state.draw("genius_web")[0] == "http_503"
    assert state.draw("genius_api")[0] is None


BOTH = {"first_request": 1, "requests": 1, "from_s": 0, "seconds": 1}


@pytest.mark.parametrize("measures", [{}, {"first_request": 1}, {"from_s": 1, "requests": 2}, BOTH])
def test_an_outage_without_one_measure_is_refused(measures: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="first_request and requests, or from_s and seconds"):
        Outage(family="spotify", **measures)  # type: ignore[arg-type]


def test_retry_after_may_be_a_date_and_runs_with_the_clock(http: httpx.Client, corpus: Corpus) -> None:
    put(http, clock_rate=10, dated=1, genius_api={"http_429": 1})
    before = dt.datetime.now(dt.UTC)
    told = http.get(f"/genius/api/songs/{corpus.song_id(0, 0)}", headers=TOKEN).headers["retry-after"]
    after = dt.datetime.now(dt.UTC)
    until = email.utils.parsedate_to_datetime(told)
    # 30 s at ten times the speed, rounded up to a whole second
    assert before + dt.timedelta(seconds=3) <= until <= after + dt.timedelta(seconds=4)


def test_requests_are_counted_by_path(http: httpx.Client, corpus: Corpus) -> None:
    put(http, outages=[{"family": "genius_api", "first_request": 1, "requests": 1}])
    song = f"/genius/api/songs/{corpus.song_id(0, 0)}"
    for _ in range(3):
        http.get(song, headers=TOKEN)
    http.get(f"/genius/web/{corpus.page_path(0, 0)}")
    assert http.get("/faults/paths", params={"prefix": "/genius/api/"}).json() == {song: 3}
    assert http.get("/faults/paths").json() == {song: 3, f"/genius/web/{corpus.page_path(0, 0)}": 1}


def test_only_so_many_paths_are_counted_one_by_one() -> None:
    state = FaultState()
    for number in range(MOST_PATHS + 5):
        state.count(f"/{number}")
    state.count("/0")
    assert (state.paths["/0"], state.paths[OTHER_PATHS], len(state.paths)) == (2, 5, MOST_PATHS + 1)


@pytest.mark.parametrize(
    ("robots", "status", "words"),
    [("permissive", 200, "Disallow: /genius/web/embed/"), ("forbidding", 200, "Disallow: /\n"), ("missing", 404, ""), ("broken", 503, "")],
)  # fmt: skip
def test_robots_txt_says_what_the_plan_wants(http: httpx.Client, robots: str, status: int, words: str) -> None:
    put(http, robots=robots)
    for address in ("/robots.txt", "/genius/web/robots.txt"):
        answer = http.get(address)
        assert (answer.status_code, words in answer.text) == (status, True)


def test_a_situation_that_nobody_wrote_is_no_answer(http: httpx.Client) -> None:
    for path in ("/hostile/genius/web/x", "/hostile/genius/api/x/songs/1", "/hostile/spotify/x/v1/search"):
        answer = http.get(path)
        assert (answer.status_code, "no situation 'x'" in answer.text) == (500, True)
