"""Files that are made from the code, so that they can't drift: `make generate` writes them, a test compares them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from rap_platform.settings import PREFIX, walk

ROOT = Path(__file__).resolve().parents[1]


def _default(field: Any) -> Any:
    default = field.get_default(call_default_factory=True)
    if default is PydanticUndefined:
        raise ValueError("every setting has a default")
    if isinstance(default, SecretStr):
        return None
    return str(default) if isinstance(default, Path) else default


def env_example() -> str:
    """Every setting as a commented line of an .env file."""
    lines = [
        "# Copy to .env and uncomment what you change. Environment variables win over this file, this file over config.yaml."
    ]
    for path, field in walk():
        default = _default(field)
        shown = "" if default is None else default if isinstance(default, str) else json.dumps(default)
        lines += [f"# {field.description or path[-1].replace('_', ' ')}", f"#{PREFIX}{'__'.join(path).upper()}={shown}"]
    return "\n".join(lines) + "\n"


def config_example() -> str:
    """Every setting as YAML with its default."""
    lines = ["# Copy to config.yaml and keep what you change. Secrets belong into the environment or .env."]
    group = ""
    for path, field in walk():
        if len(path) == 2 and path[0] != group:
            group = path[0]
            lines.append(f"{group}:")
        indent = "  " * (len(path) - 1)
        comment = f"  # {field.description}" if field.description else ""
        lines.append(f"{indent}{path[-1]}: {json.dumps(_default(field))}{comment}")
    return "\n".join(lines) + "\n"


def graph() -> str:
    """The asset graph as a Mermaid flowchart, one box per stage."""
    from rap_platform.definitions import PIPELINE, defs

    asset_graph = defs.resolve_asset_graph()
    ordered = [key for level in asset_graph.toposorted_asset_keys_by_level for key in sorted(level)]
    lines = ["```mermaid", "flowchart LR"]
    for stage in PIPELINE:
        lines.append(f"  subgraph {stage}")
        keys = [key for key in ordered if asset_graph.get(key).group_name == stage]
        lines += [f"    {key.to_user_string()}" for key in keys]
        lines.append("  end")
    for key in ordered:
        parents = sorted(parent.to_user_string() for parent in asset_graph.get(key).parent_keys)
        lines += [f"  {parent} --> {key.to_user_string()}" for parent in parents]
    return "\n".join([*lines, "```"])


def queries() -> str:
    """The three vector queries, as the tests run them."""
    from rap_platform.embeddings.search import similar_queries as stage

    examples = {
        "Tracks like a text: `lyrics` is its vector": stage.EXAMPLE_SIMILAR_BY_LYRICS,
        "Pairs that sound alike: the nearest five of each track, not every track with every other": stage.EXAMPLE_AUDIO_PAIRS,
        "Recommendations: `listener` is the mean analysis vector of what somebody likes": stage.EXAMPLE_RECOMMENDATIONS,
    }
    return "\n\n".join(f"{title}.\n\n```sql\n{sql.strip()}\n```" for title, sql in examples.items())


BLOCKS: dict[str, Callable[[], str]] = {"graph": graph, "queries": queries}


def readme() -> str:
    """The README with its generated blocks as of today."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, make in BLOCKS.items():
        start, end = f"<!-- {name}: made by `make generate` -->", f"<!-- /{name} -->"
        before, found, rest = text.partition(start)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"README.md has no block {start} ... {end}")
        text = f"{before}{start}\n{make()}\n{end}{after}"
    return text


FILES: dict[str, Callable[[], str]] = {
    ".env.example": env_example,
    "config.example.yaml": config_example,
    "README.md": readme,
}

if __name__ == "__main__":
    for name, make in FILES.items():
        (ROOT / name).write_text(make(), encoding="utf-8")
