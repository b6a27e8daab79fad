"""Applies 0017_search_terms.sql."""

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(
        Path(__file__).parents[1].joinpath("0017_search_terms.sql").read_text(encoding="utf-8")
    )
