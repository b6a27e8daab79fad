"""Values as tables show them."""

import pytest

from rap_platform.console import cell


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""), (True, "True"), (12345, "12,345"), ("a line", "a line"), (0.25, "0.250"), (1.0, "1.000"),
        (0.99998, "0.999980"), (1.0002, "1.000200"), (0.9994, "0.999"),
    ],
)  # fmt: skip
def test_a_cell_tells_a_value_and_agreement_behind_the_nines(value: object, shown: str) -> None:
    assert cell(value) == shown
