"""Sections, verses and hooks, with headers and without."""

import pytest

from rap_platform.features import structure
from rap_platform.features.bars import bars
from rap_platform.features.structure import StructureFigures


def measured(text: str) -> StructureFigures:
    return structure.measure(text, bars(text))


def test_headers_name_the_sections() -> None:
    text = "[Intro]\nyeah\n\n[Verse 1]\na b\nc d\n\ne f\n\n[Hook]\ng\n\n[Verse 2: A & B]\nh\n[Hook]\ng"
    assert measured(text) == StructureFigures(5, 2, 2, pytest.approx(2.0))  # a blank line within a verse opens none


def test_stanzas_without_headers_are_verses_unless_they_come_again() -> None:
    text = "one two\nthree\n\nsing it\nloud\n\nfour five\nsix\nseven\n\nsing it\nloud"
    assert measured(text) == StructureFigures(4, 2, 2, pytest.approx(2.5))


def test_hooks_alone_have_no_bars_per_verse() -> None:
    assert measured("[Chorus]\nsing it\nloud") == StructureFigures(1, 0, 1, None)


def test_what_stands_before_the_first_header_is_a_verse() -> None:
    assert measured("one two\nthree\n\n[Chorus]\nsing it") == StructureFigures(2, 1, 1, 2.0)
