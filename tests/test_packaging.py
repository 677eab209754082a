"""What an installation from a wheel holds, and what the ground it stands on promises."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
CODE_AND_CACHES = {".py", ".pyc"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """A wheel built from this tree by the build backend that pyproject.toml names."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "import hatchling.build, sys; hatchling.build.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_every_data_file_of_the_packages_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    """Policies, templates and migrations: whatever stands in the packages and is no cache."""
    held = set(wheel.namelist())
    missing = [
        str(path.relative_to(ROOT))
        for package in ("auditor", "collectors", "policies")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and str(path.relative_to(ROOT)) not in held
    ]
    assert missing == []
    assert {Path(name).suffix for name in held if name.startswith("policies/")} >= {".yaml"}
    assert any(name.startswith("auditor/store/migrations/versions/") for name in held)
    assert any(name.startswith("auditor/publish/templates/") and not name.endswith(".py") for name in held)


def test_the_product_works_from_the_wheel_alone(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """Unpacked elsewhere, it finds its policies, its migrations and its templates: a whole audit, as a page."""
    site = tmp_path / "site"
    wheel.extractall(site)
    work = tmp_path / "work"
    for name in ("staging", "prod"):
        (work / name).mkdir(parents=True)
        (work / name / "app.env").write_text(f"NAME={name}\n")
    (work / "auditor.yaml").write_text(
        "environments:\n"
        "  staging: {sources: [{collector: files, path: staging}]}\n"
        "  prod: {sources: [{collector: files, path: prod}]}\n"
        "pairs: [{left: staging, right: prod}]\n"
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import auditor; print(auditor.__file__, file=sys.stderr); "
        "from auditor.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(site), "now", "staging", "prod", "--format", "html"],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.startswith(str(site)), done.stderr
    assert done.returncode == 0, done.stderr
    assert done.stdout.lower().startswith("<!doctype html>")


def test_the_console_command_is_audit(wheel: zipfile.ZipFile) -> None:
    """The entry point of the wheel is the function that runs the command."""
    (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "audit = auditor.cli:main" in wheel.read(name).decode()


def pinned(name: str) -> dict[str, str]:
    """Package -> version of one lock file."""
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^ \\;]+)", (ROOT / name).read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["requirements.lock", "runtime.lock", "demo.lock", "bootstrap.lock"])
def test_a_lock_holds_hashes_and_no_address(name: str) -> None:
    """Every pinned package has a hash; where it was downloaded from is nobody's business but the installer's."""
    text = (ROOT / name).read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert "--index-url" not in text


def test_the_image_installs_the_versions_that_were_tested() -> None:
    """runtime.lock is a part of requirements.lock, without what only development needs."""
    tested, installed = pinned("requirements.lock"), pinned("runtime.lock")
    assert {name: tested.get(name) for name in installed} == installed
    assert {"pytest", "mypy", "moto"} & set(installed) == set()
    demo = pinned("demo.lock")
    assert {name: tested.get(name) for name in demo} == demo
    assert {*installed, "moto"} <= set(demo)


def test_the_image_copies_every_lock_and_package_it_uses() -> None:
    """What the Dockerfile copies is let through by .dockerignore."""
    copied = [
        word
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == let_through
    assert all((ROOT / name).exists() for name in copied)
