"""The stage in the real database: what is new is analysed once, failures are rows, what was not answered stays pending."""

import json
from collections.abc import Callable
from typing import Any

import dagster as dg
import psycopg
import pytest

from rap_platform.analyses import checks
from rap_platform.analyses.assets import (
    QwenConfig,
    analyst_calibrations,
    analyzer_agreement,
    compared_analyses,
    qwen_analyses,
    rule_based_analyses,
)
from rap_platform.analyses.calibration import labelled_verses
from rap_platform.embeddings.assets import lyrics_embeddings
from rap_platform.features.assets import lyric_features
from rap_platform.resources.embedder import EmbedderResource
from rap_platform.resources.llm import LlmResource
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import Settings, get_settings
from rap_platform_tests.analyses.endpoint import GOOD, Told, said, serving
from rap_platform_tests.analyses.test_rules import LONELY, PARTY

AddTrack = Callable[..., int]


def materialize(*assets: Any, config: QwenConfig | None = None, partition: str | None = "00") -> dict[str, Any]:
    """Run the assets over one shard; returns the metadata of the last."""
    resources = {
        "postgres": PostgresResource(), "embedder": EmbedderResource(), "llm": LlmResource(clock_rate=100),
        "mlflow": MlflowResource(),
    }  # fmt: skip
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            assets, resources=resources, instance=instance, partition_key=partition,
            run_config=dg.RunConfig({"qwen_analyses": config}) if config else None,
        )  # fmt: skip
        (event,) = result.asset_materializations_for_node(assets[-1].key.to_python_identifier())
        return {name: value.value for name, value in event.metadata.items()}


def rows(conn: psycopg.Connection, columns: str, analyzer: str) -> list[tuple[Any, ...]]:
    conn.rollback()
    return conn.execute(
        f"select {columns} from analysis_results where analyzer = %s order by track_id", [analyzer]
    ).fetchall()


def sections(lyrics: str) -> list[str]:
    return lyrics.split("\n\n")


@pytest.fixture
def library(add_track: AddTrack) -> dict[str, int]:
    return {
        "lonely": add_track("Lonely", sections(LONELY), slot=1),
        "party": add_track("Party", sections(PARTY), slot=2, simulated=True, artist="Someone Else"),
        "short": add_track("Short", ["only two lines\nare here"], slot=3),
        "elsewhere": add_track("Elsewhere", sections(PARTY), slot=1000),
    }


@pytest.fixture
def llm(llm_url: pytest.MonkeyPatch) -> Callable[..., None]:
    def use(url: str, **settings: object) -> None:
        llm_url.setenv("RAP_LLM__BASE_URL", url)
        llm_url.setenv("RAP_LLM__REQUESTS_PER_MINUTE", "60000")
        for name, value in settings.items():
            llm_url.setenv(f"RAP_LLM__{name.upper()}", str(value))
        get_settings.cache_clear()

    return use


def test_rules_analyse_a_shard_once(
    embedder_settings: Settings, library: dict[str, int], connection: psycopg.Connection
) -> None:
    del embedder_settings
    first = materialize(lyric_features, lyrics_embeddings, rule_based_analyses)
    assert (first["rows_new"], first["rows_failed"]) == (3, 1)
    found = rows(connection, "track_id, status, primary_mood, error, simulated", "rule_based")
    assert [(track_id, status, simulated) for track_id, status, _, _, simulated in found] == [
        (library["lonely"], "ok", False),
        (library["party"], "ok", True),
        (library["short"], "failed", False),
    ]
    assert found[1][2] == "energetic"
    assert found[2][3] == "too_short: 2 bars; figures need 8"
    assert materialize(rule_based_analyses)["rows_new"] == 0
    for check in (checks._in_range, checks._sound):
        assert check(PostgresResource(), "rule_based").passed
    assert checks._honest(PostgresResource(), "rule_based", needs_response=False).passed


def test_rules_wait_for_features_and_vectors(embedder_settings: Settings, library: dict[str, int]) -> None:
    del embedder_settings, library
    assert materialize(lyric_features, rule_based_analyses)["rows_new"] == 0


