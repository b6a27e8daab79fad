"""Every setting of the platform in one frozen tree: environment over .env over config.yaml over defaults.

No other module reads the environment for configuration. Secrets are `SecretStr`: they print as stars everywhere.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

PREFIX = "RAP_"
# Passwords that stand in tutorials and images; none may guard anything outside development.
KNOWN_PASSWORDS = frozenset(
    {
        "",
        "admin",
        "admin123",
        "changeme",
        "dagster",
        "guest",
        "mlflow",
        "password",
        "postgres",
        "rap",
        "redis",
        "root",
        "secret",
    }
)


class NotConfigured(Exception):
    """Something outside was asked for that no setting names. `setting` is what to set."""

    def __init__(self, what: str, setting: str) -> None:
        super().__init__(f"{what} is not configured: set {setting}")
        self.setting = setting


class ConfigurationError(Exception):
    """The settings can't be used; the message names each offending key and the remedy."""


@dataclass(frozen=True)
class Endpoint:
    """Where an outside system is reached. `simulated` marks everything that comes from it."""

    name: str
    base_url: str
    web_url: str | None
    key: SecretStr | None
    secret: SecretStr | None
    simulated: bool
    requests_per_minute: float


class Group(BaseModel):
    """A group of settings: frozen, and a key it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Ports(Group):
    """Loopback ports of the embedded stack; below 32768, where no outgoing connection can sit on them."""

    api: int = Field(8000, ge=1, le=65535, description="the API and its web page")
    dagster: int = Field(3000, ge=1, le=65535, description="the Dagster UI")
    mlflow: int = Field(5050, ge=1, le=65535, description="the MLflow UI")
    world: int = Field(8900, ge=1, le=65535, description="the simulated Genius, Spotify and LLM")
    postgres: int = Field(25432, ge=1, le=65535, description="the embedded PostgreSQL")
    valkey: int = Field(26379, ge=1, le=65535, description="the embedded Valkey")
    code_server: int = Field(24266, ge=1, le=65535, description="the gRPC server that holds the asset definitions")


class Genius(Group):
    """Genius: token from the API clients page of a Genius account."""

    token: SecretStr | None = Field(None, description="client access token; without it the simulated Genius answers")
    api_url: str = Field("https://api.genius.com", description="API root")
    web_url: str = Field("https://genius.com", description="root of the song pages")
    scrape: bool = Field(False, description="allow fetching song pages; read Genius' terms first")
    contact: str | None = Field(None, description="e-mail or URL put into the User-Agent")
    artists: list[str] = Field([], description="artists to watch, by name")
    max_songs_per_artist: int = Field(50, ge=1, description="newest songs fetched per artist")
    requests_per_minute: float = Field(30, gt=0, description="politeness limit")
    timeout_s: float = Field(20, gt=0, description="per request")
    fresh_days: int = Field(8, ge=1, description="an artist not gone through for longer shows in a check")


class Spotify(Group):
    """Spotify: client credentials of an app in the developer dashboard."""

    client_id: str | None = Field(None, description="without it the simulated Spotify answers")
    client_secret: SecretStr | None = Field(None, description="belongs to client_id")
    api_url: str = Field("https://api.spotify.com/v1", description="Web API root")
    token_url: str = Field("https://accounts.spotify.com/api/token", description="client-credentials endpoint")
    reccobeats_url: str | None = Field(
        None, description="e.g. https://api.reccobeats.com/v1; audio features where Spotify refuses them"
    )
    requests_per_minute: float = Field(120, gt=0, description="politeness limit")
    miss_expires_days: int = Field(30, ge=1, description="a track that was not found is asked again after this")
    least_matched: float = Field(
        0.5, ge=0, le=1, description="share of tracks linked to Spotify below which a check warns"
    )
    least_features: float = Field(
        0.5, ge=0, le=1, description="share of tracks with audio features below which a check warns"
    )


def _api_root(url: str) -> str:
    """An API's root in its one spelling: http(s), a host, no credentials, no slash at the end. Raises ValueError that keeps it to itself."""
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("is no address of an API: set it to http(s)://host[:port]/v1")
    if "@" in parts.netloc:
        raise ValueError("holds a user or a password: set the key in api_key, and the address without it")
    if parts.query or parts.fragment:
        raise ValueError("ends in a query or a fragment: set it to http(s)://host[:port]/v1")
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path.rstrip("/"), "", ""))


