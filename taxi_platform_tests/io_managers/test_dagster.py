"""The IO managers in a Dagster project that has nothing to do with taxis: weather stations, by month and by day.

Dagster cannot read annotations that are strings: no `from __future__ import annotations` here.
"""

import functools
import gc
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from taxi_platform.errors import StoreUnavailableError
from taxi_platform.io_managers import month_io
from taxi_platform.io_managers.bigquery.warehouse import BigQueryWarehouse
from taxi_platform.io_managers.duckdb import connecting
from taxi_platform.io_managers.duckdb.warehouse import DuckDBWarehouse
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.postgres.warehouse import PostgresWarehouse
from taxi_platform.io_managers.stored import partition_date
from taxi_platform.trips.month_file import MonthDraft, MonthFile
from taxi_platform_tests.conftest import ROOT
from taxi_platform_tests.io_managers.kits import StoreKit
from taxi_platform_tests.io_managers.months import in_order, month_rows

MONTHLY = dg.MonthlyPartitionsDefinition("2020-01", fmt="%Y-%m", end_date="2022-01")
DAILY = dg.DailyPartitionsDefinition("2021-01-01", end_date="2021-03-01")
YEARLY = dg.TimeWindowPartitionsDefinition(start="2020", end="2022", fmt="%Y", cron_schedule="0 0 1 1 *")
YEAR_OF_MONTHS = dg.TimeWindowPartitionMapping()

JANUARY, FEBRUARY = "2021-01", "2021-02"
KINDS = (pd.DataFrame, pa.Table, pa.RecordBatchReader)
LOADS = (pd.DataFrame, pa.Table, pa.RecordBatchReader, ds.Dataset)


def readings(kind: Any, key: str, rows: int = 3) -> Any:
    """Some temperatures, as whatever an asset likes to return; the store adds the partition."""
    columns = {"station": [f"{key} №{n}" for n in range(rows)], "celsius": [n - 0.5 for n in range(rows)]}
    table = pa.table(columns, schema=pa.schema({"station": pa.string(), "celsius": pa.float64()}))
    return {
        pd.DataFrame: table.to_pandas,
        pa.Table: lambda: table,
        pa.RecordBatchReader: lambda: pa.RecordBatchReader.from_batches(table.schema, iter(table.to_batches())),
        pa.RecordBatch: lambda: table.to_batches()[0],
    }[kind]()


def measured(kind: Any, partitions: dg.PartitionsDefinition = MONTHLY, rows: int = 3) -> dg.AssetsDefinition:
    @dg.asset(name="readings", partitions_def=partitions)
    def asset(context: dg.AssetExecutionContext) -> kind:
        return readings(kind, context.partition_key, rows)

    return asset


def stations(value: Any) -> list[str]:
    """What came in, whatever it came in as."""
    if isinstance(value, MonthFile):
        value = value.table_of()
    if isinstance(value, dict):
        value = pa.concat_tables(month.table_of() for month in value.values())
    if isinstance(value, ds.Dataset):
        value = value.to_table()
    if isinstance(value, pa.RecordBatchReader):
        value = value.read_all()
    return list(value["station"]) if isinstance(value, pd.DataFrame) else value["station"].to_pylist()


def reading(wanted: Any, seen: list[Any], partitions: Any = MONTHLY, mapping: Any = None) -> dg.AssetsDefinition:
    """An asset downstream that notes what it is given."""

    @dg.asset(partitions_def=partitions, ins={"readings": dg.AssetIn(partition_mapping=mapping)}, io_manager_key="none")
    def report(readings: wanted) -> None:
        seen.append(stations(readings))

    return report


def run(kit: StoreKit, assets: list[Any], key: str | None, **more: Any) -> dg.ExecuteInProcessResult:
    """Materialise the last of the assets."""
    return dg.materialize(
        assets,
        selection=assets[-1:],
        partition_key=key,
        resources={"io_manager": kit.io_manager(), "none": dg.InMemoryIOManager(), **more.pop("resources", {})},
        instance=more.pop("instance", None) or nobodys_instance(),
        raise_on_error=False,
        **more,
    )


