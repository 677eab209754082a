"""Base and overlay files, and whose file a file is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from collectors.files.names import Stages, observing, others_files
from tests.collectors.files.reader import read

if TYPE_CHECKING:
    from pathlib import Path

STAGES = Stages(("staging", "stg", "pre-prod"), ("prod", "production"))


def test_what_production_inherits_is_not_missing(tmp_path: Path) -> None:
    """The base says 8 replicas, staging's overlay 2; production says nothing and runs 8."""
    base = "app:\n  replicas: 8\n  hosts: [a, b]\n  gone: 1\n"
    files = {
        "values.yaml": base,
        "values-staging.yaml": "app: {replicas: 2, hosts: [c], gone: null}\n",
        "values-prod.yaml": "app: {host: x}\n",
    }
    staging = read(tmp_path, files)
    assert staging.names() == [("yaml.file", "values-staging.yaml")]
    assert staging.one("yaml.file", "values-staging.yaml") == {"app": {"replicas": 2, "hosts": ["c"]}}
    prod = read(tmp_path, of="prod")
    assert prod.one("yaml.file", "values-prod.yaml") == {
        "app": {"replicas": 8, "hosts": ["a", "b"], "gone": 1, "host": "x"}
    }


@pytest.mark.parametrize(
    ("base", "overlay"),
    [
        ("base-values.yaml", "values.yaml"),
        ("values.yaml", "values-staging.yaml"),
        ("values.yml", "staging-values.yaml"),
        ("appsettings.json", "appsettings.Staging.json"),
        ("application.yml", "application-stg.yml"),
        ("config/settings.yml", "config/settings/staging.yml"),
        ("config/default.json", "config/staging.json"),
        ("config/base/app.toml", "config/staging/app.toml"),
        (".env", ".env.staging"),
        (".env.defaults", ".env"),
        ("common.env", "staging.env"),
        ("terraform.tfvars", "staging.tfvars"),
        ("envs/common.tfvars", "envs/staging.tfvars"),
        ("common.tfvars.json", "stg.tfvars.json"),
        ("application.properties", "application-staging.properties"),
    ],
)
def test_layers_are_known_by_their_names(tmp_path: Path, base: str, overlay: str) -> None:
    """The overlay stands for both, with what it says on top; the base is no resource of its own."""

    def text(name: str, first: str, second: str | None) -> str:
        pairs = {"A": first, **({"B": second} if second else {})}
        if ".env" in name or name.endswith(("properties", "tfvars", "toml")):
            return "".join(f'{key} = "{value}"\n' for key, value in pairs.items())
        return "{" + ", ".join(f'"{key}": "{value}"' for key, value in pairs.items()) + "}"

    found = read(tmp_path, {base: text(base, "base", "inherited"), overlay: text(overlay, "own", None)})
    assert found.gaps == []
    (resource,) = found.resources
    assert resource.identity == overlay
    quote = '"' if overlay.endswith("properties") else ""
    assert resource.attributes == {"A": f"{quote}own{quote}", "B": f"{quote}inherited{quote}"}


def test_a_base_without_our_overlay_is_called_as_ours_would_be(tmp_path: Path) -> None:
    """Staging has no overlay, so it runs the base: that is what production's effective document is compared with."""
    files = {"appsettings.json": '{"A": 1}', "appsettings.Production.json": '{"A": 2}'}
    found = read(tmp_path, files)
    (resource,) = found.resources
    assert (resource.identity, resource.location) == ("appsettings.staging.json", "appsettings.json")
    assert resource.attributes == {"A": 1}


def test_values_of_a_chart_lie_below_overlays_beside_it(tmp_path: Path) -> None:
    """A chart in its own folder, the environments' values next to that folder."""
    files = {
        "helm/orders/Chart.yaml": "apiVersion: v2\nname: orders\n",
        "helm/orders/values.yaml": "replicas: 8\n",
        "helm/values-stg.yaml": "host: x\n",
    }
    found = read(tmp_path, files)
    assert found.one("yaml.file", "helm/values-stg.yaml") == {"replicas": 8, "host": "x"}


