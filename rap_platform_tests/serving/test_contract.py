"""What every answer of the API keeps to: problem+json, limits, headers, a description that is true."""

import json
import secrets
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from rap_platform.local.postgres import Cluster
from rap_platform.serving.api.app import create_app
from rap_platform.serving.api.evaluation.schemas import EvaluationAnswer, ModelsAnswer
from rap_platform.serving.api.recommendations.schemas import RecommendationsAnswer
from rap_platform.serving.api.search.schemas import SearchAnswer
from rap_platform.serving.api.tracks.schemas import SimilarAnswer, Track
from rap_platform.settings import Settings, load
from rap_platform_tests.conftest import SHARED, TEMPLATE
from rap_platform_tests.serving.conftest import served

LYRICS = "Rain on the window, a light in the hall\nI wrote you a letter and hung up the call"
SECRET = "postgresql://admin:hunter2@db/secret"


def problem(answer: httpx.Response, status: int) -> dict[str, object]:
    """The body of a problem, after the checks that hold for all of them."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


@pytest.fixture(scope="module")
def api(postgres_server: Cluster, redis_url: str) -> Iterator[httpx.Client]:
    """One API for all tests here: none of them leaves anything behind."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as conn:
        conn.execute(f"create database {name} template {TEMPLATE} strategy file_copy")
    overrides = {"database_url": postgres_server.dsn(name), "redis_url": redis_url, "data_dir": SHARED, "world": False}
    with served(create_app(load(overrides))) as client:
        yield client


@pytest.fixture
def broken(settings: Settings) -> Iterator[httpx.Client]:
    """An API with a handler that fails in a way nobody foresaw."""
    app: FastAPI = create_app(settings)

    @app.get("/broken")
    async def breaks() -> None:
        raise RuntimeError(SECRET)

    with served(app) as client:
        yield client


def test_an_unforeseen_error_shows_no_exception_text(broken: httpx.Client) -> None:
    answer = broken.get("/broken")
    body = problem(answer, 500)
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text
    assert body["type"] == "internal-error"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert broken.get("/health/live").status_code == 200


def test_an_unknown_path_and_a_wrong_method_are_problems(api: httpx.Client) -> None:
    problem(api.get("/generate"), 404)
    answer = api.get("/analyze")
    problem(answer, 405)
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/analyze", "/predict-quality"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (json.dumps({"lyrics": "a\x00 line with a NUL in it"}), 422),
        ('{"lyrics": "a lone surrogate \\ud800 in a line"}', 422),
        ('{"lyrics": "a good line of lyrics", "\\udfff": 1}', 422),
        (json.dumps({"lyrics": LYRICS, "temprature": 0.1}), 422),
        (json.dumps({"lyrics": "too short"}), 422),
        (json.dumps({"lyrics": "x" * 20_001}), 422),
        (json.dumps({"lyrics": "? ! ... 12345 67890"}), 422),
        (json.dumps({"lyrics": 12345678901}), 422),
        (json.dumps([LYRICS]), 422),
        ("[" * 200_000, 400),
        ('{"lyrics": "half a body', 422),
        ("", 422),
    ],
    ids=["nul", "surrogate", "surrogate-in-field", "unknown-field", "short", "long", "no-words", "number", "list", "deep", "cut-off", "empty"],
)  # fmt: skip
def test_bad_bodies_are_refused_without_an_echo(api: httpx.Client, path: str, body: str, status: int) -> None:
    answer = api.post(path, content=body.encode(), headers={"content-type": "application/json"})
    problem(answer, status)
    assert LYRICS not in answer.text


@pytest.mark.parametrize(
    ("lyrics", "said"), [("too short", "at least 10 characters"), ("x" * 20_001, "at most 20000 characters")]
)
def test_a_length_is_told_in_characters(api: httpx.Client, lyrics: str, said: str) -> None:
    answer = api.post("/analyze", json={"lyrics": lyrics})
    problem(answer, 422)
    assert said in answer.json()["detail"]


