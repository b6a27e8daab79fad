"""What a library of any size takes, from what a measured one took: storage, memory, build time, machines. Pure arithmetic.

Storage and work per section do not depend on size, but for the depth of the HNSW graph: a search visits about ln(sections) nodes more.
That holds between graphs of as many links a vector: measure a library whose indexes have those of the shards (`indexing.links`).
"""

import math
from dataclasses import dataclass

SECTIONS_PER_TRACK = 6.3
HEADROOM = 1.5  # memory over what is read all the time: connections, sorting, what changes


@dataclass(frozen=True)
class Measured:
    """What a bench found: bytes by part, the seconds of the HNSW build on so many cores, and the search's time."""

    sections: int
    vectors_bytes: int  # of the table
    graph_bytes: int  # of the HNSW index
    texts_bytes: int
    words_bytes: int  # of the full-text index
    sounds_bytes: int  # table and index
    build_s: float
    build_cores: int
    vector_p95_ms: float


@dataclass(frozen=True)
class Need:
    """What so many tracks need, on shards of one size: gigabytes in all, and per shard what must be in memory, build and latency."""

    tracks: int
    sections: int
    shards: int
    stored_gb: float
    hot_gb_per_shard: float
    build_h_per_shard: float
    vector_p95_ms: float


def need(measured: Measured, tracks: int, *, memory_gb: float, cores: int) -> Need:
    """The shards of `memory_gb` and `cores` each that `tracks` tracks need, so that what every search reads stays in memory.

    That is the HNSW graph (pgvector keeps the vectors in it), and the indexes of words and sounds; texts and tables are read for hits only.
    Build time is n ln n over cores; latency grows with the logarithm of a shard's sections, for every shard is asked at once.
    Raises ValueError for a size below one track or a machine without memory or cores.
    """
    if tracks < 1 or memory_gb <= 0 or cores < 1:
        raise ValueError(f"{tracks} tracks on {memory_gb} GB and {cores} cores: all must be above zero")
    sections = round(tracks * SECTIONS_PER_TRACK)
    per_section = {
        "hot": (measured.graph_bytes + measured.words_bytes + measured.sounds_bytes) / measured.sections,
        "all": (measured.graph_bytes + measured.words_bytes + measured.sounds_bytes + measured.vectors_bytes + measured.texts_bytes)
        / measured.sections,
    }  # fmt: skip
    hot_gb = sections * per_section["hot"] / 1e9
    shards = max(1, math.ceil(hot_gb * HEADROOM / memory_gb))
    of_shard = sections / shards
    growth = math.log(of_shard) / math.log(measured.sections)
    core_seconds = measured.build_s * measured.build_cores / measured.sections
    return Need(
        tracks, sections, shards, round(sections * per_section["all"] / 1e9, 1), round(hot_gb / shards, 1),
        round(core_seconds * of_shard * growth / cores / 3600, 2), round(measured.vector_p95_ms * growth, 2),
    )  # fmt: skip


def measured_of(figures: dict[str, float], build_cores: int) -> Measured:
    """What `bench search` printed, as a measurement to reckon from."""

    def size(*names: str) -> int:
        return round(1e6 * sum(figures.get(f"mb_{name}", 0.0) for name in names))

    return Measured(
        sections=round(figures["sections"]), vectors_bytes=size("section_vectors_minilm", "section_vectors_minilm_pkey", "section_vectors_minilm_track"),
        graph_bytes=size("section_vectors_minilm_hnsw"), texts_bytes=size("track_sections", "track_sections_pkey", "tracks"),
        words_bytes=size("track_sections_words"), sounds_bytes=size("section_sounds_keys"),
        build_s=figures.get("made_section_vectors_minilm_hnsw_s", 0.0), build_cores=build_cores,
        vector_p95_ms=figures["vector_p95_ms_1_client"],
    )  # fmt: skip
