"""All SQL of this stage."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from rap_platform.features.analysis import LISTS, VERSION, LyricFeatures

COLUMNS = tuple(field.name for field in fields(LyricFeatures))
# What the plots show, beside what is usual.
PLOTTED: Final = (
    "rhyme_density",
    "rhymes_per_line",
    "internal_rhymes_per_line",
    "multisyllabic_share",
    "syllables_per_line",
    "syllables_per_line_sd",
    "syllables_per_word",
    "novel_word_share",
)
_MOST_PLOTTED = 20_000


class Pending(NamedTuple):
    """A track whose features are missing or were made from other lyrics."""

    track_id: int
    lyrics: str
    lyrics_sha256: str
    language: str | None


_PENDING = """
from tracks t
left join lyric_features f
  on f.track_id = t.track_id and f.version = %(version)s and f.input_sha256 = t.lyrics_sha256
where t.slot = any(%(slots)s) and f.track_id is null
"""

COUNT_PENDING = f"select count(*) {_PENDING}"

NEXT_PENDING = f"""
select t.track_id, t.lyrics, t.lyrics_sha256, t.language {_PENDING}
  and t.track_id > %(after)s
order by t.track_id
limit %(limit)s
"""

# Written only if the track still has the lyrics that were measured; a changed track stays pending.
UPSERT = f"""
insert into lyric_features (track_id, version, input_sha256, {", ".join(COLUMNS)}, computed_at)
select t.track_id, %(version)s, t.lyrics_sha256, {", ".join(f"%({name})s" for name in COLUMNS)}, now()
from tracks t
where t.track_id = %(track_id)s and t.lyrics_sha256 = %(lyrics_sha256)s
for key share
on conflict (track_id, version) do update set
    input_sha256 = excluded.input_sha256,
    {", ".join(f"{name} = excluded.{name}" for name in COLUMNS)},
    computed_at = excluded.computed_at
"""

DELETE_OTHER_VERSIONS = "delete from lyric_features where track_id = any(%(track_ids)s) and version <> %(version)s"

_MEANS: Final = (
    "rhyme_density", "rhyme_factor", "end_rhyme_share", "syllables_per_line", "syllables_per_word", "mtld", "out_of_vocabulary_share",
)  # fmt: skip

SUMMARY = f"""
select
    count(*) filter (where f.status = 'ok'),
    count(*) filter (where f.status = 'low_confidence'),
    count(*) filter (where f.status = 'too_short'),
    count(*) filter (where f.status = 'not_english'),
    {", ".join(f"avg(f.{name})" for name in _MEANS)}
from lyric_features f
join tracks t using (track_id)
where f.version = %(version)s and t.slot = any(%(slots)s)
"""

# Confident figures only; of very many tracks those that come first, which are as good as any.
FIGURES = f"""
select {", ".join(f"f.{name}" for name in PLOTTED)}
from lyric_features f
join tracks t using (track_id)
where f.version = %(version)s and t.slot = any(%(slots)s) and f.status = 'ok'
limit %(most)s
"""

COVERAGE = """
select count(*), count(f.track_id)
from tracks t
left join lyric_features f
  on f.track_id = t.track_id and f.version = %(version)s and f.input_sha256 = t.lyrics_sha256
