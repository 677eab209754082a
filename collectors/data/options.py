"""The keys of a `data` entry under `sources:`."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from auditor.collector import Options
from collectors.data.place import Place, place_of

_DOMAIN = re.compile(r"(?:[a-z0-9-]{1,63}\.)*[a-z0-9-]{1,63}", re.IGNORECASE)
_REGION = re.compile(r"[A-Z]{2}")


class Choice(BaseModel):
    """Names to include and to exclude, as globs. Nothing named: all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    include: tuple[str, ...] = Field(default=(), description="Globs; only what one of them matches. All by default")
    exclude: tuple[str, ...] = Field(default=(), description="Globs; nothing that one of them matches")

    def takes(self, *names: str) -> bool:
        """Whether something that goes by any of `names` is meant."""
        lower = [name.lower() for name in names]
        if any(fnmatchcase(name, glob.lower()) for glob in self.exclude for name in lower):
            return False
        return not self.include or any(fnmatchcase(name, glob.lower()) for glob in self.include for name in lower)


class Limits(BaseModel):
    """How much is asked of the database at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int = Field(default=1000, ge=10, le=100_000, description="Rows that are sampled of each table")
    tables: int = Field(default=500, ge=1, le=20_000, description="Tables that are sampled; more of them are a gap")
    timeout: float = Field(default=5.0, gt=0, le=300, description="Seconds that one statement may take")


class DataOptions(Options):
    """The options of `collector: data`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: SecretStr = Field(
        description="postgresql://, mysql:// or mariadb://user:password@host/database, best as ${NAME}"
    )
    replica_url: SecretStr | None = Field(
        default=None, description="The same of a replica; then only the replica is read, never the primary in its stead"
    )
    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        pattern=r"^[^\s.]+$",
        description="What to call the database, where the environments call theirs differently; its own name by default",
    )
    schemas: Choice = Field(default=Choice(), description="Schemas to sample; all but the server's own by default")
    tables: Choice = Field(default=Choice(), description="Tables to sample, as `table` or `schema.table`")
    views: bool = Field(default=False, description="Sample views, too; what a view costs, only its author knows")
    limits: Limits = Field(default=Limits(), description="Rows per table, number of tables, seconds per statement")
    allowed_domains: tuple[str, ...] = Field(
        default=(),
        description="Domains of e-mail addresses that are nobody's personal data, with their subdomains; example.com and the like always are",
    )
    phone_region: str | None = Field(
        default=None, description="Country (DE, US) in which numbers without a country code are dialled"
    )
    history: tuple[str, ...] = Field(
        default=(
            "*audit*",
            "*_log",
            "*_logs",
            "log",
            "logs",
            "*event",
            "*events",
            "*_history",
            "*activity*",
            "*activities",
        ),
        description="Tables whose oldest row is looked up, as globs",
    )
    connect_timeout: int = Field(default=10, ge=2, le=120, description="Seconds that connecting may take")

    @property
    def place(self) -> Place:
        return place_of(self.url.get_secret_value())

    @property
    def read_place(self) -> Place:
        """The one that is read."""
        return place_of(self.replica_url.get_secret_value()) if self.replica_url is not None else self.place

    def expected_listings(self) -> int:
        return 3

    @field_validator("url", "replica_url")
    @classmethod
    def _is_understood(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            # Without the error's own words, which may quote the URL; `from None` keeps it out of the traceback, too.
            try:
                place_of(url.get_secret_value())
            except ValueError as error:
                raise ValueError(str(error)) from None
        return url

    @model_validator(mode="after")
    def _is_one_product(self) -> DataOptions:
        if self.place.engine != self.read_place.engine:
            raise ValueError("`url` and `replica_url` must be of one product")
        return self

    @field_validator("allowed_domains")
    @classmethod
    def _are_domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        for domain in domains:
            if not _DOMAIN.fullmatch(domain):
                raise ValueError(f"`{domain}` is no domain; write it such as acme.example, without @ or *")
        return domains

    @field_validator("phone_region")
    @classmethod
    def _is_region(cls, region: str | None) -> str | None:
        if region is None:
            return None
        import phonenumbers

        if not _REGION.fullmatch(region) or region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"`{region}` is no country; write its two capital letters, such as DE or US")
        return region
