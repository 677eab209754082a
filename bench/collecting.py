"""How long it takes to read two environments, each ten services in four regions, when every answer takes 80 ms more.

    python -m bench.collecting [--json] [--custodian PATH]

The answers are those that moto gave once; `bench.collecting_proxy` gives them again, any number at a time, to everybody alike.
Beside the product stand boto3 itself (CPU time of the same calls), the longest chain of calls that need one another, and Cloud
Custodian with the same resources and no filters: as it is run by default, and as eight processes, one for each account and
region. Cloud Custodian is installed for the run where it is not given; where it cannot be, its rows are not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.collecting_ours import ACCOUNTS, DELAY, REGIONS, tell

CUSTODIAN = "c7n==0.9.53"
# Cloud Custodian's resource -> our kind of the same things.
RESOURCES = {
    "aws.asg": "aws.autoscaling.group",
    "aws.dynamodb-table": "aws.dynamodb.table",
    "aws.ec2": "aws.ec2.fleet",
    "aws.launch-template-version": "aws.ec2.launch_template",
    "aws.security-group": "aws.ec2.security_group",
    "aws.ecs": "aws.ecs.cluster",
    "aws.ecs-service": "aws.ecs.service",
    "aws.ecs-task-definition": "aws.ecs.task_definition",
    "aws.app-elb": "aws.elasticloadbalancingv2.load_balancer",
    "aws.app-elb-target-group": "aws.elasticloadbalancingv2.target_group",
    "aws.kms-key": "aws.kms.key",
    "aws.lambda": "aws.lambda.function",
    "aws.rds": "aws.rds.instance",
    "aws.rds-cluster": "aws.rds.cluster",
    "aws.rds-param-group": "aws.rds.parameter_group",
    "aws.rds-cluster-param-group": "aws.rds.cluster_parameter_group",
    "aws.secrets-manager": "aws.secretsmanager.secret",
    "aws.sns": "aws.sns.topic",
}
TARGETS = {"of_floor": 1.3, "over_custodian": 8.0, "over_custodian_of_eight": 2.0}
_PATIENCE = 300
# Whatever else the machine does makes seconds many more, and minutes, which the others take, few.
_COLD_RUNS = 3
_HERE = Path(__file__).resolve().parents[1]


def measure(custodian: str | None = None) -> dict[str, Any]:
    """Seconds, calls and ratios. `custodian` is the command of an installed Cloud Custodian.

    `floor` is the larger of the longest chain and boto3's CPU time. `custodian` is why it was not measured, where it was
    not. `differing` names what the two counted differently, by environment, region and kind."""
    with (
        tempfile.TemporaryDirectory(prefix="parity-bench-") as name,
        _company() as company,
        _proxy(company["url"]) as url,
    ):
        folder = Path(name)
        environ = _environ(folder, company["keys"], url)
        counted = _ours(url, environ, "once")
        result: dict[str, Any] = dict(_ours(url, environ, "measure"))
        tell(url, delay=DELAY, keep=False)
        result["cold"] = min(_seconds(lambda: _ours(url, environ, "once")) for _ in range(_COLD_RUNS))
        result["chain_seconds"] = result["chain"] * DELAY
        result["floor"] = max(result["chain_seconds"], result["boto_cpu"])
        result["of_floor"] = result["wall"] / result["floor"]
        command, missing = (custodian, None) if custodian else _installed(folder)
        if command is None:
            return {**result, "custodian": missing}
        try:
            return {**result, **_beside(_Custodian(command, folder, environ, url), counted, result["cold"])}
        except _FailedError as error:
            return {**result, "custodian": f"not measured: {error}"}


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _beside(custodian: _Custodian, counted: Mapping[str, int], ours: float) -> dict[str, Any]:
    """The same with Cloud Custodian, against us with a process that was just started, as its are."""
    tell(custodian.url, delay=0, keep=True)
    theirs = custodian.counts(custodian.side_by_side("recorded"))
    tell(custodian.url, delay=DELAY, keep=False)
    alone = _seconds(lambda: custodian.one_after_the_other("serial"))
    eight = _seconds(lambda: custodian.side_by_side("eight"))
    return {
        "custodian_serial": alone,
        "custodian_eight": eight,
        "over_custodian": alone / ours,
        "over_custodian_of_eight": eight / ours,
        "differing": {
            key: [counted.get(key, 0), number] for key, number in theirs.items() if number != counted.get(key, 0)
        },
        "custodian_resources": sum(theirs.values()),
    }


class _Custodian:
    """Cloud Custodian with one policy for each kind of resource, without filters and actions."""

    def __init__(self, command: str, folder: Path, environ: Mapping[str, str], url: str) -> None:
        self.url = url
        self._command, self._folder, self._environ = command, folder, environ
        self._policies = folder / "policies.json"
        written = [{"name": name.removeprefix("aws."), "resource": name} for name in RESOURCES]
        self._policies.write_text(json.dumps({"policies": written}))

    def one_after_the_other(self, run: str) -> None:
        """As it is run by default: one account after the other, all regions at once told."""
        for environment in ACCOUNTS:
            _wait(self._begin(run, environment, REGIONS))

    def side_by_side(self, run: str) -> Path:
        """A process for each account and region. Gives the folder with what they found."""
        begun = [self._begin(run, environment, [region]) for environment in ACCOUNTS for region in REGIONS]
        for each in begun:
            _wait(each)
        return self._folder / run

    def counts(self, folder: Path) -> dict[str, int]:
        """How many it found, by environment, region and our name of the kind."""
        kinds = {name.removeprefix("aws."): kind for name, kind in RESOURCES.items()}
        found = {}
        for path in folder.glob("*/*/*/resources.json"):
            environment, region, policy = path.relative_to(folder).parts[:3]
            found[f"{environment}/{region}/{kinds[policy]}"] = len(json.loads(path.read_text()))
        return found

    def _begin(self, run: str, environment: str, regions: Sequence[str]) -> subprocess.Popen[bytes]:
        # With one region there is no folder for it.
        out = self._folder / run / environment / (regions[0] if len(regions) == 1 else "")
        where = [option for region in regions for option in ("--region", region)]
        cache = ["--cache", str(self._folder / f"{run}-{environment}-{len(regions)}-{regions[0]}.db")]
        command = [self._command, "run", "-s", str(out), "--profile", environment, *where, *cache, str(self._policies)]
        return subprocess.Popen(command, env=self._environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class _FailedError(Exception):
    """Cloud Custodian did not come to a good end."""


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        _, said = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        raise _FailedError(f"no end within {_PATIENCE} s") from error
    if process.returncode:
        raise _FailedError(f"{Path(str(process.args[0])).name} failed: {said.decode(errors='replace')[-2000:]}")  # type: ignore[index]


def _installed(folder: Path) -> tuple[str | None, str | None]:
    """The command of Cloud Custodian in an environment of its own, or why there is none."""
    place = folder / "custodian"
    try:
        venv.create(place, with_pip=True)
        subprocess.run(
            [place / "bin" / "python", "-m", "pip", "install", "-q", CUSTODIAN],
            check=True,
            capture_output=True,
            timeout=120,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return None, f"not measured: {CUSTODIAN} cannot be installed ({type(error).__name__})"
    return str(place / "bin" / "custodian"), None


def _environ(folder: Path, keys: Mapping[str, Mapping[str, str]], url: str) -> dict[str, str]:
    """An environment without the user's own credentials, and with a profile for each account."""
    spelled = (("AccessKeyId", "aws_access_key_id"), ("SecretAccessKey", "aws_secret_access_key"))
    config = folder / "config"
    lines = []
    for environment, own in keys.items():
        lines += [f"[profile {environment}]", f"region = {REGIONS[0]}", f"aws_session_token = {own['SessionToken']}"]
        lines += [f"{name} = {own[key]}" for key, name in spelled]
    config.write_text("\n".join(lines))
    own_settings = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **own_settings,
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": url,
        "HOME": str(folder),
    }


