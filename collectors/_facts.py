"""What one machine says of itself: the file that `deploy/hosts/parity-facts` writes, and its JSON Schema."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from auditor.errors import CollectError
from auditor.model import GapReason

_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_Text = Annotated[str, Field(max_length=500)]
_Name = Annotated[str, Field(min_length=1, max_length=500)]
_Digest = Annotated[str, Field(pattern=r"^(?:sha256:[0-9a-f]{64}|unreadable)$")]


class OperatingSystem(BaseModel):
    """As `/etc/os-release` says it."""

    model_config = ConfigDict(frozen=True)

    id: _Name = Field(description="Distribution: `debian`, `rhel`, `ubuntu`")
    version: _Text = Field(default="", description="VERSION_ID: `12`, `9.4`; empty where a distribution has none")


class Facts(BaseModel):
    """The facts of one machine. A section that is null was not read, which is not the same as empty."""

    model_config = ConfigDict(frozen=True, title="Facts of one machine for Parity Auditor")

    format: Literal["parity-facts/1"] = Field(description="Which form of this file it is")
    hostname: _Name = Field(description="What the machine is called: told where it is silent, never compared")
    role: _Name = Field(description="What it does: machines of one role are meant to be alike")
    collected_at: AwareDatetime = Field(description="When the facts were collected: RFC 3339, with its offset")
    os: OperatingSystem
    kernel: _Name = Field(description="Release of the running kernel")
    architecture: _Name = Field(description="Machine type: `x86_64`, `aarch64`")
    time_zone: _Text | None = Field(default=None, description="Name of the zone: `Europe/Berlin`")
    packages: dict[_Name, _Text | list[_Text]] | None = Field(
        default=None, description="Installed packages with their version, or versions where several are installed"
    )
    services: list[_Name] | None = Field(default=None, description="Services that start with the machine")
    sysctl: dict[_Name, _Text] | None = Field(default=None, description="Chosen kernel parameters with their values")
    files: dict[_Name, _Digest | None] | None = Field(
        default=None,
        description="Chosen files with the SHA-256 of their content; `unreadable`, or null where there is no such file",
    )
    runtimes: dict[_Name, _Text] | None = Field(
        default=None, description="Interpreters and clients on the PATH with their versions"
    )


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a fact file (draft 2020-12)."""
    return {"$schema": _SCHEMA, **Facts.model_json_schema()}


def facts_of(text: bytes) -> Facts:
    """The facts that a file holds. Raises CollectError (malformed), with what is wrong and where, never what it says."""
    try:
        return Facts.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"][:2]) or "the whole file"
        raise CollectError(GapReason.MALFORMED, f"no fact file: {place}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise CollectError(GapReason.MALFORMED, "no fact file: it is not JSON") from error


def age_problem(facts: Facts, now: datetime, oldest: float) -> str | None:
    """Why the facts do not speak for now; None where they do. `oldest` is in seconds."""
    seconds = (now - facts.collected_at).total_seconds()
    said = f"{facts.hostname} ({facts.role}) last told its facts at {facts.collected_at:%Y-%m-%d %H:%M %Z}"
    if seconds > oldest:
        return f"{said}, longer ago than max_age: see that parity-facts runs there and its file arrives"
    if seconds < -oldest:
        return f"{said}, which is still to come: set the machine's clock"
    return None


# What tells versions of kernels apart stands in their names, or several stand side by side; which one runs is told.
_KERNEL_PACKAGE = re.compile(
    r"linux-(?:image|headers|modules|modules-extra|kbuild|tools|cloud-tools|compiler)\S*-[0-9].*"
    r"|kernel(?:-(?:core|modules|modules-core|modules-extra|devel|uek\S*|default))?|gpg-pubkey"
)


def is_kernel_package(name: str) -> bool:
    """Whether a package is one of several installed kernels, or a key that packages are signed with."""
    return _KERNEL_PACKAGE.fullmatch(name) is not None
