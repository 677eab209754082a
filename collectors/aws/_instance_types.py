"""The instance types in use, as numbers: so that `m5.large` and `m6g.large` compare by what they have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.model import Json
from collectors.aws.base import Document, pick

if TYPE_CHECKING:
    from collectors.aws._reader import Reader


def types_in_use(reader: Reader) -> Iterator[Document]:
    """What DescribeInstanceTypes says of every type that an instance or a launch template names."""
    instances = reader.items("DescribeInstances", "Reservations[].Instances")
    used = {each["InstanceType"] for each in instances if pick(each, "State.Name") != "terminated"}
    versions = reader.items("DescribeLaunchTemplateVersions", "LaunchTemplateVersions", Versions=["$Default"])
    used |= {pick(version, "LaunchTemplateData.InstanceType") for version in versions} - {None}
    yield from reader.batches("DescribeInstanceTypes", "InstanceTypes", "InstanceTypes", sorted(used))


def as_numbers(attributes: dict[str, Json]) -> dict[str, Json]:
    """The few facts that sizes are compared by. `memory_mib` is in MiB, `network` in AWS's words."""
    name = attributes["instance_type"]
    processor = attributes.get("processor_info") or {}
    return {
        "vcpu": attributes["v_cpu_info"]["default_v_cpus"],
        "memory_mib": attributes["memory_info"]["size_in_mi_b"],
        "architectures": sorted(processor.get("supported_architectures") or ()),
        "family": name.split(".")[0],
        "size": name.split(".", 1)[-1],
        "current_generation": attributes.get("current_generation"),
        "burstable": attributes.get("burstable_performance_supported"),
        "network": (attributes.get("network_info") or {}).get("network_performance"),
    }
