"""Applies 0001_songs.sql."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).parents[1].joinpath("0001_songs.sql").read_text(encoding="utf-8"))
