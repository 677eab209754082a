"""Amazon Web Services, read through their APIs. Each module of this folder without a leading underscore is a service.

Permissions: what the kinds declare, all of them reads; nothing is asked of an account that is not declared. Reads one
kind per task, so that what is denied, throttled or hung costs that kind in that region and nothing else.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from auditor.collector import Context, Grant, Inquiry, Task
from auditor.model import Gap, Kind, Resource
from collectors.aws._options import LOOKUP, ORGANIZATION_ACTIONS, AwsOptions
from collectors.aws._registry import services
from collectors.aws._written import partition
from collectors.aws.base import AwsKind

if TYPE_CHECKING:
    from collectors.aws._access import Sessions
    from collectors.aws._session import Source
    from collectors.aws._trail import Trail

__all__ = ["COLLECTOR", "AwsCollector", "AwsOptions"]


class AwsCollector:
    """The collector called `aws`. Its sessions and clients outlive a run."""

    name = "aws"
    about = "Amazon Web Services, through their read-only APIs"
    options = AwsOptions

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: Sessions | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(kind.declared for kinds in services().values() for kind in kinds)

    @property
    def permissions(self) -> tuple[str, ...]:
        return self.permissions_for(AwsOptions())

    def permissions_for(self, options: AwsOptions) -> tuple[str, ...]:
        """IAM actions that the services enabled in `options` need, and asking CloudTrail where that is on; sorted."""
        actions = {action for kind in options.enabled() for action in kind.actions_with(options)}
        return tuple(sorted(actions | {LOOKUP} if options.cloudtrail else actions))

    def statements(self, options: AwsOptions) -> list[dict[str, Any]]:
        """IAM statements besides reading: whoever finds the accounts of an organization lists them and assumes the role
        that reads each. The roles themselves need no more than `permissions_for` says."""
        if options.organization is None:
            return []
        finds = {"Sid": "ParityAuditorFindsAccounts", "Effect": "Allow", "Action": list(ORGANIZATION_ACTIONS)}
        role = f"arn:*:iam::*:role/{options.organization.role}"
        assumes = {"Sid": "ParityAuditorAssumesRoles", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
        return [{**finds, "Resource": "*"}, assumes]

    def label(self, options: AwsOptions) -> str:
        if options.organization is not None:
            return f"aws:organization/{options.organization.role}"
        if options.role_arn is not None:
            account, _, role = options.role_arn.split(":", 4)[4].partition(":role/")
            return f"aws:{account}/{role}"
        return f"aws:{options.profile or 'default'}"

    def grant(self, options: AwsOptions, gaps: Sequence[Gap]) -> Grant | None:
        """One statement for a policy of the identity that reads, with the actions that it was refused."""
        from collectors.aws._errors import missing_action

        missing = tuple(sorted({action for gap in gaps if (action := missing_action(gap.detail)) is not None}))
        if not missing:
            return None
        statement = {"Effect": "Allow", "Action": list(missing), "Resource": "*"}
        profile = (
            f"the identity of profile {options.profile}" if options.profile else "the identity that runs the auditor"
        )
        to = f"the role {options.role_arn}" if options.role_arn else profile
        if options.organization is not None:
            to = f"the role {options.organization.role} in the accounts that refused, or {profile} where it lists them"
        return Grant(missing, to, json.dumps(statement))

    def witness(self, options: AwsOptions, context: Context, inquiry: Inquiry) -> Trail | None:
        """CloudTrail's event history of the source. Raises CollectError when there are no credentials to ask with."""
        if not options.cloudtrail:
            return None
        from collectors.aws._trail import Trail

        return Trail(options, context, inquiry)

    def plan(self, options: AwsOptions, context: Context) -> Iterable[Task]:
        """One task per kind and region, and account of an organization. Asks STS who we are, or Organizations whom to
        read; raises CollectError when nobody accepts us."""
        # botocore takes a good part of a second to load; only a run that reads AWS pays for it.
        from collectors.aws._session import Source

        sessions = self._opened()
        source = Source(options, context.meter, sessions=sessions)
        label = self.label(options)
        if options.organization is None:
            account = source.account()
            return _tasks(options, context, label, account, source.regions, lambda: source)
        from collectors.aws._organization import Member, accounts

        found = accounts(source, options.organization, context)
        members = [Member(each, options, source, context, sessions) for each in found]
        return [
            task
            for member in members
            for task in _tasks(
                options, context, f"{label}/{member.account.id}", member.account.id, source.regions, member.source
            )
        ]

    def _opened(self) -> Sessions:
        from collectors.aws._access import Sessions

        with self._lock:
            if self._sessions is None:
                self._sessions = Sessions()
            return self._sessions


def _tasks(
    options: AwsOptions,
    context: Context,
    label: str,
    account: str,
    regions: tuple[str, ...],
    source: Callable[[], Source],
) -> Iterator[Task]:
    from collectors.aws._reader import Reader
    from collectors.aws._run import read_kind

    def read(kind: AwsKind, region: str) -> Iterator[Resource | Gap]:
        return read_kind(Reader(kind, source(), label, account, region, context))

    # What takes longest begins first, so that a run does not end with waiting for one of them.
    for kind in sorted(options.enabled(), key=_calls_in_a_row, reverse=True):
        for region in _regions(kind, regions):
            yield Task(
                source=label,
                kinds=(kind.name,),
                run=partial(read, kind, region),
                region=None if kind.everywhere else region,
                account=account,
                label=f"{kind.name.removeprefix('aws.')} {region}",
            )


def _calls_in_a_row(kind: AwsKind) -> int:
    """About how many requests of one task wait for another: at most one of each sort that it may make."""
    return len(kind.actions)


def _regions(kind: AwsKind, regions: tuple[str, ...]) -> tuple[str, ...]:
    """Where the kind is asked for. What only one region tells of does not exist in another cloud of AWS's (China, GovCloud)."""
    if not kind.everywhere:
        return regions
    if not kind.home:
        return regions[:1]
    return (kind.home,) if partition(regions[0]) == partition(kind.home) else ()


COLLECTOR = AwsCollector()
