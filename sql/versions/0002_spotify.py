"""Applies 0002_spotify.sql."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).parents[1].joinpath("0002_spotify.sql").read_text(encoding="utf-8"))
