"""Applies 0021_titles.sql."""

from pathlib import Path

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).parents[1].joinpath("0021_titles.sql").read_text(encoding="utf-8"))
