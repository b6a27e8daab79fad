"""Analysis of pasted lyrics: by the stand-in LLM over HTTP, by the rules, from the cache; and ratings by a real registered model."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
from pydantic import SecretStr

from rap_platform.analyses.calibration import Bin, Calibration, Calibrator
from rap_platform.analyses.queries import Maker, store_calibration
from rap_platform.local import process
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.serving.api.analyze.analysts import Unavailable
from rap_platform.serving.api.analyze.llm import LlmAnalyst
from rap_platform.settings import Llm, Settings
from rap_platform.training.features import COLUMNS
from rap_platform.training.quality import TRUSTED_TYPES
from rap_platform_tests.analyses.endpoint import Told, said, serving

Serve = Callable[[Settings], httpx.Client]
LYRICS = """[Verse 1]
I count the streetlights home, each one a debt I paid
The city hums a tune that older hands have made
My mother kept the lamp on, said the dark would fade
I learned to read by that lamp, that is how plans get laid
The corner store is closing and the owner knows my name
He lends me bread on Fridays and he never keeps the claim
I write it in a notebook, every kindness has a frame
So when the money finds me I will answer it the same

[Hook]
Keep the lamp on, keep the lamp on
I am coming up the road before the night is gone
Keep the lamp on, keep the lamp on
Every step I take is one more line to build upon"""


def analyze(api: httpx.Client, **question: object) -> dict[str, object]:
    answer = api.post("/analyze", json={"lyrics": LYRICS, **question})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_the_rules_analyse_and_the_second_answer_is_cached(api: httpx.Client) -> None:
    first, second = (analyze(api, analyzer="rule_based") for _ in range(2))
    assert first["success"] is True
    assert (first["analyzer"], first["model"], first["simulated"], first["fallback_reason"]) == (
        "rule_based",
        "rules",
        False,
        None,
    )
    assert (first["cached"], second["cached"]) == (False, True)
    assert first["analysis"] == second["analysis"]
    analysis = first["analysis"]
    assert isinstance(analysis, dict)
    assert all(1 <= analysis[score] <= 10 for score in ("quality", "complexity", "wordplay", "storytelling"))
    for finding in analysis["evidence"]:
        assert LYRICS[finding["start"] : finding["end"]] == finding["quote"]
    assert analyze(api, analyzer="rule_based", use_cache=False)["cached"] is False


def test_rhymes_come_with_the_analysis(api: httpx.Client) -> None:
    rhymes = analyze(api, analyzer="rule_based")["rhymes"]
    assert isinstance(rhymes, list)
    assert [line["text"] for line in rhymes] == LYRICS.split("\n")
    letters = {line["text"].rsplit(" ", 1)[-1]: line["spans"][-1]["letter"] for line in rhymes if line["spans"]}
    assert letters["paid"] == letters["made"] == letters["fade"] == letters["laid"]
    assert letters["name"] == letters["claim"] or letters["name"] == letters["frame"]


def test_without_an_llm_the_rules_answer_and_say_so(api: httpx.Client) -> None:
    found = analyze(api, analyzer="qwen")
    assert found["analyzer"] == "rule_based"
    assert "RAP_LLM__API_KEY" in str(found["fallback_reason"])
    assert found["simulated"] is False
    assert 'rap_analysis_fallbacks_total{reason="not_configured"} 1.0' in api.get("/metrics").text


def test_an_llm_that_is_down_is_not_waited_for(serve: Serve, settings: Settings) -> None:
    llm = Llm(base_url=f"http://127.0.0.1:{process.free_port()}/v1", api_key=SecretStr("a key"))
    api = serve(settings.model_copy(update={"llm": llm}))
    found = analyze(api, analyzer="qwen")
    assert found["analyzer"] == "rule_based"
    assert "does not answer" in str(found["fallback_reason"])
    assert "a key" not in str(found)
    again = analyze(api, analyzer="qwen")
    assert again["cached"] is True, "the rules' answer is known"
    assert again["fallback_reason"] == found["fallback_reason"]


def test_the_stand_in_llm_answers_and_is_marked_simulated(world: str, serve: Serve, settings: Settings) -> None:
    api = serve(settings)
    first = analyze(api, analyzer="qwen")
    if first["analyzer"] == "rule_based":  # one of the world's faults that no second question mended
        first = analyze(api, analyzer="qwen")
    assert first["analyzer"] == "qwen"
    assert first["simulated"] is True
    assert first["model"] == settings.llm.model
    second = analyze(api, analyzer="qwen")
    assert second["cached"] is True
    assert second["analysis"] == first["analysis"]
    assert second["simulated"] is True


def test_what_the_llm_was_asked_stands_in_the_ledger_and_in_the_metrics(
    world: str, serve: Serve, settings: Settings, connection: psycopg.Connection
) -> None:
    del world
    api = serve(settings)
    for use_cache in (True, True, False):
        analyze(api, analyzer="qwen", use_cache=use_cache)
    rows = connection.execute(
        "select request_sha256, attempt from llm_calls where purpose = 'analyze' and state = 'answered' order by call_id"
    ).fetchall()
    first = [attempt for sha, attempt in rows if sha == rows[0][0]]
    assert len(first) == 2, "the second question was answered from the cache, the third asked anew"
    shown = api.get("/metrics").text
    assert f'rap_llm_call_seconds_bucket{{le="+Inf",model="{settings.llm.model}"}} {len(rows)}.0' in shown
    assert f'rap_llm_call_seconds_bucket{{le="100",model="{settings.llm.model}"}} {len(rows)}.0' in shown


def test_a_person_does_not_wait_long_for_the_limit_that_all_share(serve: Serve, settings: Settings) -> None:
    with serving(said()) as server:
        api = serve(asked(settings, server.url, requests_per_minute=2.0))
        for _ in range(2):  # one of the common share of the limit, one of that for people
            found = analyze(api, analyzer="qwen", use_cache=False)
            assert found["analyzer"] == "qwen", found["fallback_reason"]
        found = analyze(api, analyzer="qwen", use_cache=False)
        assert len(server.requests) == 2
    assert (found["analyzer"], found["simulated"]) == ("rule_based", False)
    assert "requests per minute" in str(found["fallback_reason"])
    assert 'rap_analysis_fallbacks_total{reason="busy"} 1.0' in api.get("/metrics").text


def test_text_that_cannot_be_scored_is_no_success_and_has_no_scores(api: httpx.Client) -> None:
    answer = api.post("/analyze", json={"lyrics": "la la la la", "analyzer": "rule_based"}).json()
    assert answer["success"] is False
    assert answer["analysis"] is None
    assert answer["error"]


def asked(settings: Settings, url: str, **llm: object) -> Settings:
    """Settings with an LLM of a test's own."""
    given = {"base_url": url, "api_key": SecretStr("a key"), "requests_per_minute": 60_000, "timeout_s": 2, **llm}
    return settings.model_copy(update={"llm": Llm.model_validate(given)})


