"""All SQL of the fine-tuned models: adapters, what they said, and what a dataset's members should be rated."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from rap_platform.training.finetuning.adapters import Adapter
from rap_platform.training.finetuning.asking import Answer

# An adapter that is made again, as it was, is the newest of its dataset again.
_REMEMBER = """
insert into adapters (adapter, name, dataset_version, base_sha256, params)
values (%(adapter)s, %(name)s, %(dataset_version)s, %(base_sha256)s, %(params)s)
on conflict (adapter) do update set made_at = now()
where adapters.adapter <> (
    select n.adapter from adapters n where n.dataset_version = excluded.dataset_version order by n.made_at desc, n.adapter limit 1
)
"""

_ANSWERED = "select track_id from adapter_answers where adapter = %(adapter)s"

_STORE = """
insert into adapter_answers (adapter, track_id, quality, error, raw_response, lyrics_cut, prompt_tokens, completion_tokens, latency_ms)
values (%(adapter)s, %(track_id)s, %(quality)s, %(error)s, %(raw)s, %(cut)s, %(prompt_tokens)s, %(completion_tokens)s, %(latency_ms)s)
on conflict do nothing
"""

_SUMMARY = """
select count(*), count(a.quality), count(*) filter (where a.lyrics_cut), avg(abs(a.quality - m.label)), count(distinct a.quality)
from adapter_answers a
join dataset_members m on m.track_id = a.track_id and m.version = %(version)s and m.split = 'eval'
where a.adapter = %(adapter)s
"""

_FAILURES = """
select split_part(error, ':', 1), count(*)
from adapter_answers
where adapter = %(adapter)s and error is not null
group by 1 order by 1
"""

# Of the newest adapter of the version that was asked.
_OPINIONS = """
select a.track_id, a.quality, a.error, a.adapter
from adapter_answers a
join dataset_members m on m.track_id = a.track_id and m.version = %(version)s and m.split = 'eval'
where a.adapter = (
    select d.adapter from adapters d
    where d.dataset_version = %(version)s and exists (select from adapter_answers n where n.adapter = d.adapter)
    order by d.made_at desc, d.adapter limit 1
)
order by a.track_id
"""

_OPINIONS_DIGEST = f"""
select md5(coalesce(string_agg(concat_ws(':', o.adapter, o.track_id, o.quality, o.error), ',' order by o.track_id), ''))
from ({_OPINIONS}) o
"""

_KNOWN = """
select d.name, d.dataset_version, v.simulated, d.made_at, count(a.track_id) as answers, count(a.quality) as answered,
       avg(abs(a.quality - m.label)) as mae
from adapters d
join dataset_versions v on v.version = d.dataset_version
left join adapter_answers a using (adapter)
left join dataset_members m on m.version = d.dataset_version and m.track_id = a.track_id
group by d.adapter, v.version
order by d.made_at desc, d.name
"""


@dataclass(frozen=True)
class Summary:
    """What an adapter's answers add up to: rows, rows with a quality, rows of which the middle was cut, mean absolute error."""

    rows: int
    answered: int
    cut: int
    mae: float | None
    distinct: int


def remember(conn: psycopg.Connection, adapter: Adapter) -> None:
    """Make an adapter the newest of its dataset; nothing changes where it is."""
    told = adapter.manifest
    conn.execute(
        _REMEMBER,
        {
            "adapter": adapter.key,
            "name": adapter.name,
            "dataset_version": told["dataset"]["version"],
            "base_sha256": told["base"]["sha256"],
            "params": Jsonb(told["params"]),
        },
    )


def answered(conn: psycopg.Connection, adapter: str) -> set[int]:
    """The tracks that the adapter was asked about failures included."""
    return {row[0] for row in conn.execute(_ANSWERED, {"adapter": adapter})}


def store(conn: psycopg.Connection, adapter: str, track_id: int, answer: Answer) -> None:
    """Store an answer."""
    conn.execute(_STORE, {"adapter": adapter, "track_id": track_id, **asdict(answer)})


def summary(conn: psycopg.Connection, adapter: str, version: str) -> Summary:
    """What the answers add up to, against the labels of the version."""
    row = conn.execute(_SUMMARY, {"adapter": adapter, "version": version}).fetchone()
    if row is None:
        raise LookupError("an aggregate query returned no row")
    return Summary(*row)


def failures(conn: psycopg.Connection, adapter: str) -> dict[str, int]:
    """Failed answers by kind."""
    return dict(conn.execute(_FAILURES, {"adapter": adapter}).fetchall())


def opinions(conn: psycopg.Connection, version: str) -> Sequence[tuple[int, float | None, str | None]]:
    """(track, quality, error) of the newest adapter of a dataset version."""
    return [row[:3] for row in conn.execute(_OPINIONS, {"version": version})]


def opinions_digest(conn: psycopg.Connection, version: str) -> str:
    """Changes when another adapter is the newest, or said something new."""
    row = conn.execute(_OPINIONS_DIGEST, {"version": version}).fetchone()
    return "" if row is None else str(row[0])


def known(conn: psycopg.Connection) -> list[dict[str, Any]]:
    """Every adapter that was asked, the newest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_KNOWN).fetchall()