def test_qwen_analyses_a_shard_once_and_an_edited_song_again(
    llm: Callable[..., None], library: dict[str, int], connection: psycopg.Connection
) -> None:
    with serving(said()) as server:
        llm(server.url)
        assert materialize(qwen_analyses)["rows_new"] == 3
        assert materialize(qwen_analyses)["rows_new"] == 0
        connection.execute(
            "update tracks set lyrics = lyrics || ' again', lyrics_sha256 = repeat('a', 64) where track_id = %s",
            [library["lonely"]],
        )
        connection.commit()
        again = materialize(qwen_analyses)
        assert again["rows_new"] == 1
        assert len(server.requests) == 4
    found = rows(connection, "track_id, status, quality, model, simulated, prompt_tokens", "qwen")
    assert len(found) == 4
    assert found[-2][0] == library["party"]
    assert found[-2][4] is True  # a simulated song read by a real model
    assert found[-1][1:] == ("ok", 6.0, "qwen/qwen3-4b-fp8", False, 1000)
    assert again["mode"] == "json_schema"


def test_near_duplicates_are_not_paid_for_twice(
    llm: Callable[..., None], library: dict[str, int], connection: psycopg.Connection
) -> None:
    query = "update tracks set duplicate_of = %s, duplicate_score = 1 where track_id = %s"
    connection.execute(query, [library["lonely"], library["party"]])
    connection.commit()
    with serving(said()) as server:
        llm(server.url)
        assert materialize(qwen_analyses)["rows_new"] == 2


def test_failures_are_stored_once_and_asked_again_only_on_demand(
    llm: Callable[..., None], library: dict[str, int], connection: psycopg.Connection
) -> None:
    broken = True

    def behave(asked: dict[str, Any], number: int) -> Told:
        del number
        return Told("a solid 8/10") if broken and "Nobody rings" in json.dumps(asked) else said()

    with serving(behave) as server:
        llm(server.url)
        made = materialize(qwen_analyses)
        assert (made["rows_new"], made["rows_failed"], made["rows_pending"]) == (3, 1, 0)
        (failed,) = [
            row
            for row in rows(connection, "status, error, raw_response, quality, track_id", "qwen")
            if row[0] == "failed"
        ]
        assert failed[1].startswith("invalid_answer: ")
        assert failed[2:] == ("a solid 8/10", None, library["lonely"])
        broken = False
        assert materialize(qwen_analyses)["rows_new"] == 0
        assert materialize(qwen_analyses, config=QwenConfig(retry_failed=True))["rows_new"] == 1
    assert {status for (status,) in rows(connection, "status", "qwen")} == {"ok"}
    assert checks._honest(PostgresResource(), "qwen", needs_response=True).passed


def test_an_endpoint_that_is_down_fails_the_step_and_leaves_rows_pending(
    llm: Callable[..., None], library: dict[str, int], connection: psycopg.Connection
) -> None:
    del library
    with serving(said()) as server:
        url = server.url
    llm(url)
    with pytest.raises(dg.Failure, match="3 pending") as failure:
        materialize_without_retries(qwen_analyses)
    assert failure.value.allow_retries
    assert rows(connection, "status", "qwen") == []


def materialize_without_retries(asset: Any) -> None:
    """Call the asset as a function: what it raises is seen as it is."""
    resources = {"postgres": PostgresResource(), "llm": LlmResource(clock_rate=100), "mlflow": MlflowResource()}
    with dg.build_asset_context(partition_key="00") as context:
        asset(context, QwenConfig(), **resources)


def test_a_wrong_key_fails_the_step_for_good(llm: Callable[..., None], library: dict[str, int]) -> None:
    del library
    with serving(Told(status=401, error="bad key")) as server:
        llm(server.url)
        with pytest.raises(dg.Failure, match="RAP_LLM__API_KEY") as failure:
            materialize_without_retries(qwen_analyses)
    assert not failure.value.allow_retries


def test_a_spent_budget_is_a_clear_state_and_no_failure(
    llm: Callable[..., None], library: dict[str, int], connection: psycopg.Connection
) -> None:
    del library
    with serving(said()) as server:
        llm(server.url, budget_usd=0.001, prompt_usd_per_million=1, completion_usd_per_million=1, concurrency=1)
        made = materialize(qwen_analyses)
    assert "0.0011 of 0.0010 USD spent" in made["status"]
    assert (made["rows_new"], made["rows_pending"], len(server.requests)) == (1, 2, 1)
    assert float(rows(connection, "cost_usd", "qwen")[0][0]) == pytest.approx(0.0011)


def test_without_an_llm_the_asset_says_what_to_set(llm_url: pytest.MonkeyPatch, library: dict[str, int]) -> None:
    del llm_url, library
    made = materialize(qwen_analyses)
    assert made["status"] == "not configured"
    assert "RAP_LLM__API_KEY" in made["remedy"]


