"""What the IO managers of all stores have in common, as Dagster sees them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from taxi_platform.errors import RequestError
from taxi_platform.io_managers import run_process
from taxi_platform.io_managers.failing import as_failure
from taxi_platform.io_managers.stored import Stored, table_name
from taxi_platform.trips.month_file import MonthDraft, MonthFile, Partition

FORCE_TAG = "month/force"
"""Put this tag with the value `true` on a run or a backfill to write months again that have not changed."""

VERSION_TAG = "month/version"
"""Put this tag with an earlier version on a run of lake and warehouse to bring that version back."""

VERSION_BEFORE = "version_before"
"""What a materialisation calls the version that it took the place of; only where it was another one."""

SHOWN_FACTS = ("size_bytes", "dataset_location", "job_ids", "bytes_processed", "slot_ms")
"""What a store has to tell of a month beside what all of them have."""


class MonthIOManager(dg.ConfigurableIOManager):
    """An IO manager of months: it puts them down, says so on the materialisation, and fails in a sentence.

    It also notes on the run which process it is in, so that what a killed run held can be freed.
    """

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        run_process.mark(context)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        with as_failure():
            describe(context, self.store_month(context, obj))

    def load_input(self, context: dg.InputContext) -> Any:
        with as_failure():
            return self.load_months(context)

    @abstractmethod
    def store_month(self, context: dg.OutputContext, obj: Any) -> Stored:
        """Make the output's partition hold exactly `obj`. All or nothing."""

    @abstractmethod
    def load_months(self, context: dg.InputContext) -> Any:
        """The input's partitions, as its annotation asks for them."""


def is_forced(tags: Mapping[str, str]) -> bool:
    return tags.get(FORCE_TAG, "").lower() == "true"


def force_of(context: dg.OutputContext) -> bool:
    return is_forced(context.step_context.dagster_run.tags)


def version_wanted(tags: Mapping[str, str]) -> str:
    """The earlier version that a run is to bring back; empty where it is none of those."""
    return tags.get(VERSION_TAG, "")


def table_of(context: dg.OutputContext | dg.InputContext) -> str:
    """The table of an asset: the last part of its key."""
    return table_name(context.asset_key.path[-1])


def partition_of(context: dg.OutputContext) -> Partition:
    """The one partition that an output is of; None where the asset has none.

    Raises:
        RequestError: It is of several.
    """
    if not context.has_asset_partitions:
        return None
    keys = list(context.asset_partition_keys)
    if len(keys) != 1:
        raise RequestError(
            f"{context.asset_key.to_user_string()}: this run is for {len(keys)} partitions, a month is stored one at "
            "a time. Give the asset BackfillPolicy.multi_run(max_partitions_per_run=1)."
        )
    return keys[0]


def partitions_of(context: dg.InputContext) -> Sequence[Partition]:
    """The partitions that an input asks for, in order; None stands for an asset that has none.

    Raises:
        RequestError: It asks for none of those that there are.
    """
    if not context.has_asset_partitions:
        return [None]
    keys = list(context.asset_partition_keys)
    if not keys:
        raise RequestError(
            f"{context.asset_key.to_user_string()}: no partition was asked for. Give the asset that reads it "
            "partitions, or the input a partition mapping."
        )
    return keys


def require_same_partition(value: Any, partition: Partition) -> None:
    """Refuse a month that an asset hands over as another one.

    Raises:
        RequestError: It is of another partition.
    """
    if isinstance(value, MonthFile | MonthDraft) and value.partition != partition:
        raise RequestError(
            f"This run is for {partition or 'a whole table'}, the asset returned {value.partition or 'a whole table'}. "
            "Nothing was written."
        )


def wanted_type(context: dg.InputContext) -> Any:
    """What the input's annotation asks for."""
    return context.dagster_type.typing_type


def describe(context: dg.OutputContext, stored: Stored) -> None:
    """Put on the materialisation what every store can say of a month."""
    metadata: dict[str, Any] = {
        "dagster/row_count" if stored.partition is None else "dagster/partition_row_count": stored.rows,
        "outcome": stored.outcome,
        "version": stored.version,
        "location": stored.location,
    }
    if stored.rows_before is not None and stored.outcome in ("replaced", "restored"):
        metadata["rows_before"] = stored.rows_before
        metadata["rows_changed_by"] = stored.rows - stored.rows_before
    if stored.version_before not in (None, stored.version):
        metadata[VERSION_BEFORE] = stored.version_before
    if stored.uri:
        metadata["dagster/uri"] = stored.uri
    metadata |= {name: stored.facts[name] for name in SHOWN_FACTS if name in stored.facts}
    context.add_output_metadata(metadata)
