"""Terraform and OpenTofu state (version 4), from a file or folder, from S3, or from an HTTP backend.

Reads the state and nothing else: `s3:GetObject` on the state's object, a GET on the backend's address, the file. What is
sensitive there (marked so in the state, or known to be so of its provider) leaves as a fingerprint; values of outputs
and data sources do not leave at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from auditor.collector import Context, Options, Task
from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Json, Kind, Resource
from collectors._tfstate import Instance, State, parse

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 268_435_456
STATE = "terraform.state"
RESOURCE = "terraform.resource"
_LOCK_FILE = ".terraform.lock.hcl"
_LOCKED = re.compile(r'^provider\s+"([^"]+)"\s*\{\s*version\s*=\s*"([^"]+)"', re.MULTILINE)
# What a provider computes: ids, addresses and times of its own, which differ between any two environments.
_COMPUTED = (
    "id arn self_link unique_id uid owner_id account_id vpc_owner_id registry_id repository_url tags_all timeouts"
    " creation_date create_date created_date creation_time created_at created_time create_time last_modified"
    " last_modified_time last_updated_date updated_at modified_at etag fingerprint metadata_fingerprint endpoint"
    " reader_endpoint address hosted_zone_id dns_name bucket_domain_name bucket_regional_domain_name website_endpoint"
    " website_domain invoke_arn qualified_arn qualified_invoke_arn invoke_url execution_arn url latest_restorable_time"
    " resource_id cluster_resource_id status latest_version source_code_size private_ip private_dns public_ip public_dns"
    " primary_network_interface_id ipv6_addresses instance_state generation resource_version key_id stream_arn"
    " stream_label network_interface_id association_id ipv6_association_id default_network_acl_id"
    " default_route_table_id default_security_group_id main_route_table_id not_after not_before pending_renewal"
    " renewal_summary domain_validation_options validation_emails caller_reference in_progress_validation_batches"
    " certificate_authority identity platform_version arn_suffix arn_without_revision revision name_prefix"
    " latest_revision server_side_encryption_configuration_id primary_endpoint_address reader_endpoint_address"
    " configuration_endpoint_address cache_nodes availability_zone availability_zone_id zone_id region"
).split()
KINDS = (
    Kind(
        name=STATE,
        category=Category.CONFIG,
        about="A Terraform or OpenTofu state: versions, providers, modules and the shape of its outputs",
        volatile=("serial", "lineage"),
        located=True,
    ),
    Kind(
        name=f"{RESOURCE}.*",
        category=Category.CONFIG,
        about="A resource that a Terraform or OpenTofu state declares, by its type",
        volatile=tuple(_COMPUTED),
        verbatim=("tags", "triggers", "variables"),
    ),
)


class S3State(BaseModel):
    """The backend `s3`: which object, and with which credentials."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    bucket: str = Field(min_length=3, description="Bucket of the backend")
    key: str = Field(min_length=1, description="Key of the state; of a workspace `env:/WORKSPACE/KEY`")
    region: str | None = Field(default=None, description="Region of the bucket; the profile's own by default")
    profile: str | None = Field(default=None, description="Profile of ~/.aws/config to use")
    role_arn: str | None = Field(default=None, description="Role to assume for reading the state")
    external_id: SecretStr | None = Field(default=None, description="External id that the role's trust policy asks for")
    endpoint_url: str | None = Field(default=None, description="Address of a stand-in server")