def _place(url: str) -> tuple[str, str, int, str]:
    """What two spellings of one address have in common: scheme, host (all of loopback is one), port, path."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost" or host.endswith(".localhost")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, "localhost" if loopback else host, port, parts.path.rstrip("/")


ApiRoot = Annotated[str, AfterValidator(_api_root)]


class Rival(Group):
    """Another OpenAI-compatible endpoint whose model is compared with the first."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,30}$", description="what its results are called")
    base_url: ApiRoot
    api_key: SecretStr | None = None
    model: str = Field(min_length=1)
    requests_per_minute: float = Field(45, gt=0, allow_inf_nan=False)
    prompt_usd_per_million: float | None = Field(None, ge=0, allow_inf_nan=False)
    completion_usd_per_million: float | None = Field(None, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _is_no_analyst_of_ours(self) -> "Rival":
        if self.name in ("qwen", "rule_based"):
            raise ValueError(f"llm.compare: the name {self.name} is taken, choose another")
        return self


class Llm(Group):
    """An OpenAI-compatible endpoint: Novita by default, or vLLM, llama-server, Ollama."""

    base_url: ApiRoot = Field("https://api.novita.ai/openai/v1", description="root that ends in /v1")
    api_key: SecretStr | None = Field(None, description="without it the simulated LLM answers")
    model: str = Field("qwen/qwen3-4b-fp8", min_length=1, description="model name as the endpoint lists it")
    requests_per_minute: float = Field(
        45,
        gt=0,
        allow_inf_nan=False,
        description="the endpoint's limit; 90 % of it is used, a tenth of that by people alone",
    )
    concurrency: int = Field(8, ge=1, le=64, description="requests in flight")
    timeout_s: float = Field(60, gt=0, le=3600, allow_inf_nan=False, description="per request")
    max_tokens: int = Field(1500, ge=64, description="completion limit")
    temperature: float = Field(0.1, ge=0, le=2, allow_inf_nan=False)
    budget_usd: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="nothing is asked any more when so much was spent in budget_days, by all processes",
    )
    budget_days: float = Field(
        30, gt=0, le=36_500, allow_inf_nan=False, description="the days that the budget looks back"
    )
    prompt_usd_per_million: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="price; without it cost is unknown, not zero"
    )
    completion_usd_per_million: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="price; without it cost is unknown, not zero"
    )
    compare: list[Rival] = Field(
        [],
        description="JSON list of other endpoints to compare: name, base_url, api_key, model, requests_per_minute, prices",
    )
    compare_sample: int = Field(200, ge=1, description="tracks that each of them reads, always the same ones")

    @model_validator(mode="after")
    def _names_differ(self) -> "Llm":
        names = [rival.name for rival in self.compare]
        if len(names) != len(set(names)):
            raise ValueError("llm.compare: two entries have one name")
        return self


class Dataset(Group):
    """The training dataset."""

    size: int = Field(1000, ge=10, description="tracks; fewer when fewer pass the filters")
    eval_share: float = Field(0.2, gt=0, lt=1, description="share of the tracks held out")
    seed: int = Field(13, description="of the shuffle")
    minimum: int = Field(50, ge=10, description="below this no dataset is made")
    minimum_confidence: float = Field(0.5, ge=0, le=1, description="some analyst's raw confidence must be above this")
    minimum_characters: int = Field(100, ge=0, description="lyrics must be longer than this")


class Training(Group):
    """Fine-tuned models; they need weights to start from and `pip install 'rap-platform[train]'`."""

    adapter_base_model: str | None = Field(
        None, description="folder of Qwen3 weights that an adapter is trained on: config.json, *.safetensors, tokenizer"
    )
    adapter_base_url: ApiRoot | None = Field(
        None,
        description="root of the vLLM that serves the adapters, ends in /v1; without it the asset serves the merged model itself",
    )
    adapter_api_key: SecretStr | None = Field(None, description="where that vLLM asks for one")
    adapter_rank: int = Field(16, ge=1, le=512, description="rank of LoRA; its alpha is twice that")
    adapter_epochs: float = Field(3, gt=0, le=100, allow_inf_nan=False, description="times through the train tracks")
    adapter_learning_rate: float = Field(
        1e-4, gt=0, le=1, allow_inf_nan=False, description="peak, after a short warm-up"
    )
    adapter_max_tokens: int = Field(
        2048, ge=64, description="of a song with its question and answer; longer lyrics are cut in the middle"
    )
    style_base_model: str | None = Field(
        None, description="folder of T5 weights that a style is trained on: config.json, *.safetensors, tokenizer"
    )
    style_epochs: float = Field(10, gt=0, le=1000, allow_inf_nan=False, description="times through the pairs of lines")
    style_learning_rate: float = Field(3e-4, gt=0, le=1, allow_inf_nan=False, description="peak, after a short warm-up")
    style_least_similarity: float = Field(
        0.5, ge=0, le=1, description="cosine of two lines by MiniLM from which they are a pair"
    )
    batch_rows: int = Field(16, ge=1, le=4096, description="songs, or pairs of lines, per step of the optimizer")
    batch_tokens: int = Field(
        8192, ge=64, description="tokens in memory at once, padding included; the rest of a step is accumulated"
    )
    checkpoint_steps: int = Field(50, ge=1, description="a killed training goes on from the last multiple of this")
    seed: int = Field(13, description="of the first weights of an adapter and of the order of rows")


