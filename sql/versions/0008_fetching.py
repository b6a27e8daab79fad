"""Applies 0008_fetching.sql."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).parents[1].joinpath("0008_fetching.sql").read_text(encoding="utf-8"))
