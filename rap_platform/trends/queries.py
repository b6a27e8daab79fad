"""All SQL of the stage: songs summed up by artist and year, texts and vectors as streams, cheap digests, stored reports."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from rap_platform.embeddings.queries import track_table
from rap_platform.trends.careers import Cell
from rap_platform.trends.panel import Panel, of_cells
from rap_platform.trends.telling import FIGURES

REPORT, WORDS, CLUSTERS = "trend_report", "word_trends", "song_clusters"
SLOTS = 1024
PER_FETCH = 1000
_POPULATIONS = "select distinct simulated from tracks order by simulated"

_TRACKS_STATE = """
select concat_ws(',', count(*), max(updated_at), count(year), count(duplicate_of), max(track_id)) from tracks where simulated = %(simulated)s
"""

_STATE = """
select concat_ws('|',
    (select concat_ws(',', count(*), max(f.computed_at), max(f.version))
     from lyric_features f join tracks t using (track_id) where t.simulated = %(simulated)s),
    (select concat_ws(',', count(*), max(a.analysis_id), extract(epoch from max(a.created_at)))
     from analysis_results a join tracks t using (track_id) where t.simulated = %(simulated)s))
"""

_ANALYZERS = """
select a.analyzer, count(distinct a.track_id)
from analysis_results a join tracks t using (track_id)
where t.simulated = %(simulated)s and a.status = 'ok' and a.input_sha256 = t.lyrics_sha256
  and (not a.simulated or t.simulated)
group by a.analyzer
order by 2 desc, a.analyzer = 'rule_based' desc, a.analyzer
limit 1
"""

_COUNTS = """
select count(*) filter (where year is not null), count(*) filter (where year is null), min(year), max(year)
from tracks where simulated = %(simulated)s and duplicate_of is null
"""

_COMPOSITION = """
select year, coalesce(language, 'unknown'), source, count(*)
from tracks
where simulated = %(simulated)s and year is not null and duplicate_of is null
group by year, 2, source
order by year, 2, source
"""

# A simulated analysis of a real song never counts, nor what was said or heard of another wording.
_SAID = """
create temp table trend_said on commit drop as
select distinct on (a.track_id) a.track_id, t.artist_id, t.year, a.themes, a.primary_mood, a.sentiment
from analysis_results a join tracks t using (track_id)
where t.simulated = %(simulated)s and t.year is not null and t.duplicate_of is null
  and a.analyzer = %(analyzer)s and a.status = 'ok' and a.input_sha256 = t.lyrics_sha256 and (not a.simulated or t.simulated)
order by a.track_id, a.created_at desc, a.analysis_id desc
"""

_LABELS = {
    "themes": "select distinct unnest(themes)",
    "moods": "select primary_mood",
    "sentiments": "select sentiment",
}


def _labels_sql(part: str) -> str:
    """Songs of each artist and year (no label), and those that have each label; songs without a list of them stand in neither."""
    return f"""
with counted as (
    select * from trend_said where {"themes" if part == "themes" else "primary_mood" if part == "moods" else "sentiment"} is not null
      and (%(without)s::text is null or not %(without)s = any(themes))
)
select artist_id, year, null as label, count(*) from counted group by artist_id, year
union all
select c.artist_id, c.year, of_song.label, count(*)
from counted c cross join lateral ({_LABELS[part]}) as of_song (label)
where of_song.label is not null
group by c.artist_id, c.year, of_song.label
"""


_FIGURES = """
with heard as (
    select distinct on (f.track_id) f.*, t.artist_id, t.artist, t.year
    from lyric_features f join tracks t using (track_id)
    where t.simulated = %(simulated)s and t.year is not null and t.duplicate_of is null
      and f.status = 'ok' and f.input_sha256 = t.lyrics_sha256
    order by f.track_id, f.computed_at desc, f.version desc
)
select artist_id, min(artist), year, {columns}
from heard
group by artist_id, year
order by artist_id, year
"""

_LYRICS = """
select artist_id, year, lyrics
from tracks
where simulated = %(simulated)s and year is not null and duplicate_of is null and slot < %(slots)s
  and language is not distinct from %(language)s
