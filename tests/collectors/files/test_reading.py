"""What is read, what is passed over, and what becomes of files that cannot be read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import GapReason
from collectors.files import COLLECTOR
from tests.collectors.files.reader import read, write

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "hunter2-canary"


def test_only_configuration_is_read(tmp_path: Path) -> None:
    """Prose, pictures, scripts, examples, hidden and machine-made folders are passed over without a word."""
    files: dict[str, str | bytes] = {
        "README.md": "# x",
        "logo.png": b"\x89PNG\x00",
        "run.sh": "A=1",
        ".env.example": "A=",
        "app.yaml.dist": "a: 1",
        ".git/config.yaml": "a: 1",
        "web/node_modules/x/package.json": "{}",
        ".terraform/modules.json": "{}",
        "empty.yaml": "# nothing yet\n",
        ".aws/task.json": "{}",
        "app.yaml": "a: 1",
    }
    found = read(tmp_path, files)
    assert [identity for _, identity in found.names()] == [".aws/task.json", "app.yaml"]
    assert found.gaps == []


def test_a_source_lists_every_kind_that_files_can_hold(tmp_path: Path) -> None:
    """What one reading did not find is not there: the task says so for each kind."""
    write(tmp_path, {"a.yaml": "a: 1"})
    (task,) = COLLECTOR.plan(COLLECTOR.options(path="."), Context(environment="staging", folder=tmp_path))
    assert task.source == "files:."
    assert {"env.file", "yaml.file", "aws.ecs.task_definition", "compose.*", "kubernetes.*"} <= set(task.kinds)


def test_include_and_exclude_choose_files(tmp_path: Path) -> None:
    """By name, by path and by folder."""
    files = {"a.yaml": "a: 1", "b.json": "{}", "apps/c.yaml": "c: 1", "tests/d.yaml": "d: 1", "x/tests/e.yaml": "e: 1"}
    write(tmp_path, files)

    def identities(**options: object) -> list[str]:
        return [identity for _, identity in read(tmp_path, **options).names()]

    assert identities(include=["*.yaml"], exclude=["tests/"]) == ["a.yaml", "apps/c.yaml"]
    assert identities(include=["apps/**"]) == ["apps/c.yaml"]
    assert identities(exclude=["*.yaml"]) == ["b.json"]


def test_one_file_may_be_a_source(tmp_path: Path) -> None:
    """A path to a file reads that file."""
    found = read(tmp_path, {"deploy/app.yaml": "a: 1", "deploy/other.yaml": "b: 1"}, path="deploy/app.yaml")
    assert [(r.identity, r.location, r.source) for r in found.resources] == [
        ("app.yaml", "deploy/app.yaml", "files:deploy/app.yaml")
    ]


@pytest.mark.parametrize(
    ("name", "content", "kind", "line"),
    [
        ("a.yaml", f"ok: 1\nbad: [{CANARY}\n", "*", 3),
        ("a.yaml", f"ok: 1\nbad: *{CANARY}\n", "*", 2),
        ("a.yaml", f"{CANARY}: 1\n{CANARY}: 2\n", "*", 2),
        ("a.yaml", f"bad: {CANARY}\x01\n", "*", None),
        ("a.json", f'{{"bad": "{CANARY}" "x"}}', "*", 1),
        ("a.json", f'{{"{CANARY}": 1,\n"{CANARY}": 2}}', "*", 2),
        ("a.toml", f'bad = "{CANARY}\n', "toml.file", 1),
        ("a.toml", f"{CANARY} = 1\n[{CANARY}]\n", "toml.file", 2),
        ("a.toml", f"[{CANARY}]\n[{CANARY}]\n", "toml.file", 2),
        ("a.ini", f"[s]\n{CANARY} = 1\n{CANARY} = 2\n", "ini.file", 3),
        ("a.env", f"PASSWORD='{CANARY}\n", "env.file", 1),
        ("a.env", f"A=1\n{CANARY}\x7f = ?\n", "env.file", 2),
        ("a.tfvars", f'bad = "{CANARY}\n', "terraform.variables", 1),
        ("a.tf", f'resource "x" {{ {CANARY} }}\n', "terraform.configuration", 1),
        ("a.tfvars.json", f'{{"bad": {CANARY}}}', "terraform.variables", 1),
        ("a.yaml", f"bad: {CANARY}".encode() + b"\xff\n", "*", 1),
    ],
)
def test_a_malformed_file_is_a_gap_that_does_not_quote_it(
    tmp_path: Path, name: str, content: str | bytes, kind: str, line: int | None
) -> None:
    """The gap says where and what is wrong, never what stands there; everything else is still read."""
    found = read(tmp_path, {name: content, "good.yaml": "a: 1\n"})
    assert found.names() == [("yaml.file", "good.yaml")]
    (gap,) = found.gaps
    assert (gap.kind, gap.reason, gap.resource) == (kind, GapReason.MALFORMED, name)
    assert gap.location == (name if line is None else f"{name}:{line}")
    assert CANARY not in repr(gap)
    assert CANARY[:6] not in repr(gap)


def test_templates_and_encrypted_files_are_unsupported(tmp_path: Path) -> None:
    """One gap for a chart's templates, one for each other file, with what to do about it."""
    files = {
        "chart/Chart.yaml": "apiVersion: v2\nname: web\n",
        "chart/templates/a.yaml": "a: {{ .Values.a }}\n",
        "chart/templates/b.yaml": "{{- if .Values.b }}\nb: 1\n{{- end }}\n",
        "loose.yaml": "{% for x in y %}\na: {{ x }}\n{% endfor %}\n",
        "vault.yml": "$ANSIBLE_VAULT;1.1;AES256\n3162\n",
        "alerts.yaml": 'message: "{{ $labels.pod }} is down"\n',
    }
    found = read(tmp_path, files)
    assert found.names() == [("yaml.file", "alerts.yaml"), ("yaml.file", "chart/Chart.yaml")]
    assert [(gap.kind, gap.reason.value, gap.resource) for gap in found.gaps] == [
        ("kubernetes.*", "unsupported", "chart/templates"),
        ("*", "unsupported", "loose.yaml"),
        ("*", "unsupported", "vault.yml"),
    ]
    assert "helm template" in found.gaps[0].detail


