"""All SQL of serving: what is released, what the API reads, what a purge deletes."""

from collections.abc import Collection
from typing import Any, cast

from psycopg import Connection
from psycopg.rows import dict_row, scalar_row
from psycopg.types.json import Jsonb

from rap_platform.embeddings.queries import section_table, track_table
from rap_platform.lyrics.identity import normalise, normalise_title

Row = tuple[Any, ...]
Record = dict[str, Any]


def _one(conn: Connection[Any], sql: str, **parameters: Any) -> Record | None:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sql, parameters).fetchone()


def _all(conn: Connection[Any], sql: str, **parameters: Any) -> list[Record]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sql, parameters).fetchall()


# --- release -----------------------------------------------------------------------------------------------------------------


def counts_of(encoder: str) -> str:
    """The statement that counts what is served, with the vectors of this encoder."""
    return f"""
select (select count(*) from tracks) as tracks,
       (select count(*) from tracks where duplicate_of is null) as distinct_tracks,
       (select count(*) from tracks where simulated) as simulated_tracks,
       (select count(*) from artists a where exists (select from tracks t where t.artist_id = a.artist_id)) as artists,
       (select count(*) from track_sections) as sections,
       (select count(*) from {section_table(encoder)}) as section_vectors,
       (select count(*) from {track_table(encoder)} where kind = 'lyrics') as track_vectors,
       (select count(*) from lyric_features) as lyric_features,
       (select count(*) from ratings) as ratings,
       coalesce((select jsonb_object_agg(analyzer, n) from
           (select analyzer, count(*) as n from analysis_results where status = 'ok' group by analyzer) as by_analyzer), '{{}}') as analyses
"""


def fingerprint_of(encoder: str) -> str:
    """The statement that reads times and numbers that change whenever what is served changes."""
    return f"""
select (select max(updated_at) from tracks)::text as tracks_updated,
       (select max(embedded_at) from {section_table(encoder)})::text as vectors_embedded,
       (select max(analysis_id) from analysis_results) as last_analysis,
       (select max(computed_at) from lyric_features)::text as features_computed
"""


def counts(conn: Connection[Any], encoder: str) -> Record:
    """How much of everything is served."""
    return cast(Record, _one(conn, counts_of(encoder)))


def fingerprint(conn: Connection[Any], encoder: str) -> Record:
    """Times and numbers that change whenever what is served changes."""
    return cast(Record, _one(conn, fingerprint_of(encoder)))


def latest_evaluation(conn: Connection[Any]) -> Record | None:
    """The evaluation that was stored last."""
    return _one(
        conn,
        "select evaluation_id, dataset_version, input_digest, mlflow_run_id, simulated, created_at from evaluations order by evaluation_id desc limit 1",
    )


def current_release(conn: Connection[Any]) -> Record | None:
    """The release in force: the one released last. A release whose content comes back is released again under its old number."""
    return _one(conn, "select * from serving_releases order by released_at desc, release_id desc limit 1")


def standing(conn: Connection[Any]) -> tuple[int | None, str]:
    """The number of the release in force, None before the first, and the name of the encoder that searches ask."""
    sql = """
        select (select release_id from serving_releases order by released_at desc, release_id desc limit 1),
               coalesce((select name from serving_encoder), 'minilm')
    """
    row = conn.execute(sql).fetchone()
    return (None, "minilm") if row is None else (row[0], row[1])


def titles(conn: Connection[Any], track_ids: list[int]) -> list[Record]:
    """Number, artist, title, year and whether it is simulated of these tracks, those that exist, in the order given."""
    sql = """
        select t.track_id, t.artist, t.title, t.year, t.simulated
        from unnest(%(track_ids)s::bigint[]) with ordinality asked (track_id, place) join tracks t using (track_id)
        order by asked.place
    """
    return _all(conn, sql, track_ids=track_ids)


def all_there(conn: Connection[Any], track_ids: Collection[int]) -> bool:
    """Whether all of these tracks exist."""
    found = conn.execute("select count(*) from tracks where track_id = any(%s)", [list(track_ids)]).fetchone()
    return found == (len(set(track_ids)),)


