"""Glue: jobs, crawlers, triggers, connections, databases."""

from __future__ import annotations

from typing import Any

from auditor.redact import Redactor
from tests.collectors.aws.canned import canned, told
from tests.collectors.aws.reading import declared


def test_a_job_is_its_command_and_arguments_and_tagged_by_an_arn_of_our_making() -> None:
    """Glue answers no ARNs; the drawing of Glue Studio is left out."""
    asked: list[str] = []

    def tags(parameters: Any) -> dict[str, Any]:
        asked.append(parameters["ResourceArn"])
        return {"Tags": {"team": "data"}}

    job = {
        "Name": "nightly",
        "GlueVersion": "4.0",
        "DefaultArguments": {"--job-bookmark-option": "job-bookmark-enable", "--db-password": "hunter2"},
        "Connections": {"Connections": ["warehouse"]},
        "CodeGenConfigurationNodes": {"node-1": {"SparkSQL": {"Name": "x", "Inputs": [], "SqlQuery": "select 1"}}},
    }
    (seen,) = canned("aws.glue.job", {"GetJobs": {"Jobs": [job]}, "GetTags": tags}).resources
    assert seen.attributes == {
        "glue_version": "4.0",
        "default_arguments": {"--job-bookmark-option": "job-bookmark-enable", "--db-password": "hunter2"},
        "connections": ["warehouse"],
    }
    assert (seen.tags, asked) == ({"team": "data"}, ["arn:aws:glue:eu-west-1:111111111111:job/nightly"])
    kept = Redactor(b"k" * 32).resource(seen, declared("aws.glue.job"))
    assert "hunter2" not in str(kept)


def test_a_connection_is_asked_for_without_its_password() -> None:
    """And one that comes all the same is dropped."""
    asked: list[Any] = []

    def connections(parameters: Any) -> dict[str, Any]:
        asked.append(parameters.get("HidePassword"))
        properties = {"JDBC_CONNECTION_URL": "jdbc:postgresql://db:5432/shop", "USERNAME": "etl", "PASSWORD": "hunter2"}
        return {"ConnectionList": [{"Name": "warehouse", "ConnectionProperties": properties}]}

    found = told("aws.glue.connection", {"GetConnections": connections})
    assert found == {
        "connection_properties": {"JDBC_CONNECTION_URL": "jdbc:postgresql://db:5432/shop", "USERNAME": "etl"}
    }
    assert asked == [True]


def test_what_a_crawler_and_a_trigger_did_last_is_no_setting() -> None:
    """When they run, and over what, is."""
    crawler = {
        "Name": "orders",
        "State": "RUNNING",
        "Targets": {"S3Targets": [{"Path": "s3://acme/orders"}]},
        "Schedule": {"ScheduleExpression": "cron(0 1 * * ? *)", "State": "SCHEDULED"},
        "LastCrawl": {"Status": "FAILED"},
        "Version": 7,
    }
    answers = {"GetCrawlers": {"Crawlers": [crawler]}, "GetTags": {"Tags": {}}}
    assert told("aws.glue.crawler", answers) == {
        "targets": {"s3_targets": [{"path": "s3://acme/orders"}]},
        "schedule": {"schedule_expression": "cron(0 1 * * ? *)", "state": "SCHEDULED"},
    }
    trigger = {"Name": "at-night", "Type": "SCHEDULED", "State": "ACTIVATED", "Actions": [{"JobName": "nightly"}]}
    assert told("aws.glue.trigger", {"GetTriggers": {"Triggers": [trigger]}, "GetTags": {"Tags": {}}}) == {
        "type": "SCHEDULED",
        "state": "ACTIVATED",
        "actions": [{"job_name": "nightly"}],
    }