order by track_id
"""

_LANGUAGE = """
select language, count(*)
from tracks where simulated = %(simulated)s and year is not null and duplicate_of is null
group by language
order by 2 desc, language
limit 1
"""

_ENCODER = "select coalesce((select name from serving_encoder), 'minilm')"

_TITLES = "select track_id, artist, title, year from tracks where track_id = any(%(ids)s)"

_KNOWN = (
    "update reports set created_at = now() where kind = %(kind)s and input_digest = %(digest)s returning body, markdown"
)

_INSERT = """
insert into reports (kind, input_digest, body, markdown, simulated)
values (%(kind)s, %(digest)s, %(body)s, %(markdown)s, %(simulated)s)
on conflict (kind, input_digest) do update set body = excluded.body, markdown = excluded.markdown, created_at = now()
"""

_LATEST = """
select input_digest, body, markdown, simulated, created_at
from reports
where kind = %(kind)s and simulated = %(simulated)s
order by created_at desc
limit 1
"""

_POPULATION_OF_SERIES = """
select count(*) from reports
where kind = any(%(kinds)s) and (body ->> 'simulated')::boolean is distinct from simulated
"""


@dataclass(frozen=True)
class Counts:
    """Songs of a population with and without a year, near-duplicates left out, and the years they span."""

    with_year: int
    without_year: int
    first_year: int | None = None
    last_year: int | None = None


def populations(conn: psycopg.Connection) -> list[bool]:
    """Which populations have tracks: False for real, True for simulated."""
    return [row[0] for row in conn.execute(_POPULATIONS)]


def tracks_state(conn: psycopg.Connection, simulated: bool) -> str:
    """A text that changes when tracks of the population do."""
    return _text(conn, _TRACKS_STATE, simulated)


def state(conn: psycopg.Connection, simulated: bool) -> str:
    """A text that changes when tracks, features or analyses of the population do."""
    return f"{tracks_state(conn, simulated)}|{_text(conn, _STATE, simulated)}"


def vectors_state(conn: psycopg.Connection, simulated: bool, encoder: str) -> str:
    """A text that changes when tracks of the population or their vectors do."""
    query = f"""
        select concat_ws(',', count(*), max(embedded_at)) from {track_table(encoder)} where kind = 'lyrics' and simulated = %(simulated)s
    """
    return f"{tracks_state(conn, simulated)}|{encoder}|{_text(conn, query, simulated)}"


def _text(conn: psycopg.Connection, query: str, simulated: bool) -> str:
    row = conn.execute(query.encode(), {"simulated": simulated}).fetchone()
    return "" if row is None else str(row[0])


def analyzer(conn: psycopg.Connection, simulated: bool) -> str | None:
    """The analyzer that covers most songs of the population; the rules win a tie."""
    row = conn.execute(_ANALYZERS, {"simulated": simulated}).fetchone()
    return None if row is None else str(row[0])


def counts(conn: psycopg.Connection, simulated: bool) -> Counts:
    """How many songs have a year."""
    row = conn.execute(_COUNTS, {"simulated": simulated}).fetchone()
    return Counts(0, 0) if row is None else Counts(*row)


def composition(conn: psycopg.Connection, simulated: bool) -> list[tuple[int, str, str, int]]:
    """(year, language, source, songs) of the songs with a year."""
    return conn.execute(_COMPOSITION, {"simulated": simulated}).fetchall()


def hear(conn: psycopg.Connection, simulated: bool, analyzer: str | None) -> None:
    """Gather what the analyzer said of each song, for `labels`, until the transaction ends."""
    conn.execute("drop table if exists trend_said")
    conn.execute(_SAID, {"simulated": simulated, "analyzer": analyzer or ""})


def labels(conn: psycopg.Connection, part: str, without: str | None = None) -> Panel:
    """The panel of themes, moods or sentiments, commonest first; only songs that don't have the theme `without`. Call `hear` before."""
    rows = conn.execute(_labels_sql(part).encode(), {"without": without}).fetchall()
    total: dict[str, int] = {}
    for _, _, label, songs in rows:
        if label is not None:
            total[label] = total.get(label, 0) + songs
    names = sorted(total, key=lambda name: (-total[name], name))
    column = {name: k for k, name in enumerate(names)}
    cells: dict[tuple[int, int], tuple[int, list[float]]] = {}
    for artist, year, label, songs in rows:
        if label is None:
            cells[artist, year] = (songs, [0.0] * len(names))
    for artist, year, label, songs in rows:
        if label is not None:
            cells[artist, year][1][column[label]] = float(songs)
    return of_cells("share", names, ((*key, songs, held, held) for key, (songs, held) in cells.items()))


