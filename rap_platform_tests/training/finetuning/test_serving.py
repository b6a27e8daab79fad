"""From the dataset to the evaluation: the asset against a real database, a real MLflow store and a real endpoint."""

import json
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rap_platform.analyses.asking import Outcome
from rap_platform.resources.llm_ledger import NullLedger
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.settings import Settings, get_settings
from rap_platform.training import assets as training
from rap_platform.training import queries as datasets
from rap_platform.training.finetuning import adapters as store
from rap_platform.training.finetuning import asking, lora, serving
from rap_platform.training.finetuning import assets as finetuning
from rap_platform.training.finetuning.opinions import opinions
from rap_platform.training.finetuning.rows import Row
from rap_platform_tests.training import songs
from rap_platform_tests.training.finetuning import tiny
from rap_platform_tests.training.finetuning.conftest import Trained
from rap_platform_tests.training.tracking import Materialize, figures


def export(conn: psycopg.Connection, settings: Settings, version: str) -> list[Row]:
    """The chat rows of a dataset version; one held-out song is a single line that no cut makes short enough."""
    written: dict[str, list[Row]] = {"train": [], "eval": []}
    for member in datasets.members(conn, version):
        lyrics = f"the crown of song {member.track_id}\nthe rain of night"
        if member.split == "eval" and not written["eval"]:
            lyrics = "one line without an end " * 200
        answer = json.dumps({"quality": round(member.label, 1)})
        written[member.split].append(Row(member.track_id, tiny.SYSTEM, f"<lyrics>\n{lyrics}\n</lyrics>", answer))
    folder = settings.data_dir / "datasets" / version
    for split, rows in written.items():
        tiny.write(folder / f"{split}.jsonl", rows)
    return written["eval"]


@pytest.fixture
def tuned(
    monkeypatch: pytest.MonkeyPatch, connection: psycopg.Connection, settings: Settings, materialize: Materialize
) -> list[Row]:
    """A dataset of 50 songs and settings that train a tiny model on it; gives the held-out rows."""
    songs.insert(connection, 50, artists=25)
    version = figures(materialize(training.training_dataset), "training_dataset")["version"]
    held_out = export(connection, settings, version)
    base = tiny.qwen3(settings.data_dir / "base", [row.user for row in held_out[1:]])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # of the servers
    told = {
        "ADAPTER_BASE_MODEL": base, "ADAPTER_RANK": 8, "ADAPTER_EPOCHS": 8, "ADAPTER_LEARNING_RATE": 0.01,
        "ADAPTER_MAX_TOKENS": 256, "BATCH_ROWS": 8, "BATCH_TOKENS": 1024,
    }  # fmt: skip
    for name, value in told.items():
        monkeypatch.setenv(f"RAP_TRAINING__{name}", str(value))
    get_settings.cache_clear()
    return held_out


def answer_of_the_base(settings: Settings, row: Row, tmp_path: Path) -> asking.Answer:
    """What the base says over HTTP, asked as its adapter is."""
    base = Path(settings.training.adapter_base_model or "")
    outcome: Outcome[Row] = Outcome()
    with serving.serving(base, tmp_path / "server.log") as base_url:
        client = asking.client_of(settings, base_url, None, base.name, simulated=False, ledger=NullLedger())
        with client:
            ((_, said),) = asking.ask_about(client, [row], lora.load_tokenizer(base), 256, outcome)
    return said


