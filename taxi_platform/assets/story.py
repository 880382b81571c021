"""The story of a month, as its materialisations tell it in Dagster's UI: the same words and numbers at every stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from taxi_platform.assets.changes import as_table, changes, file_changes
from taxi_platform.assets.columns import file_schema, first_rows, lineage, read_as
from taxi_platform.assets.month_picture import markdown
from taxi_platform.assets.stages import reasons_table
from taxi_platform.errors import LayoutError
from taxi_platform.trips.cleaning import plan_cleaning
from taxi_platform.trips.month_file import MonthFile
from taxi_platform.trips.months import Month
from taxi_platform.trips.oddities import oddities_of
from taxi_platform.trips.reading.inspection import Inspection
from taxi_platform.trips.rules import REJECTING
from taxi_platform.trips.services import Service


def of_trips(
    service: Service, month: Month, stage: str, kept: Iterable[MonthFile], version: str, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What a month of trips has to tell, cleaned or in one of the stages after.

    What its manifest does not know, because it was cleaned by an earlier release, is left out.

    Args:
        kept: The versions that are there, the newest last; this one may be among them.
        facts: What the manifest remembers of this version.
    """
    meaning = {rule.name: rule.meaning for rule in (*REJECTING.values(), *oddities_of(service.columns))}
    before = [one for one in kept if one.version != version][-1:]
    source = facts["source"]
    told: dict[str, Any] = {}
    if "pickups" in facts:
        told["trips"] = dg.MetadataValue.md(markdown(month, facts["pickups"]))
    told |= {name: facts[name] for name in ("rows_in", "rows_kept", "rows_rejected")}
    if facts["rejected_by_reason"]:
        told["rejected_by_reason"] = reasons_table(facts["rejected_by_reason"], meaning)
    for one in before:
        if changed := changes(one.facts, facts):
            told["what_changed"] = as_table(one.version, version, changed)
    told |= _source(source["url"], source["sha256"], source["size_bytes"], facts["layout"])
    if odd := {name: count for name, count in facts["observed"].items() if count}:
        told["observed"] = reasons_table(odd, meaning, "oddity")
    told |= {f"sum_{name}": float(total) for name, total in facts["control_sums"].items()}
    told["money_rounded"] = facts["money_rounded"]
    if "first_rows" in facts and "read_from" in facts:
        columns = [column.name for column in service.stored_columns]
        told["first_rows"] = first_rows(columns, "←", facts["read_from"], facts["first_rows"])
        told |= lineage(service, stage, facts["read_from"])
    return told


def of_file(
    service: Service, month: Month, kept: Iterable[MonthFile], version: str, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What a published file has to tell, before anybody has made trips of its rows."""
    inspection = Inspection.from_json(facts["inspection"])
    before = [one for one in kept if one.version != version][-1:]
    told: dict[str, Any] = {"rows_in": inspection.lines}
    for one in before:
        told["what_changed"] = as_table(one.version, version, file_changes(one.facts, facts))
    read_from: Mapping[str, list[str]] = {}
    try:
        plan = plan_cleaning(service, month, facts["name"], inspection)
        layout, read_from = plan.recognised.layout.id, plan.read_from
    except LayoutError as error:  # the file is kept all the same; nothing is made of it
        layout = f"none that is known. {error}"
    told |= _source(facts["url"], inspection.sha256, inspection.size_bytes, layout)
    told |= {"etag": facts["fingerprint"], "file": facts["name"], "format": inspection.ending}
    if inspection.kind == "csv":
        told |= {
            "text_bytes": inspection.text_bytes,
            "crlf_lines": inspection.crlf_lines,
            "lf_lines": inspection.lf_lines,
            "blank_lines": inspection.blank_lines,
            "nul_bytes": inspection.nul_bytes,
            "longest_line_bytes": inspection.longest_line,
            "oddities": oddities_in_words(inspection),
        }
    told["columns_in_file"] = len(inspection.header)
    becomes = read_as(inspection.header, read_from)
    told["dagster/column_schema"] = file_schema(inspection.header, becomes)
    if "first_rows" in facts:
        told["first_rows"] = first_rows(inspection.header, "→", becomes, facts["first_rows"])
    return told


def oddities_in_words(inspection: Inspection) -> str:
    """What is odd about the bytes of a CSV, in a sentence."""
    header = inspection.header
    found = {
        f"line ends: {inspection.lf_lines:,} LF, {inspection.crlf_lines:,} CRLF": inspection.lf_lines
        and inspection.crlf_lines,
        f"blank lines: {inspection.blank_lines:,}": inspection.blank_lines,
        f"NUL bytes: {inspection.nul_bytes:,}": inspection.nul_bytes,
        "the header has spaces around its names": any(name != name.strip() for name in header),
        "the header has columns without a name": not all(name.strip() for name in header),
    }
    return "; ".join(words for words, is_so in found.items() if is_so) or "none"


def _source(url: str, sha256: str, size_bytes: int, layout: str) -> dict[str, Any]:
    return {
        "layout": layout,
        "source_url": dg.MetadataValue.url(url),
        "source_sha256": sha256,
        "source_size_bytes": size_bytes,
    }