def named(conn: Connection[Any], name: str) -> list[Record]:
    """Up to ten songs of a title, or of an "Artist - Title", in any spelling that identity takes for the same; no copies."""
    artist, found, title = name.partition(" - ")
    sql = """
        select t.track_id, t.artist, t.title, t.year, t.simulated
        from tracks t join artists a using (artist_id)
        where t.duplicate_of is null and (t.normalised_title = %(whole)s
            or (%(artist)s::text is not null and t.normalised_title = %(title)s and a.normalised_name = %(artist)s))
        order by t.views desc nulls last, t.track_id
        limit 10
    """
    parameters = {
        "whole": normalise_title(name),
        "title": normalise_title(title),
        "artist": normalise(artist) if found else None,
    }
    return _all(conn, sql, **parameters)


def store_release(conn: Connection[Any], release: Record) -> int:
    """Store a release, or put an old one with the same content in force again; its number."""
    sql = """
        insert into serving_releases
            (content_digest, encoder, model_name, model_version, model_uri, evaluation_id, counts, simulated, released_at)
        values (%(content_digest)s, %(encoder)s, %(model_name)s, %(model_version)s, %(model_uri)s, %(evaluation_id)s, %(counts)s,
                %(simulated)s, clock_timestamp())
        on conflict (content_digest) do update set released_at = excluded.released_at
        returning release_id
    """
    with conn.cursor(row_factory=scalar_row) as cursor:
        return int(cursor.execute(sql, {**release, "counts": Jsonb(release["counts"])}).fetchone() or 0)


def vector_indexes(conn: Connection[Any], table: str) -> list[str]:
    """Names of the valid HNSW indexes of a table."""
    sql = """
        select i.relname from pg_index x
        join pg_class i on i.oid = x.indexrelid
        join pg_class t on t.oid = x.indrelid
        join pg_am m on m.oid = i.relam
        where t.relname = %(table)s and m.amname = 'hnsw' and x.indisvalid
        order by i.relname
    """
    return [row["relname"] for row in _all(conn, sql, table=table)]


# --- API ---------------------------------------------------------------------------------------------------------------------


def alive(conn: Connection[Any]) -> bool:
    """Whether the database has our tables."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return bool(cursor.execute("select to_regclass('public.tracks') is not null").fetchone())


def languages(conn: Connection[Any]) -> list[str]:
    """The languages that searches can filter by, in order: from one to the next through the index, whatever the number of tracks."""
    sql = """
        with recursive found as (
            (select language from track_facts where language is not null order by language limit 1)
            union all
            select (select f.language from track_facts f where f.language > found.language order by f.language limit 1)
            from found where found.language is not null
        )
        select language from found where language is not null order by language
    """
    return [row["language"] for row in _all(conn, sql)]


def track(conn: Connection[Any], track_id: int) -> Record | None:
    """A track with its artist and where it came from."""
    sql = """
        select t.track_id, t.artist, a.slug as artist_slug, t.title, t.featured, t.album, t.genre, t.release_date, t.year, t.language, t.explicit, t.views,
               t.lyrics, t.lyrics_sha256, t.line_count, t.word_count, t.cleaning, t.cleaner_version, t.duplicate_of, t.duplicate_score, t.simulated,
               t.source, t.source_id, t.created_at, t.updated_at, r.payload ->> 'url' as url, r.fetched_at
        from tracks t
        join artists a using (artist_id)
        join raw_songs r using (raw_song_id)
        where t.track_id = %(track_id)s
    """
    return _one(conn, sql, track_id=track_id)


def sections(conn: Connection[Any], track_id: int) -> list[Record]:
    """The sections of a track in order."""
    sql = "select section_no, kind, label, performers, first_line, last_line, text from track_sections where track_id = %(track_id)s order by section_no"
    return _all(conn, sql, track_id=track_id)


def features(conn: Connection[Any], track_id: int) -> Record | None:
    """The newest lyric features of a track."""
    return _one(
        conn,
        "select * from lyric_features where track_id = %(track_id)s order by computed_at desc limit 1",
        track_id=track_id,
    )


def analyses(conn: Connection[Any], track_id: int) -> list[Record]:
    """The newest analysis of a track's present lyrics by each analyzer and model, failures included."""
    sql = """
        select distinct on (analyzer, model) analyzer, model, prompt_version, status, sentiment, primary_mood, moods, themes, profanity_rating,
               quality, complexity, wordplay, storytelling, confidence, summary, evidence, error, a.simulated, a.created_at
        from analysis_results a join tracks t using (track_id)
        where track_id = %(track_id)s and a.input_sha256 = t.lyrics_sha256
        order by analyzer, model, a.created_at desc
    """
    return _all(conn, sql, track_id=track_id)