def test_the_asset_trains_serves_asks_and_stores_what_was_said_and_what_was_not(
    tuned: list[Row],
    connection: psycopg.Connection,
    materialize: Materialize,
    tracking: MlflowResource,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    made = figures(materialize(finetuning.adapters), "adapters")
    assert (made["status"], made["asked"], made["answered"]) == ("new adapter", 10, 9)
    assert made["failures"] == {"too_long": 1}
    assert made["loss_last"] < 0.5 * made["loss_first"]
    said = opinions(connection, made["dataset"])
    assert said is not None
    assert set(said) == {row.track_id for row in tuned}
    assert said[tuned[0].track_id].quality is None
    assert str(said[tuned[0].track_id].failure).startswith("too_long: track ")
    assert all(1 <= (said[row.track_id].quality or 0) <= 10 for row in tuned[1:])
    labels = dict(connection.execute("select track_id, label from dataset_members").fetchall())
    errors = [abs((said[row.track_id].quality or 0) - labels[row.track_id]) for row in tuned[1:]]
    assert made["mae"] == pytest.approx(sum(errors) / len(errors), abs=1e-5)
    assert connection.execute(
        "select count(*) from llm_calls where purpose = 'qwen_lora' and state = 'answered' and simulated"
    ).fetchone() == (9,)

    plain = answer_of_the_base(get_settings(), tuned[1], tmp_path)
    stored = connection.execute(
        "select raw_response from adapter_answers where track_id = %s", [tuned[1].track_id]
    ).fetchone()
    assert stored is not None
    assert json.loads(stored[0]) == {"quality": pytest.approx(said[tuned[1].track_id].quality)}
    assert plain.raw != stored[0]
    assert (plain.quality, str(plain.error).partition(":")[0]) in ((None, "invalid_answer"), (None, "cut_off"))

    client = tracking.client()
    experiment = client.get_experiment_by_name("qwen_lora")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.tags["dagster.asset_key"] == "adapters"
    assert run.data.tags["adapter"] == made["adapter"]
    assert {entry.dataset.name for entry in run.inputs.dataset_inputs} == {made["dataset"]}
    assert run.data.metrics["mae"] == pytest.approx(made["mae"])
    assert len(client.get_metric_history(run.info.run_id, "loss")) == made["steps"]
    assert {file.path for folder in ("plots", "adapter") for file in client.list_artifacts(run.info.run_id, folder)} == {
        "plots/loss.png", "adapter/adapter_config.json", "adapter/adapter_model.safetensors", "adapter/manifest.json",
    }  # fmt: skip

    # Nothing is trained, served or asked again: with a server that can't start, a second run is none the wiser.
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    again = figures(materialize(finetuning.adapters), "adapters")
    assert (again["status"], again["rows_new"], again["adapter"]) == ("unchanged", 0, made["adapter"])
    assert len(client.search_runs([experiment.experiment_id])) == 1


def test_an_adapter_that_no_endpoint_serves_is_kept_and_the_command_is_named(
    tuned: list[Row],
    connection: psycopg.Connection,
    materialize: Materialize,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAP_TRAINING__ADAPTER_EPOCHS", "0.2")
    monkeypatch.setenv("RAP_TRAINING__ADAPTER_BASE_URL", "http://127.0.0.1:9/v1")
    get_settings.cache_clear()
    made = figures(materialize(finetuning.adapters), "adapters")
    assert (made["status"], made["rows_new"]) == ("trained, not served", 0)
    assert "http://127.0.0.1:9/v1 does not list its models (ConnectError)" in made["remedy"]
    assert f'--lora-modules {{"name": "{made["adapter"]}"' in made["remedy"]
    assert len(tuned) == 10
    assert connection.execute("select count(*) from adapter_answers").fetchone() == (0,)
    (version,) = connection.execute("select version from dataset_versions").fetchall()
    assert opinions(connection, version[0]) is None


def test_a_model_that_can_not_be_served_is_said_to_be_so(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(serving.NotServed, match=r"holds no model: there is no config\.json"):
        serving.serving(tmp_path, tmp_path / "log").__enter__()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(serving.NotServed, match="ended with 1: without a word; see "):
        serving.serving(trained.base, tmp_path / "log").__enter__()


@pytest.mark.parametrize(
    ("text", "finish", "quality", "error"),
    [
        ('<think>\n\n</think>\n\n{"quality": 6.4}', "stop", 6.4, None),
        ('{"quality": 11}', "stop", None, "invalid_answer: Input should be less than or equal to 10"),
        ('{"quality": "6"}', "stop", None, "invalid_answer: Input should be a valid number"),
        ('{"quality": 6} or 7', "stop", None, "invalid_answer: Invalid JSON: trailing characters at line 1 column 16"),
        ('{"quality": 6', "length", None, "cut_off: the answer was longer than the limit and broke off"),
        (None, "stop", None, "no_answer: the answer is empty (finish reason stop)"),
    ],
)
def test_an_answer_is_read_strictly(text: Any, finish: str, quality: Any, error: Any) -> None:
    from rap_platform.resources.llm_modes import Mode, Reply

    assert asking._read(Reply(text, finish, 1, 1, 0.0, 1, Mode.JSON_SCHEMA)) == (quality, error)


def test_the_answers_of_an_adapter_of_another_dataset_do_not_count(connection: psycopg.Connection) -> None:
    book = songs.insert(connection, 4, artists=2)
    for version, adapter in (("v1", "a" * 64), ("v2", "b" * 64)):
        connection.execute("insert into dataset_versions values (%s, %s, 1, 1, 1, true, '{}')", [version, adapter])
        connection.execute(
            "insert into dataset_members values (%s, %s, 'eval', 5, 'g', 'x')", [version, book.track_ids[0]]
        )
        connection.execute("insert into adapters values (%s, %s, %s, %s, '{}')", [adapter, version, version, adapter])
    connection.execute(
        "insert into adapter_answers (adapter, track_id, quality, lyrics_cut) values (%s, %s, 6, false)",
        ["a" * 64, book.track_ids[0]],
    )
    assert opinions(connection, "v2") is None
    found = opinions(connection, "v1")
    assert found is not None
    assert found[book.track_ids[0]].quality == 6
    assert store.PREDICTOR == "qwen_lora"
