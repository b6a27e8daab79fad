"""All SQL of the stage: what analyzers said of the dataset's tracks, evaluations and their predictions."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from rap_platform.evaluation.slices import Traits

_WORDS = """
select m.track_id, t.word_count
from dataset_members m join tracks t using (track_id)
where m.version = %(version)s
"""

# The newest word of each analyzer on the wording that was rated; of a real track only what a real analyzer said.
_OPINIONS = """
select distinct on (a.track_id, a.analyzer) a.track_id, a.analyzer, a.status, a.quality, a.error
from analysis_results a
join dataset_members m using (track_id)
join tracks t using (track_id)
where m.version = %(version)s and a.analyzer = any(%(analyzers)s) and a.input_sha256 = m.lyrics_sha256
  and (not a.simulated or t.simulated)
order by a.track_id, a.analyzer, a.created_at desc, a.analysis_id desc
"""

_OPINIONS_DIGEST = """
select md5(coalesce(string_agg(concat_ws(':', a.analysis_id, extract(epoch from a.created_at)), ',' order by a.analysis_id), ''))
from analysis_results a
join dataset_members m using (track_id)
where m.version = %(version)s and a.analyzer = any(%(analyzers)s) and a.input_sha256 = m.lyrics_sha256
"""

_BY_DIGEST = "select evaluation_id from evaluations where input_digest = %(digest)s"

# An input that comes back is current again.
_USE_AGAIN = """
update evaluations set created_at = now()
where input_digest = %(digest)s and exists (
    select from evaluations other where other.input_digest <> %(digest)s and other.created_at >= evaluations.created_at
)
"""

_INSERT = """
insert into evaluations (dataset_version, input_digest, report, markdown, pictures, mlflow_run_id, simulated)
values (%(dataset_version)s, %(digest)s, %(report)s, %(markdown)s, %(pictures)s, %(mlflow_run_id)s, %(simulated)s)
returning evaluation_id
"""

_COPY_PREDICTIONS = "copy predictions (evaluation_id, track_id, predictor, predicted, failure) from stdin"

_LATEST = """
select evaluation_id, dataset_version, report, markdown, mlflow_run_id, simulated, created_at
from evaluations
order by created_at desc, evaluation_id desc
limit 1
"""

_TRAITS = """
select m.track_id, t.year, (select count(*) from tracks o where o.artist_id = t.artist_id) as artist_tracks,
       t.word_count as words, t.language
from dataset_members m join tracks t using (track_id)
where m.version = %(version)s and m.split = 'eval'
"""

_SAID = """
select track_id, predictor, predicted from predictions
where evaluation_id = %(evaluation_id)s and predictor = any(%(predictors)s) and predicted is not null
"""

# What a version learned from, by track and by text: a copy under another number is no news either.
_LEARNED = """
select new.track_id
from dataset_members new
where new.version = %(version)s and new.split = 'eval' and exists (
    select from dataset_members old
    where old.version = %(learned)s and old.split = 'train'
      and (old.track_id = new.track_id or old.lyrics_sha256 = new.lyrics_sha256)
)
"""

_LABELS = """
select count(*), count(distinct label), coalesce(stddev_pop(label), 0), min(label), max(label)
from dataset_members where version = %(version)s and split = 'eval'
"""

_GROUPS_ON_BOTH_SIDES = """
select group_key from dataset_members where version = %(version)s group by group_key having count(distinct split) > 1 order by group_key
"""

_STORED_MAE = """
select p.predictor, count(*) filter (where p.predicted is not null), count(*), avg(abs(p.predicted - m.label))
from predictions p
join evaluations e using (evaluation_id)
join dataset_members m on m.version = e.dataset_version and m.track_id = p.track_id and m.split = 'eval'
where p.evaluation_id = %(evaluation_id)s
group by p.predictor
"""

_INSERT_DECISION = """
insert into title_decisions
    (action, version, previous, judged, reason, actor, evaluation_id, dataset_version, simulated, evidence, links)
