"""Systems Manager parameters: plain values read, secure ones only when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from auditor.model import Gap
from auditor.redact import Redactor
from collectors.aws import AwsCollector, AwsOptions
from tests.collectors.aws.reading import client, declared, lost, moto, read
from tests.collectors.aws.recordings import DENIED, Recording, recordings, stand

RECORDED = recordings("ssm.DescribeParameters")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A moto account with more parameters than a page or a batch holds."""
    with moto() as url:
        ssm = client("ssm", url)
        for number in range(23):
            ssm.put_parameter(Name=f"/orders/staging/setting-{number:02}", Value=f"value {number}", Type="String")
        ssm.put_parameter(Name="/orders/staging/hosts", Value="a.example,b.example", Type="StringList")
        ssm.put_parameter(Name="/orders/staging/db/password", Value="canary-secure", Type="SecureString")
        ssm.put_parameter(Name="/orders/staging/stripeApiKey", Value="canary-plain", Type="String")
        yield url


def test_every_plain_value_is_read_ten_at_a_time(server: str) -> None:
    """Names are paths, values are as stored, a list is a list."""
    seen = read("aws.ssm.parameter", server)
    assert (seen.gaps, seen.failed) == ((), None)
    assert len(seen.resources) == 26
    assert seen.named("/orders/staging/setting-22").attributes == {
        "type": "String",
        "tier": "Standard",
        "data_type": "text",
        "policies": [],
        "value": "value 22",
    }
    assert seen.named("/orders/staging/hosts").attributes["value"] == ["a.example", "b.example"]


def test_labels_say_whether_the_newest_version_carries_them(server: str) -> None:
    """Asked for by an option of their own; without it nothing is asked, and nothing of theirs must be allowed."""
    ssm = client("ssm", server)
    name = "/orders/staging/setting-00"
    ssm.label_parameter_version(Name=name, Labels=["stable"])
    ssm.put_parameter(Name=name, Value="value 0", Type="String", Overwrite=True)
    ssm.label_parameter_version(Name=name, Labels=["canary"])
    seen = read("aws.ssm.parameter", server, read_parameter_labels=True)
    assert (seen.gaps, seen.failed) == ((), None)
    assert seen.named(name).attributes["labels"] == ["canary: newest", "stable: older"]
    assert seen.named("/orders/staging/hosts").attributes["labels"] == []
    assert "labels" not in read("aws.ssm.parameter", server).named(name).attributes
    needed = [
        AwsCollector().permissions_for(AwsOptions(services=("ssm",), read_parameter_labels=on)) for on in (False, True)
    ]
    assert set(needed[1]) - set(needed[0]) == {"ssm:GetParameterHistory"}


def test_a_secure_value_is_not_read_unless_asked_for(server: str) -> None:
    """Its absence is a choice: no gap, and the value is nowhere."""
    seen = read("aws.ssm.parameter", server)
    password = seen.named("/orders/staging/db/password").attributes
    assert password["type"] == "SecureString"
    assert not {"value", "secure_value"} & password.keys()
    assert "canary-secure" not in repr(seen)


def test_a_secure_value_that_was_asked_for_stands_where_it_is_declared_secret(server: str) -> None:
    """`secure_value` is what the declaration calls secret, so it leaves the collecting process as a fingerprint only."""
    seen = read("aws.ssm.parameter", server, read_secure_values=True)
    assert seen.named("/orders/staging/db/password").attributes["secure_value"] == "canary-secure"
    assert declared("aws.ssm.parameter").secret == ("secure_value",)


def test_a_plain_parameter_that_is_called_like_a_secret_leaves_as_a_fingerprint(server: str) -> None:
    """Somebody stored a key as String: its type does not make it public."""
    seen = read("aws.ssm.parameter", server)
    redactor = Redactor(b"k" * 32)
    kind = declared("aws.ssm.parameter")
    key = redactor.resource(seen.named("/orders/staging/stripeApiKey"), kind)
    assert key.attributes["value"] == redactor.marker("canary-plain")
    plain = redactor.resource(seen.named("/orders/staging/setting-22"), kind)
    assert plain.attributes["value"] == "value 22"


