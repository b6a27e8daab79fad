"""Applies 0016_encoders.sql."""

from pathlib import Path

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).parents[1].joinpath("0016_encoders.sql").read_text(encoding="utf-8"))
