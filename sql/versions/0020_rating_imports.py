"""Applies 0020_rating_imports.sql."""

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(
        Path(__file__).parents[1].joinpath("0020_rating_imports.sql").read_text(encoding="utf-8")
    )