@functools.cache
def nobodys_instance() -> dg.DagsterInstance:
    """One for all who do not ask it for what happened: it takes as long to make as a run."""
    return dg.DagsterInstance.ephemeral()


def stored(kit: StoreKit, key: str, rows: int = 3) -> None:
    """Readings of a month, put down without a run."""
    table = readings(pa.Table, key, rows)
    day = pa.repeat(pa.scalar(partition_date(key)), rows)
    kit.put(key, table.append_column("source_month", day), f"{rows}", f"{rows}", table="readings")


def sentence(result: dg.ExecuteInProcessResult) -> str:
    """What the failed step says, without a traceback in it."""
    assert not result.success
    failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    data = failures[-1].user_failure_data
    assert data is not None, failures[-1].error.message
    assert "\n" not in data.description
    return data.description


def attempts(result: dg.ExecuteInProcessResult) -> int:
    return 1 + sum(event.event_type_value == "STEP_RESTARTED" for event in result.all_events)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What one test leaves to the collector is not found in the next."""
    yield
    gc.collect()


# Put down and picked up


@pytest.mark.parametrize("kind", KINDS)
def test_a_month_can_go_in_as_any_of_these(kit: StoreKit, kind: Any) -> None:
    for key in (JANUARY, FEBRUARY):
        assert run(kit, [measured(kind)], key).success
    for key in (JANUARY, FEBRUARY):
        assert stations(kit.table_of(key, "readings")) == stations(readings(pa.Table, key))


@pytest.mark.parametrize("wanted", LOADS)
def test_a_month_can_come_out_as_any_of_these(kit: StoreKit, wanted: Any) -> None:
    seen: list[Any] = []
    for key in (JANUARY, FEBRUARY):
        stored(kit, key)
    assert run(kit, [measured(pa.Table), reading(wanted, seen)], FEBRUARY).success
    assert seen == [stations(readings(pa.Table, FEBRUARY))]


@pytest.mark.parametrize("wanted", [MonthFile, dict[str, MonthFile], Any])
def test_a_month_in_a_folder_comes_out_as_its_file(kit_of: Any, wanted: Any) -> None:
    kit, seen = kit_of("folder"), []
    stored(kit, JANUARY)
    assert run(kit, [measured(pa.Table), reading(wanted, seen)], JANUARY).success
    assert seen == [stations(readings(pa.Table, JANUARY))]


def test_a_month_of_a_folder_can_be_stored_in_a_warehouse_as_it_is(kit_of: Any) -> None:
    lake, warehouse = kit_of("folder", "lake"), kit_of("duckdb", "warehouse")

    @dg.asset(partitions_def=MONTHLY, io_manager_key="warehouse")
    def loaded(readings: MonthFile) -> MonthFile:
        return readings

    stored(lake, JANUARY)
    for outcome in ("created", "unchanged"):
        result = run(lake, [measured(pa.Table), loaded], JANUARY, resources={"warehouse": warehouse.io_manager()})
        assert metadata(result)["outcome"].value == outcome
    assert warehouse.table_of(JANUARY, "loaded")["station"].to_pylist() == stations(readings(pa.Table, JANUARY))


def metadata(result: dg.ExecuteInProcessResult) -> Any:
    (event,) = result.get_asset_materialization_events()
    return event.materialization.metadata


def test_days_are_stored_as_months_are(kit: StoreKit) -> None:
    seen: list[Any] = []
    for key in ("2021-01-30", "2021-01-31"):
        assert run(kit, [measured(pa.Table, DAILY)], key).success
    assert run(kit, [measured(pa.Table, DAILY), reading(pa.Table, seen, DAILY)], "2021-01-30").success
    assert seen == [stations(readings(pa.Table, "2021-01-30"))]


@pytest.mark.parametrize("wanted", LOADS)
def test_a_year_reads_its_months_at_once(kit: StoreKit, wanted: Any) -> None:
    seen: list[Any] = []
    months = [f"2021-{month:02}" for month in range(1, 13)]
    for key in ["2020-12", *months]:
        stored(kit, key, rows=2)
    assert run(kit, [measured(pa.Table), reading(wanted, seen, YEARLY, YEAR_OF_MONTHS)], "2021").success
    assert sorted(seen[0]) == sorted(f"{key} №{n}" for key in months for n in range(2))


def test_a_year_reads_the_files_of_its_months_by_their_keys(kit_of: Any) -> None:
    kit, seen = kit_of("folder"), []
    months = [f"2021-{month:02}" for month in range(1, 13)]
    for key in months:
        stored(kit, key)

    @dg.asset(partitions_def=YEARLY, io_manager_key="none")
    def report(readings: dict[str, MonthFile]) -> None:
        seen.extend((key, month.partition) for key, month in readings.items())

    assert run(kit, [measured(pa.Table), report], "2021").success
    assert seen == [(key, key) for key in months]
    result = run(kit, [measured(pa.Table), reading(MonthFile, seen, YEARLY)], "2021")
    assert "12 partitions are no one MonthFile. Annotate dict[str, MonthFile]" in sentence(result)


def test_a_year_misses_a_month_that_was_never_stored(kit: StoreKit) -> None:
    stored(kit, JANUARY)
    result = run(kit, [measured(pa.Table), reading(pa.Table, [], YEARLY, YEAR_OF_MONTHS)], "2021")
    assert "there is no readings 2021-02" in sentence(result)


@pytest.mark.parametrize("wanted", LOADS)
def test_months_with_other_columns_are_read_together_by_name(kit_of: Any, wanted: Any) -> None:
    kit, seen = kit_of("folder"), []

    def changing(table: pa.Table) -> dg.AssetsDefinition:
        @dg.asset(name="readings", partitions_def=MONTHLY)
        def asset() -> pa.Table:
            return table

        return asset

    run(kit, [changing(pa.table({"station": ["a"], "celsius": [1.5]}))], "2020-01")
    run(kit, [changing(pa.table({"celsius": [2.5], "station": ["b"]}))], "2020-02")
    run(kit, [changing(pa.table({"station": ["c"], "celsius": pa.nulls(1), "wind": [3]}))], "2020-03")

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["all"]), io_manager_key="none", **three_months())
    def report(readings: wanted) -> None:
        value = readings.to_table() if isinstance(readings, ds.Dataset) else readings
        value = value.read_all() if isinstance(value, pa.RecordBatchReader) else value
        value = pa.Table.from_pandas(value) if isinstance(value, pd.DataFrame) else value
        seen.extend(value.select(["station", "celsius", "wind"]).to_pylist())

    result = run(kit, [measured(pa.Table), report], "all")
    assert result.success
    assert seen == [
        {"station": "a", "celsius": 1.5, "wind": None},
        {"station": "b", "celsius": 2.5, "wind": None},
        {"station": "c", "celsius": None, "wind": 3},
    ]


def three_months() -> dict[str, Any]:
    mapping = dg.SpecificPartitionsPartitionMapping(["2020-01", "2020-02", "2020-03"])
    return {"ins": {"readings": dg.AssetIn(partition_mapping=mapping)}}


# Replaced


def test_a_month_that_is_materialised_again_is_replaced(kit: StoreKit) -> None:
    seen: list[Any] = []
    run(kit, [measured(pa.Table, rows=5)], JANUARY)
    result = run(kit, [measured(pd.DataFrame, rows=2)], JANUARY)
    told = {name: value.value for name, value in metadata(result).items()}
    assert (told["outcome"], told["dagster/partition_row_count"]) == ("replaced", 2)
    assert (told["rows_before"], told["rows_changed_by"]) == (5, -3)
    run(kit, [measured(pa.Table), reading(pa.Table, seen)], JANUARY)
    assert seen == [stations(readings(pa.Table, JANUARY, 2))]
    assert [path for path in kit.leftovers() if ".spool" in path] == []


def test_a_month_without_rows_is_stored_and_read(kit: StoreKit) -> None:
    seen: list[Any] = []
    assert run(kit, [measured(pa.Table, rows=0)], JANUARY).success
    assert run(kit, [measured(pa.Table), reading(pa.Table, seen)], JANUARY).success
    assert seen == [[]]


def test_a_stream_can_go_from_a_store_into_the_same_store(kit: StoreKit) -> None:
    @dg.asset(partitions_def=MONTHLY)
    def warmer(readings: pa.RecordBatchReader) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(readings.schema, iter(readings))

    stored(kit, JANUARY)
    assert run(kit, [measured(pa.Table), warmer], JANUARY).success
    assert kit.table_of(JANUARY, "warmer")["station"].to_pylist() == stations(readings(pa.Table, JANUARY))


def test_rows_may_say_their_own_partition_and_those_of_another_are_refused(kit: StoreKit) -> None:
    def dated(day: Any) -> dg.AssetsDefinition:
        @dg.asset(name="readings", partitions_def=MONTHLY)
        def asset() -> pd.DataFrame:
            return pd.DataFrame({"station": ["a", "b"], "source_month": day})

        return asset

    assert run(kit, [dated(pd.Timestamp("2021-01-01"))], JANUARY).success
    for wrong in ([pd.Timestamp("2021-01-01"), pd.Timestamp("2021-02-01")], [pd.Timestamp("2021-01-01"), pd.NaT]):
        assert "1 rows do not say 2021-01-01 in source_month. Nothing was written" in sentence(
            run(kit, [dated(wrong)], JANUARY)
        )
    assert "not dates" in sentence(run(kit, [dated(["soon", "later"])], JANUARY))
    assert kit.table_of(JANUARY, "readings").num_rows == 2


# What cannot be


def returning(value: Any, partitions: Any = MONTHLY) -> dg.AssetsDefinition:
    @dg.asset(name="readings", partitions_def=partitions)
    def asset() -> Any:
        return value

    return asset


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([1, 2], "A list cannot be stored as a month. Return a pandas.DataFrame"),
        (None, "A NoneType cannot be stored"),
        (pd.DataFrame({"a": [1, "x"]}), "The pandas.DataFrame cannot be stored: .*a"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "The pandas.DataFrame cannot be stored: .*a"),
        (pa.table([[1], [2]], names=["a", "a"]), "several columns called a"),
    ],
    ids=["a list", "nothing", "mixed types", "a column twice in pandas", "a column twice in Arrow"],
)
def test_what_cannot_be_stored_is_said_in_a_sentence(kit: StoreKit, value: Any, says: str) -> None:
    assert re.search(says, sentence(run(kit, [returning(value)], JANUARY)))


def test_an_annotation_that_cannot_be_served_is_said_in_a_sentence(kit: StoreKit) -> None:
    stored(kit, JANUARY)
    result = run(kit, [measured(pa.Table), reading(int, [])], JANUARY)
    assert "A month cannot be loaded as int. Annotate the input as pandas.DataFrame" in sentence(result)


def test_a_run_over_several_partitions_is_said_in_a_sentence(kit: StoreKit) -> None:
    tags = {"dagster/asset_partition_range_start": JANUARY, "dagster/asset_partition_range_end": FEBRUARY}
    assert "for 2 partitions" in sentence(run(kit, [returning(readings(pa.Table, "x"))], None, tags=tags))


@pytest.mark.parametrize("kind", KINDS)
def test_an_asset_without_partitions_is_kept_whole_and_read_whole(kit: StoreKit, kind: Any) -> None:
    for rows in (3, 2, 0):
        assert run(kit, [returning(readings(kind, "x", rows), None)], None).success
        for wanted in LOADS:
            for partitions, key in ((None, None), (MONTHLY, JANUARY)):
                seen: list[Any] = []
                assets = [returning(readings(kind, "x"), None), reading(wanted, seen, partitions)]
                assert run(kit, assets, key).success
                assert seen == [stations(readings(pa.Table, "x", rows))]


def test_an_asset_without_partitions_leaves_months_of_other_assets_alone(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", "1")
    for _ in range(2):
        assert run(kit, [returning(readings(pa.Table, "x"), None)], None).success
    assert kit.rows_of(JANUARY) == in_order(month_rows(JANUARY)).to_pylist()


def test_whether_an_asset_is_whole_is_on_its_materialisation(kit: StoreKit) -> None:
    result = run(kit, [returning(readings(pa.Table, "x"), None)], None)
    (event,) = result.get_asset_materialization_events()
    metadata = event.step_materialization_data.materialization.metadata
    assert metadata["dagster/row_count"].value == 3
    assert metadata["outcome"].value == "created"
    assert "dagster/partition_row_count" not in metadata


def test_a_partition_that_is_no_date_is_said_in_a_sentence(kit: StoreKit) -> None:
    places = dg.StaticPartitionsDefinition(["north", "../south"])
    for key in ("north", "../south"):
        assert "is no partition key" in sentence(run(kit, [measured(pa.Table, places)], key))


def test_the_month_of_another_partition_is_refused(kit_of: Any) -> None:
    kit = kit_of("folder")
    stored(kit, JANUARY)
    other = kit.months.current("readings", JANUARY)
    assert "This run is for 2021-02, the asset returned 2021-01" in sentence(run(kit, [returning(other)], FEBRUARY))
    draft = MonthDraft(JANUARY, "a", "b", 0, {}, {})
    assert "the asset returned 2021-01" in sentence(run(kit, [returning(draft)], FEBRUARY))


def test_a_stored_month_that_cannot_be_read_is_said_in_a_sentence(kit_of: Any) -> None:
    kit = kit_of("folder")
    stored(kit, JANUARY)
    (file,) = (kit.root / "readings" / "source_month=2021-01").glob("*.parquet")
    file.write_bytes(b"x" * file.stat().st_size)
    for wanted in (pa.Table, pd.DataFrame):
        result = run(kit, [measured(pa.Table), reading(wanted, [])], JANUARY)
        assert "What is stored cannot be read" in sentence(result)


# Retries


PATIENT = dg.RetryPolicy(max_retries=2, delay=0)


def retried(value: Any) -> dg.AssetsDefinition:
    @dg.asset(name="readings", partitions_def=MONTHLY, retry_policy=PATIENT)
    def asset() -> Any:
        return value

    return asset


def test_an_error_that_a_retry_cannot_help_is_not_retried(kit: StoreKit) -> None:
    result = run(kit, [retried([1, 2])], JANUARY)
    assert not result.success
    assert attempts(result) == 1


def test_an_error_that_a_retry_can_help_is_retried(kit: StoreKit, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = []

    def unwell(right: Any) -> Any:
        def method(*args: Any, **more: Any) -> Any:
            if len(failed) < 2:
                failed.append(1)
                raise StoreUnavailableError("The store is at lunch. Nothing was changed.")
            return right(*args, **more)

        return method

    for store, method in (
        (MonthObjects, "publish"),
        (DuckDBWarehouse, "replace_month"),
        (PostgresWarehouse, "replace_month"),
        (BigQueryWarehouse, "replace_month"),
    ):
        monkeypatch.setattr(store, method, unwell(getattr(store, method)))
    result = run(kit, [retried(readings(pa.Table, JANUARY))], JANUARY)
    assert result.success
    assert attempts(result) == 3
    assert kit.table_of(JANUARY, "readings").num_rows == 3


def test_an_asset_that_fails_on_half_a_stream_can_be_retried(kit: StoreKit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "WAIT_S", 2)
    tries = []

    @dg.asset(partitions_def=MONTHLY, retry_policy=PATIENT)
    def copied(readings: pa.RecordBatchReader) -> pa.Table:
        tries.append(readings.read_next_batch().num_rows)
        if len(tries) < 2:
            raise OSError("half way")
        return readings.read_all()

    stored(kit, JANUARY, rows=100_000)
    result = run(kit, [measured(pa.Table), copied], JANUARY)
    assert result.success, sentence(result)
    assert kit.table_of(JANUARY, "copied").num_rows + tries[1] == 100_000


# Forced


def test_the_tag_of_a_run_forces_a_month_that_has_not_changed(kit_of: Any) -> None:
    lake, copy = kit_of("folder", "lake"), kit_of("folder", "copy")

    @dg.asset(partitions_def=MONTHLY, io_manager_key="copy")
    def copied(readings: MonthFile) -> MonthFile:
        return readings

    stored(lake, JANUARY)
    outcomes = []
    for tags in ({}, {}, {month_io.FORCE_TAG: "true"}):
        result = run(lake, [measured(pa.Table), copied], JANUARY, tags=tags, resources={"copy": copy.io_manager()})
        outcomes.append(metadata(result)["outcome"].value)
    assert outcomes == ["created", "unchanged", "replaced"]


# Streams end


def test_a_stream_keeps_its_file_open_until_its_end_and_no_longer(kit: StoreKit) -> None:
    seen = []

    @dg.asset(partitions_def=MONTHLY, io_manager_key="none")
    def report(readings: pa.RecordBatchReader) -> None:
        readings.read_next_batch()
        seen.append(len(kit.held_open()))
        for _ in readings:
            pass
        seen.append(len(kit.held_open()))

    stored(kit, JANUARY, rows=200_000)
    assert run(kit, [measured(pa.Table), report], JANUARY).success
    assert seen[0] > 0
    assert seen[1] == 0


@pytest.mark.parametrize("batches", [0, 1])
def test_a_stream_that_nobody_reads_to_its_end_closes_its_file_when_it_is_forgotten(
    kit: StoreKit, batches: int
) -> None:
    stored(kit, JANUARY, rows=200_000)
    seen = []

    @dg.asset(partitions_def=MONTHLY, io_manager_key="none")
    def report(readings: pa.RecordBatchReader) -> None:
        for _ in range(batches):
            readings.read_next_batch()
        seen.append(len(kit.held_open()))

    assert run(kit, [measured(pa.Table), report], JANUARY).success
    gc.collect()
    assert kit.held_open() == []


@pytest.mark.long
def test_a_month_is_streamed_in_bounded_memory(kit: StoreKit) -> None:
    code = """if True:
        import sys
        from pathlib import Path
        import dagster as dg, pyarrow as pa
        from taxi_platform_tests.io_managers.kits import KITS
        from taxi_platform_tests.peak_memory import peak_mib

        kit = KITS[sys.argv[1]](Path(sys.argv[2]))
        monthly = dg.MonthlyPartitionsDefinition("2021-01", fmt="%Y-%m", end_date="2022-01")
        batch = pa.record_batch({"n": pa.array(range(100_000)), "text": [f"{n:0100}" for n in range(100_000)]})
        counted = []

        @dg.asset(partitions_def=monthly)
        def long() -> pa.RecordBatchReader:
            return pa.RecordBatchReader.from_batches(batch.schema, (batch for _ in range(int(sys.argv[3]))))

        @dg.asset(partitions_def=monthly, io_manager_key="none")
        def counter(long: pa.RecordBatchReader) -> None:
            counted.append(sum(batch.num_rows for batch in long))

        resources = {"io_manager": kit.io_manager(), "none": dg.InMemoryIOManager()}
        assert dg.materialize([long, counter], partition_key="2021-01", resources=resources).success
        print(counted[0], peak_mib())
    """
    told = (kit.name, str(kit.root), str(kit.long_stream // 100_000))
    done = subprocess.run([sys.executable, "-c", code, *told], cwd=ROOT, capture_output=True, text=True, check=True)
    counted, peak = map(int, done.stdout.split())
    assert counted == kit.long_stream
    assert peak < kit.long_stream_mib


def test_every_store_has_an_io_manager_of_months(kit: StoreKit) -> None:
    assert isinstance(kit.io_manager(), month_io.MonthIOManager)
