"""All SQL of style transfer: the sections that an artist performs."""

import psycopg
from psycopg.rows import class_row

from rap_platform.training.finetuning.style.texts import Section

_ARTISTS = "select artist_id, name from artists where normalised_name = %(name)s and exists (select from tracks t where t.artist_id = artists.artist_id)"

_NAMES = "select distinct name from artists a where exists (select from tracks t where t.artist_id = a.artist_id) order by name"

# What guests say in an artist's song is not the artist's. `family` is the original at the end of the chain of duplicates.
_SECTIONS = """
with recursive chain (track_id, ancestor, depth) as (
    select track_id, duplicate_of, 1 from tracks where artist_id = any(%(artists)s) and duplicate_of is not null
    union all
    select c.track_id, t.duplicate_of, c.depth + 1
    from chain c join tracks t on t.track_id = c.ancestor
    where t.duplicate_of is not null and c.depth < 20
), family as (
    select distinct on (track_id) track_id, ancestor from chain order by track_id, depth desc
)
select t.track_id, coalesce(f.ancestor, t.track_id) as family, s.section_no, s.text, t.simulated
from tracks t
join track_sections s using (track_id)
left join family f using (track_id)
where t.artist_id = any(%(artists)s) and (s.performers = '{}' or %(name)s = any(s.performers))
  and (t.language = 'en' or t.language is null)
order by t.track_id, s.section_no
"""


def artist(conn: psycopg.Connection, normalised_name: str) -> tuple[str, list[int]] | None:
    """(name, artist ids) of who goes by this name, when there are songs; None for nobody."""
    found = conn.execute(_ARTISTS, {"name": normalised_name}).fetchall()
    return (str(found[0][1]), [row[0] for row in found]) if found else None


def names(conn: psycopg.Connection) -> list[str]:
    """Every artist with songs."""
    return [row[0] for row in conn.execute(_NAMES)]


def sections(conn: psycopg.Connection, name: str, artist_ids: list[int]) -> list[Section]:
    """What the artist performs in English, in order."""
    with conn.cursor(row_factory=class_row(Section)) as cursor:
        return cursor.execute(_SECTIONS, {"name": name, "artists": artist_ids}).fetchall()
