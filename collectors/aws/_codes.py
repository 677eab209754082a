"""What an error of AWS's says of itself, without a client library: kinds are declared in every process, and read in few."""

from __future__ import annotations

from collections.abc import Mapping

from auditor.errors import CollectError


class NotOfferedError(CollectError):
    """Nothing of this service can be in the account and region that were asked."""


def code_of(error: BaseException) -> str:
    """The error code that the API answered with; empty where it answered none."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, Mapping) else ""
