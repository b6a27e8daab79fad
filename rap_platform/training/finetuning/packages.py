"""The optional packages of fine-tuning: whether they are there, and how they are kept quiet. Nothing outside of this folder needs them."""

import os
from importlib.metadata import version
from importlib.util import find_spec
from typing import Final

PACKAGES: Final = ("accelerate", "datasets", "peft", "trl")
REPORTED: Final = (*PACKAGES, "torch", "transformers")


class PackagesMissing(Exception):
    """The extra `train` is not installed; the message says how it is."""


class BadBase(Exception):
    """A folder of weights that can't be trained on; the message names it and what it lacks."""


def require() -> None:
    """Go on only where everything of the extra is installed. Raises PackagesMissing.

    What is loaded from here on is on this disk: nothing is fetched from a hub of models.
    """
    absent = [name for name in PACKAGES if not _is_there(name)]
    if absent:
        raise PackagesMissing(
            f"fine-tuning needs packages that are not installed ({', '.join(absent)}): pip install 'rap-platform[train]'"
        )
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when the hub's client is first imported
    import datasets
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    datasets.disable_progress_bars()


def versions() -> dict[str, str]:
    """The versions of what a training depends on."""
    return {name: version(name) for name in REPORTED}


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # the import system was told that there is none
        return False
