"""Applies 0022_adapters.sql."""

from pathlib import Path

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).parents[1].joinpath("0022_adapters.sql").read_text(encoding="utf-8"))
