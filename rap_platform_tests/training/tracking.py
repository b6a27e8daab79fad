"""An MLflow store in a file, made once per session and copied for each test; shared by the learning stages' tests."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from rap_platform.resources.mlflow import MlflowResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import Settings
from rap_platform.training.checks import CHECKS

Materialize = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its tables made, which takes two seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowResource(tracking_uri=f"sqlite:///{path}").client().search_experiments()
    return path


@pytest.fixture
def tracking(empty_store: Path, tmp_path: Path) -> MlflowResource:
    """A tracking store of this test's own."""
    path = tmp_path / "tracking" / "mlflow.db"
    path.parent.mkdir()
    shutil.copy(empty_store, path)
    return MlflowResource(tracking_uri=f"sqlite:///{path}")


@pytest.fixture
def materialize(settings: Settings, tracking: MlflowResource) -> Materialize:
    """Materialize assets, with the checks given, against this test's database and tracking store."""

    def run(
        *assets: dg.AssetsDefinition, checks: Sequence[Any] = (), mlflow: MlflowResource = tracking
    ) -> dg.ExecuteInProcessResult:
        resources = {"postgres": PostgresResource(), "mlflow": mlflow}
        return dg.materialize([*assets, *checks], resources=resources, raise_on_error=False)

    return run


def checks_of(*assets: dg.AssetsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks of these assets."""
    keys = {asset.key for asset in assets}
    return [check for check in CHECKS if {spec.asset_key for spec in check.check_specs} <= keys]


def judge(*checks: dg.AssetChecksDefinition) -> dg.ExecuteInProcessResult:
    """Run checks on what is stored, without making their assets again; for tests that have the settings of a database."""
    job = dg.define_asset_job("judge", selection=dg.AssetSelection.checks(*checks))
    located = dg.Definitions(asset_checks=list(checks), jobs=[job], resources={"postgres": PostgresResource()})
    return located.resolve_job_def("judge").execute_in_process(raise_on_error=False)


def failures_of(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What each failed check says it found."""
    return {e.check_name: e.description or "" for e in result.get_asset_check_evaluations() if not e.passed}


def tracked(store: MlflowResource, experiment: str) -> list[Any]:
    """The runs of an experiment; none when it does not exist."""
    found = store.client().get_experiment_by_name(experiment)
    return [] if found is None else list(store.client().search_runs([found.experiment_id]))


def figures(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """The metadata of an asset's materialization as plain values."""
    assert result.success
    (materialization,) = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in materialization.metadata.items()}


def verdicts(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    """Whether each check passed."""
    return {evaluation.check_name: evaluation.passed for evaluation in result.get_asset_check_evaluations()}
