"""EC2 instances as fleets: cattle have no identity, so those that do one job are one resource, with sets of values."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Json
from collectors.aws._images import image_names
from collectors.aws.base import Document, pick, tags_of

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_GONE = ("terminated", "shutting-down")
# What EKS, Karpenter and Beanstalk call a group; the Auto Scaling groups they make for it have generated names.
_OWNER_TAGS = (
    ("eks:nodegroup-name", "eks:cluster-name"),
    ("karpenter.sh/nodepool", "eks:eks-cluster-name"),
    ("elasticbeanstalk:environment-name", ""),
    ("aws:autoscaling:groupName", ""),
    ("Name", ""),
)
_ROLE_TAGS = ("role", "service", "app", "application", "component")
_NUMBER = re.compile(r"[-_. ]\d{1,3}$")
_FILTER_VALUES = 200
_UNNAMED = "ec2:images-of-fleets"
_OWN_IOPS = ("gp3", "io1", "io2")  # of the others, the size decides


def fleets(reader: Reader) -> Iterator[Document]:
    """One document per fleet. Instances that are gone, or on their way, do not count."""
    # Botocore takes a quarter of a second to load, and whoever only declares kinds comes by here, too.
    from collectors.aws._errors import BROKEN_ANSWER

    groups: dict[str, list[Document]] = defaultdict(list)
    for instance in reader.items("DescribeInstances", "Reservations[].Instances"):
        if pick(instance, "State.Name") not in _GONE:
            groups[fleet_name(instance)].append(instance)
    found = [_fleet(name, groups[name]) for name in sorted(groups)]
    try:
        image_names(reader, [image for fleet in found for image in fleet["image_ids"]])
    except (CollectError, *BROKEN_ANSWER) as error:
        reader.known(_UNNAMED)["why"] = error  # what the fleets lack, not their listing
    yield from found


def fleet_name(instance: Document) -> str:
    """What the instance is one of. `web-1` and `web-2` are both `web`."""
    tags = tags_of(instance.get("Tags"))
    for tag, within in _OWNER_TAGS:
        if tags.get(tag):
            name = tags[tag] if tag != "Name" else _NUMBER.sub("", tags[tag])
            return f"{tags[within]}/{name}" if tags.get(within) else name
    lower = {key.lower(): value for key, value in tags.items() if value}
    role = next((lower[each] for each in _ROLE_TAGS if each in lower), None)
    return role or _profile(instance) or "unnamed"


def ami_names(reader: Reader, fleet: Document) -> Json:
    """Names of the images that the fleet runs, which were asked for with those of all fleets."""
    if (why := reader.known(_UNNAMED).get("why")) is not None:
        raise why
    return image_names(reader, fleet["image_ids"])


def volumes(reader: Reader, fleet: Document) -> Json:
    """The fleet's volumes by device: kinds, sizes in GiB, encryption. What Kubernetes attaches is the pods', not the fleet's."""
    devices: dict[str, str] = fleet["volume_devices"]
    found: dict[str, list[Document]] = defaultdict(list)
    ids = sorted(devices)
    for start in range(0, len(ids), _FILTER_VALUES):
        only = {"Name": "volume-id", "Values": ids[start : start + _FILTER_VALUES]}
        for volume in reader.items("DescribeVolumes", "Volumes", Filters=[only]):
            if not any(key.startswith(("kubernetes.io/created-for", "CSIVolumeName")) for key in _tag_names(volume)):
                found[devices[volume["VolumeId"]]].append(volume)
    return [
        {
            "device": device,
            "types": _distinct(each.get("VolumeType") for each in found[device]),
            "sizes_gib": _distinct(each.get("Size") for each in found[device]),
            "encrypted": _agreed(each.get("Encrypted") for each in found[device]),
            "iops": _distinct(each.get("Iops") for each in found[device] if each.get("VolumeType") in _OWN_IOPS),
            "throughput_mib": _distinct(each.get("Throughput") for each in found[device]),
        }
        for device in sorted(found)
    ]


def _fleet(name: str, instances: list[Document]) -> Document:
    tags = [tags_of(each.get("Tags")).items() for each in instances]
    return {
        "name": name,
        "count": len(instances),
        "instance_types": _distinct(each.get("InstanceType") for each in instances),
        "architectures": _distinct(each.get("Architecture") for each in instances),
        "platforms": _distinct(each.get("PlatformDetails") or each.get("Platform") for each in instances),
        "purchasing": _distinct(each.get("InstanceLifecycle", "on-demand") for each in instances),
        "tenancy": _agreed(pick(each, "Placement.Tenancy") for each in instances),
        "metadata_options": _agreed(_metadata_options(each) for each in instances),
        "monitoring": _agreed(_settled(pick(each, "Monitoring.State")) for each in instances),
        "ebs_optimized": _agreed(each.get("EbsOptimized") for each in instances),
        "source_dest_check": _agreed(each.get("SourceDestCheck") for each in instances),
        "public_addresses": any(each.get("PublicIpAddress") for each in instances),
        "security_groups": _distinct(group for each in instances for group in pick(each, "SecurityGroups[].GroupId")),
        "iam_instance_profile": _agreed(_profile(each) for each in instances),
        "key_name": _agreed(each.get("KeyName") for each in instances),
        "image_ids": _distinct(each.get("ImageId") for each in instances),
        "instance_ids": _distinct(each.get("InstanceId") for each in instances),
        "volume_devices": {volume: device for each in instances for volume, device in _devices(each)},
        "Tags": dict(sorted(set(tags[0]).intersection(*tags))),
    }


def _metadata_options(instance: Document) -> Json:
    options = instance.get("MetadataOptions") or {}
    return {
        "http_endpoint": options.get("HttpEndpoint"),
        "http_tokens": options.get("HttpTokens"),
        "http_put_response_hop_limit": options.get("HttpPutResponseHopLimit"),
        "http_protocol_ipv6": options.get("HttpProtocolIpv6"),
        "instance_metadata_tags": options.get("InstanceMetadataTags"),
    }


def _devices(instance: Document) -> Iterator[tuple[str, str]]:
    for mapping in instance.get("BlockDeviceMappings") or ():
        volume = pick(mapping, "Ebs.VolumeId")
        if volume:
            root = mapping["DeviceName"] == instance.get("RootDeviceName")
            yield volume, "root" if root else mapping["DeviceName"]


def _profile(instance: Document) -> str | None:
    arn = pick(instance, "IamInstanceProfile.Arn")
    return arn.rsplit("/", 1)[-1] if arn else None


def _settled(state: str | None) -> str | None:
    """A setting on its way counts as arrived: `pending` is on, `disabling` is off."""
    return {"pending": "enabled", "disabling": "disabled"}.get(state or "", state)


def _tag_names(document: Document) -> list[str]:
    return list(tags_of(document.get("Tags")))


def _distinct(values: Iterable[Any]) -> list[Any]:
    return sorted({value for value in values if value is not None})


def _agreed(values: Iterable[Json]) -> Json:
    """The one value that all share, or the sorted list of those that there are."""
    spelled = {json.dumps(value, sort_keys=True): value for value in values}
    found = [spelled[key] for key in sorted(spelled)]
    return found[0] if len(found) == 1 else found
