"""T5 on pairs of lines: training, the folder that it becomes, and rewriting. Where the pairs come from is in pairing.py."""

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rap_platform.orchestration import progress
from rap_platform.training.finetuning import adapters, bases, loop, packages, rows
from rap_platform.training.finetuning.style.pairing import Pair

CODE_VERSION: Final = "1"  # raise it when the same pairs and settings come to another model
SETTING: Final = "RAP_TRAINING__STYLE_BASE_MODEL"
KINDS: Final = ("t5",)
MOST_TOKENS: Final = 64  # of a line; pairs with a longer one are left out and counted
LEAST_PAIRS: Final = 20
BEAMS: Final = 4
AT_ONCE: Final = 32  # lines that are rewritten in one pass


class TooFewPairs(Exception):
    """There is too little to learn a style from; the message says how many pairs there are, and what helps."""


@dataclass(frozen=True)
class Style:
    """A trained style on disk."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def losses(self) -> list[tuple[int, float]]:
        """(step, loss) of the training."""
        return [(step, loss) for step, loss in self.manifest["losses"]]


@dataclass(frozen=True)
class Recipe:
    """All that a style depends on: base weights, whose lines they are, the pairs, parameters, and our code."""

    base_sha256: str
    source: str
    target: str
    simulated: bool
    pairs_sha256: str
    schedule: loop.Schedule

    @property
    def name(self) -> str:
        """What its folder is called."""
        told = json.dumps([CODE_VERSION, asdict(self)], sort_keys=True)
        return f"style-{hashlib.sha256(told.encode()).hexdigest()[: adapters.SHORT]}"


def digest(pairs: Sequence[Pair]) -> str:
    """The sha256 of pairs of lines."""
    return hashlib.sha256(json.dumps([[p.source.text, p.target.text] for p in pairs]).encode()).hexdigest()


def home(data_dir: Path) -> Path:
    """Where the styles lie."""
    return data_dir / "styles"


def known(data_dir: Path, source: str | None = None, target: str | None = None) -> list[Style]:
    """The styles that were trained to their end, of these artists where they are given, the newest first."""
    found = []
    for path in home(data_dir).glob(f"style-*/{adapters.MANIFEST}"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if source in (None, manifest["source"]) and target in (None, manifest["target"]):
            found.append(Style(path.parent, manifest))
    return sorted(found, key=lambda style: str(style.manifest["made_at"]), reverse=True)


def train(recipe: Recipe, base: Path, pairs: Sequence[Pair], data_dir: Path, *, checkpoint_steps: int) -> Style:
    """The style of this recipe: trained, or found where it was trained before; a killed training goes on.

    Raises PackagesMissing, TooFewPairs.
    """
    if (found := _find(data_dir, recipe.name)) is not None:
        return found
    packages.require()
    tokenizer = _tokenizer(base)
    made = [row for pair in pairs if (row := _row(tokenizer, pair)) is not None]
    if len(made) < LEAST_PAIRS:
        raise TooFewPairs(
            f"{len(made)} pairs of lines of {recipe.source} and {recipe.target} mean the same and are short enough, {LEAST_PAIRS} are needed: "
            "lower RAP_TRAINING__STYLE_LEAST_SIMILARITY, or bring more songs of both"
        )
    work, scratch = home(data_dir) / f".{recipe.name}.work", home(data_dir) / f".{recipe.name}.scratch"
    work.mkdir(parents=True, exist_ok=True)
    trainer = _trainer(recipe, base, tokenizer, made, work, checkpoint_steps)
    trained = loop.run(trainer, work, f"T5 {recipe.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    trainer.model.save_pretrained(str(scratch))
    tokenizer.save_pretrained(str(scratch))
    (scratch / "pairs.jsonl").write_text(
        "".join(json.dumps(asdict(pair), ensure_ascii=False) + "\n" for pair in pairs), encoding="utf-8"
    )
    manifest = {
        "name": recipe.name,
        "source": recipe.source,
        "target": recipe.target,
        "simulated": recipe.simulated,
        "base": {"folder": str(base), "sha256": recipe.base_sha256},
        "params": asdict(recipe.schedule),
        "pairs": {"given": len(pairs), "trained": len(made), "left_out": len(pairs) - len(made)},
        "similarity": {"lowest": pairs[-1].similarity, "highest": pairs[0].similarity},
        "losses": [list(pair) for pair in trained.losses],
        "resumed_at": trained.resumed_at,
        "seconds": round(trained.seconds, 2),
        "device": trained.device,
        "packages": packages.versions(),
        "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
    adapters.put(scratch, home(data_dir) / recipe.name, manifest)
    shutil.rmtree(work)
    return Style(home(data_dir) / recipe.name, manifest)


def _find(data_dir: Path, name: str) -> Style | None:
    return next((style for style in known(data_dir) if style.folder.name == name), None)


def _row(tokenizer: Any, pair: Pair) -> dict[str, list[int]] | None:
    """A pair as token ids, or None when a line is too long."""
    source, target = _ids(tokenizer, pair.source.text), _ids(tokenizer, pair.target.text)
    if max(len(source), len(target)) > MOST_TOKENS:
        return None
    return {"input_ids": source, "attention_mask": [1] * len(source), "labels": target}


def _ids(tokenizer: Any, text: str) -> list[int]:
    """The tokens of a line, with the end mark that T5 wants and that not every tokenizer adds."""
    ids = list(tokenizer(text)["input_ids"])
    return ids if ids[-1:] == [tokenizer.eos_token_id] else [*ids, tokenizer.eos_token_id]


def _trainer(
    recipe: Recipe, base: Path, tokenizer: Any, made: Sequence[dict[str, list[int]]], work: Path, checkpoint_steps: int
) -> Any:
    from datasets import Dataset
    from transformers import DataCollatorForSeq2Seq, Seq2SeqTrainer, Seq2SeqTrainingArguments

    model = _model(base)
    longest = max(len(row["input_ids"]) + len(row["labels"]) for row in made)
    return Seq2SeqTrainer(
        model=model,
        args=Seq2SeqTrainingArguments(**loop.arguments(recipe.schedule, longest, work, checkpoint_steps)),
        train_dataset=Dataset.from_list(list(made)),
        processing_class=tokenizer,
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model, label_pad_token_id=rows.IGNORED),
    )


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)


def _model(folder: Path) -> Any:
    import torch
    from transformers import AutoModelForSeq2SeqLM

    gpu = torch.cuda.is_available()
    model = AutoModelForSeq2SeqLM.from_pretrained(str(folder), local_files_only=True, dtype=torch.float32)
    return model.to("cuda" if gpu else "cpu")


def rewrite(style: Style, lines: Sequence[str]) -> list[str]:
    """Each line as the target artist would say it, the likeliest by beam search; a blank line stays blank."""
    import torch

    packages.require()
    tokenizer, model = _tokenizer(style.folder), _model(style.folder).eval()
    spoken = [line.strip() for line in lines]
    places = [place for place, line in enumerate(spoken) if line]
    batches = [places[start : start + AT_ONCE] for start in range(0, len(places), AT_ONCE)]
    for batch in progress.track(batches, len(batches), "rewriting"):
        ids = [torch.tensor(_ids(tokenizer, spoken[place])[-MOST_TOKENS:]) for place in batch]
        padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=tokenizer.pad_token_id)
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(one) for one in ids], batch_first=True)
        with torch.no_grad():
            made = model.generate(
                input_ids=padded.to(model.device),
                attention_mask=mask.to(model.device),
                max_new_tokens=MOST_TOKENS,
                num_beams=BEAMS,
                do_sample=False,
            )
        for place, told in zip(batch, tokenizer.batch_decode(made, skip_special_tokens=True), strict=True):
            spoken[place] = " ".join(told.split())
    return spoken


def base_folder(given: str) -> Path:
    """The folder of T5 weights. Raises BadBase."""
    return bases.base_folder(SETTING, given, KINDS)
