"""All SQL of this stage: what has no analysis yet, what is known of it, the results, and what the reports are made of."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from rap_platform.analyses.calibration import EDGE, Calibration, Trial, Verse
from rap_platform.analyses.results import MOODS, SCORES, THEMES, Analysis, AnalysisFailure
from rap_platform.analyses.rules import SectionText, Vectors
from rap_platform.features.analysis import LyricFeatures, restored

Connection = psycopg.Connection[Any]

_FIGURES = [field.name for field in fields(LyricFeatures)]

# Work is what has no row under this analyzer, model, version and text. A failure is a row: it is not tried again unless asked for.
_ANALYSED = """
exists (
    select from analysis_results a
    where a.track_id = t.track_id and a.analyzer = %(analyzer)s and a.model = %(model)s
      and a.prompt_version = %(prompt_version)s and a.input_sha256 = t.lyrics_sha256
      and (a.status = 'ok' or %(failed_before)s::timestamptz is null or a.created_at >= %(failed_before)s)
)
"""

# A track waits until its features and all its section vectors are of its present text.
PENDING_FOR_RULES = f"""
select t.track_id
from tracks t
join lyric_features f on f.track_id = t.track_id and f.version = %(features_version)s and f.input_sha256 = t.lyrics_sha256
where t.slot = any(%(slots)s) and not {_ANALYSED}
  and not exists (
    select from track_sections s
    left join section_vectors_minilm v on v.section_id = s.section_id and v.input_sha256 = s.text_sha256
    where s.track_id = t.track_id and v.section_id is null
  )
order by t.track_id
"""

SONGS = f"""
select t.track_id, t.lyrics, t.lyrics_sha256, t.simulated, {", ".join(f"f.{name}" for name in _FIGURES)}
from tracks t
join lyric_features f on f.track_id = t.track_id and f.version = %(features_version)s
where t.track_id = any(%(track_ids)s)
order by t.track_id
"""

SECTIONS = """
select s.track_id, s.first_line, s.last_line, s.text, v.embedding
from track_sections s
join section_vectors_minilm v using (section_id)
where s.track_id = any(%(track_ids)s)
order by s.track_id, s.section_no
"""

# A near-duplicate says what its original says: it is not paid for twice.
PENDING_FOR_LLM = f"""
select t.track_id
from tracks t
where t.slot = any(%(slots)s) and t.duplicate_of is null and not {_ANALYSED}
order by t.track_id
"""

LYRICS = """
select track_id, lyrics, lyrics_sha256, simulated from tracks where track_id = any(%(track_ids)s) order by track_id
"""

_COLUMNS = [
    "track_id", "analyzer", "model", "prompt_version", "input_sha256", "status", "sentiment", "primary_mood", "moods", "themes",
    "profanity_rating", "quality", "complexity", "wordplay", "storytelling", "raw_confidence", "confidence", "ambiguous", "summary", "evidence", "explanation",
    "raw_response", "repaired", "prompt_tokens", "completion_tokens", "cost_usd", "latency_ms", "error", "simulated",
]  # fmt: skip
_KEY = ["track_id", "analyzer", "model", "prompt_version", "input_sha256"]

# What a raw number is worth by a calibration `c`; Calibrator.confidence says the same in Python.
_WORTH = """(1 / (1 + exp(-(c.intercept + c.slope * ln(cut.raw / (1 - cut.raw))))))::real"""
_CUT = f"least(1 - {EDGE}, greatest({EDGE}, least(c.highest, greatest(c.lowest, {{raw}}))))"
# What the stand-in LLM earned never speaks for the real one of the same name.
_OF_MAKER = """c.analyzer = %(analyzer)s and c.model = %(model)s and c.prompt_version = %(prompt_version)s
    and (not c.simulated or %(simulated)s)"""

# Where the analyst brings no confidence, it is what the calibration says of its raw number, and null until there is one.
_EARNED = f"""
(select {_WORTH} from calibrations c cross join lateral (select {_CUT.format(raw="%(raw_confidence)s::real")} as raw) cut where {_OF_MAKER})
"""
_GIVEN = {"confidence": f"coalesce(%(confidence)s::real, {_EARNED})", "raw_confidence": "%(raw_confidence)s::real"}
_VALUES = [_GIVEN.get(name, f"%({name})s") for name in _COLUMNS[1:]]

# The select drops tracks that were deleted meanwhile; an analysis is never replaced by a failure.
STORE = f"""
insert into analysis_results ({", ".join(_COLUMNS)})
select t.track_id, {", ".join(_VALUES)}
from tracks t where t.track_id = %(track_id)s
on conflict ({", ".join(_KEY)}) do update set
    {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in _KEY)}, created_at = now()
