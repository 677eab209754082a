"""The keys of an `aws` entry under `sources:`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from auditor.collector import Options
from collectors.aws._registry import services
from collectors.aws.base import AwsKind

LOOKUP = "cloudtrail:LookupEvents"

# Several requests for each of many things, and quotas far above these: at the ordinary rate three hundred buckets would
# take longer than a listing may.
# https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
_RATES = {"s3": 100.0, "sqs": 100.0, "kms": 100.0, "secretsmanager": 40.0}

ORGANIZATION_ACTIONS = (
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListTagsForResource",
)


class Organization(BaseModel):
    """Which accounts of an AWS organization are read, and by which role. The source's own credentials find them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: str = Field(description="Name of the role that exists in every account and is assumed there")
    accounts_in: tuple[str, ...] = Field(
        default=(), description="Ids of organizational units or of the root; all accounts by default"
    )
    tags: Mapping[str, str] = Field(default_factory=dict, description="Tags that an account carries, all of them")
    exclude: tuple[str, ...] = Field(default=(), description="Ids or names of accounts that are left out")
    external_id: SecretStr | None = Field(default=None, description="External id that the role's trust policy asks for")

    @field_validator("role")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not re.fullmatch(r"[\w+=,.@-][\w+=,.@/-]{0,511}", value) or value.startswith("role/"):
            raise ValueError("expected the name of a role, such as ParityAuditor, which is the same in every account")
        return value

    @field_validator("accounts_in")
    @classmethod
    def _are_parents(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [each for each in value if not re.fullmatch(r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32}", each)]
        if wrong:
            raise ValueError(f"expected ids such as ou-ab12-3cd4ef56 or r-ab12, not {', '.join(wrong)}")
        return value


class AwsOptions(Options):
    """Credentials come from `profile`, from `role_arn` (assumed with the profile or the default chain), or from the
    default chain alone. With `organization` they find accounts, and each account is read by a role of its own."""

    profile: str | None = Field(default=None, description="Profile of ~/.aws/config to use")
    role_arn: str | None = Field(default=None, description="Role to assume, and to assume again before it expires")
    external_id: SecretStr | None = Field(default=None, description="External id that the role's trust policy asks for")
    session_name: str = Field(
        default="parity-auditor", description="Session name that CloudTrail shows", pattern=r"^[\w+=,.@-]{2,64}$"
    )
    organization: Organization | None = Field(
        default=None, description="Accounts of an AWS organization to read, by organizational unit and tags"
    )
    regions: tuple[str, ...] = Field(default=(), description="Regions to read; the profile's own by default")
    services: tuple[str, ...] = Field(default=(), description="Services to read; all by default")
    endpoint_url: str | None = Field(default=None, description="Address of a stand-in server, for every service")
    connect_timeout: float = Field(default=5.0, gt=0, description="Seconds to wait for a connection")
    read_timeout: float = Field(default=15.0, gt=0, description="Seconds to wait for an answer")
    max_attempts: int = Field(default=6, ge=1, le=20, description="Attempts per request, the first one included")
    requests_per_second: float = Field(
        default=20.0,
        gt=0,
        description="Requests per second and per account, region and service, over all sources; unless it is set, "
        "services that allow more are asked more often (S3, SQS and KMS 100 times, Secrets Manager 40)",
    )

    read_secure_values: bool = Field(
        default=False, description="Read the values of SecureString parameters; only their fingerprints are kept"
    )
    read_parameter_labels: bool = Field(
        default=False, description="Read which labels a parameter's versions carry; one more request per parameter"
    )
    read_secret_values: bool = Field(
        default=False, description="Read the values in Secrets Manager; only their fingerprints are kept"
    )
    cloudtrail: bool = Field(
        default=True, description="Ask CloudTrail who made a change that a new finding is about; two requests a second"
    )

    def enabled(self) -> list[AwsKind]:
        """The kinds of the services that are to be read."""
        return [kind for name in self.services or services() for kind in services()[name]]

    def rate(self, service: str) -> float:
        """Requests per second to botocore's `service`."""
        if "requests_per_second" in self.model_fields_set:
            return self.requests_per_second
        return _RATES.get(service, self.requests_per_second)

    def expected_listings(self) -> int:
        """One per kind and region. Without `regions` it is the one region of the profile, whichever that is."""
        regions = self.regions or (None,)
        return len({(kind.name, kind.everywhere or region) for kind in self.enabled() for region in regions})

    @field_validator("role_arn")
    @classmethod
    def _is_role(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"arn:aws[\w-]*:iam::\d{12}:role/.+", value):
            raise ValueError("expected a role's ARN, such as arn:aws:iam::111122223333:role/ParityAuditor")
        return value

    @field_validator("services")
    @classmethod
    def _are_services(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = services()
        unknown = [name for name in value if name not in known]
        if unknown:
            raise ValueError(f"no such service: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        return value

    @model_validator(mode="after")
    def _external_id_needs_role(self) -> AwsOptions:
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("external_id is only used together with role_arn")
        return self
