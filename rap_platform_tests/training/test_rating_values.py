"""Marks as people write them, the scales they are on, and columns: recognised where they say so, refused where they don't."""

import datetime as dt

import pytest

from rap_platform.lyrics.presets import understand as songs_preset
from rap_platform.training import rating_columns, rating_values
from rap_platform.training.rating_values import Mark, Scale, ScaleUnknown, parse_mark, parse_scale, parse_time, scale_of


@pytest.mark.parametrize(
    ("written", "mark"),
    [
        ("7", Mark(7)), (7.5, Mark(7.5)), ("7,5", Mark(7.5)), (" 85 % ", Mark(85, 100)), ("4/5", Mark(4, 5)), ("3.5 / 5", Mark(3.5, 5)),
        ("8 out of 10", Mark(8, 10)), ("good", None), (True, None), ("", None), ("1/0", None), ("nan", None),
    ],
)  # fmt: skip
def test_marks_are_read_as_people_write_them(written: object, mark: Mark | None) -> None:
    assert parse_mark(written) == mark


@pytest.mark.parametrize(
    ("told", "value", "rating"),
    [("1-5", 1, 1.0), ("1-5", 3, 5.5), ("0-5", 5, 10.0), ("0-10", 5, 5.5), ("0-100", 20, 2.8), ("percent", 100, 10.0), ("1-10", 7, 7.0),
     ("-1 to 1", 0, 5.5)],
)  # fmt: skip
def test_a_scale_that_is_told_is_converted_in_proportion(told: str, value: float, rating: float) -> None:
    assert parse_scale(told).convert([value]) == [pytest.approx(rating)]


def test_what_is_out_of_range_is_no_mark() -> None:
    assert Scale(1, 5, "").convert([0, 1, 5, 6]) == [None, 1.0, 10.0, None]


def test_points_become_percentile_ranks_and_equal_points_share_theirs() -> None:
    assert parse_scale("points").convert([140, 2, 50, 2]) == [pytest.approx(v) for v in (8.875, 3.25, 6.625, 3.25)]


@pytest.mark.parametrize("told", ["five", "5", "5-1", "1-", "10 points"])
def test_a_scale_that_is_none_is_refused(told: str) -> None:
    with pytest.raises(ScaleUnknown, match="write LOW-HIGH"):
        parse_scale(told)


def marks(*values: float) -> list[Mark]:
    return [Mark(value) for value in values]


def test_a_scale_is_recognised_where_something_settles_it() -> None:
    assert scale_of("rating", [Mark(4, 5), Mark(2, 5)]).name == "0-5"
    assert scale_of("rating (1-7)", marks(3)).name == "1-7"
    assert scale_of("score_out_of_20", marks(3)).name == "0-20"
    assert scale_of("percent", marks(3)).name == "0-100"
    both_ends = scale_of("rating", marks(*([1, 5] * 15)))
    assert (both_ends.name, both_ends.why) == ("1-5", "both ends of 1-5 occur among 30 marks")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((2, 4, 3), "1-5, 0-5, 1-10, 0-10, 0-20, 0-100 would fit"),
        ((1, 5), "--scale 1-5"),
        ((55, 80, 99), "0-100 would fit"),
        ((3, 700), "no usual scale fits"),
    ],
)
def test_a_scale_that_nothing_settles_is_asked_for(values: tuple[float, ...], said: str) -> None:
    with pytest.raises(ScaleUnknown, match="say it with --scale") as refusal:
        scale_of("rating", marks(*values))
    assert said in str(refusal.value)


def test_marks_on_several_scales_in_one_column_are_refused() -> None:
    with pytest.raises(ScaleUnknown, match="several scales"):
        scale_of("rating", [Mark(4, 5), Mark(8, 10)])


def test_times_are_read_with_their_zone_or_as_utc() -> None:
    assert parse_time("2024-03-01") == dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
    assert parse_time("2024-03-01T10:00:00+02:00") == dt.datetime(2024, 3, 1, 8, tzinfo=dt.UTC)
    assert parse_time("1709251200") == dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
    assert parse_time("") is None
    with pytest.raises(ValueError, match="Invalid isoformat"):
        parse_time("yesterday")


def columns(header: str, *rows: str) -> rating_columns.Columns:
    names = header.split(",")
    sample = [dict(zip(names, row.split(","), strict=True)) for row in rows]
    return rating_columns.understand(names, songs_preset(names), sample)


def test_headers_are_known_by_many_names() -> None:
    found = columns("Singer,Song,Stars (1-5),User,Date,Year", "A,B,3,ann,2024-01-01,1999")
    assert found.fields == {
        "artist": "Singer", "title": "Song", "mark": "Stars (1-5)", "rater": "User", "rated_at": "Date", "year": "Year",
    }  # fmt: skip
    assert not found.raters


def test_a_wide_table_has_a_column_for_each_rater() -> None:
    found = columns(
        "artist,title,ann,rating_bo,Cy (1-5),year,comment,mean", "A,B,3,4,,1999,fine,3.5", "A,C,,2,1,1999,bad,1.5"
    )
    assert found.raters == {"ann": "ann", "bo": "rating_bo", "Cy": "Cy (1-5)"}
    assert found.ignored == ("comment", "mean")


def test_the_poll_of_critics_is_known() -> None:
    found = columns("ID,title,artist,year,gender,points,n,n1,n2,n3,n4,n5", "1,T,A,1994,male,140,18,9,3,3,1,2")
    assert found.points
    assert found.fields["mark"] == "points"
    assert not found.raters


@pytest.mark.parametrize(
    ("header", "row", "missing"),
    [
        ("rating,rater", "3,ann", "no column says which track"),
        ("title,rating", "T,3", "no column says which track"),
        ("artist,title,comment", "A,T,fine", "no column holds marks"),
        ("artist,title,rater,ann", "A,T,x,3", "no column holds their marks"),
    ],
)
def test_columns_that_do_not_suffice_are_refused_by_name(header: str, row: str, missing: str) -> None:
    with pytest.raises(rating_columns.ColumnsUnknown, match=missing):
        columns(header, row)


def test_blank_cells_are_no_marks() -> None:
    assert [rating_values.is_blank(value) for value in ("", " NA ", None, "-", "0", 0)] == [True] * 4 + [False] * 2
