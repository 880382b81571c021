"""BigQuery loses answers, is short of something, fails, refuses: the month is the old or the new one; one sentence."""

from __future__ import annotations

import re
import time

import pytest

from taxi_platform.errors import DamagedStoreError, RequestError, SchemaError, StoreError, StoreUnavailableError
from taxi_platform_tests.io_managers.bigquery_kit import BigQueryKit
from taxi_platform_tests.io_managers.months import JANUARY, month_rows
from taxi_platform_tests.io_managers.test_promises import FIRST, SECOND, plain
from taxi_platform_tests.kit.bigquery_emulator import BigQueryEmulator
from taxi_platform_tests.kit.bigquery_jobs import JobFault
from taxi_platform_tests.kit.faults import Fault

CALLS = {
    "a table is made": r"POST .*/tables\?",
    "a table is changed": r"PATCH .*/tables/",
    "a table is looked at": r"GET .*/tables/cab_trips",
    "an upload begins": r"POST /upload/",
    "an upload ends": r"PUT /upload/",
    "the swap begins": r"POST .*/jobs\?.* copy",
    "rows are counted": r"POST .*/jobs\?.* query SELECT",
    "the ledger is written": r"POST .*/jobs\?.* query MERGE",
    "a table is dropped": r"DELETE .*/tables/",
    "the dataset is looked at": r"GET .*/datasets/[^/]*\?",
}


def swaps(server: BigQueryEmulator, store: BigQueryKit) -> int:
    """How many jobs have put a month somewhere in this dataset."""
    begun = [job_id for _, job_id in server.jobs.jobs if store.address.dataset in job_id]
    return len([job_id for job_id in begun if job_id.startswith("taxi-swap-")])


@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_a_connection_that_breaks_changes_nothing(
    store: BigQueryKit, server: BigQueryEmulator, call: str, cut: str
) -> None:
    store.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    fault = server.faults.add(Fault(CALLS[call], cut=cut))
    rows = month_rows(JANUARY, 1).append_column("new", [range(7)])
    assert store.put(JANUARY, rows, "b", SECOND).outcome == "replaced"
    assert fault.met == 1
    assert store.rows_of(JANUARY) == plain(rows)
    assert store.put(JANUARY, rows, "b", SECOND).outcome == "unchanged"
    assert store.leftovers() == []
    assert swaps(server, store) == 2


@pytest.mark.parametrize(
    ("call", "status", "reason"),
    [
        ("a table is made", 403, "rateLimitExceeded"),
        ("the swap begins", 403, "quotaExceeded"),
        ("an upload begins", 429, "rateLimitExceeded"),
        ("the swap begins", 500, "backendError"),
        ("the ledger is written", 502, "badGateway"),
        ("rows are counted", 503, "backendError"),
    ],
)
def test_what_google_is_short_of_for_a_moment_is_asked_for_again(
    store: BigQueryKit, server: BigQueryEmulator, call: str, status: int, reason: str
) -> None:
    fault = server.faults.add(Fault(CALLS[call], times=2, status=status, reason=reason))
    assert store.put(JANUARY, month_rows(JANUARY), "a", FIRST).outcome == "created"
    assert fault.met == 2
    assert store.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert store.leftovers() == []


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("load", "backendError"),
        ("copy", "rateLimitExceeded"),
        ("copy", "jobInternalError"),
        ("query", "quotaExceeded"),
    ],
)
def test_a_job_that_fails_for_a_moment_is_begun_again_under_another_id(
    store: BigQueryKit, server: BigQueryEmulator, kind: str, reason: str
) -> None:
    store.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    server.jobs.faults.append(JobFault(kind, reason))
    assert store.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND).outcome == "replaced"
    assert server.jobs.faults[0].times == 0
    assert store.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))
    assert store.leftovers() == []


