"""The title champion: decided by promotion.py, stored first, then said to MLflow by aliases, descriptions and tags; nothing is lost between.

The newest stored decision counts. One that a killed process could not carry out is carried out by the next who looks; an alias
that somebody moved in MLflow is taken as their decision and recorded.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import psycopg

from rap_platform.evaluation import asking, promotion, queries, tracking
from rap_platform.evaluation.promotion import BY_HAND, Action, Contender, Past
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.training.naming import MODEL_NAME

CHAMPION = tracking.CHAMPION


class NoSuchVersion(Exception):
    """The registry has no such version of the model, or there is none to go back to; the message names it."""


def reconcile(conn: psycopg.Connection, mlflow: MlflowResource) -> list[dict[str, Any]]:
    """Bring table and aliases together after a crash or a move in MLflow; every decision, oldest first. Commits."""
    history = queries.decisions(conn)
    last = history[-1] if history else None
    if last is not None and last["applied_at"] is None:
        carry_out(conn, mlflow, last)
        return queries.decisions(conn)
    alias = mlflow.alias(MODEL_NAME, CHAMPION)
    holder, known = None if alias is None else str(alias.version), None if last is None else last["version"]
    if holder == known:
        return history
    if last is not None and holder is None and not _still_there(mlflow, str(known), last):
        reason = f"version {known} is no longer in the registry"
        carry_out(conn, mlflow, _stored(conn, mlflow, _row("lost", None, known, None, reason, "mlflow")))
        return queries.decisions(conn)
    moved = (
        "the alias was moved in MLflow" if last is not None else "the alias stood in MLflow before this history began"
    )
    row = _row("moved in MLflow", holder, known, None, moved, "mlflow")
    row["simulated"] = alias is not None and alias.tags.get("simulated") == "true"
    carry_out(conn, mlflow, _stored(conn, mlflow, row))
    return queries.decisions(conn)


def _still_there(mlflow: MlflowResource, version: str, decision: Mapping[str, Any]) -> bool:
    """Whether the registry has the version that was decided on; one of its number that was made later, in a new registry, is another."""
    made = [found.creation_timestamp for found in mlflow.versions(MODEL_NAME) if str(found.version) == version]
    return any(milliseconds <= 1000 * decision["decided_at"].timestamp() for milliseconds in made)


def judge(
    conn: psycopg.Connection,
    mlflow: MlflowResource,
    evaluation: Mapping[str, Any],
    *,
    seed: int,
    links: Mapping[str, Any],
) -> tuple[dict[str, Any], bool]:
    """The decision that an evaluation leads to and whether it is new; carried out. `links` lead to the Dagster run.

    An evaluation decides once: what a person decided on the same evaluation stands.
    """
    history = reconcile(conn, mlflow)
    if history and history[-1]["evaluation_id"] == evaluation["evaluation_id"]:
        return history[-1], False
    body = evaluation["report"]
    judged, verdict = str(body["model_version"]), body["verdict"]
    held = mlflow.alias(MODEL_NAME, CHAMPION)
    incumbent = None if held is None else contender(held)
    challenger = Contender(judged, str(body["population"]), bool(body["simulated"]))
    barred = promotion.barred(past(row) for row in history)
    duel = None
    if held is not None and promotion.needs_duel(challenger, incumbent, barred):
        duel = asking.duel(conn, mlflow, evaluation, str(held.version), held.tags.get("dataset"), seed=seed)
    decision = promotion.decide(challenger, verdict, incumbent, duel, barred)
    row = _row(
        decision.action,
        decision.holder,
        None if incumbent is None else incumbent.version,
        judged,
        decision.reason,
        "dagster",
    )
    row |= _of(evaluation) | {"links": {**body.get("links", {}), **links}}
    row["evidence"] = {
        "verdict": dict(verdict),
        "best_baseline": body["best_baseline"],
        "incumbent": None if incumbent is None else asdict(incumbent),
        "duel": asking.told(duel),
    }
    stored = _stored(conn, mlflow, row)
    carry_out(conn, mlflow, stored)
    return stored, True


def by_hand(
    conn: psycopg.Connection, mlflow: MlflowResource, action: Action, version: str | None, reason: str, actor: str
) -> tuple[dict[str, Any], bool]:
    """Give the title to a version as a person says and record it; whether anything changed. Without a version: to the last holder.

    Raises NoSuchVersion.
    """
    history = reconcile(conn, mlflow)
    holder = history[-1]["version"] if history else None
    versions = {str(found.version): found for found in mlflow.versions(MODEL_NAME)}
    if version is None:
        version = promotion.predecessor([past(row) for row in history], holder, versions)
        if version is None:
            raise NoSuchVersion("no earlier champion to go back to: `rap-platform champion history` lists them")
    if version not in versions:
        known = ", ".join(sorted(versions, key=int)) or "none"
        raise NoSuchVersion(f"{MODEL_NAME} has no version {version}; registered: {known}")
    if version == holder:
        return history[-1], False
    evaluation = queries.latest_evaluation(conn)
    row = _row(action, version, holder, None, reason, actor)
    if evaluation is not None:
        row |= _of(evaluation)
        row["judged"] = evaluation["report"]["model_version"]
    row["simulated"] = versions[version].tags.get("simulated") == "true"
    stored = _stored(conn, mlflow, row)
    carry_out(conn, mlflow, stored)
    return stored, True


def carry_out(conn: psycopg.Connection, mlflow: MlflowResource, row: Mapping[str, Any]) -> None:
    """Say a stored decision to MLflow, which can be said twice, and mark it as said. Commits."""
    evaluation = None if row["evaluation_id"] is None else queries.evaluation(conn, row["evaluation_id"])
    tracking.log_title(mlflow, row, sentence(row), evaluation)
    queries.mark_applied(conn, row["decision_id"])
    conn.commit()


def contender(version: Any) -> Contender:
    """A registered version as a contender, from the tags that it carries from its first moment."""
    simulated = version.tags.get("simulated") == "true"
    return Contender(
        str(version.version), version.tags.get("population", "simulated" if simulated else "real"), simulated
    )


def past(row: Mapping[str, Any]) -> Past:
    """A stored decision as the rules need it."""
    return Past(row["action"], row["version"], row["previous"], row["judged"], row["reason"])


def sentence(row: Mapping[str, Any]) -> str:
    """Who is champion and why, in one sentence."""
    who = "Nobody is champion" if row["version"] is None else f"Version {row['version']} is champion"
    by = f" by {row['actor']}" if row["action"] in BY_HAND else ""
    before = f", before: {row['previous']}" if row["previous"] not in (None, row["version"]) else ""
    simulated = " (simulated)" if row["simulated"] else ""
    return f"{who}{simulated}, {row['action']}{by}{before}: {row['reason']}"


def _row(
    action: Action, version: str | None, previous: str | None, judged: str | None, reason: str, actor: str
) -> dict[str, Any]:
    return {
        "action": action, "version": version, "previous": previous, "judged": judged, "reason": reason, "actor": actor,
        "evaluation_id": None, "dataset_version": None, "simulated": False, "evidence": {}, "links": {},
    }  # fmt: skip


def _of(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "evaluation_id": evaluation["evaluation_id"],
        "dataset_version": evaluation["dataset_version"],
        "simulated": bool(evaluation["simulated"]),
        "links": dict(evaluation["report"].get("links", {})),
    }


def _stored(conn: psycopg.Connection, mlflow: MlflowResource, row: dict[str, Any]) -> dict[str, Any]:
    if row["version"] is not None:
        row["links"]["champion_model"] = mlflow.model_url(MODEL_NAME, row["version"])
    decision_id = queries.insert_decision(conn, row)
    conn.commit()
    return next(stored for stored in reversed(queries.decisions(conn)) if stored["decision_id"] == decision_id)
