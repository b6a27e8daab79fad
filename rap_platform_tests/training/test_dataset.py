"""What enters a dataset, what is dropped, and what the exported files hold."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rap_platform.settings import Dataset
from rap_platform.training import dataset, dataset_card, dataset_files
from rap_platform.training.dataset import Plan, Row, TooFew
from rap_platform.training.labels import Rating

SETTINGS = Dataset(size=100, minimum=50)


def row(number: int, *, simulated: bool = True) -> Row:
    return Row(
        track_id=number,
        source="genius",
        source_id=str(number),
        artist_id=number % 30,
        artist=f"Artist {number % 30}",
        title=f"Song {number}",
        guests=(),
        lyrics_sha256=f"{number:064d}",
        characters=500,
        family=number,
        simulated=simulated,
        confidence=0.8,
        features="ok",
    )


def rows(count: int, *, first: int = 0, simulated: bool = True) -> list[Row]:
    return [row(number, simulated=simulated) for number in range(first, first + count)]


def marks(of: list[Row]) -> dict[int, list[Rating]]:
    return {r.track_id: [Rating(r.track_id, rater, 3.0 + r.track_id % 5) for rater in "ab"] for r in of}


def planned(of: list[Row], settings: Dataset = SETTINGS, population: str = "auto") -> Plan:
    made = dataset.plan(of, marks(of), settings, population)  # type: ignore[arg-type]
    assert isinstance(made, Plan)
    return made


def test_the_set_has_the_size_asked_for_and_says_what_was_left_over() -> None:
    plan = planned(rows(130))
    assert (plan.count("train"), plan.count("eval")) == (80, 20)
    assert plan.card["complete"]
    assert plan.card["dropped"] == {"not needed: the dataset is full": 30}


def test_too_few_tracks_make_a_smaller_set_that_says_so() -> None:
    plan = planned(rows(60))
    assert (plan.count("train"), plan.count("eval")) == (48, 12)
    assert not plan.card["complete"]


def test_each_filter_drops_with_its_reason() -> None:
    good = rows(60)
    bad = [
        replace(row(100), characters=100),
        replace(row(101), confidence=0.5),
        replace(row(102), confidence=None),
        replace(row(103), features="not_english"),
        replace(row(104), features=None),
        replace(row(105), family=1),
        replace(row(106), lyrics_sha256=row(2).lyrics_sha256),
    ]
    plan = planned(good + bad)
    assert {member.track_id for member in plan.members} == set(range(60))
    assert plan.card["dropped"] == {
        "lyrics not longer than 100 characters": 1,
        "no analysis with a raw confidence above 0.5": 1,
        "no analysis": 1,
        "lyric features: not_english": 1,
        "no lyric features yet": 1,
        "near-duplicate of a track that is in": 2,
    }
    assert (plan.card["rated"], plan.card["eligible"]) == (67, 60)


def test_too_few_ratings_say_what_is_missing_and_what_to_do() -> None:
    short = rows(20)
    answer = dataset.plan(short, marks(short), SETTINGS, "auto")
    assert isinstance(answer, TooFew)
    assert answer.missing == "20 simulated tracks pass the filters, 20 are rated; a dataset needs 50"
    assert "`rap-platform ratings import FILE`" in answer.remedy
    nothing = dataset.plan([], {}, SETTINGS, "real")
    assert isinstance(nothing, TooFew)
    assert nothing.missing == "no real track has a rating; a dataset needs 50 rated tracks"


def test_one_group_to_learn_from_makes_no_dataset_and_says_why() -> None:
    of_two = [replace(r, artist_id=int(r.track_id < 10), artist=f"Artist {r.track_id < 10}") for r in rows(60)]
    answer = dataset.plan(of_two, marks(of_two), SETTINGS, "auto")
    assert isinstance(answer, TooFew)
    assert "are of one group of artists" in answer.missing
    assert answer.remedy == "rate tracks of more artists"


def test_a_track_whose_marks_went_while_they_were_read_is_not_in() -> None:
    found = rows(61)
    left = {track_id: given for track_id, given in marks(found).items() if track_id not in (7, 8)} | {8: []}
    plan = dataset.plan(found, left, SETTINGS, "auto")
    assert isinstance(plan, Plan)
    assert {member.track_id for member in plan.members} == {r.track_id for r in found} - {7, 8}
    assert plan.card["rated"] == 59


def test_rated_but_not_analysed_points_at_the_analyses() -> None:
    unheard = [replace(r, features=None) for r in rows(60)]
    answer = dataset.plan(unheard, marks(unheard), SETTINGS, "auto")
    assert isinstance(answer, TooFew)
    assert "materialize `lyric_features`" in answer.remedy
    assert answer.dropped == {"no lyric features yet": 60}


def test_real_tracks_are_taken_once_there_are_enough_and_never_mixed_by_chance() -> None:
    simulated, real = rows(80), rows(60, first=1000, simulated=False)
    assert {member.track_id for member in planned(simulated + real).members} == {r.track_id for r in real}
    assert {member.track_id for member in planned(simulated + real[:40]).members} == {r.track_id for r in simulated}
    assert len(planned(simulated + real, Dataset(size=200), "mixed").members) == 140


def test_the_same_input_in_another_order_is_the_same_version() -> None:
    first = planned(rows(120))
    assert planned(rows(120)[::-1]) == first
    changed = [replace(r, lyrics_sha256="f" * 64) if r.track_id == first.members[0].track_id else r for r in rows(120)]
    assert planned(changed).digest != first.digest


def test_the_same_songs_under_the_ids_of_another_database_are_the_same_version() -> None:
    copies = [replace(row(200 + n), family=n, lyrics_sha256=row(n).lyrics_sha256) for n in range(20)]
    here = [replace(r, features=None) if r.track_id < 20 else r for r in rows(120)] + copies  # originals don't pass
    twins = [replace(row(300 + n), family=n) for n in range(20)]
    here += twins  # two copies of each: which is taken must not hang on ids
    there = [replace(r, track_id=5000 - r.track_id, artist_id=900 - r.artist_id, family=5000 - r.family) for r in here]
    given = {r.track_id: [Rating(r.track_id, rater, 3.0 + int(r.source_id) % 5) for rater in "ab"] for r in there}
    first = planned(here)
    again = dataset.plan(there[::-1], given, SETTINGS, "auto")
    assert isinstance(again, Plan)
    assert again.version == first.version
    names = {r.track_id: r.source_id for r in here}
    assert {(names[m.track_id], m.split) for m in first.members} == {
        (names[5000 - m.track_id], m.split) for m in again.members
    }


def test_near_duplicates_that_nobody_linked_stay_together() -> None:
    of = rows(60)
    apart = planned(of)
    sides = {m.track_id: m.split for m in apart.members}
    one = next(t for t, side in sides.items() if side == "train")
    other = next(t for t, side in sides.items() if side == "eval")
    plan = dataset.plan(of, marks(of), SETTINGS, "auto", near=lambda ids: [(one, other)])
    assert isinstance(plan, Plan)
    grouped = {m.track_id: (m.group_key, m.split) for m in plan.members}
    assert grouped[one] == grouped[other]
    assert plan.card["near_duplicates_tied"] == 1
    assert set(plan.card["overlaps"].values()) == {0}


def test_the_card_says_how_alike_the_sides_are() -> None:
    of = [replace(r, year=1980 + r.track_id % 40, genre="rap" if r.track_id % 3 else None) for r in rows(120)]
    card = planned(of).card
    assert card["strata"]["genre"]["unknown"]["train"] + card["strata"]["genre"]["unknown"]["eval"] in range(25, 45)
    assert set(card["strata"]["era"]) == {"1980s", "1990s", "2000s", "2010s"}
    assert sum(of["train"] for of in card["strata"]["label"].values()) == 80
    worst = card["largest_imbalance"]
    of_worst = card["strata"][worst["dimension"]][worst["stratum"]]
    assert worst["points"] == pytest.approx(100 * (of_worst["eval"] / 20 - of_worst["train"] / 80), abs=0.01)
    assert abs(worst["points"]) < 8
    shown = dataset_card.markdown(card)
    assert f"# Dataset {card['version']}" in shown
    assert "100 simulated tracks by 30 artists: 80 to learn from, 20 held out; complete." in shown
    assert "- near-duplicates that nobody linked: 0" in shown
    assert "- not needed: the dataset is full: 20" in shown
    assert "RAP_DATASET__SEED=13" in shown


def test_the_prompt_holds_the_lyrics_and_the_completion_alone_the_label(tmp_path: Path) -> None:
    of = [replace(r, year=1994, views=10**9, popularity=44, language="en") for r in rows(60)]
    plan = planned(of)
    lyrics = {r.track_id: f"words of {r.track_id}\nsecond line" for r in of}
    heard: dict[int, list[float | None]] = {r.track_id: [float(r.track_id), None] for r in of if r.track_id != 7}
    files = dataset_files.export(
        tmp_path / plan.version, plan, lyrics, {r.track_id: r for r in of}, heard, ("bars", "mtld")
    )
    assert [path.name for path in files] == ["card.json", "card.md", "dataset.parquet", "eval.jsonl", "train.jsonl"]
    assert dataset_files.complete(tmp_path / plan.version)
    lines = [json.loads(line) for line in (tmp_path / plan.version / "train.jsonl").read_text().splitlines()]
    assert len(lines) == 48
    first = lines[0]
    label = next(m.label for m in plan.members if m.track_id == first["track_id"])
    system, user = first["prompt"]
    assert [system["role"], user["role"]] == ["system", "user"]
    assert user["content"] == f"<lyrics>\n{lyrics[first['track_id']]}\n</lyrics>"
    assert first["completion"] == [{"role": "assistant", "content": json.dumps({"quality": round(label, 1)})}]
    assert str(label) not in system["content"] + user["content"]
    table = pq.read_table(tmp_path / plan.version / "dataset.parquet")
    assert table.column("split").to_pylist().count("eval") == 12
    assert table.schema.metadata[b"digest"].decode() == plan.digest
    assert table.column_names[-2:] == ["bars", "mtld"]
    by_id = {line["track_id"]: line for line in table.to_pylist()}
    assert (by_id[9]["bars"], by_id[9]["mtld"], by_id[7]["bars"]) == (9.0, None, None)
    assert (by_id[9]["era"], by_id[9]["views"], by_id[9]["popularity"], by_id[9]["genre"]) == ("1990s", 10**9, 44, None)
    assert not list(tmp_path.glob(".*"))
