"""What every materialization says of itself: rows, columns, figures, pictures; the same way for every asset."""

import base64
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dagster as dg
import psycopg
from matplotlib.figure import Figure
from psycopg import sql

from rap_platform.settings import NotConfigured

TEAM = "team:rap-platform"

_COLUMNS = """
select a.attname, format_type(a.atttypid, a.atttypmod), not a.attnotnull, col_description(a.attrelid, a.attnum)
from pg_attribute a
where a.attrelid = to_regclass(%(table)s) and a.attnum > 0 and not a.attisdropped
order by a.attnum
"""


def column_schema(conn: psycopg.Connection, table: str) -> dg.TableSchema:
    """The columns of `table` as the database has them. Raises ValueError for a table that is not there."""
    rows = conn.execute(_COLUMNS, {"table": table}).fetchall()
    if not rows:
        raise ValueError(f"no table {table} in the database")
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, type_name, description, dg.TableColumnConstraints(nullable=nullable))
            for name, type_name, nullable, description in rows
        ]
    )


def value(figure: object) -> Any:
    """A figure in a form that Dagster stores and plots; NULL stays visible as text."""
    if figure is None:
        return "none"
    if isinstance(figure, dg.MetadataValue):
        return figure
    if isinstance(figure, datetime):
        return figure.isoformat()
    if isinstance(figure, Mapping):
        return dg.MetadataValue.json(dict(figure))
    if isinstance(figure, list | tuple):
        return dg.MetadataValue.json(list(figure))
    return figure


def report(conn: psycopg.Connection, *, table: str, rows: int | None = None, **figures: object) -> dict[str, Any]:
    """Metadata of a materialization that wrote `table`: its row count (counted when not given), columns and own figures."""
    if rows is None:
        counted = conn.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchone()
        rows = int(counted[0]) if counted else 0
    return {
        "dagster/row_count": rows,
        "dagster/table_name": f"public.{table}",
        "dagster/storage_kind": "postgres",
        "dagster/column_schema": column_schema(conn, table),
        **{name: value(figure) for name, figure in figures.items()},
    }


def unavailable(reason: NotConfigured) -> dg.MaterializeResult:
    """A materialization that made nothing because something is not configured; it neither fails nor pretends."""
    return dg.MaterializeResult(metadata={"status": "not configured", "remedy": str(reason), "rows_new": 0})


def png(figure: Figure, dpi: int = 80) -> dg.MarkdownMetadataValue:
    """A matplotlib figure as an inline picture."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight")
    figure.clear()
    return picture(buffer.getvalue())


def picture(png: bytes) -> dg.MarkdownMetadataValue:
    """A PNG as an inline picture."""
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{base64.b64encode(png).decode()})")
