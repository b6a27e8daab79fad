"""Songs of made-up words, written straight into tracks: what linking starts from."""

import hashlib
from random import Random

import psycopg

from rap_platform.lyrics.identity import normalise, normalise_title

WORDS = [f"word{n}" for n in range(400)]


def lyrics(seed: int, lines: int = 30) -> str:
    """Lines of eight words each, by chance."""
    chance = Random(seed)
    return "\n".join(" ".join(chance.choices(WORDS, k=8)) for _ in range(lines))


def altered(text: str, lines: int, mark: object = "") -> str:
    """The text with its first lines replaced: near the original while they are few."""
    return "\n".join(
        [*text.split("\n")[lines:], *(f"another {mark} closing line number {n} here" for n in range(lines))]
    )


def add(
    conn: psycopg.Connection,
    text: str,
    *,
    title: str = "Tide",
    artist: str = "Vale",
    year: int | None = None,
    released: str | None = None,
    simulated: bool = False,
) -> int:
    """Store a track as building would; returns its track_id."""
    row = conn.execute(
        """
        with who as (
            insert into artists (name, normalised_name, slug, watched, simulated)
            values (%(artist)s, %(name)s, %(slug)s, false, %(simulated)s)
            on conflict (slug) do update set name = excluded.name returning artist_id
        ), raw as (
            insert into raw_songs (source, source_id, artist, title, status, payload, content_sha256, simulated)
            values ('import', gen_random_uuid()::text, %(artist)s, %(title)s, 'ok', '{}', %(sha)s, %(simulated)s)
            returning raw_song_id, source, source_id
        )
        insert into tracks (raw_song_id, source, source_id, artist_id, artist, title, normalised_title, year, release_date, lyrics,
                            lyrics_sha256, line_count, word_count, cleaning, cleaner_version, raw_sha256, slot, simulated)
        select raw_song_id, source, source_id, artist_id, %(artist)s, %(title)s, %(title_key)s, %(year)s, %(released)s, %(text)s,
               %(sha)s, 1, 1, '{}', '1', %(sha)s, 0, %(simulated)s
        from who, raw
        returning track_id
        """,
        {
            "artist": artist, "name": normalise(artist), "slug": f"{normalise(artist)}-{simulated}", "title": title,
            "title_key": normalise_title(title), "year": year, "released": released, "text": text, "sha": _sha(text),
            "simulated": simulated,
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    return int(row[0])


def edit(conn: psycopg.Connection, track_id: int, text: str) -> None:
    """Give a track another text."""
    conn.execute("update tracks set lyrics = %s, lyrics_sha256 = %s where track_id = %s", [text, _sha(text), track_id])


def links(conn: psycopg.Connection) -> dict[int, int]:
    """The copies and their originals."""
    rows = conn.execute("select track_id, duplicate_of from tracks where duplicate_of is not null")
    return {int(track_id): int(original) for track_id, original in rows}


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
