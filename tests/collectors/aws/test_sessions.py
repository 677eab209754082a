"""Who the product is to AWS: profiles, assumed roles, expiring credentials, and what is refused before it can hang."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import GapReason, Resource
from collectors.aws import COLLECTOR, AwsOptions
from tests.collectors.aws.faulty import Fault, denied, faulty
from tests.collectors.aws.reading import CREDENTIALS, client, moto
from tests.collectors.aws.recordings import Refusal, stand

STAGING = "arn:aws:iam::111111111111:role/Auditor"
PROD = "arn:aws:iam::222222222222:role/Auditor"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An AWS configuration file, and no credentials in the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    keys = "aws_access_key_id = testing\naws_secret_access_key = testing\n"
    config = tmp_path / "config"
    config.write_text(
        f"[profile acme]\nregion = eu-north-1\n{keys}"
        f"[profile nowhere]\n{keys}"
        f"[profile careful]\nrole_arn = {PROD}\nmfa_serial = arn:aws:iam::222222222222:mfa/me\nsource_profile = acme\n"
        f"[profile behind]\nrole_arn = {STAGING}\nsource_profile = careful\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def options(endpoint_url: str, **others: Any) -> AwsOptions:
    chosen = {"regions": ("eu-west-1",), "services": ("elb",), "max_attempts": 1, **others}
    return AwsOptions(endpoint_url=endpoint_url, **chosen)


def read(chosen: AwsOptions, kind: str) -> list[Any]:
    tasks = COLLECTOR.plan(chosen, Context("staging", Path()))
    return [found for task in tasks if kind in task.kinds for found in task.run()]


def test_two_roles_see_two_accounts() -> None:
    """Each source reads what its own role's account holds, and every resource says which that is."""
    with moto() as url:
        for role, name in ((STAGING, "staging"), (PROD, "prod")):
            keys = client("sts", url).assume_role(RoleArn=role, RoleSessionName="set-up")["Credentials"]
            client("autoscaling", url, keys).create_launch_configuration(
                LaunchConfigurationName="web", ImageId="ami-12345678", InstanceType="t3.micro"
            )
            client("autoscaling", url, keys).create_auto_scaling_group(
                AutoScalingGroupName=f"web-{name}",
                LaunchConfigurationName="web",
                MinSize=0,
                MaxSize=1,
                AvailabilityZones=["eu-west-1a"],
            )
        seen = [
            (found.identity, found.account, found.source)
            for role in (STAGING, PROD)
            for found in read(options(url, role_arn=role, services=("autoscaling",)), "aws.autoscaling.group")
            if isinstance(found, Resource)
        ]
    assert seen == [
        ("web-staging", "111111111111", "aws:111111111111/Auditor"),
        ("web-prod", "222222222222", "aws:222222222222/Auditor"),
    ]


