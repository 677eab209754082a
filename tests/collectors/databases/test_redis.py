"""What a Redis server is, against real ones: two of one make are quiet, each change is found once, refusals are gaps."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from auditor.model import Gap, GapReason, Snapshot
from collectors._databases.addresses import called_after
from collectors._databases.redis_client import Server
from collectors._databases.redis_parts import users
from collectors.redis import COLLECTOR, RedisOptions
from tests.collectors.databases.auditing import Found, breaches, by_identity, gaps, read, taken, told
from tests.collectors.databases.conftest import Start, free_port

SETTINGS = ("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru", "--databases", "4")


def url(path: str, login: str = "") -> str:
    return f"unix://{login}{path}" if not login else f"unix://{login}@{path}"


class Admin:
    """A server as its administrator sees it; nothing is tried twice."""

    def __init__(self, path: str) -> None:
        self.client = Redis(unix_socket_path=path, decode_responses=True, retry=Retry(NoBackoff(), 0))

    def run(self, *command: str) -> None:
        ask: Callable[..., Any] = self.client.execute_command
        ask(*command)


def prepared(path: str, environment: str) -> Admin:
    """A server with a user of its own, and a key in one of its databases."""
    admin = Admin(path)
    rights = ("on", f"~{environment}:*", "&*", "-@all", "+@read", "+@connection")
    admin.run("ACL SETUSER", f"app-{environment}", *rights, f">CaNaRy-{environment}")
    admin.run("SET", "key", "CaNaRy-value")
    return admin


@pytest.fixture(scope="module")
def staging(start_redis: Start) -> str:
    path = start_redis(*SETTINGS)
    prepared(path, "staging").client.close()
    return path


@pytest.fixture(scope="module")
def admin(staging: str) -> Iterator[Admin]:
    made = Admin(staging)
    yield made
    made.client.close()


@pytest.fixture(scope="module")
def production(start_redis: Start) -> Snapshot:
    path = start_redis(*SETTINGS)
    prepared(path, "prod").client.close()
    return taken(COLLECTOR, {"url": url(path), "name": "cache"}, "prod")


def found_of(path: str, production: Snapshot) -> list[Found]:
    return told(breaches(COLLECTOR.kinds, taken(COLLECTOR, {"url": url(path), "name": "cache"}, "staging"), production))


def test_two_of_one_make_are_in_parity_and_nothing_secret_is_told(staging: str, production: Snapshot) -> None:
    """Users and key patterns carry their environment's name; nothing else differs."""
    assert production.gaps == ()
    server = by_identity(production.resources, "redis.server")["cache"]
    assert server["memory"] == {"max_memory": "100MB", "policy": "allkeys-lru"}
    assert server["databases"] == ["db0"]
    assert server["settings"]["databases"] == 4
    assert by_identity(production.resources, "redis.role")["cache.app-prod"] == {
        "enabled": True,
        "no_password": False,
        "commands": "-@all +@connection +@read",
        "key_patterns": ["~prod:*"],
        "channels": ["&*"],
    }
    assert "CaNaRy" not in str(production)
    assert found_of(staging, production) == []


CHANGES: dict[str, tuple[tuple[str, ...], tuple[str, ...], Found]] = {
    "another policy": (
        ("CONFIG SET", "maxmemory-policy", "noeviction"),
        ("CONFIG SET", "maxmemory-policy", "allkeys-lru"),
        ("redis.server", "cache", "memory.policy", "high"),
    ),
    "less memory": (
        ("CONFIG SET", "maxmemory", "50mb"),
        ("CONFIG SET", "maxmemory", "100mb"),
        ("redis.server", "cache", "memory.max_memory", "info"),
    ),
    "more memory": (
        ("CONFIG SET", "maxmemory", "200mb"),
        ("CONFIG SET", "maxmemory", "100mb"),
        ("redis.server", "cache", "memory.max_memory", "medium"),
    ),
    "appended to disk": (
        ("CONFIG SET", "appendonly", "yes"),
        ("CONFIG SET", "appendonly", "no"),
        ("redis.server", "cache", "persistence.appendonly", "high"),
    ),
    "a right taken away": (
        ("ACL SETUSER", "app-staging", "-get"),
        ("ACL SETUSER", "app-staging", "-@all", "+@connection", "+@read"),
        ("redis.role", "cache.app-{env}", "commands", "medium"),
    ),
    "another setting": (
        ("CONFIG SET", "notify-keyspace-events", "Ex"),
        ("CONFIG SET", "notify-keyspace-events", ""),
        ("redis.server", "cache", "settings.notify-keyspace-events", "medium"),
    ),
    "a user with all commands": (
        ("ACL SETUSER", "app-staging", "+@all"),
        ("ACL SETUSER", "app-staging", "-@all", "+@read", "+@connection"),
        ("redis.role", "cache.app-{env}", "commands", "medium"),
    ),
    "a user without a password": (
        ("ACL SETUSER", "app-staging", "nopass"),
        ("ACL SETUSER", "app-staging", "resetpass", ">CaNaRy-staging"),
        ("redis.role", "cache.app-{env}", "no_password", "medium"),
    ),
    "a user that only staging has": (
        ("ACL SETUSER", "guest", "on", ">CaNaRy"),
        ("ACL DELUSER", "guest"),
        ("redis.role", "cache.guest", "", "low"),
    ),
}


