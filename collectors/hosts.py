"""Machines that no API tells of: what they say of themselves in a small JSON file, fetched over HTTP or read from a folder.

`deploy/hosts/parity-facts` writes the file, `audit hosts schema` prints its JSON Schema. Machines of one role are one
resource, because which of them is which says nothing; where they are not alike, it holds every version that there is.
Facts that are too old are a gap.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from auditor.collector import Context, Options, Task
from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Kind, Resource
from collectors._facts import Facts, age_problem, facts_of
from collectors._roles import merged
from collectors._web import Site, trust

_AT_ONCE = 8
_MOST = 2000
_AGE = re.compile(r"([1-9][0-9]*)([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}

KIND = Kind(
    name="hosts.role",
    category=Category.COMPUTE,
    about="The machines of one role: system, kernel, packages, services, settings, digests of files, runtimes",
    # `passwd` and `libsecret` are packages, not what their names promise.
    references=("packages{.**,}", "services{.**,}", "sysctl{.**,}", "runtimes{.**,}", "files{.**,}"),
    verbatim=("packages", "services", "sysctl", "files", "runtimes"),
)


class HostsOptions(Options):
    """The options of `collector: hosts`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    path: str | None = Field(
        default=None,
        min_length=1,
        description="Glob of fact files (`facts/staging/*.json`), from the configuration's folder",
    )
    urls: tuple[SecretStr, ...] = Field(default=(), description="Addresses that answer with one fact file each")
    headers: Mapping[str, SecretStr] = Field(default_factory=dict, description="Request headers, as for authorization")
    ca_file: Path | None = Field(default=None, description="PEM file of the authority that signed the certificates")
    timeout: float = Field(default=10.0, gt=0, le=120, description="Seconds for one whole answer")
    max_age: str = Field(
        default="26h",
        description="How old facts may be (`90m`, `26h`, `3d`); older ones are a gap",
    )
    max_bytes: int = Field(default=8_388_608, ge=1, le=67_108_864, description="Largest fact file that is read")

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if self.path is None and not self.urls:
            raise ValueError("set path, urls or both")
        return self

    @field_validator("urls")
    @classmethod
    def _are_web_addresses(cls, urls: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not all(re.match(r"https?://[^/\s]", url.get_secret_value(), re.IGNORECASE) for url in urls):
            raise ValueError("each must begin with http:// or https:// and a host")
        return urls

    @field_validator("max_age")
    @classmethod
    def _is_an_age(cls, age: str) -> str:
        if _AGE.fullmatch(age) is None:
            raise ValueError("must be a number of minutes, hours or days: 90m, 26h, 3d")
        return age

    @property
    def oldest(self) -> float:
        """`max_age` in seconds."""
        found = _AGE.fullmatch(self.max_age)
        return int(found[1]) * _SECONDS[found[2]] if found else 0.0

    def expected_listings(self) -> int:
        return 1


class HostsCollector:
    name = "hosts"
    about = "Machines outside any API, by the fact files that they write"
    kinds = (KIND,)
    options = HostsOptions
    permissions = ("GET on each configured URL, or reading the fact files",)

    def label(self, options: HostsOptions) -> str:
        where = [options.path] if options.path else []
        return f"hosts:{','.join([*where, *(_shown(url) for url in options.urls)])[:200]}"

    def plan(self, options: HostsOptions, context: Context) -> Iterable[Task]:
        source = self.label(options)
        yield Task(source, (KIND.name,), partial(_read, options, context, source), label="machines")


COLLECTOR = HostsCollector()


def _shown(url: SecretStr) -> str:
    """An address without user, password, query and fragment."""
    parts = urlsplit(url.get_secret_value())
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _read(options: HostsOptions, context: Context, source: str) -> Iterator[Resource | Gap]:
    """A resource for each role that some machine told of in time, a gap for each machine that did not."""
    machines: dict[tuple[str, str], tuple[Facts, str]] = {}
    for place, found in (*_from_files(options, context), *_from_urls(options, context)):
        if isinstance(found, CollectError):
            # Which role it has is not known, so it may be any.
            yield Gap(context.environment, source, KIND.name, found.reason, f"{place}: {found.detail}", location=place)
            continue
        known = machines.get((found.role, found.hostname))
        if known is None or known[0].collected_at < found.collected_at:
            machines[found.role, found.hostname] = found, place
    roles: dict[str, list[tuple[Facts, str]]] = defaultdict(list)
    silent: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for (role, _), (facts, place) in sorted(machines.items()):
        problem = age_problem(facts, context.now, options.oldest)
        if problem is None:
            roles[role].append((facts, place))
        else:
            silent[role].append((problem, place))
    for role, problems in silent.items():
        for problem, place in problems:
            # Of a role that others told of, only how many machines it has is unknown.
            unknown = "machines" if role in roles else None
            reason = GapReason.UNREACHABLE
            yield Gap(
                context.environment,
                source,
                KIND.name,
                reason,
                problem,
                resource=role,
                attribute=unknown,
                location=place,
            )
    for role, told in roles.items():
        role_facts = merged([facts for facts, _ in told], context)
        for attribute in role_facts.unread:
            detail = f"some machine of role {role} could not read its {attribute}: run parity-facts as root"
            yield Gap(
                context.environment,
                source,
                KIND.name,
                GapReason.ACCESS_DENIED,
                detail,
                resource=role,
                attribute=attribute,
            )
        yield Resource(KIND.name, role, role_facts.attributes, component=role, location=told[0][1])


_Found = tuple[str, Facts | CollectError]


def _from_files(options: HostsOptions, context: Context) -> list[_Found]:
    """Every file that the glob finds. Raises CollectError where it finds none: that machines are gone is not said by silence."""
    if options.path is None:
        return []
    pattern = Path(options.path)
    root = Path(pattern.anchor) if pattern.is_absolute() else context.folder
    paths = sorted(path for path in root.glob(str(pattern.relative_to(pattern.anchor))) if path.is_file())
    if not paths:
        raise CollectError(GapReason.UNREACHABLE, f"no file is found at {options.path}: no machine has told its facts")
    if len(paths) > _MOST:
        raise CollectError(GapReason.TRUNCATED, f"{options.path} finds more than {_MOST} files: split the source")
    return [(_relative(path, context.folder), _file(path, options.max_bytes)) for path in paths]


def _relative(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _file(path: Path, most: int) -> Facts | CollectError:
    try:
        with path.open("rb") as stream:
            text = stream.read(most + 1)
        if len(text) > most:
            return CollectError(GapReason.TRUNCATED, f"larger than {most} bytes")
        return facts_of(text)
    except PermissionError:
        return CollectError(GapReason.ACCESS_DENIED, "may not be read")
    except OSError as error:
        return CollectError(GapReason.UNREACHABLE, f"cannot be read: {error.strerror}")
    except CollectError as error:
        return error


def _from_urls(options: HostsOptions, context: Context) -> list[_Found]:
    if not options.urls:
        return []
    site = Site(
        api="hosts",
        headers={name: value.get_secret_value() for name, value in options.headers.items()},
        timeout=options.timeout,
        max_bytes=options.max_bytes,
        trust=trust(options.ca_file, context),
    )

    def fetch(url: SecretStr) -> Facts | CollectError:
        try:
            return facts_of(site.get(context, url.get_secret_value()).body)
        except CollectError as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hosts") as pool:
        return list(zip(map(_shown, options.urls), pool.map(fetch, options.urls), strict=True))
