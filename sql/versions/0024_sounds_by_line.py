"""Applies 0024_sounds_by_line.sql."""

from pathlib import Path

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(
        Path(__file__).parents[1].joinpath("0024_sounds_by_line.sql").read_text(encoding="utf-8")
    )
