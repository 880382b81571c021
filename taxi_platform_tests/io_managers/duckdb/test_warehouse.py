"""What only DuckDB can get wrong: names without case, schemas beside ours, memory, files that grow."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from taxi_platform.errors import DamagedStoreError, RequestError, SchemaError, StoreError
from taxi_platform.io_managers.stored import Stamp
from taxi_platform_tests.conftest import ROOT
from taxi_platform_tests.io_managers.kits import DuckDBKit, lake_file, open_files
from taxi_platform_tests.io_managers.months import FEBRUARY, JANUARY, MARCH, many_rows, month_rows
from taxi_platform_tests.io_managers.test_promises import FIRST, SECOND, plain


@pytest.fixture
def kit(tmp_path: Path) -> DuckDBKit:
    (tmp_path / "store").mkdir()
    return DuckDBKit(tmp_path / "store")


def put_stream(kit: DuckDBKit, rows: pa.Table, version: str = "s", month: str = JANUARY):
    return kit.warehouse.replace_month("cab_trips", month, rows.to_reader(), Stamp(version, version, "run"))


def test_rows_can_come_as_a_stream(kit: DuckDBKit) -> None:
    put_stream(kit, month_rows(JANUARY))
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))


def test_rows_can_come_from_the_table_that_they_go_to(kit: DuckDBKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)

    def rows_of_january():
        with kit.warehouse.read_months("cab_trips", [JANUARY]) as reader:
            yield from reader

    stream = pa.RecordBatchReader.from_batches(month_rows(JANUARY).schema, rows_of_january())
    kit.warehouse.replace_month("cab_trips", JANUARY, stream, Stamp("b", SECOND, "run"))
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))


def test_a_stream_that_breaks_off_leaves_the_old_month(kit: DuckDBKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)

    def broken():
        yield from month_rows(JANUARY, 1).to_batches()
        raise ConnectionResetError("gone")

    stream = pa.RecordBatchReader.from_batches(month_rows(JANUARY).schema, broken())
    with pytest.raises((ConnectionResetError, StoreError)):
        kit.warehouse.replace_month("cab_trips", JANUARY, stream, Stamp("b", SECOND, "run"))
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert kit.leftovers() == []


def test_a_table_of_the_same_name_in_another_schema_is_none_of_ours(kit: DuckDBKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    kit.ask("CREATE SCHEMA dbt")
    kit.ask("CREATE TABLE dbt.cab_trips AS SELECT 1 AS one")
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))
    assert kit.ask("FROM dbt.cab_trips") == [(1,)]


def test_a_table_that_differs_in_case_only_is_refused_and_nothing_is_changed(kit: DuckDBKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    with pytest.raises(StoreError, match="already exists"):
        kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND, table="Cab_Trips")
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))


def test_a_view_of_that_name_is_refused_and_left(kit: DuckDBKit) -> None:
    kit.put(FEBRUARY, month_rows(FEBRUARY), "a", FIRST)
    kit.ask("CREATE VIEW pretty_trips AS FROM cab_trips")
    with pytest.raises(StoreError):
        kit.put(JANUARY, month_rows(JANUARY), "a", FIRST, table="pretty_trips")
    assert kit.ask("SELECT count(*) FROM pretty_trips") == [(6,)]


@pytest.mark.parametrize("name", ["_taxi_months", "_TAXI_MONTHS"])
def test_the_ledger_is_not_a_table_of_months(kit: DuckDBKit, name: str) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    with pytest.raises(RequestError, match="is the ledger"):
        kit.put(JANUARY, month_rows(JANUARY), "a", FIRST, table=name)
    assert kit.version_of(JANUARY) == ("a", FIRST)


def test_columns_that_differ_in_case_only_are_refused(kit: DuckDBKit) -> None:
    rows = month_rows(JANUARY)
    with pytest.raises(SchemaError, match="total_amount and Total_Amount are one column for DuckDB"):
        put_stream(kit, rows.append_column("Total_Amount", rows["total_amount"]))
    assert kit.rows_of(JANUARY) is None


def test_a_month_without_its_partition_column_is_refused(kit: DuckDBKit) -> None:
    with pytest.raises(SchemaError, match="no column source_month of dates"):
        put_stream(kit, month_rows(JANUARY).drop_columns(["source_month"]))
    assert kit.rows_of(JANUARY) is None


def test_a_column_of_a_type_that_cannot_be_is_named(kit: DuckDBKit) -> None:
    rows = month_rows(JANUARY).append_column("stops", pa.array([[1]] * 6))
    with pytest.raises(SchemaError, match="The column stops of type list"):
        put_stream(kit, rows)


def test_a_file_that_is_no_parquet_any_more_is_a_sentence(kit: DuckDBKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    with lake_file(kit.root, JANUARY, month_rows(JANUARY, 1)) as file, file.path() as path:
        path.write_bytes(b"x" * path.stat().st_size)
        with pytest.raises(DamagedStoreError, match=r"cannot be read as Parquet\. Nothing was changed"):
            kit.warehouse.replace_month("cab_trips", JANUARY, file, Stamp("b", SECOND, "run"))
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))


def test_a_sum_over_a_column_that_is_not_there_is_a_sentence(kit: DuckDBKit) -> None:
    stamp = Stamp("a", FIRST, "run", control_sums={"no_such_column": Decimal(0)})
    with pytest.raises(StoreError, match="no_such_column"):
        kit.warehouse.replace_month("cab_trips", JANUARY, month_rows(JANUARY).to_reader(), stamp)
    assert kit.rows_of(JANUARY) is None


def test_months_are_read_together_and_one_that_was_never_loaded_is_missed(kit: DuckDBKit) -> None:
    for month in (JANUARY, FEBRUARY):
        kit.put(month, month_rows(month), "a", FIRST)
    with kit.warehouse.read_months("cab_trips", [JANUARY, FEBRUARY], ["source_row"]) as reader:
        assert reader.read_all().num_rows == 12
    with (
        pytest.raises(DamagedStoreError, match="there is no cab_trips 2021-03"),
        kit.warehouse.read_months("cab_trips", [JANUARY, MARCH]),
    ):
        pass
    with pytest.raises(RequestError, match="no partition"), kit.warehouse.read_months("cab_trips", []):
        pass


def test_a_stream_whose_context_has_ended_is_closed_whoever_holds_it(kit: DuckDBKit) -> None:
    put_stream(kit, many_rows(JANUARY, 0))
    with kit.warehouse.read_months("cab_trips", [JANUARY]) as reader:
        reader.read_next_batch()
        assert open_files(kit.root)
    assert open_files(kit.root) == []
    put_stream(kit, month_rows(JANUARY, 1), "t")  # would wait for ever
    with pytest.raises(pa.ArrowInvalid, match="closed"):
        reader.read_next_batch()


def test_columns_carry_their_description_as_comment(kit: DuckDBKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    comments = kit.ask("SELECT column_name, comment FROM duckdb_columns() WHERE comment IS NOT NULL")
    assert comments == [("pickup_datetime", "When the meter's clock started")]


def test_replacing_a_month_again_and_again_does_not_make_the_file_grow_for_ever(kit: DuckDBKit) -> None:
    sizes = []
    for seed in range(8):
        kit.put(JANUARY, many_rows(JANUARY, seed), f"{seed}", f"{seed}")
        sizes.append(kit.path.stat().st_size)
    assert max(sizes[4:]) <= max(sizes[:4])


@pytest.mark.long
def test_a_month_streams_out_in_bounded_memory(kit: DuckDBKit) -> None:
    rows = pa.table(
        {
            "source_row": pa.array(range(1_000_000), pa.int64()),
            "text": pa.array([f"{row:064}" for row in range(1_000_000)]),
            "source_month": pa.repeat(month_rows(JANUARY)["source_month"][0], 1_000_000),
        }
    )
    months = ["2021-01", "2021-02", "2021-03", "2021-04", "2021-05", "2021-06"]
    for number, month in enumerate(months, 1):
        day = pa.array([f"2021-{number:02}-01"]).cast(pa.date32())[0]
        put_stream(kit, rows.set_column(2, "source_month", pa.repeat(day, 1_000_000)), month=month)
    code = """if True:
        import sys
        from pathlib import Path
        from taxi_platform.io_managers.duckdb import connecting
        from taxi_platform.io_managers.duckdb.warehouse import DuckDBWarehouse
        from taxi_platform_tests.peak_memory import peak_mib
        connecting.MEMORY_LIMIT = "128MB"  # of what it has read DuckDB keeps so much
        with DuckDBWarehouse(Path(sys.argv[1])).read_months("cab_trips", sys.argv[2:]) as reader:
            print(sum(batch.num_rows for batch in reader))
        print(peak_mib())
    """
    done = subprocess.run(
        [sys.executable, "-c", code, str(kit.path), *months], cwd=ROOT, capture_output=True, text=True, check=True
    )
    counted, peak = map(int, done.stdout.split())
    assert counted == 6_000_000
    assert peak < 400  # the rows, held whole, would be 450 more than DuckDB's 128
