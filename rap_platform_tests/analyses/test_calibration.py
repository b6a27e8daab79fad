"""A confidence is earned: on verses whose mood is known, by a fit that is measured where it did not look."""

from collections import Counter

import numpy as np
import psycopg
import pytest

from rap_platform.analyses import benchmarks, calibration, earning, prototypes, queries, rules
from rap_platform.analyses.calibration import Calibrator, TooFewAnswers, Trial, labelled_verses
from rap_platform.analyses.queries import Maker
from rap_platform.analyses.results import MOODS, AnalysisFailure
from rap_platform.embeddings.encoders.minilm import Encoder
from rap_platform.lyrics.sections import split_sections
from rap_platform.resources.migrations import SQL_DIR
from rap_platform.settings import Settings

LLM = Maker("qwen", "a model", "v1", simulated=False)


def trials(raw_of_right: float, raw_of_wrong: float, right_of_six: int) -> list[Trial]:
    """Trials of all verses: the first `right_of_six` of each mood are right."""
    found = []
    for verse in labelled_verses():
        is_right = verse.number <= right_of_six
        other = MOODS[(MOODS.index(verse.mood) + 1) % len(MOODS)]
        found.append(Trial(verse, (verse.mood if is_right else other,), raw_of_right if is_right else raw_of_wrong))
    return found


def test_every_mood_has_six_verses_of_eight_lines_that_do_not_name_it() -> None:
    verses = labelled_verses()
    assert Counter(verse.mood for verse in verses) == dict.fromkeys(MOODS, 6)
    assert len({verse.sha256 for verse in verses}) == 120
    for verse in verses:
        assert len(verse.lyrics.split("\n")) == 8
        assert len(split_sections(verse.lyrics)) == 1
        assert verse.mood not in verse.lyrics.lower()


def test_no_prototype_is_taken_from_a_verse() -> None:
    def runs(text: str) -> set[tuple[str, ...]]:
        words = [word.strip(".,!?'").lower() for word in text.split()]
        return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}

    known = {run for verse in labelled_verses() for run in runs(verse.lyrics)}
    for sentences in prototypes.MOODS.values():
        assert not known & {run for sentence in sentences for run in runs(sentence)}


def test_a_number_that_tells_right_from_wrong_is_believed() -> None:
    found = calibration.calibrate(trials(0.9, 0.3, right_of_six=3))
    assert (found.answered, found.right, found.accuracy) == (120, 60, 0.5)
    assert found.calibrator.confidence(0.9) > 0.9
    assert found.calibrator.confidence(0.3) < 0.1
    assert found.brier < 0.05 < found.base_brier


def test_a_number_that_says_the_same_each_time_is_worth_the_base_rate() -> None:
    found = calibration.calibrate(trials(0.95, 0.95, right_of_six=2))
    assert found.calibrator.confidence(0.95) == pytest.approx(1 / 3, abs=0.02)
    assert found.calibrator.confidence(0.2) == found.calibrator.confidence(0.95)
    assert found.ece > 0.1, "folds differ here, and the measure sees it"


def test_a_number_that_is_higher_when_wrong_is_taken_for_chance() -> None:
    found = calibration.calibrate(trials(0.3, 0.9, right_of_six=3))
    assert found.calibrator.slope == 0
    assert found.calibrator.confidence(0.3) == pytest.approx(0.5, abs=0.01)


def test_whoever_is_always_wrong_earns_next_to_nothing_and_never_none() -> None:
    found = calibration.calibrate(trials(0.9, 0.9, right_of_six=0))
    assert found.right == 0
    assert 0 < found.calibrator.confidence(0.9) < 0.05


def test_failures_count_neither_as_right_nor_as_wrong_and_too_few_answers_are_refused() -> None:
    answered = trials(0.9, 0.3, right_of_six=3)
    some = [one if number % 2 else Trial(one.verse) for number, one in enumerate(answered)]
    assert (calibration.calibrate(some).verses, calibration.calibrate(some).answered) == (120, 60)
    with pytest.raises(TooFewAnswers, match="30 of 120 labelled verses were answered; a confidence needs 40"):
        calibration.calibrate([one if number % 4 == 0 else Trial(one.verse) for number, one in enumerate(answered)])


