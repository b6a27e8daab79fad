"""What is read of a question before candidates are looked for: serving encoder, vectors, filters, words and sounds."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg
from pgvector import HalfVector

from rap_platform.embeddings.encoders.registry import Encoders, Vectors
from rap_platform.embeddings.queries import section_index
from rap_platform.embeddings.search import queries
from rap_platform.embeddings.search import terms as lexical
from rap_platform.embeddings.search.filtering import Filtering, filtering
from rap_platform.embeddings.search.looking import Beside
from rap_platform.embeddings.search.meaning import Unwanted
from rap_platform.embeddings.search.question import Question
from rap_platform.embeddings.search.terms import Terms

# Encodes while the question's words are looked up; as many as ask at once, for an endpoint keeps each waiting.
_ENCODING = ThreadPoolExecutor(32, thread_name_prefix="question")


@dataclass(frozen=True)
class Asked:
    """A question as it was understood. `encoding` is the vectors of its text and of `but_not`; None when no side needs them.

    `ef_search` is the breadth that the encoder's section index is walked with.
    `beside` is where the nearest vectors are looked for while words and sounds are, if there is a second connection.
    """

    question: Question
    encoder: str
    ef_search: int
    filtering: Filtering
    terms: Terms
    encoding: Future[Vectors] | None
    beside: Beside | None = None

    @cached_property
    def query(self) -> HalfVector | None:
        """The vector of the text, if it is asked for; waits until it is encoded."""
        return None if self.encoding is None else HalfVector(self.encoding.result()[0])

    def is_encoded(self, within_s: float) -> bool:
        """Whether the vector of the text is there, or comes so soon; also when encoding failed."""
        return self.encoding is None or bool(wait([self.encoding], timeout=within_s).done)

    @property
    def vector(self) -> HalfVector:
        """The vector of a text that is asked for by meaning, or with something that it must not be like; waits as `query` does."""
        assert self.query is not None
        return self.query

    @cached_property
    def unwanted(self) -> Unwanted | None:
        """What the answer must not be like, if anything."""
        if self.question.but_not is None or self.encoding is None:
            return None
        wanted, unwanted = self.encoding.result()
        return Unwanted(self.question.but_not.strip(), HalfVector(unwanted), float(wanted @ unwanted))


def ask(
    conn: psycopg.Connection[Any],
    encoders: Encoders,
    question: Question,
    *,
    alone: bool,
    second: psycopg.Connection[Any] | None = None,
) -> Asked:
    """Read the question in the transaction that is open: its vectors are still being made when this returns.

    `alone` says that nothing was done in the transaction yet: then all of it sees one moment, and so does a `second` connection; from
    here on either may raise LockNotAvailable.
    """
    exported = None
    with conn.pipeline():
        if alone:
            conn.execute(queries.ONE_MOMENT)
        conn.execute(queries.OPENING)
        if alone and second is not None:
            exported = conn.execute(queries.EXPORT_MOMENT)
            conn.execute(queries.BRIEF_LOCK_WAITS)
        serving = encoders.serving(conn)
    texts = [text.strip() for text in (question.text, question.but_not) if text is not None]
    encoding = None
    if "meaning" in question.sides or question.but_not is not None:
        encoding = _ENCODING.submit(encoders.get(serving.name).encode, texts)
    beside = None
    if exported is not None and second is not None:
        ((snapshot,),) = exported.fetchall()
        beside = Beside(second, snapshot)
    return Asked(
        question,
        serving.name,
        serving.ef_search(section_index(serving.name)),
        filtering(conn, question.filters),
        lexical.read(conn, texts[0]),
        encoding,
        beside,
    )