PRICES = {"prompt_usd_per_million": 1, "completion_usd_per_million": 1}
CHINESE = (
    "\u8fd9\u9996\u6b4c\u8bb2\u8ff0\u4e86\u4e00\u4e2a\u5b69\u5b50\u5728\u57ce\u5e02\u91cc\u957f\u5927\u7684\u6545\u4e8b\u5f88\u52a8\u4eba"
    * 2
)


@pytest.mark.parametrize(
    ("kind", "told", "llm"),
    [
        ("refused", Told(status=401, error="bad key"), {}),
        ("unavailable", Told(status=500), {}),
        ("invalid_answer", Told("a solid 8/10"), {}),
        ("cut_off", Told('{"evidence": [', finish_reason="length"), {}),
        ("no_answer", Told(None), {}),
        ("wrong_language", said(summary=CHINESE), {}),
        ("busy", Told(status=429, headers={"retry-after": "3000"}), {}),
        ("budget", said(), {"budget_usd": 0, **PRICES}),
        ("misconfigured", said(), {"budget_usd": 1}),
    ],
)
def test_whatever_keeps_the_llm_from_answering_the_rules_answer_under_their_own_name(
    serve: Serve, settings: Settings, kind: str, told: Told, llm: dict[str, object]
) -> None:
    with serving(told) as server:
        api = serve(asked(settings, server.url, **llm))
        found = analyze(api, analyzer="qwen")
        assert (found["analyzer"], found["model"], found["success"]) == ("rule_based", "rules", True)
        assert found["fallback_reason"]
        assert f'rap_analysis_fallbacks_total{{reason="{kind}"}} 1.0' in api.get("/metrics").text
    assert found["analysis"] == analyze(api, analyzer="rule_based")["analysis"]


