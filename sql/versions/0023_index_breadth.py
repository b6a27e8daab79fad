"""Applies 0023_index_breadth.sql."""

from pathlib import Path

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(
        Path(__file__).parents[1].joinpath("0023_index_breadth.sql").read_text(encoding="utf-8")
    )
