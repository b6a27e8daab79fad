"""Models of two layers with a tokenizer learned from the texts at hand, and songs to train them on."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rap_platform.training.finetuning import adapters
from rap_platform.training.finetuning.adapters import Params, Recipe
from rap_platform.training.finetuning.bases import NOTES, digest, file_sha256
from rap_platform.training.finetuning.loop import Schedule
from rap_platform.training.finetuning.rows import ANSWER_TOKENS, Row, prompt_ids

SYSTEM = 'You judge rap lyrics. Answer with JSON only: {"quality": q}.'
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]
# As that of Qwen3, without tools: an empty thought before an answer, in the prompt only when thinking is switched off.
TEMPLATE = """{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.role == 'assistant' %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{{- message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}"""
SCHEDULE = Schedule(epochs=8, learning_rate=0.01, batch_rows=8, batch_tokens=2048, seed=1)
WORDS = ["rain", "crown", "money", "night", "street", "mic", "verse", "flow", "gold", "pain", "light", "door"]


def rows(count: int = 40, *, seed: int = 1) -> list[Row]:
    """Songs of three lines; the praised ones are about other things than the rest."""
    chance = random.Random(seed)
    made = []
    for track_id in range(1, count + 1):
        quality = chance.choice([3.5, 7.5])
        words = WORDS[:6] if quality < 5 else WORDS[6:]
        lyrics = "\n".join(" ".join(chance.choices(words, k=5)) for _ in range(3))
        answer = json.dumps({"quality": quality})
        made.append(Row(track_id, SYSTEM, f"<lyrics>\n{lyrics}\n</lyrics>", answer))
    return made


def chat(row: Row) -> dict[str, Any]:
    """A row as the dataset exports it."""
    answer = {"role": "assistant", "content": row.answer}
    return {"prompt": row.prompt, "completion": [answer], "track_id": row.track_id}


def write(path: Path, written: Sequence[Row]) -> Path:
    """A JSONL file of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(chat(row)) + "\n" for row in written), encoding="utf-8")
    return path


def tokenizer(texts: Sequence[str]) -> Any:
    """A byte-level BPE of 400 pieces, learned from `texts`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts,
        trainers.BpeTrainer(vocab_size=400, special_tokens=SPECIAL, initial_alphabet=letters, show_progress=False),
    )
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def qwen3(folder: Path, texts: Sequence[str], *, seed: int = 0) -> Path:
    """A random Qwen3 of two layers and 32 dimensions."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    pieces = tokenizer([SYSTEM, '{"quality": 3.5}', '{"quality": 7.5}', *texts])
    pieces.chat_template = TEMPLATE
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=len(pieces), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, max_position_embeddings=1024, tie_word_embeddings=True, initializer_range=0.2,
        eos_token_id=pieces.eos_token_id, pad_token_id=pieces.pad_token_id,
    )  # fmt: skip
    Qwen3ForCausalLM(config).save_pretrained(folder)
    pieces.save_pretrained(folder)
    return folder


def recipe(base: Path, data_dir: Path, train: Path, schedule: Schedule = SCHEDULE, **changes: Any) -> Recipe:
    """What an adapter of the tiny model depends on."""
    params = Params(**{"rank": 8, "max_tokens": 256, "schedule": schedule, **changes})
    base_sha256 = digest(base, adapters.home(data_dir) / NOTES)
    return Recipe(base_sha256, "v1", "0" * 64, file_sha256(train), params)


def t5(folder: Path, texts: Sequence[str], *, seed: int = 0) -> Path:
    """A random T5 of two layers and 64 dimensions."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    pieces = tokenizer(texts)
    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=len(pieces), d_model=64, d_kv=16, d_ff=128, num_layers=2, num_decoder_layers=2, num_heads=4, dropout_rate=0.0,
        eos_token_id=pieces.eos_token_id, pad_token_id=pieces.pad_token_id, decoder_start_token_id=pieces.pad_token_id,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    pieces.save_pretrained(folder)
    return folder


def answer_of(model: Any, tokenizer: Any, row: Row) -> str:
    """What a model in this process answers, the most likely token each time."""
    import torch

    prompt = torch.tensor([prompt_ids(row, tokenizer)])
    mask = torch.ones_like(prompt)
    made = model.eval().generate(input_ids=prompt, attention_mask=mask, max_new_tokens=ANSWER_TOKENS, do_sample=False)
    return str(tokenizer.decode(made[0][prompt.shape[1] :], skip_special_tokens=True))
