"""No secret leaves the collection: canaries planted in every source appear in nothing that the product writes, and a rule
that secrets must differ still finds the one that both sides share."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.collectors.aws.reading import CREDENTIALS, moto
from tests.e2e import twins
from tests.e2e.leaks import contents, run_logged
from tests.e2e.twins import Twin

REPORTS = ("json", "html", "markdown", "junit", "table")
SHARED = "Zk7vQp2LxW9tRb4NcShared"
PLACES = (
    "parameter",
    "secret",
    "lambda",
    "task",
    "userdata",
    "dotenv",
    "manifest",
    "manifestdata",
    "compose",
    "tfvars",
    "url",
    "answer",
    "header",
)


def canary(place: str, twin: Twin) -> str:
    """A secret that nothing but this place of this environment holds."""
    return f"Xq8Wz{place}7Tn3Kp{twin.environment}9Vb2"


@contextmanager
def versions() -> Iterator[str]:
    """Endpoints that tell more than they should, to whoever brings the right header."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            twin = next(each for each in twins.TWINS if self.path.startswith(f"/{each.environment}"))
            answer = {"version": "1.4.2", "db": {"password": canary("answer", twin)}, "note": canary("answer", twin)}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def plant_in_aws(twin: Twin, url: str) -> None:
    client = twins.session(twin, url)
    client("ssm").put_parameter(
        Name=f"/shop/{twin.called}/db/password", Value=canary("parameter", twin), Type="SecureString"
    )
    client("ssm").put_parameter(Name=f"/shop/{twin.called}/api_token", Value=SHARED, Type="String")
    client("secretsmanager").create_secret(
        Name=f"shop/{twin.called}/mail", SecretString=json.dumps({"user": "mailer", "pass": canary("secret", twin)})
    )
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = client("iam").create_role(
        RoleName="mail", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    client("lambda").create_function(
        FunctionName=f"mail-{twin.called}",
        Runtime="python3.12",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
        Environment={"Variables": {"SMTP_PASSWORD": canary("lambda", twin), "API_KEY": SHARED}},
    )
    client("ecs").register_task_definition(
        family=f"api-{twin.called}",
        containerDefinitions=[
            {
                "name": "api",
                "image": "acme/api:1.4.2",
                "memory": 128,
                "environment": [
                    {"name": "DATABASE_URL", "value": f"postgres://app:{canary('task', twin)}@db.internal/app"},
                    {"name": "STRIPE_SECRET_KEY", "value": SHARED},
                ],
            }
        ],
    )
    script = f"#!/bin/sh\necho {canary('userdata', twin)} > /etc/agent\n"
    client("ec2").create_launch_template(
        LaunchTemplateName=f"render-{twin.called}",
        LaunchTemplateData={"InstanceType": "c6i.large", "UserData": base64.b64encode(script.encode()).decode()},
    )


def plant_in_files(twin: Twin, folder: Path) -> None:
    folder.mkdir(parents=True)
    encoded = base64.b64encode(canary("manifestdata", twin).encode()).decode()
    files = {
        "app.env": f"DB_PASSWORD={canary('dotenv', twin)}\nSESSION_SECRET={SHARED}\n",
        "secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: app}\n"
        f"stringData: {{anything: {canary('manifest', twin)}}}\ndata: {{other: {encoded}}}\n",
        "compose.yaml": "services:\n  api:\n    image: acme/api:1.4.2\n    environment:\n"
        f"      REDIS_URL: redis://:{canary('compose', twin)}@cache:6379/0\n",
        "app.tfvars": f'db_admin_password = "{canary("tfvars", twin)}"\n',
    }
    for name, text in files.items():
        (folder / name).write_text(text)


@dataclass(frozen=True)
class Written:
    """Everything that runs of the product left behind: the folder, and what it printed, by what was run."""

    folder: Path
    printed: dict[str, str]
    report: dict[str, Any]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """One audit per kind of report over every source, lookups, and commands that fail, all with --debug."""
    folder = tmp_path_factory.mktemp("canaries")
    file = folder / "auditor.yaml"
    sources = []
    with pytest.MonkeyPatch.context() as patch, moto() as aws, versions() as http:
        for name, value in {**CREDENTIALS, "NO_PROXY": "127.0.0.1", "AUDITOR_CONFIG": str(file)}.items():
            patch.setenv(name, value)
        for twin in twins.TWINS:
            plant_in_aws(twin, aws)
            plant_in_files(twin, folder / "deploy" / twin.environment)
            upper = twin.environment.upper()
            patch.setenv(f"{upper}_DATABASE_URL", f"postgresql://app:{canary('url', twin)}@127.0.0.1:9/app")
            patch.setenv(f"{upper}_HEADER", canary("header", twin))
            sources.append(_sources(twin, aws, http))
        text = "environments:\n" + "".join(sources)
        file.write_text(text)
        printed = {format_: run_logged("now", "staging", "prod", "--format", format_) for format_ in REPORTS}
        report = json.loads(printed["json"].partition("\0")[0])
        printed["snapshot"] = run_logged("snapshot", "staging", "--format", "json")
        printed["findings"] = run_logged("findings", "--format", "json")
        for number, finding in enumerate(report["findings"][:3]):
            printed[f"explain {number}"] = run_logged("explain", finding["fingerprint"])
        printed["config"] = run_logged("config", "check")
        file.write_text(text.replace('url: "${', 'url: "mongodb+${'))
        printed["wrong option"] = run_logged("now", "staging", "prod")
        file.write_text(text + f"store: postgresql://app:{canary('url', twins.PROD)}@127.0.0.1:9/x\n")
        printed["no store"] = run_logged("findings")
        file.unlink()
    return Written(folder, printed, report)


def _sources(twin: Twin, aws: str, http: str) -> str:
    upper = twin.environment.upper()
    return f"""  {twin.environment}:
    aliases: [{twin.called}]
    sources:
      - collector: aws
        role_arn: {twin.role_arn}
        regions: [{twin.region}]
        endpoint_url: {aws}
        services: [ec2, ecs, lambda, ssm, secretsmanager]
        read_secure_values: true
        read_secret_values: true
      - {{collector: files, path: deploy/{twin.environment}}}
      - {{collector: postgres, url: "${{{upper}_DATABASE_URL}}"}}
      - collector: http
        services:
          api: {{url: {http}/{twin.environment}, headers: {{X-Token: "${{{upper}_HEADER}}"}}}}
"""


def _planted() -> list[str]:
    plain = [SHARED, *(canary(place, twin) for place in PLACES for twin in twins.TWINS)]
    return [*plain, *(base64.b64encode(each.encode()).decode().rstrip("=") for each in plain)]


def test_no_canary_is_printed_by_any_report_or_failure(written: Written) -> None:
    """Reports of every kind, listings, debug output and the text of failures."""
    leaks = [(what, text) for what, output in written.printed.items() for text in _planted() if text in output]
    assert leaks == []


def test_no_canary_is_in_the_database_or_any_other_file_written(written: Written) -> None:
    """Neither in the raw bytes of what the product wrote, nor in any stored document once it is unpacked."""
    ours = {path.name for path in (written.folder / "deploy").rglob("*")}
    files = [path for path in written.folder.rglob("*") if path.is_file() and path.name not in ours]
    assert any(path.name == "auditor.db" for path in files)
    raw = [(path.name, text) for path in files for text in _planted() if text.encode() in path.read_bytes()]
    assert raw == []
    held = list(contents(written.folder / "auditor.db"))
    assert any(table.endswith("unpacked") and b"SMTP_PASSWORD" in data for table, data in held)
    assert [(table, text) for table, data in held for text in _planted() if text.encode() in data] == []


def test_each_source_was_read_so_its_canary_had_the_chance(written: Written) -> None:
    """A source that was not read proves nothing: only PostgreSQL is out of reach here, and its URL is the secret."""
    assert {gap["source"].partition(":")[0] for gap in written.report["gaps"]} == {"postgres"}
    held = dict.fromkeys(
        (table, name)
        for table, data in contents(written.folder / "auditor.db")
        for name in (b"user_data", b"SMTP_PASSWORD", b"DATABASE_URL", b"anything", b"REDIS_URL", b"db_admin_password")
        if table.endswith("unpacked") and name in data
    )
    assert len({name for _, name in held}) == 6


def test_a_secret_that_both_environments_share_is_found_wherever_it_is(written: Written) -> None:
    """Its fingerprints are equal although nobody holds the value; secrets that differ are no finding."""
    shared = {
        (each["kind"], each["path"][-1]) for each in written.report["findings"] if each["rule"] == "secret-shared"
    }
    assert shared == {
        ("aws.ssm.parameter", "value"),
        ("aws.lambda.function", "API_KEY"),
        ("aws.ecs.task_definition", "STRIPE_SECRET_KEY"),
        ("env.file", "SESSION_SECRET"),
    }
    values = {each["left"]["value"] for each in written.report["findings"] if each["rule"] == "secret-shared"}
    assert len(values) == 1
    assert re.fullmatch(r"\{secret:[0-9a-f]{32}\}", values.pop())


def test_failures_say_what_is_wrong_without_the_secret(written: Written) -> None:
    """A refused option and an unreachable store are told with their place, not with their URL's password."""
    assert "auditor.yaml:" in written.printed["wrong option"]
    assert "Traceback" in written.printed["no store"]
    assert "127.0.0.1" in written.printed["no store"]
