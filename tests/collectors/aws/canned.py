"""Reads a kind from answers that are written down, by operation. What is not written down is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.collectors.aws.all_kinds import KINDS, source
from tests.collectors.aws.answering import read_by
from tests.collectors.aws.generated import STAGING
from tests.collectors.aws.reading import Seen
from tests.collectors.aws.recordings import Refusal

NOT_WRITTEN = Refusal("UnknownOperationException", 404)


def canned(kind: str, answers: Mapping[str, Any]) -> Seen:
    """Everything that reading `kind` gives. An answer is what boto3 returns, a `Refusal`, or a function of the parameters."""

    def answering(model: Any, asked: Mapping[str, Any]) -> Any:
        answer = answers.get(model.name, NOT_WRITTEN)
        return answer(asked) if callable(answer) else answer

    return read_by(source(), KINDS[kind], STAGING, answering)


def told(kind: str, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of the one resource of `kind`, read without a gap."""
    seen = canned(kind, answers)
    assert (seen.gaps, seen.failed) == ((), None)
    (resource,) = seen.resources
    return dict(resource.attributes)