def test_beyond_what_was_seen_the_ends_hold() -> None:
    calibrator = Calibrator(intercept=0.0, slope=1.0, lowest=0.4, highest=0.8)
    assert calibrator.confidence(0.6) == pytest.approx(0.6)
    assert calibrator.confidence(1.0) == calibrator.confidence(0.8) == pytest.approx(0.8)
    assert calibrator.confidence(0.0) == pytest.approx(0.4)


def test_confidence_keeps_what_it_says_when_the_truth_follows_it() -> None:
    rng = np.random.default_rng(4)
    found = []
    for verse in labelled_verses() * 5:
        raw = float(rng.uniform(0.05, 0.95))
        other = MOODS[(MOODS.index(verse.mood) + 1) % len(MOODS)]
        found.append(Trial(verse, (verse.mood if rng.uniform() < raw else other,), raw))
    made = calibration.calibrate(found)
    assert made.ece < 0.06
    assert made.calibrator.confidence(0.7) == pytest.approx(0.7, abs=0.06)


def test_the_calibration_that_ships_is_that_of_these_rules(encoder: Encoder) -> None:
    """Where this fails: `python -m rap_platform.analyses.benchmarks --write`."""
    made, shipped = calibration.calibrate(benchmarks.rules_trials(encoder)), calibration.shipped()
    assert (shipped.verses, shipped.answered) == (120, 120)
    assert abs(made.right - shipped.right) <= 2
    assert shipped.ece == pytest.approx(made.ece, abs=0.03)
    for raw in (0.45, 0.6, 0.75):
        assert shipped.calibrator.confidence(raw) == pytest.approx(made.calibrator.confidence(raw), abs=0.03)


def test_the_rules_are_right_far_more_often_than_chance_and_their_confidence_beats_the_base_rate() -> None:
    shipped = calibration.shipped()
    assert shipped.accuracy > 0.5
    assert shipped.brier < shipped.base_brier
    assert shipped.ece < 0.12


def test_the_bench_prints_its_figures_beside_chance(embedder_settings: Settings) -> None:
    found = benchmarks.moods(embedder_settings)
    assert found.reference["right"] == 0.05
    assert found.figures["verses"] == found.figures["answered"] == 120
    assert found.figures["right"] <= found.figures["among_first_three"] <= 1
    assert found.figures["right_kept_out"] > 0.5
    assert found.ratio == pytest.approx(found.figures["right"] / 0.05)


def add_rows(conn: psycopg.Connection, track: int, maker: Maker, raws: list[float], *, simulated: bool = False) -> None:
    """One ok row per raw number."""
    for number, raw in enumerate(raws):
        conn.execute(
            """insert into analysis_results (track_id, analyzer, model, prompt_version, input_sha256, status, primary_mood, quality,
                   raw_confidence, simulated)
               values (%s, %s, %s, %s, lpad(%s, 64, '0'), 'ok', 'calm', 5, %s, %s)""",
            [track, maker.analyzer, maker.model, maker.prompt_version, str(number), raw, simulated],
        )
    conn.commit()


def confidences(conn: psycopg.Connection, maker: Maker) -> list[float | None]:
    rows = conn.execute(
        "select confidence from analysis_results where analyzer = %s and model = %s order by input_sha256",
        [maker.analyzer, maker.model],
    )
    return [row[0] for row in rows]


def answers(right_of_six: int) -> dict[str, Trial]:
    return {one.verse.lyrics: one for one in trials(0.9, 0.3, right_of_six)}


class Reader:
    """An analyst that answers as told and counts how often it is asked."""

    def __init__(self, right_of_six: int, *, fails_after: int | None = None) -> None:
        self.known, self.asked, self.fails_after = answers(right_of_six), 0, fails_after

    def __call__(self, lyrics: str) -> earning.Result:
        self.asked += 1
        if self.fails_after is not None and self.asked > self.fails_after:
            return AnalysisFailure(kind="invalid_answer", reason="no JSON")
        one = self.known[lyrics]
        return rules.Analysis.model_validate(
            {
                "sentiment": "neutral", "primary_mood": one.moods[0], "moods": list(one.moods), "themes": [], "profanity_rating": "G",
                "quality": 5, "complexity": 5, "wordplay": 5, "storytelling": 5, "raw_confidence": one.raw, "summary": "x",
                "evidence": [], "explanation": {},
            }
        )  # fmt: skip