"""

# Figures that no constraint of the table guards, and figures that should be there, or should not. Those that may be missing of a
# song that is heard, each for its own reason, are left out of the first.
_ALWAYS: Final = (
    "syllables", "syllables_per_line", "syllables_per_word", "rhyme_density", "end_rhyme_share", "rhymes_per_line", "section_schemes",
    "type_token_ratio", "repeated_line_share", "compression_ratio", "consonance_per_line", "anaphora_share", "similes", "sections",
    "flesch_reading_ease_line_as_sentence", "profanity_rating", "profanities",
)  # fmt: skip
_NEVER: Final = tuple(
    name for name in COLUMNS if name not in ("status", "reason", "bars", "words", "out_of_vocabulary_share")
)

_REALS = ", ".join(
    (
        "rhyme_density",
        "rhyme_factor",
        "syllables_per_line",
        "syllables_per_word",
        "stress_regularity",
        "mattr_50",
        "mtld",
        "compression_ratio",
    )
)

# What no lyrics can bring about, however odd: a chant of one sound, a phone number or a page of symbols is plausible.
IMPLAUSIBLE = f"""
select
    count(*) filter (where status in ('ok', 'low_confidence') and num_nulls({", ".join(_ALWAYS)}) > 0),
    count(*) filter (where status in ('too_short', 'not_english') and num_nonnulls({", ".join(_NEVER)}) > 0),
    count(*) filter (where status <> 'ok' and reason is null),
    count(*) filter (where syllables_per_word < 0 or syllables_per_line < 0 or rhyme_factor < 0 or internal_rhymes_per_line < 0
        or longest_rhyme_syllables < 0 or compression_ratio <= 0 or 'NaN' in ({_REALS})),
    count(*) filter (where rhymes_per_line > syllables_per_line
        or internal_rhymes_per_line + link_rhymes_per_line + bridge_rhymes_per_line > rhymes_per_line + 0.001
        or abs(perfect_rhyme_share + slant_rhyme_share - 1) > 0.001
        or abs(growing_line_share + shrinking_line_share + even_line_share - 1) > 0.001
        or distinct_words > words or verses + hooks > sections or sections > bars
        or jsonb_array_length(section_schemes) > bars
        or (profanity_rating = 'G') <> (jsonb_array_length(profanities) = 0))
from lyric_features
where version = %(version)s
"""


def count_pending(conn: psycopg.Connection, slots: Sequence[int]) -> int:
    """How many tracks of these slots wait for features."""
    row = conn.execute(COUNT_PENDING, {"version": VERSION, "slots": list(slots)}).fetchone()
    return int(row[0]) if row else 0


def next_pending(conn: psycopg.Connection, slots: Sequence[int], after: int, limit: int) -> list[Pending]:
    """The next waiting tracks in order of their id."""
    found = conn.execute(NEXT_PENDING, {"version": VERSION, "slots": list(slots), "after": after, "limit": limit})
    return [Pending(*row) for row in found]


def store(conn: psycopg.Connection, rows: Sequence[tuple[Pending, LyricFeatures]]) -> int:
    """Insert or update a batch; returns how many rows were written (a track that changed meanwhile is left pending)."""
    with conn.cursor() as cursor:
        cursor.executemany(
            UPSERT,
            [
                {
                    "version": VERSION,
                    "track_id": track.track_id,
                    "lyrics_sha256": track.lyrics_sha256,
                    **_row(features),
                }
                for track, features in rows
            ],
        )
        written = cursor.rowcount
        cursor.execute(DELETE_OTHER_VERSIONS, {"track_ids": [track.track_id for track, _ in rows], "version": VERSION})
    return written


def _row(features: LyricFeatures) -> dict[str, Any]:
    row = {name: getattr(features, name) for name in COLUMNS}
    for name in LISTS:
        if row[name] is not None:
            row[name] = Jsonb([item._asdict() for item in row[name]])
    return row


def summary(conn: psycopg.Connection, slots: Sequence[int]) -> dict[str, float | int | None]:
    """Rows by status and mean figures of these slots."""
    row = conn.execute(SUMMARY, {"version": VERSION, "slots": list(slots)}).fetchone()
    assert row is not None
    names = ("ok", "low_confidence", "too_short", "not_english", *(f"mean_{name}" for name in _MEANS))
    return dict(zip(names, row, strict=True))


def figures(conn: psycopg.Connection, slots: Sequence[int]) -> dict[str, list[float]]:
    """The PLOTTED figures of the tracks of these slots that are heard with confidence; a figure that a track lacks is left out."""
    rows = conn.execute(FIGURES, {"version": VERSION, "slots": list(slots), "most": _MOST_PLOTTED}).fetchall()
    return {name: [float(row[at]) for row in rows if row[at] is not None] for at, name in enumerate(PLOTTED)}


def coverage(conn: psycopg.Connection) -> tuple[int, int]:
    """(tracks, tracks with current features)."""
    row = conn.execute(COVERAGE, {"version": VERSION}).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def implausible(conn: psycopg.Connection) -> dict[str, int]:
    """How many rows break which expectation."""
    row = conn.execute(IMPLAUSIBLE, {"version": VERSION}).fetchone()
    assert row is not None
    names = ("figures_missing", "figures_that_should_be_null", "reason_missing", "out_of_range", "contradictions")
    return dict(zip(names, map(int, row), strict=True))
