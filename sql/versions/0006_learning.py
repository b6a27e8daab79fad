"""Applies 0006_learning.sql."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).parents[1].joinpath("0006_learning.sql").read_text(encoding="utf-8"))
