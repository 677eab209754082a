"""The collector of Terraform and OpenTofu state: what it reads, what it refuses, and what never leaves it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer
from pydantic import ValidationError

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import GapReason, Resource
from auditor.redact import Redactor
from collectors.terraform import COLLECTOR, TerraformOptions
from tests.collectors.states import company, instance, state
from tests.collectors.whole import compared
from tests.standins.hostile import CANARY, FAULTS, Answer, hostile

REDACTOR = Redactor(b"k" * 32)


def read(folder: Path, timeout: float = 30.0, **options: Any) -> list[Resource]:
    """What one source yields; a listing that failed raises."""
    context = Context(environment="staging", folder=folder, timeout=timeout, fingerprint=REDACTOR.fingerprint)
    found = [item for task in COLLECTOR.plan(TerraformOptions(**options), context) for item in task.run()]
    assert all(isinstance(item, Resource) for item in found)
    return [item for item in found if isinstance(item, Resource)]


def of(folder: Path, body: bytes) -> dict[str, Resource]:
    """The resources of a state file, by identity."""
    (folder / "terraform.tfstate").write_bytes(body)
    return {item.identity: item for item in read(folder, path="terraform.tfstate")}


def refused(folder: Path, body: bytes) -> CollectError:
    with pytest.raises(CollectError) as caught:
        of(folder, body)
    return caught.value


def test_managed_resources_go_by_their_address_and_data_sources_stay_where_they_are(tmp_path: Path) -> None:
    """Modules and keys of `for_each` are part of the address; the handles by which others point at it are refs."""
    found = of(tmp_path, state(company("staging")))
    assert sorted(found) == [
        "aws_iam_role.task",
        "aws_security_group.db",
        "aws_service_discovery_service.api",
        'aws_sqs_queue.jobs["bills"]',
        'aws_sqs_queue.jobs["mail"]',
        "aws_vpc.main",
        "module.orders.aws_db_instance.main",
        "random_password.api",
        "terraform",
    ]
    database = found["module.orders.aws_db_instance.main"]
    assert database.kind == "terraform.resource.aws_db_instance"
    assert "arn:aws:rds:eu-west-1:111111111111:db:orders-staging" in database.refs
    assert (database.parent, database.tags["team"]) == ("terraform", "orders")
    assert database.location == "terraform.tfstate#module.orders.aws_db_instance.main"
    assert "kms_key_id" not in database.attributes  # null is what nobody set
    assert found["aws_service_discovery_service.api"].attributes["dns_config"] == {
        "routing_policy": "MULTIVALUE",
        "dns_records": {"ttl": 10, "type": "A"},
    }


def test_a_state_tells_versions_modules_taints_and_the_shape_of_its_outputs(tmp_path: Path) -> None:
    """No value of an output leaves; providers' versions are read from the lock file beside the state."""
    (tmp_path / ".terraform.lock.hcl").write_text(
        'provider "registry.example.com/hashicorp/aws" {\n  version = "5.31.0"\n  hashes = []\n}\n'
    )
    outputs = {
        "url": {"value": "https://x", "type": "string"},
        "key": {"value": "LEAK", "type": "string", "sensitive": True},
        "hosts": {"value": {"a": 1}, "type": ["object", {"a": "number"}]},
    }
    tainted = instance("aws_instance", "web", {"id": "i-1", "user_data": "LEAK"}, status="tainted", index_key=0)
    deposed = instance("aws_instance", "old", {"id": "i-2"}, deposed="5c1f")
    found = of(tmp_path, state([*company("staging"), tainted, deposed], outputs=outputs))
    attributes = found["terraform"].attributes
    assert attributes["terraform_version"] == "1.9.2"
    assert attributes["providers"] == ["registry.example.com/hashicorp/aws"]
    assert attributes["provider_versions"] == {"registry.example.com/hashicorp/aws": "5.31.0"}
    assert attributes["modules"] == ["module.orders"]
    assert attributes["tainted"] == ["aws_instance.web[0]"]
    assert attributes["outputs"] == {
        "hosts": {"type": '["object", {"a": "number"}]'},
        "key": {"type": "string", "sensitive": True},
        "url": {"type": "string"},
    }
    assert "aws_instance.old" not in found
    assert "LEAK" not in repr(found)


