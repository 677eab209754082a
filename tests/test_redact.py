"""No secret survives redaction, whatever it stands in; nothing else is touched; equality is kept."""

from __future__ import annotations

import base64
import json
import random
import re
import secrets
import string
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model import Category, Gap, GapReason, Kind, Resource
from auditor.opaque import looks_opaque
from auditor.placeholders import is_default_credential, is_placeholder
from auditor.redact import Redactor
from auditor.secretnames import names_secret

REDACTOR = Redactor(b"0123456789abcdef0123456789abcdef")
KIND = Kind("test.thing", Category.CONFIG, "", secret=("settings.motto", "data.**"), references=("stores.secrets.*",))
RECORDINGS = Path(__file__).resolve().parents[1] / ".." / "shared" / "aws-recordings"
MARKER = re.compile(r"\{secret:[0-9a-f]{32}(:placeholder)?\}")
CANARY = "Qz7-CaNaRy!9"


def redacted(attributes: dict[str, Any], **fields: Any) -> Resource:
    return REDACTOR.resource(Resource("test.thing", "orders", attributes, **fields), KIND)


def attribute(value: Any, key: str = "thing") -> Any:
    return redacted({key: value}).attributes[key]


SECRET_NAMES = """DB_PASSWORD apiKey FASTLY_APIKEY PGPASSWORD dbpassword S3_SECRET_ACCESS_KEY SECRET_KEY DANGEROUS_SALT
    NEW_RELIC_LICENSE_KEY DSP_TOKEN_SIGNING_KEY MICROSERVICE_TOKEN DB_PASSWORD_2 PASSWORD_STAGING clientSecret SMTP_PASS
    master-user-password REDIS_AUTH tls.key connection_string ConnectionStrings MasterUserPassword AccountKey TOKEN
    aws_secret_access_key github_token PASSWORD_HASH VAULT_SECRET_ID DB_PWD DD_API_KEY spring.datasource.password
    credentials X-Api-Key STRIPE_KEY mysqlPwd ENCRYPTION_KEY secretkey SECRET_KEY_BASE INTERNAL_CLIENT_API_KEYS""".split()
