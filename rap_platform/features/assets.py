"""The asset of this stage; what it computes is in analysis.py and below."""

import time
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
import psycopg
from matplotlib.figure import Figure

from rap_platform.features import queries
from rap_platform.features.analysis import VERSION, analyse_all
from rap_platform.features.usual import USUAL
from rap_platform.lyrics import assets as lyrics
from rap_platform.orchestration import failures, metadata, progress
from rap_platform.orchestration.automation import on_new_data
from rap_platform.orchestration.partitions import SHARDS, slots
from rap_platform.resources.postgres import PostgresResource

BATCH = 100


@dg.asset(
    partitions_def=SHARDS,
    backfill_policy=dg.BackfillPolicy.multi_run(16),
    deps=[lyrics.tracks],
    code_version=VERSION,
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    description="Rhyme, flow, vocabulary, devices, structure and strength of language of every track, as the ear hears them.",
)
def lyric_features(context: dg.AssetExecutionContext, postgres: PostgresResource) -> dg.MaterializeResult:
    """One row of figures per track, made again when its lyrics or the code version change."""
    started = time.monotonic()
    mine = slots(context)
    with (
        postgres.exclusively(*(f"lyric_features/{key}" for key in context.partition_keys)),
        postgres.connection() as conn,
    ):
        total = queries.count_pending(conn, mine)
        written = sum(_measure_batch(conn, batch) for batch in _batches(conn, mine, total))
        figures = dict(queries.summary(conn, mine), rows_new=written, seconds=round(time.monotonic() - started, 2))
        described = metadata.report(conn, table="lyric_features", version=VERSION, **figures)  # type: ignore[arg-type]
        if written:
            described["distributions"] = metadata.png(_histograms(queries.figures(conn, mine)))
    return dg.MaterializeResult(metadata=described)


def _batches(conn: psycopg.Connection, mine: Sequence[int], total: int) -> Iterator[list[queries.Pending]]:
    batch: list[queries.Pending] = []
    for track in progress.track(_pending(conn, mine), total, "features"):
        batch.append(track)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _pending(conn: psycopg.Connection, mine: Sequence[int]) -> Iterator[queries.Pending]:
    after = 0
    while found := queries.next_pending(conn, mine, after, BATCH):
        yield from found
        after = found[-1].track_id


def _measure_batch(conn: psycopg.Connection, batch: Sequence[queries.Pending]) -> int:
    conn.commit()  # nothing is locked while we compute
    rows = list(zip(batch, analyse_all([(track.lyrics, track.language) for track in batch]), strict=True))
    written = queries.store(conn, rows)
    conn.commit()
    return written


def _histograms(figures: Mapping[str, Sequence[float]]) -> Figure:
    """One histogram for each figure of confident songs; what is usual in published rap is shaded, its mean dotted."""
    columns = 4
    figure = Figure(figsize=(12, 2.6 * -(-len(figures) // columns)), layout="constrained")
    axes = figure.subplots(-(-len(figures) // columns), columns, squeeze=False).flat
    for axis, (name, values) in zip(axes, figures.items(), strict=False):
        usual = USUAL[name]
        axis.axvspan(usual.low, usual.high, color="#dddddd")
        axis.axvline(usual.mean, color="#888888", linestyle=":")
        axis.hist(values, bins=30, color="#7a4fd6")
        axis.set_title(name.replace("_", " "), fontsize=9)
    figure.suptitle("tracks by figure; shaded: usual in published rap (Hirjee and Brown, 2010)", fontsize=10)
    return figure
