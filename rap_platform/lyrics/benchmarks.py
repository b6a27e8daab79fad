"""The benchmark of the stage as a whole: fetching and importing in one run; each is measured in a module of its own."""

from rap_platform.benchmarks import Bench
from rap_platform.lyrics.fetch_benchmark import fetching
from rap_platform.lyrics.import_benchmark import imports
from rap_platform.settings import Settings


def ingest(settings: Settings) -> Bench:
    """Measure fetching beside LyricsGenius and plain httpx, then importing beside pandas; the ratio is that of fetching."""
    parts = {"fetch": fetching(settings), "import": imports(settings)}
    figures = {f"{name}: {key}": value for name, part in parts.items() for key, value in part.figures.items()}
    reference = {f"{name}: {key}": value for name, part in parts.items() for key, value in part.reference.items()}
    figures["import: ratio_to_pandas"] = parts["import"].ratio
    return Bench("ingest", figures, reference, parts["fetch"].ratio)
