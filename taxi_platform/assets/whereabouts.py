"""Where each asset lies, and where the code is that makes it, for the asset's page in the UI."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from taxi_platform.trips import services
from taxi_platform.trips.cleaning import clean
from taxi_platform.trips.reading.inspection import inspect_file

_WORK: Mapping[str, Callable[..., Any]] = {"raw": inspect_file, "cleaned": clean}
"""What does the work of a stage, beside the function that is the asset."""


def with_whereabouts(assets: Sequence[dg.AssetsDefinition], locations: Mapping[str, str]) -> list[dg.AssetsDefinition]:
    """`assets` with links into the code as it is installed here, and the location of their stage.

    Args:
        locations: By stage, without secrets.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=dg.BetaWarning)  # code references, in Dagster 1.13
        linked = dg.with_source_code_references(assets)
        return [
            asset.map_asset_specs(lambda spec: _placed(spec, locations))
            for asset in linked
            if isinstance(asset, dg.AssetsDefinition)
        ]


def _placed(spec: dg.AssetSpec, locations: Mapping[str, str]) -> dg.AssetSpec:
    stage, table = spec.key.path[0], spec.key.path[-1]
    stage = "lake" if stage == "reference" else stage
    references = [*spec.metadata["dagster/code_references"].code_references, *_more(stage, table)]
    metadata: dict[str, Any] = {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=references)}
    if stage in locations:
        below = "" if locations[stage] == locations.get("warehouse") else f"/{table}"
        metadata["dagster/uri"] = f"{locations[stage]}{below}"
    return spec.merge_attributes(metadata=metadata)


def _more(stage: str, table: str) -> list[dg.LocalFileCodeReference]:
    found = []
    if stage in _WORK:
        code = _WORK[stage].__code__
        found.append(dg.LocalFileCodeReference(file_path=code.co_filename, line_number=code.co_firstlineno))
    data = Path(services.__file__).with_name(f"{table.removesuffix('_trips')}.py")
    if data.exists():  # the columns and layouts of a service
        found.append(dg.LocalFileCodeReference(file_path=str(data), line_number=1))
    return found
