"""Amazon MQ: brokers with the configuration that they run."""

from __future__ import annotations

import base64
from typing import Any

from auditor.model import GapReason
from tests.collectors.aws.canned import canned, told
from tests.collectors.aws.recordings import DENIED

KIND = "aws.amazonmq.broker"
BROKER: dict[str, Any] = {
    "BrokerId": "b-1234",
    "BrokerName": "orders-staging",
    "BrokerArn": "arn:aws:mq:eu-west-1:111111111111:broker:orders-staging:b-1234",
    "BrokerState": "RUNNING",
    "EngineType": "ACTIVEMQ",
    "EngineVersion": "5.18",
    "BrokerInstances": [{"Endpoints": ["ssl://b-1234-1.mq.eu-west-1.amazonaws.com:61617"]}],
    "Configurations": {"Current": {"Id": "c-1", "Revision": 2}, "History": [{"Id": "c-1", "Revision": 1}]},
    "Logs": {"Audit": True, "AuditLogGroup": "/aws/amazonmq/broker/b-1234/audit"},
    "MaintenanceWindowStartTime": {"DayOfWeek": "MONDAY", "TimeOfDay": "02:00", "TimeZone": "UTC"},
    "Users": [{"Username": "worker"}, {"Username": "admin"}],
    "PendingEngineVersion": "5.19",
    "Tags": {"team": "web"},
}
XML = """<?xml version="1.0"?>
<broker schedulePeriodForDestinationPurge="10000">
  <!-- <queue physicalName="commented.out"/> -->
  <destinationPolicy><policyEntry topic=">"
     gcInactiveDestinations="true"/></destinationPolicy>
</broker>"""


def _answers(text: str, **broker: Any) -> dict[str, Any]:
    return {
        "ListBrokers": {"BrokerSummaries": [{"BrokerId": "b-1234", "BrokerName": "orders-staging"}]},
        "DescribeBroker": {**BROKER, **broker},
        "DescribeConfigurationRevision": {"Data": base64.b64encode(text.encode()).decode()},
    }


def test_an_activemq_broker_is_configured_by_elements() -> None:
    """Comments, lines and indentation say nothing; ids, states and what is pending are left out."""
    assert told(KIND, _answers(XML)) == {
        "engine_type": "ACTIVEMQ",
        "engine_version": "5.18",
        "logs": {"audit": True},
        "maintenance_window": "MONDAY 02:00 UTC",
        "users": ["admin", "worker"],
        "configuration": {
            "elements": [
                'broker schedulePeriodForDestinationPurge="10000"',
                "destinationPolicy",
                'policyEntry topic=">" gcInactiveDestinations="true"',
            ]
        },
    }
    (seen,) = canned(KIND, _answers(XML)).resources
    assert "ssl://b-1234-1.mq.eu-west-1.amazonaws.com:61617" in seen.refs
    assert seen.tags == {"team": "web"}


def test_a_rabbitmq_broker_is_configured_by_properties() -> None:
    """Name and value each."""
    found = told(KIND, _answers("# ours\nconsumer_timeout = 1800000\n", EngineType="RABBITMQ"))
    assert found["configuration"] == {"consumer_timeout": "1800000"}


def test_a_broker_that_may_not_be_seen_is_a_gap_by_its_name() -> None:
    """The listing tells the name, so nothing else is hidden."""
    seen = canned(KIND, {**_answers(XML), "DescribeBroker": DENIED})
    assert [(gap.resource, gap.reason) for gap in seen.gaps] == [("orders-staging", GapReason.ACCESS_DENIED)]
    garbled = canned(KIND, {**_answers(XML), "DescribeConfigurationRevision": {"Data": "not base64!"}})
    assert [(gap.attribute, gap.reason) for gap in garbled.gaps] == [("configuration", GapReason.MALFORMED)]
