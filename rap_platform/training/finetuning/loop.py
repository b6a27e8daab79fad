"""What all trainings share: batches by tokens, progress, checkpoints that a killed run goes on from. What is trained is elsewhere."""

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rap_platform.orchestration import progress

STATE: Final = "trainer_state.json"  # the last file that a checkpoint gets
KEPT: Final = 2  # checkpoints: the newest may be broken when the run is killed while it is written
WARM_UP: Final = 0.05  # of all steps


@dataclass(frozen=True)
class Schedule:
    """How often and how fast; what a training's result depends on besides weights and rows."""

    epochs: float
    learning_rate: float
    batch_rows: int
    batch_tokens: int
    seed: int


@dataclass(frozen=True)
class Trained:
    """What a training came to: (step, loss) of every step, and whether it went on from a checkpoint."""

    losses: tuple[tuple[int, float], ...]
    resumed_at: int
    seconds: float
    device: str


def arguments(schedule: Schedule, longest: int, work: Path, checkpoint_steps: int) -> dict[str, Any]:
    """Arguments of a Hugging Face trainer: bf16 on a GPU when torch sees one, else 32 bit on the CPU; rows of `longest` tokens."""
    import torch

    gpu = torch.cuda.is_available()
    at_once = max(1, min(schedule.batch_rows, schedule.batch_tokens // longest))
    return {
        "output_dir": str(work),
        "num_train_epochs": schedule.epochs,
        "learning_rate": schedule.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": WARM_UP,
        "per_device_train_batch_size": at_once,
        "gradient_accumulation_steps": math.ceil(schedule.batch_rows / at_once),
        "seed": schedule.seed,
        "use_cpu": not gpu,
        "bf16": gpu,
        "activation_checkpointing": gpu,
        "dataloader_pin_memory": gpu,
        "logging_steps": 1,
        "disable_tqdm": True,
        "report_to": "none",
        "save_strategy": "steps",
        "save_steps": checkpoint_steps,
        "save_total_limit": KEPT,
    }


def run(trainer: Any, work: Path, label: str) -> Trained:
    """Train, from the newest whole checkpoint in `work` on where there is one, with a bar."""
    from transformers import PrinterCallback, ProgressCallback, TrainerCallback

    class Bar(TrainerCallback):
        """Moves the bar, a step at a time."""

        steps: Iterator[int] = iter(())

        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            del args, control, more
            self.steps = progress.track(range(state.max_steps), state.max_steps, label)
            for _ in range(state.global_step + 1):
                next(self.steps, None)

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            del args, state, control, more
            next(self.steps, None)

    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    trainer.add_callback(Bar())
    found = newest_checkpoint(work)
    outcome = trainer.train(resume_from_checkpoint=str(found) if found else None)
    losses = tuple((int(entry["step"]), float(entry["loss"])) for entry in trainer.state.log_history if "loss" in entry)
    return Trained(
        losses,
        int(found.name.rpartition("-")[2]) if found else 0,
        float(outcome.metrics["train_runtime"]),
        str(trainer.args.device),
    )


def newest_checkpoint(work: Path) -> Path | None:
    """The newest checkpoint that was written to its end; half-written ones are deleted."""
    for folder in sorted(work.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True):
        try:
            json.loads((folder / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            shutil.rmtree(folder)
            continue
        return folder
    return None
