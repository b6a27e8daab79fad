"""Applies 0005_analyses.sql."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).parents[1].joinpath("0005_analyses.sql").read_text(encoding="utf-8"))