where analysis_results.status = 'failed'
"""


@dataclass(frozen=True)
class Song:
    """A track and all that the rules need to know of it."""

    track_id: int
    lyrics: str
    lyrics_sha256: str
    simulated: bool
    features: LyricFeatures
    sections: list[SectionText]
    vectors: Vectors


@dataclass(frozen=True)
class Text:
    """A track's lyrics."""

    track_id: int
    lyrics: str
    lyrics_sha256: str
    simulated: bool


@dataclass(frozen=True)
class Maker:
    """Who makes the rows of a run."""

    analyzer: str
    model: str
    prompt_version: str
    simulated: bool


def pending_for_rules(conn: Connection, maker: Maker, slots: Sequence[int], features_version: str) -> list[int]:
    """The tracks that the rules can and should analyse now."""
    parameters = {
        **_maker(maker),
        "failed_before": None,
        "slots": list(slots),
        "features_version": features_version,
    }
    return [row[0] for row in conn.execute(PENDING_FOR_RULES, parameters)]


def pending_for_llm(
    conn: Connection, maker: Maker, slots: Sequence[int], *, failed_before: dt.datetime | None = None
) -> list[int]:
    """The tracks that the LLM has not analysed yet; with `failed_before` also those that it failed at before then."""
    parameters = {**_maker(maker), "failed_before": failed_before, "slots": list(slots)}
    return [row[0] for row in conn.execute(PENDING_FOR_LLM, parameters)]


def _maker(maker: Maker) -> dict[str, Any]:
    return {"analyzer": maker.analyzer, "model": maker.model, "prompt_version": maker.prompt_version}


def songs(conn: Connection, track_ids: Sequence[int], features_version: str) -> list[Song]:
    """These tracks with features, sections and vectors."""
    sections: dict[int, list[SectionText]] = {}
    vectors: dict[int, list[Any]] = {}
    for track_id, first, last, text, vector in conn.execute(SECTIONS, {"track_ids": list(track_ids)}):
        sections.setdefault(track_id, []).append(SectionText(first, last, text))
        vectors.setdefault(track_id, []).append(vector.to_numpy())
    rows = conn.execute(SONGS, {"track_ids": list(track_ids), "features_version": features_version}).fetchall()
    return [
        Song(
            track_id,
            lyrics,
            sha256,
            simulated,
            restored(_FIGURES, figures),
            sections.get(track_id, []),
            np.array(vectors.get(track_id, []), dtype=np.float32),
        )
        for track_id, lyrics, sha256, simulated, *figures in rows
    ]


def texts(conn: Connection, track_ids: Sequence[int]) -> list[Text]:
    """The lyrics of these tracks."""
    return [Text(*row) for row in conn.execute(LYRICS, {"track_ids": list(track_ids)})]


def store(conn: Connection, maker: Maker, results: Iterable[tuple[Song | Text, Analysis | AnalysisFailure]]) -> None:
    """Write results; a row is simulated when its maker or its track is."""
    with conn.cursor() as cursor:
        cursor.executemany(STORE, [_row(maker, song, result) for song, result in results])


