"""Accounts found through Organizations: by unit and tag, each read with a role of its own; one that refuses costs its part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from auditor.collector import Context
from auditor.config import load_config
from auditor.errors import CollectError
from auditor.model import GapReason, Resource
from auditor.realms import names_of, source_names
from auditor.registry import Registry
from collectors.aws import COLLECTOR, AwsOptions
from collectors.aws._options import ORGANIZATION_ACTIONS
from tests.collectors.aws.reading import CREDENTIALS, client, moto
from tests.collectors.aws.recordings import DENIED, Refusal, stand

ROOT, OUTER, INNER = "r-ab12", "ou-ab12-11111111", "ou-ab12-22222222"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def account(number: str, name: str, state: str = "ACTIVE") -> dict[str, str]:
    return {
        "Id": number * 12,
        "Name": name,
        "State": state,
        "Arn": f"arn:aws:organizations::999999999999:account/o-1/{number * 12}",
    }


def organization(**refused: Refusal) -> dict[str, Any]:
    """Three accounts below two nested units, one of them suspended, and one elsewhere; pages of one."""
    inner = [account("3", "shop-staging"), account("4", "old", "SUSPENDED")]
    below = {OUTER: [account("2", "pay-staging")], INNER: inner}
    tags = {"2" * 12: "staging", "3" * 12: "staging", "5" * 12: "prod"}

    def listed(asked: Any) -> Any:
        found, at = below[asked["ParentId"]], int(asked.get("NextToken", 0))
        return {"Accounts": found[at : at + 1], **({"NextToken": str(at + 1)} if at + 1 < len(found) else {})}

    def assumed(asked: Any) -> Any:
        number = asked["RoleArn"].split(":")[4]
        if number[0] in refused:
            return refused[number[0]]
        keys = {"SecretAccessKey": "s", "SessionToken": "t", "Expiration": "2036-01-01T00:00:00Z"}
        return {
            "Credentials": {"AccessKeyId": f"ASIA{number}", **keys},
            "AssumedRoleUser": {"AssumedRoleId": "r", "Arn": asked["RoleArn"]},
        }

    return {
        "organizations.ListAccounts": {"Accounts": [*below[OUTER], *inner, account("5", "shop-prod")]},
        "organizations.ListAccountsForParent": listed,
        "organizations.ListOrganizationalUnitsForParent": lambda asked: {
            "OrganizationalUnits": [{"Id": INNER}] if asked["ParentId"] == OUTER else []
        },
        "organizations.ListTagsForResource": lambda asked: {
            "Tags": [{"Key": "environment", "Value": tags[asked["ResourceId"]]}]
        },
        "sts.AssumeRole": assumed,
        "elb.DescribeLoadBalancers": {"LoadBalancerDescriptions": []},
    }


def options(endpoint_url: str, **wanted: Any) -> AwsOptions:
    return AwsOptions.model_validate(
        {
            "endpoint_url": endpoint_url,
            "regions": ["eu-west-1"],
            "services": ["elb", "ssm"],
            "max_attempts": 1,
            "organization": {"role": "ParityAuditor", **wanted},
        }
    )


def planned(chosen: AwsOptions) -> list[Any]:
    return list(COLLECTOR.plan(chosen, Context("staging", Path())))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, "235"),
        ({"accounts_in": [OUTER]}, "23"),
        ({"accounts_in": [INNER, OUTER]}, "23"),
        ({"accounts_in": [INNER]}, "3"),
        ({"tags": {"environment": "prod"}}, "5"),
        ({"accounts_in": [OUTER], "exclude": ["pay-staging"]}, "3"),
        ({"exclude": ["222222222222", "555555555555"]}, "3"),
    ],
)
def test_the_accounts_are_those_below_the_units_with_the_tags(wanted: dict[str, Any], expected: str) -> None:
    """Units are searched to the bottom, once; suspended accounts are left out."""
    with stand(organization()) as running:
        tasks = planned(options(running.endpoint_url, **wanted))
    assert sorted({task.account[0] for task in tasks}) == list(expected)
    assert {(task.source, task.account) for task in tasks} == {
        (f"aws:organization/ParityAuditor/{number * 12}", number * 12) for number in expected
    }


def test_an_account_that_refuses_the_role_costs_its_own_part() -> None:
    """The others are read, and the role is asked for once, not once per kind."""
    with stand(organization(**{"2": Refusal("AccessDenied", 403)})) as running:
        found, refused = [], []
        for task in planned(options(running.endpoint_url, accounts_in=[OUTER])):
            try:
                found += list(task.run())
            except CollectError as error:
                refused.append((task.account, error.reason, "sts:AssumeRole" in error.detail))
        asked = [asked["RoleArn"] for name, asked in running.asked if name == "sts.AssumeRole"]
    assert refused.count(("2" * 12, GapReason.ACCESS_DENIED, True)) == 2
    assert asked.count(f"arn:aws:iam::{'2' * 12}:role/ParityAuditor") == 1
    # What the stand-in does not know of SSM is a gap of that kind; the load balancers of the account were read.
    assert {number for number, _, _ in refused} == {"2" * 12, "3" * 12}
    assert found == []


def test_an_account_whose_tags_cannot_be_read_is_a_gap() -> None:
    """It may be one of the wanted."""
    answers = organization()
    tagged = answers["organizations.ListTagsForResource"]
    answers["organizations.ListTagsForResource"] = lambda asked: (
        DENIED if asked["ResourceId"][0] == "3" else tagged(asked)
    )
    with stand(answers) as running:
        tasks = planned(options(running.endpoint_url, accounts_in=[OUTER], tags={"environment": "staging"}))
        unknown = [task for task in tasks if task.account == "3" * 12]
        assert len(tasks) == 2 * len(unknown) == 4
        with pytest.raises(CollectError, match="allow organizations:ListTagsForResource"):
            list(unknown[0].run())


@pytest.mark.parametrize("operation", ["ListAccountsForParent", "ListOrganizationalUnitsForParent"])
def test_accounts_that_cannot_be_listed_are_no_empty_organization(operation: str) -> None:
    """The whole source is a gap, with the permission that it lacks."""
    refused = {**organization(), f"organizations.{operation}": DENIED}
    denied = pytest.raises(CollectError, match=f"allow organizations:{operation}")
    with stand(refused) as running, denied as raised:
        planned(options(running.endpoint_url, accounts_in=[OUTER]))
    assert raised.value.reason is GapReason.ACCESS_DENIED


def test_nothing_that_is_wanted_is_told() -> None:
    """A tag that no account carries is a mistake in the configuration, not an environment without resources."""
    with stand(organization()) as running, pytest.raises(CollectError, match="no active account"):
        planned(options(running.endpoint_url, tags={"environment": "qa"}))


@pytest.fixture(scope="module")
def real() -> Iterator[str]:
    with moto() as url:
        yield url


def test_two_accounts_of_a_real_organization_are_read_with_their_own_role(real: str) -> None:
    """Each resource says whose it is."""
    organizations = client("organizations", real)
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="staging")["OrganizationalUnit"]["Id"]
    numbers = []
    for name in ("pay", "shop"):
        made = organizations.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
        organizations.move_account(AccountId=made["AccountId"], SourceParentId=root, DestinationParentId=unit)
        numbers.append(made["AccountId"])
        role = f"arn:aws:iam::{made['AccountId']}:role/ParityAuditor"
        keys = client("sts", real).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        client("ssm", real, keys).put_parameter(Name=f"/{name}/level", Value="info", Type="String")
    chosen = options(real, accounts_in=[unit])
    found = [each for task in planned(chosen) for each in task.run()]
    assert {(each.identity, each.account) for each in found if isinstance(each, Resource)} == {
        ("/pay/level", numbers[0]),
        ("/shop/level", numbers[1]),
    }


def test_finding_accounts_needs_permissions_of_its_own() -> None:
    """They are those of whoever asks; the roles that are assumed need what the kinds declare."""
    assert all(action.partition(":")[2].startswith("List") for action in ORGANIZATION_ACTIONS)
    chosen = options("http://127.0.0.1:1", accounts_in=[OUTER])
    assert not set(ORGANIZATION_ACTIONS) & set(COLLECTOR.permissions_for(chosen))


@pytest.mark.parametrize(
    "wanted",
    [{"role": "arn:aws:iam::111122223333:role/x"}, {"accounts_in": ["staging"]}, {"ou": ["ou-ab12-11111111"]}],
)
def test_a_mistake_in_the_option_is_refused(wanted: dict[str, Any]) -> None:
    """Before anything is asked."""
    with pytest.raises(ValidationError):
        options("http://127.0.0.1:1", **wanted)


def test_an_account_that_was_found_goes_by_the_names_of_its_source(tmp_path: Path) -> None:
    """Aliases that hold within a source hold in each of its accounts, and in no source whose label only begins alike."""
    (tmp_path / "auditor.yaml").write_text(
        "environments:\n"
        "  staging: {sources: [{collector: aws, aliases: [blueline], organization: {role: Reader}}]}\n"
        "  prod: {sources: [{collector: files, path: .}]}\n"
    )
    config = load_config(tmp_path / "auditor.yaml", registry=Registry.load(), environ={})
    known = source_names(config, "staging", names_of(config, "staging"))
    own = names_of(config, "staging")
    assert "blueline" in known.get("aws:organization/Reader/222222222222", own).tokens
    assert "blueline" in known.get("aws:organization/Reader", own).tokens
    assert "blueline" not in known.get("aws:organization/Reader2/222222222222", own).tokens