def test_values_below_overlays_need_no_chart_file(tmp_path: Path) -> None:
    """Where one folder beside the overlays holds `values.yaml`, those are the chart's; of two, neither is."""
    files = {"deploy/orders/values.yaml": "replicas: 8\n", "deploy/values-stg.yaml": "host: x\n"}
    assert read(tmp_path, files).one("yaml.file", "deploy/values-stg.yaml") == {"replicas": 8, "host": "x"}
    found = read(tmp_path, {"deploy/billing/values.yaml": "replicas: 1\n"})
    assert found.one("yaml.file", "deploy/values-stg.yaml") == {"host": "x"}


def test_a_folder_of_our_own_may_call_us_by_another_name(tmp_path: Path) -> None:
    """`appsettings.QA.json` is our overlay where no file is named after us, and no other stage has one."""
    files = {"staging/appsettings.json": '{"a": 1, "b": 1}', "staging/appsettings.QA.json": '{"b": 2}'}
    found = read(tmp_path, files, path="staging")
    assert [(r.identity, r.attributes) for r in found.resources] == [("appsettings.QA.json", {"a": 1, "b": 2})]
    found = read(tmp_path, {"staging/appsettings.Staging.json": '{"b": 3}'}, path="staging")
    assert {"a": 1, "b": 3} in [r.attributes for r in found.resources]
    assert {"a": 1, "b": 2} not in [r.attributes for r in found.resources]


def test_declared_layers_need_no_telling_names(tmp_path: Path) -> None:
    """Three files in the order that the configuration gives; one that is not there is a gap."""
    files = {"a.yaml": "x: {a: 1, b: 1, c: 1}\n", "b.yaml": "x: {b: 2, c: 2}\n", "env/stg.yaml": "x: {c: 3}\n"}
    found = read(tmp_path, files, layers=[["a.yaml", "b.yaml", "env/{env}.yaml"]])
    assert found.names() == [("yaml.file", "env/stg.yaml")]
    assert found.one("yaml.file", "env/stg.yaml") == {"x": {"a": 1, "b": 2, "c": 3}}
    found = read(tmp_path, layers=[["a.yaml", "gone.yaml"]])
    assert [(gap.kind, gap.reason.value, gap.resource) for gap in found.gaps] == [
        ("yaml.file", "unreachable", "gone.yaml")
    ]
    assert ("yaml.file", "a.yaml") not in found.names()


@pytest.mark.parametrize("broken", ["values.yaml", "values-staging.yaml"])
def test_a_layer_that_cannot_be_read_makes_the_whole_unknown(tmp_path: Path, broken: str) -> None:
    """Half a document would show differences that are none: the gap is about the effective document."""
    files = {"values.yaml": "a: 1\n", "values-staging.yaml": "b: 1\n", broken: "a: [\n"}
    found = read(tmp_path, files)
    assert found.resources == []
    assert [(gap.resource, gap.location) for gap in found.gaps] == [("values-staging.yaml", f"{broken}:2")]


def test_others_files_are_not_ours(tmp_path: Path) -> None:
    """In a shared folder, by the file's own name or its folder's; `nonprod` is not production."""
    files = {
        "staging.tfvars": "a = 1\n",
        "production.tfvars": "a = 2\n",
        "overlays/prod/app.yaml": "a: 2\n",
        "orders-prod/app.yaml": "a: 2\n",
        "overlays/stg/app.yaml": "a: 1\n",
        "live/product.yaml": "a: 0\n",
        "nonprod.yaml": "a: 0\n",
        "settingsProd.yaml": "a: 2\n",
    }
    assert [identity for _, identity in read(tmp_path, files).names()] == [
        "staging.tfvars",
        "live/product.yaml",
        "nonprod.yaml",
        "overlays/stg/app.yaml",
    ]


def test_in_a_folder_of_our_own_a_file_is_not_lost_for_its_name(tmp_path: Path) -> None:
    """Below `staging/` a file named after production is ours, unless its counterpart for us stands beside it."""
    files = {
        "staging/prod-mirror.yaml": "a: 1\n",
        "staging/values-prod.yaml": "a: 2\n",
        "staging/values-staging.yaml": "a: 1\n",
    }
    found = read(tmp_path, files, path="staging")
    assert found.names() == [("yaml.file", "prod-mirror.yaml"), ("yaml.file", "values-staging.yaml")]


