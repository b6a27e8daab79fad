"""The panel's client: what it asks, what it refuses, what it tries again."""

import httpx
import pytest
import stamina
from pydantic import SecretStr

from rap_platform.settings import Endpoint
from rap_platform.training import panel

ENDPOINT = Endpoint("panel", "http://127.0.0.1:1/panel", None, SecretStr("key"), None, True, 60.0)
GOOD = {"ratings": [{"source_id": 7, "rater": "ann", "rating": 6, "rated_at": "2026-01-02T03:04:05Z"}]}


def answering(*responses: httpx.Response) -> tuple[httpx.Client, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return responses[min(len(asked), len(responses)) - 1]

    return httpx.Client(transport=httpx.MockTransport(answer)), asked


def test_ids_travel_in_pieces_of_five_hundred() -> None:
    ids = [str(n) for n in range(1201)]
    assert [len(piece) for piece in panel.chunks(ids)] == [500, 500, 201]
    client, _ = answering(httpx.Response(200, json=GOOD))
    with client, pytest.raises(ValueError, match="501 ids"):
        panel.fetch(client, ENDPOINT, ids[:501])


def test_marks_come_back_as_sent() -> None:
    client, asked = answering(httpx.Response(200, json=GOOD))
    with client:
        (mark,) = panel.fetch(client, ENDPOINT, ["7", "8"])
    assert (mark.source_id, mark.rater, mark.rating, mark.rated_at.year) == ("7", "ann", 6.0, 2026)
    assert asked[0].url.params["source_ids"] == "7,8"
    assert asked[0].headers["authorization"] == "Bearer key"


def test_a_panel_that_is_busy_is_asked_again() -> None:
    client, asked = answering(httpx.Response(503), httpx.Response(200, json=GOOD))
    with client, stamina.set_testing(True, attempts=4):
        assert len(panel.fetch(client, ENDPOINT, ["7"])) == 1
    assert len(asked) == 2


def test_a_panel_that_stays_away_says_so() -> None:
    client, asked = answering(httpx.Response(429))
    with client, stamina.set_testing(True, attempts=4), pytest.raises(panel.PanelUnavailable, match="answered 429"):
        panel.fetch(client, ENDPOINT, ["7"])
    assert len(asked) == 4


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"marks": []}),
        httpx.Response(
            200, json={"ratings": [{"source_id": 7, "rater": "ann", "rating": 11, "rated_at": "2026-01-02T03:04:05Z"}]}
        ),
        httpx.Response(403),
    ],
    ids=["no JSON", "another shape", "a mark of 11", "forbidden"],
)
def test_a_broken_answer_stores_nothing_and_is_not_asked_again(answer: httpx.Response) -> None:
    client, asked = answering(answer)
    with client, pytest.raises(panel.PanelBroken):
        panel.fetch(client, ENDPOINT, ["7"])
    assert len(asked) == 1