def test_no_more_requests_at_once_than_allowed(llm: Callable[..., None], add_track: AddTrack) -> None:
    for number in range(12):
        add_track(f"Song {number}", [f"{LONELY} {number}"])
    with serving(said()) as server:
        llm(server.url, concurrency=3)
        assert materialize(qwen_analyses)["rows_new"] == 12
        assert server.most_at_once <= 3


def test_agreement_is_measured_per_population_and_only_after_changes(
    embedder_settings: Settings, llm: Callable[..., None], add_track: AddTrack, connection: psycopg.Connection
) -> None:
    del embedder_settings
    for number in range(12):
        text = (PARTY if number % 3 else LONELY) + f"\nverse number {number} is the last of all"
        add_track(f"Song {number}", sections(text), simulated=number >= 11)

    def behave(asked: dict[str, Any], number: int) -> Told:
        party = "Put your hands up" in asked["messages"][1]["content"]
        mood = "energetic" if party else "lonely"
        return said(
            quality=1 + number % 9, primary_mood=mood, moods=[mood], sentiment="positive" if party else "negative"
        )

    with serving(behave) as server:
        llm(server.url)
        materialize(lyric_features, lyrics_embeddings, rule_based_analyses, qwen_analyses)
    assert checks._reported(PostgresResource()).description == "24 analyses and no report of their agreement"
    first = materialize(analyzer_agreement, partition=None)
    assert first["status"] == "measured"
    assert checks._reported(PostgresResource()).metadata["populations"].value == {"real": 1, "simulated": 1}
    assert {"plot_real_scores_1", "plot_real_confusion_1", "plot_real_latency"} <= set(first)
    assert materialize(analyzer_agreement, partition=None)["status"] == "unchanged"
    connection.rollback()
    query = "select body, markdown, simulated from reports where kind = 'analyzer_agreement' order by simulated"
    (real, text, simulated), (other, *_) = connection.execute(query).fetchall()
    assert simulated is False
    assert (real["population"], real["tracks"], other["population"], other["tracks"]) == ("real", 11, "simulated", 1)
    (pair,) = real["pairs"]
    assert pair["pairs"] == 11
    assert pair["kappa_sentiment"]["value"] == 1.0
    assert [one["coverage"] for one in real["analyzers"]] == [1.0, 1.0]
    assert "**qwen qwen/qwen3-4b-fp8 against rule_based rules**, 11 tracks" in text
    connection.execute("delete from tracks where title = 'Song 3'")
    connection.commit()
    assert materialize(analyzer_agreement, partition=None)["status"] == "measured"
    copy = "update tracks set duplicate_of = (select track_id from tracks where title = 'Song 4'), duplicate_score = 1 where title = 'Song 5'"
    connection.execute(copy)
    connection.commit()
    assert materialize(analyzer_agreement, partition=None)["status"] == "measured"
    newest = (
        "select body from reports where kind = 'analyzer_agreement' and not simulated order by created_at desc limit 1"
    )
    ((body,),) = connection.execute(newest).fetchall()
    assert body["tracks"] == 9
    assert [one["coverage"] for one in body["analyzers"]] == [1.0, 1.0], "a near-duplicate counts on neither side"


def test_the_llm_reads_the_labelled_verses_once_and_its_rows_get_a_confidence(
    llm: Callable[..., None], library: dict[str, int], connection: psycopg.Connection
) -> None:
    del library

    def behave(asked: dict[str, Any], number: int) -> Told:
        del number
        verse = next((v for v in labelled_verses() if v.lyrics in asked["messages"][1]["content"]), None)
        is_right = verse is not None and verse.number <= 3
        mood = verse.mood if verse is not None and is_right else "calm"
        return said(primary_mood=mood, moods=[mood], confidence=0.9 if is_right or verse is None else 0.4)

    with serving(behave) as server:
        llm(server.url)
        materialize(qwen_analyses)
        assert rows(connection, "raw_confidence, confidence", "qwen") == [(pytest.approx(0.9), None)] * 3
        made = materialize(analyst_calibrations, partition=None)
        assert (made["status"], made["verses_asked"], made["rows_new"]) == ("complete", 120, 2)
        assert len(server.requests) == 123
        again = materialize(analyst_calibrations, partition=None)
        assert (again["verses_asked"], again["rows_new"], len(server.requests)) == (0, 0, 123)
    (first, *_) = rows(connection, "confidence", "qwen")[0]
    assert 0.85 < first < 1
    (earned,) = connection.execute(
        "select right_answers, answered from calibrations where analyzer = 'qwen'"
    ).fetchall()
    assert earned == (63, 120)  # three verses of each mood, and those of calm that are called calm
    found = checks._earned(PostgresResource())
    assert (found.passed, found.metadata["analysts"].value) == (True, 2)


