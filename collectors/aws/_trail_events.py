"""What CloudTrail's records say: who did what, how, and whether it may have made a given change. Pure.

The fields are those of CloudTrail's record contents and its userIdentity element:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auditor.model import ABSENT, Absent, Author, Json

_SHOWN = 200
# Some services put the version of their API behind the name: `UpdateFunctionConfiguration20150331v2`.
_VERSION = re.compile(r"(?<=[a-z])\d{4}_?\d{2}_?\d{2}(v\d+)?\Z")
# IAM Identity Center's role of a permission set: `AWSReservedSSO_Admin_0123456789abcdef`.
_SSO_ROLE = re.compile(r"\AAWSReservedSSO_(?P<set>.+)_[0-9a-f]{16}\Z")
_CONSOLE = re.compile(r"\A(console(\.[\w-]+)*\.amazonaws\.com|signin\.amazonaws\.com)\Z|Console/")
# Writes that change nothing of how a thing is set up, unless they name the very value.
_HOUSEKEEPING = re.compile(
    r"\A(Reboot|Add\w*Tag|Remove\w*Tag|Create\w*Tag|Delete\w*Tag|Tag|Untag|List|Describe|Get|"
    r"(Create|Copy|Delete)\w*Snapshot|CreateImage|UpdateInstanceInformation|PutInventory|SubmitTaskStateChange)"
)
_MAKES = re.compile(r"\A(Create|Run|Put|Register|Restore|Import|Copy|Allocate|Add|Attach|Authorize|Publish)")
_ENDS = re.compile(r"\A(Delete|Terminate|Remove|Deregister|Detach|Release|Revoke|Disassociate)")
_SHORTEST_TELLING = 3
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Record:
    """One successful write. `said` are the scalars of its request, `answered` those of its answer, as text."""

    source: str
    name: str
    author: Author
    at: datetime
    said: frozenset[str]
    answered: frozenset[str]

    def mentions(self, names: Iterable[str]) -> bool:
        """Whether it is about something with one of these names (or whose ARN ends in one of them)."""
        found = {text.lower() for text in self.said | self.answered}
        ends = {text.rpartition("/")[2] for text in found if text.startswith("arn:")}
        ends |= {text.rpartition(":")[2] for text in found if text.startswith("arn:")}
        return any(name.lower() in found or name.lower() in ends for name in names)


def record_of(event: Mapping[str, Any]) -> Record | None:
    """One of LookupEvents' events; None for a read or for what was refused. Raises ValueError,
    TypeError or KeyError for what is no record."""
    record = json.loads(event["CloudTrailEvent"])
    if not isinstance(record, dict) or not isinstance(record.get("userIdentity", {}), dict):
        raise TypeError("no record of CloudTrail's")
    read_only = record.get("readOnly", str(event.get("ReadOnly", "")).lower() == "true")
    if read_only is True or str(read_only).lower() == "true" or record.get("errorCode"):
        return None
    source, name = str(record["eventSource"]), _VERSION.sub("", str(record["eventName"]))
    at = datetime.fromisoformat(str(record["eventTime"]))
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    author = Author(
        principal=_shown(_principal(record)) or "somebody whom the record does not name",
        event=_shown(f"{source.partition('.')[0]}:{name}"),
        at=at.astimezone(UTC),
        through=_shown(_through(record)) or None,
        event_id=_shown(str(record.get("eventID") or event.get("EventId") or "")) or None,
    )
    said = frozenset(_scalars(record.get("requestParameters")))
    answered = frozenset(_scalars(record.get("responseElements")))
    return Record(source, name, author, at.astimezone(UTC), said, answered)


def likeliest(
    records: Iterable[Record], old: Json | Absent, new: Json | Absent, since: datetime, until: datetime
) -> Record | None:
    """The record that most probably made `old` into `new`: one that names the new value, else the newest in the window.

    A change may be asked for long before it shows (a maintenance window), so what names the value counts from before
    `since`, too; nothing else does."""
    wanted = telling(old, new)
    verb = _MAKES if old is ABSENT else _ENDS if new is ABSENT else None
    best: tuple[tuple[bool, bool, bool, datetime, str], Record] | None = None
    for record in records:
        names_it = not wanted.isdisjoint(text.lower() for text in record.said)
        inside = since <= record.at
        if record.at > until or not (names_it or (inside and not _HOUSEKEEPING.match(record.name))):
            continue
        fits = verb is not None and verb.match(record.name) is not None
        rank = (names_it, inside, fits, record.at, record.author.event_id or "")
        if best is None or rank > best[0]:
            best = rank, record
    return best[1] if best else None


def telling(old: Json | Absent, new: Json | Absent) -> set[str]:
    """The scalars of the new value that the old one does not have, and that no request names by chance; lower case."""
    if new is ABSENT:
        return set()
    before = set() if old is ABSENT else {text.lower() for text in _scalars(old)}
    found = {text.lower() for text in _scalars(new)} - before
    return {text for text in found if len(text) >= _SHORTEST_TELLING and text not in ("true", "false", "null", "none")}


def _scalars(value: Any, depth: int = 0) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    match value:
        case Mapping():
            for item in value.values():
                yield from _scalars(item, depth + 1)
        case list() | tuple():
            for item in value:
                yield from _scalars(item, depth + 1)
        case bool():
            yield str(value).lower()
        case str() | int() | float():
            yield str(value)


def _principal(record: Mapping[str, Any]) -> str:
    identity: Mapping[str, Any] = record.get("userIdentity") or {}
    arn = str(identity.get("arn") or "")
    match identity.get("type"):
        case "AssumedRole":
            return _on_behalf(identity, _session(arn))
        case "Root":
            return "root"
        case "FederatedUser":
            return _on_behalf(identity, arn.rpartition("/")[2] or _text(identity, "userName", "principalId"))
        case "AWSService":
            return _text(identity, "invokedBy") or _text(record, "sourceIPAddress")
        case "AWSAccount":
            return f"account {_text(identity, 'accountId', 'principalId')}"
    name = _text(identity, "userName")
    return name or arn.rpartition("/")[2] or _text(identity, "invokedBy", "principalId", "type")


def _session(arn: str) -> str:
    """`role/session` of `arn:aws:sts::111122223333:assumed-role/role/session`."""
    role, _, session = arn.partition(":assumed-role/")[2].rpartition("/")
    found = _SSO_ROLE.match(role)
    return "/".join(part for part in (found["set"] if found else role, session) if part)


def _on_behalf(identity: Mapping[str, Any], session: str) -> str:
    """With the person that the role was assumed for, where whoever assumed it had to say so."""
    context = identity.get("sessionContext")
    person = _text(context, "sourceIdentity") if isinstance(context, Mapping) else ""
    return f"{person} as {session}" if person and person not in session else session


def _through(record: Mapping[str, Any]) -> str:
    """Empty where the principal is a service that acted by itself."""
    identity: Mapping[str, Any] = record.get("userIdentity") or {}
    if identity.get("type") == "AWSService":
        return ""
    address, agent = _text(record, "sourceIPAddress"), _text(record, "userAgent").strip("[]")
    for name in (_text(identity, "invokedBy"), address):
        # The console's own front ends are named like services, too.
        if name.endswith(".amazonaws.com") and not _CONSOLE.search(name):
            return name.removesuffix(".amazonaws.com")
    if _text(record, "sessionCredentialFromConsole").lower() == "true" or _CONSOLE.search(agent):
        return "console"
    if _CONSOLE.search(_text(identity, "invokedBy")):
        return "console"
    return "api"


def _text(of: Mapping[str, Any], *keys: str) -> str:
    return next((str(of[key]) for key in keys if of.get(key)), "")


def _shown(text: str) -> str:
    """Names are chosen by whoever assumed the role: no control characters, and no novels."""
    return "".join(letter for letter in text if letter.isprintable())[:_SHOWN]
