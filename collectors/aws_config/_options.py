"""The keys of an `aws_config` entry under `sources:`."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from pydantic import Field, SecretStr, field_validator, model_validator

from auditor.collector import Options
from collectors.aws import AwsOptions
from collectors.aws_config._types import RECORDED, is_type, own_name

GLOBAL = "global"
ACTIONS = ("config:DescribeConfigurationAggregatorSourcesStatus", "config:SelectAggregateResourceConfig")


class AwsConfigOptions(Options):
    """Credentials are given as for `aws`; they are those of the account that the aggregator belongs to."""

    aggregator: str = Field(description="Name of the aggregator of AWS Config", pattern=r"^[A-Za-z0-9_-]{1,256}$")
    region: str = Field(description="Region that the aggregator is in", pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    profile: str | None = Field(default=None, description="Profile of ~/.aws/config to use")
    role_arn: str | None = Field(default=None, description="Role to assume, and to assume again before it expires")
    external_id: SecretStr | None = Field(default=None, description="External id that the role's trust policy asks for")
    accounts: tuple[str, ...] = Field(min_length=1, description="Ids of the accounts that are this environment")
    regions: tuple[str, ...] = Field(
        default=(), description="Regions to read; all that the aggregator collects of the accounts by default"
    )
    kinds: tuple[str, ...] = Field(
        default=("aws.*",),
        description="Globs of kinds to read; a type that is no kind here by its name (`AWS::AppSync::GraphQLApi`)",
    )
    outdated_after_hours: float = Field(
        default=24.0, gt=0, description="Hours after which an account that the aggregator heard nothing of is not known"
    )
    stale_after_days: int | None = Field(
        default=None, ge=1, description="Days after which a resource's record counts as not seen; never by default"
    )
    endpoint_url: str | None = Field(default=None, description="Address of a stand-in server")
    connect_timeout: float = Field(default=5.0, gt=0, description="Seconds to wait for a connection")
    read_timeout: float = Field(default=30.0, gt=0, description="Seconds to wait for an answer")
    max_attempts: int = Field(default=6, ge=1, le=20, description="Attempts per request, the first one included")

    def wanted(self) -> tuple[str, ...]:
        """The mapped kinds that are to be read."""
        return tuple(name for name in sorted(RECORDED) if any(fnmatchcase(name, glob) for glob in self.kinds))

    def others(self) -> tuple[str, ...]:
        """The types that are to be read under names of their own."""
        return tuple(name for name in self.kinds if is_type(name))

    def expected_listings(self) -> int:
        """One per kind, account and region; one region, where it is the aggregator that knows them."""
        kinds = len(self.wanted()) + len({own_name(name) for name in self.others()})
        return kinds * len(self.accounts) * max(1, len(self.regions))

    def access(self) -> AwsOptions:
        """How the aggregator's account is reached."""
        return AwsOptions(
            profile=self.profile,
            role_arn=self.role_arn,
            external_id=self.external_id,
            regions=(self.region,),
            endpoint_url=self.endpoint_url,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            max_attempts=self.max_attempts,
        )

    @field_validator("accounts")
    @classmethod
    def _are_accounts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [each for each in value if not re.fullmatch(r"\d{12}", each)]
        if wrong:
            raise ValueError(f"expected account ids of 12 digits, in quotes, not {', '.join(wrong)}")
        return value

    @field_validator("regions")
    @classmethod
    def _are_regions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [each for each in value if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", each)]
        if wrong:
            raise ValueError(f"expected regions such as eu-west-1, not {', '.join(wrong)}")
        return value

    @model_validator(mode="after")
    def _reads_something(self) -> AwsConfigOptions:
        if not self.wanted() and not self.others():
            raise ValueError(f"kinds names nothing that AWS Config records; known are {', '.join(sorted(RECORDED))}")
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("external_id is only used together with role_arn")
        return self
