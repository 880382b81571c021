"""`make demo`, as the README says it to somebody who just cloned this. What else the pages say is in `test_pages`."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from taxi_platform_tests.conftest import ROOT, Project


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
