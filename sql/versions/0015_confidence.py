"""Applies 0015_confidence.sql."""

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).parents[1].joinpath("0015_confidence.sql").read_text(encoding="utf-8"))
