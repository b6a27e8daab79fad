"""What the LLM assets say of themselves, what they don't pay twice, when they stop politely, and other models beside the first."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import redis

from rap_platform.analyses import llm_queries, llm_round, queries, qwen
from rap_platform.analyses.assets import QwenConfig, compared_analyses, qwen_analyses
from rap_platform.analyses.queries import Maker
from rap_platform.resources import service_state
from rap_platform.resources.llm import LlmResource
from rap_platform.resources.mlflow import MlflowAway, MlflowResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import ConfigurationError, Settings, get_settings, load
from rap_platform_tests.analyses.endpoint import GOOD, Told, said, serving
from rap_platform_tests.analyses.test_rules import LONELY, PARTY

AddTrack = Callable[..., int]


def materialize(
    asset: dg.AssetsDefinition, *, config: QwenConfig | None = None, tracking_uri: str | None = None
) -> dict[str, Any]:
    """Run the asset, of a partitioned one the first shard; returns its metadata."""
    resources = {
        "postgres": PostgresResource(),
        "llm": LlmResource(clock_rate=100),
        "mlflow": MlflowResource(tracking_uri=tracking_uri),
    }
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [asset], resources=resources, instance=instance, partition_key="00" if asset.partitions_def else None,
            run_config=dg.RunConfig({"qwen_analyses": config}) if config else None,
        )  # fmt: skip
        (event,) = result.asset_materializations_for_node(asset.key.to_python_identifier())
        return {name: value.value for name, value in event.metadata.items()}


def count(conn: psycopg.Connection, query: str) -> Any:
    conn.rollback()
    row = conn.execute(query).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return row[0] if len(row) == 1 else row


@pytest.fixture
def library(add_track: AddTrack) -> list[int]:
    return [add_track(f"Song {number}", [f"{LONELY}\n{number}"], slot=number) for number in range(6)]


@pytest.fixture
def llm(llm_url: pytest.MonkeyPatch) -> Callable[..., None]:
    def use(url: str, **settings: object) -> None:
        for name, value in {"base_url": url, "requests_per_minute": 60_000, "concurrency": 1, **settings}.items():
            llm_url.setenv(f"RAP_LLM__{name.upper()}", str(value))
        get_settings.cache_clear()

    return use


def test_a_run_says_what_it_did_what_it_paid_and_how_long_answers_took(
    llm: Callable[..., None], library: list[int]
) -> None:
    def behave(asked: dict[str, Any], number: int) -> Told:
        if number == 0:
            return Told(status=503)
        if number == 1:
            return Told("a solid 8/10")
        return Told(f"```json\n{json.dumps(GOOD)}\n```") if number == 2 else said()

    with serving(behave) as server:
        llm(server.url, prompt_usd_per_million=1.0, completion_usd_per_million=10.0)
        made = materialize(qwen_analyses)
    told = {name: made[name] for name in (
        "rows_new", "rows_failed", "rows_pending", "requests", "cache_hits", "reasked", "retries", "calls_failed", "calls_lost", "repaired",
        "evidence_dropped", "mode", "thinking_switch", "status",
    )}  # fmt: skip
    assert told == {
        "rows_new": 6, "rows_failed": 0, "rows_pending": 0, "requests": 7, "cache_hits": 0, "reasked": 1, "retries": 1, "calls_failed": 1,
        "calls_lost": 0, "repaired": 1, "evidence_dropped": 12, "mode": "json_schema",
        "thinking_switch": "chat_template_kwargs and reasoning_effort", "status": "complete",
    }  # fmt: skip
    assert made["cost_usd"] == pytest.approx(7 * 0.002)
    assert made["cost_usd_per_1000"] == pytest.approx(1000 * 7 * 0.002 / 6)
    assert made["waited_for_the_limit_s"] >= 0
    assert made["latency"].startswith("![plot](data:image/png")


def test_an_answer_whose_row_was_never_stored_is_not_paid_again(
    llm: Callable[..., None], library: list[int], connection: psycopg.Connection
) -> None:
    with serving(said()) as server:
        llm(server.url)
        materialize(qwen_analyses)
        connection.execute("delete from analysis_results where track_id = any(%s)", [library[:4]])
        connection.commit()
        again = materialize(qwen_analyses)
        assert len(server.requests) == 6
    assert (again["rows_new"], again["requests"], again["cache_hits"]) == (4, 0, 4)
    assert count(connection, "select count(*) from analysis_results where (explanation ->> 'remembered')::boolean") == 4
    assert count(connection, "select count(*) from analysis_results where status = 'ok' and prompt_tokens = 1000") == 6


def test_a_failure_that_is_tried_again_is_asked_anew(
    llm: Callable[..., None], library: list[int], connection: psycopg.Connection
) -> None:
    del library
    with serving(*[Told("no")] * 12, said()) as server:
        llm(server.url)
        assert materialize(qwen_analyses)["outcomes"] == {"invalid_answer": 6}
        again = materialize(qwen_analyses, config=QwenConfig(retry_failed=True))
        assert len(server.requests) == 18
    assert (again["outcomes"], again["cache_hits"]) == ({"ok": 6}, 0)
    assert count(connection, "select count(*), max(attempt) from llm_calls") == (18, 2)


def test_what_was_answered_is_not_paid_again_because_failures_are_tried_again(
    llm: Callable[..., None], library: list[int], connection: psycopg.Connection
) -> None:
    with serving(*[said()] * 4, *[Told("no")] * 4, said()) as server:
        llm(server.url)
        assert materialize(qwen_analyses)["outcomes"] == {"ok": 4, "invalid_answer": 2}
        connection.execute("delete from analysis_results where track_id = any(%s)", [library[:3]])
        connection.commit()
        again = materialize(qwen_analyses, config=QwenConfig(retry_failed=True))
        assert (again["rows_new"], again["requests"], again["cache_hits"]) == (5, 2, 3)


def test_a_step_that_is_tried_again_does_not_ask_again_what_its_run_asked(
    llm: Callable[..., None], library: list[int], connection: psycopg.Connection
) -> None:
    with serving(*[Told("no")] * 12, said(), *[Told("no")] * 2, Told("no"), Told(status=401), said()) as server:
        llm(server.url)
        materialize(qwen_analyses)
        connection.rollback()
        since, asked = count(connection, "select clock_timestamp()"), []
        for _ in range(2):
            connection.rollback()
            with LlmResource(clock_rate=100).client("qwen_analyses") as client:
                maker = Maker("qwen", client.model, qwen.prompt_version(client), simulated=False)
                with connection.transaction():
                    pending = queries.pending_for_llm(connection, maker, range(1024), failed_before=since)
                    retry = llm_queries.retry(connection, maker, pending, since, "qwen_analyses")
                made = llm_round.ask_for(connection, client, maker, pending, retry=retry)
            asked.append((len(pending), dict(made.said), len(server.requests) - 12 - sum(one[2] for one in asked)))
    assert asked == [
        (6, {"ok": 1, "invalid_answer": 1}, 5),  # right; wrong twice; wrong once, then the endpoint refuses us
        (4, {"ok": 4}, 4),  # the question that was refused, and the three songs after it
    ]
    del library


class WithoutUsage(Told):
    """An answer of an endpoint that does not count tokens."""

    @property
    def body(self) -> bytes:
        answer = json.loads(super().body)
        del answer["usage"]
        return json.dumps(answer).encode()


def test_a_cost_with_an_unknown_part_is_unknown_and_lost_calls_are_named(
    llm: Callable[..., None], library: list[int], connection: psycopg.Connection
) -> None:
    del library
    with serving(Told(page="<p>hello"), said(), WithoutUsage(json.dumps(GOOD)), said()) as server:
        llm(server.url, prompt_usd_per_million=1.0, completion_usd_per_million=10.0)
        made = materialize(qwen_analyses)
    assert (made["cost_usd"], made["cost_usd_per_1000"], made["calls_unpriced"], made["calls_lost"]) == (
        "none",
        "none",
        1,
        1,
    )
    most = count(connection, "select sum(most_usd)::float8 from llm_calls where state = 'lost'")
    assert made["lost_usd_at_most"] == pytest.approx(most)
    assert most > 0


def test_an_endpoint_that_wants_a_long_rest_ends_the_run_well_and_is_left_alone_even_without_redis(
    llm: Callable[..., None], library: list[int], connection: psycopg.Connection, redis_url: str
) -> None:
    del library
    with serving(said(), said(), Told(status=429, headers={"Retry-After": "3600"}), said()) as server:
        llm(server.url)
        made = materialize(qwen_analyses)
        with redis.Redis.from_url(redis_url) as cache:
            cache.flushall()
        again = materialize(qwen_analyses)
        assert len(server.requests) == 3
        assert (made["rows_new"], made["rows_pending"], again["rows_pending"]) == (2, 4, 4)
        for run in (made, again):
            assert run["status"].startswith("stopped: llm wants to be left alone until ")
        hold = service_state.hold_of(connection, "llm")
        assert hold is not None
        assert hold.reason == "answers 429"
        connection.execute("update service_state set until = now() where service = 'llm'")
        connection.commit()
        with redis.Redis.from_url(redis_url) as cache:
            cache.flushall()
        assert materialize(qwen_analyses)["rows_pending"] == 0
    assert count(connection, "select count(*) from service_state where service = 'llm'") == 0


def test_the_prompt_is_registered_once_with_its_version(
    llm: Callable[..., None], library: list[int], tmp_path: Path
) -> None:
    del library
    mlflow = MlflowResource(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    with serving(said()) as server:
        llm(server.url)
        for _ in range(2):
            made = materialize(qwen_analyses, tracking_uri=mlflow.tracking_uri)
            assert made["prompt_registry"] == "prompts:/rap_analysis/1"
    (version,) = mlflow.client().search_prompt_versions(qwen.PROMPT_NAME)
    assert version.template == qwen.prompt_text()
    assert version.tags["prompt_version"] == made["prompt_version"]
    other = mlflow.register_prompt(qwen.PROMPT_NAME, "another text", {"prompt_version": "x"})
    assert (other.uri, other.version) == ("prompts:/rap_analysis/2", 2)
    assert mlflow.register_prompt(qwen.PROMPT_NAME, qwen.prompt_text(), {}).version == 1


def test_a_registry_that_is_away_does_not_keep_anybody_from_work(llm: Callable[..., None], library: list[int]) -> None:
    del library
    with serving(said()) as server:
        llm(server.url)
        made = materialize(qwen_analyses, tracking_uri="http://127.0.0.1:9")
    assert (made["rows_new"], made["prompt_registry"]) == (6, "the prompt registry does not answer: ConnectError")
    with pytest.raises(MlflowAway):
        MlflowResource(tracking_uri="http://127.0.0.1:9").register_prompt("x", "y", {})


def rivals(*entries: dict[str, Any]) -> str:
    return json.dumps([{"requests_per_minute": 60_000, **entry} for entry in entries])


def test_other_models_read_one_sample_each_under_its_own_name(
    llm: Callable[..., None], library: list[int], add_track: AddTrack, connection: psycopg.Connection
) -> None:
    add_track("Copy", [PARTY], slot=1000, duplicate_of=library[0], duplicate_score=1.0)
    with serving(said(quality=6)) as one, serving(said(quality=8)) as two:
        entries = rivals({"name": "gemma", "base_url": one.url, "model": "g"}, {"name": "llama", "base_url": two.url, "model": "l",
                         "prompt_usd_per_million": 1, "completion_usd_per_million": 1})  # fmt: skip
        llm("http://127.0.0.1:9/v1", compare=entries, compare_sample=4)
        made = materialize(compared_analyses)
        again = materialize(compared_analyses)
        assert (len(one.requests), len(two.requests)) == (4, 4)
    assert (made["rows_new"], again["rows_new"]) == (8, 0)
    assert made["gemma"]["cost_usd"] is None
    assert made["llama"]["cost_usd"] == pytest.approx(4 * 0.0011)
    connection.rollback()
    rows = connection.execute(
        "select analyzer, model, quality, array_agg(track_id order by track_id) from analysis_results group by 1, 2, 3 order by 1"
    ).fetchall()
    assert [row[:3] for row in rows] == [("gemma", "g", 6.0), ("llama", "l", 8.0)]
    assert rows[0][3] == rows[1][3]
    assert count(connection, "select count(*) from llm_calls where purpose = 'compared_analyses'") == 8


def test_a_model_that_is_away_does_not_keep_the_next_from_its_turn(
    llm: Callable[..., None], library: list[int]
) -> None:
    del library
    with serving(said()) as server, serving(Told(status=401)) as closed:
        entries = rivals(
            {"name": "shut", "base_url": closed.url, "model": "s"},
            {"name": "open", "base_url": server.url, "model": "o"},
        )
        llm("http://127.0.0.1:9/v1", compare=entries)
        made = materialize(compared_analyses)
    assert made["rows_new"] == 6
    assert made["shut"]["status"].startswith("stopped: ")
    assert made["open"]["status"] == "complete"


def test_a_model_without_prices_under_a_budget_does_not_keep_the_next_from_its_turn(
    llm: Callable[..., None], library: list[int]
) -> None:
    del library
    with serving(said()) as server:
        free = {"prompt_usd_per_million": 0, "completion_usd_per_million": 0}
        entries = rivals(
            {"name": "unpriced", "base_url": server.url, "model": "u"},
            {"name": "free", "base_url": server.url, "model": "f", **free},
        )
        llm("http://127.0.0.1:9/v1", compare=entries, budget_usd=5)
        made = materialize(compared_analyses)
    assert made["unpriced"]["status"] == (
        "not asked: unpriced has no prices, so the budget can't be kept: set prompt_usd_per_million and completion_usd_per_million "
        "in its entry of RAP_LLM__COMPARE; a free endpoint has price 0"
    )
    assert (made["free"]["status"], made["free"]["cost_usd"], made["rows_new"]) == ("complete", 0.0, 6)


def test_a_model_that_is_down_fails_the_step_after_all_had_their_turn(
    llm: Callable[..., None], library: list[int], connection: psycopg.Connection
) -> None:
    del library
    with serving(said()) as server, serving(Told(status=503)) as down:
        entries = rivals(
            {"name": "down", "base_url": down.url, "model": "d"}, {"name": "open", "base_url": server.url, "model": "o"}
        )
        llm("http://127.0.0.1:9/v1", compare=entries)
        with (
            pytest.raises(dg.Failure, match="6 analysed; down: 6 pending, stopped: ") as failure,
            dg.build_asset_context() as context,
        ):
            compared_analyses(context, postgres=PostgresResource(), llm=LlmResource(clock_rate=100))
    assert failure.value.allow_retries
    assert count(connection, "select count(*) from analysis_results where analyzer = 'open'") == 6


def test_with_nothing_to_compare_the_asset_says_so(settings: Settings) -> None:
    del settings
    made = materialize(compared_analyses)
    assert (made["status"], made["rows_new"]) == ("nothing to compare", 0)
    assert "RAP_LLM__COMPARE" in made["remedy"]


def test_the_worlds_second_reader_is_another_one_and_simulated(
    world: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, library: list[int], connection: psycopg.Connection
) -> None:
    del settings, library
    entry = {"name": "second", "base_url": f"{world}/llm/v1", "model": "simulated/second-reader"}
    monkeypatch.setenv("RAP_LLM__COMPARE", rivals(entry))
    get_settings.cache_clear()
    assert materialize(compared_analyses)["second"]["simulated"] is True
    assert count(connection, "select count(*) from analysis_results where analyzer = 'second' and simulated") == 6
    assert count(connection, "select bool_and(simulated) from llm_calls") is True


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        (rivals({"name": "qwen", "base_url": "http://x/v1", "model": "m"}), "qwen is taken"),
        (rivals(*[{"name": "a", "base_url": "http://x/v1", "model": "m"}] * 2), "two entries have one name"),
        (rivals({"name": "A b", "base_url": "http://x/v1", "model": "m"}), "name"),
        (rivals({"name": "a", "model": "m", "api_key": "hush"}), "base_url"),
    ],
)
def test_entries_that_cannot_be_compared_are_refused(
    monkeypatch: pytest.MonkeyPatch, entries: str, complaint: str
) -> None:
    monkeypatch.setenv("RAP_LLM__COMPARE", entries)
    with pytest.raises(ConfigurationError, match=complaint) as refused:
        load()
    assert "hush" not in str(refused.value)