def test_decryption_is_asked_of_iam_only_when_the_option_is_on() -> None:
    """The generated policy holds no more than the enabled options need."""
    plain = AwsCollector().permissions_for(AwsOptions(services=("ssm",), cloudtrail=False))
    assert plain == ("ssm:DescribeParameters", "ssm:GetParameters")
    secure = AwsCollector().permissions_for(AwsOptions(services=("ssm",), cloudtrail=False, read_secure_values=True))
    assert set(secure) - set(plain) == {"kms:Decrypt"}


def _listed(*names: str) -> dict[str, Any]:
    return {"Parameters": [{"Name": name, "Type": "String", "Tier": "Standard"} for name in names]}


def _values_of(allowed: str) -> Any:
    """GetParameters for a role that may read below one path only: one name outside, and the whole batch is refused."""

    def answer(asked: Any) -> Any:
        if not all(name.startswith(allowed) for name in asked["Names"]):
            return DENIED
        return {"Parameters": [{"Name": name, "Value": "v", "Type": "String"} for name in asked["Names"]]}

    return answer


def test_the_right_to_read_one_path_is_not_lost_for_its_neighbours() -> None:
    """A refused batch is asked for one by one, and just the refused values are gaps."""
    answers = {"ssm.DescribeParameters": _listed("/a/1", "/b/1", "/a/2"), "ssm.GetParameters": _values_of("/a/")}
    with stand(answers) as server:
        seen = read("aws.ssm.parameter", server.endpoint_url)
    assert {each.identity: each.attributes.get("value") for each in seen.resources} == {
        "/a/1": "v",
        "/a/2": "v",
        "/b/1": None,
    }
    assert "value" not in seen.named("/b/1").attributes
    assert [(gap.resource, gap.attribute, gap.reason) for gap in seen.gaps] == [("/b/1", "value", "access_denied")]


def test_when_nothing_may_be_read_it_is_not_asked_for_one_by_one_for_ever() -> None:
    """The first batch proves it; from then on a refused batch is ten gaps and one request."""
    names = [f"/x/{number}" for number in range(30)]
    answers = {"ssm.DescribeParameters": _listed(*names), "ssm.GetParameters": DENIED}
    with stand(answers) as server:
        seen = read("aws.ssm.parameter", server.endpoint_url)
        assert server.count("ssm.GetParameters") == 1 + 10 + 1 + 1
    assert len(seen.resources) == len(seen.gaps) == 30
    assert seen.failed is None


def test_a_value_that_is_listed_but_not_answered_is_a_gap() -> None:
    """It is not a parameter without a value: nobody knows its value."""
    answers = {
        "ssm.DescribeParameters": _listed("/a/1"),
        "ssm.GetParameters": {"Parameters": [], "InvalidParameters": ["/a/1"]},
    }
    with stand(answers) as server:
        seen = read("aws.ssm.parameter", server.endpoint_url)
    gap: Gap = seen.gaps[0]
    assert (gap.resource, gap.attribute, gap.reason) == ("/a/1", "value", "malformed")


@pytest.mark.skipif(not RECORDED, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize("recorded", RECORDED, ids=str)
def test_a_recorded_listing_loses_nothing_that_is_not_declared(recorded: Recording) -> None:
    """Every leaf of a real answer is an attribute, the identity, or named in the declaration as dropped."""
    answers = {recorded.operation: recorded.data, "ssm.GetParameters": _values_of("")}
    with stand(answers) as server:
        seen = read("aws.ssm.parameter", server.endpoint_url, read_secure_values=True)
    assert (seen.gaps, seen.failed) == ((), None)
    for item in recorded.data["Parameters"]:
        assert lost(declared("aws.ssm.parameter"), item, seen.named(item["Name"])) == []
