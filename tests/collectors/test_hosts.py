"""Machines outside any API: the script that tells their facts, run for real, and the collector that reads them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from auditor.cli.root import audit
from auditor.contract import broken_promises
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Resource
from collectors._facts import json_schema
from collectors.hosts import COLLECTOR, HostsOptions
from tests.collectors.whole import NOW, compared, judged, patience, read, snapshots, told
from tests.standins.hostile import CANARY, FAULTS, hostile

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "hosts" / "parity-facts"
DIGEST, OTHER = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32


def facts(hostname: str = "web-1", role: str = "web", hours: float = 1, **changes: Any) -> dict[str, Any]:
    """The facts of one machine, collected so many hours ago."""
    said = {
        "format": "parity-facts/1", "hostname": hostname, "role": role,
        "collected_at": (NOW - timedelta(hours=hours)).isoformat(), "os": {"id": "debian", "version": "12"},
        "kernel": "6.1.0-18-amd64", "architecture": "x86_64", "time_zone": "Etc/UTC",
        "packages": {"openssl": "3.0.11-1~deb12u2", "libc6": "2.36-9", "passwd": "1:4.13", "vim": "2:9.0.1378-2",
                     "linux-image-6.1.0-18-amd64": "6.1.76-1"},
        "services": ["nginx", "ssh"], "sysctl": {"vm.swappiness": "60"}, "files": {"/etc/nginx.conf": DIGEST},
        "runtimes": {"python3": "3.11.2"},
    }  # fmt: skip
    return {**said, **changes}


def pushed(folder: Path, environment: str, *machines: Mapping[str, Any]) -> dict[str, str]:
    """The options of an environment whose machines have pushed these facts."""
    place = folder / environment
    place.mkdir(exist_ok=True)
    for old in place.iterdir():
        old.unlink()
    for number, one in enumerate(machines):
        (place / f"{number}.json").write_text(json.dumps(one))
    return {"path": f"{environment}/*.json"}


def run(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path} if path is not None else None
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


def test_the_script_tells_what_this_machine_is_made_of(tmp_path: Path) -> None:
    """What it writes is what the schema promises and the collector reads; two such machines are alike."""
    named = tmp_path / "app.conf"
    named.write_text("listen 8080\n")
    settings = tmp_path / "facts.conf"
    settings.write_text(f"# ours\nrole = web\nfile = {named}\nfile = {tmp_path}/none\nsysctl = kernel.ostype\n")
    (tmp_path / "staging").mkdir()
    done = run("--config", str(settings), "--output", str(tmp_path / "staging" / "web.json"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    said = json.loads((tmp_path / "staging" / "web.json").read_text())
    shown = CliRunner().invoke(audit, ["hosts", "schema"])
    jsonschema.Draft202012Validator(json.loads(shown.output)).validate(said)
    assert json.loads(shown.output) == json_schema()
    assert len(said["packages"]) > 20
    assert said["files"][f"{tmp_path}/none"] is None
    assert said["sysctl"]["kernel.ostype"] == "Linux"
    assert said["runtimes"]
    assert "listen" not in json.dumps(said)
    (tmp_path / "production").mkdir()
    twin = {**said, "hostname": "other", "services": said["services"] and said["services"][::-1]}
    (tmp_path / "production" / "web.json").write_text(json.dumps(twin))
    sides = {"path": "staging/*.json", "max_age": "9999d"}, {"path": "production/*.json", "max_age": "9999d"}
    assert compared(COLLECTOR, *sides, tmp_path) == []


def test_the_script_reads_what_rpm_says_and_runs_on_old_pythons(tmp_path: Path) -> None:
    """Where there is no dpkg: epochs that are not zero are kept, several versions of one package are a list."""
    rpm = tmp_path / "rpm"
    rpm.write_text(
        "#!/bin/sh\nprintf 'bash\\t0:5.1.8-6.el9\\nkernel\\t0:5.14.0-1\\nkernel\\t0:5.14.0-2\\nvim\\t2:8.2-1\\n'\n"
    )
    rpm.chmod(0o755)
    done = run("--role", "db", path=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["packages"] == {
        "bash": "5.1.8-6.el9", "kernel": ["5.14.0-1", "5.14.0-2"], "vim": "2:8.2-1",
    }  # fmt: skip
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads(done.stdout))
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))


def test_the_script_says_what_it_lacks(tmp_path: Path) -> None:
    """No role, a line that means nothing, a place that cannot be written: one sentence each, and nothing is written."""
    wrong = tmp_path / "wrong.conf"
    wrong.write_text("role = web\npassword = x\n")
    assert "say the machine's role" in run("--config", "/dev/null").stderr
    assert "line 2: write role, file or sysctl" in run("--config", str(wrong)).stderr
    done = run("--role", "web", "--output", str(tmp_path / "none" / "f.json"), path="")
    assert (done.returncode, "cannot be written" in done.stderr) == (1, True)


def test_machines_of_one_role_are_one_resource(tmp_path: Path) -> None:
    """What all say stands by itself, what they disagree in as all that there is; kernels' packages say nothing."""
    options = pushed(
        tmp_path, "staging",
        facts("web-1"),
        facts("web-2", packages={"openssl": "3.0.13-1", "libc6": "2.36-9", "passwd": "1:4.13"}, services=["ssh"]),
        facts("web-2", hours=9, kernel="5.10.0"),
        facts("db-1", "db", time_zone="Europe/Berlin"),
    )  # fmt: skip
    found = read(COLLECTOR, options, folder=tmp_path)
    roles = {item.identity: item.attributes for item in found if isinstance(item, Resource)}
    assert (len(found), sorted(roles)) == (2, ["db", "web"])
    web = roles["web"]
    assert web["machines"] == 2
    assert web["packages"] == {
        "openssl": ["3.0.11-1~deb12u2", "3.0.13-1"], "libc6": "2.36-9", "passwd": "1:4.13", "vim": ["2:9.0.1378-2", "none"],
    }  # fmt: skip
    assert web["services"] == {"nginx": ["enabled", "none"], "ssh": "enabled"}
    assert (web["kernel"], web["time_zone"], roles["db"]["time_zone"]) == ("6.1.0-18-amd64", "UTC", "Europe/Berlin")
    assert DIGEST not in repr(roles)


