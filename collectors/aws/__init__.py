"""Amazon Web Services, read through their APIs. Each module of this folder without a leading underscore is a service.

Permissions: what the kinds declare, all of them reads; nothing is asked of an account that is not declared. Reads one
kind per task, so that what is denied, throttled or hung costs that kind in that region and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from auditor.collector import Context, Inquiry, Task
from auditor.model import Gap, Kind, Resource
from collectors.aws._options import LOOKUP, AwsOptions
from collectors.aws._registry import services
from collectors.aws.base import AwsKind

if TYPE_CHECKING:
    from collectors.aws._trail import Trail

__all__ = ["COLLECTOR", "AwsCollector", "AwsOptions"]


class AwsCollector:
    """The collector called `aws`."""

    name = "aws"
    about = "Amazon Web Services, through their read-only APIs"
    options = AwsOptions

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

    def label(self, options: AwsOptions) -> str:
        if options.role_arn is not None:
            account, _, role = options.role_arn.split(":", 4)[4].partition(":role/")
            return f"aws:{account}/{role}"
        return f"aws:{options.profile or 'default'}"

    def witness(self, options: AwsOptions, context: Context, inquiry: Inquiry) -> Trail | None:
        """CloudTrail's event history of the source. Raises CollectError when there are no credentials to ask with."""
        if not options.cloudtrail:
            return None
        from collectors.aws._trail import Trail

        return Trail(options, context, inquiry)

    def plan(self, options: AwsOptions, context: Context) -> Iterable[Task]:
        """One task per kind and region. Asks STS who we are; raises CollectError when no region accepts us."""
        # botocore takes a good part of a second to load; only a run that reads AWS pays for it.
        from collectors.aws._reader import Reader
        from collectors.aws._run import read_kind
        from collectors.aws._session import Source

        source = Source(options, context.meter)
        account = source.account()
        label = self.label(options)

        def read(kind: AwsKind, region: str) -> Iterator[Resource | Gap]:
            return read_kind(Reader(kind, source, label, account, region, context))

        for kind in options.enabled():
            for region in source.regions[:1] if kind.everywhere else source.regions:
                yield Task(
                    source=label,
                    kinds=(kind.name,),
                    run=partial(read, kind, region),
                    region=None if kind.everywhere else region,
                    account=account,
                    label=f"{kind.name.removeprefix('aws.')} {region}",
                )


COLLECTOR = AwsCollector()
