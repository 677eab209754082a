"""Where what is read belongs: the environment, the source, and how its files are called in reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from auditor.model import Gap, GapReason
from collectors.files.text import Malformed


@dataclass(frozen=True, slots=True)
class Scope:
    """`shown` is the source's path as the configuration spells it; a file's location starts with it."""

    environment: str
    source: str
    shown: str

    def location(self, name: str, line: int | None = None) -> str:
        """Where a person finds `name` (a path from the source's own): `deploy/staging/app.yaml:12`."""
        own = PurePosixPath(self.shown)
        path = own if own.name == name else own / name
        return str(path) if line is None else f"{path}:{line}"

    def malformed(self, kind: str, resource: str, name: str, error: Malformed) -> Gap:
        """The gap of a file that is not what it should be; `resource` is what it would have told about."""
        place = "" if error.line is None else f" at line {error.line}"
        place += "" if error.column is None else f", column {error.column}"
        detail = f"{error.problem}{place}"
        return self.gap(kind, GapReason.MALFORMED, detail, resource, name, error.line)

    def gap(
        self,
        kind: str,
        reason: GapReason,
        detail: str,
        resource: str | None,
        name: str,
        line: int | None = None,
        attribute: str | None = None,
    ) -> Gap:
        return Gap(
            environment=self.environment,
            source=self.source,
            kind=kind,
            reason=reason,
            detail=detail,
            resource=resource,
            attribute=attribute,
            location=self.location(name, line),
        )
