"""The house: arrows point one way, rooms have the same names, packages hold what they say."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from rap_platform.definitions import PIPELINE

PACKAGE = Path(__file__).resolve().parents[1] / "rap_platform"
STAGES = list(PIPELINE)
# embeddings/analysis_assets.py embeds what the analysts say and fact_assets.py lets searches filter by it: they alone look one stage ahead.
# The benchmark of linking asks the world for the truth, which no HTTP answer may hold.
SANCTIONED = {
    ("embeddings/search_quality/benchmark.py", "world"),
    ("embeddings/search_quality/library.py", "world"),
    ("embeddings/analysis_assets.py", "analyses"),
    ("embeddings/benchmarks.py", "world"),
    ("embeddings/fact_assets.py", "analyses"),
    ("lyrics/identity_benchmark.py", "world"),
    ("features/benchmarks.py", "world"),
    ("embeddings/synthetic/library.py", "world"),
    ("embeddings/synthetic/verse.py", "world"),
    ("features/world_benchmark.py", "world"),
    ("evaluation/world_songs.py", "world"),
    ("evaluation/quality_benchmark.py", "world"),
    ("evaluation/floor_benchmark.py", "world"),
    ("trends/benchmark.py", "world"),
    ("trends/hearsay.py", "world"),
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_one_way(path: Path) -> None:
    own = str(path.relative_to(PACKAGE))
    room = path.relative_to(PACKAGE).parts[0]
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "rap_platform" or len(parts) < 2:
            continue
        target = parts[1]
        if own not in ("cli.py", "console.py", "benchmarks.py") and room != "local":
            assert target not in ("definitions", "cli", "local"), f"{own} imports {name}"
            assert not any(part.endswith("commands") for part in parts[2:]), f"{own} imports {name}"
        if target == "console":
            assert own == "cli.py" or path.name.endswith("commands.py"), f"{own} imports {name}: only commands print"
        if room in STAGES and target in STAGES and (own, target) not in SANCTIONED:
            assert STAGES.index(target) <= STAGES.index(room), f"{own} imports {name}, a later stage"
        if room == "world":
            assert target in ("world", "settings", "data"), f"{own} imports {name}: the truth shares no code"
        else:
            assert target != "world" or (own, target) in SANCTIONED, (
                f"{own} imports {name}: the world is reached over HTTP only"
            )
        if room in ("resources", "orchestration"):
            assert target not in STAGES or room == "resources", (
                f"{own} imports {name}: orchestration knows nothing about rap"
            )


def test_the_truth_of_the_world_shares_no_code_with_those_who_guess_it() -> None:
    reached, waiting = set[str](), [PACKAGE / "world" / "truth.py"]
    while waiting:
        for name in imports(waiting.pop()):
            path = PACKAGE.parent / (name.replace(".", "/") + ".py")
            if name.startswith("rap_platform.") and path.is_file() and name not in reached:
                reached.add(name)
                waiting.append(path)
    assert "rap_platform.world.names" in reached
    assert {name.split(".")[1] for name in reached} == {"world"}


# The bench of growth runs the assets themselves.
PURE_EXCEPTIONS = {
    "assets.py",
    "analysis_assets.py",
    "drift_assets.py",
    "fact_assets.py",
    "term_assets.py",
    "checks.py",
    "sensors.py",
    "growth_benchmark.py",
    "commercial_assets.py",
}


@pytest.mark.parametrize("stage", STAGES)
def test_pure_modules_import_neither_dagster_nor_fastapi(stage: str) -> None:
    for path in sorted((PACKAGE / stage).glob("*.py")):
        if path.name not in PURE_EXCEPTIONS:
            roots = {name.split(".")[0] for name in imports(path)}
            assert not roots & {"dagster", "fastapi"}, path.name


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_the_same_rooms(stage: str) -> None:
    names = {path.name for path in (PACKAGE / stage).glob("*.py")}
    assert {"__init__.py", "assets.py", "checks.py", "queries.py"} <= names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_belongs_in_it(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
