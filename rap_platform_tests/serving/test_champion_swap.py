"""A new champion takes over while people ask: no failed answer, and each names the version that made it."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from rap_platform.resources.mlflow import MlflowResource
from rap_platform.serving.api.quality.model import Loaded, QualityModel
from rap_platform.serving.champion import ChampionVersion
from rap_platform.settings import Settings
from rap_platform_tests.evaluation.registry import register
from rap_platform_tests.serving.test_analysis import LYRICS

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow warns while it is imported and about its own models
Serve = Callable[[Settings], httpx.Client]
RATINGS = {"1": 7.25, "2": 4.5}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in a file with two versions that always say the same, the first one champion."""
    path = tmp_path_factory.mktemp("registry") / "mlflow.db"
    store = MlflowResource(tracking_uri=f"sqlite:///{path}")
    for version, rating in RATINGS.items():
        assert register(store, rating) == version
    crown(store, "1")
    return path


@pytest.fixture
def registry(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowResource:
    """Such a store of this test's own; the API looks at it with every request."""
    monkeypatch.setattr("rap_platform.serving.api.quality.model.RECHECK_S", 0.0)
    shutil.copy(prepared, tmp_path / "mlflow.db")
    return MlflowResource(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")


def crown(store: MlflowResource, version: str) -> None:
    store.client().set_registered_model_alias("quality_model", "champion", version)


def rate(api: httpx.Client) -> httpx.Response:
    return api.post("/predict-quality", json={"lyrics": LYRICS})


def wait_for(api: httpx.Client, version: str, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while rate(api).json()["model_version"] != version:
        assert time.monotonic() < deadline, f"version {version} never took over"
        time.sleep(0.02)


def test_no_answer_fails_while_the_title_moves_forth_and_back(
    serve: Serve, settings: Settings, registry: MlflowResource
) -> None:
    api = serve(settings.model_copy(update={"mlflow_tracking_uri": registry.tracking_uri}))
    assert rate(api).json()["model_version"] == "1"
    answers: list[tuple[int, str | None, float | None]] = []
    done = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=api.base_url, timeout=30) as client:
            while not done.is_set():
                answer = rate(client)
                body = answer.json()
                answers.append((answer.status_code, body.get("model_version"), body.get("rating")))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        for version in ("2", "1", "2", "1"):
            crown(registry, version)
            wait_for(api, version)
    finally:
        done.set()
        for thread in threads:
            thread.join(30)
    assert len(answers) >= 16
    assert {status for status, _, _ in answers} == {200}
    assert {(version, rating) for _, version, rating in answers} == set(RATINGS.items())


def test_nobody_waits_while_a_new_version_is_loaded(
    serve: Serve, settings: Settings, registry: MlflowResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    loading, go_on, load = threading.Event(), threading.Event(), QualityModel._load

    def slowly(model: QualityModel, champion: ChampionVersion) -> Loaded:
        if champion.version == "2":
            loading.set()
            assert go_on.wait(30)
        return load(model, champion)

    monkeypatch.setattr(QualityModel, "_load", slowly)
    api = serve(settings.model_copy(update={"mlflow_tracking_uri": registry.tracking_uri}))
    rate(api)
    crown(registry, "2")
    while not loading.is_set():
        assert rate(api).json()["model_version"] == "1"
    try:
        assert [rate(api).json()["model_version"] for _ in range(5)] == ["1"] * 5
    finally:
        go_on.set()
    wait_for(api, "2")


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_in_service_and_shows(
    serve: Serve, settings: Settings, registry: MlflowResource
) -> None:
    api = serve(settings.model_copy(update={"mlflow_tracking_uri": registry.tracking_uri}))
    assert rate(api).json()["model_version"] == "1"
    assert 'rap_model_version{version="1"} 1.0' in api.get("/metrics").text
    crown(registry, register(registry, columns=5))
    deadline = time.monotonic() + 30
    while api.get("/models").json()["served"]["trouble"] is None:
        answer = rate(api)
        assert (answer.status_code, answer.json()["model_version"]) == (200, "1")
        assert time.monotonic() < deadline, "the trouble never showed"
        time.sleep(0.02)
    health = api.get("/health").json()
    assert (health["status"], health["components"]["model"]["status"]) == ("degraded", "stale")
    assert health["components"]["model"]["detail"].startswith(
        "Version 3 is champion but cannot be loaded; version 1 answers"
    )
    shown = api.get("/metrics").text
    assert "rap_model_behind 1.0" in shown
    assert 'rap_model_version{version="1"} 1.0' in shown
    assert 'rap_model_loads_total{result="failed"} 0.0' not in shown
    crown(registry, "2")
    wait_for(api, "2")
    assert api.get("/health").json()["components"]["model"]["status"] == "up"
    assert "rap_model_behind 0.0" in api.get("/metrics").text


def test_a_champion_that_lost_its_title_is_not_served_any_more(
    serve: Serve, settings: Settings, registry: MlflowResource
) -> None:
    api = serve(settings.model_copy(update={"mlflow_tracking_uri": registry.tracking_uri}))
    assert rate(api).status_code == 200
    registry.client().delete_registered_model_alias("quality_model", "champion")
    deadline = time.monotonic() + 30
    while (answer := rate(api)).status_code == 200:
        assert time.monotonic() < deadline, "it is still served"
        time.sleep(0.02)
    assert (answer.status_code, answer.json()["type"]) == (503, "model-unavailable")


def test_the_first_answer_is_refused_while_the_only_version_cannot_be_loaded(
    serve: Serve, settings: Settings, registry: MlflowResource
) -> None:
    api = serve(settings.model_copy(update={"mlflow_tracking_uri": registry.tracking_uri}))
    crown(registry, register(registry, columns=5))
    answer = rate(api)
    assert answer.status_code == 503
    assert "Version 3 is registered but cannot be loaded" in answer.json()["detail"]
    assert api.get("/health").json()["components"]["model"]["status"] == "down"
    crown(registry, "2")
    assert rate(api).json()["model_version"] == "2"
