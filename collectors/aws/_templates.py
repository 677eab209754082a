"""Launch templates: what the default version says, and the latest where it is another."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.model import Json
from collectors.aws._images import image_names
from collectors.aws.base import Document, pick, tags_of

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_VERSIONS = "LaunchTemplateVersions"
_DATA = f"{_VERSIONS}[].LaunchTemplateData"


def templates(reader: Reader) -> Iterator[Document]:
    """One document per template, in attribute form: `data` of the default version, `latest` of a newer one if any."""
    tags = {
        each["LaunchTemplateId"]: each.get("Tags")
        for each in reader.items("DescribeLaunchTemplates", "LaunchTemplates")
    }
    versions: dict[str, list[Document]] = defaultdict(list)
    for version in reader.items("DescribeLaunchTemplateVersions", _VERSIONS, Versions=["$Default", "$Latest"]):
        versions[version["LaunchTemplateId"]].append(version)
    for template in versions:
        yield {"Tags": tags.get(template), **described(reader, versions[template])}


def described(reader: Reader, versions: list[Document]) -> dict[str, Any]:
    """The template whose default and latest versions these are."""
    latest = max(versions, key=lambda version: int(version["VersionNumber"]))
    default = next((version for version in versions if version.get("DefaultVersion")), latest)
    data = reader.spelled(default["LaunchTemplateData"], "DescribeLaunchTemplateVersions", _DATA)
    found = {"name": default["LaunchTemplateName"], "id": default["LaunchTemplateId"], "data": data}
    if latest["VersionNumber"] != default["VersionNumber"]:
        found["latest"] = reader.spelled(latest["LaunchTemplateData"], "DescribeLaunchTemplateVersions", _DATA)
    return found


def has_image(part: str) -> Any:
    """Whether that part of a template names an AMI by its id (`resolve:ssm:...` says by itself what it is)."""
    return lambda template: str(pick(template, f"{part}.image_id") or "").startswith("ami-")


def image_of(part: str) -> Any:
    """Reads the name of the AMI that a part of a template names."""
    return lambda reader, template: image_names(reader, [pick(template, f"{part}.image_id")])[0]


def tidy(attributes: dict[str, Json]) -> dict[str, Json]:
    """Image ids go (their names are attributes of their own), tags become maps, user data becomes the text it is."""
    for part in ("data", "latest"):
        data = attributes.get(part)
        if data is None:
            continue
        if str(data.get("image_id", "")).startswith("ami-"):
            del data["image_id"]
        if "user_data" in data:
            data["user_data"] = _text(data["user_data"])
        for specification in data.get("tag_specifications") or ():
            specification["tags"] = tags_of(specification.get("tags"))
    return attributes


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return encoded  # compressed, or text already
