"""LoRA of a tiny Qwen3: what is learned, what is kept, what is cut, and that a killed training goes on."""

import ast
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rap_platform.training.finetuning import adapters, bases, lora, packages
from rap_platform.training.finetuning import rows as chat
from rap_platform_tests.training.finetuning import tiny
from rap_platform_tests.training.finetuning.conftest import Trained


def test_the_loss_falls_and_the_model_answers_in_the_form_it_was_taught(trained: Trained) -> None:
    losses = [loss for _, loss in trained.adapter.losses]
    assert [step for step, _ in trained.adapter.losses] == list(range(1, 41))
    assert np.mean(losses[-5:]) < 0.5 * losses[0]
    tokenizer = lora.load_tokenizer(trained.adapter.folder)
    base = tiny.answer_of(lora.load_model(trained.base), tokenizer, trained.rows[0])
    taught = tiny.answer_of(lora.load_model(lora.merged(trained.adapter)), tokenizer, trained.rows[0])
    assert json.loads(taught).keys() == {"quality"}
    assert taught != base


def test_only_the_answer_carries_loss_and_thinking_is_off(trained: Trained) -> None:
    tokenizer = lora.load_tokenizer(trained.base)
    (row,) = chat.tokens(trained.rows[:1], tokenizer, 256).rows
    learned = [token for token in row["labels"] if token != chat.IGNORED]
    assert tokenizer.decode(learned) == f"{trained.rows[0].answer}<|im_end|>\n"
    assert tokenizer.decode(row["input_ids"]).endswith(
        f"<|im_start|>assistant\n<think>\n\n</think>\n\n{trained.rows[0].answer}<|im_end|>\n"
    )


def test_the_merged_model_is_base_and_adapter(trained: Trained) -> None:
    import torch
    from peft import PeftModel

    ids = torch.tensor([chat.prompt_ids(trained.rows[1], lora.load_tokenizer(trained.base))])
    with torch.no_grad():
        plain = lora.load_model(trained.base).eval()(ids).logits
        on_top = PeftModel.from_pretrained(lora.load_model(trained.base), trained.adapter.folder).eval()(ids).logits
        in_one = lora.load_model(lora.merged(trained.adapter)).eval()(ids).logits
    assert torch.allclose(in_one, on_top, atol=1e-4)
    assert not torch.allclose(in_one, plain, atol=0.1)


def test_the_same_recipe_is_not_trained_twice_and_any_change_is_another(trained: Trained) -> None:
    before = (trained.adapter.folder / adapters.MANIFEST).stat().st_mtime_ns
    again = lora.train(trained.recipe, trained.base, trained.rows, trained.data_dir, checkpoint_steps=10)
    assert again == trained.adapter
    assert (again.folder / adapters.MANIFEST).stat().st_mtime_ns == before
    assert [one.name for one in adapters.known(trained.data_dir)][-1:] == [trained.adapter.name]
    other = tiny.write(trained.data_dir / "other.jsonl", trained.rows[:-1])
    names = {
        trained.recipe.name,
        tiny.recipe(trained.base, trained.data_dir, other).name,
        tiny.recipe(trained.base, trained.data_dir, trained.train, rank=4).name,
        tiny.recipe(trained.base, trained.data_dir, trained.train, dataclasses.replace(tiny.SCHEDULE, seed=2)).name,
    }
    assert len(names) == 4
    assert not list(adapters.home(trained.data_dir).glob(".*.work"))


