"""`rap-platform adapters`: fine-tuned language models that judge songs. The work is in lora.py and serving.py."""

import json
import shlex
import time
from contextlib import suppress
from typing import Annotated, Any

import typer

from rap_platform.console import AsJson, err, out, refuse, running, settings, show_json, table
from rap_platform.settings import NotConfigured

app = typer.Typer(name="adapters", help="Language models fine-tuned on the dataset (LoRA).", no_args_is_help=True)


@app.command()
def train(as_json: AsJson = False) -> None:
    """Fine-tune the base model on the current dataset; `run --select adapters` also asks it about the held-out tracks."""
    with running("postgres") as ready:
        from rap_platform.orchestration import progress
        from rap_platform.resources.connecting import connect
        from rap_platform.training import queries as datasets
        from rap_platform.training.finetuning import making, packages, rows

        try:
            given = making.base_given(ready)
            packages.require()
            with connect() as conn:
                version = datasets.current_dataset(conn, ready.population)
            if version is None:
                refuse("there is no dataset yet: `rap-platform run` makes one once enough tracks are rated", code=1)
            with progress.bars(err):
                adapter, fresh = making.trained(ready, given, version)
        except (NotConfigured, packages.BadBase, packages.PackagesMissing, rows.BadRows) as error:
            refuse(str(error))
    if as_json:
        show_json(adapter.manifest)
        return
    losses = adapter.losses
    out.print(
        f"{adapter.name}: {'trained' if fresh else 'trained before'} on {adapter.manifest['rows']['trained']} tracks of {version.version}, "
        f"loss {losses[0][1]:.3f} to {losses[-1][1]:.3f} in {len(losses)} steps"
    )


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every adapter on this disk: what it was trained on, what it said, how vLLM serves it."""
    with running("postgres") as ready:
        from rap_platform.resources.connecting import connect
        from rap_platform.training.finetuning import adapters as store
        from rap_platform.training.finetuning import queries

        with connect() as conn:
            asked = {row["name"]: row for row in queries.known(conn)}
    rows: list[dict[str, Any]] = []
    for adapter in store.known(ready.data_dir):
        said = asked.get(adapter.name, {})
        rows.append({
            "adapter": adapter.name, "dataset": adapter.manifest["dataset"]["version"], "made": adapter.manifest["made_at"],
            "tracks": adapter.manifest["rows"]["trained"], "loss": adapter.losses[-1][1], "asked": said.get("answers", 0),
            "answered": said.get("answered", 0), "MAE": said.get("mae"), "vllm": shlex.join(adapter.vllm_command()),
        })  # fmt: skip
    if as_json:
        show_json(rows)
    elif not rows:
        out.print("no adapter yet: set RAP_TRAINING__ADAPTER_BASE_MODEL and run `rap-platform adapters train`")
    else:
        out.print(table([{name: value for name, value in row.items() if name != "vllm"} for row in rows]))
        out.print(f"in production: {rows[0]['vllm']}")


@app.command()
def serve(
    name: Annotated[str, typer.Argument(help="The adapter, as `rap-platform adapters list` calls it.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="On loopback.")] = 8001,
) -> None:
    """Serve an adapter merged into its base as an OpenAI-compatible endpoint on loopback, until Ctrl-C; vLLM is for production."""
    from rap_platform.training.finetuning import adapters as store
    from rap_platform.training.finetuning import lora, packages, serving

    ready = settings()
    adapter = store.find(ready.data_dir, name)
    if adapter is None:
        refuse(f"there is no adapter {name}: see `rap-platform adapters list`")
    try:
        with err.status("merging"):
            folder = lora.merged(adapter)
        log = ready.data_dir / "logs" / "adapter_server.log"
        err.print(f"loading; what the server says is in {log}")
        with serving.serving(folder, log, port) as base_url:
            question = {"model": adapter.name, "messages": [{"role": "user", "content": "<lyrics>…</lyrics>"}]}
            out.print(f"{base_url} serves {adapter.name} until Ctrl-C; ask it with")
            out.print(
                f"curl {base_url}/chat/completions -H 'content-type: application/json' -d {shlex.quote(json.dumps(question))}"
            )
            with suppress(KeyboardInterrupt):
                while True:
                    time.sleep(3600)
    except (packages.BadBase, packages.PackagesMissing, serving.NotServed) as error:
        refuse(str(error), code=1)
