"""Applies 0019_word_sounds.sql."""

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(
        Path(__file__).parents[1].joinpath("0019_word_sounds.sql").read_text(encoding="utf-8")
    )
