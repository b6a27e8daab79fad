"""Passwords of the embedded servers: made once per data directory, kept in a file only its owner can read.

Not here: keys of outside services; those come from the settings.
"""

import json
import os
import secrets
from pathlib import Path


def server_password(data_dir: Path, server: str) -> str:
    """The password of one embedded server, generated and stored (`secrets.json`, mode 0600) when there is none."""
    path = data_dir / "secrets.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if server not in known:
        known[server] = secrets.token_urlsafe(24)
        write_private(path, json.dumps(known, indent=2))
    return known[server]


def write_private(path: Path, text: str) -> None:
    """Replace a file whole, readable by its owner only, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
