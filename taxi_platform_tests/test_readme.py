"""What the README says: every command in it runs, every command and setting is in it, the JSON is as it is drawn."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from taxi_platform.cli.main import cli
from taxi_platform.settings import KNOWN_SETTINGS
from taxi_platform_tests import data_dictionary
from taxi_platform_tests.conftest import ROOT, Project

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines()]


TAXI = [command for command in commands() if command.startswith(".venv/bin/taxi ")]


def test_every_line_of_a_console_block_is_a_command_that_is_tested_here() -> None:
    assert all(line.startswith("$ ") for block in blocks("console") for line in block.splitlines())
    assert [command for command in commands() if command not in TAXI] == ["make demo"]
    assert len(TAXI) >= 5


def words_of(command: str, source: str) -> list[str]:
    words = shlex.split(command)[1:]
    return [*words, "--source", source] if words[0] == "load" and "--source" not in words else words


def run_all(project: Project, chosen: list[str]) -> None:
    for command in chosen:
        answer = project.taxi(*words_of(command, "sample"))
        assert (answer.exit_code, answer.err) == (0, ""), command
        assert len(answer.out.splitlines()) >= (1 if re.search("load zones$| prune ", command) else 3), command


def test_the_commands_run_one_after_the_other_in_a_new_project(project: Project) -> None:
    quick = [command for command in TAXI if not re.search(r"load \S+ \d{4}$", command)]
    run_all(project, quick)
    assert len(TAXI) - len(quick) <= 1


@pytest.mark.long
def test_a_whole_year_can_be_loaded_as_the_readme_says(project: Project) -> None:
    run_all(project, TAXI)


def test_every_command_is_in_the_readme_and_every_one_in_the_readme_exists() -> None:
    named = set(re.findall(r"(?:^|[`/\s])taxi ([a-z]+)", " ".join([*blocks("console"), *blocks("text")])))
    prose = set(re.findall(r"`(?:taxi )?([a-z]+)`", README))
    assert set(cli.commands) <= named | prose | ({"up"} if "make up" in README else set())
    assert named - {"..."} <= set(cli.commands)


def test_every_option_in_the_readme_exists() -> None:
    known = {
        name
        for command in (cli, *cli.commands.values())
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README)) <= known


def test_every_setting_is_in_the_readme_and_every_one_in_the_readme_exists() -> None:
    assert set(re.findall(r"TAXI_[A-Z_]+", README)) == set(KNOWN_SETTINGS)


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", " ".join(re.findall(r"`[^`]+`|\$ make \S+", README)))) <= targets


def test_every_folder_in_the_readme_is_there_and_the_other_way_round() -> None:
    (tree,) = (block for block in blocks("text") if block.startswith("taxi_platform/"))
    named = {line.split()[0].rstrip("/") for line in tree.splitlines()[1:]}
    there = {path.name for path in (ROOT / "taxi_platform").iterdir() if not path.name.startswith(("_", "."))}
    assert named == there


def test_the_json_is_as_the_readme_draws_it(project: Project) -> None:
    (drawn,) = (block for block in blocks("text") if block.startswith('{"months"'))
    answer = project.taxi("load", "green", "2024-01", "--source", "sample://?rows=300", "--json")
    (month,) = json.loads(answer.out)["months"]
    keys = re.findall(r'"([^"]+)"(?=[,:}])', drawn.partition("[{")[2])
    stages = keys[keys.index("seconds") + 1 : keys.index("message")]
    assert list(month["seconds"]) == stages
    assert list(month) == [key for key in keys if key not in stages and "|" not in key]
    assert month["status"] in next(key for key in re.findall(r'"([^"]+)"', drawn) if "|" in key).split("|")

    status, versions = re.findall(r"`--json`\s+prints\s+`(\{[^`]+\})`", README)
    document = json.loads(project.taxi("status", "--json", "--source", "sample://?rows=300").out)
    assert [*document, *document["cells"][0]] == re.findall(r'"([^"]+)"', status)
    listed = json.loads(project.taxi("versions", "green", "2024-01", "--json").out)
    assert ["versions", *listed["versions"][0], "message"] == re.findall(r'"([^"]+)"', versions)
    states = re.findall(r"`(current|stale|changed|damaged|missing|unpublished)`", README)
    assert {cell["state"] for cell in document["cells"]} <= set(states)
    assert len(set(states)) == 6


def test_the_example_that_asks_the_lake_runs(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    (example,) = (block for block in blocks("python") if "open_trips" in block)
    project.load("green", "2021-01,2021-02", "--source", "sample://?rows=300")
    capfd.readouterr()
    exec(example, {})
    assert "day" in capfd.readouterr().out


def test_the_python_example_runs_and_says_what_it_promises(project: Project) -> None:
    (example,) = (block for block in blocks("python") if "open_trips" not in block)
    ast.parse(example)
    (project.folder / "example.py").write_text(
        example
        + "\n\nif __name__ == '__main__':\n"
        + "    import duckdb\n"
        + "    for key in ('2024-01', '2024-02', '2024-02'):\n"
        + "        assert defs.resolve_implicit_global_asset_job_def().execute_in_process(partition_key=key).success\n"
        + "    with duckdb.connect('sales.duckdb') as connection:\n"
        + "        print(connection.sql('select day, revenue_with_tax from report order by 1').fetchall())\n"
    )
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[('2024-01-01', 15.0), ('2024-02-01', 15.0)]"


@pytest.mark.long
def test_the_demo_runs_from_a_fresh_clone(tmp_path: Path) -> None:
    git, make = shutil.which("git"), shutil.which("make")
    if git is None or make is None or not (ROOT / ".git").exists():
        pytest.skip("git, make and a repository are needed for a fresh clone")
    clone = tmp_path / "a fresh clone".replace(" ", "_")
    subprocess.run([git, "clone", "--quiet", str(ROOT), str(clone)], check=True, timeout=120)
    environment = dict(Project(clone).environment())
    environment.pop("MAKEFLAGS", None)
    done = subprocess.run(
        [make, "demo"], cwd=clone, env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^green +2024-01 +loaded", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^yellow_trips +2021-01-01", done.stdout, re.MULTILINE), done.stdout
    again = subprocess.run([make, "demo"], cwd=clone, env=environment, capture_output=True, text=True, check=True)
    assert "unchanged" in again.stdout


def test_the_data_dictionary_in_the_docs_is_the_one_in_the_code() -> None:
    assert data_dictionary.PAGE.read_text("utf-8") == data_dictionary.page()
