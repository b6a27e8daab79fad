"""Applies 0011_spotify_links.sql."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).parents[1].joinpath("0011_spotify_links.sql").read_text(encoding="utf-8"))