def _row(maker: Maker, song: Song | Text, result: Analysis | AnalysisFailure) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(_COLUMNS)
    row |= {
        "track_id": song.track_id,
        "analyzer": maker.analyzer,
        "model": maker.model,
        "prompt_version": maker.prompt_version,
        "input_sha256": song.lyrics_sha256,
        "simulated": maker.simulated or song.simulated,
        "repaired": False,
    }
    if result.call:
        row |= result.call.model_dump(exclude={"requests"})
    if isinstance(result, AnalysisFailure):
        return row | {"status": "failed", "error": result.error}
    said = result.model_dump(exclude={"call"})
    return row | said | {"status": "ok", "evidence": Jsonb(said["evidence"]), "explanation": Jsonb(said["explanation"])}


# ---- what a confidence is worth --------------------------------------------------------------------------------------

HAS_ROWS = """
select exists (
    select from analysis_results
    where analyzer = %(analyzer)s and model = %(model)s and prompt_version = %(prompt_version)s and status = 'ok'
)
"""

ANSWERS = """
select input_sha256, moods, raw_confidence::float8 from calibration_answers
where analyzer = %(analyzer)s and model = %(model)s and prompt_version = %(prompt_version)s
"""

STORE_ANSWER = """
insert into calibration_answers (analyzer, model, prompt_version, input_sha256, moods, raw_confidence, error, cost_usd, simulated)
values (%(analyzer)s, %(model)s, %(prompt_version)s, %(input_sha256)s, %(moods)s, %(raw_confidence)s, %(error)s, %(cost_usd)s, %(simulated)s)
on conflict (analyzer, model, prompt_version, input_sha256) do nothing
"""

ANSWERED_BY = """
select analyzer, model, prompt_version, bool_or(simulated) from calibration_answers group by analyzer, model, prompt_version
"""

# The digest goes with the fit, so the same verses and method come to the same calibration: it is written when one of them changes.
STORE_CALIBRATION = """
insert into calibrations (analyzer, model, prompt_version, digest, method, intercept, slope, lowest, highest, verses, answered,
    right_answers, brier, base_brier, ece, reliability, simulated)
values (%(analyzer)s, %(model)s, %(prompt_version)s, %(digest)s, %(method)s, %(intercept)s, %(slope)s, %(lowest)s, %(highest)s, %(verses)s,
    %(answered)s, %(right_answers)s, %(brier)s, %(base_brier)s, %(ece)s, %(reliability)s, %(simulated)s)
on conflict (analyzer, model, prompt_version) do update set
    digest = excluded.digest, method = excluded.method, intercept = excluded.intercept, slope = excluded.slope, lowest = excluded.lowest,
    highest = excluded.highest, verses = excluded.verses, answered = excluded.answered, right_answers = excluded.right_answers,
    brier = excluded.brier, base_brier = excluded.base_brier, ece = excluded.ece, reliability = excluded.reliability,
    simulated = excluded.simulated, made_at = now()
where (calibrations.digest, calibrations.answered, calibrations.intercept, calibrations.slope, calibrations.lowest, calibrations.highest)
    is distinct from (excluded.digest, excluded.answered, excluded.intercept, excluded.slope, excluded.lowest, excluded.highest)
"""

# Nobody is asked again: the raw numbers are there. Rules round theirs to four digits.
RECALIBRATE = f"""
update analysis_results a set confidence = worth.confidence
from (
    select r.analysis_id, {_WORTH} as confidence
    from calibrations c
    join analysis_results r using (analyzer, model, prompt_version)
    cross join lateral (select {_CUT.format(raw="r.raw_confidence")} as raw) cut
    where r.status = 'ok' and (not c.simulated or r.simulated)
) worth
where a.analysis_id = worth.analysis_id and (a.confidence is null or abs(a.confidence - worth.confidence) > 0.0001)
"""

CALIBRATIONS = """
select analyzer, model, prompt_version, verses, answered, right_answers, brier, base_brier, ece, reliability, simulated
from calibrations order by analyzer, model, made_at desc
"""


