"""MLflow: experiments, runs that name the Dagster run they come from, and the registry. What is logged is the stages' business."""

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import httpx

from rap_platform.settings import NotConfigured, get_settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

# Telemetry off, a short wait for a server that is away, nothing on standard output; read by mlflow when it is imported,
# which happens on first use (1.6 s).
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

MAX_TAG = 5000
MAX_NOTE = (
    7900  # what the UI shows as the description of a run is a tag, and 8,000 characters is the most that a tag holds
)
NOTE = "mlflow.note.content"
PATIENCE_S = 2.0  # for a server that only helps
# Which of its two faces the MLflow UI shows: runs, metrics and plots, not traces and judges.
_KIND = {"mlflow.experimentKind": "custom_model_development"}


class Run:
    """A run being written: parameters, metrics, tags, texts, figures and files; `url` leads to it in the UI."""

    def __init__(self, client: "MlflowClient", run_id: str, experiment_id: str, url: str | None) -> None:
        self.client, self.run_id, self.experiment_id, self.url = client, run_id, experiment_id, url

    def log(
        self,
        *,
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, float | None] | None = None,
        tags: Mapping[str, object] | None = None,
    ) -> None:
        """Log in one request; a metric that is None does not exist and is left out."""
        from mlflow.entities import Metric, Param, RunTag

        now = int(time.time() * 1000)
        self.client.log_batch(
            self.run_id,
            metrics=[
                Metric(name, float(value), now, 0) for name, value in (metrics or {}).items() if value is not None
            ],
            params=[Param(name, str(value)[:MAX_TAG]) for name, value in (params or {}).items()],
            tags=[RunTag(name, str(value)[:MAX_TAG]) for name, value in (tags or {}).items()],
        )

    def note(self, text: str) -> None:
        """Set the description of the run, in Markdown; what is too long ends after a whole line."""
        self.client.set_tag(self.run_id, NOTE, fitting(text))

    def text(self, text: str, path: str) -> None:
        """Store a text as an artifact."""
        self.client.log_text(self.run_id, text, path)

    def json(self, content: Any, path: str) -> None:
        """Store what JSON can hold as an artifact."""
        self.client.log_dict(self.run_id, content, path)

    def files(self, folder: Path, path: str | None = None) -> None:
        """Store the files of a folder as artifacts."""
        self.client.log_artifacts(self.run_id, str(folder), path)

    def figures(self, figures: Mapping[str, "Figure"], path: str = "plots", dpi: int = 80) -> None:
        """Store figures as PNG."""
        with tempfile.TemporaryDirectory() as folder:
            for name, figure in figures.items():
                figure.savefig(Path(folder) / f"{name}.png", dpi=dpi, bbox_inches="tight")
            self.files(Path(folder), path)

    def dataset(
        self,
        *,
        name: str,
        digest: str,
        source: str,
        rows: int,
        context: str,
        profile: Mapping[str, object] | None = None,
    ) -> None:
        """Say which dataset the run saw; `context` is training or evaluation."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        entity = Dataset(
            name=name,
            digest=digest[:36],
            source_type="local",
            source=json.dumps({"uri": source}),
            profile=json.dumps({"num_rows": rows, **(profile or {})}),
        )
        self.client.log_inputs(self.run_id, datasets=[DatasetInput(entity, [InputTag("mlflow.data.context", context)])])

    def model(
        self,
        model: Any,
        *,
        name: str,
        example: Any,
        predicted: Any,
        requirements: Sequence[str],
        trusted_types: Sequence[str],
        tags: Mapping[str, object],
    ) -> "ModelVersion":
        """Log a scikit-learn model and register it as a new version of `name` that carries `tags` from its first moment.

        Requirements are given, not inferred: inferring loads the model in a fresh interpreter and takes ten seconds. The file
        is in skops format, so that loading it runs no code.
        """
        import mlflow
        import mlflow.sklearn
        from mlflow.exceptions import MlflowException
        from mlflow.models import infer_signature

        mlflow.set_tracking_uri(self.client.tracking_uri)
        with mlflow.start_run(run_id=self.run_id):
            logged = mlflow.sklearn.log_model(
                model,
                name=name,
                signature=infer_signature(example, predicted),
                input_example=example,
                pip_requirements=list(requirements),
                serialization_format="skops",
                skops_trusted_types=list(trusted_types),
            )
        try:
            self.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        text = {key: str(value) for key, value in tags.items()}
        return self.client.create_model_version(
            name, logged.model_uri, self.run_id, tags=text, model_id=logged.model_id
        )


def fitting(text: str) -> str:
    """A description that fits: whole lines up to the limit."""
    if len(text) <= MAX_NOTE:
        return text
    kept = text[: MAX_NOTE - 40]
    return kept[: kept.rfind("\n")] + "\n\n(more: see the artifacts)"


class MlflowAway(Exception):
    """The tracking server does not answer, or does not do what was asked; the message says which."""


@dataclass(frozen=True)
class RegisteredPrompt:
    """A version of a prompt in the registry; `url` leads to it in the UI."""

    uri: str
    version: int
    url: str | None


class MlflowResource(dg.ConfigurableResource):
    """The tracking server. `tracking_uri` is for tests; deployments set RAP_MLFLOW_TRACKING_URI."""

    tracking_uri: str | None = None

    def uri(self) -> str:
        """Where the tracking server is. Raises NotConfigured."""
        uri = self.tracking_uri or get_settings().mlflow_tracking_uri
        if uri is None:
            raise NotConfigured("MLflow", "RAP_MLFLOW_TRACKING_URI, or start the embedded one with `rap-platform up`")
        return uri

    def client(self) -> "MlflowClient":
        """A client of the tracking server and its registry. Raises NotConfigured."""
        return _client(self.uri())

    @contextmanager
    def run(
        self, experiment: str, name: str, *, tags: Mapping[str, object], parent: Run | None = None
    ) -> Iterator[Run]:
        """A run that ends FINISHED, or FAILED when the block raises.

        A run of the same experiment with the same `key` tag that a killed process left RUNNING is closed first.
        """
        client = self.client()
        experiment_id = parent.experiment_id if parent else self._experiment(client, experiment)
        if parent is None and "key" in tags:
            self._close_orphans(client, experiment_id, str(tags["key"]))
        text = {key: str(value)[:MAX_TAG] for key, value in tags.items()}
        if parent is not None:
            text["mlflow.parentRunId"] = parent.run_id
        if commit := git_commit():
            text["mlflow.source.git.commit"] = commit
        run_id = client.create_run(experiment_id, tags=text, run_name=name).info.run_id
        try:
            yield Run(client, run_id, experiment_id, self.url(experiment_id, run_id))
        except BaseException:
            client.set_terminated(run_id, status="FAILED")
            raise
        client.set_terminated(run_id, status="FINISHED")

    def url(self, experiment_id: str, run_id: str) -> str | None:
        """Where a person sees the run; None for a store that has no web page."""
        return self._page(f"experiments/{experiment_id}/runs/{run_id}")

    def model_url(self, name: str, version: str) -> str | None:
        """Where a person sees the model version; None for a store that has no web page."""
        return self._page(f"models/{name}/versions/{version}")

    def versions(self, name: str, tags: Mapping[str, object] | None = None) -> "list[ModelVersion]":
        """Versions of a registered model whose tags have these values, newest first; none when it was never registered."""
        found = self.client().search_model_versions(f"name = '{name}'")
        wanted = {key: str(value) for key, value in (tags or {}).items()}
        matching = [version for version in found if wanted.items() <= version.tags.items()]
        return sorted(matching, key=lambda version: int(version.version), reverse=True)

    def alias(self, name: str, alias: str) -> "ModelVersion | None":
        """The version that an alias points to, or None."""
        from mlflow.exceptions import MlflowException

        try:
            return self.client().get_model_version_by_alias(name, alias)
        except MlflowException as error:
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                return None
            raise

    def load(self, name: str, version: str) -> Any:
        """The scikit-learn model of a version; runs no code from the file."""
        import mlflow
        import mlflow.sklearn

        mlflow.set_tracking_uri(self.uri())
        return mlflow.sklearn.load_model(f"models:/{name}/{version}")

    def tag(self, run_id: str, tags: Mapping[str, object]) -> None:
        """Set tags of a run that has ended; those that have their value already are left alone, as is a run that was deleted."""
        from mlflow.exceptions import MlflowException

        client = self.client()
        try:
            known = client.get_run(run_id).data.tags
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return
            raise
        for name, value in tags.items():
            text = fitting(str(value)) if name == NOTE else str(value)[:MAX_TAG]
            if known.get(name) != text:
                client.set_tag(run_id, name, text)

    def children(self, run_id: str, tag: str) -> list[tuple[str, str]]:
        """(run id, value of `tag`) of each child of a run; none when the run was deleted."""
        from mlflow.exceptions import MlflowException

        client = self.client()
        try:
            experiment = client.get_run(run_id).info.experiment_id
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return []
            raise
        found = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run_id}'")
        return [(run.info.run_id, run.data.tags.get(tag, "")) for run in found]

    def run_url(self, run_id: str) -> str | None:
        """Where a person sees a run of which only the id is known; None for a store that has no web page, and for a deleted run."""
        from mlflow.exceptions import MlflowException

        try:
            return self.url(self.client().get_run(run_id).info.experiment_id, run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def read_json(self, run_id: str, path: str) -> Any:
        """What a JSON artifact of a run holds, or None when the run has no such artifact."""
        client = self.client()
        parent = str(Path(path).parent)
        if path not in {found.path for found in client.list_artifacts(run_id, None if parent == "." else parent)}:
            return None
        with tempfile.TemporaryDirectory() as folder:
            return json.loads(Path(client.download_artifacts(run_id, path, folder)).read_text(encoding="utf-8"))

    def register_prompt(self, name: str, text: str, tags: Mapping[str, str]) -> RegisteredPrompt:
        """The version of a prompt that has this text, made if there is none yet; it carries `tags`.

        Raises NotConfigured, and MlflowAway within seconds, so that work that needs no registry can go on without.
        """
        uri = self.uri()
        try:
            if uri.startswith(("http://", "https://")):
                httpx.get(f"{uri.rstrip('/')}/health", timeout=PATIENCE_S).raise_for_status()
            return self._prompt(name, text, dict(tags))
        except Exception as error:  # its stores and clients raise what they like
            raise MlflowAway(f"the prompt registry does not answer: {type(error).__name__}") from error

    def _prompt(self, name: str, text: str, tags: dict[str, str]) -> RegisteredPrompt:
        client = self.client()
        known = client.search_prompt_versions(name) if client.get_prompt(name) is not None else []
        found = next((version for version in known if version.template == text), None)
        if found is None:
            found = client.register_prompt(name, text, commit_message=tags.get("prompt_version"), tags=tags)
        for key, value in tags.items():
            if found.tags.get(key) != value:
                client.set_prompt_version_tag(name, found.version, key, value)
        return RegisteredPrompt(found.uri, int(found.version), self._page(f"prompts/{name}"))

    def _page(self, path: str) -> str | None:
        uri = self.uri()
        return f"{uri.rstrip('/')}/#/{path}" if uri.startswith(("http://", "https://")) else None

    def _experiment(self, client: "MlflowClient", name: str) -> str:
        from mlflow.exceptions import MlflowException

        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        try:
            return str(client.create_experiment(name, artifact_location=self._local_artifacts(), tags=_KIND))
        except MlflowException as error:  # another process made it between the two calls
            found = client.get_experiment_by_name(name)
            if error.error_code != "RESOURCE_ALREADY_EXISTS" or found is None:
                raise
            return str(found.experiment_id)

    def _local_artifacts(self) -> str | None:
        """A store that is a file keeps artifacts beside itself; a server decides for itself."""
        path = re.fullmatch(r"sqlite:///(.+)", self.uri())
        return None if path is None else str(Path(path[1]).resolve().parent / "mlartifacts")

    def _close_orphans(self, client: "MlflowClient", experiment_id: str, key: str) -> None:
        for run in client.search_runs([experiment_id], f"tags.key = '{key}' and attributes.status = 'RUNNING'"):
            for child in client.search_runs(
                [experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}' and attributes.status = 'RUNNING'"
            ):
                client.set_terminated(child.info.run_id, status="KILLED")
            client.set_terminated(run.info.run_id, status="KILLED")


@cache
def _client(uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


@cache
def git_commit() -> str | None:
    """The commit of the code when it runs from a git checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "rev-parse", "HEAD"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None


def dagster_tags(context: dg.AssetExecutionContext, *, simulated: bool) -> dict[str, object]:
    """The tags that lead from an MLflow run back to the Dagster run and asset that made it."""
    return {
        "dagster.run_id": context.run.run_id,
        "dagster.asset_key": context.asset_key.to_user_string(),
        "dagster.url": f"{get_settings().dagster_root}/runs/{context.run.run_id}",
        "simulated": str(simulated).lower(),
    }
