"""The names of machine images: an AMI id differs per account and region, its name says what it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from auditor.errors import CollectError
from auditor.model import GapReason

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_FILTER_VALUES = 200  # what DescribeImages takes in one filter


def image_names(reader: Reader, image_ids: Iterable[str]) -> list[str]:
    """Sorted distinct names of these images. Raises CollectError when one of them cannot be described any more."""
    wanted = sorted(set(image_ids))
    names: dict[str, str] = {}
    for start in range(0, len(wanted), _FILTER_VALUES):
        # A filter passes over what is gone, where asking by id would refuse the whole request.
        ids = {"Name": "image-id", "Values": wanted[start : start + _FILTER_VALUES]}
        for image in reader.items("DescribeImages", "Images", Filters=[ids], IncludeDeprecated=True):
            names[image["ImageId"]] = image.get("Name") or image.get("ImageLocation") or image["ImageId"]
    lost = [each for each in wanted if each not in names]
    if lost:
        raise CollectError(
            GapReason.UNSUPPORTED,
            f"ec2:DescribeImages in {reader.region}: {', '.join(lost)} cannot be described: deregistered, or not shared "
            "with this account any more",
        )
    return sorted(set(names.values()))
