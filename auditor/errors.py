"""What can go wrong, as types. Vendor errors are raised as one of these, at the adapter, with `from`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    from auditor.model import GapReason


class AuditorError(Exception):
    """Base of every error that the auditor raises on purpose. Its text is fit for a person."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one input, and how to mend it.

    `line` and `column` count from 1; None where the input has no lines (an environment variable, say).
    """

    file: str
    line: int | None
    column: int | None
    key: str
    message: str
    remedy: str = ""

    @property
    def place(self) -> str:
        """Where it is, such as `auditor.yaml:42:12`."""
        if self.line is None:
            return self.file
        return f"{self.file}:{self.line}" if self.column is None else f"{self.file}:{self.line}:{self.column}"

    def __str__(self) -> str:
        text = f"{self.place}: {self.key}: {self.message}" if self.key else f"{self.place}: {self.message}"
        return f"{text}\n    {self.remedy}" if self.remedy else text


class ConfigError(AuditorError):
    """A configuration, policy or waiver file (or a command-line value) is wrong. Carries every problem found, not the first."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


class CollectError(AuditorError):
    """A source, or a part of it, could not be observed. `collect.py` turns it into a gap.

    `resource` names the one resource concerned and `attribute` the top-level attribute of it, when the rest was read.
    """

    def __init__(
        self, reason: GapReason, detail: str, *, resource: str | None = None, attribute: str | None = None
    ) -> None:
        self.reason = reason
        self.detail = detail
        self.resource = resource
        self.attribute = attribute
        super().__init__(f"{reason.value}: {detail}")


class CollectCancelled(AuditorError):
    """The collection was called off before it was done; what it had read until then is dropped."""

    def __init__(self) -> None:
        super().__init__("the collection was cancelled; start it again")


class CompareError(AuditorError):
    """A comparison could not be completed, so its result must not be read as parity."""


class StoreError(AuditorError):
    """The store could not be read or written; nothing that was stored before is affected."""


class PublishError(AuditorError):
    """A publisher's far side refused or could not be reached.

    permanent    sending it again cannot help, so it is not tried
    retry_after  how long the far side wants to be left alone; None where it did not say
    doubt        the far side may have accepted it nevertheless: it is asked before the notice is sent again
    """

    def __init__(
        self, message: str, *, permanent: bool, retry_after: timedelta | None = None, doubt: bool = False
    ) -> None:
        self.permanent = permanent
        self.retry_after = retry_after
        self.doubt = doubt
        super().__init__(message)
