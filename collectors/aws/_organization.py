"""The accounts of an AWS organization: found by organizational unit and tag, each read with one role of the same name.

Permissions of whoever asks: `organizations:ListAccounts`, `ListAccountsForParent`, `ListOrganizationalUnitsForParent`,
`ListTagsForResource`, and `sts:AssumeRole` on the role. What the role itself needs is what the kinds declare.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import GapReason
from collectors.aws._access import Sessions
from collectors.aws._errors import EXPECTED, translate
from collectors.aws._limits import Deadline, bucket
from collectors.aws._options import AwsOptions, Organization
from collectors.aws._session import Source

_SERVICE = "organizations"
# The API allows few requests a second for a whole organization.
_PER_SECOND = 5.0
_TOKENS = 1_000


@dataclass(frozen=True, slots=True)
class Account:
    """An account that is to be read. `unknown` is why it could not be told whether it is one of the wanted."""

    id: str
    name: str
    partition: str = "aws"
    unknown: CollectError | None = None


@dataclass(slots=True)
class Member:
    """One account of the organization as a source. The role is assumed once, by the first that asks; a refusal is the
    same for all that ask after it."""

    account: Account
    options: AwsOptions
    within: Source
    context: Context
    sessions: Sessions | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _source: Source | None = None
    _refused: CollectError | None = None

    def source(self) -> Source:
        """The account's clients. Raises CollectError when the role cannot be assumed."""
        with self._lock:
            if self._refused is not None:
                raise self._refused
            if self._source is None:
                try:
                    self._source = self._opened()
                except CollectError as error:
                    self._refused = error
                    raise
            return self._source

    def _opened(self) -> Source:
        if self.account.unknown is not None:
            raise self.account.unknown
        options = member_options(self.options, self.account)
        source = Source(options, self.context.meter, within=self.within, sessions=self.sessions)
        source.account()
        return source


def member_options(options: AwsOptions, account: Account) -> AwsOptions:
    """The options of a source that reads one account of the organization by its role."""
    wanted = options.organization
    if wanted is None:
        raise AssertionError("only a source with `organization` has accounts of one")
    role = f"arn:{account.partition}:iam::{account.id}:role/{wanted.role}"
    changed = {"role_arn": role, "external_id": wanted.external_id, "organization": None}
    return options.model_copy(update=changed)


def accounts(source: Source, wanted: Organization, context: Context) -> list[Account]:
    """The active accounts that are wanted, by id. Raises CollectError when they cannot be listed, or are none."""
    asked = _Asked(source, context)
    found = {each.id: each for each in _listed(asked, wanted)}
    chosen = [each for each in found.values() if not {each.id, each.name} & set(wanted.exclude)]
    tagged = [each for each in (_by_tags(asked, account, wanted) for account in chosen) if each is not None]
    if not tagged:
        raise CollectError(
            GapReason.UNSUPPORTED,
            "organizations: no active account is below accounts_in and carries the tags: look at organization",
        )
    return sorted(tagged, key=lambda account: account.id)


def _listed(asked: _Asked, wanted: Organization) -> Iterator[Account]:
    if not wanted.accounts_in:
        yield from _active(asked.items("ListAccounts", "Accounts"))
        return
    parents, seen = list(wanted.accounts_in), set[str]()
    while parents:
        parent = parents.pop()
        if parent in seen:
            continue
        seen.add(parent)
        yield from _active(asked.items("ListAccountsForParent", "Accounts", ParentId=parent))
        below = asked.items("ListOrganizationalUnitsForParent", "OrganizationalUnits", ParentId=parent)
        parents += [unit["Id"] for unit in below]


def _active(listed: Iterator[dict[str, Any]]) -> Iterator[Account]:
    for each in listed:
        # Suspended and closing accounts refuse everybody.
        if each.get("State", each.get("Status", "ACTIVE")) == "ACTIVE":
            yield Account(each["Id"], each.get("Name", ""), str(each.get("Arn", "arn:aws")).split(":")[1])


def _by_tags(asked: _Asked, account: Account, wanted: Organization) -> Account | None:
    if not wanted.tags:
        return account
    try:
        tags = {tag["Key"]: tag["Value"] for tag in asked.items("ListTagsForResource", "Tags", ResourceId=account.id)}
    except CollectError as error:
        return Account(account.id, account.name, account.partition, unknown=error)
    return account if wanted.tags.items() <= tags.items() else None


class _Asked:
    """Asks Organizations, every page, within the time that planning has."""

    def __init__(self, source: Source, context: Context) -> None:
        self._source = source
        self._deadline = Deadline(context)
        self._bucket = bucket(context.shared, "organization", source.regions[0], _SERVICE, _PER_SECOND)

    def items(self, operation: str, result: str, **arguments: str) -> Iterator[dict[str, Any]]:
        """Every item of every page. Raises CollectError when a page cannot be had."""
        region = self._source.regions[0]
        client = self._source.client(_SERVICE, region)
        for _ in range(_TOKENS):
            self._deadline.wait(self._bucket.reserve(), f"{_SERVICE}:{operation}")
            try:
                with self._source.asking(self._bucket):
                    page = getattr(client, xform_name(operation))(**arguments)
                yield from page[result]
            except EXPECTED as error:
                raise translate(error, _SERVICE, operation, region, known=True) from error
            if not page.get("NextToken"):
                return
            arguments = {**arguments, "NextToken": page["NextToken"]}
        raise CollectError(GapReason.TRUNCATED, f"{_SERVICE}:{operation}: the listing does not come to an end")
