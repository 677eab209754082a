"""Production's account, by its number, told apart from any other number and from where images come from."""

from __future__ import annotations

import pytest

from auditor.model import Resource
from auditor.names import environment_names
from auditor.references import Target, handles_apart, handles_of

ACCOUNT = "444455556666"
TARGET = Target(environment_names("prod"), frozenset(), frozenset({ACCOUNT}))


@pytest.mark.parametrize(
    "value",
    [
        ACCOUNT,
        f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/orders-events",
        f"https://eu-central-1.queue.amazonaws.com/{ACCOUNT}/orders-events",
        f"arn:aws:sns:eu-central-1:{ACCOUNT}:events",
        f"uploads-{ACCOUNT}",
    ],
)
def test_what_an_account_number_stands_in_belongs_to_that_account(value: str):
    """A queue, a topic, a bucket: none of them needs the environment's name to be production's."""
    assert TARGET.referred_by(value, ("environment", "EVENTS")) == value


@pytest.mark.parametrize(
    "value",
    [
        "444455556667",
        f"1{ACCOUNT}",
        f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/acme/api:1.0.0",
        "https://sqs.eu-west-1.amazonaws.com/111122223333/orders-events",
        "order 4444 5555 6666",
    ],
)
def test_other_numbers_and_shared_registries_are_innocent(value: str):
    """Images are promoted from one registry to the next environment on purpose."""
    assert TARGET.referred_by(value, ("environment", "EVENTS")) is None


@pytest.mark.parametrize(
    "value",
    [
        "https://logs-prod3.grafana.net/loki/api/v1/push",
        "https://prometheus-prod-10-prod-us-central-0.grafana.net/api/prom/push",
        "https://prod-12.westeurope.logic.azure.com:443/workflows/1",
        "https://login.live.com/oauth20_token.srf",
    ],
)
def test_a_provider_s_own_production_is_everybody_s(value: str) -> None:
    """All its customers send to one host, from whatever environment."""
    assert TARGET.referred_by(value, ("environment", "LOKI_URL")) is None


@pytest.mark.parametrize(
    "value", ["https://acme-prod.grafana.net/api", "https://logs-prod3.grafana.net/acme-prod/push"]
)
def test_a_customer_s_name_at_a_provider_is_the_customer_s(value: str) -> None:
    """A stack, a tenant or a path that is called after production is production's."""
    assert TARGET.referred_by(value, ("environment", "LOKI_URL")) is not None


@pytest.mark.parametrize(
    ("key", "value", "refers"),
    [
        ("profileUrl", "https://profile-dot-acme-prod.example.org/dev", True),
        ("IMAGES_BUCKET", "acme-prod-images", True),
        ("FILES_HOST", "files.prod.acme.example", True),
        ("IMAGE_REPOSITORY_URL", "acme-prod.registry.example", False),
        ("LOG_BUCKET", "acme-prod-logs", False),
        ("LOGGING_CLASS", "acme.prod.Json", False),
        ("CONFIG_FILE", "config-prod.acme.example", False),
    ],
)
def test_a_key_that_ends_in_an_address_leads_somewhere(key: str, value: str, refers: bool) -> None:
    """What comes before only says of what. Logs and images are kept in one place for all environments."""
    assert (TARGET.referred_by(value, ("environment", key)) is not None) == refers


def test_what_belongs_to_one_side_alone_is_the_same_for_both_at_once() -> None:
    """Ids, ARNs and endpoints that the other side has not, but for plain words and short ones."""
    ours = [Resource("k", "a", {}, refs=("arn:aws:a", "shared-id", "plainword")), Resource("k", "b", {}, refs=("s-1",))]
    theirs = [Resource("k", "a", {}, refs=("arn:aws:b", "shared-id", "db.internal"))]
    assert handles_apart(ours, theirs) == (handles_of(ours, theirs), handles_of(theirs, ours))
    assert handles_apart(ours, theirs) == ({"arn:aws:a"}, {"arn:aws:b", "db.internal"})