def test_each_change_is_found_once(staging: str, production: Snapshot, admin: Admin) -> None:
    """One finding, at the place that was changed, as severe as it is; and none once it is undone."""
    said = {}
    for change, (changed, back, _) in CHANGES.items():
        admin.run(*changed)
        said[change] = found_of(staging, production)
        admin.run(*back)
    assert said == {change: [expected] for change, (_, _, expected) in CHANGES.items()}
    assert found_of(staging, production) == []


def test_what_a_service_keeps_to_itself_costs_that_part_only(
    start_redis: Start, staging: str, admin: Admin, production: Snapshot
) -> None:
    """By rights, and by commands that are not there; what both tell is compared all the same."""
    rights = ("on", ">CaNaRy-nobody", "-@all", "+info", "+ping")
    admin.run("ACL SETUSER", "nobody", *rights)
    login = {"url": url(staging, "nobody:CaNaRy-nobody"), "name": "cache"}
    denied = taken(COLLECTOR, login, "staging")
    admin.run("ACL DELUSER", "nobody")
    assert gaps(denied.gaps) == {
        ("redis.server", "cache", "settings"): GapReason.ACCESS_DENIED,
        ("redis.server", "cache", "modules"): GapReason.ACCESS_DENIED,
        ("redis.role", None, None): GapReason.ACCESS_DENIED,
    }
    assert all("+config|get" in gap.detail for gap in denied.gaps)
    assert told(breaches(COLLECTOR.kinds, denied, production)) == []
    managed = start_redis(*SETTINGS, "--rename-command", "CONFIG", "", "--rename-command", "ACL", "")
    other = Admin(managed)
    other.run("SET", "key", "value")
    other.client.close()
    kept = taken(COLLECTOR, {"url": url(managed), "name": "cache"}, "staging")
    assert gaps(kept.gaps) == {
        ("redis.server", "cache", "settings"): GapReason.UNSUPPORTED,
        ("redis.role", None, None): GapReason.UNSUPPORTED,
    }
    assert told(breaches(COLLECTOR.kinds, kept, production)) == []


def test_a_cluster_and_a_sentinel_are_told_apart(start_redis: Start) -> None:
    """By `INFO`; a sentinel says what it watches."""
    cluster = by_identity(read(COLLECTOR, {"url": url(start_redis("--cluster-enabled", "yes"))}), "redis.server")
    assert (cluster["redis"]["mode"], cluster["redis"]["cluster"]) == ("cluster", {"shards": 1, "slots": 0})
    watching = start_redis("--sentinel", "monitor", "orders", "127.0.0.1", "6379", "2")
    sentinel = by_identity(read(COLLECTOR, {"url": url(watching)}), "redis.server")["redis"]
    assert sentinel["mode"] == "sentinel"
    assert sentinel["watches"] == [{"name": "orders", "quorum": 2, "down_after": "30000ms"}]


