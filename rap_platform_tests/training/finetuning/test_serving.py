"""From the dataset to the evaluation: the asset against a real database, a real MLflow store and a real endpoint."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from rap_platform.resources.llm_modes import LADDER, Mode, Reply, Rung, body_of
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.settings import Settings, get_settings
from rap_platform.training import assets as training
from rap_platform.training import queries as datasets
from rap_platform.training.finetuning import adapters as store
from rap_platform.training.finetuning import asking, commands, lora, queries, serving
from rap_platform.training.finetuning import assets as finetuning
from rap_platform.training.finetuning.opinions import digest, opinions
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
        "ADAPTER_BASE_MODEL": base, "ADAPTER_RANK": 8, "ADAPTER_EPOCHS": 12, "ADAPTER_LEARNING_RATE": 0.01,
        "ADAPTER_MAX_TOKENS": 256, "BATCH_ROWS": 8, "BATCH_TOKENS": 1024,
    }  # fmt: skip
    for name, value in told.items():
        monkeypatch.setenv(f"RAP_TRAINING__{name}", str(value))
    get_settings.cache_clear()
    return held_out


def test_the_asset_trains_serves_asks_and_stores_what_was_said_and_what_was_not(
    tuned: list[Row],
    connection: psycopg.Connection,
    materialize: Materialize,
    tracking: MlflowResource,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
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

    # What came over HTTP is what the merged model says in this process to the very tokens of training, and not what the base says.
    adapter = store.find(settings.data_dir, made["adapter"])
    assert adapter is not None
    tokenizer = lora.load_tokenizer(adapter.folder)
    raw = "select raw_response from adapter_answers where track_id = %s"
    for row in tuned[1:4]:
        served = connection.execute(raw, [row.track_id]).fetchone()
        assert served == (tiny.answer_of(lora.load_model(lora.merged(adapter)), tokenizer, row),)
        assert json.loads(served[0]) == {"quality": pytest.approx(said[row.track_id].quality)}
        assert served[0] != tiny.answer_of(lora.load_model(settings.data_dir / "base"), tokenizer, row)

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


def test_a_server_ends_when_whoever_started_it_is_gone() -> None:
    command = [sys.executable, "-m", "rap_platform.training.finetuning.serving", "nowhere", "1"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert child.stdin is not None
    child.stdin.close()  # as the kernel does for a process that is killed
    assert child.wait(60) == 0


def test_the_commands_train_once_and_list_what_there_is(
    already_running: Settings, tuned: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(commands.app, arguments)
        return done.exit_code, " ".join(done.output.split())

    assert told("list") == (
        0,
        "no adapter yet: set RAP_TRAINING__ADAPTER_BASE_MODEL and run `rap-platform adapters train`",
    )
    monkeypatch.setenv("RAP_TRAINING__ADAPTER_EPOCHS", "0.2")
    get_settings.cache_clear()
    code, said = told("train")
    assert code == 0
    assert "trained on 40 tracks of " in said
    assert "trained before on 40 tracks" in told("train")[1]
    (row,) = json.loads(CliRunner().invoke(commands.app, ["list", "--json"]).output)
    assert (row["tracks"], row["asked"]) == (40, 0)
    assert row["vllm"].startswith(f"vllm serve {already_running.data_dir / 'base'} --enable-lora --max-lora-rank 8 ")
    assert told("serve", "nobody") == (2, "error: there is no adapter nobody: see `rap-platform adapters list`")
    monkeypatch.delenv("RAP_TRAINING__ADAPTER_BASE_MODEL")
    get_settings.cache_clear()
    code, said = told("train")
    assert code == 2
    assert "set RAP_TRAINING__ADAPTER_BASE_MODEL to a folder with Qwen3 weights" in said
    assert len(tuned) == 10


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
    assert asking._read(Reply(text, finish, 1, 1, 0.0, 1, Mode.JSON_SCHEMA)) == (quality, error)


def test_only_the_newest_adapter_of_the_same_dataset_counts(connection: psycopg.Connection) -> None:
    book = songs.insert(connection, 4, artists=2)
    held_out = book.track_ids[0]
    for version in ("v1", "v2"):
        connection.execute("insert into dataset_versions values (%s, %s, 1, 1, 1, true, '{}')", [version, version * 32])
        connection.execute("insert into dataset_members values (%s, %s, 'eval', 5, 'g', 'x')", [version, held_out])

    def remember(name: str) -> None:
        told = {
            "key": name * 64,
            "name": name,
            "dataset": {"version": "v1"},
            "base": {"sha256": "0" * 64},
            "params": {},
        }
        queries.remember(connection, store.Adapter(Path(name), told))
        connection.commit()

    def said() -> float | None:
        found = opinions(connection, "v1")
        return None if found is None else found[held_out].quality

    assert said() is None
    digests = [digest(connection, "v1")]
    for name, quality in (("a", 6.0), ("b", 7.0)):
        remember(name)
        queries.store(connection, name * 64, held_out, asking.Answer(quality, None, None, cut=False))
        assert said() == quality
        digests.append(digest(connection, "v1"))
    remember("a")  # settings were put back
    assert said() == 6
    remember("c")  # trained, not asked yet
    assert said() == 6
    assert opinions(connection, "v2") is None
    assert len({*digests}) == 3
    assert digest(connection, "v1") == digests[1]


@pytest.mark.parametrize("rung", LADDER, ids=str)
def test_a_model_that_was_taught_its_form_is_told_nothing_of_a_schema(rung: Rung) -> None:
    body = body_of(rung, {"model": "m"}, "be strict", ["a song"], None, "quality")
    assert body["messages"] == [{"role": "system", "content": "be strict"}, {"role": "user", "content": "a song"}]
    assert "response_format" not in body
