"""Near-miss spelling: a question's word that no section holds becomes the sung word it is nearest to (SymSpell; Garbe 2012)."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg


def correct(conn: psycopg.Connection[Any], words: Sequence[str]) -> Mapping[str, str]:
    """The nearest sung word for each of `words` that has one; words that are sung are left as they are."""
    raise NotImplementedError


def sum_up(conn: psycopg.Connection[Any]) -> int:
    """Add what was noted of changed sections to the distinct words; returns how many sections' changes were summed."""
    raise NotImplementedError
