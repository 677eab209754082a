"""The image, the compose file and the manifests: as far as can be said without running them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from auditor.cli.root import audit
from auditor.config import Config, load_config
from auditor.registry import Registry

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("auditor", "worker", "upgrade", "company")
KUBERNETES = ROOT / "deploy" / "kubernetes"
KUBECTL = shutil.which("kubectl")


def ran(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)


def resolve(arguments: list[str]) -> click.Command:
    """The command of ours that `arguments` start. Raises UsageError where there is none, or an option is not known."""
    command: click.Command = audit
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), arguments[0])
        assert found is not None, arguments
        command, arguments = found, arguments[1:]
    command.make_parser(click.Context(command)).parse_args(list(arguments))
    return command


def config_of(folder: Path, environ: dict[str, str]) -> Config:
    return load_config(folder / "auditor.yaml", registry=Registry.load(), environ=environ)


def test_the_compose_file_is_one() -> None:
    """It fits the schema of compose files."""
    done = ran(
        sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "docker-compose.yml"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_has_nothing_to_object_to() -> None:
    """hadolint is silent."""
    done = ran(Path(sys.executable).parent / "hadolint", ROOT / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_starts_a_command_that_exists(name: str) -> None:
    """With options that it knows; where compose names none, the image's own command counts."""
    service = SERVICES[name]
    default = {"company": ["demo", "--company", "--host", "0.0.0.0"]}
    assert resolve(service.get("command") or default[name]).name in ("serve", "upgrade", "demo", "worker")
    commands = re.findall(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert [yaml.safe_load(command) for command in commands] == [["serve"], default["company"]]


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_can_do_little_to_its_machine(name: str) -> None:
    """A root file system that is read only, no capabilities, no new privileges."""
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_every_file_that_compose_mounts_is_there() -> None:
    """A bind mount of a path that does not exist makes an empty folder, and a service without its configuration."""
    sources = {
        re.sub(r"\$\{\w+:-(.*)\}", r"\1", volume["source"])
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if isinstance(volume, dict)
    }
    assert "./deploy/grafana/dashboards" in sources
    assert [source for source in sorted(sources) if not (ROOT / source).exists()] == []


def test_ports_are_published_on_loopback_only() -> None:
    """Nothing here has a login; who wants it reachable says so."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_foreign_images_name_their_version() -> None:
    """What runs today runs tomorrow."""
    images = {service["image"] for name, service in SERVICES.items() if name not in OURS}
    assert len(images) == 4
    assert [image for image in images if not re.search(r":v?\d+[\w.-]*$", image)] == []


def test_the_compose_file_keeps_no_password() -> None:
    """Passwords are made at the first start and read from files; no variable holds one, but the stand-in's."""
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN|KEY", variable):
                assert re.fullmatch(r"\$\{\w+:-(demo)?\}|/secrets/\w+", str(value)), (name, variable)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="giving files to other users needs root")
def test_passwords_are_made_once_each_for_the_one_who_reads_it(tmp_path: Path) -> None:
    """The script of the `secrets` service, run as it stands: a second run changes nothing."""
    script = SERVICES["secrets"]["command"][0].replace("$$", "$").replace("/secrets", str(tmp_path))
    made = []
    for _ in range(2):
        done = ran(*SERVICES["secrets"]["entrypoint"], script)
        assert (done.returncode, done.stderr) == (0, "")
        made.append({path.name: path.read_text() for path in tmp_path.iterdir()})
    assert made[0] == made[1]
    assert re.fullmatch(r"[A-Za-z0-9]{35,43}", made[0]["postgres"])
    assert made[0]["pgpass"] == f"store:5432:auditor:auditor:{made[0]['postgres']}\n"
    assert made[0]["grafana"] != made[0]["postgres"]
    seen = {path.name: (path.stat().st_uid, oct(path.stat().st_mode)[-3:]) for path in tmp_path.iterdir()}
    assert seen == {"postgres": (70, "600"), "pgpass": (10001, "600"), "grafana": (472, "600")}


