"""What of a month may be pruned and not be missed: its files in a stage, where the stages after it stand without."""

from __future__ import annotations

from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.trips.month_file import MonthFile, Partition


def is_in_lake(lake: MonthObjects, table: str, partition: Partition, version: str) -> bool:
    """Whether the lake holds a version whole: then nobody needs its files in cleaned."""
    held = lake.kept(table, partition, version)
    return held is not None and lake.is_whole(held)


def is_raw_needed(raw: MonthFile, cleaned_version: str, cleaned: MonthObjects, lake: MonthObjects) -> bool:
    """Whether the files of `raw` are needed to have `cleaned_version` of the month, which is what is wanted of it."""
    held = cleaned.kept(raw.table, raw.partition, cleaned_version)
    if held is None:
        return True
    stands = is_in_lake(lake, raw.table, raw.partition, cleaned_version) if held.is_pruned else cleaned.is_whole(held)
    return not stands
