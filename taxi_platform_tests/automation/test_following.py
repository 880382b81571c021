"""An asset downstream of the warehouse follows each month that is replaced, and no other one."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType

import dagster as dg
import pytest

from taxi_platform.automation.instance import open_instance
from taxi_platform_tests.conftest import ROOT, Project

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")  # of Dagster, about itself

FOLLOWER = dg.AssetKey("green_revenue")


@pytest.fixture
def example(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example as Dagster loads it in the project's folder."""
    monkeypatch.chdir(project.folder)
    monkeypatch.delenv("TAXI_SOURCE", raising=False)
    path = ROOT / "examples" / "follow_the_warehouse.py"
    spec = importlib.util.spec_from_file_location("follow_the_warehouse", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def asked_for(defs: dg.Definitions, instance: dg.DagsterInstance, cursor: object) -> tuple[set[str], object]:
    """The months of the follower that automation asks for now."""
    result = dg.evaluate_automation_conditions(defs, instance, cursor=cursor)  # type: ignore[arg-type]
    return set(result.get_requested_partitions(FOLLOWER)), result.cursor


def test_each_month_that_is_replaced_is_followed_and_no_other(project: Project, example: ModuleType) -> None:
    defs: dg.Definitions = example.defs
    with open_instance(project.folder) as instance:
        _, cursor = asked_for(defs, instance, None)
        project.load("green", "2021-01,2021-02", "--source", "sample://?rows=300")
        months, cursor = asked_for(defs, instance, cursor)
        assert months == {"2021-01", "2021-02"}
        job = defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection={FOLLOWER})
        for month in sorted(months):
            run = job.execute_in_process(instance=instance, partition_key=month)
            (event,) = run.get_asset_materialization_events()
            metadata = event.step_materialization_data.materialization.metadata
            ((trips, dollars),) = project.rows(
                f"select count(*), sum(total_amount) from green_trips where source_month = '{month}-01'"
            )
            assert (metadata["trips"].value, metadata["dollars"].value) == (trips, float(dollars))
        months, cursor = asked_for(defs, instance, cursor)
        assert months == set()
        project.load("green", "2021-02", "--source", "sample://?rows=400")  # published again
        months, cursor = asked_for(defs, instance, cursor)
        assert months == {"2021-02"}