values (%(action)s, %(version)s, %(previous)s, %(judged)s, %(reason)s, %(actor)s, %(evaluation_id)s, %(dataset_version)s,
        %(simulated)s, %(evidence)s, %(links)s)
returning decision_id
"""

_DECISIONS = """
select decision_id, action, version, previous, judged, reason, actor, evaluation_id, dataset_version, simulated, evidence, links,
       decided_at, applied_at
from title_decisions
order by decision_id
"""

_APPLIED = "update title_decisions set applied_at = clock_timestamp() where decision_id = %(decision_id)s"

_EVALUATION = """
select evaluation_id, dataset_version, report, markdown, mlflow_run_id, simulated, created_at
from evaluations where evaluation_id = %(evaluation_id)s
"""

_EQUAL_ERRORS = """
select p.predictor, count(*), avg(abs(p.predicted - m.label))
from predictions p
join evaluations e using (evaluation_id)
join dataset_members m on m.version = e.dataset_version and m.track_id = p.track_id
where p.evaluation_id = %(evaluation_id)s and p.predicted is not null
group by p.predictor
having count(*) > 1 and max(abs(p.predicted - m.label)) - min(abs(p.predicted - m.label)) < %(tolerance)s
order by p.predictor
"""


_HELD_OUT = """
select t.source_id, t.title, m.label, p.predicted
from predictions p
join evaluations e using (evaluation_id)
join dataset_members m on m.version = e.dataset_version and m.track_id = p.track_id
join tracks t on t.track_id = p.track_id
where p.evaluation_id = %(evaluation_id)s and p.predictor = %(predictor)s and p.predicted is not null
order by p.track_id
"""


def held_out(conn: psycopg.Connection, evaluation_id: int, predictor: str) -> list[tuple[str, str, float, float]]:
    """(source id, title, label, predicted) of each held-out track that the predictor covers."""
    return conn.execute(_HELD_OUT, {"evaluation_id": evaluation_id, "predictor": predictor}).fetchall()


def words(conn: psycopg.Connection, version: str) -> dict[int, int]:
    """Words per track of a dataset version."""
    return dict(conn.execute(_WORDS, {"version": version}).fetchall())


def opinions(
    conn: psycopg.Connection, version: str, analyzers: Sequence[str]
) -> list[tuple[int, str, str, float | None, str | None]]:
    """Newest (track id, analyzer, status, quality, error) of each analyzer and track."""
    return conn.execute(_OPINIONS, {"version": version, "analyzers": list(analyzers)}).fetchall()


def opinions_digest(conn: psycopg.Connection, version: str, analyzers: Sequence[str]) -> str:
    """Changes when an analyzer said something new about a track of the version."""
    row = conn.execute(_OPINIONS_DIGEST, {"version": version, "analyzers": list(analyzers)}).fetchone()
    return "" if row is None else str(row[0])


def use_again(conn: psycopg.Connection, digest: str) -> int | None:
    """The stored evaluation of exactly this input, made the newest unless it is; None when there is none."""
    row = conn.execute(_BY_DIGEST, {"digest": digest}).fetchone()
    if row is None:
        return None
    conn.execute(_USE_AGAIN, {"digest": digest})
    return int(row[0])


def insert_evaluation(
    conn: psycopg.Connection,
    *,
    dataset_version: str,
    digest: str,
    report: dict[str, Any],
    markdown: str,
    pictures: dict[str, str],
    mlflow_run_id: str | None,
    simulated: bool,
    predictions: Iterable[tuple[int, str, float | None, str | None]],
) -> int:
    """Store a report and the (track, predictor, predicted, failure) rows it was computed from; returns its id."""
    row = {
        "dataset_version": dataset_version,
        "digest": digest,
        "report": Jsonb(report),
        "markdown": markdown,
        "pictures": Jsonb(pictures),
        "mlflow_run_id": mlflow_run_id,
        "simulated": simulated,
    }
    with conn.cursor() as cursor:
        stored = cursor.execute(_INSERT, row).fetchone()
        if stored is None:
            raise LookupError("insert returned no evaluation_id")
        with cursor.copy(_COPY_PREDICTIONS) as copy:
            for track_id, predictor, predicted, failure in predictions:
                copy.write_row((stored[0], track_id, predictor, predicted, failure))
    return int(stored[0])


def latest_evaluation(conn: psycopg.Connection) -> dict[str, Any] | None:
    """The newest evaluation with its report."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LATEST).fetchone()