def test_an_endpoint_that_fails_again_and_again_is_left_alone(serve: Serve, settings: Settings) -> None:
    with serving(Told(status=500)) as server:
        api = serve(asked(settings, server.url))
        for _ in range(6):
            assert analyze(api, analyzer="qwen")["analyzer"] == "rule_based"
        so_far = len(server.requests)
        assert "left alone" in str(analyze(api, analyzer="qwen")["fallback_reason"])
        assert len(server.requests) == so_far


def test_a_text_that_even_the_rules_cannot_score_is_no_success_of_the_llm(serve: Serve, settings: Settings) -> None:
    with serving(Told("no JSON")) as server:
        api = serve(asked(settings, server.url))
        found = api.post("/analyze", json={"lyrics": "la la la la", "analyzer": "qwen"}).json()
    assert (found["success"], found["analysis"], found["analyzer"]) == (False, None, "rule_based")
    assert found["error"] == "1 bars; figures need 8"
    assert "could not be used" in found["fallback_reason"]


def test_an_llm_that_was_not_asked_did_not_answer_badly(settings: Settings) -> None:
    with serving(said()) as server:
        analyst = LlmAnalyst(asked(settings, server.url))
        found = analyst.ask("and " * 7000)
        assert server.requests == []
    assert isinstance(found, Unavailable)
    told = "the LLM was not asked: line 1 has 28000 characters; lines are not cut, and 24000 can be sent."
    assert (found.kind, found.reason) == ("too_long", told)


def test_the_llm_has_no_confidence_until_it_has_earned_one(
    serve: Serve, settings: Settings, connection: psycopg.Connection
) -> None:
    with serving(said(confidence=0.9)) as server:
        api = serve(asked(settings, server.url))
        first = analyze(api, analyzer="qwen")
        assert first["analyzer"] == "qwen"
        analysis = first["analysis"]
        assert isinstance(analysis, dict)
        assert (analysis["raw_confidence"], analysis["confidence"], analysis["ambiguous"]) == (0.9, None, None)
        assert analysis["low_confidence"] is True
        maker = Maker("qwen", str(first["model"]), str(first["prompt_version"]), simulated=False)
        bins = (Bin(0.5, 0.5, 100),)
        earned = Calibration(Calibrator(-1.0, 0.0, 0.1, 0.9), 120, 100, 27, 0.2, 0.2, 0.05, bins)
        store_calibration(connection, maker, earned, digest="d", method="m")
        connection.commit()
        again = analyze(api, analyzer="qwen")
    assert again["cached"] is True
    assert again["analysis"] == analysis | {"confidence": pytest.approx(0.2689, abs=1e-4)}


def test_who_answered_for_the_llm_is_counted_by_day(
    serve: Serve, settings: Settings, connection: psycopg.Connection
) -> None:
    with serving(said(), said(), Told(status=401)) as server:
        api = serve(asked(settings, server.url))
        for number in range(3):
            analyze(api, analyzer="qwen", lyrics=f"{LYRICS} {number}")
        analyze(api, analyzer="rule_based")
    counted: list[tuple[str, str, bool, int]] = []
    for _ in range(50):  # they are counted after the answer was sent
        connection.rollback()
        counted = connection.execute(
            "select answered, reason, simulated, answers from analysis_answers order by answered"
        ).fetchall()
        if len(counted) == 2:
            break
        time.sleep(0.1)
    assert counted == [("qwen", "", False, 2), ("rule_based", "refused", False, 1)]


