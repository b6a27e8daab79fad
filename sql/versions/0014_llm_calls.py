"""Applies 0014_llm_calls.sql."""

from pathlib import Path

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).parents[1].joinpath("0014_llm_calls.sql").read_text(encoding="utf-8"))
