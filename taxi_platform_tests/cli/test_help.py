"""Help, completion, bars and colours: what a person at a terminal sees, and nobody else."""

from __future__ import annotations

import io
import itertools
import os
import pty
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from rich.console import Console

from taxi_platform.assets import progress
from taxi_platform.assets.coverage import STATES
from taxi_platform.cli.bars import bars
from taxi_platform.cli.completing import SHELLS
from taxi_platform.cli.main import cli
from taxi_platform.cli.teaching import Command
from taxi_platform.settings import Settings
from taxi_platform_tests.conftest import TAXI, Project

COMMANDS = sorted(cli.commands)


def lesson(name: str) -> Command:
    command = cli.commands[name]
    assert isinstance(command, Command)
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_and_says_what_its_exit_code_means(project: Project, name: str) -> None:
    shown = project.taxi(name, "--help").out
    assert lesson(name).examples
    assert all(f"\n  {example}\n" in shown for example in lesson(name).examples)
    assert 0 in lesson(name).exit_codes
    assert re.search(r"\nExit code:\n  0 ", shown)
    assert "\\b" not in shown


@pytest.mark.parametrize("example", [one for name in COMMANDS for one in lesson(name).examples])
def test_every_example_is_a_command_that_there_is(example: str) -> None:
    words = shlex.split(example)[1:]
    with cli.make_context("taxi", words) as context:
        name, command, rest = cli.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None
        command.make_context(name, rest, parent=context)


def test_the_first_line_of_every_command_is_shown_whole(project: Project) -> None:
    shown = project.taxi("--help").out
    assert "..." not in shown.partition("Commands:")[2]
    assert all(f"\n  {name} " in shown for name in COMMANDS)


def test_the_states_that_help_explains_are_those_that_there_are() -> None:
    assert tuple(lesson("status").words[1]) == STATES


def offered(words: str, incomplete: str = "") -> list[str]:
    """What TAB offers after these words."""
    complete = ShellComplete(cli, {}, "taxi", "_TAXI_COMPLETE")
    return [item.value for item in complete.get_completions(shlex.split(words), incomplete)]


def test_tab_offers_services_and_months_also_after_a_comma_and_in_a_range() -> None:
    assert offered("load") == ["yellow", "green", "fhv", "fhvhv", "all", "zones"]
    assert offered("load", "yellow,f") == ["yellow,fhv", "yellow,fhvhv"]
    assert offered("versions", "") == ["yellow", "green", "fhv", "fhvhv"]
    assert offered("load green")[:2] == ["2013", "2014"]
    assert offered("load green", "2013")[:2] == ["2013-08", "2013-09"]
    assert offered("load green", "2020-03..2020-1") == ["2020-03..2020-10", "2020-03..2020-11", "2020-03..2020-12"]
    assert offered("load green", "2020-03,202")[0] == "2020-03,2020"
    assert offered("load nobody", "200")[0] == "2009"


def test_tab_offers_versions_profiles_sources_and_options(loaded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(loaded.folder)
    kept = [one.version for one in lake_of(loaded).versions("green_trips", "2024-01")]
    assert offered("versions green 2024-01 --restore") == kept
    assert offered("versions green 2031-01 --restore") == []
    for name in (".env.dev", ".env.prod", ".env.prod.example"):
        (loaded.folder / name).write_text("TAXI_SOURCE=sample\n")
    assert offered("--profile") == ["dev", "prod"]
    assert offered("load green 2021-01 --source", "t")[0] == "tlc"
    assert "--dry-run" in offered("prune", "--")
    assert offered("query --format") == ["table", "csv", "json"]
    assert offered("completion") == list(SHELLS)


def lake_of(project: Project):
    from taxi_platform.definitions import stores_of

    return stores_of(Settings.read({}, project.folder)).lake


@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_shell_reads_is_understood_by_it(project: Project, tmp_path: Path, shell: str) -> None:
    answer = project.taxi("completion", shell)
    assert (answer.exit_code, answer.err) == (0, "")
    assert "_TAXI_COMPLETE" in answer.out
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(answer.out)
    subprocess.run([found, "-n", script], check=True, timeout=30)
    if shell == "bash":
        command = tmp_path / "taxi"
        command.write_text(f"#!/bin/sh\nexec {shlex.join(TAXI)}\n")
        command.chmod(0o755)
        typed = "COMP_WORDS=(taxi load gr); COMP_CWORD=2; _taxi_completion taxi; echo ${COMPREPLY[@]}"
        environment = {**project.environment(), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        options = {"env": environment, "capture_output": True, "text": True, "timeout": 30}
        done = subprocess.run([found, "-c", f". {script}; {typed}"], check=True, **options)
        assert done.stdout.split() == ["green"], done.stderr


def on_terminal(project: Project, *words: str) -> str:
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    try:
        process = project.start(*words, stdout=theirs, stderr=theirs)
        os.close(theirs)
        seen = b""
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # nobody writes any more
                break
            if not chunk:
                break
            seen += chunk
        assert process.wait(timeout=60) == 0
        return seen.decode()
    finally:
        os.close(ours)


def test_colours_are_on_a_terminal_only_and_never_with_no_color(loaded: Project) -> None:
    loaded.settings.update(TERM="xterm-256color", TAXI_RULES="none")
    coloured = on_terminal(loaded, "status")
    assert "\x1b[33mstale" in coloured
    assert "\x1b" not in loaded.taxi("status").out
    loaded.settings["NO_COLOR"] = "1"
    assert "\x1b[" not in on_terminal(loaded, "status")


def test_bars_show_the_rate_and_the_time_left_of_the_month_and_of_all_months() -> None:
    clock, screen = itertools.count(step=0.1), io.StringIO()
    plain = {"force_terminal": True, "width": 120, "height": 30, "color_system": None}
    console = Console(file=screen, get_time=lambda: float(next(clock)), **plain)
    with bars(3, show=True, console=console) as month_begins:
        for month in ("green 2021-01", "green 2021-02"):
            month_begins(month)
            for _ in range(4):
                progress.report("raw", 1_000_000, 8_000_000)
        time.sleep(0.3)  # it is drawn ten times a second
        progress.report("cleaned", 1_000_000, 2_000_000)
        progress.report("lake", 0)
    seen = screen.getvalue()
    assert re.search(r"green 2021-02 raw .*?50%, [\d.]+ MB/s, 0:00:\d\d left", seen)
    assert re.search(r"months .*?1 of 3, [\d.]+ a minute, 0:00:\d\d left", seen)
    assert re.search(r"green 2021-02 cleaned .*?100%", seen)
    assert "green 2021-02 lake" in seen


def test_where_no_terminal_is_there_are_no_bars() -> None:
    screen = io.StringIO()
    with bars(2, show=True, console=Console(file=screen)) as month_begins:
        month_begins("green 2021-01")
        progress.report("raw", 1, 2)
    assert screen.getvalue() == ""


def test_a_profile_that_is_typed_counts_as_one_that_is_set(project: Project) -> None:
    (project.folder / ".env.dev").write_text("TAXI_SOURCE=sample://?rows=7\n")
    assert "Set is sample://?rows=7 " in project.taxi("--profile", "dev", "sources").out
    assert "Set is sample " in project.taxi("sources").out
    answer = project.taxi("--profile", "prod", "sources")
    assert answer.exit_code == 2
    assert "TAXI_PROFILE is 'prod', but there is no file" in answer.sentence
    assert "There are dev." in answer.sentence
