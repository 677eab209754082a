"""AWS IAM policies of read actions, none larger than IAM takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

# Characters of a managed policy without white space, and of all inline policies of a role.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LARGEST = 6144
INLINE = 10_240
_SID = "ParityAuditorReads"


def policies(actions: Iterable[str], others: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """As few policies as hold these actions, each small enough for a managed policy; a service is never split.

    `others` are statements of their own: all in the last policy, or in one of theirs where they do not fit."""
    found: list[list[str]] = []
    for _, group in groupby(sorted(set(actions)), key=lambda action: action.partition(":")[0]):
        service = list(group)
        if found and size(_policy([*found[-1], *service])) <= LARGEST:
            found[-1] += service
        else:
            found.append(service)
    made = [_policy(each) for each in found]
    if others and made and size({**made[-1], "Statement": [*made[-1]["Statement"], *others]}) <= LARGEST:
        made[-1]["Statement"] += others
    elif others:
        made.append({"Version": "2012-10-17", "Statement": list(others)})
    return made


def size(policy: Mapping[str, Any]) -> int:
    """The characters that IAM counts."""
    return len(json.dumps(policy, separators=(",", ":")))


def note(made: Sequence[Mapping[str, Any]]) -> str | None:
    """How to attach them, where there are several."""
    if len(made) < 2:
        return None
    whole = sum(map(size, made))
    inline = f"; as inline policies of one role, which hold {INLINE:,}, they fit, too" if whole <= INLINE else ""
    return (
        f"A managed policy holds {LARGEST:,} characters, so these are {len(made)}, in one list: "
        f"create each and attach all of them{inline}."
    )


def _policy(actions: Sequence[str]) -> dict[str, Any]:
    statement = {"Sid": _SID, "Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}
