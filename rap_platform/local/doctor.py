"""Asks every outside system whether it answers, and says what to set when it does not."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import httpx
import psycopg
import redis as redis_client

from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.encoders.encoding import EncoderError
from rap_platform.embeddings.encoders.endpoint import Encoder as EmbeddingsEndpoint
from rap_platform.local import stack
from rap_platform.local.llm_probe import probe
from rap_platform.local.process import without_password
from rap_platform.local.services import embedded
from rap_platform.resources import redis
from rap_platform.resources.migrations import head
from rap_platform.settings import Endpoint, NotConfigured, Settings

TIMEOUT_S = 5.0
SERVERS = {"PostgreSQL": "postgres", "Redis": "valkey", "MLflow": "mlflow", "simulated world": "world"}

State = Literal["ok", "simulated", "not configured", "not running", "busy", "broken"]


@dataclass(frozen=True)
class Finding:
    """What was found of one system, and what to do about it."""

    system: str
    state: State
    detail: str
    remedy: str


def examine(settings: Settings) -> list[Finding]:
    """Ask each system once, within five seconds each: the servers that run on this data directory, else those of the settings.

    The LLM is asked one thing, which may cost a fraction of a cent and take up to twenty seconds.
    Secrets never stand in a finding.
    """
    ours = embedded(settings)
    running = stack.joined(settings) or settings
    probes = (_postgres, _redis, _mlflow, _world, _genius, _spotify, _llm, _weights, _embeddings_api)
    findings = [probe(running) for probe in probes]
    remedy = f"`rap-platform status`, and the logs in {running.data_dir / 'logs'}"
    return [
        replace(finding, remedy=remedy)
        if finding.state == "broken" and SERVERS.get(finding.system) in ours
        else finding
        for finding in findings
    ]


def _postgres(settings: Settings) -> Finding:
    if settings.database_url is None:
        return Finding("PostgreSQL", "ok", "embedded, started when needed", "RAP_DATABASE_URL uses your own")
    try:
        with psycopg.connect(settings.require_database_url(), connect_timeout=int(TIMEOUT_S)) as conn:
            vector = conn.execute("select extversion from pg_extension where extname = 'vector'").fetchone()
            version = conn.info.server_version // 10000
            revision = None
            if conn.execute("select to_regclass('alembic_version')").fetchone() != (None,):
                revision = (conn.execute("select version_num from alembic_version").fetchone() or (None,))[0]
    except psycopg.Error as error:
        return Finding(
            "PostgreSQL",
            "broken",
            type(error).__name__ + ": can't be used",
            "check RAP_DATABASE_URL and that the server runs",
        )
    if revision != head():
        return Finding(
            "PostgreSQL",
            "broken",
            f"schema {revision or 'missing'}, wanted {head()}",
            "rap-platform up (or run) applies the migrations",
        )
    return Finding(
        "PostgreSQL",
        "ok",
        f"PostgreSQL {version}, pgvector {vector[0] if vector else 'missing'}, schema {revision}",
        "",
    )


def _redis(settings: Settings) -> Finding:
    if settings.redis_url is None:
        return Finding("Redis", "ok", "embedded, started when needed", "RAP_REDIS_URL uses your own")
    try:
        client = redis.client(settings.redis_url.get_secret_value())
        assert client is not None
        client.ping()
    except (redis_client.RedisError, ValueError) as error:
        return Finding(
            "Redis", "broken", type(error).__name__, "check RAP_REDIS_URL; without it answers are slower, not wrong"
        )
    return Finding("Redis", "ok", "answers", "")


def _mlflow(settings: Settings) -> Finding:
    uri = settings.mlflow_tracking_uri
    if uri is None:
        return Finding("MLflow", "ok", "embedded, started when needed", "RAP_MLFLOW_TRACKING_URI uses your own")
    return _answers("MLflow", f"{uri}/health", "check RAP_MLFLOW_TRACKING_URI")


def _world(settings: Settings) -> Finding:
    if not settings.world:
        return Finding("simulated world", "not configured", "off: only what is real", "RAP_WORLD=on")
    if settings.world_url is None:
        return Finding("simulated world", "ok", "embedded, started when needed", "RAP_WORLD=off goes without it")
    return _answers("simulated world", f"{settings.world_url}/health", "check RAP_WORLD_URL")


def _genius(settings: Settings) -> Finding:
    return _outside("Genius", settings.genius_endpoint, "/songs/1", "RAP_GENIUS__TOKEN")


def _spotify(settings: Settings) -> Finding:
    try:
        endpoint = settings.spotify_endpoint()
    except NotConfigured as error:
        return Finding("Spotify", "not configured", str(error), error.setting)
    if endpoint.simulated:
        return _simulated("Spotify", endpoint, "RAP_SPOTIFY__CLIENT_ID and RAP_SPOTIFY__CLIENT_SECRET")
    assert endpoint.web_url and endpoint.key and endpoint.secret
    auth = (endpoint.key.get_secret_value(), endpoint.secret.get_secret_value())
    try:
        status = httpx.post(
            endpoint.web_url, data={"grant_type": "client_credentials"}, auth=auth, timeout=TIMEOUT_S
        ).status_code
    except httpx.HTTPError as error:
        return Finding("Spotify", "broken", type(error).__name__, "check the network and RAP_SPOTIFY__TOKEN_URL")
    if status != httpx.codes.OK:
        return Finding(
            "Spotify",
            "broken",
            f"the token request answered {status}",
            "check RAP_SPOTIFY__CLIENT_ID and RAP_SPOTIFY__CLIENT_SECRET",
        )
    return Finding("Spotify", "ok", "the credentials are accepted", "")


def _llm(settings: Settings) -> Finding:
    setting = "RAP_LLM__API_KEY, or RAP_LLM__BASE_URL for a server of your own"
    try:
        endpoint = settings.llm_endpoint()
    except NotConfigured as error:
        return Finding("LLM", "not configured", str(error), setting)
    found = probe(settings, endpoint)
    if not endpoint.simulated:
        return Finding("LLM", "ok" if found.works else "busy" if found.busy else "broken", found.detail, found.remedy)
    stands_in = _simulated("LLM", endpoint, setting)
    return replace(stands_in, detail=f"{stands_in.detail}: {found.detail}") if found.works else stands_in


def _weights(settings: Settings) -> Finding:
    del settings
    try:
        weights.verify(weights.weights_folder())
    except weights.WeightsError as error:
        return Finding("embedding weights", "broken", str(error), "make install")
    return Finding("embedding weights", "ok", f"{weights.MODEL}: sha256 as pinned", "")


def _embeddings_api(settings: Settings) -> Finding:
    """Without one, searches and fills go by the local encoders alone."""
    config = settings.embeddings_api
    if config.name is None:
        return Finding(
            "embeddings endpoint",
            "not configured",
            "the local encoders do",
            "RAP_EMBEDDINGS_API__NAME, __BASE_URL, __MODEL",
        )
    try:
        encoder = EmbeddingsEndpoint(config.model_copy(update={"timeout_s": TIMEOUT_S, "retries": 0}))
        encoder.encode(["love"])
    except EncoderError as error:
        problem, _, remedy = str(error).rpartition(": ")
        return Finding("embeddings endpoint", "broken", problem or remedy, remedy)
    return Finding("embeddings endpoint", "ok", f"{config.model}: vectors of {config.dimension} values", "")


def _outside(system: str, endpoint_of: Callable[[], Endpoint], path: str, setting: str) -> Finding:
    try:
        endpoint = endpoint_of()
    except NotConfigured as error:
        return Finding(system, "not configured", str(error), error.setting)
    if endpoint.simulated:
        return _simulated(system, endpoint, setting)
    headers = {"Authorization": f"Bearer {endpoint.key.get_secret_value()}"} if endpoint.key else {}
    return _answers(system, endpoint.base_url + path, f"check {setting}", headers)


def _simulated(system: str, endpoint: Endpoint, setting: str) -> Finding:
    return Finding(
        system, "simulated", f"the simulated world stands in ({endpoint.base_url})", f"set {setting} for the real one"
    )


def _answers(system: str, url: str, remedy: str, headers: dict[str, str] | None = None) -> Finding:
    shown = without_password(url)
    try:
        response = httpx.get(url, headers=headers, timeout=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding(system, "broken", f"{shown}: {type(error).__name__}", remedy)
    if response.status_code >= httpx.codes.BAD_REQUEST and response.status_code != httpx.codes.NOT_FOUND:
        return Finding(system, "broken", f"{shown} answered {response.status_code}", remedy)
    return Finding(system, "ok", f"{shown} answers", "")