def has_rows(conn: Connection, maker: Maker) -> bool:
    """Whether this maker has analysed anything."""
    row = conn.execute(HAS_ROWS, _maker(maker)).fetchone()
    return bool(row and row[0])


def forget_namesake(conn: Connection, maker: Maker) -> None:
    """Drop what the stand-in earned under the name of this real analyst, or the other way round."""
    for table in ("calibration_answers", "calibrations"):
        conn.execute(
            f"""delete from {table} where analyzer = %(analyzer)s and model = %(model)s and prompt_version = %(prompt_version)s
                and simulated <> %(simulated)s""".encode(),
            {**_maker(maker), "simulated": maker.simulated},
        )


def trials(conn: Connection, maker: Maker, verses: Iterable[Verse]) -> list[Trial]:
    """What this maker said of these verses, as far as it was asked."""
    said = {sha256: (moods, raw) for sha256, moods, raw in conn.execute(ANSWERS, _maker(maker))}
    return [Trial(v, tuple(said[v.sha256][0] or ()), said[v.sha256][1]) for v in verses if v.sha256 in said]


def store_answers(conn: Connection, maker: Maker, answers: Iterable[tuple[Verse, Analysis | AnalysisFailure]]) -> None:
    """Keep what was said of labelled verses."""
    with conn.cursor() as cursor:
        cursor.executemany(STORE_ANSWER, [_answer(maker, verse, result) for verse, result in answers])


def _answer(maker: Maker, verse: Verse, result: Analysis | AnalysisFailure) -> dict[str, Any]:
    row = {
        **_maker(maker),
        **dict.fromkeys(("moods", "raw_confidence", "error")),
        "input_sha256": verse.sha256,
        "cost_usd": result.call.cost_usd if result.call else None,
        "simulated": maker.simulated,
    }
    if isinstance(result, AnalysisFailure):
        return row | {"error": result.error}
    return row | {"moods": list(result.moods), "raw_confidence": result.raw_confidence}


def answered_by(conn: Connection) -> list[Maker]:
    """Everybody who was asked about labelled verses."""
    return [Maker(*row) for row in conn.execute(ANSWERED_BY)]


def store_calibration(conn: Connection, maker: Maker, found: Calibration, *, digest: str, method: str) -> bool:
    """Keep a calibration; whether it is new or another one than before."""
    body = asdict(found)
    parameters = {
        **_maker(maker),
        **body["calibrator"],
        **{name: body[name] for name in ("verses", "answered", "brier", "base_brier", "ece")},
        "right_answers": found.right,
        "reliability": Jsonb(list(body["bins"])),
        "digest": digest,
        "method": method,
        "simulated": maker.simulated,
    }
    return conn.execute(STORE_CALIBRATION, parameters).rowcount == 1


def recalibrate(conn: Connection) -> int:
    """Bring the confidence of every row to what the calibration of its maker says; how many changed."""
    return conn.execute(RECALIBRATE).rowcount


def calibrations(conn: Connection) -> list[dict[str, Any]]:
    """Every calibration, the newest of an analyzer and model first."""
    cursor = conn.execute(CALIBRATIONS)
    names = [column.name for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor]


# ---- the agreement report -------------------------------------------------------------------------------------------

# Real songs read by the simulated world's LLM are a population of their own: neither real nor of that world.
_POPULATION = (
    "case when t.simulated then 'simulated' when a.simulated then 'real tracks, simulated analyst' else 'real' end"
)

# The newest result of each analyzer and model on each track's present text.
CURRENT = f"""
select distinct on (a.track_id, a.analyzer, a.model)
    a.track_id, t.artist_id, t.simulated as track_simulated, a.analyzer, a.model, {_POPULATION} as population, a.status, a.error, a.sentiment,
    a.primary_mood, a.themes, a.quality, a.complexity, a.wordplay, a.storytelling, a.confidence, a.repaired, a.prompt_tokens,
    a.completion_tokens, a.cost_usd::float8 as cost_usd, a.latency_ms
from analysis_results a
join tracks t on t.track_id = a.track_id and t.lyrics_sha256 = a.input_sha256
where t.duplicate_of is null
order by a.track_id, a.analyzer, a.model, a.created_at desc, a.analysis_id desc
"""

