"""Filters as SQL over track_facts, and the few tracks that pass when they are few."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Filtering:
    """What every side adds to its statement, over the alias `f` of track_facts.

    `where` is "" or " and f.year >= %(year_from)s ...", with its `parameters`. `track_ids` are all tracks that pass when they
    are so few that a side does better to read their sections and no others; None when they are many or when nothing filters.
    """

    where: str
    parameters: Mapping[str, Any]
    track_ids: list[int] | None
