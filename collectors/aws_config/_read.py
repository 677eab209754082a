"""Reads one account and region out of what an aggregator holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore import xform_name

from auditor.collector import Context
from auditor.model import Gap, GapReason, Resource
from collectors.aws._run import read_kind
from collectors.aws._session import Source
from collectors.aws._shapes import shape_at
from collectors.aws.base import AwsKind, tags_of
from collectors.aws_config._ask import Aggregator
from collectors.aws_config._options import GLOBAL, AwsConfigOptions
from collectors.aws_config._reader import ConfigReader, Item
from collectors.aws_config._spelling import parsed
from collectors.aws_config._types import RECORDED, RECORDER, own_name

# What a record says of itself, of when and of how it is, and not of how it is set up.
_OF_THE_RECORD = frozenset(
    {"arn", "id", "createdat", "creationtime", "creationdate", "lastmodified", "status", "state"}
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read, for whom."""

    options: AwsConfigOptions
    source: Source
    label: str
    account: str
    region: str
    context: Context

    def gap(self, kind: str, detail: str, *, resource: str | None = None, attribute: str | None = None) -> Gap:
        """Something that AWS Config does not tell."""
        return Gap(
            environment=self.context.environment,
            source=self.label,
            kind=kind,
            reason=GapReason.UNSUPPORTED,
            detail=detail,
            region=None if self.region == GLOBAL else self.region,
            resource=resource,
            attribute=attribute,
            listings=0 if resource or attribute else 1,
        )


def read_place(reading: Reading, aggregator: Aggregator, kinds: Sequence[AwsKind]) -> Iterator[Resource | Gap]:
    """Every resource of `kinds` that is recorded of the account and region, and a gap for all that is not."""
    others = reading.options.others() if reading.region != GLOBAL else ()
    mapped = [RECORDED[kind.name] for kind in kinds]
    types = sorted(
        {RECORDER, *others, *(each.type for each in mapped), *(need for each in mapped for need in each.needs)}
    )
    held = aggregator.items(reading.account, reading.region, types)
    recorders = held.get(RECORDER, [])
    for kind in kinds:
        yield from _kind(reading, kind, held, recorders)
    for type_ in others:
        why = _unrecorded(type_, held, recorders, reading)
        if why:
            yield reading.gap(own_name(type_), why)
        for item in held.get(type_, []):
            yield _other(item, type_)


def _kind(
    reading: Reading, kind: AwsKind, held: Mapping[str, Sequence[Item]], recorders: Sequence[Item]
) -> Iterator[Resource | Gap]:
    recorded = RECORDED[kind.name]
    for type_ in (recorded.type, *recorded.needs):
        why = _unrecorded(type_, held, recorders, reading)
        if why and (type_ == recorded.type or held.get(recorded.type)):
            yield reading.gap(kind.name, why)
            return
    fresh, stale = _by_age(reading, held.get(recorded.type, []))
    for item in stale:
        name = str(item.get("resourceName") or item.get("resourceId"))
        when = item.get("configurationItemCaptureTime")
        yield reading.gap(kind.name, f"AWS Config recorded it on {when} and never since", resource=name)
    if not fresh:
        return
    region = reading.options.region if reading.region == GLOBAL else reading.region
    items = {**held, recorded.type: fresh}
    reader = ConfigReader(kind, reading.source, reading.label, reading.account, region, reading.context, items)
    lacks = _lacks(reader, kind, fresh)
    for attribute in sorted(lacks):
        yield reading.gap(kind.name, f"AWS Config does not record it of {recorded.type}", attribute=attribute)
    for found in read_kind(reader):
        if isinstance(found, Gap):
            # Each resource lacks the same; that was told once for all of them.
            if found.attribute is None or found.reason is not GapReason.UNSUPPORTED:
                yield found
            continue
        attributes = {name: value for name, value in found.attributes.items() if name not in lacks}
        yield replace(found, attributes=attributes)


def _lacks(reader: ConfigReader, kind: AwsKind, items: Sequence[Item]) -> frozenset[str]:
    """The attributes that Config says nothing of: what it never records, unless it does by now."""
    recorded = RECORDED[kind.name]
    lacks = set(recorded.lacks)
    if recorded.properties:
        path = f"{kind.result}[]"
        members = shape_at(reader.model(kind.operation).output_shape, path).members
        said = {key.lower() for item in items for key in parsed(item.get("configuration")) or {}}
        lacks |= {xform_name(name) for name in members if name.lower() not in recorded.properties | said}
    return frozenset(lacks - set(kind.drop) - {xform_name(kind.tags)})


def _unrecorded(
    type_: str, held: Mapping[str, Sequence[Item]], recorders: Sequence[Item], reading: Reading
) -> str | None:
    """Why nothing can be said of a type here; None where its items are all that there is."""
    where = f"AWS Config of {reading.account}" + (f" in {reading.region}" if reading.region != GLOBAL else "")
    settings = [parsed(each.get("configuration")) or {} for each in recorders]
    if settings and not any(each.get("Recording", True) for each in settings):
        return f"{where}: the recorder is off, so what is held may be gone or changed"
    if any(_records(each, type_) for each in settings) or held.get(type_):
        return None
    if settings:
        return f"{where} does not record {type_}: add it to the recorder"
    return f"{where} holds no {type_} and does not tell whether it records them: let it record {RECORDER}"


def _records(recorder: Mapping[str, Any], type_: str) -> bool:
    group = recorder.get("RecordingGroup") or {}
    excluded = (group.get("ExclusionByResourceTypes") or {}).get("ResourceTypes") or ()
    strategy = (group.get("RecordingStrategy") or {}).get("UseOnly", "")
    if excluded or strategy == "EXCLUSION_BY_RESOURCE_TYPES":
        return type_ not in excluded
    return bool(group.get("AllSupported")) or type_ in (group.get("ResourceTypes") or ())


def _by_age(reading: Reading, items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """What was recorded lately enough, and what was not."""
    if reading.options.stale_after_days is None:
        return list(items), []
    oldest = reading.context.now - timedelta(days=reading.options.stale_after_days)
    stale = [item for item in items if _captured(item) < oldest]
    return [item for item in items if item not in stale], stale


def _captured(item: Item) -> datetime:
    """When the item was recorded; long ago where it does not say so."""
    try:
        found = datetime.fromisoformat(str(item.get("configurationItemCaptureTime")))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _other(item: Item, type_: str) -> Resource:
    """A resource of a type that is not mapped, as it was recorded, without what the record says of itself."""
    configuration = parsed(item.get("configuration")) or {}
    attributes = {key: value for key, value in configuration.items() if key.lower() not in _OF_THE_RECORD}
    name = str(item.get("resourceName") or item["resourceId"])
    handles = (item.get("resourceId"), item.get("arn"))
    return Resource(
        kind=own_name(type_),
        identity=name,
        attributes=attributes,
        region=item.get("awsRegion"),
        account=item.get("accountId"),
        tags=tags_of(parsed(item.get("tags"))),
        refs=tuple(str(each) for each in handles if each and each != name),
        location=item.get("arn"),
    )