def test_invalid_utf8_is_refused(api: httpx.Client) -> None:
    answer = api.post(
        "/analyze", content=b'{"lyrics": "caf\xe9 on the corner"}', headers={"content-type": "application/json"}
    )
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_field_error_names_the_field_and_the_reason(api: httpx.Client) -> None:
    body = problem(api.post("/analyze", json={"lyrics": LYRICS, "analyzer": "astrology"}), 422)
    assert body["errors"] == [
        {"field": "body.analyzer", "message": "Input should be 'qwen' or 'rule_based'", "type": "literal_error"}
    ]


def test_many_unknown_fields_make_a_short_answer(api: httpx.Client) -> None:
    answer = api.post("/analyze", json={"lyrics": LYRICS, **{f"field{n}": n for n in range(5_000)}})
    problem(answer, 422)
    assert len(answer.content) < 10_000


def test_a_body_over_one_megabyte_is_not_read(api: httpx.Client) -> None:
    announced = api.post("/analyze", content=b"x" * 1_100_000, headers={"content-type": "application/json"})
    problem(announced, 413)

    def pieces() -> Iterator[bytes]:
        for _ in range(200):
            yield b"x" * 10_000

    problem(api.post("/analyze", content=pieces(), headers={"content-type": "application/json"}), 413)
    assert api.get("/health/live").status_code == 200


@pytest.mark.parametrize(
    "question",
    [
        {}, {"q": ""}, {"q": "\x00night"}, {"q": "?!"}, {"q": "x" * 501}, {"q": "night", "limit": 0}, {"q": "night", "limit": 51},
        {"q": "night", "mood": "hangry"}, {"q": "night", "theme": "love'; drop table tracks"}, {"q": "night", "year_from": 2001, "year_to": 1999},
        {"q": "night", "year_from": 99}, {"q": "night", "language": "English"}, {"q": "night", "artist": " "}, {"q": "night", "explicit": "perhaps"},
        {"q": "night", "sort": "asc"}, {"q": "night", "not": "?!"}, {"q": "night", "not": "day", "but_not": "day"},
        {"q": "night", "rating": "X"}, {"q": "night", "include_features": "true"}, {"q": "night", "featuring": " "},
        {"q": "night", "cursor": "AAAA"}, {"q": "night", "cursor": "not a cursor!"},
    ],
)  # fmt: skip
def test_bad_searches_are_refused(api: httpx.Client, question: dict[str, str | int]) -> None:
    problem(api.get("/search", params=question), 422)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("", "liked"), ("liked=0", "liked"), ("liked=x", "liked"), ("&".join(["liked=1"] * 51), "at most 50"),
        ("liked=1&diversity=1.5", "diversity"), ("liked=1&diversity=nan", "diversity"), ("liked=1&per_artist=0", "per_artist"),
        ("liked=1&by=smell", "by"), ("liked=1&lyrics_weight=-1", "lyrics_weight"), ("liked=1&lyrics_weight=inf", "lyrics_weight"),
        ("liked=1&lyrics_weight=0&audio_weight=0", "above 0"), ("liked=1&by=audio&audio_weight=1", "by=blend"),
        ("liked=1&disliked=1", "both liked and disliked"), ("liked=71&liked=70", "no track 70, 71"), ("liked=1&hated=2", "hated"),
    ],
)  # fmt: skip
def test_bad_tastes_are_refused(api: httpx.Client, question: str, told: str) -> None:
    assert told in str(problem(api.get(f"/recommendations?{question}"), 422))
    assert api.get(f"/liked?{question}").status_code in ({422} if "liked=" in question else {200})


@pytest.mark.parametrize(
    "question", ["by=smell", "limit=51", "audio_weight=0", "language=English", "without_artist=%20"]
)
def test_bad_comparisons_are_refused(api: httpx.Client, question: str) -> None:
    problem(api.get(f"/tracks/1/similar?{question}"), 422)


