"""Helm releases, from the Secrets that Helm keeps them in: https://helm.sh/docs/topics/kubernetes_apis/ and `helm get`.

The metadata of all revisions is listed, and the latest of each release is fetched whole.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from auditor.errors import CollectError
from auditor.model import GapReason, Json, Resource
from collectors.kubernetes._catalogue import HELM_RELEASE

SELECTOR = "owner=helm"
_GZIP = b"\x1f\x8b"
_MOST_BYTES = 67_108_864


def latest(listed: Iterable[Mapping[str, Json]]) -> Iterator[tuple[str, str, str]]:
    """Namespace, release and name of the Secret that holds the latest revision of each release."""
    newest: dict[tuple[str, str], tuple[int, str]] = {}
    for item in listed:
        metadata = _map(item.get("metadata"))
        labels = _map(metadata.get("labels"))
        revision = str(labels.get("version", ""))
        if labels.get("owner") != "helm" or not revision.isdigit():
            continue
        place = str(metadata.get("namespace", "")), str(labels.get("name", ""))
        newest[place] = max(newest.get(place, (0, "")), (int(revision), str(metadata.get("name", ""))))
    for (namespace, release), (_, secret) in sorted(newest.items()):
        yield namespace, release, secret


def release(namespace: str, secret: Mapping[str, Json], source: str) -> Resource:
    """A release as its Secret tells it. Raises CollectError where that is none."""
    body = _decoded(_map(secret.get("data")).get("release"))
    info, chart = _map(body.get("info")), _map(body.get("chart"))
    metadata = _map(chart.get("metadata"))
    name = str(body.get("name"))
    attributes: dict[str, Json] = {
        "chart": metadata.get("name"),
        "chart_version": metadata.get("version"),
        "app_version": metadata.get("appVersion"),
        "status": info.get("status"),
        "revision": body.get("version"),
        "deployed_at": info.get("last_deployed"),
        "values": dict(_map(body.get("config"))),
    }
    return Resource(
        HELM_RELEASE,
        name,
        {key: value for key, value in attributes.items() if value is not None},
        source=source,
        parent=namespace or None,
        component=name,
        location=f"helm -n {namespace} get all {name}",
    )


def _decoded(value: Json) -> Mapping[str, Any]:
    """base64 of the API, base64 of Helm, then gzip around JSON; releases of early versions are not packed."""
    try:
        packed = base64.b64decode(base64.b64decode(str(value), validate=True), validate=True)
        if packed.startswith(_GZIP):
            unpacking = zlib.decompressobj(wbits=31)
            packed = unpacking.decompress(packed, _MOST_BYTES)
            if unpacking.unconsumed_tail:
                raise CollectError(GapReason.TRUNCATED, f"the release is larger than {_MOST_BYTES} bytes")
        body = json.loads(packed)
    except (binascii.Error, zlib.error, ValueError, RecursionError) as error:
        raise CollectError(GapReason.MALFORMED, "the Secret holds no release of Helm 3") from error
    if not isinstance(body, dict) or not isinstance(body.get("name"), str):
        raise CollectError(GapReason.MALFORMED, "the Secret holds no release of Helm 3")
    return body


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