class Evaluation(Group):
    """The evaluation report."""

    bootstrap: int = Field(2000, ge=100, description="resamples over artists")


class Embeddings(Group):
    """The encoders that are filled, and the indexes over their vectors."""

    runtime: Literal["auto", "onnx", "torch"] = Field(
        "auto",
        description="what runs MiniLM; auto: torch in assets where a GPU is, else OpenVINO where the processor has bfloat16, else ONNX Runtime",
    )
    beside: list[str] = Field(
        [], description="JSON list of encoders filled beside minilm: minilm_int8, or the name of embeddings_api"
    )
    hnsw_m: int | None = Field(
        None,
        ge=4,
        le=100,
        description="links per vector; unset: 16, but 32 for an index over 500,000 vectors or more, where 16 ask for too broad a search",
    )
    hnsw_ef_construction: int = Field(
        256,
        ge=16,
        le=1000,
        description="breadth of the build: 128 builds in 0.6 of the time, but then 360,000 vectors need a search half as broad again",
    )
    build_memory_mb: int = Field(
        4096,
        ge=64,
        description="maintenance_work_mem of a build at most; a graph that does not fit is built ten times slower",
    )
    build_workers: int = Field(
        1,
        ge=0,
        le=64,
        description="processes beside the leader of a build over 50,000 vectors; they need build memory in /dev/shm",
    )


class EmbeddingsApi(Group):
    """An OpenAI-compatible embeddings endpoint: an encoder with a name and tables of its own."""

    name: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9_]{0,30}$",
        description="what the encoder is called, e.g. qwen3_06b; never reused for another model",
    )
    base_url: ApiRoot | None = Field(None, description="root that ends in /v1; other encoders need none")
    api_key: SecretStr | None = Field(None, description="where the endpoint asks for one")
    model: str | None = Field(None, min_length=1, description="model name as the endpoint lists it")
    dimension: int = Field(
        1024, ge=1, le=4000, description="values in a vector; an answer of another length is refused"
    )
    ask_dimension: bool = Field(False, description="send the dimension too, for models that can shorten their vectors")
    max_tokens: int = Field(512, ge=16, description="what the model reads; longer texts go through windows")
    batch: int = Field(64, ge=1, le=2048, description="texts per request")
    timeout_s: float = Field(30, gt=0, le=600, allow_inf_nan=False, description="per request")
    retries: int = Field(
        4, ge=0, le=10, description="after 429, 5xx and broken connections, waiting as Retry-After says"
    )
    query_timeout_s: float = Field(
        2, gt=0, le=60, allow_inf_nan=False, description="for a question, its one retry included: a search waits for it"
    )
    query_prefix: str = Field("", description='put before questions, e.g. "query: "')
    text_prefix: str = Field("", description='put before stored texts, e.g. "passage: "')

    @model_validator(mode="after")
    def _is_whole(self) -> "EmbeddingsApi":
        absent = [key for key in ("name", "base_url", "model") if getattr(self, key) is None]
        if len(absent) in (1, 2):
            raise ValueError(f"embeddings_api: an encoder needs {', '.join(absent)} too")
        if self.name is not None and self.name in ("minilm", "minilm_int8", "audio"):
            raise ValueError(f"embeddings_api: the name {self.name} is taken, choose another")
        return self


class Search(Group):
    """Vector search."""

    ef_search: int = Field(
        200,
        ge=10,
        le=1000,
        description="least breadth of a walk through an HNSW index; vector_index finds the one that recall@10 of 0.98 needs",
    )
    candidates: int = Field(100, ge=10, le=1000, description="hits taken from each side before fusing")