class HttpState(BaseModel):
    """The backend `http`; in short, its address alone."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr = Field(description="Address of the state (the backend's `address`)")
    username: str | None = Field(default=None, description="User of basic authentication")
    password: SecretStr | None = Field(default=None, description="Password of basic authentication")
    timeout: float = Field(default=30.0, gt=0, le=300, description="Seconds for the whole answer")
    ca_file: Path | None = Field(default=None, description="PEM file of the authority that signed the certificate")
    max_bytes: int = Field(default=MAX_BYTES, ge=1, description="Largest state that is read")

    @field_validator("url")
    @classmethod
    def _is_web_address(cls, url: SecretStr) -> SecretStr:
        if not re.match(r"https?://[^/\s]", url.get_secret_value(), re.IGNORECASE):
            raise ValueError("must begin with http:// or https:// and a host")
        return url


class TerraformOptions(Options):
    """The options of `collector: terraform`: exactly one of `path`, `s3` and `http`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    path: str | None = Field(default=None, description="State file, or folder: every *.tfstate below it")
    s3: S3State | None = Field(default=None, description="State in S3: bucket, key, region, profile or role_arn")
    http: HttpState | None = Field(default=None, description="State of an HTTP backend: its address, or its settings")
    name: str | None = Field(
        default=None, description="What the state is called in reports; made of its place by default"
    )

    @field_validator("http", mode="before")
    @classmethod
    def _address_is_backend(cls, value: object) -> object:
        return {"url": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_place(self) -> TerraformOptions:
        if sum(place is not None for place in (self.path, self.s3, self.http)) != 1:
            raise ValueError("give exactly one of path, s3 and http")
        return self

    def expected_listings(self) -> int:
        return len(KINDS)


class TerraformCollector:
    name = "terraform"
    about = "Terraform and OpenTofu state (version 4): from files, S3 or an HTTP backend"
    kinds = KINDS
    options = TerraformOptions
    by_name = False
    permissions = ("s3:GetObject on the state's object", "GET on the address of an HTTP backend")

    def label(self, options: TerraformOptions) -> str:
        return f"terraform:{options.name or _place(options)}"

    def statements(self, options: TerraformOptions) -> list[dict[str, str]]:
        """What IAM has to allow: to read the one object that holds the state, and to assume the role that does."""
        place = options.s3
        if place is None:
            return []
        resource = f"arn:*:s3:::{place.bucket}/{place.key}"
        found = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}]
        if place.role_arn is not None:
            found.append({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": place.role_arn})
        return found

    def plan(self, options: TerraformOptions, context: Context) -> Iterable[Task]:
        """One task per state. Raises CollectError where a folder holds none."""
        label = self.label(options)
        for name, read, location in _states(options, context):
            yield Task(
                source=label,
                kinds=tuple(kind.name for kind in KINDS),
                run=partial(_read, name, read, location, context),
                label=name,
            )


COLLECTOR = TerraformCollector()


def _place(options: TerraformOptions) -> str:
    if options.s3 is not None:
        return f"s3://{options.s3.bucket}/{options.s3.key}"
    if options.http is not None:
        import httpx

        from collectors._web import shown

        return shown(httpx.URL(options.http.url.get_secret_value()))
    return str(options.path)


def _states(options: TerraformOptions, context: Context) -> Iterator[tuple[str, Callable[[], bytes], str]]:
    """Name, how to read it, and where it is, of every state of the source."""
    if options.s3 is not None:
        place = _place(options)
        yield options.name or _called(options.s3.key), partial(_from_s3, options.s3, context), place
    elif options.http is not None:
        place = _place(options)
        called = options.name or _called(place.partition("://")[2].partition("/")[2])
        yield called, partial(_from_http, options.http, context), place
    else:
        for path, shown in _files(str(options.path), context.folder):
            yield options.name or _called(shown), partial(_from_file, path), shown


def _called(place: str) -> str:
    """`envs/staging/terraform.tfstate` is called `envs/staging`, `orders.tfstate` `orders`."""
    bare = re.sub(r"\Aenv:/", "", place)
    bare = re.sub(r"(?:/|\A)(?:terraform|default|opentofu)?\.tfstate\Z|\.tfstate\Z|\.json\Z", "", bare).strip("/")
    return bare or "terraform"


def _files(path: str, folder: Path) -> Iterator[tuple[Path, str]]:
    root = folder / path
    if not root.is_dir():
        yield root, path
        return
    found = sorted(one for one in root.rglob("*.tfstate") if ".terraform" not in one.relative_to(root).parts)
    if not found:
        raise CollectError(
            GapReason.UNSUPPORTED, f"no *.tfstate below {path}: give the folder or file that holds the state"
        )
    for one in found:
        yield one, str(Path(path) / one.relative_to(root))


def _from_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except PermissionError as error:
        raise CollectError(
            GapReason.ACCESS_DENIED, "the state may not be read: grant read access to the file"
        ) from error
    except OSError as error:
        detail = f"the state cannot be read ({error.strerror}): check path"
        raise CollectError(GapReason.UNREACHABLE, detail) from error
    if len(body) > MAX_BYTES:
        raise CollectError(GapReason.TRUNCATED, f"the state is larger than {MAX_BYTES} bytes")
    return body


def _from_s3(place: S3State, context: Context) -> bytes:
    """The object, whole. Raises CollectError by the code that S3 answered."""
    from collectors.aws._errors import EXPECTED, translate
    from collectors.aws._options import AwsOptions
    from collectors.aws._session import Source

    region = place.region
    options = AwsOptions(
        profile=place.profile,
        role_arn=place.role_arn,
        external_id=place.external_id,
        regions=(region,) if region else (),
        endpoint_url=place.endpoint_url,
    )
    source = Source(options, context.meter)
    try:
        answer = source.client("s3", source.regions[0]).get_object(Bucket=place.bucket, Key=place.key)
        if answer["ContentLength"] > MAX_BYTES:
            raise CollectError(GapReason.TRUNCATED, f"the state is larger than {MAX_BYTES} bytes")
        body: bytes = answer["Body"].read()
    except EXPECTED as error:
        raise translate(error, "s3", "GetObject", source.regions[0], known=False) from error
    return body


def _from_http(place: HttpState, context: Context) -> bytes:
    import base64

    from collectors._web import Site, trust

    headers = {}
    if place.username is not None or place.password is not None:
        password = place.password.get_secret_value() if place.password is not None else ""
        pair = f"{place.username or ''}:{password}".encode()
        headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    site = Site(
        api="terraform",
        headers=headers,
        timeout=place.timeout,
        max_bytes=place.max_bytes,
        trust=trust(place.ca_file, context),
    )
    return site.get(context, place.url.get_secret_value()).body


def _read(name: str, read: Callable[[], bytes], location: str, context: Context) -> Iterator[Resource | Gap]:
    """The state and its resources, or an error: half a state is none."""
    try:
        state = parse(read(), context.fingerprint)
    except CollectError as error:
        raise CollectError(error.reason, f"{location}: {error.detail}") from error
    attributes = {**_facts(state), **_locked(location, context.folder)}
    yield Resource(STATE, name, attributes, location=location)
    for instance in state.instances:
        yield _resource(instance, name, location)


def _facts(state: State) -> dict[str, Json]:
    tainted = sorted(instance.address for instance in state.instances if instance.tainted)
    return {
        "terraform_version": state.terraform_version,
        "providers": list(state.providers),
        "modules": list(state.modules),
        "outputs": dict(state.outputs),
        "serial": state.serial,
        "lineage": state.lineage,
        **({"tainted": tainted} if tainted else {}),
    }


def _locked(location: str, folder: Path) -> dict[str, Json]:
    """The providers' versions, which only the lock file beside the configuration knows."""
    lock = (folder / location).parent / _LOCK_FILE if "://" not in location else None
    if lock is None or not lock.is_file():
        return {}
    text = lock.read_text(encoding="utf-8", errors="replace")
    return {"provider_versions": dict(sorted(_LOCKED.findall(text)))}


def _resource(instance: Instance, state: str, location: str) -> Resource:
    attributes = instance.attributes
    tags = attributes.get("tags")
    handles = (attributes.get(key) for key in ("arn", "id", "self_link", "url", "key_arn"))
    region, account = _standing(attributes)
    return Resource(
        kind=f"{RESOURCE}.{instance.type}",
        identity=instance.address,
        attributes=attributes,
        region=region,
        account=account,
        parent=state,
        refs=tuple(dict.fromkeys(handle for handle in handles if isinstance(handle, str) and handle)),
        tags={str(key): str(value) for key, value in tags.items()} if isinstance(tags, dict) else {},
        location=f"{location}#{instance.address}",
    )


def _standing(attributes: Mapping[str, Json]) -> tuple[str | None, str | None]:
    """Region and account of a resource, as far as it tells them: by themselves, or in an ARN of its own."""
    arn = str(attributes.get("arn") or "").split(":", 5)
    _, _, _, region, account = arn[:5] if len(arn) == 6 else [""] * 5
    told = attributes.get("region")
    return (told if isinstance(told, str) and told else region) or None, account if account.isdigit() else None
