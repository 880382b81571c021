"""A fingerprint of the code that decides what cleaning puts out, deaf to comments, docstrings and formatting.

It is the same on every Python that we support: only what was written counts, not how `ast` represents it there.
"""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path
from typing import Any

import taxi_platform.trips
from taxi_platform.trips.cleaning import CLEANING_VERSION

FOLDER = Path(taxi_platform.trips.__file__).parent
COMMITTED = Path(__file__).with_name("cleaning_fingerprint.json")
REFRESH = "python -m taxi_platform_tests.trips.refresh_fingerprint"

DECIDE_NOTHING = {"months.py", "month_file.py"}
"""Modules of `trips` that name and carry months, but never touch a row. Every other one counts, new ones too."""

ADVICE = f"""
If a file can now come out otherwise: raise CLEANING_VERSION in taxi_platform/trips/cleaning.py, then run
    {REFRESH}
Every month is then cleaned again. If no file can come out otherwise (a new layout, a message, a name):
    {REFRESH} --same-output
"""


def now() -> dict[str, Any]:
    """The cleaning version and the fingerprints of the code as it is, module by module."""
    modules = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.py"))
    return {
        "cleaning_version": CLEANING_VERSION,
        "modules": {
            module: of_source((FOLDER / module).read_text("utf-8"))
            for module in modules
            if module not in DECIDE_NOTHING and not module.endswith("__init__.py")
        },
    }


def committed() -> dict[str, Any]:
    if not COMMITTED.exists():
        return {"cleaning_version": "", "modules": {}}
    facts: dict[str, Any] = json.loads(COMMITTED.read_text("utf-8"))
    return facts


def changed_modules(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    names = before["modules"].keys() | after["modules"].keys()
    return sorted(name for name in names if before["modules"].get(name) != after["modules"].get(name))


def of_source(source: str) -> str:
    """The fingerprint of a module's text."""
    return hashlib.sha256(json.dumps(_normal(ast.parse(source))).encode()).hexdigest()[:16]


def _normal(value: Any) -> Any:
    """What was written, as lists: no positions, nothing empty, no free-standing strings."""
    if isinstance(value, ast.JoinedStr):
        return ["JoinedStr", _normal_parts(value.values)]
    if isinstance(value, ast.AST):
        fields = ((name, _normal(part)) for name, part in ast.iter_fields(value) if name not in {"ctx", "kind"})
        return [type(value).__name__, *([name, part] for name, part in fields if part not in (None, []))]
    if isinstance(value, list):
        return [_normal(part) for part in value if not _is_docstring(part)]
    return value if value is None else [type(value).__name__, repr(value)]


def _normal_parts(parts: list[ast.expr]) -> list[Any]:
    """The parts of an f-string; Pythons differ in how they cut the text between the braces."""
    normal: list[Any] = []
    for part in parts:
        if not isinstance(part, ast.Constant):
            normal.append(_normal(part))
        elif normal and isinstance(normal[-1], str):
            normal[-1] += str(part.value)
        elif part.value:
            normal.append(str(part.value))
    return normal


def _is_docstring(value: Any) -> bool:
    return isinstance(value, ast.Expr) and isinstance(value.value, ast.Constant) and isinstance(value.value.value, str)