@pytest.fixture
def registry(tmp_path: Path) -> MlflowResource:
    """An MLflow store in a file."""
    return MlflowResource(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")


def register(registry: MlflowResource, rating: float, model: Any = None) -> str:
    """Register `model`, or one that always says `rating`, as champion; its version."""
    import pandas as pd
    from sklearn.dummy import DummyRegressor

    rows = pd.DataFrame(np.zeros((2, len(COLUMNS))), columns=list(COLUMNS))
    model = model or DummyRegressor(strategy="constant", constant=rating).fit(rows, np.array([rating, rating]))
    with registry.run("quality_model", "constant", tags={"simulated": "true"}) as run:
        version = run.model(
            model, name="quality_model", example=rows, predicted=model.predict(rows), requirements=["scikit-learn"],
            trusted_types=TRUSTED_TYPES, tags={"simulated": "true"},
        )  # fmt: skip
    registry.client().set_registered_model_alias("quality_model", "champion", version.version)
    return str(version.version)


@pytest.mark.filterwarnings("ignore")  # MLflow warns while it is imported and about its own models
def test_the_champion_rates_and_a_new_champion_takes_over(
    serve: Serve, settings: Settings, registry: MlflowResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rap_platform.serving.api.quality.model.RECHECK_S", 0.0)
    api = serve(settings.model_copy(update={"mlflow_tracking_uri": registry.tracking_uri}))
    none = api.post("/predict-quality", json={"lyrics": LYRICS})
    assert none.status_code == 503
    assert "champion" in none.json()["detail"]
    version = register(registry, 7.3)
    answer = api.post("/predict-quality", json={"lyrics": LYRICS, "artist": "Somebody"})
    assert answer.status_code == 200, answer.text
    assert answer.json() | {"processing_time_ms": 0} == {
        "rating": 7.3,
        "interval": None,
        "quality_score": pytest.approx(0.7),
        "model": "quality_model",
        "model_version": version,
        "simulated": True,
        "artist": "Somebody",
        "lyrics_preview": "I count the streetlights home, each one a debt I paid",
        "processing_time_ms": 0,
    }
    newer = register(registry, 4.0)
    deadline = time.monotonic() + 20
    while (taken_over := api.post("/predict-quality", json={"lyrics": LYRICS}).json())["model_version"] != newer:
        assert (taken_over["rating"], taken_over["model_version"]) == (7.3, version)
        assert time.monotonic() < deadline, "the newer version never took over"
        time.sleep(0.05)
    assert taken_over["rating"] == 4.0
    assert api.get("/health").json()["components"]["model"]["detail"].startswith(f"models:/quality_model/{newer}")


@pytest.mark.filterwarnings("ignore")  # MLflow warns while it is imported and about its own models
def test_a_rating_comes_with_the_interval_that_the_model_gives_it(
    serve: Serve, settings: Settings, registry: MlflowResource
) -> None:
    import pandas as pd

    from rap_platform.training import quality

    chance = np.random.default_rng(1)
    x = pd.DataFrame(chance.normal(size=(60, len(COLUMNS))), columns=list(COLUMNS))
    y = np.clip(chance.normal(5.5, 1.0, 60), 1, 10)
    fitted = quality.fit(x, y, [f"g{row % 12}" for row in range(60)], seed=3)
    register(registry, 0.0, fitted.model)
    api = serve(settings.model_copy(update={"mlflow_tracking_uri": registry.tracking_uri}))
    answer = api.post("/predict-quality", json={"lyrics": LYRICS})
    assert answer.status_code == 200, answer.text
    interval, rating = answer.json()["interval"], answer.json()["rating"]
    assert interval["level"] == 0.9
    assert 1 <= interval["low"] < rating < interval["high"] <= 10
    assert interval["high"] - interval["low"] == pytest.approx(2 * np.quantile(fitted.interval, 0.9), rel=0.3)


@pytest.mark.filterwarnings("ignore")  # MLflow warns while it is imported and about its own models
@pytest.mark.parametrize(
    ("lyrics", "said"),
    [
        (LYRICS.splitlines()[1], "1 bars; figures need 8"),
        ("\n".join(["Je marche seul dans la rue, la nuit tombe sur la ville"] * 12), "language is fr"),
        ("[Verse 1]\n\n[Hook]\n", "0 bars"),
    ],
)
def test_lyrics_that_no_song_resembles_are_refused_with_the_reason(
    serve: Serve, settings: Settings, registry: MlflowResource, lyrics: str, said: str
) -> None:
    register(registry, 7.3)
    api = serve(settings.model_copy(update={"mlflow_tracking_uri": registry.tracking_uri}))
    answer = api.post("/predict-quality", json={"lyrics": lyrics})
    assert (answer.status_code, answer.json()["type"]) == (422, "unanalysable-lyrics"), answer.text
    assert said in answer.json()["detail"]
    assert "at least 8 lines" in answer.json()["detail"]
