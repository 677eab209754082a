"""What a thread works on, for whoever writes its log lines. Bound where it becomes known; knows no logger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_AUDIT: ContextVar[str | None] = ContextVar("audit_id", default=None)


@contextmanager
def auditing(audit_id: str) -> Iterator[None]:
    """Everything in this block, and in what it calls, belongs to the audit."""
    token = _AUDIT.set(audit_id)
    try:
        yield
    finally:
        _AUDIT.reset(token)


def audit_id() -> str | None:
    """The audit that this thread is at, None outside of one."""
    return _AUDIT.get()