def test_facts_that_are_old_are_a_gap_and_hide_their_role(tmp_path: Path) -> None:
    """A machine that stopped pushing is told by name; where others of its role still do, only their number is unknown."""
    left = pushed(tmp_path, "staging", facts("web-1"), facts("web-2", hours=27), facts("db-1", "db", hours=400))
    right = pushed(
        tmp_path, "production", facts("web-7"), facts("web-8"), facts("db-7", "db"), facts("x-1", "x", hours=-48)
    )
    sides = snapshots(COLLECTOR, left, right, tmp_path)
    gaps = {gap.resource: gap for gap in sides[0].gaps}
    assert {name: (gap.attribute, gap.reason) for name, gap in gaps.items()} == {
        "db": (None, GapReason.UNREACHABLE),
        "web": ("machines", GapReason.UNREACHABLE),
    }
    assert "web-2 (web) last told its facts at 2026-11-22 06:00 UTC" in gaps["web"].detail
    assert ["clock" in gap.detail for gap in sides[1].gaps] == [True]
    assert told(judged(COLLECTOR, *sides).breaches) == []


def test_a_section_that_was_not_read_is_unknown_and_not_empty(tmp_path: Path) -> None:
    """A file that may not be read, services that cannot be told: a gap in that attribute alone."""
    left = pushed(tmp_path, "staging", facts(services=None, files={"/etc/nginx.conf": "unreadable"}))
    right = pushed(tmp_path, "production", facts("web-9", kernel="6.1.0-20-amd64"))
    sides = snapshots(COLLECTOR, left, right, tmp_path)
    assert sorted(str(gap.attribute) for gap in sides[0].gaps) == ["files", "services"]
    assert told(judged(COLLECTOR, *sides).breaches) == [("web", "kernel", "medium", "host-differs")]


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"format": "parity-facts/2"}', json.dumps(facts(collected_at="2026-11-23T08:00:00")),
     json.dumps(facts(files={"/etc/shadow": CANARY})), "[" * 100_000],
)  # fmt: skip
def test_a_file_that_holds_no_facts_is_a_gap_over_all_roles(tmp_path: Path, text: str) -> None:
    """Which machine it is of is not known; the others are read all the same, and nothing of it is told."""
    options = pushed(tmp_path, "staging", facts())
    (tmp_path / "staging" / "broken.json").write_text(text)
    gap, role = read(COLLECTOR, options, folder=tmp_path)
    assert isinstance(gap, Gap)
    assert isinstance(role, Resource)
    assert (gap.resource, gap.reason, gap.location) == (None, GapReason.MALFORMED, "staging/broken.json")
    assert CANARY not in repr(gap)