def test_a_role_is_assumed_with_external_id_and_again_before_it_expires() -> None:
    """Credentials that end within minutes are renewed by themselves, with the same external id."""

    def assume(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        assert (asked["RoleArn"], asked["ExternalId"], asked["RoleSessionName"]) == (STAGING, "acme-1", "nightly")
        return {
            "Credentials": {
                "AccessKeyId": "ASIATESTING000000000",
                "SecretAccessKey": "s",
                "SessionToken": "t",
                "Expiration": datetime.now(UTC) + timedelta(minutes=1),
            }
        }

    with stand(
        {"sts.AssumeRole": assume, "autoscaling.DescribeAutoScalingGroups": {"AutoScalingGroups": []}}
    ) as running:
        chosen = options(
            running.endpoint_url,
            role_arn=STAGING,
            external_id="acme-1",
            session_name="nightly",
            services=("autoscaling",),
        )
        (task,) = COLLECTOR.plan(chosen, Context("staging", Path()))
        before = running.count("sts.AssumeRole")
        assert list(task.run()) == []
        assert before >= 1
        assert running.count("sts.AssumeRole") > before


def test_a_role_that_may_not_be_assumed_says_which_call_to_allow() -> None:
    """The error is of AssumeRole, though it was another call that needed the credentials."""
    with stand({"sts.AssumeRole": Refusal("AccessDenied", 403)}) as running, pytest.raises(CollectError) as raised:
        list(COLLECTOR.plan(options(running.endpoint_url, role_arn=STAGING), Context("staging", Path())))
    assert raised.value.reason is GapReason.ACCESS_DENIED
    assert raised.value.detail == "sts:AssumeRole in eu-west-1: AccessDenied; allow sts:AssumeRole"


@pytest.mark.usefixtures("profiles")
def test_a_profile_gives_credentials_and_region() -> None:
    """Without `regions`, the profile's region is read."""
    with stand({}) as running:
        tasks = list(COLLECTOR.plan(options(running.endpoint_url, profile="acme", regions=()), Context("s", Path())))
    assert {(task.source, task.region, task.account) for task in tasks} == {("aws:acme", "eu-north-1", "111122223333")}


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize(
    ("others", "reason", "words"),
    [
        ({"profile": "absent"}, GapReason.ACCESS_DENIED, "no such profile"),
        ({"profile": "careful"}, GapReason.ACCESS_DENIED, "profile 'careful' asks for an MFA code"),
        ({"profile": "behind"}, GapReason.ACCESS_DENIED, "profile 'careful' asks for an MFA code"),
        ({"profile": "nowhere", "regions": ()}, GapReason.UNSUPPORTED, "no region is set"),
        ({}, GapReason.ACCESS_DENIED, "no credentials found"),
        ({"role_arn": STAGING}, GapReason.ACCESS_DENIED, "no credentials found to assume"),
    ],
    ids=["no profile", "mfa", "mfa behind", "no region", "no credentials", "no credentials for role"],
)
def test_what_cannot_work_is_said_before_anything_is_asked(
    others: dict[str, Any], reason: GapReason, words: str
) -> None:
    """One clear error, no prompt, no request."""
    with stand({}) as running, pytest.raises(CollectError) as raised:
        list(COLLECTOR.plan(options(running.endpoint_url, **others), Context("staging", Path())))
    assert raised.value.reason is reason
    assert words in raised.value.detail
    assert running.asked == []


def test_an_account_that_denies_sts_is_no_reason_to_try_other_regions_for_ever() -> None:
    """Every region is asked once, and the last refusal is the answer."""
    with stand({}) as running, faulty(running.endpoint_url, Fault(denied(), operation="GetCallerIdentity")) as proxy:
        with pytest.raises(CollectError, match="allow sts:GetCallerIdentity"):
            list(COLLECTOR.plan(options(proxy.endpoint_url, regions=("a-1", "b-1")), Context("s", Path())))
        assert [request.region for request in proxy.asked] == ["a-1", "b-1"]


@pytest.mark.parametrize("services", [(), ("ssm",), ("ec2", "rds", "rds")])
@pytest.mark.parametrize("regions", [("a-1",), ("a-1", "b-1", "a-1")])
def test_what_the_options_ask_for_is_known_before_anything_is_asked(
    services: tuple[str, ...], regions: tuple[str, ...]
) -> None:
    """As many listings as the tasks make that are planned once AWS answers, each kind and region once."""
    with stand({}) as running:
        given = options(running.endpoint_url, services=services, regions=regions)
        tasks = list(COLLECTOR.plan(given, Context("s", Path())))
    assert given.expected_listings() == len({(task.kinds, task.region) for task in tasks})
    assert options("http://127.0.0.1:9", services=("ssm",), regions=()).expected_listings() == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"services": ("ec3",)}, "no such service: ec3; known are "),
        ({"role_arn": "Auditor"}, "expected a role's ARN"),
        ({"external_id": "x"}, "external_id is only used together with role_arn"),
        ({"regiones": ("eu-west-1",)}, "Extra inputs are not permitted"),
    ],
    ids=["service", "role", "external id", "unknown key"],
)
def test_wrong_options_are_refused_with_what_is_right(given: dict[str, Any], words: str) -> None:
    """A typing error is found when the file is read, not when AWS is."""
    with pytest.raises(ValueError, match=words):
        AwsOptions(**given)


def test_every_option_is_described() -> None:
    """The schema for editors explains each key."""
    assert [name for name, field in AwsOptions.model_fields.items() if not field.description] == []


def test_a_label_tells_sources_apart_without_secrets() -> None:
    """It is known before anything is asked."""
    assert COLLECTOR.label(AwsOptions(role_arn=STAGING, external_id="acme-1")) == "aws:111111111111/Auditor"
    assert COLLECTOR.label(AwsOptions(profile="acme")) == "aws:acme"
    assert COLLECTOR.label(AwsOptions()) == "aws:default"
