"""The examples for analysts: the notebook prints what is kept in it, the model has learnt something."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest

from taxi_platform.analysis.trips import open_trips
from taxi_platform.settings import Settings
from taxi_platform_tests import notebook
from taxi_platform_tests.conftest import ROOT, Project


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The months that the notebook asks for."""
    return notebook.load(tmp_path_factory.mktemp("analysis"))


@pytest.fixture
def at_home(loaded: Project, project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """This process in the folder of that project (`project` has taken the machine's settings away)."""
    assert project != loaded
    monkeypatch.chdir(loaded.folder)
    return loaded


@pytest.fixture
def fare_model(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("fare_model", ROOT / "examples" / "analysis" / "fare_model.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fare_model", module)  # its dataclasses look for it there
    spec.loader.exec_module(module)
    return module


def test_the_notebook_prints_what_it_shows(at_home: Project) -> None:
    kept = notebook.read()
    shown = ["".join(cell["outputs"][0]["text"]) for cell in notebook.code_cells(kept)]
    assert notebook.run(kept, at_home) == shown, "write it anew: python -m taxi_platform_tests.notebook"


def test_the_notebook_says_which_months_it_needs() -> None:
    text = "".join("".join(cell["source"]) for cell in notebook.read()["cells"])
    assert f"taxi load {' '.join(notebook.MONTHS)}\n" in text


def test_the_model_is_far_better_than_the_mean_on_a_month_that_it_has_not_seen(
    at_home: Project, fare_model: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    fare_model.main("yellow", "2024-01", "2024-03")
    said = capsys.readouterr().out.splitlines()
    settings = Settings.read({}, at_home.folder)
    seen = open_trips("yellow", "2024-01", "2024-02", columns=fare_model.COLUMNS, settings=settings)
    unseen = open_trips("yellow", "2024-03", columns=fare_model.COLUMNS, settings=settings)
    model = fare_model.fit(seen)
    of_model, of_mean = fare_model.scores(model, unseen)
    assert of_model.mean_error < of_mean.mean_error / 10
    assert of_model.root_mean_square_error < of_mean.root_mean_square_error / 5
    assert model.trips + model.left_out == len(seen)
    assert said[0].startswith(f"Fitted to {model.trips:,} trips of 2024-01 to 2024-02; {model.left_out:,} left out")
    assert f"{of_model.mean_error:6.2f} dollars" in said[3]
    assert f"{of_mean.mean_error:6.2f} dollars" in said[4]
    fall, mile, minute = model.weights[:3]  # the sample's meter: 3 dollars, 0.70 a fifth of a mile and 3 minutes
    assert (round(mile, 1), round(minute, 2)) == (3.5, 0.23)
    assert 2 < fall < 3  # it counts what is begun, the meter of the sample what is over


def test_the_batches_that_the_trips_come_in_do_not_matter(at_home: Project, fare_model: ModuleType) -> None:
    settings = Settings.read({}, at_home.folder)
    trips = open_trips("yellow", "2024-01", columns=fare_model.COLUMNS, settings=settings)
    whole, parts = fare_model.FareModel(), fare_model.FareModel()
    for model, size in ((whole, 100_000), (parts, 77)):
        for batch in trips.to_arrow().combine_chunks().to_batches(max_chunksize=size):
            model.add(batch)
    assert whole.weights == pytest.approx(parts.weights, abs=1e-6)
    assert (whole.trips, whole.left_out) == (parts.trips, parts.left_out)