@pytest.mark.parametrize("number", ["0", "-1", "abc", "1.5", str(2**63), "9" * 40])
def test_bad_track_numbers_are_refused(api: httpx.Client, number: str) -> None:
    problem(api.get(f"/tracks/{number}"), 422)
    assert api.get(f"/songs/{number}").status_code == 404


def test_an_unknown_track_is_not_found(api: httpx.Client) -> None:
    for path in ("/tracks/123456", "/tracks/123456/similar"):
        assert problem(api.get(path), 404)["type"] == "track-not-found"


@pytest.mark.parametrize(
    "path",
    ["/", "/docs", "/liked", "/evaluation", "/models", "/health", "/search", "/static/app.js", "/nowhere", "/songs/1"],
)
def test_every_answer_has_the_security_headers(api: httpx.Client, path: str) -> None:
    headers = api.get(path).headers
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert len(headers["x-request-id"]) == 32


def test_a_request_id_is_kept_when_it_is_well_formed(api: httpx.Client) -> None:
    assert api.get("/health/live", headers={"x-request-id": "trace-0001"}).headers["x-request-id"] == "trace-0001"
    assert api.get("/health/live", headers={"x-request-id": "a b\tc" * 40}).headers["x-request-id"] != "a b\tc" * 40


def test_the_description_is_complete(api: httpx.Client) -> None:
    described = api.get("/openapi.json").json()
    operations = {
        operation["operationId"]: (method, path)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    assert operations == {
        "search": ("get", "/search"),
        "get_track": ("get", "/tracks/{track_id}"),
        "similar_tracks": ("get", "/tracks/{track_id}/similar"),
        "recommendations": ("get", "/recommendations"),
        "trends": ("get", "/trends"),
        "analyze": ("post", "/analyze"),
        "predict_quality": ("post", "/predict-quality"),
        "evaluation": ("get", "/evaluation"),
        "models": ("get", "/models"),
        "health": ("get", "/health"),
        "live": ("get", "/health/live"),
        "metrics": ("get", "/metrics"),
    }
    for name in (
        "AnalysisQuestion",
        "QualityQuestion",
        "SearchAnswer",
        "SimilarAnswer",
        "RecommendationsAnswer",
        "TrendsAnswer",
        "AnalysisAnswer",
        "QualityAnswer",
        "EvaluationAnswer",
        "ModelsAnswer",
    ):
        assert described["components"]["schemas"][name]["examples"], name
    for path, status in (
        ("/search", "503"),
        ("/analyze", "422"),
        ("/predict-quality", "503"),
        ("/tracks/{track_id}", "404"),
        ("/evaluation", "404"),
        ("/models", "503"),
    ):
        responses = next(iter(described["paths"][path].values()))["responses"]
        assert "application/problem+json" in responses[status]["content"]
    assert "ValidationError" not in described["components"]["schemas"]


def test_the_examples_of_the_description_are_accepted(api: httpx.Client) -> None:
    schemas = api.get("/openapi.json").json()["components"]["schemas"]
    example = schemas["AnalysisQuestion"]["examples"][0] | {"analyzer": "rule_based"}
    assert api.post("/analyze", json=example).status_code == 200
    problem(api.post("/predict-quality", json=schemas["QualityQuestion"]["examples"][0]), 503)


@pytest.mark.parametrize(
    "model", [SearchAnswer, SimilarAnswer, RecommendationsAnswer, Track, EvaluationAnswer, ModelsAnswer]
)
def test_the_examples_of_answers_are_such_answers(model: type[BaseModel]) -> None:
    (example,) = model.model_json_schema()["examples"]
    assert model.model_validate(example).model_dump(mode="json") == example


def test_metrics_tell_latency_above_a_second_apart(api: httpx.Client) -> None:
    api.get("/search", params={"q": "night"})
    text = api.get("/metrics").text
    assert 'http_request_duration_seconds_bucket{handler="/search",le="5.0",method="GET"}' in text
    assert 'rap_component_up{component="database"} 1.0' in text
    assert 'rap_cache_requests_total{cache="search",result="miss"}' in text
    assert "/health" not in text