HARMLESS_NAMES = """PASSWORD_MIN_LENGTH TOKEN_TTL SECRET_NAME KEY_VAULT_NAME TLS_KEY_PATH PASSWORD_FILE PUBLIC_KEY
    SECRETS_MANAGER_ARN KEYBOARD MONKEY AUTHOR AUTH_URL S3_KEY key S3_ACCESS_KEY_ID DSP_TOKEN_ISSUER MAX_TOKENS
    DSP_TOKEN_ISSUE_ENDPOINT secretKeyRef secretName tlsSecretName TOKENIZER auth_mode proxy_pass kms_key_id KEY_ID
    partition_key primaryKey existingSecret password_policy SALT_ROUNDS SESSION_COOKIE_NAME hash_key JWT_ALGORITHM
    compass bypass PASSENGER_COUNT notification_webhook SecretArn token_url client_id SMS_RATE_LIMITER_BACKEND
    existingSecretKey existingSecretPasswordKey""".split()


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_value_under_a_name_that_promises_a_secret_is_replaced(name: str) -> None:
    """Snake, camel, kebab and glued names are read as words."""
    assert names_secret(name)
    assert MARKER.fullmatch(attribute("hunter2!", name))


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_a_value_under_a_name_that_only_speaks_of_a_secret_stays(name: str) -> None:
    """Lengths, paths, names and public keys say nothing secret."""
    assert attribute("orders-8", name) == "orders-8"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("postgres://app:{}@db.internal:5432/orders?sslmode=require", "db.internal:5432/orders?sslmode=require"),
        ("redis://:{}@cache:6379/0", "@cache:6379/0"),
        ("mongodb+srv://app:{}@c0.mongodb.net/db?retryWrites=true", "c0.mongodb.net/db?retryWrites=true"),
        ("jdbc:postgresql://db/orders?user=app&password={}", "jdbc:postgresql://db/orders?user=app&password="),
        ("jdbc:sqlserver://db:1433;user=app;password={};encrypt=true", ";encrypt=true"),
        ("https://api.example.org/hook?token={}&page=2", "https://api.example.org/hook?token="),
        ("https://acct.blob.core.windows.net/c?sv=2024-01-01&sig={}", "?sv=2024-01-01&sig="),
        ("https://hooks.slack.com/services/{}", "https://hooks.slack.com/services/"),
        ("host=db.internal dbname=orders user=app password={}", "host=db.internal dbname=orders user=app password="),
        ("Server=tcp:db,1433;User Id=app;Password={};Encrypt=True", "Server=tcp:db,1433;User Id=app;Password="),
        ("AccountName=acme;AccountKey={};EndpointSuffix=core.windows.net", "EndpointSuffix=core.windows.net"),
        ("app:{}@tcp(db:3306)/orders", "@tcp(db:3306)/orders"),
        ("curl -H 'Authorization: Bearer {}' https://api.example.org", "https://api.example.org"),
        ("${{DB_PASSWORD:-{}}}", "${DB_PASSWORD:-"),
        ("postgres://app:${{DB_PASSWORD:-{}}}@db/orders", "@db/orders"),
        ("mysqldump -u root -p{} orders", "mysqldump -u root -p"),
        ("worker --api-key {} --queue default", "--queue default"),
        ("java -Dspring.datasource.password={} -jar app.jar", "-jar app.jar"),
        ("spring:\n  datasource:\n    password: {}\n    pool: 5\n", "pool: 5"),
        ("db.user=app\ndb.password={}\ndb.pool=5", "db.pool=5"),
        ('{{"password": "{}", "host": "db"}}', '"host": "db"'),
        ('{{"password": "{}", "password": ""}}', '"password": ""'),
    ],
)
def test_only_the_secret_part_of_a_value_is_replaced(value: str, shown: str) -> None:
    """Host, path and everything that does not hold the secret stay readable."""
    cleaned = attribute(value.format("Qz7CaNaRy9x"), "value_of_it")
    assert "CaNaRy" not in cleaned
    assert MARKER.search(cleaned)
    assert shown in cleaned


