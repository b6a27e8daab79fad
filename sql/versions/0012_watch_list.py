"""Applies 0012_watch_list.sql."""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).parents[1].joinpath("0012_watch_list.sql").read_text(encoding="utf-8"))
