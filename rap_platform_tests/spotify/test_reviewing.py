"""People decide: a candidate is accepted, refused for good, or another track named; on the command line, over the real database."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from rap_platform.resources.postgres import connect
from rap_platform.settings import Settings, get_settings
from rap_platform.spotify.assets import spotify_tracks
from rap_platform.spotify.commands import app
from rap_platform.spotify.reviewing import ReviewRefused, parse_spotify_id
from rap_platform_tests.spotify.service import Service, found, track
from rap_platform_tests.spotify.test_assets import SEARCH, AskService, add_track, figures, materialize

ID = "0a1B2c3D4e5F6g7H8i9J0k"


@pytest.fixture
def conn(settings: Settings, database: str) -> Iterator[psycopg.Connection]:
    with connect(database, autocommit=True) as conn:
        yield conn


@pytest.fixture
def real(settings: Settings, service: Service, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an app at the test's server."""
    monkeypatch.setenv("RAP_SPOTIFY__CLIENT_ID", "key")
    monkeypatch.setenv("RAP_SPOTIFY__CLIENT_SECRET", "hush")
    monkeypatch.setenv("RAP_SPOTIFY__API_URL", f"{service.url}/v1")
    monkeypatch.setenv("RAP_SPOTIFY__TOKEN_URL", f"{service.url}/api/token")
    monkeypatch.setenv("RAP_SPOTIFY__REQUESTS_PER_MINUTE", "60000")
    get_settings.cache_clear()
    return get_settings()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def match(database: str, service: Service, **more: Any) -> dict[str, Any]:
    return figures(
        materialize(spotify_tracks, database, AskService(url=service.url, simulated=False, **more)), "spotify_tracks"
    )


@pytest.fixture
def doubtful(conn: psycopg.Connection, database: str, service: Service, real: Settings) -> int:
    """A song of which Spotify found a live version only; it is in review."""
    track_id = add_track(conn, "Harbour", simulated=False)
    service.standing[SEARCH] = found(track("live", "Harbour (Live)", "Ann"))
    assert match(database, service)["review"] == 1
    return track_id


def row(conn: psycopg.Connection) -> tuple[Any, ...] | None:
    return conn.execute("select status, method, spotify_id, rejected_ids from spotify_tracks").fetchone()


def test_the_queue_shows_song_candidate_score_and_reason(doubtful: int) -> None:
    (item,) = json.loads(run("review", "--json").stdout)
    assert (item["track_id"], item["title"], item["candidate"], item["spotify_id"]) == (
        doubtful, "Harbour", "Harbour (Live)", "live",
    )  # fmt: skip
    assert item["score"] == pytest.approx(0.87)
    assert "another version" in item["reason"]
    assert "--accept TRACK_ID" in run("review").stdout


def test_an_accepted_candidate_is_linked_for_good(
    doubtful: int, conn: psycopg.Connection, database: str, service: Service
) -> None:
    done = json.loads(run("review", "--accept", str(doubtful), "--json").stdout)
    assert done == [{"track_id": doubtful, "decision": "linked to", "spotify_id": "live"}]
    assert row(conn) == ("matched", "manual", "live", [])
    conn.execute("update tracks set title = 'Harbour again'")
    assert match(database, service)["rows_new"] == 0
    assert "nothing waits" in run("review").stdout


def test_a_refused_candidate_is_never_proposed_again_and_the_song_is_looked_for_without_it(
    doubtful: int, conn: psycopg.Connection, database: str, service: Service
) -> None:
    assert run("review", "--reject", str(doubtful)).exit_code == 0
    assert row(conn) == ("missing", None, None, ["live"])
    assert match(database, service)["rows_new"] == 1
    assert row(conn) == ("missing", None, None, ["live"])
    service.standing[SEARCH] = found(track("live", "Harbour (Live)", "Ann"), track("studio", "Harbour", "Ann"))
    conn.execute("update spotify_tracks set expires_at = now()")
    match(database, service)
    assert row(conn) == ("matched", "exact", "studio", ["live"])


def test_a_link_that_is_wrong_can_be_refused_too(
    conn: psycopg.Connection, database: str, service: Service, real: Settings
) -> None:
    track_id = add_track(conn, "Harbour", simulated=False)
    service.standing[SEARCH] = found(track("wrong", "Harbour", "Ann"))
    match(database, service)
    assert run("review", "--reject", str(track_id)).exit_code == 0
    match(database, service)
    assert row(conn) == ("missing", None, None, ["wrong"])


