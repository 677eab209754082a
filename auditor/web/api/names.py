"""What may stand in a path: names of environments, ids, fingerprints."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Path

_ID = r"^[0-9A-Za-z][0-9A-Za-z_.:-]*$"

Left: TypeAlias = Annotated[str, Path(max_length=64, description="The left environment, by name or alias.")]
Right: TypeAlias = Annotated[str, Path(max_length=64, description="The right environment, by name or alias.")]
EnvironmentName: TypeAlias = Annotated[str, Path(max_length=64, description="By name or alias.")]
Id: TypeAlias = Annotated[
    str, Path(pattern=_ID, max_length=120, description="Whole, or as much as tells it from others.")
]
Fingerprint: TypeAlias = Annotated[
    str, Path(pattern="^[0-9a-f]+$", max_length=64, description="Whole, or as much of it as tells it from others.")
]