def figures(conn: psycopg.Connection, simulated: bool) -> tuple[list[Panel], dict[str, list[Cell]]]:
    """One panel for each figure of the ear that some song has, and its cells by artist and year."""
    columns = ", ".join(
        f"count({name}), coalesce(sum({name}::float8), 0), coalesce(sum({name}::float8 * {name}), 0)"
        for name in FIGURES
    )
    rows = conn.execute(_FIGURES.format(columns=columns).encode(), {"simulated": simulated}).fetchall()
    cells: dict[str, list[Cell]] = {}
    for k, name in enumerate(FIGURES):
        there = [Cell(row[0], row[1], row[2], *row[3 + 3 * k : 6 + 3 * k]) for row in rows if row[3 + 3 * k]]
        if there:
            cells[name] = there
    panels = [
        of_cells("mean", (name,), ((c.artist_id, c.year, c.songs, (c.total,), (c.squares,)) for c in part))
        for name, part in cells.items()
    ]
    return panels, cells


def main_language(conn: psycopg.Connection, simulated: bool) -> str | None:
    """The language of most songs; None when that is unknown."""
    row = conn.execute(_LANGUAGE, {"simulated": simulated}).fetchone()
    return None if row is None else row[0]


def slots_for(songs: int, wanted: int) -> int:
    """How many slots hold about so many of the songs."""
    return SLOTS if songs <= wanted else max(1, SLOTS * wanted // songs)


def lyrics(
    conn: psycopg.Connection, simulated: bool, language: str | None, slots: int = SLOTS
) -> Iterator[tuple[int, int, str]]:
    """(artist, year, lyrics) of the songs of a language with a year in the first slots, as a stream."""
    with conn.cursor(name="trend_lyrics") as cursor:
        cursor.itersize = PER_FETCH
        yield from cursor.execute(_LYRICS, {"simulated": simulated, "language": language, "slots": slots})


def encoder(conn: psycopg.Connection) -> str:
    """The encoder whose vectors are clustered: the one that searches ask."""
    row = conn.execute(_ENCODER).fetchone()
    return "minilm" if row is None else str(row[0])


def vectors(
    conn: psycopg.Connection, encoder: str, simulated: bool, slots: int = SLOTS
) -> Iterator[Sequence[tuple[int, int, int, Any, str]]]:
    """Parts of (track, artist, year, vector, lyrics) of the songs with a year in the first slots, as a stream."""
    query = f"""
        select t.track_id, t.artist_id, t.year, v.embedding, t.lyrics
        from {track_table(encoder)} v join tracks t using (track_id)
        where v.kind = 'lyrics' and t.simulated = %(simulated)s and t.year is not null and t.duplicate_of is null and t.slot < %(slots)s
        order by t.track_id
    """
    with conn.cursor(name="trend_vectors") as cursor:
        cursor.execute(query.encode(), {"simulated": simulated, "slots": slots})
        while part := cursor.fetchmany(PER_FETCH):
            yield part


def titles(conn: psycopg.Connection, track_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Artist, title and year of tracks."""
    rows = conn.execute(_TITLES, {"ids": list(track_ids)})
    return {row[0]: {"track_id": row[0], "artist": row[1], "title": row[2], "year": row[3]} for row in rows}


def known(conn: psycopg.Connection, digest: str, kind: str = REPORT) -> dict[str, Any] | None:
    """The stored report of exactly this input, made the newest; None when there is none."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_KNOWN, {"digest": digest, "kind": kind}).fetchone()


def insert(conn: psycopg.Connection, digest: str, body: dict[str, Any], markdown: str, kind: str = REPORT) -> None:
    """Store a report."""
    values = {"digest": digest, "body": Jsonb(body), "markdown": markdown, "simulated": body["simulated"], "kind": kind}
    conn.execute(_INSERT, values)


def latest(conn: psycopg.Connection, simulated: bool, kind: str = REPORT) -> dict[str, Any] | None:
    """The newest report of a population."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LATEST, {"simulated": simulated, "kind": kind}).fetchone()


def mislabelled(conn: psycopg.Connection) -> int:
    """Reports whose body and row disagree on whether they are simulated."""
    row = conn.execute(_POPULATION_OF_SERIES, {"kinds": [REPORT, WORDS, CLUSTERS]}).fetchone()
    return 0 if row is None else int(row[0])