def spotify(conn: Connection[Any], track_id: int) -> Record | None:
    """Who the track is on Spotify."""
    sql = """
        select status, method, score, spotify_id, isrc, name, artists, album, release_date, duration_ms, popularity, reason, simulated, matched_at
        from spotify_tracks where track_id = %(track_id)s
    """
    return _one(conn, sql, track_id=track_id)


def audio(conn: Connection[Any], track_id: int) -> Record | None:
    """What Spotify or another provider hears in the track."""
    sql = """
        select status, reason, source, danceability, energy, valence, acousticness, instrumentalness, speechiness, liveness, loudness_db, tempo_bpm,
               simulated, fetched_at
        from audio_features where track_id = %(track_id)s
    """
    return _one(conn, sql, track_id=track_id)


def ratings(conn: Connection[Any], track_id: int) -> list[Record]:
    """How a track was rated, by kind of rater."""
    sql = """
        select source, count(distinct rater) as raters, avg(rating)::real as mean, bool_or(simulated) as simulated
        from ratings where track_id = %(track_id)s group by source order by source
    """
    return _all(conn, sql, track_id=track_id)


# --- evaluation and models ---------------------------------------------------------------------------------------------------


def evaluation_in_force(conn: Connection[Any]) -> Record | None:
    """The newest evaluation, whole; an input that came back made its evaluation the newest again."""
    sql = """
        select evaluation_id, dataset_version, report, pictures, simulated, created_at
        from evaluations order by created_at desc, evaluation_id desc limit 1
    """
    return _one(conn, sql)


def title(conn: Connection[Any]) -> Record | None:
    """The decision about the title that counts, and since when its champion holds it."""
    sql = """
        select d.decision_id, d.action, d.version, d.previous, d.judged, d.reason, d.actor, d.evaluation_id, d.links, d.decided_at,
               (select min(s.decided_at) from title_decisions s
                where s.version = d.version and not exists (
                    select from title_decisions o where o.decision_id between s.decision_id and d.decision_id and o.version is distinct from d.version
                )) as since
        from title_decisions d order by d.decision_id desc limit 1
    """
    return _one(conn, sql)


def judged(conn: Connection[Any], model_version: str) -> Record | None:
    """The newest evaluation that judged a version of the quality model."""
    sql = """
        select evaluation_id, report, simulated, created_at from evaluations
        where report ->> 'model_version' = %(model_version)s order by created_at desc, evaluation_id desc limit 1
    """
    return _one(conn, sql, model_version=model_version)


# --- analyses of pasted lyrics -----------------------------------------------------------------------------------------------


def calibrator(
    conn: Connection[Any], analyzer: str, model: str, prompt_version: str, *, simulated: bool
) -> Record | None:
    """Intercept, slope, lowest and highest of what an analyst's raw number is worth; None until it has earned a confidence."""
    sql = """
        select intercept, slope, lowest, highest from calibrations
        where analyzer = %(analyzer)s and model = %(model)s and prompt_version = %(version)s and simulated = %(simulated)s
    """
    return _one(conn, sql, analyzer=analyzer, model=model, version=prompt_version, simulated=simulated)


