"""Checks on a month: the accounting that blocks, and the oddities that warn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from taxi_platform.assets import stages
from taxi_platform.trips.layouts import FileKind
from taxi_platform.trips.months import Month
from taxi_platform.trips.oddities import implausible_values, unknown_values
from taxi_platform.trips.published_counts import published_rows
from taxi_platform.trips.rules import Rule
from taxi_platform.trips.services import Service

ROW_ACCOUNTING = "row_accounting"
UNKNOWN_COLUMNS = "unknown_columns"
PUBLISHED_COUNT = "published_row_count"
ACCEPTED_VALUES = "accepted_values"
PLAUSIBLE_VALUES = "plausible_values"

EXPECTED_ODDITIES = 0.001
"""A share of rows up to which an oddity is no news: real months have up to this much of each (seen: 0.0008)."""

_ALWAYS_COMMON = frozenset({"passenger_count_missing", "fare_negative"})
"""Oddities of a tenth of some real months: counted and plotted, no warning."""


def cleaned_checks(service: Service) -> Sequence[dg.AssetCheckSpec]:
    """The checks that the cleaned asset of `service` makes of each month, in the pass that cleans it."""
    key = stages.asset_key("cleaned", service)
    partitions = stages.monthly_partitions(service)
    return [
        dg.AssetCheckSpec(
            ROW_ACCOUNTING,
            asset=key,
            blocking=True,
            partitions_def=partitions,
            description="Rows in, counted without the parser, are the rows kept and the rows rejected.",
        ),
        dg.AssetCheckSpec(
            UNKNOWN_COLUMNS,
            asset=key,
            partitions_def=partitions,
            description="Every column of the file is in a layout we know; others are kept in the extras.",
        ),
        dg.AssetCheckSpec(
            PUBLISHED_COUNT,
            asset=key,
            partitions_def=partitions,
            description="The file has as many rows as the publisher's had when it was counted, where that is known.",
        ),
        *(
            dg.AssetCheckSpec(name, asset=key, partitions_def=partitions, description=_description(meaning, rules))
            for name, (meaning, rules) in _oddities(service).items()
        ),
    ]


def cleaned_results(service: Service, month: Month, facts: Mapping[str, Any]) -> Sequence[dg.AssetCheckResult]:
    """What the checks say of a month with these facts."""
    rows_in, kept, rejected = facts["rows_in"], facts["rows_kept"], facts["rows_rejected"]
    unknown = facts["unknown_columns"]
    return [
        accounting_result(rows_in, kept, rejected),
        dg.AssetCheckResult(
            check_name=UNKNOWN_COLUMNS,
            passed=not unknown,
            severity=dg.AssetCheckSeverity.WARN,
            description=(
                f"In no layout: {', '.join(unknown)}. Kept aside, in the extras." if unknown else "All are known."
            ),
            metadata={"unknown_columns": ", ".join(unknown) or "none"},
        ),
        _published_count(service, month, facts),
        *(_within_limits(name, rules, facts["observed"], kept) for name, (_, rules) in _oddities(service).items()),
    ]


def accounting_result(rows_in: int, kept: int, rejected: int) -> dg.AssetCheckResult:
    lost = rows_in - kept - rejected
    said = f"{rows_in:,} rows in, {kept:,} kept, {rejected:,} rejected"
    return dg.AssetCheckResult(
        check_name=ROW_ACCOUNTING,
        passed=lost == 0,
        description=f"{said}: {lost:,} are unaccounted for." if lost else f"{said}.",
        metadata={"rows_in": rows_in, "rows_kept": kept, "rows_rejected": rejected},
    )


def _published_count(service: Service, month: Month, facts: Mapping[str, Any]) -> dg.AssetCheckResult:
    source = facts["source"]
    kind: FileKind = "parquet" if source["name"].endswith(".parquet") else "csv"
    known = None if source["url"].startswith("sample:") else published_rows(service.name, month, kind)
    rows = facts["rows_in"]
    metadata: dict[str, Any] = {"rows_in": rows}
    if known is None:
        metadata["published"] = said = "not known"
    else:
        metadata |= {"published": known, "difference": rows - known}
        said = f"{rows:,} rows; the publisher's file had {known:,} when it was counted ({rows - known:+,})"
    return dg.AssetCheckResult(
        check_name=PUBLISHED_COUNT,
        passed=known in (None, rows),
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{said}.".capitalize(),
        metadata=metadata,
    )


def _oddities(service: Service) -> Mapping[str, tuple[str, Sequence[Rule]]]:
    """The checks of what is odd: their names, what they say, and what they count."""
    # A check each, not an oddity each: whatever Dagster writes down takes as long as a small month takes to clean.
    return {
        ACCEPTED_VALUES: ("Codes and zones are in the dictionary.", unknown_values(service.columns)),
        PLAUSIBLE_VALUES: ("Numbers and times are what a taxi can do.", implausible_values(service.columns)),
    }


def _description(meaning: str, rules: Sequence[Rule]) -> str:
    counted = "; ".join(f"{rule.name}: {rule.meaning}" for rule in rules)
    return (
        f"{meaning} Rows that are not are kept, and counted; more than {EXPECTED_ODDITIES:.1%} of one warn. {counted}."
    )


def _within_limits(name: str, rules: Sequence[Rule], observed: Mapping[str, int], kept: int) -> dg.AssetCheckResult:
    counts = {rule.name: observed.get(rule.name, 0) for rule in rules}
    often = [rule for rule, count in counts.items() if count > kept * EXPECTED_ODDITIES]
    above = [rule for rule in often if rule not in _ALWAYS_COMMON]
    return dg.AssetCheckResult(
        check_name=name,
        passed=not above,
        severity=dg.AssetCheckSeverity.WARN,
        description=_limits_in_words({rule: counts[rule] / kept for rule in often}, above),
        metadata={**counts, "rows_kept": kept, "more_than_expected": ", ".join(above) or "none"},
    )


def _limits_in_words(shares: Mapping[str, float], above: Sequence[str]) -> str:
    """Which oddities more rows have than expected, with the share of rows that have them."""
    unexpected, common = (
        ", ".join(f"{rule} {share:.2%}" for rule, share in shares.items() if (rule in above) is wanted)
        for wanted in (True, False)
    )
    said = f"In more than {EXPECTED_ODDITIES:.1%} of the rows: {unexpected or 'none'}."
    return f"{said} Common, and not warned of: {common}." if common else said
