"""What README.md and docs/ say: each command and each piece of Python on them is run, in the order of the page."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click
import pytest

from taxi_platform.cli.main import cli
from taxi_platform.settings import KNOWN_SETTINGS, Settings
from taxi_platform.trips.months import parse_months
from taxi_platform.trips.published_counts import published_rows
from taxi_platform.trips.rules import REJECTING
from taxi_platform_tests import data_dictionary, settings_page
from taxi_platform_tests.conftest import ROOT, Answer, Project, make_project
from taxi_platform_tests.pages import LANGUAGES, PAGES, all_text, anchors, blocks, links, prose, text_of

TAXI = ".venv/bin/taxi"
FAILS = re.compile(r"\s+# fails$")
ELSEWHERE = {"make demo"}
"""Commands that a test of their own runs."""

A_YEAR = re.compile(r"load \S+ \d{4}$")
"""What takes its time: left to `make test-long`."""

LONG = {"docs/operations.md"}

COMMANDS = [(name, command) for name in PAGES for block in blocks(name, "console") for command in block.commands]


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One project for all pages: what a page before it loaded need not be loaded again. Its months are small."""
    project = make_project(tmp_path_factory.mktemp("pages"))
    (project.folder / ".env").write_text("TAXI_SOURCE=sample://?rows=300\n")
    return project