def test_a_new_row_of_a_calibrated_analyst_has_its_confidence_at_once(
    llm: Callable[..., None], library: dict[str, int], connection: psycopg.Connection
) -> None:
    del library
    with serving(said(confidence=0.9)) as server:
        llm(server.url)
        materialize(qwen_analyses)
        materialize(analyst_calibrations, partition=None)
        materialize(qwen_analyses, partition="15")
    found = rows(connection, "confidence", "qwen")
    assert len(found) == 4
    assert len(set(found)) == 1
    assert 0 < found[0][0] < 0.2, "one mood in twenty is right, whatever it says of itself"


def test_another_model_reads_the_verses_for_itself(
    llm: Callable[..., None], llm_url: pytest.MonkeyPatch, library: dict[str, int], connection: psycopg.Connection
) -> None:
    del library
    with serving(said()) as server, serving(said(primary_mood="calm", moods=["calm"])) as other:
        rival = {"name": "rival", "base_url": other.url, "model": "another", "requests_per_minute": 60000}
        llm_url.setenv("RAP_LLM__COMPARE", json.dumps([rival]))
        llm(server.url)
        materialize(qwen_analyses)
        materialize(compared_analyses, partition=None)
        assert materialize(analyst_calibrations, partition=None)["verses_asked"] == 240
    found = connection.execute("select analyzer, model, right_answers from calibrations order by analyzer").fetchall()
    assert [one[:2] for one in found] == [
        ("qwen", "qwen/qwen3-4b-fp8"),
        ("rival", "another"),
        ("rule_based", "rules"),
    ]
    assert found[1][2] == 6, "the six calm verses"
    assert None not in {confidence for (confidence,) in rows(connection, "confidence", "rival")}


def test_the_verses_are_not_read_before_there_is_a_song_to_say_something_of(llm: Callable[..., None]) -> None:
    with serving(said()) as server:
        llm(server.url)
        assert materialize(analyst_calibrations, partition=None)["verses_asked"] == 0
        assert server.requests == []


def test_an_analyst_without_a_confidence_is_noticed(llm: Callable[..., None], library: dict[str, int]) -> None:
    del library
    with serving(said()) as server:
        llm(server.url)
        materialize(qwen_analyses)
    found = checks._earned(PostgresResource())
    assert not found.passed
    assert found.description == "qwen qwen/qwen3-4b-fp8: 3 analyses without a confidence"


def test_a_constant_or_failing_analyst_is_noticed(llm: Callable[..., None], add_track: AddTrack) -> None:
    for number in range(25):
        add_track(f"Song {number}", [f"{LONELY} {number}"])

    def behave(asked: dict[str, Any], number: int) -> Told:
        del number
        return Told("no") if "shake 7" in json.dumps(asked) else said(GOOD)

    with serving(behave) as server:
        llm(server.url)
        materialize(qwen_analyses)
    found = checks._sound(PostgresResource(), "qwen")
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN
    assert "quality is all but constant" in (found.description or "")
    assert "rows say the very same" in (found.description or "")


def test_the_simulated_llm_reads_a_real_song_and_the_row_says_simulated(
    world: str, settings: Settings, library: dict[str, int], connection: psycopg.Connection
) -> None:
    assert settings.world_root == world
    made = materialize(qwen_analyses)
    assert (made["rows_new"], made["rows_pending"], made["simulated"]) == (3, 0, True)
    found = rows(connection, "track_id, simulated", "qwen")
    assert found[0] == (library["lonely"], True)


def test_the_simulated_llm_earns_its_confidence_on_verses_that_it_does_not_know(
    world: str, settings: Settings, library: dict[str, int], connection: psycopg.Connection
) -> None:
    assert settings.world_root == world
    assert library
    materialize(qwen_analyses)
    made = materialize(analyst_calibrations, partition=None)
    assert (made["status"], made["verses_asked"]) == ("complete", 120)
    connection.rollback()
    query = "select answered, right_answers::float8 / answered, simulated from calibrations where analyzer = 'qwen'"
    ((answered, accuracy, simulated),) = connection.execute(query).fetchall()
    assert answered >= 100, "a few of the world's answers are no answers"
    assert 0.02 < accuracy < 0.5, "it reads by rules of thumb"
    assert simulated is True
    for raw, confidence in rows(connection, "raw_confidence, confidence", "qwen"):
        assert confidence == pytest.approx(accuracy, abs=0.1) != raw