def test_it_keeps_what_every_collector_promises(tmp_path: Path) -> None:
    """As the contract checks it, on facts of its day."""
    options = pushed(tmp_path, "staging", facts(collected_at="2026-01-01T00:00:00Z"), facts("db-1", "db"))
    (tmp_path / "staging" / "1.json").unlink()
    assert broken_promises(COLLECTOR, options, secrets=[DIGEST], folder=tmp_path) == []


def test_no_file_at_all_is_no_empty_environment(tmp_path: Path) -> None:
    """A folder into which nothing was pushed says nothing of machines."""
    with pytest.raises(CollectError) as raised:
        read(COLLECTOR, {"path": "staging/*.json"}, folder=tmp_path)
    assert raised.value.reason is GapReason.UNREACHABLE


def test_facts_are_fetched_and_each_failure_is_a_gap_of_its_own() -> None:
    """With the headers that were given; the machine that answers is read beside those that do not."""
    routes = {"/web-1.json": facts()}
    with hostile(routes) as server:
        for fault, reason in FAULTS.items():
            server.faults["/web-2.json"] = fault
            urls = [f"{server.url}/web-2.json?key={CANARY}", f"{server.url}/web-1.json"]
            given = {"headers": {"authorization": "t0ken"}, "timeout": patience(fault), "max_bytes": 1_000_000}
            gap, role = read(COLLECTOR, {"urls": urls, **given})
            assert isinstance(gap, Gap)
            assert isinstance(role, Resource)
            assert (gap.reason, gap.resource, role.identity) == (reason, None, "web"), fault
            assert CANARY not in repr((gap, role))
        assert {headers["authorization"] for _, headers in server.asked} == {"t0ken"}


def test_each_change_is_found_and_packages_are_one_cause(tmp_path: Path) -> None:
    """Hundreds of packages are one group of findings, those that matter another; everything else is by itself."""
    many = {f"lib{number}": f"1.{number}" for number in range(300)}
    ours = {**many, "openssl": "3.0.11-1", "libc6": "2.36-9", "curl": "7.88"}
    theirs = {**{name: f"{version}+deb12u1" for name, version in ours.items()}, "htop": "3.2"}
    mixed = facts("db-2", "db", kernel="5.10.0")
    left = pushed(tmp_path, "staging", facts(packages=ours), facts("db-1", "db"), mixed)
    right = pushed(
        tmp_path, "production",
        facts("web-7", packages=theirs, services=["nginx", "ssh", "cron"], sysctl={"vm.swappiness": "1"},
              os={"id": "debian", "version": "13"}, runtimes={"python3": "3.13.1"}, time_zone="Europe/Berlin"),
        facts("web-8", packages=theirs, services=["nginx", "ssh", "cron"], sysctl={"vm.swappiness": "1"}, kernel="6.12.1",
              os={"id": "debian", "version": "13"}, runtimes={"python3": "3.13.1"}, time_zone="Europe/Berlin"),
        {**mixed, "files": {"/etc/nginx.conf": OTHER}}, facts("db-7", "db", files={"/etc/nginx.conf": OTHER}),
    )  # fmt: skip
    sides = snapshots(COLLECTOR, left, right, tmp_path)
    found = judged(COLLECTOR, *sides).breaches
    packages = [one for one in found if one.path[:1] == ("packages",)]
    assert [one for one in told(found) if not one[1].startswith("packages.")] == [
        ("db", "files./etc/nginx.conf", "low", "host-file-differs"),
        ("db", "kernel", "low", "host-mixed"),
        ("web", "kernel", "medium", "host-differs"),
        ("web", "machines", "info", "host-machines"),
        ("web", "os.version", "high", "host-system-differs"),
        ("web", "runtimes.python3", "high", "host-runtime-behind"),
        ("web", "services.cron", "medium", "host-service-one-sided"),
        ("web", "sysctl.vm.swappiness", "medium", "host-differs"),
        ("web", "time_zone", "medium", "host-differs"),
    ]
    tail = "packages of role web differ between staging and prod: another image or another date of patches"
    assert {(one.severity.value, one.cause) for one in packages} == {("low", f"301 {tail}"), ("medium", f"3 {tail}")}
    assert len({one.cause_key for one in packages}) == 2


@pytest.mark.parametrize(
    "options", [{}, {"path": "x", "max_age": "soon"}, {"urls": [f"ftp://{CANARY}"]}, {"path": "x", "y": 1}]
)
def test_options_that_are_wrong_are_refused_without_being_quoted(options: Any) -> None:
    """Nowhere to look, an age that is none, another scheme, an unknown key."""
    with pytest.raises(ValidationError) as raised:
        HostsOptions.model_validate(options)
    assert CANARY not in str(raised.value)
