"""`taxi up`: Dagster's UI and daemon on this project."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

import click

from taxi_platform.automation.project import find_project
from taxi_platform.cli.session import chosen_profile, open_history, read_settings
from taxi_platform.errors import RequestError


def run_up(host: str, port: int) -> NoReturn:
    """Become `dagster dev`, after what would fail there was found out here.

    Raises:
        RequestError: The port is taken.
        SettingsError: A setting is wrong.
    """
    from taxi_platform.automation.pools import set_pools
    from taxi_platform.definitions import build_definitions, pool_sizes

    settings = read_settings()
    if settings.plan.sensors_run is None:
        os.putenv("TAXI_SENSORS", "on")  # for the processes to come: here nothing is read any more
    if profile := chosen_profile():
        os.putenv("TAXI_PROFILE", profile)
    build_definitions(settings)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise RequestError(
                f"Port {port} of {host} is taken ({error.strerror}). Choose another one: --port {port + 1}"
            ) from None
    history = open_history()
    set_pools(history, pool_sizes(settings))
    history.dispose()
    project = find_project(Path.cwd()) or Path.cwd()
    click.echo(f"Dagster's UI: http://{host}:{port} (Ctrl-C ends it)")
    sys.stdout.flush()
    # A process started in the background ignores SIGINT, and `dagster dev` would then ignore SIGTERM too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(project)
    # Quiet: it speaks of `dg dev`, which asks for another layout, and of a temporary home, where nothing of ours lies.
    command = [sys.executable, "-W", "ignore:Function `dev_command`", "-m", "dagster", "dev"]
    command += ["--host", host, "--port", str(port), "--log-level", "warning"]
    os.execv(sys.executable, command)  # noqa: S606 (no shell is what we want)
