"""Locks of a data directory: one owner that runs its servers, any number of commands that use them.

They are held by the kernel for as long as the process lives, so a killed one leaves none behind.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER, USERS = "owner.lock", "users.lock"


class Taken(Exception):
    """Another process holds the lock."""


@contextmanager
def owner(data_dir: Path) -> Iterator[None]:
    """Own the servers of a data directory. Raises Taken at once when another process does."""
    with _opened(data_dir / OWNER) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Taken from None
        yield


def is_owned(data_dir: Path) -> bool:
    """Whether some process runs the servers of this data directory."""
    if not (data_dir / OWNER).exists():
        return False
    try:
        with owner(data_dir):
            return False
    except Taken:
        return True


@contextmanager
def user(data_dir: Path) -> Iterator[None]:
    """Use servers that another command runs: it waits for us before it stops them."""
    with _opened(data_dir / USERS) as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield


def wait_for_users(data_dir: Path) -> None:
    """Wait until no other command uses our servers."""
    with _opened(data_dir / USERS) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)
