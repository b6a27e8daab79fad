"""What the fine-tuned model said of the held-out tracks of a dataset, for the evaluation: one predictor more."""

from dataclasses import dataclass

import psycopg

from rap_platform.training.finetuning import queries


@dataclass(frozen=True)
class Opinion:
    """A quality from 1 to 10, or why there is none."""

    quality: float | None
    failure: str | None


def opinions(conn: psycopg.Connection, dataset_version: str) -> dict[int, Opinion] | None:
    """The newest adapter's opinion by held-out track; None when no adapter of this version was asked.

    Only adapters that were trained on this very version count: another may have learned some of its held-out tracks.
    """
    said = queries.opinions(conn, dataset_version)
    return {track_id: Opinion(quality, error) for track_id, quality, error in said} or None


def digest(conn: psycopg.Connection, dataset_version: str) -> str:
    """Changes whenever `opinions` does: part of what an evaluation rests on."""
    return queries.opinions_digest(conn, dataset_version)