ANALYSIS_ANSWERS = "select answered, reason, sum(answers)::bigint from analysis_answers group by answered, reason"

TRACKS = "select simulated, count(*) from tracks where duplicate_of is null group by simulated"

CONTENT = """
select concat_ws(' ', count(*), coalesce(max(analysis_id), 0), coalesce(extract(epoch from max(created_at)), 0),
    (select concat_ws(' ', count(*), count(duplicate_of), coalesce(max(updated_at)::text, '')) from tracks),
    (select concat_ws(' ', count(*), max(made_at)) from calibrations), (select sum(answers) from analysis_answers))
from analysis_results
"""

HAS_REPORT = "select exists (select from reports where kind = %(kind)s and body ->> 'content_digest' = %(digest)s)"

STORE_REPORT = """
insert into reports (kind, input_digest, body, markdown, simulated)
values (%(kind)s, %(digest)s, %(body)s, %(markdown)s, %(simulated)s)
on conflict (kind, input_digest) do nothing
"""


def current(conn: Connection) -> list[dict[str, Any]]:
    """The newest result of every analyzer and model on every track's present text, failures included, near-duplicates not."""
    cursor = conn.execute(CURRENT)
    names = [column.name for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def track_counts(conn: Connection) -> dict[bool, int]:
    """Tracks that are no near-duplicates: simulated -> number."""
    return dict(conn.execute(TRACKS).fetchall())


def analysis_answers(conn: Connection) -> dict[tuple[str, str], int]:
    """How often the API answered when the LLM was asked for: (who answered, why not the LLM or nothing) -> number."""
    return {(answered, reason): count for answered, reason, count in conn.execute(ANALYSIS_ANSWERS)}


def content(conn: Connection) -> str:
    """A text that changes when tracks or results do."""
    row = conn.execute(CONTENT).fetchone()
    return str(row[0]) if row else ""


def has_report(conn: Connection, kind: str, digest: str) -> bool:
    """Whether this content was reported already."""
    row = conn.execute(HAS_REPORT, {"kind": kind, "digest": digest}).fetchone()
    return bool(row and row[0])


def store_report(conn: Connection, kind: str, body: Mapping[str, Any], markdown: str, *, simulated: bool) -> None:
    """Keep the report of one population; it is found again by its content's digest."""
    digest = hashlib.sha256(f"{body['content_digest']} {body['population']}".encode()).hexdigest()
    parameters = {
        "kind": kind,
        "digest": digest,
        "body": Jsonb(dict(body)),
        "markdown": markdown,
        "simulated": simulated,
    }
    conn.execute(STORE_REPORT, parameters)


# ---- checks ---------------------------------------------------------------------------------------------------------

_OUTSIDE = " or ".join(f"{name} is null or {name} not between 1 and 10" for name in SCORES)

OUT_OF_RANGE = f"""
select count(*), count(*) filter (where {_OUTSIDE} or raw_confidence is null or raw_confidence not between 0 and 1),
    count(*) filter (where sentiment is null or not coalesce(primary_mood = any(%(moods)s), false)
        or not coalesce(moods <@ %(moods)s and cardinality(moods) between 1 and 3, false)
        or not coalesce(themes <@ %(themes)s and cardinality(themes) <= 4, false))
from analysis_results where analyzer = %(analyzer)s and status = 'ok'
"""

MISLABELLED = """
select count(*),
    count(*) filter (where status = 'ok' and (error is not null or (%(needs_response)s and raw_response is null))),
    count(*) filter (where status = 'failed' and num_nonnulls(quality, complexity, wordplay, storytelling, raw_confidence, confidence, primary_mood) > 0)
from analysis_results where analyzer = %(analyzer)s
"""

SPREAD = """
with ok as (
    select *, (quality, complexity, wordplay, storytelling, raw_confidence)::text as said
    from analysis_results where analyzer = %(analyzer)s and status = 'ok'
)
select count(*), coalesce(stddev_samp(quality), 0)::float8, coalesce(stddev_samp(complexity), 0)::float8, coalesce(stddev_samp(wordplay), 0)::float8,
    coalesce(stddev_samp(storytelling), 0)::float8,
    coalesce((select max(n) from (select count(*) as n from ok group by said) same), 0),
    coalesce((select max(n) from (select count(*) as n from ok group by primary_mood) same), 0)
from ok
"""

FAILURES = """
select split_part(coalesce(error, 'ok'), ':', 1) as kind, count(*) from analysis_results where analyzer = %(analyzer)s group by kind
"""


def out_of_range(conn: Connection, analyzer: str) -> tuple[int, int, int]:
    """Ok rows; those with a score out of range; those outside the vocabularies."""
    row = conn.execute(OUT_OF_RANGE, {"analyzer": analyzer, "moods": list(MOODS), "themes": list(THEMES)}).fetchone()
    return row or (0, 0, 0)


def mislabelled(conn: Connection, analyzer: str, *, needs_response: bool) -> tuple[int, int, int]:
    """Rows; ok rows that are none; failures that carry scores."""
    return conn.execute(MISLABELLED, {"analyzer": analyzer, "needs_response": needs_response}).fetchone() or (0, 0, 0)


def spread(conn: Connection, analyzer: str) -> tuple[int, dict[str, float], int, int]:
    """Ok rows; standard deviation of each score; the most rows that say the very same; the most with one mood."""
    row = conn.execute(SPREAD, {"analyzer": analyzer}).fetchone()
    count, quality, complexity, wordplay, storytelling, same, mood = row or (0, 0.0, 0.0, 0.0, 0.0, 0, 0)
    return count, dict(zip(SCORES, (quality, complexity, wordplay, storytelling), strict=True)), same, mood


def failures(conn: Connection, analyzer: str) -> dict[str, int]:
    """Rows by kind of failure, and 'ok'."""
    return dict(conn.execute(FAILURES, {"analyzer": analyzer}).fetchall())


# Only what the present lyrics and the newest version say counts: rows of older versions keep what they had.
WITHOUT_CONFIDENCE = """
select analyzer, model, count(*) from (
    select distinct on (a.track_id, a.analyzer, a.model) a.analyzer, a.model, a.status, a.confidence
    from analysis_results a join tracks t on t.track_id = a.track_id and t.lyrics_sha256 = a.input_sha256
    order by a.track_id, a.analyzer, a.model, a.created_at desc, a.analysis_id desc
) newest
where status = 'ok' and confidence is null
group by analyzer, model order by analyzer, model
"""

ANALYSIS_COUNT = "select count(*) from analysis_results where status = 'ok'"

NEWEST_REPORTS = """
select distinct on (body ->> 'population') body ->> 'population', jsonb_array_length(body -> 'pairs')
from reports where kind = %(kind)s order by body ->> 'population', created_at desc
"""


def without_confidence(conn: Connection) -> list[tuple[str, str, int]]:
    """Analyzer, model and number of current analyses that have no confidence."""
    return conn.execute(WITHOUT_CONFIDENCE).fetchall()


def analysis_count(conn: Connection) -> int:
    """All analyses that did not fail."""
    row = conn.execute(ANALYSIS_COUNT).fetchone()
    return int(row[0]) if row else 0


def newest_reports(conn: Connection, kind: str) -> dict[str, int]:
    """The populations of the newest reports of a kind, with their number of pairs."""
    return dict(conn.execute(NEWEST_REPORTS, {"kind": kind}).fetchall())
