"""The names of machine images: an AMI id differs per account and region, its name says what it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

GONE = "deregistered"
_FILTER_VALUES = 200  # what DescribeImages takes in one filter


def image_names(reader: Reader, image_ids: Iterable[str]) -> list[str]:
    """Sorted distinct names of these images; `GONE` for what was deregistered, or is not shared with the account any more.

    That is an answer, not a gap: it would stay one until the last instance is replaced, and an instance whose image is
    gone is worth comparing with one whose image is not.
    """
    wanted = set(image_ids)
    known: dict[str, str] = reader.known("ec2:image-names")
    unknown = sorted(wanted - known.keys())
    for start in range(0, len(unknown), _FILTER_VALUES):
        asked = unknown[start : start + _FILTER_VALUES]
        # A filter passes over what is gone, where asking by id would refuse the whole request.
        ids = {"Name": "image-id", "Values": asked}
        found = {
            image["ImageId"]: image.get("Name") or image.get("ImageLocation") or image["ImageId"]
            for image in reader.items("DescribeImages", "Images", Filters=[ids], IncludeDeprecated=True)
        }
        known.update({each: found.get(each, GONE) for each in asked})
    return sorted({known[each] for each in wanted})