def test_a_file_above_the_limit_is_truncated(tmp_path: Path) -> None:
    """It is not opened; the gap names the option."""
    found = read(tmp_path, {"big.json": '{"a": "' + "x" * 200 + '"}'}, max_file_size=100)
    (gap,) = found.gaps
    assert (gap.reason, gap.resource) == (GapReason.TRUNCATED, "big.json")
    assert "max_file_size" in gap.detail


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX users")
def test_what_may_not_be_opened_is_denied(tmp_path: Path) -> None:
    """A file and a folder without permission are gaps; the folder hides everything that might be in it."""
    write(tmp_path, {"closed.yaml": "a: 1", "folder/inner.yaml": "b: 1", "open.yaml": "c: 1"})
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if os.geteuid() == 0 and folder.is_relative_to(tmp_path.parents[2]):
            folder.chmod(0o755)
    (tmp_path / "closed.yaml").chmod(0o000)
    (tmp_path / "folder").chmod(0o000)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        found = read(tmp_path)
    finally:
        if root:
            os.seteuid(0)
        (tmp_path / "folder").chmod(0o755)
    assert found.names() == [("yaml.file", "open.yaml")]
    assert [(gap.kind, gap.reason.value, gap.resource) for gap in found.gaps] == [
        ("*", "access_denied", None),
        ("*", "access_denied", "closed.yaml"),
    ]


def test_a_folder_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    """Planning fails, so nothing of the source counts as listed."""
    with pytest.raises(CollectError) as caught:
        read(tmp_path, path="nowhere")
    assert caught.value.reason is GapReason.UNREACHABLE


def test_links_are_followed_once_and_never_in_circles(tmp_path: Path) -> None:
    """A link up, a link to a sibling, a link out, a second link out, and a link to nothing."""
    outside = tmp_path / "outside"
    write(tmp_path, {"outside/shared.yaml": "s: 1", "root/a/x.yaml": "x: 1"})
    root = tmp_path / "root"
    (root / "a" / "up").symlink_to(root)
    (root / "again").symlink_to(root / "a")
    (root / "out").symlink_to(outside)
    (root / "out2").symlink_to(outside)
    (root / "dead.yaml").symlink_to(root / "nowhere.yaml")
    assert [identity for _, identity in read(root).names()] == ["a/x.yaml", "out/shared.yaml"]


def test_the_same_files_give_the_same_answer(tmp_path: Path) -> None:
    """Order does not depend on the file system."""
    files = {f"{name}/{name}.yaml": f"{name}: 1" for name in "dbca"}
    assert read(tmp_path, files) == read(tmp_path)


def test_a_list_at_the_top_and_several_documents_have_names(tmp_path: Path) -> None:
    """What is no single map is still read."""
    found = read(tmp_path, {"list.yaml": "- 1\n- 2\n", "many.yaml": "a: 1\n---\nb: 2\n"})
    assert [(r.identity, r.attributes, r.location) for r in found.resources] == [
        ("list.yaml", {"items": [1, 2]}, "list.yaml:1"),
        ("many.yaml#1", {"a": 1}, "many.yaml:1"),
        ("many.yaml#2", {"b": 2}, "many.yaml:3"),
    ]
