"""The benches of search and growth measure what they say, on libraries small enough for every run."""

import psycopg
import pytest
from typer.testing import CliRunner

from rap_platform import benchmarks
from rap_platform.benchmarks import OPTIONS, misplaced
from rap_platform.cli import app
from rap_platform.embeddings import growth_benchmark, search_benchmark
from rap_platform.embeddings.search_benchmark import Size, search
from rap_platform.embeddings.synthetic.verse import Passage
from rap_platform.settings import Settings

TINY = Size(
    book_songs=20, learned_from=60, one_client=6, many_clients=24, warm=4, exact=3, recall=4, filtered=2, swept=4, sample=300,
    workers=0, planted_songs=4,
)  # fmt: skip

SHORT_SONGS = tuple(
    (
        Passage("verse", tuple(f"{word} at the gate and nobody waits {number}" for number in range(4))),
        Passage("hook", (f"we sing {word} again", "carry me over the water")),
    )
    for word in ("winter", "copper", "engine", "orchard", "lantern", "harbour", "pigeon", "velvet")
)


def test_the_bench_measures_all_sides(embedder_settings: Settings) -> None:
    first = search(embedder_settings, tracks=120, size=TINY)
    assert first.figures["tracks"] == 120
    assert 500 < first.figures["sections"] < 1000
    assert first.figures["planted_sections"] > 10
    for what in ("vector", "hybrid", "endpoint"):
        for clients in ("1_client", "16_clients"):
            assert 0 < first.figures[f"{what}_p50_ms_{clients}"] <= first.figures[f"{what}_p99_ms_{clients}"]
    assert first.figures["index_ef_search"] == embedder_settings.search.ef_search
    assert first.figures["huge_pages"] in (0.0, 1.0)
    assert first.figures["made_breadth_s"] > 0
    assert first.figures["recall_at_10"] >= 0.97
    assert first.figures["recall_at_10_filtered"] >= 0.97
    assert first.figures["short_pages"] == 0
    assert first.figures["mb_section_vectors_minilm_hnsw"] > 0.3
    ratio = first.figures["endpoint_p50_ms_1_client"] / first.reference["vector_p50_ms_1_client"]
    assert first.ratio == pytest.approx(ratio, abs=0.01)
    assert not any(name.startswith("reckoned") for name in first.figures), "its graph has fewer links than a shard's"


def test_larger_libraries_are_reckoned_from_a_graph_with_as_many_links() -> None:
    figures = {"sections": 500_000.0, "vector_p95_ms_1_client": 5.0, "mb_section_vectors_minilm_hnsw": 500.0}
    told = search_benchmark._larger(figures)
    assert told["reckoned_at_5_million_tracks_sections"] == 31_500_000
    assert told["reckoned_at_100_million_tracks_shards"] == 15  # 630 GB and half of that again, over 64
    assert search_benchmark._larger(figures | {"sections": 499_999.0}) == {}


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        (
            "match",
            ["--tracks", "9"],
            "--tracks belongs to `bench search` and `bench growth` and `bench quality` and `bench trends`; leave it out of `bench match`",
        ),
        ("growth", ["--fresh"], "--keep belongs to `bench search`"),
        ("features", ["--verse", "poems.csv"], "--verse belongs to `bench search`"),
    ],
)
def test_options_of_other_benches_are_refused(name: str, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["bench", name, *arguments])
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_every_option_belongs_to_benches_that_are_there() -> None:
    assert {name for names in OPTIONS.values() for name in names} <= set(benchmarks.BENCHES)
    assert misplaced("search", {"tracks": 1, "keep": True}) is None


def test_growth_encodes_what_is_new_and_forgets_what_is_deleted(
    embedder_settings: Settings, connection: psycopg.Connection
) -> None:
    bench = growth_benchmark.growth(embedder_settings, tracks=100, book=SHORT_SONGS)
    assert bench.figures["new_tracks"] == 1
    assert 0 < bench.figures["new_texts_encoded"] <= 2
    assert 150 < bench.reference["new_texts_encoded"] <= 200
    assert bench.figures["nothing_new_texts_encoded"] == 0
    assert bench.figures["edited_texts_encoded"] == 1
    assert (bench.figures["deleted_found_before"], bench.figures["deleted_found_after"]) == (1, 0)
    assert bench.ratio == pytest.approx(bench.figures["new_s"] / bench.reference["new_s"], abs=1e-4)
    assert connection.execute("select count(*) from pg_database where datname like 'rap_bench_%'").fetchone() == (0,)


def test_growth_needs_a_hundred_songs(embedder_settings: Settings) -> None:
    with pytest.raises(ValueError, match="have no hundredth"):
        growth_benchmark.growth(embedder_settings, tracks=99)