def test_an_analyst_reads_each_verse_once_and_its_rows_get_their_confidence(
    connection: psycopg.Connection, add_track: object
) -> None:
    track = add_track("Song", ["one line"])  # type: ignore[operator]
    add_rows(connection, track, LLM, [0.3, 0.9])
    reader = Reader(right_of_six=3)
    assert earning.ask_verses(connection, LLM, reader, concurrency=4)[0] == 120
    assert confidences(connection, LLM) == [None, None]
    _, earned = earning.earn(connection)
    assert earned.calibration is not None and earned.is_new
    expected = [earned.calibration.calibrator.confidence(raw) for raw in (0.3, 0.9)]
    assert confidences(connection, LLM) == pytest.approx(expected, abs=1e-4)
    assert earning.ask_verses(connection, LLM, reader, concurrency=4)[0] == 0
    assert reader.asked == 120
    assert [one.is_new for one in earning.earn(connection)] == [False, False]
    assert queries.recalibrate(connection) == 0


def test_a_round_that_breaks_off_goes_on_where_it_stopped(connection: psycopg.Connection) -> None:
    with connection.transaction():
        for verse in labelled_verses()[:100]:
            queries.store_answers(connection, LLM, [(verse, Reader(3)(verse.lyrics))])
    reader = Reader(right_of_six=3)
    assert earning.ask_verses(connection, LLM, reader, concurrency=2)[0] == 20
    assert reader.asked == 20


def test_an_analyst_that_answers_too_little_has_no_confidence_and_says_why(
    connection: psycopg.Connection, add_track: object
) -> None:
    track = add_track("Song", ["one line"])  # type: ignore[operator]
    add_rows(connection, track, LLM, [0.9])
    earning.ask_verses(connection, LLM, Reader(3, fails_after=10), concurrency=1)
    _, earned = earning.earn(connection)
    assert earned.calibration is None
    assert earned.reason == "10 of 120 labelled verses were answered; a confidence needs 40"
    assert confidences(connection, LLM) == [None]


def test_what_the_stand_in_earned_never_speaks_for_the_real_model_of_the_same_name(
    connection: psycopg.Connection, add_track: object
) -> None:
    stand_in = Maker(LLM.analyzer, LLM.model, LLM.prompt_version, simulated=True)
    track = add_track("Song", ["one line"])  # type: ignore[operator]
    add_rows(connection, track, LLM, [0.9])
    earning.ask_verses(connection, stand_in, Reader(3), concurrency=2)
    earning.earn(connection)
    assert confidences(connection, LLM) == [None]
    assert earning.ask_verses(connection, LLM, Reader(3), concurrency=2)[0] == 120, "it reads the verses itself"
    earning.earn(connection)
    assert confidences(connection, LLM) == [pytest.approx(0.96, abs=0.04)]


def test_rows_from_before_keep_their_number_and_lose_the_confidence_that_nobody_earned(empty_database: str) -> None:
    add = """
        insert into analysis_results (track_id, analyzer, model, prompt_version, input_sha256, status, primary_mood, quality, confidence,
            error, simulated)
        values (%s, 'qwen', 'm', 'v1', repeat('a', 64), %s, %s, %s, %s, %s, false)
    """
    with psycopg.connect(empty_database, autocommit=True) as conn:
        conn.execute("set session_replication_role = replica")  # no tracks are needed here
        for path in sorted(SQL_DIR.glob("0*.sql")):
            if path.name == "0015_confidence.sql":
                conn.execute(add, [1, "ok", "calm", 5, 0.8, None])
                conn.execute(add, [2, "failed", None, None, None, "no_answer: empty"])
            conn.execute(path.read_text(encoding="utf-8").encode())
        kept = conn.execute("select status, raw_confidence, confidence from analysis_results order by track_id")
        assert kept.fetchall() == [("ok", pytest.approx(0.8), None), ("failed", None, None)]
        for values in ([3, "ok", "calm", 5, 0.8, None], [4, "failed", None, None, None, None]):
            with pytest.raises(psycopg.errors.CheckViolation):
                conn.execute(add, values)