@pytest.mark.parametrize("kind", ["load", "copy", "query"])
def test_a_job_that_fails_for_good_leaves_the_old_month_and_nothing_else(
    store: BigQueryKit, server: BigQueryEmulator, kind: str
) -> None:
    store.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    server.jobs.faults.append(JobFault(kind, "invalid", "This is not to be."))
    with pytest.raises(StoreError, match=r"bigquery://cab-project/store_\w+: This is not to be\. What stood before"):
        store.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    assert store.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert store.leftovers() == []
    assert store.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND).outcome == "replaced"


def test_jobs_that_take_a_while_are_waited_for(store: BigQueryKit, server: BigQueryEmulator) -> None:
    server.jobs.faults += [JobFault(kind, stall_s=0.3) for kind in ("load", "copy", "query")]
    assert store.put(JANUARY, month_rows(JANUARY), "a", FIRST).outcome == "created"
    assert store.rows_of(JANUARY) == plain(month_rows(JANUARY))


def test_a_server_that_is_down_is_given_up_in_time(store: BigQueryKit, server: BigQueryEmulator) -> None:
    store.warehouse.patience_s = 0.5
    server.faults.add(Fault(".", times=10_000, status=503, reason="backendError"))
    started = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="BigQuery is not well"):
        store.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    assert time.monotonic() - started < 10


def test_nobody_answers_is_one_sentence(store: BigQueryKit) -> None:
    store.warehouse.patience_s = 0.2
    store.warehouse.credentials = type(store.warehouse.credentials)({"BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:1"})
    with pytest.raises(StoreUnavailableError, match=r"BigQuery does not answer \(ConnectionError\)"):
        store.put(JANUARY, month_rows(JANUARY), "a", FIRST)


REFUSALS = {
    "no credentials": (Fault("GET", status=401, reason="authError"), StoreError, "does not let these credentials in"),
    "no right": (
        Fault(
            r"POST .*/tables\?",
            status=403,
            reason="accessDenied",
            message="Access Denied: Dataset p:d: Permission denied",
        ),
        StoreError,
        r"Permission denied\. Nothing was changed\. The service account needs the roles",
    ),
    "no billing": (
        Fault(
            r"POST .*/jobs\?.* query",
            status=403,
            reason="billingNotEnabled",
            message="Access Denied: BigQuery: Billing has not been enabled for this project. DML is not allowed.",
        ),
        StoreError,
        "Switch billing on",
    ),
    "no project": (
        Fault("GET .*/datasets/", status=404, reason="notFound", message="Not found: Project cab-project"),
        StoreError,
        "Not found: Project cab-project. Nothing was changed. Name another project",
    ),
    "no dataset": (
        Fault("GET .*/datasets/", status=404, reason="notFound", message="Not found: Dataset cab-project:x"),
        StoreError,
        r"Make the dataset where the lake's bucket is: bq --location=EU mk",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_no_retry_can_help_is_one_sentence_at_once(
    store: BigQueryKit, server: BigQueryEmulator, name: str
) -> None:
    fault, kind, said = REFUSALS[name]
    server.faults.add(Fault(fault.pattern, status=fault.status, reason=fault.reason, message=fault.message))
    with pytest.raises(kind, match=said) as refused:
        store.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    assert not refused.value.retryable
    assert "\n" not in str(refused.value)
    assert len([line for line in server.faults.requests if re.search(fault.pattern, line)]) == 1
    assert store.put(JANUARY, month_rows(JANUARY), "a", FIRST).outcome == "created"
    assert store.leftovers() == []


def test_a_job_of_somebody_else_that_may_not_be_looked_at_is_one_sentence(
    store: BigQueryKit, server: BigQueryEmulator
) -> None:
    server.faults.add(Fault("GET .*/jobs/taxi-swap", status=403, reason="accessDenied", message="Access Denied: Job x"))
    with pytest.raises(StoreError, match=r"is somebody else's.*Give them the role BigQuery Resource Viewer"):
        store.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    assert store.leftovers() == []


@pytest.mark.parametrize("default", ["default_table_expiration_ms", "default_partition_expiration_ms"])
def test_a_dataset_whose_tables_end_is_refused(store: BigQueryKit, server: BigQueryEmulator, default: str) -> None:
    name = f"{store.address.project}:{store.address.dataset}"
    key = {"default_table_expiration_ms": "defaultTableExpirationMs"}.get(default, "defaultPartitionExpirationMs")
    server.tables.datasets[store.address.project, store.address.dataset][key] = str(60 * 86_400_000)
    with pytest.raises(StoreError, match=rf"would vanish.*bq update --default_table_expiration 0 .* {name}"):
        store.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    assert store.tables() == []


def test_between_the_swap_and_the_ledger_readers_have_the_new_month_and_the_next_load_writes_it_down(
    store: BigQueryKit, server: BigQueryEmulator
) -> None:
    store.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    server.faults.add(Fault(CALLS["the ledger is written"], status=403, reason="accessDenied"))
    with pytest.raises(StoreError):
        store.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    assert store.ask("SELECT version FROM _taxi_months") == [("a",)]
    assert store.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))
    assert store.version_of(JANUARY) == ("b", SECOND)
    assert [row.holds for row in store.warehouse.months()] == [True]
    assert store.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND).outcome == "unchanged"
    assert store.ask("SELECT version FROM _taxi_months") == [("b",)]
    assert store.leftovers() == []