@pytest.mark.parametrize(
    "token",
    [
        "AKIAQZ7CANARY9ABCDEF",
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "a1B2" * 8,
        "glpat-" + "a1B2c3D4e5F6g7H8i9J0",
        "xoxb-" + "123456789012-abcdefGHIJ",
        "sk_" + "live_" + "a1B2c3D4e5F6",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
        "npm_" + "a1B2c3" * 6,
        "SG." + "a1B2c3D4e5F6g7H8" + "." + "i9J0k1L2m3N4o5P6q7R8",
        "hvs." + "a1B2c3D4e5F6g7H8i9J0k1L2",
        "sk-" + "a1B2c3D4e5F6g7H8i9J0k1L2",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
        base64.b64encode(b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE=\n").decode(),
        "$2b$12$" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6a",
    ],
)
def test_a_token_of_a_known_shape_is_found_wherever_it_stands(token: str) -> None:
    """As a value of its own, and inside a sentence."""
    assert MARKER.fullmatch(attribute(token))
    assert token not in attribute(f"the key is {token} since May")
    assert token not in REDACTOR.text(f"failed: {token}")


@pytest.mark.parametrize(
    "make",
    [lambda: secrets.token_hex(32), lambda: base64.b64encode(secrets.token_bytes(32)).decode()],
    ids=["hex", "base64"],
)
def test_long_random_text_under_a_neutral_name_is_replaced(make: Any) -> None:
    """What a generator made is a secret until something says otherwise."""
    assert all(MARKER.fullmatch(attribute(make())) for _ in range(50))


LETTERS = string.ascii_letters
LOWER = string.ascii_lowercase + string.digits


@pytest.mark.parametrize(
    ("alphabet", "length", "least"),
    [
        (LETTERS + string.digits, 20, 950),
        (LETTERS + string.digits, 32, 995),
        (LETTERS + string.digits + "-_", 22, 950),
        (LETTERS + string.digits + "-_", 43, 997),
        (LETTERS + string.digits + "+/", 64, 1000),
        (LOWER, 24, 985),
        (LOWER, 32, 995),
    ],
    ids=["base62-20", "base62-32", "base64url-22", "base64url-43", "base64-64", "lower-24", "lower-32"],
)
def test_nearly_every_generated_key_is_opaque(alphabet: str, length: int, least: int) -> None:
    """Of a thousand, drawn from a seed: short ones look like words by chance now and then, long ones hardly ever."""
    chance = random.Random(f"{alphabet}{length}")
    drawn = ("".join(chance.choices(alphabet, k=length)) for _ in range(1000))
    assert sum(map(looks_opaque, drawn)) >= least


def test_public_identifiers_and_ordinary_values_stay_as_they_are() -> None:
    """Commits, digests, ids, ARNs, hosts, certificates and plain settings come through unchanged."""
    document = {
        "commit": "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "deployed": "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "image": "registry.example.org/auth-token-service@sha256:" + "ab12" * 16,
        "tag": "ghcr.io/acme/password-api:2024.1.3",
        "code_sha256": "Uo1APIVLv4Jal+NURkwPk2xb7wCv6PICS2RjTtpqa+w=",
        "request": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "role": "arn:aws:iam::123456789012:role/orders-Task-1A2B3C4D5E6F7G8H9I",
        "secret_arn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders-db-AbCdEf",
        "subnet": "subnet-0123456789abcdef0",
        "endpoint": "orders.cx8yk2abcdef.eu-west-1.rds.amazonaws.com",
        "url": "https://api.example.org/v1/orders/3f2504e04f8911d39a0c0305e82c3301?page=2",
        "profile": "https://medium.com/@acme/orders",
        "tls_policy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
        "policy": "Policy-Min-TLS-1-2-2019-07",
        "ca": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "bundle": base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkq\n").decode(),
        "ssh_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ops",
        "grant_type": "password",
        "message": 'FATAL: password authentication failed for user "app"',
        "limits": {"max_tokens": 4096, "token_ttl": "24h", "password_min_length": 12},
        "auth": "oauth2",
        "secrets": ["db_password", "tls-cert"],
        "ACCESS_AUD": "7b283d5d9b56f6fffa342280310a4ae68f13cbb05dc27f3c1d2faec2deae507a",
        "env": {"secret": ["RAILS_MASTER_KEY", "SMTP_PASSWORD", "SENTRY_DSN"]},
        "session_token": True,
        "password": "",
        "password_null": None,
        "stores": {"secrets": {"DB_PASSWORD": "orders-db-password"}},
        "environment": [
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "orders", "key": "TOKEN"}}},
            {"name": "DB_PASSWORD", "valueFrom": "orders-db-password"},
        ],
        "rules": {"core secrets": {"resources": ["secrets"], "verbs": ["get", "list"]}},
        "namespace_secrets": {"orders": {"DB_PASSWORD": "DB_PASSWORD"}},
        "imagePullSecrets": [{"name": "registry"}],
        "envFrom": [{"secret": "payments-unleash-token"}, {"configmap": "login"}],
        "contract": "0xfb9736A9CdEf726d7981f84e99776cCd626e9a63",
        "volumes": [{"secret": {"secretName": "tls", "items": [{"key": "tls.crt", "path": "c"}], "defaultMode": 420}}],
        "argv": ["docker", "run", "-p", "8080:80", "--name", "orders"],
        "odd": "\ue000 and \ue001",
    }
    assert redacted(document).attributes == document