def test_another_track_can_be_named_by_id_uri_or_link(
    doubtful: int, conn: psycopg.Connection, database: str, service: Service
) -> None:
    service.standing[f"/v1/tracks/{ID}"] = (200, {}, track(ID, "Harbour", "Ann", isrc="USABC0100001"))
    run("review", "--reject", str(doubtful))
    done = run("review", "--set", f"{doubtful}=https://open.spotify.com/intl-de/track/{ID}?si=x")
    assert done.exit_code == 0, done.stderr
    assert row(conn) == ("matched", "manual", ID, ["live"])
    assert conn.execute("select isrc, score, reason, simulated from spotify_tracks").fetchone() == (
        "USABC0100001", 1.0, None, False,
    )  # fmt: skip
    assert match(database, service)["rows_new"] == 0


def test_a_track_that_was_never_looked_for_can_be_linked(
    conn: psycopg.Connection, real: Settings, service: Service
) -> None:
    track_id = add_track(conn, "Harbour", simulated=False)
    service.standing[f"/v1/tracks/{ID}"] = (200, {}, track(ID, "Something else", "Zed"))
    assert run("review", "--set", f"{track_id}={ID}").exit_code == 0
    assert row(conn) == ("matched", "manual", ID, [])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--accept", "999"], "no track 999"),
        (["--reject", "999"], "no track 999"),
        (["--set", f"999={ID}"], "no track 999"),
        (["--set", "7"], "write TRACK_ID=SPOTIFY_ID"),
        (["--set", "7=spotify:album:x"], "no Spotify track"),
        (["--set", "x=y"], "write TRACK_ID=SPOTIFY_ID"),
    ],
)
def test_decisions_about_nothing_are_refused(arguments: list[str], told: str, real: Settings) -> None:
    done = run("review", *arguments)
    assert (done.exit_code, told in " ".join(done.stderr.split())) == (2, True), done.stderr


def test_a_decision_that_can_not_be_carried_out_says_why_and_undoes_the_others(
    doubtful: int, conn: psycopg.Connection, service: Service
) -> None:
    other = add_track(conn, "Sky", simulated=False)
    done = run("review", "--accept", str(doubtful), "--accept", str(other))
    assert (done.exit_code, "not looked for" in done.stderr) == (2, True)
    assert row(conn) == ("review", "fuzzy", "live", [])
    unknown = run("review", "--set", f"{doubtful}={ID}")
    assert (unknown.exit_code, f"Spotify has no track {ID}" in unknown.stderr) == (2, True)
    simulated = add_track(conn, "Sea")
    assert "is simulated" in run("review", "--set", f"{simulated}={ID}").stderr
    run("review", "--accept", str(doubtful))
    assert "it is matched (manual)" in " ".join(run("review", "--accept", str(doubtful)).stderr.split())


def test_setting_a_link_while_spotify_is_left_alone_says_until_when(doubtful: int, service: Service) -> None:
    service.standing[f"/v1/tracks/{ID}"] = (429, {"Retry-After": "7200"}, {})
    done = run("review", "--set", f"{doubtful}={ID}")
    assert (done.exit_code, "left alone until" in " ".join(done.stderr.split())) == (1, True), done.stderr


def test_on_a_terminal_one_is_asked_one_after_the_other(
    doubtful: int, conn: psycopg.Connection, database: str, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = add_track(conn, "Pier", simulated=False)
    service.standing[SEARCH] = found(track("pier", "Pier - Live", "Ann"))
    match(database, service)
    monkeypatch.setattr("rap_platform.spotify.commands.is_terminal", lambda: True)
    done = CliRunner().invoke(app, ["review"], input="r\na\n", catch_exceptions=False)
    assert "2 decided" in done.stdout
    decided = dict(conn.execute("select track_id, status from spotify_tracks"))
    assert decided == {doubtful: "missing", second: "matched"}
    assert (
        CliRunner().invoke(app, ["review"], input="", catch_exceptions=False).stdout.strip()
        == "nothing waits for a decision"
    )


def test_status_tells_what_spotify_allows_and_how_far_we_got(doubtful: int, service: Service) -> None:
    told = json.loads(run("status", "--json").stdout)
    assert (told["endpoint"], told["capabilities"]["search_limit"], told["holds"]) == ("real", 50, {})
    assert told["coverage"] == {"tracks": 1, "asked": 1, "matched": 0, "listened_for": 0, "with_audio_features": 0}
    assert told["links"] == {"none: review": 1}
    service.standing["/v1/tracks/" + ID] = (429, {"Retry-After": "7200"}, {})
    run("review", "--set", f"{doubtful}={ID}")
    assert "left alone until" in run("status").stdout


@pytest.mark.parametrize("text", [ID, f"spotify:track:{ID}", f" https://open.spotify.com/track/{ID}?si=abc "])
def test_an_id_is_read_from_whatever_spotify_shows(text: str) -> None:
    assert parse_spotify_id(text) == ID


@pytest.mark.parametrize("text", ["", "x", ID + "0", f"spotify:artist:{ID}", f"https://example.com/track/{ID}"])
def test_what_is_no_track_is_refused(text: str) -> None:
    with pytest.raises(ReviewRefused, match="no Spotify track"):
        parse_spotify_id(text)
