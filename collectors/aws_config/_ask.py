"""Asks an aggregator of AWS Config: what it collects, and by advanced query what it holds, page by page."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore import xform_name

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import GapReason
from collectors.aws._errors import EXPECTED, translate
from collectors.aws._limits import Deadline, bucket
from collectors.aws._session import Source
from collectors.aws_config._options import GLOBAL, AwsConfigOptions

_SERVICE = "config"
_PER_SECOND = 4.0
_PAGE = 100  # as many as one page may hold
_MOST_PAGES = 20_000
_FIELDS = (
    "resourceId, resourceName, resourceType, arn, accountId, awsRegion, configuration, supplementaryConfiguration, tags, "
    "configurationItemCaptureTime, configurationItemStatus"
)


class Aggregator:
    """One aggregator. Raises CollectError when it cannot be asked."""

    def __init__(self, options: AwsConfigOptions, source: Source, context: Context) -> None:
        self._options = options
        self._source = source
        self._context = context
        self._bucket = bucket(context.shared, options.aggregator, options.region, _SERVICE, _PER_SECOND)

    def collected(self) -> dict[tuple[str, str], CollectError | None]:
        """Every account and region that is collected -> why what is held of it cannot be relied on, if so."""
        found: dict[tuple[str, str], CollectError | None] = {}
        for each in self._pages(
            "DescribeConfigurationAggregatorSourcesStatus",
            "AggregatedSourceStatusList",
            ConfigurationAggregatorName=self._options.aggregator,
        ):
            if each.get("SourceType") == "ACCOUNT" and each.get("SourceId") in self._options.accounts:
                found[each["SourceId"], each["AwsRegion"]] = self._unsound(each)
        return found

    def items(self, account: str, region: str, types: Sequence[str]) -> dict[str, list[Mapping[str, Any]]]:
        """What is held of one account and region, by type."""
        named = ", ".join(f"'{name}'" for name in types)
        query = (
            f"SELECT {_FIELDS} WHERE accountId = '{account}' AND awsRegion = '{region}' AND resourceType IN ({named})"
        )
        found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in self._pages(
            "SelectAggregateResourceConfig",
            "Results",
            Expression=query,
            ConfigurationAggregatorName=self._options.aggregator,
            MaxResults=_PAGE,
        ):
            try:
                item = json.loads(row)
                type_ = item["resourceType"]
            except (ValueError, TypeError, KeyError) as error:
                raise CollectError(GapReason.MALFORMED, f"AWS Config's answer holds no item ({error!r})") from error
            if (item.get("accountId"), item.get("awsRegion")) == (account, region):
                found[type_].append(item)
        return found

    def _unsound(self, status: Mapping[str, Any]) -> CollectError | None:
        account, region = status["SourceId"], status["AwsRegion"]
        where = f"AWS Config of {account} in {region}"
        code = status.get("LastErrorCode") or "no reason given"
        if status.get("LastUpdateStatus") == "FAILED":
            return CollectError(GapReason.UNREACHABLE, f"{where}: the aggregator cannot collect it ({code})")
        if status.get("LastUpdateStatus") == "OUTDATED":
            return CollectError(
                GapReason.UNREACHABLE, f"{where}: what the aggregator holds is outdated: is the recorder on?"
            )
        updated = status.get("LastUpdateTime")
        if isinstance(updated, datetime):
            age = self._context.now - updated.astimezone(UTC)
            if age > timedelta(hours=self._options.outdated_after_hours):
                hours = int(age.total_seconds() // 3600)
                return CollectError(
                    GapReason.UNREACHABLE,
                    f"{where}: the aggregator heard nothing of it for {hours} h: is the recorder on?",
                )
        return None

    def _pages(self, operation: str, result: str, **arguments: Any) -> Iterator[Any]:
        client = self._source.client(_SERVICE, self._options.region)
        deadline = Deadline(self._context)
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            deadline.wait(self._bucket.reserve(), f"{_SERVICE}:{operation}")
            try:
                page = getattr(client, xform_name(operation))(**arguments)
                found = page[result]
            except EXPECTED as error:
                raise translate(error, _SERVICE, operation, self._options.region, known=True) from error
            yield from found
            token = page.get("NextToken")
            if not token:
                return
            if token in seen:
                break
            seen.add(token)
            arguments = {**arguments, "NextToken": token}
        raise CollectError(GapReason.TRUNCATED, f"{_SERVICE}:{operation}: the listing does not come to an end")


def places(
    options: AwsConfigOptions, collected: Mapping[tuple[str, str], CollectError | None]
) -> Iterator[tuple[str, str, CollectError | None]]:
    """Every account and region that is to be read, and `global` of each account, with what is wrong with it."""
    for account in options.accounts:
        known = sorted(region for number, region in collected if number == account and region != GLOBAL)
        for region in options.regions or known:
            yield account, region, collected.get((account, region), _not_collected(account, region))
        if not known:
            yield account, GLOBAL, _not_collected(account, "any region")
            continue
        # What is global is recorded in one region and told of as `global`; any region that is sound can have it.
        unsound = [collected[account, region] for region in known]
        yield account, GLOBAL, None if None in unsound else unsound[0]


def _not_collected(account: str, region: str) -> CollectError:
    return CollectError(
        GapReason.UNSUPPORTED,
        f"the aggregator does not collect {account} in {region}: add it to its sources, or authorise it there",
    )
