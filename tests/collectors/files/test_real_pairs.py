"""Configuration of public repositories, read whole. The pairs lie beside the project and are not part of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collectors.files import detect
from tests.collectors.files.reader import Found, read

PAIRS = Path(__file__).resolve().parents[3] / ".." / "shared" / "realpairs"
SIDES = sorted(
    f"{pair.name}/{side}" for pair in PAIRS.glob("*") for side in ("staging", "prod") if (pair / side).is_dir()
)

pytestmark = pytest.mark.skipif(not SIDES, reason="no recorded pairs beside the project")


def side(path: str) -> Found:
    return read(PAIRS.resolve(), of=path.rpartition("/")[2], path=path)


@pytest.mark.parametrize("path", SIDES)
def test_every_file_of_a_pair_is_read(path: str) -> None:
    """No gap, and every supported file but empty and inherited ones is where some resource is from."""
    found = side(path)
    assert found.gaps == []
    locations = {(resource.location or "").split(":")[0] for resource in found.resources}
    folder = PAIRS / path
    files = {str(Path(path) / file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    left = {name for name in files - locations if detect.format_of(name)}
    assert {Path(name).name for name in left} <= {"gotk-sync.yaml", "base-values.yaml"}


def only(found: Found, kind: str) -> dict[str, Any]:
    (attributes,) = [dict(resource.attributes) for resource in found.resources if resource.kind == kind]
    return attributes


def test_production_inherits_the_charts_replicas() -> None:
    """Eight replicas are the chart's; staging overrides them with two."""
    if "moj-prison-api-helm/prod" not in SIDES:
        pytest.skip("this pair is not there")
    prod = only(side("moj-prison-api-helm/prod"), "yaml.file")["generic-service"]
    staging = only(side("moj-prison-api-helm/staging"), "yaml.file")["generic-service"]
    assert (prod["replicaCount"], staging["replicaCount"]) == (8, 2)
    assert prod["env"]["SERVER_PORT"] == 8080


def test_values_are_what_the_files_say() -> None:
    """A few values of several formats, as a person reads them in the files."""
    if "cds-notify-env/prod" not in SIDES:
        pytest.skip("these pairs are not there")
    env = only(side("cds-notify-env/staging"), "env.file")
    assert (len(env), env["HC_FR_SERVICE_ID"], env["ALLOW_DEBUG_ROUTE"]) == (65, "changeme", "true")
    attached = str(only(side("cds-notify-env/prod"), "env.file")["FILE_ATTACH_SERVICES"])
    assert " " not in attached
    assert len(attached.split(",")) > 90
    variables = only(side("cds-notify-tfvars/prod"), "terraform.variables")
    assert (variables["log_retention_period_days"], variables["rds_version"]) == (0, "16.11")
    assert str(variables["security_txt_content"]).startswith("Contact: mailto:")
    modules = only(side("gsa-notify-deploy-config/prod"), "terraform.configuration")["module"]
    assert "v1.0.0" in modules["redis-v70"]["source"]
