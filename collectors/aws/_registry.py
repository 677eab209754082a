"""Finds the services: every module of this folder whose name has no leading underscore, but for `base`."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path

from collectors.aws.base import AwsKind


@cache
def services() -> dict[str, tuple[AwsKind, ...]]:
    """Service as written under `services:` -> its kinds, sorted by service."""
    here = str(Path(__file__).parent)
    names = sorted(found.name for found in pkgutil.iter_modules([here]) if not found.name.startswith("_"))
    # `lambda` is a word of Python's, so its module is called `lambda_`.
    return {name.rstrip("_"): import_module(f"collectors.aws.{name}").KINDS for name in names if name != "base"}