def evaluation(conn: psycopg.Connection, evaluation_id: int) -> dict[str, Any] | None:
    """An evaluation by its number."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_EVALUATION, {"evaluation_id": evaluation_id}).fetchone()


def predictors_with_equal_errors(
    conn: psycopg.Connection, evaluation_id: int, tolerance: float
) -> list[tuple[str, int, float]]:
    """Predictors all of whose absolute errors are the same: (name, tracks, that error), recomputed from the stored predictions."""
    return conn.execute(_EQUAL_ERRORS, {"evaluation_id": evaluation_id, "tolerance": tolerance}).fetchall()


def traits(conn: psycopg.Connection, version: str) -> dict[int, Traits]:
    """What the held-out tracks of a version are sliced by."""
    with conn.cursor() as cursor:
        rows = cursor.execute(_TRAITS, {"version": version}).fetchall()
    return {row[0]: Traits(*row[1:]) for row in rows}


def said(conn: psycopg.Connection, evaluation_id: int, predictors: Sequence[str]) -> dict[str, dict[int, float]]:
    """The stored predictions of an evaluation by predictor and track; failures are left out."""
    found: dict[str, dict[int, float]] = {name: {} for name in predictors}
    for track_id, name, value in conn.execute(
        _SAID, {"evaluation_id": evaluation_id, "predictors": list(predictors)}
    ).fetchall():
        found[name][track_id] = value
    return found


def learned_from(conn: psycopg.Connection, version: str, learned: str) -> set[int]:
    """Held-out tracks of `version` that, or whose text, stand on the train side of the dataset version `learned`."""
    return {row[0] for row in conn.execute(_LEARNED, {"version": version, "learned": learned}).fetchall()}


def evaluated_labels(conn: psycopg.Connection, version: str) -> tuple[int, int, float, float, float]:
    """Count, distinct values, standard deviation, smallest and largest of the held-out labels."""
    row = conn.execute(_LABELS, {"version": version}).fetchone()
    if row is None:
        raise LookupError("an aggregate query returned no row")
    return row[0], row[1], float(row[2]), row[3], row[4]


def groups_on_both_sides(conn: psycopg.Connection, version: str) -> list[str]:
    """Groups of artists and near-duplicates with tracks in train and in eval."""
    return [row[0] for row in conn.execute(_GROUPS_ON_BOTH_SIDES, {"version": version}).fetchall()]


def stored_mae(conn: psycopg.Connection, evaluation_id: int) -> dict[str, tuple[int, int, float | None]]:
    """By predictor: tracks predicted, tracks asked, and the MAE computed again from the stored predictions."""
    rows = conn.execute(_STORED_MAE, {"evaluation_id": evaluation_id}).fetchall()
    return {name: (predicted, asked, mae) for name, predicted, asked, mae in rows}


def insert_decision(conn: psycopg.Connection, decision: dict[str, Any]) -> int:
    """Store a decision about the title, not applied yet; its number."""
    row = decision | {"evidence": Jsonb(decision["evidence"]), "links": Jsonb(decision["links"])}
    stored = conn.execute(_INSERT_DECISION, row).fetchone()
    if stored is None:
        raise LookupError("insert returned no decision_id")
    return int(stored[0])


def decisions(conn: psycopg.Connection) -> list[dict[str, Any]]:
    """Every decision about the title, oldest first; the last one counts."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_DECISIONS).fetchall()


def mark_applied(conn: psycopg.Connection, decision_id: int) -> None:
    """Say that MLflow's aliases are what the decision says."""
    conn.execute(_APPLIED, {"decision_id": decision_id})