def test_sensitive_values_leave_as_fingerprints_wherever_they_stand(tmp_path: Path) -> None:
    """Marked by path, through lists and into sets; known of their provider; and equal values stay equal."""

    def marked(*steps: Any) -> list[Any]:
        return [
            {"type": "get_attr", "value": step}
            if isinstance(step, str)
            else {"type": "index", "value": {"value": step, "type": "number"}}
            for step in steps
        ]

    attributes = {
        "id": "b-1",
        "user": [{"username": "app", "password": "LEAK1"}],
        "set": [{"name": "x", "value": "LEAK2"}],
        "whole": {"a": "LEAK3", "n": None},
        "gone": None,
        "empty": "",
    }
    sensitive = [
        marked("user", 0, "password"),
        [{"type": "get_attr", "value": "set"}, {"type": "index", "value": {"value": {"name": "x"}, "type": "dynamic"}}],
        marked("whole"),
        marked("gone"),
        marked("empty"),
        marked("nowhere", 3, "deep"),
    ]
    found = of(
        tmp_path,
        state(
            [
                instance("aws_mq_broker", "b", attributes, sensitive_attributes=sensitive),
                instance("tls_private_key", "k", {"id": "x", "private_key_pem": "LEAK4", "public_key_pem": "public"}),
                instance("kubernetes_secret", "s", {"id": "a/s", "data": {"TOKEN": "LEAK4"}}),
                instance("aws_secretsmanager_secret_version", "v", {"id": "v", "secret_string": "LEAK4"}),
            ]
        ),
    )
    assert "LEAK" not in repr(found)
    broker = found["aws_mq_broker.b"].attributes
    assert broker["user"]["username"] == "app"
    assert broker["set"].startswith("{secret:")
    assert (broker["empty"], "gone" in broker, "nowhere" in broker) == ("", False, False)
    key, secret, version = (
        found["tls_private_key.k"].attributes,
        found["kubernetes_secret.s"].attributes,
        found["aws_secretsmanager_secret_version.v"].attributes,
    )
    assert key["private_key_pem"] == secret["data"]["TOKEN"] == version["secret_string"]
    assert key["public_key_pem"] == "public"
    assert broker["whole"]["a"] != key["private_key_pem"]


@pytest.mark.parametrize(
    ("body", "reason", "told"),
    [
        (b"", GapReason.MALFORMED, "empty"),
        (state(company("staging"))[:400], GapReason.MALFORMED, "half-written"),
        (b"[]", GapReason.MALFORMED, "no object"),
        (b'{"serial": 1}', GapReason.MALFORMED, "no version"),
        (b'{"version": 3, "modules": []}', GapReason.UNSUPPORTED, "Terraform 0.12 or newer"),
        (b'{"version": 5}', GapReason.UNSUPPORTED, "version 4 is the one"),
        (b'{"version": 4, "serial": 1}', GapReason.MALFORMED, "not a whole state"),
        (
            b'{"serial": 3, "lineage": "x", "meta": {}, "encrypted_data": "LEAK", "encryption_version": "v0"}',
            GapReason.UNSUPPORTED,
            "encrypted by OpenTofu",
        ),
        (b'{"ID": "a", "Operation": "OperationTypeApply", "Who": "LEAK"}', GapReason.MALFORMED, "lock of a state"),
        (state([{"mode": "managed", "type": "x", "name": "y", "provider": "p", "instances": [{}]}]), GapReason.MALFORMED,
         "not a whole state"),
    ],
)  # fmt: skip
def test_what_is_no_readable_state_is_refused_with_its_reason(
    tmp_path: Path, body: bytes, reason: GapReason, told: str
) -> None:
    """Each with what to do about it, and with nothing of what it holds."""
    error = refused(tmp_path, body)
    assert error.reason is reason
    assert told in error.detail
    assert "terraform.tfstate" in error.detail
    assert "LEAK" not in error.detail