def test_our_section_of_a_file_for_all_environments_is_read(tmp_path: Path) -> None:
    """Rails' database.yml has a section per environment: ours counts, over what all share."""
    text = "default: &d {pool: 5}\ndevelopment: {<<: *d}\nstaging: {<<: *d, host: s}\nproduction: {<<: *d, host: p}\n"
    assert read(tmp_path, {"database.yml": text}).one("yaml.file", "database.yml") == {"pool": 5, "host": "s"}
    assert read(tmp_path, of="prod").one("yaml.file", "database.yml") == {"pool": 5, "host": "p"}


@pytest.mark.parametrize(
    ("name", "own", "other", "without"),
    [
        ("values-staging.yaml", True, False, "values.yaml"),
        ("values.pre-prod.yaml", True, False, "values.yaml"),
        ("appsettings.Production.json", False, True, "appsettings.json"),
        ("appStaging.json", True, False, "app.json"),
        ("staging_config.tfvars", True, False, "config.tfvars"),
        (".env.stg", True, False, ".env"),
        (".env.stg.local", True, False, ".env.local"),
        ("staging.tfvars", True, False, ".tfvars"),
        ("product.yaml", False, False, "product.yaml"),
        ("non-prod.yaml", False, False, "non-prod.yaml"),
    ],
)
def test_names_of_environments_in_file_names(name: str, own: bool, other: bool, without: str) -> None:
    """Whole words only, the longest first, and camel case has borders."""
    assert (STAGES.names_own(name), STAGES.names_other(name), STAGES.without(name)) == (own, other, without)


SIDE_BY_SIDE = {
    "config/stage-manager.stg.json": '{"a": 1}\n',
    "config/stage-manager.prod.json": '{"a": 2}\n',
    "config/production-planning.stg.json": '{"a": 3}\n',
    "config/production-planning.prod.json": '{"a": 4}\n',
    "k8s/stg/prd-editor.json": '{"a": 5}\n',
    "k8s/prod/prd-editor.json": '{"a": 6}\n',
}


def test_what_varies_from_file_to_file_is_the_environment(tmp_path: Path) -> None:
    """`stage` and `production` stand in the names of things, `stg` and `prod` tell the files apart."""
    found = {kind_name[1] for kind_name in read(tmp_path / "all", SIDE_BY_SIDE).names()}
    assert found == {"config/stage-manager.stg.json", "config/production-planning.stg.json", "k8s/stg/prd-editor.json"}
    theirs = {kind_name[1] for kind_name in read(tmp_path / "all", of="prod").names()}
    assert theirs == {
        "config/stage-manager.prod.json",
        "config/production-planning.prod.json",
        "k8s/prod/prd-editor.json",
    }


def test_a_name_that_takes_the_place_of_ours_is_anothers() -> None:
    """Nobody said that production is called `live`; that it stands where `stg` stands in other files says so."""
    names = ["k8s/stg/api.yaml", "k8s/live/api.yaml", "k8s/live/live-chat.yaml"]
    staging = observing(names, Stages(("staging", "stg"), ("prod", "production")))
    assert others_files(names, staging, shared=True) == {"k8s/live/api.yaml", "k8s/live/live-chat.yaml"}
    prod = observing(names, Stages(("prod", "production"), ("staging", "stg")))
    assert others_files(names, prod, shared=True) == {"k8s/stg/api.yaml"}


def test_a_file_without_a_counterpart_is_told_by_what_tells_the_others() -> None:
    """Production lacks `prd-editor`; staging's is not taken for it, for `prd` tells no two files apart."""
    names = ["a.staging.env", "a.prod.env", "prd-editor.staging.env", "staging-area.prod.env"]
    prod = observing(names, Stages(("prod", "prd"), ("staging", "stg")))
    assert others_files(names, prod, shared=True) == {"a.staging.env", "prd-editor.staging.env"}


def test_nonprod_is_a_name_of_its_own() -> None:
    """It does not name `prod`, but it names whoever is called so."""
    assert Stages(("staging", "nonprod"), ("prod",)).names_own("orders.nonprod.env")
    assert not Stages(("prod",), ("staging",)).names_own("orders.nonprod.env")
