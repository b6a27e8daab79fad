"""What a search reads first: the encoder that is asked, and how broadly each index is walked. Switching is in switching.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from rap_platform.embeddings import queries
from rap_platform.embeddings.encoders import weights
from rap_platform.settings import get_settings


@dataclass(frozen=True)
class Serving:
    """The encoder that searches ask, with its fingerprint as stored (None: minilm by default), and breadths by index name."""

    name: str
    fingerprint: str | None
    breadths: Mapping[str, int]

    def ef_search(self, index: str) -> int:
        """The breadth that searches walk this index with: as `vector_index` measured it, never under RAP_SEARCH__EF_SEARCH."""
        return max(get_settings().search.ef_search, self.breadths.get(index, 0))


def serving(conn: psycopg.Connection[Any]) -> Serving:
    """What searches ask from now on, in one statement; minilm until another was switched to."""
    name, fingerprint, breadths = conn.execute(queries.SERVING).fetchall()[0]
    return Serving(weights.NAME if name is None else name, fingerprint, breadths)
