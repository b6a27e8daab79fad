"""A data directory of a test's own that PostgreSQL's user can reach, on ports of its own."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rap_platform.local import process
from rap_platform.settings import Ports, Settings


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="rap_platform_local_"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def free_ports() -> Ports:
    """Seven ports that nobody listens on."""
    return Ports(**{name: process.free_port() for name in Ports.model_fields})


@pytest.fixture
def alone(data_dir: Path) -> Settings:
    """Settings of an embedded stack without a world, in a folder and on ports of its own."""
    return Settings(data_dir=data_dir, world=False, ports=free_ports())
