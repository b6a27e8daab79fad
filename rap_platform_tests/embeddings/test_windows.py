"""Windows hold every word piece once, in order, and end where lines end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rap_platform.embeddings.encoders.windows import windows


@given(st.lists(st.lists(st.integers(1, 9), max_size=40), max_size=30), st.integers(1, 25))
def test_windows_hold_everything_once_and_none_is_too_long(lines: list[list[int]], limit: int) -> None:
    found = windows(lines, limit)
    assert [piece for window in found for piece in window] == [piece for line in lines for piece in line]
    assert all(0 < len(window) <= limit for window in found)


def test_windows_end_with_lines_and_are_about_equal() -> None:
    lines = [[number] * 10 for number in range(6)]
    assert [len(window) for window in windows(lines, 25)] == [20, 20, 20]
    assert [len(window) for window in windows(lines, 55)] == [30, 30]


def test_a_line_over_the_limit_is_cut_evenly() -> None:
    assert [len(window) for window in windows([list(range(300))], 254)] == [150, 150]


def test_a_window_needs_room() -> None:
    with pytest.raises(ValueError, match="at least one"):
        windows([[1]], 0)
