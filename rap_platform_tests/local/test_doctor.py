"""The doctor asks the servers that run, not only the settings."""

import psycopg
import pytest
from pydantic import SecretStr

from rap_platform.local import stack
from rap_platform.local.doctor import Finding, examine
from rap_platform.settings import EmbeddingsApi, Settings


def findings(settings: Settings) -> dict[str, Finding]:
    return {finding.system: finding for finding in examine(settings)}


def test_servers_of_our_own_are_started_when_needed_and_examined_while_they_run(alone: Settings) -> None:
    assert findings(alone)["PostgreSQL"].detail == "embedded, started when needed"
    with stack.services(alone, "postgres", "redis"):
        found = findings(alone)
        assert found["PostgreSQL"].detail.startswith("PostgreSQL 18, pgvector ")
        assert found["Redis"] == Finding("Redis", "ok", "answers", "")
        assert found["MLflow"].detail == "embedded, started when needed"
        assert found["simulated world"].state == "not configured"


def test_a_running_server_of_our_own_that_is_broken_points_to_its_log(alone: Settings) -> None:
    with stack.services(alone, "postgres") as ready:
        with psycopg.connect(ready.require_database_url()) as conn:
            conn.execute("update alembic_version set version_num = 'older'")
        found = findings(alone)["PostgreSQL"]
    assert found.state == "broken"
    assert found.detail.startswith("schema older, wanted ")
    assert str(alone.data_dir / "logs") in found.remedy


@pytest.mark.parametrize("uri", ["http://me:hush@127.0.0.1:9/", "http://me:hush@127.0.0.1:port/"])
def test_no_finding_shows_a_password(alone: Settings, uri: str) -> None:
    found = findings(alone.model_copy(update={"mlflow_tracking_uri": uri}))["MLflow"]
    assert found.state == "broken"
    assert "127.0.0.1" in found.detail
    assert "hush" not in str(found)


def test_an_embeddings_endpoint_that_is_set_is_asked(alone: Settings) -> None:
    assert findings(alone)["embeddings endpoint"].state == "not configured"
    config = EmbeddingsApi(name="e5", base_url="http://127.0.0.1:9/v1", model="m", api_key=SecretStr("hush"))
    found = findings(alone.model_copy(update={"embeddings_api": config}))["embeddings endpoint"]
    assert found.state == "broken"
    assert "127.0.0.1:9/v1 can't be reached" in found.detail
    assert "RAP_EMBEDDINGS_API__BASE_URL" in found.remedy
    assert "hush" not in str(found)
