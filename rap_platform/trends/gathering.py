"""Reads the songs of a population and makes the three reports of them: words, groups, and the whole. Plain functions over a connection."""

from typing import Any

import numpy as np
import psycopg

from rap_platform.orchestration.progress import track
from rap_platform.trends import clusters, queries, report, words
from rap_platform.trends.panel import of_songs
from rap_platform.trends.report import SEED, Body, Inputs

SAMPLED_SONGS = 20_000  # that the vocabulary and the groups are made from; all songs are counted and placed
DRAWN_SONGS = 1_000  # in the picture of the groups


def word_trends(conn: psycopg.Connection, simulated: bool) -> Body:
    """Which words of a population come and go; only songs in its main language, so that a new language makes no new words."""
    counts = queries.counts(conn, simulated)
    language = queries.main_language(conn, simulated)
    body: Body = {
        "simulated": simulated, "language": language, "recent_years": words.RECENT, "songs": 0, "words": 0, "rising": [], "falling": [], "new": [],
    }  # fmt: skip
    if counts.first_year is None or counts.last_year is None:
        return body
    slots = queries.slots_for(counts.with_year, SAMPLED_SONGS)
    vocabulary = words.vocabulary(lyrics for _, _, lyrics in queries.lyrics(conn, simulated, language, slots))
    songs = track(queries.lyrics(conn, simulated, language), counts.with_year, "words of songs")
    counted = words.count(songs, vocabulary, (counts.first_year, counts.last_year))
    found = words.trends(counted)
    told: Body = report.rounded(
        body
        | {
            "songs": int(counted.songs.sum()),
            "words": len(vocabulary),
            "rising": [vars_of(one) for one in words.rising(found)],
            "falling": [vars_of(one) for one in words.falling(found)],
            "new": [vars_of(one) for one in words.new(counted, found)],
        }
    )
    return told


def vars_of(word: words.WordTrend) -> dict[str, Any]:
    """A word as JSON."""
    return {name: getattr(word, name) for name in word.__dataclass_fields__}


def song_clusters(conn: psycopg.Connection, simulated: bool, encoder: str) -> Body | None:
    """Groups of songs by their lyrics' vectors; None when there are too few of them."""
    counts = queries.counts(conn, simulated)
    slots = queries.slots_for(counts.with_year, SAMPLED_SONGS)
    sample: list[Any] = []
    for part in queries.vectors(conn, encoder, simulated, slots):
        sample += [row[3].to_numpy().astype(np.float32) for row in part]
    if not sample:
        return None
    made = clusters.cluster(np.stack(sample), SEED)
    if made is None:
        return None
    told: Body = report.rounded(_placed(conn, simulated, encoder, made, slots))
    return told


def _placed(conn: psycopg.Connection, simulated: bool, encoder: str, made: clusters.Clustering, slots: int) -> Body:
    """All songs placed among the clusters, in one pass; the words of the sample name them."""
    count = len(made.centres)
    language = queries.main_language(conn, simulated)
    vocabulary = words.vocabulary(text for _, _, text in queries.lyrics(conn, simulated, language, slots))
    naming, medoids = clusters.Naming(count, vocabulary), clusters.Medoids(count)
    years: list[int] = []
    artists: list[int] = []
    chosen: list[int] = []
    picture: list[tuple[float, float, int]] = []
    for part in queries.vectors(conn, encoder, simulated):
        vectors = np.stack([row[3].to_numpy() for row in part]).astype(np.float32)
        labels, distances = made.assign(vectors)
        places = made.places(vectors)
        medoids.add([row[0] for row in part], labels, distances)
        for row, label, place in zip(part, labels.tolist(), places, strict=True):
            years.append(row[2])
            artists.append(row[1])
            chosen.append(label)
            if len(picture) < DRAWN_SONGS:
                picture.append((float(f"{place[0]:.3f}"), float(f"{place[1]:.3f}"), label))
            if naming.songs.sum() < SAMPLED_SONGS:
                naming.add(label, row[4])
    names = [", ".join(own) or f"group {number + 1}" for number, own in enumerate(naming.names())]
    names = [name if names.index(name) == number else f"{name} ({number + 1})" for number, name in enumerate(names)]
    titles = queries.titles(conn, [track_id for ids in medoids.track_ids() for track_id in ids])
    amounts = np.bincount(chosen, minlength=count)
    panel = of_songs("share", names, years, artists, np.eye(count)[chosen])
    best = next(one for one in made.tried if one.count == count)
    return {
        "simulated": simulated,
        "encoder": encoder,
        "songs": len(chosen),
        "silhouette": best.silhouette,
        "stability": best.stability,
        "tried": [{"count": one.count, "silhouette": one.silhouette, "stability": one.stability} for one in made.tried],
        "clusters": [
            {
                "name": names[k],
                "songs": int(amounts[k]),
                "medoids": [titles[track_id] for track_id in medoids.track_ids()[k]],
            }
            for k in range(count)
        ],
        "part": report.part(panel),
        "picture": {"explained": made.explained, "points": picture},
    }


def whole(conn: psycopg.Connection, simulated: bool, analyzer: str | None) -> Body:
    """The trend report of a population, with the newest words and groups of it."""
    counts = queries.counts(conn, simulated)
    queries.hear(conn, simulated, analyzer)
    figures, cells = queries.figures(conn, simulated)
    stored = {kind: queries.latest(conn, simulated, kind) for kind in (queries.WORDS, queries.CLUSTERS)}
    told = {kind: row["body"] if row and not row["body"].get("nothing") else None for kind, row in stored.items()}
    return report.build(
        Inputs(
            simulated=simulated,
            analyzer=analyzer,
            songs=counts.with_year,
            songs_without_year=counts.without_year,
            themes=queries.labels(conn, "themes"),
            moods=queries.labels(conn, "moods"),
            sentiments=queries.labels(conn, "sentiments"),
            figures=figures,
            without=lambda theme: queries.labels(conn, "themes", without=theme),
            cells=cells,
            composition=queries.composition(conn, simulated),
            words=told[queries.WORDS],
            clusters=told[queries.CLUSTERS],
        )
    )
