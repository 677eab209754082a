"""Sampling one database as the collector does, with a key of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from auditor.collector import Context
from auditor.model import Gap, Resource
from auditor.redact import Redactor
from collectors.data import COLLECTOR, DataOptions

KEY = b"a key for the tests, 32 bytes long"


def sampled(url: str, timeout: float = 60.0, **options: Any) -> list[Resource | Gap]:
    """Everything that the collector yields of the database at `url`."""
    given = DataOptions.model_validate({"url": url, **options})
    context = Context("staging", Path(), timeout=timeout, fingerprint=Redactor(KEY).fingerprint)
    (task,) = COLLECTOR.plan(given, context)
    return list(task.run())


def told(items: list[Resource | Gap]) -> dict[str, dict[str, Any]]:
    """Attributes by identity, without the database's name."""
    resources = [item for item in items if isinstance(item, Resource)]
    return {resource.identity.partition(".")[2]: dict(resource.attributes) for resource in resources}


def gaps(items: list[Resource | Gap]) -> list[Gap]:
    return [item for item in items if isinstance(item, Gap)]