@pytest.mark.parametrize(
    "reference",
    [
        "${DB_PASSWORD}",
        "$(DB_PASSWORD)",
        "$DB_PASSWORD",
        "((DB_PASSWORD))",
        "{{ .Values.db.password }}",
        "${{ secrets.DB_PASSWORD }}",
        "{{resolve:secretsmanager:orders}}",
        "op://vault/orders/password",
        "vault:secret/data/orders#password",
        "ref+awsssm://orders/password",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/orders/password",
        "/orders/staging/db/password",
        "/run/secrets/db_password",
        "Bearer ${TOKEN}",
        "${USER}:${PASS}",
    ],
)
def test_a_reference_to_a_secret_stays_readable(reference: str) -> None:
    """That staging points to production's secret can only be seen when the pointer can."""
    assert attribute(reference, "DB_PASSWORD") == reference


def test_a_reference_with_more_around_it_is_not_taken_for_one() -> None:
    """A literal beside a variable is part of the secret."""
    assert MARKER.fullmatch(attribute("pre${X}-Qz7CaNaRy", "API_TOKEN"))
    assert MARKER.fullmatch(attribute("/wJalrXUtn7EMI/K7MDENG", "API_TOKEN"))


PLACES: dict[str, Any] = {
    "a variable": lambda c: {"DB_PASSWORD": c},
    "a nested map": lambda c: {"a": {"b": [{"clientSecret": c}]}},
    "a named value": lambda c: {"environment": [{"name": "API_TOKEN", "value": c}]},
    "a template's parameter": lambda c: {"p": [{"ParameterKey": "DbPassword", "ParameterValue": c}]},
    "below credentials": lambda c: {"credentials": {"username": "u", "value": c}},
    "a map of passwords": lambda c: {"passwords": {"user": c, "role": c}},
    "a list of keys": lambda c: {"api_keys": [c, c]},
    "a variable's default": lambda c: {"variable": {"db_password": {"default": c}}},
    "a URL's password": lambda c: {"url": f"postgres://app:{quote(c, safe='')}@db/orders"},
    "a JSON document": lambda c: {"config": json.dumps({"db": {"password": c}})},
    "JSON within JSON": lambda c: {"config": json.dumps({"inner": json.dumps({"password": c})})},
    "an entry of an environment": lambda c: {"environment": [f"DB_PASSWORD={c}"]},
    "an argument": lambda c: {"command": ["app", f"--password={c}"]},
    "the argument after a flag": lambda c: {"command": ["app", "--token", c.lstrip("-") or "x" * 8]},
    "a declared attribute": lambda c: {"settings": {"motto": c}},
    "below a declared map": lambda c: {"data": {"anything": [c]}},
    "a Secret manifest": lambda c: {"kind": "Secret", "stringData": {"x": c}},
    "a tag": lambda c: {"tags": {"password": c}},
}
TEXT = st.text(st.characters(exclude_characters="\ue000\ue001", exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.replace(" ", "-"))
@settings(max_examples=30, deadline=None)
@given(before=TEXT, after=TEXT)
def test_a_canary_survives_in_no_place(place: str, before: str, after: str) -> None:
    """Whatever stands around the canary inside the secret, nothing of it is left, and a second pass changes nothing."""
    resource = redacted(PLACES[place](f"{before}{CANARY}{after}"))
    spelled = json.dumps(resource.attributes, ensure_ascii=False)
    assert "CaNaRy" not in spelled
    assert MARKER.search(spelled)
    assert REDACTOR.resource(resource, KIND) == resource


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=120))
def test_redacting_free_text_twice_changes_nothing_more(text: str) -> None:
    """Markers are left alone, whatever stands beside them."""
    once = REDACTOR.text(text)
    assert REDACTOR.text(once) == once


SNIPPETS = [
    "password=",
    "token: ",
    "https://",
    "u:",
    "p",
    "@",
    "/",
    "?",
    "&",
    ";",
    "'",
    '"',
    " ",
    "x9",
    "=",
    "${A:-",
    "}",
    "\n",
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(SNIPPETS), max_size=14).map("".join), st.sampled_from(["thing", "api_token"]))
def test_redaction_is_idempotent_on_text_full_of_delimiters(text: str, key: str) -> None:
    """The hard case: pairs, URLs, defaults and quotes, cut anywhere."""
    once = attribute(text, key)
    assert attribute(once, key) == once


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1), st.text(min_size=1))
def test_equal_secrets_have_equal_markers_and_different_ones_differ(left: str, right: str) -> None:
    """`must differ` and `must be equal` are decided on markers alone."""
    first, second = REDACTOR.marker(left), REDACTOR.marker(right)
    assert (first == second) == (left == right)
    assert MARKER.fullmatch(first)