def _ours(url: str, environ: Mapping[str, str], what: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.collecting_ours", url, what]
    done = subprocess.run(command, env=environ, cwd=_HERE, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def _company() -> Iterator[dict[str, Any]]:
    with _running("bench.collecting_company") as line:
        yield json.loads(line)


@contextmanager
def _proxy(upstream: str) -> Iterator[str]:
    with _running("bench.collecting_proxy", upstream) as line:
        yield line.strip()


@contextmanager
def _running(module: str, *arguments: str) -> Iterator[str]:
    """The first line of a process that ends when nobody listens to it any more."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, cwd=_HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("it was started with pipes")
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{module} did not start")
            yield line
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def rows(result: Mapping[str, Any]) -> Iterator[str]:
    """What was measured, a line each."""
    yield f"{result['resources']} resources by {result['calls']} calls; {result['gaps']} gaps, {result['unknown']} unknown"
    yield f"{'warm clients':44}{result['wall']:8.2f} s   CPU {result['cpu']:.2f} s"
    yield f"{'a process that was just started':44}{result['cold']:8.2f} s"
    yield f"{'longest chain of calls':44}{result['chain_seconds']:8.2f} s   {result['chain']} calls"
    yield f"{'CPU of boto3 for the same calls':44}{result['boto_cpu']:8.2f} s"
    yield f"{'warm, of the larger of these two':44}{result['of_floor']:8.2f}     at most {TARGETS['of_floor']}"
    if "custodian_serial" not in result:
        yield f"{'Cloud Custodian':44}   {result['custodian']}"
        return
    yield f"{'Cloud Custodian, by default':44}{result['custodian_serial']:8.2f} s"
    yield f"{'Cloud Custodian, eight processes':44}{result['custodian_eight']:8.2f} s"
    yield f"{'faster than it, just started as it is':44}{result['over_custodian']:8.1f}     at least {TARGETS['over_custodian']:g}"
    yield (
        f"{'faster than eight of its processes':44}{result['over_custodian_of_eight']:8.1f}"
        f"     at least {TARGETS['over_custodian_of_eight']:g}"
    )
    yield f"{'resources that both count alike':44}{result['custodian_resources']:8d}     differing: {result['differing'] or 'none'}"


def main() -> None:
    asked = argparse.ArgumentParser(
        prog="python -m bench.collecting", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    asked.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    asked.add_argument("--custodian", metavar="PATH", help="an installed command of Cloud Custodian")
    chosen = asked.parse_args()
    result = measure(chosen.custodian)
    sys.stdout.write(json.dumps(result, indent=2) + "\n" if chosen.json else "\n".join(rows(result)) + "\n")


if __name__ == "__main__":
    main()