def test_a_killed_training_goes_on_and_comes_to_the_same_adapter(trained: Trained, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    code = f"""
import warnings; warnings.simplefilter("ignore")
from pathlib import Path
from rap_platform.training.finetuning import lora, rows
from rap_platform_tests.training.finetuning import tiny
base, train, data_dir = Path({str(trained.base)!r}), Path({str(trained.train)!r}), Path({str(tmp_path)!r})
lora.train(tiny.recipe(base, data_dir, train), base, rows.read(train), data_dir, checkpoint_steps=10)
"""
    home = adapters.home(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    while not list(home.glob(".*.work/checkpoint-20/trainer_state.json")) and time.monotonic() < deadline:
        assert child.poll() is None, "the training ended before it could be killed"
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not adapters.known(tmp_path)
    (half,) = home.glob(".*.work")
    (half / "checkpoint-30").mkdir(exist_ok=True)  # as a kill in the middle of writing leaves it
    (half / "checkpoint-30" / "trainer_state.json").write_text("{")
    made = lora.train(
        tiny.recipe(trained.base, tmp_path, trained.train), trained.base, trained.rows, tmp_path, checkpoint_steps=10
    )
    assert made.manifest["resumed_at"] == 20
    assert made.name == trained.adapter.name
    assert np.array(made.losses) == pytest.approx(np.array(trained.adapter.losses), abs=1e-4)
    theirs, ours = (load_file(one.folder / adapters.WEIGHTS) for one in (trained.adapter, made))
    assert all(np.allclose(theirs[name], ours[name], atol=1e-5) for name in theirs)


def test_long_lyrics_lose_their_middle_with_a_notice_and_are_counted(trained: Trained) -> None:
    tokenizer = lora.load_tokenizer(trained.base)
    lines = [f"line {number} of the song" for number in range(200)]
    long = chat.Row(7, tiny.SYSTEM, "\n".join(["<lyrics>", *lines, "</lyrics>"]), '{"quality": 7.5}')
    one_line = chat.Row(8, tiny.SYSTEM, "<lyrics>\n" + "no end of this line " * 300 + "\n</lyrics>", '{"quality": 3.5}')
    made = chat.tokens([trained.rows[0], long, one_line], tokenizer, 256)
    assert (len(made.rows), made.cut, made.left_out) == (2, (7,), (8,))
    assert 200 <= made.longest <= 256
    shown = chat.fitted(long, tokenizer, 256).user.split("\n")
    assert (shown[0], shown[1], shown[-2], shown[-1]) == ("<lyrics>", lines[0], lines[-1], "</lyrics>")
    (notice,) = [line for line in shown if line.startswith("[")]
    assert notice == f"[{202 - (len(shown) - 1)} lines left out here]"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"messages": [], "track_id": 1}', "train.jsonl, line 1: 'prompt'"),
        ('{"prompt": [{"role": "user", "content": "x"}], "completion": [], "track_id": 1}', "no turn of the system"),
        ("{", "train.jsonl, line 1: "),
    ],
)
def test_rows_in_another_form_are_refused_by_file_and_line(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(chat.BadRows, match="materialize training_dataset again") as refused:
        chat.read(path)
    assert told in str(refused.value)


def test_a_folder_without_weights_of_qwen3_is_refused_with_what_it_lacks(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(packages.BadBase, match="is no folder: set RAP_TRAINING__ADAPTER_BASE_MODEL"):
        bases.base_folder(adapters.SETTING, str(tmp_path / "nowhere"), adapters.KINDS)
    with pytest.raises(packages.BadBase, match=r"lacks config\.json and \*\.safetensors and tokenizer\*"):
        bases.base_folder(adapters.SETTING, str(tmp_path), adapters.KINDS)
    with pytest.raises(packages.BadBase, match="holds a qwen3 model"):
        bases.base_folder("RAP_TRAINING__STYLE_BASE_MODEL", str(trained.base), ["t5"])
    tokenizer = lora.load_tokenizer(trained.base)
    tokenizer.chat_template = tiny.TEMPLATE.replace("if message.role == 'assistant'", "if false")
    with pytest.raises(packages.BadBase, match="enable_thinking=False"):
        chat.tokens(trained.rows[:1], tokenizer, 256)


def test_weights_that_changed_since_are_not_merged(trained: Trained, tmp_path: Path) -> None:
    base = tiny.qwen3(tmp_path / "base", [row.user for row in trained.rows], seed=5)
    told = {**trained.adapter.manifest, "base": {**trained.adapter.manifest["base"], "folder": str(base)}}
    moved = dataclasses.replace(trained.adapter, manifest=told, folder=tmp_path / "adapter")
    with pytest.raises(packages.BadBase, match="does not hold the weights any more"):
        lora.merged(moved)


def test_only_fine_tuning_needs_the_extra_and_without_it_says_what_to_install() -> None:
    package = Path(packages.__file__).parents[2]
    needing = set()
    for path in package.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {node: names_of(node) & {*packages.PACKAGES} for node in ast.walk(tree)}
        if any(named.values()):
            needing.add(str(path.relative_to(package).parent))
            assert not any(named[node] for node in tree.body), f"{path} can't be imported without the extra"
    assert needing == {"training/finetuning", "training/finetuning/style"}
    code = """
import sys
for name in ("trl", "peft", "datasets", "accelerate"):
    sys.modules[name] = None
from rap_platform.training.finetuning import packages
try:
    packages.require()
except packages.PackagesMissing as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == (
        "fine-tuning needs packages that are not installed (accelerate, datasets, peft, trl): pip install 'rap-platform[train]'"
    )


def names_of(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    return {node.module.split(".")[0]} if isinstance(node, ast.ImportFrom) and node.module else set()