def test_tls_is_spoken_and_checked(start_redis: Start, tmp_path: Path) -> None:
    """With the authority's certificate all is read; without it, and in the clear, nothing is."""
    certificate, key = _certificate(tmp_path)
    port = free_port()
    start_redis(
        "--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key),
        "--tls-ca-cert-file", str(certificate), "--tls-auth-clients", "no",
    )  # fmt: skip
    good = read(COLLECTOR, {"url": f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}"})
    assert by_identity(good, "redis.server")["redis"]["tls"] is True
    for other in (f"rediss://127.0.0.1:{port}", f"redis://127.0.0.1:{port}"):
        refused = read(COLLECTOR, {"url": other, "timeout": 2})
        assert {item.reason for item in refused if isinstance(item, Gap)} == {GapReason.UNREACHABLE}
        assert len(refused) == len(COLLECTOR.kinds)


def test_a_wrong_password_is_denied_without_the_password(start_redis: Start) -> None:
    """And so is none at all."""
    path = start_redis("--requirepass", "CaNaRy")
    for login in ("default:CaNaRy-wrong", ""):
        items = read(COLLECTOR, {"url": url(path, login)})
        assert {item.reason for item in items if isinstance(item, Gap)} == {GapReason.ACCESS_DENIED}
        assert len(items) == len(COLLECTOR.kinds)
        assert "CaNaRy" not in str(items)
        assert "does not accept the user or the password" in str(items)
    assert gaps(read(COLLECTOR, {"url": url(path, ":CaNaRy")})) == {}


def test_a_server_that_dies_midway_leaves_gaps(start_redis: Start, production: Snapshot) -> None:
    """It is stopped while its settings are read: nothing is called missing."""
    path = start_redis(*SETTINGS)
    owner = prepared(path, "staging")
    asked: list[str] = []

    def stopped(_api: str, outcome: str) -> None:
        asked.append(outcome)
        if len(asked) == 10:
            owner.client.shutdown(nosave=True)

    cut = taken(COLLECTOR, {"url": url(path), "name": "cache"}, "staging", meter=stopped)
    owner.client.close()
    assert asked[-1] == "error"
    assert gaps(cut.gaps) == {
        ("redis.server", None, None): GapReason.UNREACHABLE,
        ("redis.role", None, None): GapReason.UNREACHABLE,
    }
    assert cut.resources == ()
    assert told(breaches(COLLECTOR.kinds, cut, production)) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", GapReason.TIMEOUT),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", GapReason.MALFORMED),
        (b"$5000000\r\nredis_version:7", GapReason.TIMEOUT),
        (b"-ERR CaNaRy\r\n", GapReason.MALFORMED),
        (b"-LOADING CaNaRy\r\n", GapReason.TIMEOUT),
        (b"$4\r\nnope\r\n", GapReason.MALFORMED),
    ],
    ids=["nothing", "http", "half", "error", "loading", "nonsense"],
)
def test_an_answer_that_is_none_is_a_gap_of_everything(answer: bytes, reason: GapReason) -> None:
    """Silence, another protocol, half an answer, an error, one that is still loading, no `INFO` at all."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                while connection.recv(4096):
                    if answer:
                        connection.sendall(answer)

        server = threading.Thread(target=serve)
        server.start()
        items = read(COLLECTOR, {"url": f"redis://127.0.0.1:{listening.getsockname()[1]}", "timeout": 0.5})
        server.join()
    assert [(type(item), item.reason) for item in items if isinstance(item, Gap)] == [(Gap, reason)] * 2
    assert "CaNaRy" not in str(items)


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    """At once: nothing is tried twice."""
    items = read(COLLECTOR, {"url": f"redis://127.0.0.1:{free_port()}"})
    assert {item.reason for item in items if isinstance(item, Gap)} == {GapReason.UNREACHABLE}


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("redis://u:CaNaRy@cache.internal/2", "redis:cache.internal/2"),
        ("rediss://:CaNaRy@cache.internal:6380", "redis:cache.internal:6380/0"),
        ("unix://u:CaNaRy@/run/redis/redis.sock?db=1", "redis:/run/redis/redis.sock/1"),
    ],
)
def test_the_label_names_host_and_database_and_no_secret(address: str, label: str) -> None:
    """A password is in none of them."""
    options = RedisOptions.model_validate({"url": address})
    assert COLLECTOR.label(options) == label
    assert "CaNaRy" not in repr(options)


@pytest.mark.parametrize("address", ["mysql://u:CaNaRy@h", "redis://u:CaNaRy@h:port", "redis://h?CaNaRy=1x"])
def test_a_url_that_is_wrong_is_refused_without_its_password(address: str) -> None:
    """Another product, no port, an unknown parameter."""
    with pytest.raises(ValidationError) as caught:
        RedisOptions.model_validate({"url": address})
    assert ":CaNaRy" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("cache-staging.internal:6380", "cache-staging"),
        ("master.cache-prod.ab12cd.euw1.cache.amazonaws.com", "cache-prod"),
        ("10.0.0.7:6379", "redis"),
        ("::1", "redis"),
        ("localhost", "redis"),
        ("/run/redis.sock", "redis"),
    ],
)
def test_a_server_is_called_after_what_its_host_says(host: str, name: str) -> None:
    """Addresses say nothing, and neither does the label of an endpoint."""
    assert called_after(host, "redis") == name


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for the loopback that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.TraditionalOpenSSL
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
    return files


def test_the_order_in_which_a_server_tells_rights_says_nothing() -> None:
    """Where all of them allow, or all forbid; what allows after what forbids is another right."""
    orders = ("-@all +info +acl|users +@read", "-@all +@read +acl|users +info")
    said = [
        users(Telling({"commands": order}))["app"]["commands"] for order in (*orders, "+@all -info -acl", "-info +@all")
    ]
    assert said == ["-@all +@read +acl|users +info"] * 2 + ["+@all -acl -info", "-info +@all"]


class Telling(Server):
    """A server with one user."""

    def __init__(self, user: dict[str, str]) -> None:
        self.user = user

    def ask(self, *command: str) -> Any:
        return ["app"] if command == ("ACL USERS",) else self.user
