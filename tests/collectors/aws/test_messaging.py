"""SQS, SNS, EventBridge and Step Functions, built twice in moto under other names, read and judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from auditor.model import GapReason, Resource
from tests.collectors.aws.canned import canned, told
from tests.collectors.aws.reading import client, moto, read
from tests.collectors.aws.recordings import Recording, Refusal, recordings, stand
from tests.collectors.aws.verdicts import verdicts

KINDS = ("aws.sqs.queue", "aws.sns.topic", "aws.events.rule", "aws.events.event_bus", "aws.stepfunctions.state_machine")
RECORDED = [each for each in recordings("sqs.GetQueueAttributes") if "named.1" in each.name]
ROLE = "arn:aws:iam::123456789012:role/orders-{env}"


class Built:
    """What one environment runs, in a moto server of its own."""

    def __init__(self, env: str, url: str) -> None:
        self.url = url
        self.sqs, self.sns, self.events, self.states = (
            client(name, url) for name in ("sqs", "sns", "events", "stepfunctions")
        )
        self.dead, self.queue = (self._queue(f"{name}-{env}") for name in ("dead", "orders"))
        self.send_on(5)
        self.topic = self.sns.create_topic(Name=f"orders-{env}", Tags=[{"Key": "team", "Value": "orders"}])["TopicArn"]
        self.subscription = self._subscribe("sqs", self._arn(self.queue), FilterPolicy='{"kind": ["order"]}')
        self._subscribe("email", f"ops-{env}@acme.example")
        self.hook = f"https://hooks.{env}.acme.example/services/T0/x7Gq2LmPz9RwVb4K"
        self._subscribe("https", self.hook)
        self.events.create_event_bus(Name=f"orders-{env}")
        self.rule = {"Name": "paid", "EventBusName": f"orders-{env}", "EventPattern": '{"source": ["orders"]}'}
        self.events.put_rule(**self.rule)
        self.tick = {"Name": f"tick-{env}", "ScheduleExpression": "rate(1 hour)"}
        self.events.put_rule(**self.tick)
        target = {
            "Id": f"made-up-{len(env)}",
            "Arn": self._arn(self.queue),
            "Input": '{"kind": "tick", "apiToken": "s3cr3t-tick"}',
        }
        self.events.put_targets(Rule=self.tick["Name"], Targets=[target])
        self.define(30)
        self.machine = self.states.create_state_machine(
            name=f"pay-{env}", definition=self.definition, roleArn=ROLE.format(env=env)
        )["stateMachineArn"]

    def define(self, seconds: int) -> None:
        """The state machine's definition, with one setting."""
        pay = {"Type": "Task", "Resource": self._arn(self.queue), "TimeoutSeconds": seconds, "End": True}
        self.definition = json.dumps({"StartAt": "Pay", "States": {"Pay": pay}})

    def send_on(self, tries: int) -> None:
        """The queue's dead-letter queue."""
        redrive = json.dumps({"deadLetterTargetArn": self._arn(self.dead), "maxReceiveCount": tries})
        self.sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"RedrivePolicy": redrive})

    def resources(self) -> list[Resource]:
        """Everything of the kinds under test."""
        seen = [read(kind, self.url) for kind in KINDS]
        assert [(each.gaps, each.failed) for each in seen] == [((), None)] * len(KINDS)
        return [resource for each in seen for resource in each.resources]

    def _queue(self, name: str) -> str:
        attributes = {"VisibilityTimeout": "60", "MessageRetentionPeriod": "345600", "SqsManagedSseEnabled": "true"}
        return str(self.sqs.create_queue(QueueName=name, Attributes=attributes, tags={"team": "orders"})["QueueUrl"])

    def _arn(self, url: str) -> str:
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(answer["Attributes"]["QueueArn"])

    def _subscribe(self, protocol: str, endpoint: str, **attributes: str) -> str:
        answer = self.sns.subscribe(
            TopicArn=self.topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes, ReturnSubscriptionArn=True
        )
        return str(answer["SubscriptionArn"])


@pytest.fixture(scope="module")
def staging() -> Iterator[list[Resource]]:
    """Staging as it was read."""
    with moto() as url:
        yield Built("staging", url).resources()


@pytest.fixture(scope="module")
def prod() -> Iterator[Built]:
    """Production, still running."""
    with moto() as url:
        yield Built("prod", url)


def _named(resources: list[Resource], kind: str, identity: str) -> dict[str, Any]:
    return next(dict(each.attributes) for each in resources if (each.kind, each.identity) == (kind, identity))


def test_what_was_built_is_read(staging: list[Resource]) -> None:
    """Queues point to queues, topics say who is told, and nobody's address lets in."""
    queue = _named(staging, "aws.sqs.queue", "orders-staging")["attributes"]
    assert queue["redrive_policy"]["max_receive_count"] == 5
    assert queue["redrive_policy"]["dead_letter_queue"].endswith(":dead-staging")
    assert queue["encryption"] == "sqs"
    assert not {"queue_arn", "created_timestamp", "approximate_number_of_messages"} & queue.keys()
    topic = _named(staging, "aws.sns.topic", "orders-staging")
    assert topic["subscriptions"]["email"] == {"recipients": ["ops-staging@acme.example"]}
    assert "https https://hooks.staging.acme.example" in topic["subscriptions"]
    assert "x7Gq2LmPz9RwVb4K" not in json.dumps(topic)
    tick = _named(staging, "aws.events.rule", "tick-staging")
    assert list(tick["targets"]) == ["sqs"]
    assert tick["targets"]["sqs"]["input"]["kind"] == "tick"
    assert _named(staging, "aws.events.rule", "orders-staging/paid")["event_pattern"] == {"source": ["orders"]}
    machine = _named(staging, "aws.stepfunctions.state_machine", "pay-staging")
    assert machine["definition"]["States"]["Pay"]["TimeoutSeconds"] == 30


