"""Cursors of pages: opaque to clients, without state at the server. Pure.

A cursor holds which songs were shown, so that none comes twice whatever is added, deleted or switched between two pages, and a digest
of the question that it belongs to. It is a version byte, the digest, the ids as differences in variable-length integers (seven
bits a byte, low ones first), and a checksum, in URL-safe base64. It guards against damage and mix-ups, not against forgery: who
makes up a cursor hides songs from nobody but himself.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from rap_platform.embeddings.search.question import Question, SearchError

VERSION = 1
DIGEST_BYTES = 8
CHECKSUM_BYTES = 6
MAX_DEPTH = 500  # songs that pages go on to
MAX_CHARACTERS = 8000  # 500 ids of nine bytes take 6,032
MAX_ID = 2**63 - 1
REMEDY = "ask again without a cursor"


def dump(question: Question, shown: Iterable[int]) -> str:
    """The cursor of what comes after the songs `shown` (ids from 1 to 2**63 - 1, up to MAX_DEPTH)."""
    body = bytes([VERSION]) + _digest(question)
    before = 0
    for track_id in sorted(set(shown)):
        body += _varint(track_id - before)
        before = track_id
    return base64.urlsafe_b64encode(body + _checksum(body)).rstrip(b"=").decode()


def load(question: Question) -> frozenset[int]:
    """The songs that the pages before showed; none without a cursor. Raises SearchError for a damaged or another question's cursor."""
    if question.cursor is None:
        return frozenset()
    body = _body(question.cursor)
    if body[1 : 1 + DIGEST_BYTES] != _digest(question):
        raise SearchError(f"the cursor belongs to another question: give the same text and filters, or {REMEDY}")
    return frozenset(_ids(body[1 + DIGEST_BYTES :]))


def _body(cursor: str) -> bytes:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _damaged() from error
    body, checksum = raw[:-CHECKSUM_BYTES], raw[-CHECKSUM_BYTES:]
    whole = len(cursor) <= MAX_CHARACTERS and len(body) > DIGEST_BYTES and checksum == _checksum(body)
    spelled = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    if not whole or body[0] != VERSION or spelled != cursor:
        raise _damaged()
    return body


def _ids(packed: bytes) -> Iterator[int]:
    track_id = value = shift = count = 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            track_id, value, shift, count = track_id + value, 0, 0, count + 1
            if track_id > MAX_ID or count > MAX_DEPTH:
                raise _damaged()
            yield track_id
    if shift:
        raise _damaged()


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _digest(question: Question) -> bytes:
    """Of what decides which songs come: all but how many are wanted at a time."""
    asked = [question.text.strip(), (question.but_not or "").strip(), asdict(question.filters), sorted(question.sides)]
    return hashlib.blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=DIGEST_BYTES).digest()


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=CHECKSUM_BYTES, person=b"cursor").digest()


def _damaged() -> SearchError:
    return SearchError(f"the cursor is damaged or of another version: copy all of it, or {REMEDY}")
