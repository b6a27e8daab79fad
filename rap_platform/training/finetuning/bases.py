"""Folders of weights that training starts from: what must be in them, and the digest by which they are known. Trains nothing."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rap_platform.training.finetuning.packages import BadBase

CHUNK: Final = 1 << 22
NOTES: Final = "bases.json"  # the digests of files that did not change since
# What a model computes depends on these and on nothing else in its folder.
PATTERNS: Final = (
    "config.json",
    "generation_config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "tokenizer*.json",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "spiece.model",
    "chat_template.jinja",
)


def base_folder(setting: str, given: str, kinds: Sequence[str]) -> Path:
    """The folder that `setting` names, when there are weights of one of these model types in it. Raises BadBase."""
    folder = Path(given).expanduser().resolve()
    wanted = f"set {setting} to a folder with config.json (model_type {' or '.join(kinds)}), *.safetensors and the tokenizer's files"
    if not folder.is_dir():
        raise BadBase(f"{folder} is no folder: {wanted}")
    lacking = [name for name in ("config.json", "*.safetensors", "tokenizer*") if not any(folder.glob(name))]
    if lacking:
        raise BadBase(f"{folder} lacks {' and '.join(lacking)}: {wanted}")
    try:
        config: Any = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = config["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadBase(f"{folder / 'config.json'} can't be read as a model's configuration: {wanted}") from error
    if kind not in kinds:
        raise BadBase(f"{folder} holds a {kind} model: {wanted}")
    return folder


def digest(folder: Path, notes: Path) -> str:
    """The sha256 over the files that decide what a model computes; `notes` remembers those of files that did not change."""
    try:
        known: dict[str, Any] = json.loads(notes.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    files = sorted({path for pattern in PATTERNS for path in folder.glob(pattern)})
    whole, changed = hashlib.sha256(), False
    for path in files:
        stat = path.stat()
        seen = [stat.st_size, stat.st_mtime_ns]
        entry = known.get(str(path))
        if not isinstance(entry, dict) or entry.get("seen") != seen:
            entry = {"seen": seen, "sha256": file_sha256(path)}
            known[str(path)], changed = entry, True
        whole.update(f"{path.name}:{entry['sha256']}\n".encode())
    if changed:
        notes.parent.mkdir(parents=True, exist_ok=True)
        scratch = notes.with_name(f".{notes.name}")
        scratch.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
        scratch.replace(notes)
    return whole.hexdigest()


def file_sha256(path: Path) -> str:
    """The sha256 of a file, in constant memory."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()
