"""Collects the company of `bench.collecting_company` as the product does, in a process of its own.

    python -m bench.collecting_ours PROXY once       collect it once
    python -m bench.collecting_ours PROXY measure    and again with warm clients, then what it is measured by

The proxy has every answer by then, unless it is asked to record. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import botocore

from auditor.collect import DEFAULT_WORKERS, Environment, Source, collect_all
from auditor.collector import Context
from auditor.model import Snapshot
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.relaxed import relaxed
from collectors.aws import COLLECTOR, AwsOptions

REGIONS = ("eu-west-1", "eu-central-1", "us-east-1", "us-west-2")
ACCOUNTS = {"staging": "111111111111", "prod": "222222222222"}
SERVICES = (
    "autoscaling", "dynamodb", "ec2", "ecs", "elbv2", "kms", "lambda", "rds", "secretsmanager", "sns",
)  # fmt: skip
DELAY = 0.08
_RUNS = 3
# moto knows no limits, and what is measured is how fast one can be.
_RATE = 10_000.0


class Call(NamedTuple):
    """One request as boto3 is asked for it."""

    profile: str
    region: str
    service: str
    operation: str
    arguments: dict[str, Any]


def tell(proxy: str, *, delay: float, keep: bool) -> None:
    """Have the proxy answer so late, and ask for what it does not know or not."""
    body = json.dumps({"delay": delay, "keep": keep}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{proxy}/-/set", body, method="POST")) as answer:
        answer.read()


def seen(proxy: str) -> dict[str, list[Any]]:
    """What the proxy was asked since it was asked for that: [key, when it came, when it was answered, status]."""
    with urllib.request.urlopen(f"{proxy}/-/log") as answer:
        found: dict[str, list[Any]] = json.load(answer)
    return found


def options(proxy: str, environment: str, regions: tuple[str, ...] = REGIONS) -> AwsOptions:
    return AwsOptions(
        profile=environment, regions=regions, services=SERVICES, endpoint_url=proxy, requests_per_second=_RATE
    )


def collect(proxy: str, workers: int = DEFAULT_WORKERS) -> dict[str, Snapshot]:
    """Both environments, as an audit reads them."""
    environments = [
        Environment(name, (name,), tuple(ACCOUNTS.keys() - {name}), Path(), (Source(COLLECTOR, options(proxy, name)),))
        for name in ACCOUNTS
    ]
    registry, redactor = Registry.load(), Redactor(b"a key that is used nowhere else")
    with relaxed():
        return collect_all(environments, registry, redactor, lambda: datetime.now(UTC), workers=workers)


def found(snapshots: dict[str, Snapshot]) -> dict[str, int]:
    """How many resources of each kind and region, fleets by their instances; and how many gaps."""
    counts: dict[str, int] = defaultdict(int)
    for environment, snapshot in snapshots.items():
        for resource in snapshot.resources:
            amount = resource.attributes["count"] if resource.kind == "aws.ec2.fleet" else 1
            counts[f"{environment}/{resource.region}/{resource.kind}"] += int(amount)
        counts["gaps"] += len(snapshot.gaps)
    return dict(counts)


def _warm(proxy: str) -> dict[str, Any]:
    """The quickest of a few runs with clients that are there already."""
    runs = []
    for _ in range(_RUNS):
        seen(proxy)
        wall, cpu = time.perf_counter(), time.process_time()
        snapshots = collect(proxy)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        asked = seen(proxy)
        runs.append({"wall": wall, "cpu": cpu, "calls": len(asked["log"]), "unknown": len(asked["unknown"])})
        runs[-1]["resources"] = sum(len(each.resources) for each in snapshots.values())
        runs[-1]["gaps"] = sum(len(each.gaps) for each in snapshots.values())
    return min(runs, key=lambda run: run["wall"])


def _chain(proxy: str) -> int:
    """The most calls of which each waits for one before it: who we are, and the longest task of one region, each alone."""
    longest = 0
    context = Context("staging", Path())
    for task in COLLECTOR.plan(options(proxy, "staging", REGIONS[:1]), context):
        seen(proxy)
        for _ in task.run():
            pass
        calls, ended = 0, 0.0
        for _, began, answered, _ in sorted(seen(proxy)["log"], key=lambda call: call[2]):
            if began >= ended:
                calls, ended = calls + 1, answered
        longest = max(longest, calls)
    return 1 + longest


def _of_boto(proxy: str, calls: list[Call]) -> float:
    """Seconds of CPU that boto3 takes for these calls by itself: its own settings, warm clients, one after the other."""
    import boto3  # the product does without it, so its start does not count

    sessions = {name: boto3.Session(profile_name=name) for name in ACCOUNTS}
    clients: dict[tuple[str, str, str], Any] = {}
    for call in calls:
        key = (call.profile, call.service, call.region)
        if key not in clients:
            clients[key] = sessions[call.profile].client(call.service, region_name=call.region, endpoint_url=proxy)
    spent = []
    for _ in range(_RUNS):
        began = time.process_time()
        for call in calls:
            getattr(clients[call[0], call[2], call[1]], botocore.xform_name(call.operation))(**call.arguments)
        spent.append(time.process_time() - began)
    return min(spent)


def measure(proxy: str) -> dict[str, Any]:
    """Seconds, calls and the longest chain; the clients are made before anything is measured."""
    calls: list[Call] = []
    watching = True

    def watch(session: Any) -> None:
        def told(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
            if watching:
                service = model.service_model.service_name
                calls.append(Call(session.profile, context["client_region"], service, model.name, dict(params)))

        session.register("provide-client-params.*.*", told)

    botocore.register_initializer(watch)
    tell(proxy, delay=0, keep=False)
    collect(proxy)
    watching = False
    of_boto = _of_boto(proxy, calls)
    tell(proxy, delay=DELAY, keep=False)
    return {**_warm(proxy), "chain": _chain(proxy), "boto_cpu": of_boto, "boto_calls": len(calls)}


def main() -> None:
    proxy, what = sys.argv[1:3]
    told = measure(proxy) if what == "measure" else found(collect(proxy))
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