def test_an_older_run_does_not_undo_a_swap_that_the_ledger_does_not_know_yet(
    store: BigQueryKit, server: BigQueryEmulator
) -> None:
    server.faults.add(Fault(CALLS["the ledger is written"], status=403, reason="accessDenied"))
    with pytest.raises(StoreError):
        store.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    with pytest.raises(StoreError, match="The newer one stays"):
        store.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    assert store.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


def test_a_swap_that_nobody_can_account_for_is_done_again(store: BigQueryKit, server: BigQueryEmulator) -> None:
    store.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    server.faults.add(Fault(CALLS["the ledger is written"], status=403, reason="accessDenied"))
    with pytest.raises(StoreError):
        store.put(JANUARY, month_rows(JANUARY, 3), "b", SECOND)  # as many rows as before
    for name in store.leftovers():
        store.drop(name)
    assert store.put(JANUARY, month_rows(JANUARY), "a", FIRST).outcome == "repaired"
    assert store.rows_of(JANUARY) == plain(month_rows(JANUARY))


@pytest.mark.parametrize("kind", ["load", "copy"])
def test_a_staging_table_that_is_removed_meanwhile_is_made_again(
    store: BigQueryKit, server: BigQueryEmulator, kind: str
) -> None:
    message = "Not found: Table cab-project:d._taxi_new_x_y was not found in location EU"
    server.jobs.faults.append(JobFault(kind, "notFound", message))
    assert store.put(JANUARY, month_rows(JANUARY), "a", FIRST).outcome == "created"
    assert store.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert store.leftovers() == []


def test_what_google_will_not_have_of_the_rows_is_a_matter_of_the_rows(
    store: BigQueryKit, server: BigQueryEmulator
) -> None:
    server.jobs.faults.append(JobFault("load", "invalid", "Parquet column 'x' has type INT32 which does not match"))
    with pytest.raises(SchemaError, match="the rows cannot be stored"):
        store.put(JANUARY, month_rows(JANUARY), "a", FIRST)


def test_a_question_that_would_cost_too_much_is_refused(store: BigQueryKit, server: BigQueryEmulator) -> None:
    from taxi_platform.io_managers.bigquery.asking import ask

    server.jobs.faults.append(JobFault("query", "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed"))
    with pytest.raises(RequestError, match="Query exceeded limit for bytes billed. Nothing was asked."):
        ask(store.address, store.variables, "SELECT 1")


def test_a_file_of_the_lake_that_is_gone_is_an_error_of_the_lake(store: BigQueryKit, server: BigQueryEmulator) -> None:
    server.jobs.faults.append(JobFault("load", "notFound", "Not found: URI gs://cab-months/x.parquet"))
    with pytest.raises(DamagedStoreError, match="Load the lake's month again"):
        store.put(JANUARY, month_rows(JANUARY), "a", FIRST)