COUNT_ANSWER = """
insert into analysis_answers (answered, reason, simulated, answers) values (%(answered)s, %(reason)s, %(simulated)s, 1)
on conflict (day, answered, reason, simulated) do update set answers = analysis_answers.answers + 1
"""


def count_answer(conn: Connection[Any], answered: str, reason: str, *, simulated: bool) -> None:
    """Count an answer to a question for the LLM: who gave it, and why if it was not the LLM."""
    conn.execute("set transaction read write")
    conn.execute(COUNT_ANSWER, {"answered": answered, "reason": reason, "simulated": simulated})


# --- purge -------------------------------------------------------------------------------------------------------------------

# A real track may have been taken for a near-duplicate of a simulated one; it stands for itself again.
RELEASE_DUPLICATES = """
update tracks d set duplicate_of = null, duplicate_score = null, updated_at = now()
from tracks o where o.track_id = d.duplicate_of and o.simulated and not d.simulated
"""

# In this order: what refers to a track goes before the track, and the count of each table is its own.
PURGES: dict[str, str] = {
    "serving_releases": "delete from serving_releases where simulated",
    "reports": "delete from reports where simulated",
    "title_decisions": "delete from title_decisions where simulated",
    "evaluations": "delete from evaluations e where simulated or exists (select from dataset_versions d where d.version = e.dataset_version and d.simulated)",
    "dataset_versions": "delete from dataset_versions where simulated",
    "llm_calls": "delete from llm_calls where simulated",
    "analysis_results": "delete from analysis_results a using tracks t where t.track_id = a.track_id and (a.simulated or t.simulated)",
    # What a simulated analyst said of a real track is no longer known; the facts of simulated tracks go with them.
    "track_facts": "update track_facts set moods = '{}', themes = '{}', rating = null, analysis_simulated = false, input_sha256 = repeat('0', 64) "
    "where analysis_simulated and not simulated",
    "calibrations": "delete from calibrations where simulated",
    "calibration_answers": "delete from calibration_answers where simulated",
    "analysis_answers": "delete from analysis_answers where simulated",
    "ratings": "delete from ratings r using tracks t where t.track_id = r.track_id and (r.simulated or t.simulated)",
    "spotify_tracks": "delete from spotify_tracks s using tracks t where t.track_id = s.track_id and (s.simulated or t.simulated)",
    "audio_features": "delete from audio_features f using tracks t where t.track_id = f.track_id and (f.simulated or t.simulated)",
    "track_vectors_audio": "delete from track_vectors_audio v using tracks t where t.track_id = v.track_id and (v.simulated or t.simulated)",
    "audio_scalers": "delete from audio_scalers where simulated",
    "lyric_features": "delete from lyric_features f using tracks t where t.track_id = f.track_id and t.simulated",
    "track_sections": "delete from track_sections s using tracks t where t.track_id = s.track_id and t.simulated",
    "tracks": "delete from tracks where simulated",
    "raw_songs": "delete from raw_songs where simulated",
    "fetched_songs": "delete from fetched_songs where simulated",
    "artists": "delete from artists where simulated",
}


def simulated_slugs(conn: Connection[Any]) -> list[str]:
    """The partition keys of simulated artists that no real artist shares."""
    sql = "select slug from artists a where simulated and not exists (select from artists r where r.slug = a.slug and not r.simulated) order by slug"
    return [row["slug"] for row in _all(conn, sql)]


def release_duplicates(conn: Connection[Any]) -> int:
    """Free real tracks from being near-duplicates of simulated ones; how many there were."""
    return conn.execute(RELEASE_DUPLICATES).rowcount


def purge_vectors(conn: Connection[Any], table: str) -> int:
    """Delete what is simulated from one table of vectors; the number of rows."""
    statement = f"delete from {table} v using tracks t where t.track_id = v.track_id and (v.simulated or t.simulated)"
    return conn.execute(cast(Any, statement)).rowcount


def purge(conn: Connection[Any], table: str) -> int:
    """Delete what is simulated from one table of PURGES; the number of rows."""
    return conn.execute(cast(Any, PURGES[table])).rowcount
