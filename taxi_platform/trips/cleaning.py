"""A published file made into trips: one pass, bounded memory, every row kept or rejected with a reason.

The version of what comes out is a hash of everything that decides it, so that the same input is never cleaned
twice and changed rules never pass for old ones.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import AccountingError, DamagedStoreError, LayoutError, SettingsError
from taxi_platform.trips.conform import conform
from taxi_platform.trips.layouts import Recognised, normalised, recognise, sources_of
from taxi_platform.trips.month_file import EXTRAS, REJECTS, TRIPS, DraftFile, sha256_of
from taxi_platform.trips.months import Month
from taxi_platform.trips.oddities import oddities_of
from taxi_platform.trips.parquet_out import ParquetOut
from taxi_platform.trips.portrait import Portrait
from taxi_platform.trips.reading.csv_records import CsvReader, parse_as
from taxi_platform.trips.reading.inspection import Inspection
from taxi_platform.trips.reading.parquet_records import ParquetReader
from taxi_platform.trips.reading.records import Records, Reject
from taxi_platform.trips.rules import DEFAULT_RULES, REJECTING, applicable
from taxi_platform.trips.schema import SOURCE_MONTH, SOURCE_ROW, arrow_schema, arrow_type
from taxi_platform.trips.services import Service

if TYPE_CHECKING:
    import pyarrow as pa

CLEANING_VERSION = "3"
"""Raise it with every change of what cleaning puts out; a test compares it with the code."""


@dataclass(frozen=True)
class CleaningPlan:
    """Everything that decides what comes out of a file, known before its rows are read.

    Attributes:
        recognised: The layout, and the columns from which no column of the service is read.
        sources: From which column of the file each column of the service is read; a service's column
            that is not here is null.
    """

    service: Service
    month: Month
    source_name: str
    inspection: Inspection
    recognised: Recognised
    sources: Mapping[str, Sequence[str]]
    rules: Sequence[str]

    @property
    def version(self) -> str:
        """The version of the cleaned month: the same inputs, the same version."""
        inputs = {
            "source_sha256": self.inspection.sha256,
            "layout": self.recognised.layout.id,
            "unknown_columns": self.recognised.unknown,
            "rules": sorted(set(self.rules)),
            "cleaning_version": CLEANING_VERSION,
            "schema_version": self.service.schema_version,
            "columns": [column.name for column in self.service.stored_columns],
        }
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def read_from(self) -> dict[str, list[str]]:
        """From which column of the file each column of the service is read, as the file writes their names."""
        written = {normalised(name): name for name in self.inspection.header}
        return {column: [written[name] for name in names] for column, names in self.sources.items()}


def plan_cleaning(
    service: Service,
    month: Month,
    source_name: str,
    inspection: Inspection,
    rules: Sequence[str] = DEFAULT_RULES,
    unknown_columns: str = "keep",
) -> CleaningPlan:
    """Decide how a file is to be cleaned, from its header alone.

    Raises:
        LayoutError: The header is none of this service's, or has unknown columns and these are not wanted.
        SettingsError: One of `rules` is none.
    """
    if strangers := sorted(set(rules) - set(REJECTING)):
        raise SettingsError(f"There is no rule {', '.join(strangers)}. The rules are {', '.join(REJECTING)}.")
    recognised = recognise(inspection.header, inspection.kind, month, service.layouts, source_name)
    sources = sources_of(service.columns, recognised)
    read = {name for names in sources.values() for name in names}
    unknown = tuple(name for name in recognised.unknown if name not in read)
    recognised = replace(recognised, unknown=unknown)
    if recognised.unknown and unknown_columns == "fail":
        raise LayoutError(
            f"{source_name}: columns that {service.name} does not have: {', '.join(recognised.unknown)}. "
            "Nothing was published. Set TAXI_UNKNOWN_COLUMNS=keep to keep them aside, in the extras."
        )
    return CleaningPlan(service, month, source_name, inspection, recognised, sources, tuple(rules))


@dataclass
class Cleaned:
    """What cleaning a file gave: the files, and the counts that must add up."""

    files: dict[str, DraftFile] = field(default_factory=dict)
    rows_in: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    observed: Counter[str] = field(default_factory=Counter)
    control_sums: dict[str, Decimal] = field(default_factory=dict)
    money_rounded: int = 0
    continuation_lines: int = 0
    portrait: Mapping[str, Any] = field(default_factory=dict)

    @property
    def adds_up(self) -> bool:
        return self.rows_in == self.kept + self.rejected.total()

    def facts(self, plan: CleaningPlan) -> dict[str, Any]:
        """What is remembered of this version in its manifest."""
        return {
            "rows_in": self.rows_in,
            "rows_kept": self.kept,
            "rows_rejected": self.rejected.total(),
            "rejected_by_reason": dict(sorted(self.rejected.items())),
            "observed": dict(sorted(self.observed.items())),
            "control_sums": {name: str(total) for name, total in self.control_sums.items()},
            "money_rounded": self.money_rounded,
            "continuation_lines": self.continuation_lines,
            "layout": plan.recognised.layout.id,
            "unknown_columns": list(plan.recognised.unknown),
            "read_from": plan.read_from,
            **self.portrait,
            "rules": list(plan.rules),
            "cleaning_version": CLEANING_VERSION,
            "schema_version": plan.service.schema_version,
        }


def clean(plan: CleaningPlan, path: Path, folder: Path, progress: Callable[[int], object] = lambda _: None) -> Cleaned:
    """Write the trips, the rejects and the extras of the file at `path` into `folder`.

    Args:
        progress: Gets the bytes of the source file that were just read.

    Raises:
        AccountingError: Rows in (counted without the parser) are not rows kept plus rejected.
        DamagedStoreError: The file is not the one that was inspected.
        SchemaError: A column is of a type that cannot be what it should be.
        SourceFileError: It breaks off.
    """
    import pyarrow as pa

    cleaned = Cleaned()
    cleaned.control_sums = dict.fromkeys(plan.service.control_columns, Decimal(0))
    with ExitStack() as stack:
        sink = _Sink(plan, folder, stack, cleaned)
        for records in _checked_records(plan, path, progress):
            sink.take(records)
    # Arrow keeps what it freed for itself: the stages after this one need room as well.
    pa.default_memory_pool().release_unused()
    cleaned.files, cleaned.portrait = sink.files(), sink.portrait.facts()
    cleaned.rows_in = plan.inspection.lines - cleaned.continuation_lines
    if not cleaned.adds_up:
        raise AccountingError(
            f"{plan.source_name}: {cleaned.rows_in:,} rows in, but {cleaned.kept:,} kept and "
            f"{cleaned.rejected.total():,} rejected. Nothing was published; the old month stands. "
            "This is a defect: please report it with the file.",
            (cleaned.rows_in, cleaned.kept, cleaned.rejected.total()),
        )
    return cleaned


def _checked_records(plan: CleaningPlan, path: Path, progress: Callable[[int], object]) -> Iterable[Records]:
    """The records of `path`, and at the end the proof that these were the bytes that were inspected."""
    if plan.inspection.kind == "parquet":
        digest_now = sha256_of(path)
        yield from ParquetReader(path, plan.source_name, progress)
    else:
        digest = hashlib.sha256()

        def seen(chunk: bytes) -> None:
            digest.update(chunk)
            progress(len(chunk))

        types = {
            name: "text" if name in plan.recognised.layout.text_codes else column.type
            for column in plan.service.columns
            for name in plan.sources.get(column.name, ())
        }
        yield from CsvReader(path, plan.source_name, plan.inspection, parse_as(types), seen=seen)
        digest_now = digest.hexdigest()
    if digest_now != plan.inspection.sha256:
        raise DamagedStoreError(
            f"{path.name}: the raw file of {plan.source_name} is not the one that was fetched. "
            "Nothing was published. Load the month again with --force: it is fetched anew."
        )


class _Sink:
    """Takes records and writes them out: trips, rejects, extras."""

    def __init__(self, plan: CleaningPlan, folder: Path, stack: ExitStack, cleaned: Cleaned) -> None:
        self._plan, self._folder, self._stack, self._cleaned = plan, folder, stack, cleaned
        names = [column.name for column in plan.service.columns]
        self._rejecting = applicable([REJECTING[name] for name in plan.rules], names)
        self._counting = oddities_of(plan.service.columns)
        self.portrait = Portrait(plan.month)
        self._schema = arrow_schema(plan.service.stored_columns)
        self._outs: dict[str, tuple[Path, ParquetOut]] = {}
        self._out(TRIPS, self._schema)

    def files(self) -> dict[str, DraftFile]:
        return {role: DraftFile(path, _ENDINGS[role], out.rows) for role, (path, out) in self._outs.items()}

    def take(self, records: Records) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        self._cleaned.continuation_lines += records.continuation_lines
        rejects = list(records.malformed)
        count = len(records.source_rows)
        if count:
            columns, reasons = self._conform(records)
            reasons += [
                (rule.name, pc.fill_null(rule.asks(columns, self._plan.month), False)) for rule in self._rejecting
            ]
            keep, rule_rejects = _decide(reasons, count, records)
            rejects += rule_rejects
            columns[SOURCE_MONTH.name] = pa.repeat(self._plan.month.first_day, count).cast(pa.date32())
            columns[SOURCE_ROW.name] = pa.array(records.source_rows)
            trips = pa.record_batch([columns[name] for name in self._schema.names], schema=self._schema)
            self._keep(trips if keep is None else trips.filter(keep))
            self._set_aside(records, keep)
        if rejects:
            self._reject(sorted(rejects, key=lambda reject: reject.source_row))

    def _conform(self, records: Records) -> tuple[dict[str, pa.Array], list[tuple[str, pa.Array]]]:
        import pyarrow as pa
        import pyarrow.compute as pc

        columns: dict[str, pa.Array] = {}
        reasons: list[tuple[str, pa.Array]] = []
        for column in self._plan.service.columns:
            for name in self._plan.sources.get(column.name, ()):
                conformed = conform(records.columns[name], column, self._plan.source_name)
                values = columns.get(column.name)
                columns[column.name] = conformed.values if values is None else pc.coalesce(values, conformed.values)
                self._cleaned.money_rounded += conformed.rounded
                if conformed.unmapped is not None:
                    columns[column.unmapped_to] = conformed.unmapped
                if conformed.bad is not None:
                    reasons.append((f"unreadable_{column.name}", conformed.bad))
        for column in self._plan.service.columns:
            if column.name not in columns:
                columns[column.name] = pa.nulls(len(records.source_rows), arrow_type(column.type))
        return columns, reasons

    def _keep(self, trips: pa.RecordBatch) -> None:
        import pyarrow.compute as pc

        self._outs[TRIPS][1].write(trips)
        self._cleaned.kept += trips.num_rows
        self.portrait.take(trips)
        columns = dict(zip(trips.schema.names, trips.columns, strict=True))
        for rule in self._counting:
            self._cleaned.observed[rule.name] += pc.sum(rule.asks(columns, self._plan.month)).as_py() or 0
        for name in self._cleaned.control_sums:
            total = pc.sum(columns[name]).as_py()
            self._cleaned.control_sums[name] += Decimal(0) if total is None else Decimal(str(total))

    def _set_aside(self, records: Records, keep: pa.Array | None) -> None:
        """Columns that no layout has, of the rows that are kept, beside the trips."""
        import pyarrow as pa

        unknown = self._plan.recognised.unknown
        if not unknown:
            return
        arrays = [pa.array(records.source_rows), *(records.columns[name] for name in unknown)]
        # A file that was once written by us may have our own column.
        names = [_free_name(name, unknown) if name == SOURCE_ROW.name else name for name in unknown]
        schema = pa.schema([(n, a.type) for n, a in zip((SOURCE_ROW.name, *names), arrays, strict=True)])
        extras = pa.record_batch(arrays, schema=schema)
        self._out(EXTRAS, schema).write(extras if keep is None else extras.filter(keep))

    def _reject(self, rejects: Sequence[Reject]) -> None:
        import pyarrow as pa

        self._cleaned.rejected.update(reject.reason for reject in rejects)
        arrays = {
            SOURCE_MONTH.name: pa.repeat(self._plan.month.first_day, len(rejects)).cast(pa.date32()),
            SOURCE_ROW.name: pa.array([reject.source_row for reject in rejects], pa.int64()),
            "reason": pa.array([reject.reason for reject in rejects], pa.string()),
            "raw_line": pa.array([reject.raw_line for reject in rejects], pa.binary()),
            "raw_bytes": pa.array([reject.raw_bytes for reject in rejects], pa.int64()),
        }
        schema = pa.schema([(name, array.type) for name, array in arrays.items()])
        self._out(REJECTS, schema).write(pa.record_batch(list(arrays.values()), schema=schema))

    def _out(self, role: str, schema: pa.Schema) -> ParquetOut:
        if role not in self._outs:
            path = self._folder / f"{role}.parquet"
            self._outs[role] = path, self._stack.enter_context(ParquetOut(path, schema))
        return self._outs[role][1]


def _free_name(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_in_file"
    return name


_ENDINGS: Mapping[str, str] = {TRIPS: "parquet", REJECTS: "rejects.parquet", EXTRAS: "extras.parquet"}


def _decide(
    reasons: Sequence[tuple[str, pa.Array]], count: int, records: Records
) -> tuple[pa.Array | None, list[Reject]]:
    """Which records are kept (None: all of them), and the others with the first reason that holds."""
    import numpy as np
    import pyarrow as pa

    refused = np.zeros(count, dtype=bool)
    rejects: list[Reject] = []
    for reason, mask in reasons:
        here = mask.to_numpy(zero_copy_only=False) & ~refused
        rejects += [
            Reject.of(int(records.source_rows[at]), reason, records.raw(int(at))) for at in np.flatnonzero(here)
        ]
        refused |= here
    return (pa.array(~refused) if rejects else None), rejects