def test_one_secret_has_one_marker_wherever_it_stands() -> None:
    """In a variable, in a URL (percent-encoded there), and in a document."""
    plain = attribute("s3cr3t/p@ss", "DB_PASSWORD")
    assert plain in attribute("postgres://app:s3cr3t%2Fp%40ss@db/orders")
    assert plain in attribute('{"password": "s3cr3t/p@ss"}')


def test_another_key_gives_other_markers() -> None:
    """Fingerprints of one installation mean nothing to another."""
    assert Redactor(b"another key, also long").marker("hunter2") != REDACTOR.marker("hunter2")
    with pytest.raises(ValueError, match="16 bytes"):
        Redactor(b"short")


@pytest.mark.parametrize(
    "value", ["changeme", "CHANGE-ME", "REPLACE_ME", "TODO", "password", "xxx", "<token>", "Y2hhbmdlbWU="]
)
def test_a_placeholder_is_marked_as_one_without_being_shown(value: str) -> None:
    """Also in base64, as Kubernetes spells secrets."""
    assert attribute(value, "DB_PASSWORD").endswith(":placeholder}")


PLACEHOLDERS = """changeme change_me CHANGE-ME REPLACE_ME TODO xxx your-api-key-here <your-token> dummy example YOUR_API_KEY
    placeholder change-me-in-prod postgres://u:changeme@h/db yourpassword dummy-value REPLACE_WITH_KEY
    xxxx-xxxx arn:aws:acm:af-south-1:123456789:certificate/xxxx-xxxx https://xxxxx.example.org/a id-XXXXXXXX""".split()
MEANT = """exchange merchant changelog <none> password production exampled https://example.com todolist youtube
    set-meta production samples xxl-xx maxxxxed 0xxxx4 xxx-large""".split()


CERTIFICATE = "-----BEGIN CERTIFICATE-----\nplaceholder\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("value", [*PLACEHOLDERS, "your key here", "to be replaced", CERTIFICATE])
def test_a_placeholder_is_known(value: str) -> None:
    """In any case, with any separator, also inside a longer value."""
    assert is_placeholder(value)
    assert is_default_credential(value)


@pytest.mark.parametrize("value", [*MEANT, "", None, 5, "{secret:0123456789abcdef0123456789abcdef}"])
def test_what_looks_like_a_placeholder_at_first_glance_is_none(value: Any) -> None:
    """Words that only contain one, and values that are not text."""
    assert not is_placeholder(value)


def test_a_variable_that_holds_its_own_name_is_a_placeholder() -> None:
    """`DOCKER_TAG: API_DOCKER_TAG` was copied and never filled in."""
    assert is_placeholder("DOCKER_TAG", "DOCKER_TAG")
    assert is_placeholder("API_DOCKER_TAG", "DOCKER_TAG")
    assert not is_placeholder("GET", "METHOD")
    assert is_placeholder("{secret:0123456789abcdef0123456789abcdef:placeholder}")


def test_a_parameter_is_judged_by_its_own_name() -> None:
    """What the parameter `/orders/DB_PASSWORD` holds is a password; what `/orders/LOG_LEVEL` holds is not."""
    secret = REDACTOR.resource(Resource("t", "/orders/DB_PASSWORD", {"value": "hunter2", "type": "String"}), KIND)
    plain = REDACTOR.resource(Resource("t", "/orders/LOG_LEVEL", {"value": "debug"}), KIND)
    assert MARKER.fullmatch(secret.attributes["value"])
    assert secret.attributes["type"] == "String"
    assert plain.attributes["value"] == "debug"