@pytest.fixture
def at_home(common: Project, project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The common project, and this process in its folder (`project` has taken the machine's settings away)."""
    assert project != common
    monkeypatch.chdir(common.folder)
    return common


def taxi(project: Project, command: str) -> Answer:
    """A command of ours in this process, with the settings typed before it."""
    *typed, words = re.split(rf"(?:^|\s){re.escape(TAXI)} ", command)
    settings = dict(word.split("=", 1) for word in shlex.split(" ".join(typed)))
    project = replace(project, settings=project.settings | settings)
    arguments = shlex.split(words)
    if "VERSION" in arguments:
        listed = json.loads(project.taxi(*arguments[:3], "--json").out)["versions"]
        arguments[arguments.index("VERSION")] = listed[0]["version"]
    return project.taxi(*arguments)


def run(project: Project, command: str) -> None:
    command, fails = FAILS.subn("", command)
    if TAXI in command:
        answer = taxi(project, command)
        assert (answer.exit_code != 0) == bool(fails), (command, answer)
        assert all(line.startswith("taxi: ") for line in answer.err.splitlines()), (command, answer)
        assert answer.out, command
    else:
        subprocess.run(["bash", "-ec", command], cwd=project.folder, check=True, timeout=60, capture_output=True)


def walk(name: str, project: Project, *, skip: Callable[[str], object] = lambda _: False) -> dict[str, Any]:
    """Do what a page says, block by block; what its Python made."""
    made: dict[str, Any] = {"__name__": "page"}
    for block in blocks(name, "console", "python"):
        if block.language == "python":
            exec(compile(block.text, name, "exec", dont_inherit=True), made)
            continue
        for command in block.commands:
            if command not in ELSEWHERE and not skip(command):
                run(project, command)
    return made


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] if name in LONG else []) for name in PAGES]
)
def test_what_a_page_says_runs_from_its_first_block_to_its_last(
    name: str, at_home: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = walk(name, at_home, skip=A_YEAR.search)
    if "RULE" in made:
        monkeypatch.setitem(REJECTING, made["RULE"].name, made["RULE"])
    for one, test in made.items():
        if one.startswith("test_"):
            test()


@pytest.mark.long
def test_a_whole_year_can_be_loaded_as_the_readme_says(at_home: Project) -> None:
    years = [command for _, command in COMMANDS if A_YEAR.search(command)]
    assert len(years) == 1
    run(at_home, years[0])


def test_the_blocks_of_a_page_are_of_the_languages_that_are_run_or_left_alone() -> None:
    assert {block.language for name in PAGES for block in blocks(name)} <= LANGUAGES
    assert all(text_of(name).count("\n```") == 2 * len(blocks(name)) for name in PAGES)
    lines = [line for name in PAGES for block in blocks(name, "console") for line in block.text.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    assert len([command for _, command in COMMANDS if TAXI in command]) >= 30


def test_every_command_is_on_a_page_and_every_one_on_a_page_exists() -> None:
    shown = [block.text for name in PAGES for block in blocks(name, "console", "text")]
    named = set(re.findall(r"(?:^|[`/\s])taxi ([a-z]+)", "\n".join(shown), re.MULTILINE))
    named |= set(re.findall(r"`taxi ([a-z]+)", all_text()))
    assert named == set(cli.commands)
    assert set(cli.commands) <= set(
        re.findall(r"[a-z]+", " ".join(re.findall(r"^## (.*)$", text_of("docs/commands.md"), re.MULTILINE)))
    )


def test_every_option_on_a_page_exists() -> None:
    known = {
        name
        for command in (cli, *cli.commands.values())
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
    }
    lines = "\n".join(block.text for name in PAGES for block in blocks(name, "console", "text")).splitlines()
    typed = [line for line in lines if re.search(r"(?:^|[\s/])taxi ", line)]
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", "\n".join(typed))) <= known
    theirs = {"--cron", "--same-output"}  # Prefect's, and that of refresh_fingerprint
    assert set(re.findall(r"`(--[a-z][a-z-]*)", "\n".join(map(prose, PAGES)))) <= known | theirs


def test_every_make_target_on_a_page_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    typed = re.findall(r"^(?:\$ )?(?:\w+=\S+ )*make ([a-z-]+)", all_text(), re.MULTILINE)
    named = {target for words in re.findall(r"`make ([a-z -]+)`", all_text()) for target in words.split()}
    assert named | set(typed) <= targets
    assert {"demo", "up", "test", "test-long", "test-gcp", "lint", "bench"} <= named | set(typed)


def test_every_link_leads_somewhere() -> None:
    for name in PAGES:
        for path, anchor in links(name):
            assert path.exists(), (name, path)
            assert not anchor or anchor in anchors(path), (name, path, anchor)


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    for name in PAGES:
        for table in re.findall(r"(?:^\|.*\n)+", prose(name), re.MULTILINE):
            rows = table.splitlines()
            assert {row.count("|") for row in rows} == {rows[0].count("|")}, (name, rows[0])
            assert set(rows[1]) <= set("| -"), (name, rows[0])


def test_every_page_is_in_the_readme() -> None:
    reached = {path.resolve() for path, _ in links("README.md")}
    assert set(PAGES.values()) - {ROOT / "README.md"} <= reached


def test_every_folder_in_the_docs_is_there_and_the_other_way_round() -> None:
    (tree,) = (
        block.text for block in blocks("docs/architecture.md", "text") if block.text.startswith("taxi_platform/")
    )
    named = {line.split()[0].rstrip("/") for line in tree.splitlines()[1:]}
    there = {path.name for path in (ROOT / "taxi_platform").iterdir() if not path.name.startswith(("_", "."))}
    assert named == there


def test_the_json_is_as_the_page_draws_it(at_home: Project) -> None:
    page = text_of("docs/commands.md")
    (drawn,) = (block.text for block in blocks("docs/commands.md", "text") if block.text.startswith('{"months"'))
    (month,) = json.loads(at_home.taxi("load", "green", "2021-01", "--json").out)["months"]
    keys = re.findall(r'"([^"]+)"(?=[,:}])', drawn.partition("[{")[2])
    stages = keys[keys.index("seconds") + 1 : keys.index("message")]
    assert list(month["seconds"]) == stages
    assert list(month) == [key for key in keys if key not in stages and "|" not in key]
    assert month["status"] in next(key for key in re.findall(r'"([^"]+)"', drawn) if "|" in key).split("|")

    status, versions = re.findall(r"`--json`\s+prints\s+`(\{[^`]+\})`", page)
    document = json.loads(at_home.taxi("status", "--json").out)
    assert [*document, *document["cells"][0]] == re.findall(r'"([^"]+)"', status)
    listed = json.loads(at_home.taxi("versions", "green", "2021-01", "--json").out)
    assert ["versions", *listed["versions"][0], "message"] == re.findall(r'"([^"]+)"', versions)
    (zones,) = re.findall(r'`"zones": (\{[^`]+\})`', page)
    assert list(json.loads(at_home.taxi("load", "zones", "--json").out)["zones"]) == re.findall(r'"([^"]+)"', zones)
    states = re.findall(r"^\| `([a-z]+)` \|", page, re.MULTILINE)
    assert {cell["state"] for cell in document["cells"]} <= set(states)
    assert len(states) == 6


def test_the_python_example_of_the_readme_says_what_it_promises(at_home: Project) -> None:
    (example,) = (block.text for block in blocks("README.md", "python") if "open_trips" not in block.text)
    (at_home.folder / "example.py").write_text(
        example
        + "\n\nif __name__ == '__main__':\n"
        + "    import duckdb\n"
        + "    for key in ('2024-01', '2024-02', '2024-02'):\n"
        + "        assert defs.resolve_implicit_global_asset_job_def().execute_in_process(partition_key=key).success\n"
        + "    with duckdb.connect('sales.duckdb') as connection:\n"
        + "        print(connection.sql('select day, revenue_with_tax from report order by 1').fetchall())\n"
    )
    done = at_home.python("example.py")
    assert done.exit_code == 0, done.err
    assert done.out.splitlines()[-1] == "[('2024-01-01', 15.0), ('2024-02-01', 15.0)]"


# What is said of settings


def test_every_setting_is_on_its_page_and_every_one_on_a_page_exists() -> None:
    assert set(settings_page.ROWS) == set(KNOWN_SETTINGS)
    assert set(re.findall(r"\bTAXI_[A-Z_]+[A-Z]", all_text())) - {"TAXI_TEST_BUCKET"} == set(KNOWN_SETTINGS)


def test_the_page_of_the_settings_is_the_one_in_the_code() -> None:
    assert settings_page.PAGE.read_text("utf-8") == settings_page.page()


@pytest.mark.parametrize("name", settings_page.ROWS)
def test_a_default_is_as_good_as_no_setting_and_an_example_is_taken(name: str, project: Project) -> None:
    row = settings_page.ROWS[name]
    (project.folder / ".env.google").write_text("")
    if row.default:
        assert Settings.read({name: row.default}) == Settings.read({})
    assert row.default != row.example
    Settings.read({name: row.example})


def test_every_variable_that_the_code_knows_is_on_the_page_of_the_settings() -> None:
    clouds = r'"((?:GOOGLE|AWS|AZURE|STORAGE_EMULATOR|BIGQUERY_EMULATOR|DAGSTER)_[A-Z0-9_]*[A-Z0-9]|PG[A-Z_]{4,})"'
    folders = (ROOT / "taxi_platform" / name for name in ("resources", "io_managers", "automation"))
    known = {
        name for folder in folders for path in folder.rglob("*.py") for name in re.findall(clouds, path.read_text())
    }
    assert len(known) > 20
    assert {name for name in known if f"`{name}`" not in text_of("docs/settings.md")} == set()


# What is said of the data


def test_the_data_dictionary_in_the_docs_is_the_one_in_the_code() -> None:
    assert data_dictionary.PAGE.read_text("utf-8") == data_dictionary.page()


def test_the_numbers_of_the_course_are_those_that_the_check_knows() -> None:
    rows = re.findall(
        r"^\| (yellow|green) \| ([\d., -]+) \| ([\d,]+) \|", text_of("docs/from_the_course.md"), re.MULTILINE
    )
    assert len(rows) == 8
    for service, months, count in rows:
        known = [published_rows(service, month, "csv") for month in parse_months(months)]
        assert None not in known, (service, months)
        assert sum(filter(None, known)) == int(count.replace(",", "")), (service, months)
