"""The AWS collector and a state of the same account: every declared resource is recognised in what was read of it."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from auditor.config import load_config
from auditor.declared import PREFIX, set_aside
from auditor.pipeline import Tools, audit_snapshots, take_snapshots
from auditor.policy import load_policy
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.store import Store
from tests.collectors.states import instance, state
from tests.e2e.conftest import Run
from tests.test_declared import NOW

REGION = "eu-west-1"
SERVICES = ["dynamodb", "iam", "lambda", "rds", "s3", "secretsmanager", "sns", "sqs", "ssm"]


def built(endpoint: str) -> list[dict[str, Any]]:
    """Make one of each in the account, and say it as the provider would in its state."""

    def client(service: str) -> Any:
        return boto3.client(service, region_name=REGION, endpoint_url=endpoint)

    url = client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    client("sqs").create_queue(QueueName="handmade")
    client("s3").create_bucket(Bucket="acme-x", CreateBucketConfiguration={"LocationConstraint": REGION})
    topic = client("sns").create_topic(Name="news")["TopicArn"]
    table = client("dynamodb").create_table(
        TableName="carts",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = client("iam").create_role(RoleName="task", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "")
    function = client("lambda").create_function(
        FunctionName="resize", Runtime="python3.12", Role=role, Handler="main.x", Code={"ZipFile": code.getvalue()}
    )["FunctionArn"]
    database = client("rds").create_db_instance(
        DBInstanceIdentifier="orders", Engine="postgres", DBInstanceClass="db.m7g.large", AllocatedStorage=20,
        MasterUsername="x", MasterUserPassword="abcdefgh1",
    )["DBInstance"]["DBInstanceArn"]  # fmt: skip
    secret = client("secretsmanager").create_secret(Name="api", SecretString="x")["ARN"]
    client("ssm").put_parameter(Name="/shop/level", Value="info", Type="String")
    account = role.split(":")[4]
    return [
        instance("aws_sqs_queue", "jobs", {"id": url, "arn": f"arn:aws:sqs:{REGION}:{account}:jobs", "name": "jobs"}),
        instance("aws_s3_bucket", "x", {"id": "acme-x", "arn": "arn:aws:s3:::acme-x", "bucket": "acme-x"}),
        instance("aws_sns_topic", "news", {"id": topic, "arn": topic, "name": "news"}),
        instance("aws_dynamodb_table", "carts", {"id": "carts", "arn": table, "name": "carts"}),
        instance("aws_iam_role", "task", {"id": "task", "arn": role, "name": "task"}),
        instance("aws_lambda_function", "resize", {"id": "resize", "arn": function, "function_name": "resize"}),
        instance("aws_db_instance", "orders", {"id": "db-ABC", "arn": database, "identifier": "orders"}),
        instance("aws_secretsmanager_secret", "api", {"id": secret, "arn": secret, "name": "api"}),
        instance("aws_ssm_parameter", "level", {"id": "/shop/level", "name": "/shop/level", "value": "info"}),
        instance("aws_sqs_queue", "gone", {"id": f"{url}-gone", "arn": f"arn:aws:sqs:{REGION}:{account}:gone"}),
    ]


def test_what_the_collector_read_is_what_the_state_declares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """All but the queue that was made by hand stand in the state; all but the one that is gone are there; both are told."""
    monkeypatch.chdir(tmp_path)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        declared = built(endpoint)
        (tmp_path / "terraform.tfstate").write_bytes(state(declared))
        source = {"collector": "aws", "regions": [REGION], "services": SERVICES, "endpoint_url": endpoint}
        declaring = {"collector": "terraform", "path": "terraform.tfstate"}
        # Options of their own: one account under both would be compared with itself.
        environments = {
            name: {"sources": [{**source, "session_name": name}, declaring]} for name in ("staging", "prod")
        }
        settings = {
            "environments": environments,
            "pairs": [{"left": "staging", "right": "prod"}],
        }
        (tmp_path / "auditor.yaml").write_text(json.dumps(settings))
        registry = Registry.load()
        config = load_config(tmp_path / "auditor.yaml", registry=registry, environ={})
        with Store.open(f"sqlite:///{tmp_path / 'auditor.db'}") as store:
            tools = Tools(registry, store, Redactor(b"k" * 32), lambda: NOW)
            taken = take_snapshots(config, ["prod"], tools)["prod"]
            # Twice the same account: what was read once speaks for both.
            twin = replace(taken, id="twin", environment="staging")
            store.save_snapshot(twin, ["staging"])
            audit = audit_snapshots(config, load_policy(["default"]), twin, taken, NOW, tools)
        left, _, (found, _) = set_aside(taken, taken)
        assert sorted(found.addresses.values()) == sorted(
            f"{item['type']}.{item['name']}" for item in declared if item["name"] != "gone"
        )
        assert [each.identity for each in found.undeclared] == ["handmade"]
        assert [each.identity for each in found.absent] == ["aws_sqs_queue.gone"]
        assert [each.identity for each in left.resources if each.kind.startswith(PREFIX)] == []

        told = {each.breach.rule.id: each.breach.fingerprint for each in audit.findings}
        for rule in ("undeclared", "declared-but-missing"):
            outcome = run("explain", told[rule])
            assert outcome.code == 0, outcome.err
            assert f"delivery/{rule}" in outcome.out
    finally:
        server.stop()