def test_every_other_field_of_a_resource_is_scrubbed_too() -> None:
    """Identity, refs, tags, parent, component, source and location may quote a URL with its password."""
    url = "https://u:CaNaRy7@host/x"
    resource = REDACTOR.resource(
        Resource("t", url, {url: 1}, url, parent=url, refs=(url,), tags={"t": url}, component=url, location=url), KIND
    )
    assert "CaNaRy" not in repr(resource)
    assert "@host/x" in resource.identity


def test_a_gap_tells_its_reason_without_the_secret() -> None:
    """Error texts of drivers and clients repeat the URL that they were given."""
    gap = REDACTOR.gap(
        Gap(
            "e", "s", "*", GapReason.UNREACHABLE, "connect postgres://a:CaNaRy@db failed, password=CaNaRy", location="x"
        )
    )
    assert gap.detail.startswith("connect postgres://a:{secret:")
    assert "CaNaRy" not in repr(gap)


def test_random_text_is_told_from_names() -> None:
    """Generated keys are opaque; long names are not."""
    # Of very many one has too few different digits, so the same ones are drawn every time.
    draw = random.Random(7)
    assert all(looks_opaque(f"{draw.getrandbits(128):032x}") for _ in range(100))
    assert not looks_opaque("NotificationCanadaCaStagingDatabase2")
    assert not looks_opaque("/ecs/DemoBookingStg1")
    assert not looks_opaque("s189p01registerpdtmp")
    assert not looks_opaque("prd-k8s-mgmt-nlb-tls13-eu1")
    assert not looks_opaque("20230419084928713700000009")
    assert not looks_opaque("db-WYY6G33SJTXPDRM37WAJIIIIXE")
    assert not looks_opaque("orders-api-staging-worker-7d4b9c6f5-x2x9k")


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recorded answers of AWS are not beside the repository")
def test_recorded_answers_of_aws_lose_nothing_but_tokens() -> None:
    """In a hundred recorded answers only idempotency tokens and hash-like tag values are taken for secrets."""
    changed = set()
    for path in sorted(RECORDINGS.glob("*.Describe*/*.json")):
        answer = json.loads(path.read_text())
        answer = {key: value for key, value in answer.get("data", answer).items() if key != "ResponseMetadata"}
        changed |= set(_changed(answer, redacted(answer).attributes))
    assert changed <= {"ClientToken", "Value"}


def _changed(before: Any, after: Any, key: str = "") -> Any:
    if isinstance(before, dict):
        for name in before:
            yield from _changed(before[name], after[name], name)
    elif isinstance(before, list):
        for one, other in zip(before, after, strict=True):
            yield from _changed(one, other, key)
    elif before != after:
        yield key


@pytest.mark.parametrize(
    "text",
    [
        "x" * 200_000,
        "sk-" * 60_000,
        "%" * 100_000,
        "curl " * 20_000,
        "a:1," * 50_000,
        "y z " * 50_000,
        "http://" * 9000,
    ],
)
def test_a_long_text_takes_time_in_proportion(text: str) -> None:
    """Each of these took minutes with a pattern that tries every end from every start."""
    redactor = Redactor(b"k" * 32)
    assert redactor.leaf(text, "notes", promised=False)
    assert redactor.leaf(text, "API_TOKEN", promised=True)


def test_a_word_of_very_many_urls_is_hidden_as_a_whole() -> None:
    """Nobody writes so many in one word; a list of a hundred stays readable."""
    redactor = Redactor(b"k" * 32)
    hosts = ",".join(f"http://cache-{number}.acme.com:9092" for number in range(100))
    assert redactor.text(hosts) == hosts
    assert "cache" not in redactor.text(",".join([hosts] * 10))


def test_half_a_character_is_spelled_out() -> None:
    """JSON may hold a lone surrogate, which no store and no report could write; two different ones stay different."""
    redactor = Redactor(b"k" * 32)
    assert redactor.leaf("a\ud800", "x", promised=False) == "a\\ud800"
    assert redactor.key("\udfff1") == "\\udfff1"
