"""A limit is of an account, a region and a service, whoever asks: where AWS throttles one task, all of them slow down."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from auditor.collector import LIMITS, Context
from auditor.errors import CollectError
from collectors.aws import AwsCollector, AwsOptions
from collectors.aws._limits import Bucket, bucket
from tests.collectors.aws.reading import CREDENTIALS
from tests.collectors.aws.recordings import Refusal, stand

ACCOUNT, REGION = "111122223333", "eu-west-1"


class Ticks:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _spent(ticks: Ticks, rate: float = 8.0) -> Bucket:
    """A bucket whose burst is used up."""
    found = Bucket(rate, 1, ticks)
    assert found.reserve() == 0
    return found


def test_who_is_throttled_asks_half_as_often_and_again_half_of_that() -> None:
    """Eight a second, then four, then two; those that were under way when the first was refused count as the same refusal."""
    ticks = Ticks()
    limit = _spent(ticks)
    assert limit.reserve() == pytest.approx(1 / 8)
    limit.throttled()
    limit.throttled()
    assert limit.reserve() == pytest.approx(2 / 4)
    ticks.now = 1.0
    limit.throttled()
    # Two a second, and what the rate grew back by within the second before.
    assert limit.reserve() == pytest.approx(1 / 2, rel=0.1)


def test_the_rate_grows_back_within_a_minute_and_not_above_what_is_configured() -> None:
    """Half of it takes half a minute."""
    ticks = Ticks()
    limit = _spent(ticks)
    limit.throttled()
    ticks.now = 15.0
    assert limit.reserve() == 0
    assert limit.reserve() == pytest.approx(1 / 6)
    ticks.now = 300.0
    assert limit.reserve() == 0
    assert limit.reserve() == pytest.approx(1 / 8)


def test_however_often_it_is_throttled_it_goes_on() -> None:
    """Not below a thirty-second of the rate."""
    ticks = Ticks()
    limit = _spent(ticks, rate=32.0)
    for _ in range(40):
        ticks.now += 1.0
        limit.throttled()
    assert limit.reserve() == pytest.approx(1.0)


def test_a_throttled_task_slows_down_the_other_tasks_of_its_account_region_and_service_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two environments read one account; the second refuses nothing and has to wait all the same, and nobody else has."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    ticks, shared = Ticks(), dict[str, Any]()
    limits = {
        key: bucket(shared, ACCOUNT, region, service, 100, burst=50, ticks=ticks)
        for key, region, service in (
            ("same", REGION, "sqs"),
            ("region", "eu-west-2", "sqs"),
            ("service", REGION, "sns"),
        )
    }
    answers: dict[str, Any] = {"sqs.ListQueues": Refusal("RequestThrottled", 400), "sns.ListTopics": {"Topics": []}}
    with stand(answers) as running:
        chosen = AwsOptions(
            regions=(REGION,), services=("sqs", "sns"), endpoint_url=running.endpoint_url, max_attempts=1
        )
        contexts = [Context(name, Path(), shared=shared) for name in ("staging", "prod")]
        one, two = ({task.kinds[0]: task for task in AwsCollector().plan(chosen, each)} for each in contexts)
        with pytest.raises(CollectError, match="still throttled"):
            list(one["aws.sqs.queue"].run())
        assert list(one["aws.sns.topic"].run()) == []
        running.answers["sqs.ListQueues"] = {"QueueUrls": []}
        ticks.now = 0.02
        assert list(two["aws.sqs.queue"].run()) == []
    waits = {key: limit.reserve() for key, limit in limits.items()}
    assert waits["same"] > 0.01
    assert (waits["region"], waits["service"]) == (0, 0)


def test_a_limit_that_other_processes_keep_to_is_asked_for_every_request() -> None:
    """Whoever makes one wait longer decides; a throttled process asks the others for as little as it may itself."""
    asked: dict[str, list[tuple[float, float]]] = defaultdict(list)

    class Everywhere:
        def reserve(self, name: str, rate: float, burst: float) -> float:
            asked[name].append((rate, burst))
            return 3.0

    ticks = Ticks()
    found = bucket({LIMITS: Everywhere()}, ACCOUNT, REGION, "rds", 10, ticks=ticks)
    assert found.reserve() == 3.0
    found.throttled()
    assert found.reserve() == 3.0
    assert asked == {f"aws/{ACCOUNT}/{REGION}/rds": [(10, 20), (5, 20)]}
