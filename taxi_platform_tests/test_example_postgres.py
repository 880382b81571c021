"""The example of another project that borrows the Postgres IO managers, run as it is."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator
from types import ModuleType

import dagster as dg
import pytest

from taxi_platform_tests.conftest import ROOT
from taxi_platform_tests.kit.postgres_server import PostgresServer


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bakery", ROOT / "examples" / "postgres" / "definitions.py")
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # the backfill policy, in Dagster 1.13
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def server(postgres18: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    monkeypatch.setenv("BAKERY_DSN", f"{postgres18.url}?schema=tills")
    yield postgres18
    postgres18.ask("DROP SCHEMA IF EXISTS tills CASCADE")


def materialise(example: ModuleType, asset: dg.AssetsDefinition, key: str | None = None) -> None:
    job = example.defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection={asset.key})
    assert job.execute_in_process(partition_key=key).success


def test_days_are_replaced_one_by_one(server: PostgresServer, example: ModuleType) -> None:
    for key in ("2024-02-28", "2024-02-29", "2024-02-28"):
        materialise(example, example.visitors, key)
    assert server.ask("SELECT day::text, shop, visitors FROM visitors ORDER BY 1, 2", "tills") == [
        ("2024-02-28", "harbour", 50),
        ("2024-02-28", "mill", 128),
        ("2024-02-29", "harbour", 50),
        ("2024-02-29", "mill", 129),
    ]


def test_a_year_reads_its_twelve_months(server: PostgresServer, example: ModuleType) -> None:
    for month in range(1, 13):
        materialise(example, example.sales, f"2024-{month:02}")
    materialise(example, example.year_report, "2024-01")
    assert server.ask("SELECT shop, loaves, months, year::text FROM year_report ORDER BY 1", "tills") == [
        ("harbour", 12 * 1500, 12, "2024-01-01"),
        ("mill", 12 * 3000 + sum(range(1, 13)), 12, "2024-01-01"),
    ]


def test_a_key_of_its_own(server: PostgresServer, example: ModuleType) -> None:
    for _ in range(2):
        materialise(example, example.shops)
    server.ask("UPDATE shops SET city = 'Gouda'", "tills")
    server.ask("INSERT INTO shops (shop, city) VALUES ('closed', 'Delft')", "tills")
    materialise(example, example.shops)
    assert server.ask("SELECT * FROM shops ORDER BY 1", "tills") == [
        ("closed", "Delft"),
        ("harbour", "Rotterdam"),
        ("mill", "Utrecht"),
    ]
