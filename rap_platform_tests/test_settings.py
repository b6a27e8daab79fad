"""Settings: order of the sources, refusals, secrets."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from rap_platform.settings import ConfigurationError, NotConfigured, Rival, Settings, environment_names, load, walk
from rap_platform_tests import generated


@pytest.fixture(autouse=True)
def bare_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(Settings.model_config, "env_file", ".env")
    monkeypatch.setitem(Settings.model_config, "yaml_file", "config.yaml")
    for name in environment_names():
        monkeypatch.delenv(name, raising=False)


def test_environment_wins_over_dotenv_wins_over_yaml_wins_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load().dataset.size == 1000
    Path("config.yaml").write_text("dataset:\n  size: 11\n  seed: 5\n", encoding="utf-8")
    assert (load().dataset.size, load().dataset.seed) == (11, 5)
    Path(".env").write_text("RAP_DATASET__SIZE=22\n", encoding="utf-8")
    assert (load().dataset.size, load().dataset.seed) == (22, 5)
    monkeypatch.setenv("RAP_DATASET__SIZE", "33")
    assert (load().dataset.size, load().dataset.seed) == (33, 5)


@pytest.mark.parametrize(
    ("where", "text"),
    [("config.yaml", "dataset:\n  sise: 3\n"), ("config.yaml", "datasets: 3\n"), (".env", "RAP_DATASET__SISE=3\n")],
)
def test_an_unknown_key_in_a_file_is_refused_by_name(where: str, text: str) -> None:
    Path(where).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"(?i)sise|datasets"):
        load()


def test_a_misspelt_environment_variable_is_refused_with_the_nearest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAP_WORLD_SED", "1")
    with pytest.raises(ConfigurationError, match="RAP_WORLD_SED.*RAP_WORLD_SEED"):
        load()


def test_secrets_are_masked_wherever_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAP_GENIUS__TOKEN", "hush-token")
    monkeypatch.setenv("RAP_DATABASE_URL", "postgresql://rap:hush-password@localhost/rap")
    settings = load()
    for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.genius_endpoint())):
        assert "hush" not in shown
    assert settings.genius_endpoint().key == SecretStr("hush-token")


def test_an_error_does_not_repeat_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAP_PORTS__API", "hush-not-a-port")
    with pytest.raises(ConfigurationError, match=r"ports\.api") as caught:
        load()
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("password", ["admin123", "postgres", ""])
def test_known_passwords_are_refused_outside_development(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv("RAP_DATABASE_URL", f"postgresql://rap:{password}@localhost/rap")
    assert load().environment == "development"
    monkeypatch.setenv("RAP_ENVIRONMENT", "production")
    with pytest.raises(ConfigurationError, match="database_url"):
        load()


def test_without_credentials_the_world_answers_and_with_them_the_real_service(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().llm_endpoint().simulated
    monkeypatch.setenv("RAP_LLM__API_KEY", "key")
    endpoint = load().llm_endpoint()
    assert (endpoint.simulated, endpoint.base_url, endpoint.requests_per_minute) == (
        False,
        "https://api.novita.ai/openai/v1",
        45,
    )


def test_an_own_llm_server_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAP_LLM__BASE_URL", "http://127.0.0.1:8080/v1")
    assert load().llm_endpoint().simulated is False


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("localhost:8000/v1", "no address of an API: set it to http"),
        ("", "no address of an API"),
        ("ftp://x/v1", "no address of an API"),
        ("http://[bad/v1", "no address of an API"),
        ("http://host:99999/v1", "no address of an API"),
        ("http:///v1", "no address of an API"),
        ("http://u:hunter2@127.0.0.1:9/v1", "api_key"),
        ("http://127.0.0.1:9/v1?key=hunter2", "query"),
    ],
)
def test_what_is_no_address_of_an_llm_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, url: str, why: str
) -> None:
    monkeypatch.setenv("RAP_LLM__BASE_URL", url)
    with pytest.raises(ConfigurationError, match=rf"llm\.base_url: .*{why}") as caught:
        load()
    assert "hunter2" not in str(caught.value)
    monkeypatch.delenv("RAP_LLM__BASE_URL")
    monkeypatch.setenv("RAP_LLM__COMPARE", json.dumps([{"name": "other", "base_url": url, "model": "m"}]))
    with pytest.raises(ConfigurationError, match=rf"llm\.compare\.0\.base_url: .*{why}"):
        load()


def test_an_address_has_one_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAP_LLM__BASE_URL", " http://LLM.example:8080/v1/ ")
    assert load().llm_endpoint().base_url == "http://llm.example:8080/v1"


@pytest.mark.parametrize(
    "name", ["requests_per_minute", "timeout_s", "budget_usd", "budget_days", "prompt_usd_per_million"]
)
@pytest.mark.parametrize("value", ["inf", "nan"])
def test_numbers_of_the_llm_are_finite(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"RAP_LLM__{name.upper()}", value)
    with pytest.raises(ConfigurationError, match=rf"llm\.{name}"):
        load()


def test_a_model_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAP_LLM__MODEL", "")
    with pytest.raises(ConfigurationError, match=r"llm\.model"):
        load()


@pytest.mark.parametrize(
    ("url", "simulated"),
    [
        ("http://127.0.0.1:8900/llm/v1", True),
        ("http://localhost:8900/llm/v1/", True),
        ("http://[::1]:8900/llm/v1", True),
        ("https://127.0.0.1:8900/llm/v1", False),
        ("http://127.0.0.1:8901/llm/v1", False),
        ("http://127.0.0.1.example:8900/llm/v1", False),
        ("http://llm.example:8900/llm/v1", False),
    ],
)
def test_the_world_is_simulated_under_every_name_of_its_address(
    monkeypatch: pytest.MonkeyPatch, url: str, simulated: bool
) -> None:
    monkeypatch.setenv("RAP_LLM__BASE_URL", url)
    assert load().llm_endpoint().simulated is simulated
    rival = Rival(name="other", base_url=url, model="m")
    assert load().rival_endpoint(rival).simulated is simulated


@pytest.mark.parametrize(
    "entries",
    [
        [("again", "http://llm.example/v1", "main")],
        [("one", "http://127.0.0.1:9/v1", "m"), ("two", "http://localhost:9/v1/", "m")],
    ],
)
def test_a_model_is_not_compared_with_itself(
    monkeypatch: pytest.MonkeyPatch, entries: list[tuple[str, str, str]]
) -> None:
    monkeypatch.setenv("RAP_LLM__BASE_URL", "http://llm.example/v1")
    monkeypatch.setenv("RAP_LLM__MODEL", "main")
    rivals = [{"name": name, "base_url": url, "model": model} for name, url, model in entries]
    monkeypatch.setenv("RAP_LLM__COMPARE", json.dumps(rivals))
    with pytest.raises(ConfigurationError, match="is the model of (RAP_LLM__MODEL|one) at the same endpoint"):
        load()
    rivals[0]["model"] = "another"
    monkeypatch.setenv("RAP_LLM__COMPARE", json.dumps(rivals))
    assert len(load().llm.compare) == len(entries)


def test_the_simulated_model_is_not_compared_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    again = {"name": "again", "base_url": "http://localhost:8900/llm/v1", "model": "qwen/qwen3-4b-fp8"}
    monkeypatch.setenv("RAP_LLM__COMPARE", json.dumps([again]))
    with pytest.raises(ConfigurationError, match="again is the model of RAP_LLM__MODEL"):
        load()


def test_with_the_world_off_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAP_WORLD", "off")
    settings = load()
    for endpoint, setting in (
        (settings.genius_endpoint, "RAP_GENIUS__TOKEN"),
        (settings.spotify_endpoint, "RAP_SPOTIFY__CLIENT_ID"),
        (settings.llm_endpoint, "RAP_LLM__API_KEY"),
    ):
        with pytest.raises(NotConfigured, match=setting):
            endpoint()


def test_the_examples_name_every_setting_and_are_read_as_the_defaults(tmp_path: Path) -> None:
    names = ["RAP_" + "__".join(path).upper() for path, _ in walk()]
    for name in names:
        assert f"#{name}=" in generated.env_example()
    Path("config.yaml").write_text(generated.config_example(), encoding="utf-8")
    assert load() == Settings()
    assert load().llm_endpoint().simulated


@pytest.mark.parametrize("name", sorted(generated.FILES))
def test_generated_files_are_up_to_date(name: str) -> None:
    written = (generated.ROOT / name).read_text(encoding="utf-8")
    assert written == generated.FILES[name](), f"{name} is out of date: run `make generate`"
