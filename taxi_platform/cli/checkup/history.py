"""Dagster's history: found, reachable, of this Dagster's schema; no dead runs, no slots that nobody frees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxi_platform.automation.project import PROJECT_FILE, find_project
from taxi_platform.cli.checkup.finding import Finding

if TYPE_CHECKING:
    import dagster as dg

MIGRATE = "Stop Dagster, keep a copy of it, then: dagster instance migrate."


def history(folder: Path, variables: Mapping[str, str], pools: Mapping[str, int]) -> Iterator[Finding]:
    """Look at the history without changing it, or making one.

    Args:
        variables: What the settings say to Dagster itself.
        pools: The sizes that the pools should have.
    """
    from taxi_platform.automation.instance import in_words, open_instance

    project = None if variables.get("DAGSTER_HOME") else find_project(folder)
    if project is not None and (missing := _to_be_made(project)) is not None:
        yield Finding("history", "ok", f"{missing}: not there yet, the first load makes it")
        return
    with open_instance(folder, variables) as instance, in_words():
        yield _schema(instance, project)
        yield from _dead(instance)
        yield from _pools(instance, pools)


def _to_be_made(project: Path) -> Path | None:
    """Where a history in SQLite will be, if it is not there yet."""
    import yaml  # type: ignore[import-untyped]

    storage = (yaml.safe_load((project / PROJECT_FILE).read_text()) or {}).get("storage") or {}
    base = (storage.get("sqlite") or {}).get("base_dir")
    return project / base if isinstance(base, str) and not (project / base).exists() else None


def _schema(instance: dg.DagsterInstance, project: Path | None) -> Finding:
    storages: list[Any] = [instance.run_storage, instance.event_log_storage, instance.schedule_storage]
    for storage in storages:
        found, newest = storage.alembic_version() or (None, None)
        if found != newest:
            said = f"of {type(storage).__name__} the schema is {found or 'none'}, this Dagster has {newest}"
            return Finding("history", "fail", f"{said}. {MIGRATE}")
    where = f"as {project / PROJECT_FILE} says" if project else "in DAGSTER_HOME"
    return Finding("history", "ok", f"{where}, with {instance.get_runs_count():,} runs")


def _dead(instance: dg.DagsterInstance) -> Iterator[Finding]:
    from taxi_platform.automation.instance import dead_runs

    if dead := [run.run_id[:8] for run in dead_runs(instance)]:
        said = f"{len(dead)} runs have not ended and their process is gone ({', '.join(dead[:3])})"
        yield Finding("history", "warn", f"{said}. The next taxi load or taxi up fails them, and frees what they hold.")


def _pools(instance: dg.DagsterInstance, pools: Mapping[str, int]) -> Iterator[Finding]:
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    limits = {limit.name: limit.limit for limit in storage.get_pool_limits()}
    found = [*_sizes(limits, pools), *_held(instance)]
    yield from found
    if pools and not found:
        shown = ", ".join(f"{name} {limits.get(name, size)}" for name, size in pools.items())
        yield Finding("pools", "ok", f"{shown} at once")


def _sizes(limits: Mapping[str, int], pools: Mapping[str, int]) -> Iterator[Finding]:
    for name, size in pools.items():
        if limits.get(name, size) != size:
            said = f"the pool {name} lets {limits[name]} in at once, {size} is set"
            yield Finding("pools", "warn", f"{said}. taxi up sets it.")


def _held(instance: dg.DagsterInstance) -> Iterator[Finding]:
    storage = instance.event_log_storage
    for name in storage.get_concurrency_keys():
        for run_id in sorted(storage.get_concurrency_info(name).active_run_ids):
            run = instance.get_run_by_id(run_id)
            if run is None or run.is_finished:
                said = f"a slot of the pool {name} is held by a run that has ended ({run_id[:8]})"
                yield Finding("pools", "warn", f"{said}. taxi up frees it, or the UI (Deployment, Concurrency).")
