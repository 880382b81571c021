"""What every command starts with: the settings, and a history without dead runs."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taxi_platform.settings import Settings, absolute_path, dagster_variables, is_path

if TYPE_CHECKING:
    import dagster as dg


def read_settings(source: str | None = None) -> Settings:
    """The settings, with `source` as it was typed: a relative folder starts where the command was typed.

    Raises:
        SettingsError: A setting, or the source, is none.
    """
    settings = Settings.read(profile=chosen_profile())
    if source is None:
        return settings
    if is_path(source):
        # Without ".." but with its symlinks: a folder is shown as people know it.
        source = os.path.abspath(absolute_path(source, Path.cwd()))  # noqa: PTH100
    return dataclasses.replace(settings, source=source)


def chosen_profile() -> str | None:
    """The profile that was typed (`taxi --profile prod ...`), if one was."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.find_root().params.get("profile")


def open_history() -> dg.DagsterInstance:
    """The history of the project in whose folder we are, after the dead runs of this host were failed."""
    from taxi_platform.automation.instance import in_words, open_instance, reap_dead_runs

    instance = open_instance(Path.cwd(), dagster_variables(Path.cwd(), chosen_profile()))
    with in_words():
        reap_dead_runs(instance)
    return instance
