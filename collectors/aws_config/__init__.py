"""AWS Config: what its recorders recorded of many accounts, through one aggregator and its advanced queries.

Permissions: `config:DescribeConfigurationAggregatorSourcesStatus` and `config:SelectAggregateResourceConfig`, in the
aggregator's account alone. Resources have the kinds of the `aws` collector, and are spelled by its declarations. What
Config does not record, of an account, a type or a resource, is a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from auditor.collector import Context, Task
from auditor.errors import CollectError
from auditor.model import Category, Gap, Kind, Resource
from collectors.aws._registry import services
from collectors.aws.base import AwsKind
from collectors.aws_config._options import ACTIONS, GLOBAL, AwsConfigOptions
from collectors.aws_config._types import RECORDED, own_name

if TYPE_CHECKING:
    from collectors.aws_config._ask import Aggregator

__all__ = ["COLLECTOR", "AwsConfigCollector", "AwsConfigOptions"]

_OTHERS = Kind("aws_config.*", Category.CONFIG, "A resource of any other type, as AWS Config records it")


class AwsConfigCollector:
    """The collector called `aws_config`."""

    name = "aws_config"
    about = "AWS Config: recorded resources of many accounts through one aggregator"
    options = AwsConfigOptions
    permissions: tuple[str, ...] = ACTIONS

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return (*(kind.declared for kind in _mapped().values()), _OTHERS)

    def label(self, options: AwsConfigOptions) -> str:
        return f"aws_config:{options.aggregator}"

    def plan(self, options: AwsConfigOptions, context: Context) -> Iterable[Task]:
        """One task per account and region. Raises CollectError when the aggregator does not tell what it collects."""
        from collectors.aws._session import Source
        from collectors.aws_config._ask import Aggregator, places

        source = Source(options.access(), context.meter)
        aggregator = Aggregator(options, source, context)
        label = self.label(options)
        mapped = {name: _mapped()[name] for name in options.wanted()}

        def read(account: str, region: str, unsound: CollectError | None) -> Iterator[Resource | Gap]:
            from collectors.aws_config._read import Reading, read_place

            if unsound is not None:
                raise unsound
            here = [kind for kind in mapped.values() if kind.everywhere == (region == GLOBAL)]
            reading = Reading(options, source, f"{label}/{account}", account, region, context)
            return read_place(reading, aggregator, here)

        tasks = []
        for account, region, unsound in places(options, _collected(aggregator)):
            kinds = [name for name, kind in mapped.items() if kind.everywhere == (region == GLOBAL)]
            kinds += [own_name(name) for name in options.others()] if region != GLOBAL else []
            if kinds:
                tasks.append(
                    Task(
                        source=f"{label}/{account}",
                        kinds=tuple(kinds),
                        run=partial(read, account, region, unsound),
                        region=None if region == GLOBAL else region,
                        account=account,
                        label=f"{account} {region}",
                    )
                )
        return tasks


def _collected(aggregator: Aggregator) -> dict[tuple[str, str], CollectError | None]:
    return aggregator.collected()


def _mapped() -> dict[str, AwsKind]:
    return {kind.name: kind for kinds in services().values() for kind in kinds if kind.name in RECORDED}


COLLECTOR = AwsConfigCollector()
