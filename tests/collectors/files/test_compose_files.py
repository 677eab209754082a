"""Compose files: variables, inheritance, overrides, and one form for every spelling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from collectors.files.compose import interpolated
from tests.collectors.files.reader import read

if TYPE_CHECKING:
    from pathlib import Path

BASE = """
x-logging: &logging {driver: json-file}
services:
  web:
    image: shop/web:${TAG:-latest}
    command: gunicorn --bind "0.0.0.0:80" app
    environment: [LOG_LEVEL=info, DEBUG=0, PASSED]
    env_file: [common.env, {path: absent.env, required: false}]
    ports: ["8080:80", "127.0.0.1:9000:9000/udp"]
    volumes: [./data:/data:ro, cache:/cache]
    depends_on: [db]
    healthcheck: {test: curl -f http://localhost, interval: 30s}
    logging: *logging
    x-owner: team
  db:
    image: postgres:16
volumes:
  cache: {}
networks:
  back: {driver: bridge}
"""

OVERLAY = """
services:
  web:
    environment: {LOG_LEVEL: warn, EXTRA: 1}
    ports:
      - {target: 443, published: "8443"}
    volumes: [other:/cache]
    command: ["gunicorn", "app"]
"""


def test_a_service_is_read_in_one_form(tmp_path: Path) -> None:
    """Short and long spellings, env files under the environment, variables from the `.env` beside it."""
    files = {"docker-compose.yml": BASE, ".env": "TAG=1.4\nPASSED=through\n", "common.env": "LOG_LEVEL=debug\nA=1\n"}
    found = read(tmp_path, files)
    assert found.gaps == []
    assert found.one("compose.service", "web") == {
        "image": "shop/web:1.4",
        "command": ["gunicorn", "--bind", "0.0.0.0:80", "app"],
        "environment": {"LOG_LEVEL": "info", "A": "1", "DEBUG": "0", "PASSED": "through"},
        "ports": {"80/tcp": {"published": 8080}, "9000/udp": {"host_ip": "127.0.0.1", "published": 9000}},
        "volumes": {
            "/data": {"type": "bind", "source": "./data", "read_only": True},
            "/cache": {"type": "volume", "source": "cache"},
        },
        "depends_on": {"db": {"condition": "service_started"}},
        "healthcheck": {"test": ["CMD-SHELL", "curl -f http://localhost"], "interval": "30s"},
        "logging": {"driver": "json-file"},
    }
    # The env file became part of the service; the variables beside the Compose file are a file of their own.
    assert found.names() == [
        ("compose.network", "back"),
        ("compose.service", "db"),
        ("compose.service", "web"),
        ("compose.volume", "cache"),
        ("env.file", ".env"),
    ]


def test_long_spellings_read_as_short_ones_do(tmp_path: Path) -> None:
    """The same service in the long syntax of everything is the same resource."""
    short = "services: {a: {image: x, ports: ['8080:80'], volumes: ['v:/v:ro'], environment: [A=1], networks: [n]}}\n"
    long = """
services:
  a:
    image: x
    ports: [{target: 80, published: "8080", protocol: tcp, mode: ingress}]
    volumes: [{type: volume, source: v, target: /v, read_only: true}]
    environment: {A: 1}
    networks: {n: {}}
"""
    one = read(tmp_path / "one", {"compose.yaml": short}).one("compose.service", "a")
    assert read(tmp_path / "two", {"compose.yaml": long}).one("compose.service", "a") == one


def test_our_override_file_is_laid_over_the_base(tmp_path: Path) -> None:
    """Maps are merged, ports joined, mounts replaced by place, commands replaced; others' files are left alone."""
    files = {
        "docker-compose.yml": BASE.replace("    env_file: [common.env, {path: absent.env, required: false}]\n", ""),
        "docker-compose.stg.yml": OVERLAY,
        "docker-compose.prod.yml": "services: {web: {image: prod-only}}\n",
        "docker-compose.override.yml": "services: {web: {image: developer-only}}\n",
        "docker-compose.test.yml": "services: {runner: {image: tests}}\n",
    }
    found = read(tmp_path, files)
    web = found.one("compose.service", "web")
    assert web["image"] == "shop/web:latest"
    assert web["environment"] == {"LOG_LEVEL": "warn", "DEBUG": "0", "PASSED": None, "EXTRA": "1"}
    assert sorted(web["ports"]) == ["443/tcp", "80/tcp", "9000/udp"]
    assert web["volumes"]["/cache"] == {"type": "volume", "source": "other"}
    assert web["command"] == ["gunicorn", "app"]
    assert ("compose.service", "runner") not in found.names()


def test_the_override_file_counts_where_the_environment_has_none(tmp_path: Path) -> None:
    """`docker compose up` reads it without being told."""
    files = {
        "compose.yml": "services: {web: {image: a, ports: ['80:80']}}\n",
        "compose.override.yml": "services: {web: {image: b, ports: !reset []}}\n",
    }
    assert read(tmp_path, files).one("compose.service", "web") == {"image": "b"}


def test_a_service_that_extends_another_inherits_from_it(tmp_path: Path) -> None:
    """From the same file and from another one, whose own env file is found beside that file."""
    files = {
        "compose.yml": """
services:
  web:
    extends: {file: shared/base.yml, service: app}
    environment: {LEVEL: high}
  worker: {extends: web, command: work}
""",
        "shared/base.yml": "services: {app: {image: app, env_file: app.env, environment: {LEVEL: low, A: 1}}}\n",
        "shared/app.env": "B=2\n",
    }
    found = read(tmp_path, files)
    assert found.one("compose.service", "worker") == {
        "image": "app",
        "command": ["work"],
        "environment": {"LEVEL": "high", "A": "1", "B": "2"},
    }


@pytest.mark.parametrize(
    ("service", "reason", "attribute"),
    [
        ("{image: a, env_file: gone.env}", "unreachable", "environment"),
        ("{image: a, env_file: ../../outside.env}", "unreachable", "environment"),
        ("{image: a, env_file: bad.env}", "malformed", "environment"),
        ("{extends: {file: gone.yml, service: a}}", "unreachable", None),
        ("{extends: web}", "malformed", None),
    ],
)
def test_what_cannot_be_worked_in_is_a_gap(tmp_path: Path, service: str, reason: str, attribute: str | None) -> None:
    """A service that is known in part says which part is not; nothing outside of the folder is opened."""
    (tmp_path / "outside.env").write_text("SECRET=x\n")
    folder = tmp_path / "config" / "app"
    found = read(folder, {"compose.yml": f"services: {{web: {service}, ok: {{image: b}}}}\n", "bad.env": "A='x\n"})
    gaps = [gap for gap in found.gaps if gap.kind == "compose.service"]
    assert [(gap.reason.value, gap.resource, gap.attribute) for gap in gaps] == [(reason, "web", attribute)]
    assert found.one("compose.service", "ok") == {"image": "b"}


def test_unknown_variables_hide_the_project_and_nothing_else(tmp_path: Path) -> None:
    """Without its `.env` a Compose file says things that are not so."""
    found = read(tmp_path, {"compose.yml": "services: {web: {image: '${IMAGE}'}}\n", ".env": "IMAGE='open\n"})
    assert found.resources == []
    assert [(gap.kind, gap.resource) for gap in found.gaps] == [("compose.*", "compose.yml"), ("env.file", ".env")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A-$B", "1-$B"),
        ("${A}${B}", "1${B}"),
        ("${B:-x}${E:-x}${E-x}${A:-x}", "xx1"),
        ("${B:-${A:-y}}", "1"),
        ("${B:-}${B-}${E:-}", "${B}${B}"),
        ("${A:+set}${B:+set}", "set"),
        ("${B:?must be set}", "${B:?must be set}"),
        ("${A:?must be set}", "1"),
        ("$$A costs 5$", "$A costs 5$"),
        ("${open", "${open"),
    ],
)
def test_variables_follow_compose(text: str, value: str) -> None:
    """Defaults, alternatives, required ones, escapes; what is not known stays as it stands."""
    assert interpolated({"k": [text]}, {"A": "1", "E": ""}) == {"k": [value]}


def test_helm_values_with_services_are_no_compose_file(tmp_path: Path) -> None:
    """A top level of other keys tells them apart."""
    found = read(tmp_path, {"values.yaml": "services: {api: {image: {repository: a}}}\nreplicaCount: 2\n"})
    assert found.names() == [("yaml.file", "values.yaml")]
