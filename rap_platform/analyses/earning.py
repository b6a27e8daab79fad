"""How an analyst earns its confidence: it reads the labelled verses, once, and what it said is stored and fitted. Knows no dagster."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rap_platform.analyses import calibration, queries, rules
from rap_platform.analyses.asking import Outcome, Result, ask_all
from rap_platform.analyses.calibration import Calibration, TooFewAnswers, Verse, labelled_verses
from rap_platform.analyses.queries import Connection, Maker

RULES: Final = Maker(rules.ANALYZER, rules.MODEL, rules.RULES_VERSION, simulated=False)


@dataclass(frozen=True)
class Earned:
    """How it stands with one analyst: its calibration, or why there is none."""

    maker: Maker
    calibration: Calibration | None
    reason: str | None = None
    is_new: bool = False

    def figures(self) -> dict[str, Any]:
        """For people."""
        found = self.calibration
        if found is None:
            return {"status": "no confidence yet", "reason": self.reason}
        return {
            "verses": found.verses,
            "answered": found.answered,
            "right": round(found.accuracy, 3),
            "brier": round(found.brier, 3),
            "base_brier": round(found.base_brier, 3),
            "expected_calibration_error": round(found.ece, 3),
        }


def ask_verses(
    conn: Connection,
    maker: Maker,
    ask: Callable[[str], Result],
    *,
    concurrency: int,
    stop: Callable[[], None] = lambda: None,
) -> tuple[int, Outcome[Verse]]:
    """Ask for every labelled verse that this maker has not read; each answer is committed as it comes.

    Returns how many were answered now, and how the round ended: what was not answered is asked the next time.
    """
    with conn.transaction():
        queries.forget_namesake(conn, maker)
        known = {trial.verse for trial in queries.trials(conn, maker, labelled_verses())}
    missing = [verse for verse in labelled_verses() if verse not in known]
    outcome: Outcome[Verse] = Outcome()
    count = 0
    answers = ask_all(missing, lambda verse: ask(verse.lyrics), concurrency=concurrency, outcome=outcome, stop=stop)
    for answered in answers:
        with conn.transaction():
            queries.store_answers(conn, maker, answered)
        count += len(answered)
    return count, outcome


def earn(conn: Connection) -> list[Earned]:
    """Fit everybody's answers and bring every stored confidence to what the fits say; nobody is asked. One transaction."""
    with conn.transaction():
        found = [_shipped(conn), *(_fitted(conn, maker) for maker in queries.answered_by(conn))]
        queries.recalibrate(conn)
    return found


def _shipped(conn: Connection) -> Earned:
    return _stored(conn, RULES, calibration.shipped())


def _fitted(conn: Connection, maker: Maker) -> Earned:
    try:
        found = calibration.calibrate(queries.trials(conn, maker, labelled_verses()))
    except TooFewAnswers as error:
        return Earned(maker, None, str(error))
    return _stored(conn, maker, found)


def _stored(conn: Connection, maker: Maker, found: Calibration) -> Earned:
    is_new = queries.store_calibration(conn, maker, found, digest=calibration.digest(), method=calibration.METHOD)
    return Earned(maker, found, is_new=is_new)
