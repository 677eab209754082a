"""Cognito: user pools with their sign-in rules and triggers, and the clients of each. Secrets of clients are not kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws._described import one
from collectors.aws.base import AwsKind, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_PAGE = 60


def _pools(reader: Reader) -> Iterator[Document | Gap]:
    for pool in reader.items("ListUserPools", "UserPools", MaxResults=_PAGE):
        try:
            yield from one(reader, "DescribeUserPool", "UserPool", UserPoolId=pool["Id"])
        except CollectError as error:
            yield reader.gap(error, resource=pool["Name"])


def _pool(attributes: dict[str, Json]) -> dict[str, Json]:
    """Triggers by what they are called for; ids that secure a role's use fall out."""
    for name in ("sms_configuration", "email_configuration"):
        (attributes.get(name) or {}).pop("external_id", None)
    return attributes


def _clients(reader: Reader) -> Iterator[Document | Gap]:
    for pool in reader.items("ListUserPools", "UserPools", MaxResults=_PAGE):
        try:
            clients = list(reader.items("ListUserPoolClients", "UserPoolClients", UserPoolId=pool["Id"]))
        except CollectError as error:
            yield reader.gap(error)
            continue
        for client in clients:
            name = f"{pool['Name']}/{client['ClientName']}"
            asked = {"UserPoolId": pool["Id"], "ClientId": client["ClientId"]}
            try:
                for found in one(reader, "DescribeUserPoolClient", "UserPoolClient", **asked):
                    yield {**found, "known_as": name, "pool": pool["Name"]}
            except CollectError as error:
                yield reader.gap(error, resource=name)


def _client(attributes: dict[str, Json]) -> dict[str, Json]:
    attributes["has_secret"] = attributes.pop("client_secret", None) is not None
    attributes.pop("analytics_configuration", None)
    return attributes


KINDS = (
    AwsKind(
        name="aws.cognito.user_pool",
        category=Category.SECURITY,
        about="User pools: passwords, second factors, triggers, schema, recovery, protection",
        cloudformation="AWS::Cognito::UserPool",
        service="cognito-idp",
        operation="DescribeUserPool",
        result="UserPool",
        read=_pools,
        identity="Name",
        location="Arn",
        refs=("Id",),
        tags="UserPoolTags",
        keyed={"schema_attributes": "name", "account_recovery_setting.recovery_mechanisms": "name"},
        drop=(
            "id",
            "arn",
            "name",
            "status",
            "creation_date",
            "last_modified_date",
            "estimated_number_of_users",
            "sms_configuration_failure",
            "email_configuration_failure",
            "domain",
            "custom_domain",
        ),
        transform=_pool,
        permissions=("cognito-idp:ListUserPools",),
    ),
    AwsKind(
        name="aws.cognito.user_pool_client",
        category=Category.SECURITY,
        about="Clients of user pools: flows, scopes, addresses to return to, lifetimes of tokens",
        cloudformation="AWS::Cognito::UserPoolClient",
        service="cognito-idp",
        operation="DescribeUserPoolClient",
        result="UserPoolClient",
        read=_clients,
        identity="known_as",
        references=("token_validity_units.*",),  # hours or days, not tokens
        parent="pool",
        drop=("known_as", "pool", "user_pool_id", "client_id", "client_name", "creation_date", "last_modified_date"),
        transform=_client,
        permissions=("cognito-idp:ListUserPools", "cognito-idp:ListUserPoolClients"),
    ),
)
