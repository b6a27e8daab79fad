"""The chat rows of a dataset as a model reads them: read, cut to length in the middle of the lyrics, turned into tokens. Trains nothing."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from rap_platform.training.finetuning.packages import BadBase

ANSWER_TOKENS: Final = 32  # kept free for the answer, the same in training as when the model is asked
ENDS: Final = 4  # lines that are never left out: the mark and a line of the song at either end
IGNORED: Final = -100  # the label of a token that carries no loss


class BadRows(Exception):
    """A file that holds no chat rows; the message names file, line and what is wrong."""


class TooLong(Exception):
    """Even with the middle of the lyrics left out a row does not fit."""


@dataclass(frozen=True)
class Row:
    """What the model is told (system and user turn) and, of a train track, what it should answer."""

    track_id: int
    system: str
    user: str
    answer: str

    @property
    def prompt(self) -> list[dict[str, str]]:
        """The turns before the answer."""
        return [{"role": "system", "content": self.system}, {"role": "user", "content": self.user}]


@dataclass(frozen=True)
class Tokens:
    """Rows as token ids with labels, and what became of rows that were too long, by track id: cut, or left out."""

    rows: tuple[dict[str, list[int]], ...]
    cut: tuple[int, ...]
    left_out: tuple[int, ...]

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return max(len(row["input_ids"]) for row in self.rows)


def read(path: Path) -> list[Row]:
    """The rows of a JSONL file of conversational prompts and completions. Raises BadRows."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadRows(f"{path} can't be read: materialize training_dataset again, which exports it") from error
    rows = [_row(line, f"{path.name}, line {number}") for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise BadRows(f"{path} is empty: materialize training_dataset again, which exports it")
    return rows


def _row(line: str, where: str) -> Row:
    remedy = 'a row is {"prompt": [system, user], "completion": [assistant], "track_id": n}: materialize training_dataset again'
    try:
        told = json.loads(line)
        system, user = (_said(turn, role) for turn, role in zip(told["prompt"], ("system", "user"), strict=True))
        (answer,) = (_said(turn, "assistant") for turn in told["completion"])
        return Row(int(told["track_id"]), system, user, answer)
    except (ValueError, KeyError, TypeError) as error:
        raise BadRows(f"{where}: {error or type(error).__name__}; {remedy}") from error


def _said(turn: Mapping[str, str], role: str) -> str:
    if turn["role"] != role or not isinstance(turn["content"], str) or not turn["content"]:
        raise ValueError(f"no turn of the {role} where one should be")
    return turn["content"]


def fitted(row: Row, tokenizer: Any, most: int) -> Row:
    """The row, with as few lines left out of the middle of its user turn as make it fit into `most` tokens with its answer.

    A notice stands where lines were left out. The first two and the last two lines stay. Raises TooLong.
    """
    if _length(row, tokenizer) + ANSWER_TOKENS <= most:
        return row
    lines = row.user.split("\n")
    fits, least, keep = None, ENDS, len(lines) - 1
    while least <= keep:
        kept = (least + keep) // 2
        tried = replace(row, user=_without_middle(lines, kept))
        if _length(tried, tokenizer) + ANSWER_TOKENS <= most:
            fits, least = tried, kept + 1
        else:
            keep = kept - 1
    if fits is None:
        raise TooLong(f"track {row.track_id} does not fit into {most} tokens, even without the middle of its lyrics")
    return fits


def _without_middle(lines: list[str], kept: int) -> str:
    tail = kept // 2
    head = kept - tail
    notice = f"[{len(lines) - kept} lines left out here]"
    return "\n".join([*lines[:head], notice, *lines[len(lines) - tail :]])


def _length(row: Row, tokenizer: Any) -> int:
    return len(prompt_ids(row, tokenizer))


def prompt_ids(row: Row, tokenizer: Any) -> list[int]:
    """The tokens up to where the model begins to answer, thinking switched off."""
    return list(_templated(tokenizer, row.prompt, add_generation_prompt=True))


def tokens(rows: Iterable[Row], tokenizer: Any, most: int) -> Tokens:
    """Rows as the trainer takes them: `input_ids`, and `labels` that are the answer's alone. Raises BadBase, BadRows."""
    made, cut, left_out = [], [], []
    for row in rows:
        try:
            kept = fitted(row, tokenizer, most)
        except TooLong:
            left_out.append(row.track_id)
            continue
        before = prompt_ids(kept, tokenizer)
        whole = list(_templated(tokenizer, [*kept.prompt, {"role": "assistant", "content": kept.answer}]))
        if whole[: len(before)] != before:
            raise BadBase(
                f"the chat template of {tokenizer.name_or_path} does not put the answer right after the prompt with "
                "enable_thinking=False: take weights whose tokenizer has the template of Qwen3"
            )
        if len(whole) > most:
            left_out.append(row.track_id)
            continue
        made.append({"input_ids": whole, "labels": [IGNORED] * len(before) + whole[len(before) :]})
        if kept is not row:
            cut.append(row.track_id)
    if not made:
        raise BadRows(f"no row fits into {most} tokens: raise RAP_TRAINING__ADAPTER_MAX_TOKENS")
    return Tokens(tuple(made), tuple(cut), tuple(left_out))


def _templated(tokenizer: Any, turns: list[dict[str, str]], **options: Any) -> Any:
    if not tokenizer.chat_template:
        raise BadBase(
            f"the tokenizer of {tokenizer.name_or_path} has no chat template: take the weights of a chat model"
        )
    return tokenizer.apply_chat_template(turns, tokenize=True, return_dict=False, enable_thinking=False, **options)
