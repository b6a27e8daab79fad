"""A folder of weights behind an OpenAI-compatible endpoint on loopback, for as long as somebody asks: `transformers serve` in a process of its own.

For laptops and tests. In production vLLM serves the adapters (`Adapter.vllm_command`).
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

HOST: Final = "127.0.0.1"
STARTS_IN_S: Final = 600.0  # a model of several gigabytes is read from disk
ENDS_IN_S: Final = 10.0
MOST_SAID: Final = 300


class NotServed(Exception):
    """No endpoint serves the model that is wanted; the message says what was tried and what to do."""


@contextmanager
def serving(folder: Path, log: Path, port: int | None = None, starts_in_s: float = STARTS_IN_S) -> Iterator[str]:
    """The root (.../v1) of an endpoint that serves the model in `folder` under the folder's name. Raises NotServed.

    The server ends with the block, and also when this process is killed.
    """
    if not (folder / "config.json").is_file():
        raise NotServed(f"{folder} holds no model: there is no config.json in it")
    port = port or _free_port()
    log.parent.mkdir(parents=True, exist_ok=True)
    (folder.parent / "hub").mkdir(exist_ok=True)
    command = [sys.executable, "-m", __name__, folder.name, str(port)]
    with log.open("wb") as out:
        child = subprocess.Popen(  # noqa: S603
            command,
            cwd=folder.parent,
            env={**os.environ, **_surroundings(folder)},
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
        )
    try:
        _wait(child, port, log, starts_in_s)
        yield f"http://{HOST}:{port}/v1"
    finally:
        if child.stdin:
            child.stdin.close()
        child.terminate()
        try:
            child.wait(ENDS_IN_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _surroundings(folder: Path) -> dict[str, str]:
    """The code of this process, and no hub of models: its list of models would be what somebody once downloaded."""
    path = [str(Path(__file__).resolve().parents[3]), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_CACHE": str(folder.parent / "hub"),
    }


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


def _wait(child: "subprocess.Popen[bytes]", port: int, log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    with httpx.Client(trust_env=False, timeout=2) as client:
        while time.monotonic() < deadline:
            if child.poll() is not None:
                said = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2][:MOST_SAID]
                raise NotServed(
                    f"the server of the fine-tuned model ended with {child.returncode}: {said or 'without a word'}; see {log}"
                )
            try:
                if client.get(f"http://{HOST}:{port}/health").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    raise NotServed(f"the server of the fine-tuned model did not come up in {seconds:.0f} s: see {log}")


def served(base_url: str, key: str | None, name: str) -> None:
    """Go on only where the endpoint lists the model. Raises NotServed."""
    try:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        told = httpx.get(f"{base_url}/models", headers=headers, timeout=10).raise_for_status().json()
        names = [str(model["id"]) for model in told["data"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise NotServed(
            f"{base_url} does not list its models ({type(error).__name__}): is vLLM running there?"
        ) from error
    if name not in names:
        raise NotServed(f"{base_url} does not serve {name}, it serves {', '.join(names) or 'nothing'}")


def main(name: str, port: int) -> None:
    """Serve the model of the folder `name` until told to end, or until the parent's end of the pipe closes."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from transformers.cli.serve import ReasoningMode, Serve

    Serve(force_model=name, host=HOST, port=port, reasoning=ReasoningMode.OFF)


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