def test_the_composed_configuration_is_right_and_reachable(tmp_path: Path) -> None:
    """It watches the demo company under its own policy, on a schedule, on the port that is published."""
    text = (ROOT / "deploy" / "compose" / "auditor.yaml").read_text()
    (tmp_path / "auditor.yaml").write_text(text.replace("/company", str(ROOT / "auditor" / "demo" / "folder")))
    variables = SERVICES["auditor"]["environment"].items()
    config = config_of(tmp_path, {key: re.sub(r"\$\{\w+:-(.*)\}", r"\1", str(value)) for key, value in variables})
    assert [(pair.left, pair.right, pair.policies, pair.schedule) for pair in config.pairs] == [
        ("staging", "prod", ("shop",), "every 1m")
    ]
    assert SERVICES["auditor"]["ports"] == [f"127.0.0.1:{config.serve.port}:{config.serve.port}"]
    assert config.store == SERVICES["auditor"]["environment"]["AUDITOR_STORE"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_understands_its_configuration() -> None:
    """The rules are looked for where compose mounts them."""
    done = ran("promtool", "check", "config", "--syntax-only", ROOT / "deploy" / "compose" / "prometheus.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    patterns = yaml.safe_load((ROOT / "deploy" / "compose" / "prometheus.yaml").read_text())["rule_files"]
    assert all(list((ROOT / "deploy" / "prometheus").glob(Path(pattern).name)) for pattern in patterns)


def test_prometheus_asks_whatever_of_ours_listens() -> None:
    """Every service that says where it serves metrics, the workers too, under its name and port in the composition."""
    scraped = yaml.safe_load((ROOT / "deploy" / "compose" / "prometheus.yaml").read_text())["scrape_configs"]
    asked = {(name, each["port"]) for job in scraped for each in job["dns_sd_configs"] for name in each["names"]}
    command = SERVICES["worker"]["command"]
    listens = {"auditor": SERVICES["auditor"]["ports"][0], "worker": command[command.index("--listen") + 1]}
    assert asked == {(name, int(place.rpartition(":")[2])) for name, place in listens.items()}


@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
def test_alertmanager_understands_its_configuration() -> None:
    """Checked by its own tool."""
    done = ran("amtool", "check-config", ROOT / "deploy" / "compose" / "alertmanager.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_critical_finding_is_told_once_by_the_composed_alertmanager_too() -> None:
    """The stack sends each finding as an alert of its own, so it needs the rule of the example for that."""
    files = (ROOT / "deploy" / "compose" / "alertmanager.yaml", ROOT / "deploy" / "alertmanager" / "alertmanager.yaml")
    composed, example = (yaml.safe_load(file.read_text())["inhibit_rules"] for file in files)
    rule = {
        "source_matchers": ['alertname="ParityFinding"', 'severity="critical"'],
        "target_matchers": ['alertname="ParityCriticalFinding"'],
        "equal": ["left", "right"],
    }
    assert composed == [rule]
    assert rule in example


def test_the_configuration_for_kubernetes_is_right() -> None:
    """With the variables that the example of the secret shows."""
    secret = yaml.safe_load((KUBERNETES / "secret.example.yaml").read_text())["stringData"]
    config = config_of(KUBERNETES, secret)
    assert config.store.startswith("postgresql://")
    assert config.publish.slack is not None


def test_the_deployment_runs_as_the_image_expects() -> None:
    """The user, the folders and the commands of the Dockerfile; probes on what the service answers."""
    spec = yaml.safe_load((KUBERNETES / "deployment.yaml").read_text())["spec"]["template"]["spec"]
    image = (ROOT / "Dockerfile").read_text()
    assert f"USER {spec['securityContext']['runAsUser']}\n" in image
    containers = [*spec["initContainers"], *spec["containers"]]
    assert [resolve(container["args"]).name for container in containers] == ["upgrade", "serve"]
    for container in containers:
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/var/lib/auditor", "/tmp"}
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
    probes = {name: probe["httpGet"]["path"] for name, probe in spec["containers"][0].items() if name.endswith("Probe")}
    assert probes == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
def test_the_manifests_build() -> None:
    """kustomize puts them together: one of each, all in one namespace, the secret left to its owner."""
    done = ran("kubectl", "kustomize", KUBERNETES)
    assert done.returncode == 0, done.stderr
    found = list(yaml.safe_load_all(done.stdout))
    assert sorted(one["kind"] for one in found) == [
        "ConfigMap",
        "Deployment",
        "Namespace",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    ]
    assert {one["metadata"].get("namespace", "parity-auditor") for one in found} == {"parity-auditor"}


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
def test_workers_share_what_the_service_has() -> None:
    """The same image, configuration and secret; a command that exists, on the port that its probes ask; and an engine that
    every container is told of."""
    done = ran("kubectl", "kustomize", KUBERNETES.parent / "kubernetes-workers")
    assert done.returncode == 0, done.stderr
    deployments = [one for one in yaml.safe_load_all(done.stdout) if one["kind"] == "Deployment"]
    specs = {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in deployments}
    service, worker = specs["parity-auditor"], specs["parity-auditor-worker"]
    (container,) = worker["containers"]
    assert resolve(container["args"]).name == "worker"
    assert container["args"][2] == f"0.0.0.0:{container['ports'][0]['containerPort']}"
    same = ("image", "envFrom", "env", "volumeMounts", "securityContext")
    assert all(container[key] == service["containers"][0][key] for key in same)
    assert worker["volumes"] == service["volumes"]
    assert service["initContainers"][0]["env"] == container["env"] == [{"name": "AUDITOR_ENGINE", "value": "workers"}]
    secret = yaml.safe_load((KUBERNETES / "secret.example.yaml").read_text())["stringData"]
    assert config_of(KUBERNETES, {**secret, "AUDITOR_ENGINE": "workers"}).engine == "workers"
