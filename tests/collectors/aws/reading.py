"""Reads kinds through the whole collector, from options to resources, as the product does."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
from moto.server import ThreadedMotoServer

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.globs import path_glob
from auditor.model import Gap, Resource
from collectors.aws import AwsCollector, AwsOptions
from collectors.aws._registry import services
from collectors.aws.base import AwsKind

REGION = "eu-west-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@dataclass(frozen=True)
class Seen:
    """What reading one kind gave. `failed` is why the listing as a whole could not be read."""

    resources: tuple[Resource, ...]
    gaps: tuple[Gap, ...]
    failed: CollectError | None = None

    def named(self, identity: str) -> Resource:
        return next(resource for resource in self.resources if resource.identity == identity)

    @property
    def identities(self) -> list[str]:
        return [resource.identity for resource in self.resources]


def read(kind: str, endpoint_url: str, **options: Any) -> Seen:
    """Everything that the task of one kind yields against the server at `endpoint_url`."""
    chosen = AwsOptions(
        regions=(REGION,),
        endpoint_url=endpoint_url,
        services=(next(name for name, kinds in services().items() if any(each.name == kind for each in kinds)),),
        max_attempts=1,
        requests_per_second=1000,
        **options,
    )
    resources: list[Resource] = []
    gaps: list[Gap] = []
    failed = None
    with patch.dict(os.environ, CREDENTIALS):
        tasks = AwsCollector().plan(chosen, Context(environment="staging", folder=Path()))
        task = next(task for task in tasks if task.kinds == (kind,))
        try:
            for found in task.run():
                (gaps if isinstance(found, Gap) else resources).append(found)  # type: ignore[arg-type]
        except CollectError as error:
            failed = error
    return Seen(tuple(resources), tuple(gaps), failed)


def declared(kind: str) -> AwsKind:
    return next(each for kinds in services().values() for each in kinds if each.name == kind)


def client(service: str, endpoint_url: str, keys: Mapping[str, Any] | None = None) -> Any:
    """A client of the tests' own, with `keys` as AssumeRole gives them, or none that matter."""
    keys = keys or {"AccessKeyId": "testing", "SecretAccessKey": "testing"}
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=endpoint_url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys.get("SessionToken"),
    )


@contextmanager
def moto() -> Iterator[str]:
    """A moto server of its own state; gives its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        _reset(url)
        yield url
    finally:
        server.stop()


def emptied() -> None:
    """Forget what any stand-in in this process was told: they all share one state."""
    with moto():
        pass


def _reset(url: str) -> None:
    import urllib.request

    with urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST")):
        pass


def lost(kind: AwsKind, recorded: Mapping[str, Any], resource: Resource, known: tuple[str, ...] = ()) -> list[str]:
    """The leaves of a recorded item that are nowhere in the resource, although nothing declares them as dropped.

    A leaf counts as kept where its value is a value or a key anywhere in the resource. `known` names, dotted in our
    spelling, what the kind's transform replaces by something better.
    """
    from collectors.aws._shapes import shape_at, snake

    model = _operation_model(kind)
    spelled = snake({k: v for k, v in recorded.items() if k != kind.tags}, shape_at(model.output_shape, kind.result))
    kept = {repr(value) for value in _values(resource.attributes)}
    kept |= {repr(value) for value in (resource.identity, resource.location, resource.parent, *resource.refs)}
    declared = [(path_glob(text), text.count(".") + 1) for text in (*kind.drop, *kind.volatile, *known)]
    found = []
    for path, value in _leaves(spelled, ()):
        covered = any(glob.matches(path[:steps]) for glob, steps in declared)
        if not covered and repr(value) not in kept and value not in (None, "", [], {}):
            found.append(f"{'.'.join(path)} = {value!r}")
    return found


def _operation_model(kind: AwsKind) -> Any:
    return client(kind.service, "http://127.0.0.1:1").meta.service_model.operation_model(kind.operation)


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, path if not isinstance(item, dict) else (*path, "*"))
    else:
        yield path, value.isoformat() if isinstance(value, datetime) else value


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from _values(item)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item)
    else:
        yield value
