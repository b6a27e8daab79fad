"""Locks of a data directory: one owner that runs its servers, any number of commands that use them.

They are held by the kernel for as long as the process lives, so a killed one leaves none behind.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER, USERS = "owner.lock", "users.lock"
PATIENCE_S = 0.2  # whoever only looks whether the lock is held holds it for a moment


class Taken(Exception):
    """Another process holds the lock."""


@contextmanager
def owner(data_dir: Path) -> Iterator[None]:
    """Own the servers of a data directory. Raises Taken when another process does."""
    with _opened(data_dir / OWNER) as handle:
        deadline = time.monotonic() + PATIENCE_S
        while not _acquired(handle, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise Taken
            time.sleep(0.01)
        yield


def is_owned(data_dir: Path) -> bool:
    """Whether some process runs the servers of this data directory."""
    if not (data_dir / OWNER).exists():
        return False
    with _opened(data_dir / OWNER) as handle:
        return not _acquired(handle, fcntl.LOCK_SH)  # shared: those who look don't see each other


@contextmanager
def user(data_dir: Path) -> Iterator[None]:
    """Use servers that another command runs: it waits for us before it stops them."""
    with _opened(data_dir / USERS) as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield


@contextmanager
def without_users(data_dir: Path) -> Iterator[None]:
    """Wait until no other command uses our servers, and let none begin to inside the block: stop them there."""
    with _opened(data_dir / USERS) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _acquired(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)
