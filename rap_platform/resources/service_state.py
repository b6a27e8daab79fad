"""What an outside service told us and a restart must not forget, in PostgreSQL (table service_state); Redis holds the short-lived rest."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from rap_platform.resources.politeness import Hold

HOLD: Final = "hold"

_REMEMBER: Final = """
insert into service_state (service, key, value, reason, until)
values (%(service)s, %(key)s, %(value)s, %(reason)s, %(until)s)
on conflict (service, key) do update
set value = excluded.value, reason = excluded.reason, until = excluded.until, updated_at = now()
"""


@dataclass(frozen=True)
class Remembered:
    """A thing remembered of a service: what, why, until when it holds (None: for good) and since when it is known."""

    value: Any
    reason: str | None
    until: dt.datetime | None
    updated_at: dt.datetime


def remember(
    conn: psycopg.Connection,
    service: str,
    key: str,
    value: Any,
    until: dt.datetime | None = None,
    *,
    reason: str | None = None,
) -> None:
    """Remember a JSON-compatible value under (service, key), in place of what stood there; the caller commits."""
    row = {"service": service, "key": key, "value": Jsonb(value), "reason": reason, "until": until}
    conn.execute(_REMEMBER, row)


def recall(conn: psycopg.Connection, service: str, key: str) -> Remembered | None:
    """Give what is remembered under (service, key), past its `until` too; None when nothing is."""
    query = "select value, reason, until, updated_at from service_state where service = %s and key = %s"
    row = conn.execute(query, [service, key]).fetchone()
    return Remembered(*row) if row else None


def forget(conn: psycopg.Connection, service: str, key: str) -> None:
    """Forget what is remembered under (service, key); the caller commits."""
    conn.execute("delete from service_state where service = %s and key = %s", [service, key])


def remember_hold(conn: psycopg.Connection, service: str, hold: Hold) -> None:
    """Remember that a service wants to be left alone; `since` of an earlier hold that was never lifted stays. The caller commits."""
    earlier = recall(conn, service, HOLD)
    since = earlier.value.get("since") if earlier is not None else None
    told = {"since": since or dt.datetime.now(dt.UTC).isoformat()}
    remember(conn, service, HOLD, told, hold.until, reason=hold.reason)


def hold_of(conn: psycopg.Connection, service: str) -> Hold | None:
    """Give the hold of a service that is in force; None when there is none or it has passed."""
    found = recall(conn, service, HOLD)
    if found is None or found.until is None or found.until <= dt.datetime.now(dt.UTC):
        return None
    return Hold(found.until, found.reason or "")


def forget_hold(conn: psycopg.Connection, service: str) -> None:
    """Forget the hold of a service: it answers again. The caller commits."""
    forget(conn, service, HOLD)