def test_a_folder_holds_as_many_states_as_it_has_files_and_one_bad_one_costs_only_itself(tmp_path: Path) -> None:
    """States are told apart by their place; what Terraform keeps below `.terraform` is none."""
    for name in ("network/terraform.tfstate", "orders.tfstate", ".terraform/terraform.tfstate"):
        (tmp_path / "envs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "envs" / name).write_bytes(state([]))
    assert [item.identity for item in read(tmp_path, path="envs")] == ["envs/network", "envs/orders"]
    (tmp_path / "empty").mkdir()
    for path, reason in (("empty", GapReason.UNSUPPORTED), ("nothing.tfstate", GapReason.UNREACHABLE)):
        with pytest.raises(CollectError) as caught:
            read(tmp_path, path=path)
        assert caught.value.reason is reason


def test_an_http_backend_is_asked_with_basic_authentication_and_every_fault_of_it_is_an_error(tmp_path: Path) -> None:
    """Never an empty state: refusals, half an answer, too much, elsewhere, silence each have their reason."""
    with hostile({"/state/orders": Answer(state(company("staging")))}) as server:
        backend = {"url": f"{server.url}/state/orders?token={CANARY}", "username": "ci", "password": "pw", "timeout": 1}
        found = read(tmp_path, http=backend)
        assert (len(found), found[0].identity, found[0].location) == (9, "state/orders", f"{server.url}/state/orders")
        assert server.asked[-1][1]["authorization"] == "Basic Y2k6cHc="
        for fault, reason in FAULTS.items():
            server.fault = fault
            with pytest.raises(CollectError) as caught:
                read(tmp_path, http={**backend, "max_bytes": 1_000_000})
            assert caught.value.reason is reason, fault
            assert CANARY not in caught.value.detail


def test_a_state_in_s3_is_read_with_get_object_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the credentials of the AWS collector; a key that is not there is an error that names the call."""
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        place = {"bucket": "acme-states", "region": "us-east-1", "endpoint_url": f"http://{host}:{port}"}
        client = boto3.client("s3", region_name="us-east-1", endpoint_url=place["endpoint_url"])
        client.create_bucket(Bucket="acme-states")
        client.put_object(Bucket="acme-states", Key="staging/orders/terraform.tfstate", Body=state(company("staging")))
        found = read(tmp_path, s3={**place, "key": "staging/orders/terraform.tfstate"})
        assert (found[0].identity, len(found)) == ("staging/orders", 9)
        with pytest.raises(CollectError) as caught:
            read(tmp_path, s3={**place, "key": "nothing"})
        assert "GetObject" in caught.value.detail
    finally:
        server.stop()


def test_exactly_one_place_is_given_and_labels_hold_no_secret() -> None:
    """An address may carry a password; the label of its source does not."""
    for wrong in ({}, {"path": "a", "http": "http://b/c"}, {"http": "ftp://b/c"}):
        with pytest.raises(ValidationError):
            TerraformOptions.model_validate(wrong)
    options = TerraformOptions.model_validate({"http": f"https://u:{CANARY}@states.acme.io/orders?x={CANARY}"})
    assert COLLECTOR.label(options) == "terraform:https://states.acme.io/orders"


def test_redaction_finds_nothing_more_in_what_leaves_but_names_that_promise_secrets(tmp_path: Path) -> None:
    """The password is a marker before redaction sees it, so a second look changes nothing of it."""
    found = of(tmp_path, state(company("prod")))["module.orders.aws_db_instance.main"]
    assert found.attributes["password"] == f"{{secret:{REDACTOR.fingerprint('hunter-prod')}}}"
    again = REDACTOR.resource(found, replace(COLLECTOR.kinds[1], name=found.kind))
    assert json.dumps(dict(again.attributes)) == json.dumps(dict(found.attributes))


def test_states_that_lie_in_other_places_and_regions_are_one_thing(tmp_path: Path) -> None:
    """What a state is called follows from its place; where a resource stands is told of each by newer providers."""
    zoned = {
        "id": "1",
        "region": "eu-west-1",
        "availability_zones": ["eu-west-1a", "eu-west-1b"],
        "name": "web-eu-west-1",
    }
    for environment, region in (("staging", "eu-west-1"), ("prod", "eu-central-1")):
        body = state([*company(environment), instance("aws_autoscaling_group", "web", zoned)])
        (tmp_path / f"{environment}.tfstate").write_bytes(body.replace(b"eu-west-1", region.encode()))
    (tmp_path / "shop.tfstate").write_bytes((tmp_path / "prod.tfstate").read_bytes())
    (tmp_path / "infra").mkdir()
    (tmp_path / "staging.tfstate").rename(tmp_path / "infra/staging.tfstate")
    left = {"path": "infra/staging.tfstate"}
    assert compared(COLLECTOR, left, {"path": "shop.tfstate"}, tmp_path) == []
    body = (tmp_path / "prod.tfstate").read_bytes().replace(b'"1.9.2"', b'"1.5.7"')
    (tmp_path / "prod.tfstate").write_bytes(body)
    assert [place for place, *_ in compared(COLLECTOR, left, {"path": "prod.tfstate"}, tmp_path)] == ["infra/{env}"]
