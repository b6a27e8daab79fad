"""Each way in which a test set can leak into a training set is planted in a real database, and the check that names it is shown."""

import psycopg
import pytest

from rap_platform.training import assets
from rap_platform_tests.training import songs
from rap_platform_tests.training.tracking import Materialize, checks_of, failures_of, figures, judge, verdicts

FIRST = "(select min(track_id) from dataset_members where version = %(v)s and split = '{}')"


@pytest.fixture
def version(connection: psycopg.Connection, materialize: Materialize) -> str:
    """A dataset of 80 songs by 20 artists in which nothing is wrong."""
    songs.insert(connection, 80, artists=20)
    result = materialize(assets.training_dataset, checks=checks_of(assets.training_dataset))
    assert verdicts(result) == {
        "no_artist_on_both_sides": True,
        "no_group_on_both_sides": True,
        "no_duplicate_on_both_sides": True,
        "no_unlinked_near_duplicate_on_both_sides": True,
        "labels_are_ratings": True,
        "labels_are_not_constant": True,
    }
    return str(figures(result, "training_dataset")["version"])


def plant(connection: psycopg.Connection, version: str, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement.encode(), {"v": version})
    connection.commit()


def found(materialize: Materialize) -> dict[str, str]:
    result = materialize(assets.training_dataset, checks=checks_of(assets.training_dataset))
    assert not result.success
    return failures_of(result)


def test_an_artist_on_both_sides_is_named_and_so_is_the_torn_group(
    connection: psycopg.Connection, materialize: Materialize, version: str
) -> None:
    moved = FIRST.format("train")
    plant(
        connection,
        version,
        f"update dataset_members set split = 'eval' where version = %(v)s and track_id = {moved}",
    )
    said = found(materialize)
    assert set(said) == {"no_artist_on_both_sides", "no_group_on_both_sides"}
    assert said["no_artist_on_both_sides"].startswith("in train and in eval: Artist s1 ")
    assert "(eval), Artist s1 " in said["no_group_on_both_sides"]


def test_a_group_that_is_torn_although_no_artist_is(
    connection: psycopg.Connection, materialize: Materialize, version: str
) -> None:
    plant(connection, version, "update dataset_members set group_key = 'gone' where version = %(v)s")
    assert set(found(materialize)) == {"no_group_on_both_sides"}


def test_a_linked_duplicate_across_the_split_is_named(
    connection: psycopg.Connection, materialize: Materialize, version: str
) -> None:
    plant(
        connection,
        version,
        f"update tracks set duplicate_score = 0.9, duplicate_of = {FIRST.format('eval')} where track_id = {FIRST.format('train')}",
    )
    # The asset itself would now make a version without the copy; the check judges what is stored.
    result = judge(*checks_of(assets.training_dataset))
    said = failures_of(result)
    assert set(said) == {"no_duplicate_on_both_sides"}
    assert said["no_duplicate_on_both_sides"].startswith("in train and in eval: Song s1-")


def test_a_near_duplicate_that_nobody_linked_is_named_with_its_share(
    connection: psycopg.Connection, materialize: Materialize, version: str
) -> None:
    words = " ".join(f"word{n} of{n} mine{n}" for n in range(60))
    plant(
        connection,
        version,
        f"update tracks set lyrics = '{words}' where track_id = {FIRST.format('eval')}",
        f"update tracks set lyrics = '{words} and some more at the end' where track_id = {FIRST.format('train')}",
    )
    said = failures_of(judge(*checks_of(assets.training_dataset)))
    assert set(said) == {"no_unlinked_near_duplicate_on_both_sides"}
    assert "share 97%" in said["no_unlinked_near_duplicate_on_both_sides"]
    assert said["no_unlinked_near_duplicate_on_both_sides"].count("Artist s1 ") == 2


def test_such_a_near_duplicate_is_not_torn_apart_by_the_next_version(
    connection: psycopg.Connection, materialize: Materialize, version: str
) -> None:
    words = " ".join(f"word{n} of{n} mine{n}" for n in range(60))
    one, other = (
        connection.execute(f"select {FIRST.format(side)}".encode(), {"v": version}).fetchone()
        for side in ("train", "eval")
    )
    assert one is not None
    assert other is not None
    for track_id, text in ((one[0], words), (other[0], words + " and some more at the end")):
        connection.execute(
            "update tracks set lyrics = %(text)s, lyrics_sha256 = %(sha)s where track_id = %(id)s",
            {"text": text, "sha": songs.sha(text), "id": track_id},
        )
        for table in ("lyric_features", "analysis_results"):
            connection.execute(
                f"update {table} set input_sha256 = %s where track_id = %s".encode(), [songs.sha(text), track_id]
            )
    connection.commit()
    result = materialize(assets.training_dataset, checks=checks_of(assets.training_dataset))
    made = figures(result, "training_dataset")
    assert made["near_duplicates_tied"] == 1
    assert made["version"] != version
    assert set(verdicts(result).values()) == {True}
    sides = connection.execute(
        "select count(distinct split), count(distinct group_key) from dataset_members where version = %s and track_id = any(%s)",
        [made["version"], [one[0], other[0]]],
    ).fetchone()
    assert sides == (1, 1)


def test_constant_labels_are_named_with_their_value(
    connection: psycopg.Connection, materialize: Materialize, version: str
) -> None:
    plant(connection, version, "update dataset_members set label = 5 where version = %(v)s")
    said = found(materialize)
    assert said == {"labels_are_not_constant": "all 80 labels lie between 5 and 5, standard deviation 0"}


def test_a_label_out_of_range_is_named_with_its_track(
    connection: psycopg.Connection, materialize: Materialize, version: str
) -> None:
    plant(
        connection,
        version,
        "alter table dataset_members drop constraint dataset_members_label_check",
        f"update dataset_members set label = 11.5 where version = %(v)s and track_id = {FIRST.format('train')}",
        f"update dataset_members set label = 'NaN' where version = %(v)s and track_id = {FIRST.format('eval')}",
    )
    said = found(materialize)["labels_are_ratings"]
    assert said.startswith("no rating from 1 to 10: Artist s1 ")
    assert "11.5" in said
    assert "nan" in said


KNOWING = {
    "the label itself": "m.label / 10",
    "a monotone function of it": "1 / (1 + exp(m.label))",
    "the label with a little noise": "(m.label + 0.2 * sin(m.track_id)) / 11",
    "an id that sorts by it": "m.place / 1000.0",
    "codes of it without order": "((round(m.label::numeric, 1) * 370)::integer % 101) / 101.0",
}


def test_a_column_that_knows_the_label_is_named(connection: psycopg.Connection, materialize: Materialize) -> None:
    songs.insert(connection, 400, artists=100)
    version = figures(materialize(assets.training_dataset), "training_dataset")["version"]
    looking = checks_of(assets.quality_model)
    assert verdicts(judge(*looking)) == {"no_feature_knows_the_label": True}
    for what, knows in KNOWING.items():
        plant(
            connection,
            version,
            f"""update lyric_features f set mattr_50 = {knows}
                from (select *, rank() over (order by label, track_id) as place from dataset_members where version = %(v)s) m
                where m.track_id = f.track_id""".replace(" % ", " %% "),
        )
        said = failures_of(judge(*looking))
        assert set(said) == {"no_feature_knows_the_label"}, what
        assert said["no_feature_knows_the_label"].startswith(
            "goes with the label more closely than an honest column can: mattr_50 ("
        )