def test_the_same_under_other_names_has_no_finding_and_each_change_has_one(
    staging: list[Resource], prod: Built
) -> None:
    """Twins are quiet; then six settings of production are changed, and there are six findings of fair severity."""
    shared = {("tick-{env}", "targets.sqs.input.apiToken", "high")}  # the token that both were given
    assert verdicts(staging, prod.resources()) == shared
    prod.sqs.set_queue_attributes(QueueUrl=prod.queue, Attributes={"RedrivePolicy": "", "VisibilityTimeout": "10"})
    prod.sns.set_subscription_attributes(
        SubscriptionArn=prod.subscription, AttributeName="FilterPolicy", AttributeValue='{"kind": ["order", "refund"]}'
    )
    prod.events.disable_rule(Name="paid", EventBusName=prod.rule["EventBusName"])
    prod.events.put_rule(**{**prod.tick, "ScheduleExpression": "rate(5 minutes)"})
    prod.define(90)
    prod.states.update_state_machine(stateMachineArn=prod.machine, definition=prod.definition)
    assert verdicts(staging, prod.resources()) - shared == {
        ("orders-{env}", "attributes.redrive_policy", "high"),
        ("orders-{env}", "attributes.visibility_timeout", "medium"),
        ("orders-{env}", 'subscriptions."sqs orders-{env}".filter_policy.kind', "medium"),
        ("orders-{env}/paid", "state", "medium"),
        ("tick-{env}", "schedule_expression", "medium"),
        ("pay-{env}", "definition.States.Pay.TimeoutSeconds", "medium"),
    }


def test_an_answer_without_queues_is_believed_only_of_sqs() -> None:
    """SQS leaves the list out where there is none; whoever knows every queue's address is not SQS."""
    unknown = Refusal("AWS.SimpleQueueService.NonExistentQueue")
    empty = canned("aws.sqs.queue", {"ListQueues": {}, "GetQueueUrl": unknown})
    assert (empty.resources, empty.failed) == ((), None)
    other = canned("aws.sqs.queue", {"ListQueues": {}, "GetQueueUrl": {"QueueUrl": "https://x/y"}})
    assert other.failed is not None
    assert other.failed.reason is GapReason.MALFORMED
    assert canned("aws.sqs.queue", {"ListQueues": {}, "GetQueueUrl": Refusal("AccessDenied", 403)}).failed is not None


def test_targets_of_one_service_are_told_apart_by_name_and_a_destination_keeps_its_host() -> None:
    """Two functions are two targets; an address outside AWS is as secret as what follows its host."""
    functions = "arn:aws:lambda:eu-west-1:111111111111:function:"
    targets = [{"Id": name, "Arn": f"{functions}{name}"} for name in ("a", "b")]
    answers = {
        "ListEventBuses": {"EventBuses": [{"Name": "default", "Arn": "arn:aws:events:eu-west-1:1:event-bus/default"}]},
        "ListRules": {
            "Rules": [
                {"Name": "r", "Arn": "arn:aws:events:eu-west-1:1:rule/r"},
                {"Name": "own", "Arn": "arn:aws:events:eu-west-1:1:rule/own", "ManagedBy": "autoscaling.amazonaws.com"},
            ]
        },
        "ListTargetsByRule": {"Targets": targets},
        "ListTagsForResource": {"Tags": []},
    }
    rule = told("aws.events.rule", answers)
    assert rule["targets"] == {f"lambda {name}": {"target": f"{functions}{name}"} for name in ("a", "b")}
    hook = {
        "Name": "pager",
        "ApiDestinationArn": "arn:aws:events:eu-west-1:1:api-destination/pager/11aa-22",
        "InvocationEndpoint": "https://events.pager.example/integration/0123/enqueue",
    }
    found = told("aws.events.api_destination", {"ListApiDestinations": {"ApiDestinations": [hook]}})
    assert found == {"invocation_endpoint": "https://events.pager.example"}


@pytest.mark.skipif(not RECORDED, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize("recorded", RECORDED, ids=str)
def test_a_recorded_queue_is_its_settings_and_its_policy(recorded: Recording) -> None:
    """Every attribute of a real answer is kept but counters and times; statements go by name."""
    answers = {
        "sqs.ListQueues": {"QueueUrls": ["https://sqs.us-east-1.amazonaws.com/123456789012/q"]},
        "sqs.GetQueueAttributes": recorded.data,
        "sqs.ListQueueTags": {},
    }
    with stand(answers) as server:
        seen = read("aws.sqs.queue", server.endpoint_url)
    assert (seen.gaps, seen.failed) == ((), None)
    settings = seen.named("q").attributes["attributes"]
    assert settings["visibility_timeout"] == recorded.data["Attributes"]["VisibilityTimeout"]
    assert {"effect": "allow", "actions": ["sqs:subscribe"]}.items() <= settings["policy"]["SpecificAllow"].items()
    assert not [name for name in settings if name.startswith("approximate") or name.endswith("timestamp")]
