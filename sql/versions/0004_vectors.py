"""Applies 0004_vectors.sql."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).parents[1].joinpath("0004_vectors.sql").read_text(encoding="utf-8"))