class Settings(BaseSettings):
    """All settings. Environment variables carry the prefix RAP_ and `__` between group and key."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_file=".env", yaml_file="config.yaml",
        extra="forbid", frozen=True, nested_model_default_partial_update=True, hide_input_in_errors=True,
    )  # fmt: skip

    environment: Literal["development", "staging", "production"] = Field(
        "development", description="outside development known passwords are refused"
    )
    data_dir: Path = Field(Path(".rap_platform"), description="where the embedded stack keeps its data")
    database_url: SecretStr | None = Field(
        None, description="postgresql://… with pgvector; when set the embedded PostgreSQL is not started"
    )
    dagster_database_url: SecretStr | None = Field(
        None, description="Dagster's own database; default: database_url's name + _dagster"
    )
    redis_url: SecretStr | None = Field(None, description="redis://…; when set the embedded Valkey is not started")
    mlflow_tracking_uri: str | None = Field(None, description="http://…; when set the embedded MLflow is not started")
    dagster_url: str | None = Field(None, description="where people reach the Dagster UI; default: its embedded port")
    world: bool = Field(True, description="run the simulated world; off: only what is real")
    world_url: str | None = Field(None, description="where the simulated world answers; default: its embedded port")
    world_seed: int = Field(2026, description="another seed, another world")
    world_songs: int = Field(1200, ge=1, description="songs in the simulated world")
    world_artists: int = Field(250, ge=1, description="artists in the simulated world")
    population: Literal["auto", "real", "simulated", "mixed"] = Field(
        "auto", description="what datasets are made of; auto: real once enough of it is rated"
    )
    shards: int = Field(16, ge=1, le=1024, description="partitions of the per-track assets; choose once per deployment")
    processes: int = Field(
        1, ge=1, description="processes that fetch at the same time; without Redis each keeps to its share of a limit"
    )
    ports: Ports = Ports()
    genius: Genius = Genius()
    spotify: Spotify = Spotify()
    llm: Llm = Llm()
    dataset: Dataset = Dataset()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    embeddings: Embeddings = Embeddings()
    embeddings_api: EmbeddingsApi = EmbeddingsApi()
    search: Search = Search()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over .env over config.yaml over defaults."""
        del env_settings, dotenv_settings, file_secret_settings
        return (
            init_settings,
            _Environment(settings_cls),
            DotEnvSettingsSource(settings_cls),
            YamlConfigSettingsSource(settings_cls),
        )

    @model_validator(mode="after")
    def _refuse_known_passwords(self) -> "Settings":
        if self.environment != "development":
            for key in ("database_url", "dagster_database_url", "redis_url"):
                url = getattr(self, key)
                if url is not None and (urlsplit(url.get_secret_value()).password or "") in KNOWN_PASSWORDS:
                    raise ValueError(
                        f"{key} has no password or a well-known one, which {self.environment} refuses: choose another"
                    )
        return self

    @model_validator(mode="after")
    def _encoders_are_known(self) -> "Settings":
        known = ["minilm_int8", *filter(None, [self.embeddings_api.name])]
        for name in self.embeddings.beside:
            if name not in known:
                raise ValueError(f"embeddings.beside: no encoder {name}; there are: {', '.join(known)}")
        return self

    @model_validator(mode="after")
    def _rivals_are_others(self) -> "Settings":
        """A model that is asked twice under two names would agree with itself."""
        asked: dict[tuple[object, str], str] = {}
        if self.world or self.llm.api_key is not None or self.llm.base_url != Llm().base_url:
            asked[_place(self.llm_endpoint().base_url), self.llm.model] = "RAP_LLM__MODEL"
        for rival in self.llm.compare:
            other = asked.setdefault((_place(rival.base_url), rival.model), rival.name)
            if other != rival.name:
                raise ValueError(
                    f"llm.compare: {rival.name} is the model of {other} at the same endpoint: name another, or leave it out"
                )
        return self

    @property
    def world_root(self) -> str:
        """Root URL of the simulated world."""
        return self.world_url or f"http://127.0.0.1:{self.ports.world}"

    @property
    def dagster_root(self) -> str:
        """Root URL of the Dagster UI, for links."""
        return self.dagster_url or f"http://127.0.0.1:{self.ports.dagster}"

    def require_database_url(self) -> str:
        """The DSN of the application's database. Raises NotConfigured."""
        if self.database_url is None:
            raise NotConfigured("the database", "RAP_DATABASE_URL, or start the embedded one with `rap-platform up`")
        return self.database_url.get_secret_value()

    def require_dagster_database_url(self) -> str:
        """The DSN of Dagster's storage: its own setting, else the application's server with the name + _dagster."""
        if self.dagster_database_url is not None:
            return self.dagster_database_url.get_secret_value()
        return self._database_beside("_dagster")

    def mlflow_database_url(self) -> str:
        """The DSN of the embedded MLflow's store: the application's server with the name + _mlflow. Raises NotConfigured."""
        return self._database_beside("_mlflow")

    def _database_beside(self, suffix: str) -> str:
        parts = urlsplit(self.require_database_url())
        return urlunsplit(parts._replace(scheme="postgresql", path=parts.path + suffix))

    def genius_endpoint(self) -> Endpoint:
        """Genius when a token is set, else the simulated one. Raises NotConfigured when the world is off."""
        if self.genius.token is not None:
            return Endpoint(
                "genius",
                self.genius.api_url,
                self.genius.web_url,
                self.genius.token,
                None,
                False,
                self.genius.requests_per_minute,
            )
        return self._simulated("genius", "Genius", "RAP_GENIUS__TOKEN", "/genius/api", "/genius/web")

    def spotify_endpoint(self) -> Endpoint:
        """Spotify when credentials are set, else the simulated one; `web_url` is the token URL. Raises NotConfigured."""
        if self.spotify.client_id is not None and self.spotify.client_secret is not None:
            key = SecretStr(self.spotify.client_id)
            return Endpoint(
                "spotify",
                self.spotify.api_url,
                self.spotify.token_url,
                key,
                self.spotify.client_secret,
                False,
                self.spotify.requests_per_minute,
            )
        return self._simulated(
            "spotify",
            "Spotify",
            "RAP_SPOTIFY__CLIENT_ID and RAP_SPOTIFY__CLIENT_SECRET",
            "/spotify/v1",
            "/spotify/api/token",
        )

    def llm_endpoint(self) -> Endpoint:
        """The LLM when a key is set (or an endpoint without keys is named), else the simulated one. Raises NotConfigured.

        The world's own address is simulated also when it is set, with the limit that is set.
        """
        if self.llm.api_key is not None or self.llm.base_url != Llm().base_url:
            simulated = self._in_the_world(self.llm.base_url)
            return Endpoint(
                "llm", self.llm.base_url, None, self.llm.api_key, None, simulated, self.llm.requests_per_minute
            )
        return self._simulated("llm", "the LLM", "RAP_LLM__API_KEY", "/llm/v1", None)

    def rival_endpoint(self, rival: Rival) -> Endpoint:
        """The endpoint of an entry of `llm.compare`; one under the simulated world's address is simulated."""
        simulated = self._in_the_world(rival.base_url)
        return Endpoint(
            f"llm:{rival.name}", rival.base_url, None, rival.api_key, None, simulated, rival.requests_per_minute
        )

    def panel_endpoint(self) -> Endpoint:
        """The simulated panel of raters; real ratings are imported. Raises NotConfigured when the world is off."""
        return self._simulated("panel", "the panel of raters", "RAP_WORLD=on", "/panel", None)

    def _in_the_world(self, url: str) -> bool:
        *server, path = _place(url)
        *of_the_world, root = _place(self.world_root)
        return server == of_the_world and path.startswith(root + "/")

    def _simulated(self, name: str, what: str, setting: str, path: str, web_path: str | None) -> Endpoint:
        if not self.world:
            raise NotConfigured(what, setting)
        web_url = None if web_path is None else self.world_root + web_path
        key = SecretStr("simulated")
        return Endpoint(name, self.world_root + path, web_url, key, key, True, requests_per_minute=60_000)


class _Environment(EnvSettingsSource):
    """The environment, with a misspelt RAP_ variable refused instead of ignored."""

    def __call__(self) -> dict[str, Any]:
        known = set(environment_names())
        for name in sorted(os.environ):
            if name.upper().startswith(PREFIX) and name.upper() not in known:
                near = get_close_matches(name.upper(), known, n=1)
                raise ConfigurationError(
                    f"unknown setting {name} in the environment" + (f": did you mean {near[0]}?" if near else "")
                )
        return super().__call__()


def walk(model: type[BaseModel] = Settings, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every leaf of the tree as (path, FieldInfo), in order of declaration."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Group):
            yield from walk(field.annotation, (*path, name))
        else:
            yield (*path, name), field


def environment_names() -> list[str]:
    """The environment variable of every setting, groups (as JSON) included."""
    leaves = [PREFIX + "__".join(path).upper() for path, _ in walk()]
    groups = [
        PREFIX + name.upper()
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Group)
    ]
    return leaves + groups


def load(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read all sources. Raises ConfigurationError that names each offending key, never its value."""
    try:
        return Settings(**(overrides or {}))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}"
            for e in error.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(f"settings: {problems} (see config.example.yaml)") from None


@cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return load()
