"""What a registry says is behind the tags that run -> images with their digests. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from auditor.model import Json, Resource

REGISTRIES = frozenset({"aws.ecr.image"})
"""Kinds that say by tag (`images`) which digest a `repository` has for it."""
Digests: TypeAlias = Mapping[str, str]


def digests(resources: Iterable[Resource]) -> Digests:
    """Image by tag -> its digest: `registry/acme/api:1.4.2` -> `sha256:0f3a…`. A tag that is gone has none."""
    found: dict[str, str] = {}
    for resource in resources:
        if resource.kind not in REGISTRIES:
            continue
        repository, images = resource.attributes.get("repository"), resource.attributes.get("images")
        for tag, image in images.items() if isinstance(images, dict) else ():
            digest = image.get("digest") if isinstance(image, dict) else None
            if isinstance(digest, str):
                found[f"{repository}:{tag}"] = digest
                if tag == "latest":
                    found[str(repository)] = digest
    return found


def pinned(attributes: Mapping[str, Json], known: Digests) -> Mapping[str, Json]:
    """The same attributes with every image whose digest is known written with it: `acme/api:1.4.2@sha256:0f3a…`."""
    return {key: _pinned(value, known) for key, value in attributes.items()} if known else attributes


def _pinned(value: Any, known: Digests) -> Any:
    if isinstance(value, str):
        return f"{value}@{known[value]}" if value in known else value
    if isinstance(value, list):
        return [_pinned(item, known) for item in value]
    return {key: _pinned(item, known) for key, item in value.items()} if isinstance(value, dict) else value
