"""What is kept of the git work tree that files were read from, by a real git in real folders."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from auditor.collector import Context
from auditor.model import Gap, Resource
from collectors.files import COLLECTOR
from collectors.files.collector import FilesOptions


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the files of two environments, committed."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for name in ("staging", "prod"):
        (tmp_path / "deploy" / name).mkdir(parents=True)
        (tmp_path / "deploy" / name / "app.env").write_text("A=1\n")
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "As it is")


def repositories(folder: Path, path: str = "deploy/prod", timeout: float = 60.0) -> list[Resource]:
    context = Context("prod", folder, ("prod",), ("staging",), timeout=timeout)
    found = [item for task in COLLECTOR.plan(FilesOptions(path=path), context) for item in task.run()]
    assert not [item for item in found if isinstance(item, Gap)]
    return [item for item in found if isinstance(item, Resource) and item.kind == "files.repository"]


def test_a_clean_checkout_tells_its_commit(checkout: Path) -> None:
    """One resource per source: the commit, how many files, and nothing that is not as it was committed."""
    (found,) = repositories(checkout)
    assert (found.identity, found.source) == ("deploy/prod", "files:deploy/prod")
    assert found.attributes == {
        "commit": git(checkout, "rev-parse", "HEAD"),
        "files": 1,
        "untracked": [],
        "modified": [],
    }


def test_what_was_read_and_is_not_committed_is_named(checkout: Path) -> None:
    """Changed, staged, deleted and new files of what is read; nothing of other folders, and no other files."""
    own = checkout / "deploy" / "prod"
    (own / "staged.env").write_text("B=1\n")
    commit(checkout)
    (own / "app.env").write_text("A=2\n")
    (own / "staged.env").unlink()
    (own / "new.env").write_text("C=1\n")
    (own / "notes.txt").write_text("not configuration\n")
    (own / "ignored.env").write_text("D=1\n")
    (checkout / ".gitignore").write_text("ignored.env\n")
    (checkout / "deploy" / "staging" / "app.env").write_text("A=3\n")
    (found,) = repositories(checkout)
    assert found.attributes["modified"] == ["app.env", "staged.env"]
    assert found.attributes["untracked"] == ["ignored.env", "new.env"]
    git(checkout, "add", "deploy/prod/new.env")
    (found,) = repositories(checkout)
    assert (found.attributes["modified"], found.attributes["untracked"]) == (
        ["app.env", "new.env", "staged.env"],
        ["ignored.env"],
    )


def test_a_file_behind_a_link_is_tracked_under_its_real_name(checkout: Path) -> None:
    """Shared files are linked into an environment's folder: they are committed all the same."""
    (checkout / "shared").mkdir()
    (checkout / "shared" / "base.env").write_text("E=1\n")
    (checkout / "deploy" / "prod" / "shared").symlink_to("../../shared")
    commit(checkout)
    (found,) = repositories(checkout)
    assert (found.attributes["files"], found.attributes["untracked"]) == (2, [])


def test_outside_of_a_work_tree_there_is_nothing_to_tell(tmp_path: Path) -> None:
    """Neither where there is no repository, nor where a folder only looks like one."""
    (tmp_path / "app.env").write_text("A=1\n")
    assert repositories(tmp_path, ".") == []
    (tmp_path / ".git").mkdir()
    assert repositories(tmp_path, ".") == []


def test_a_repository_without_a_commit_says_so(tmp_path: Path) -> None:
    """What was never committed cannot be told from what was."""
    (tmp_path / "app.env").write_text("A=1\n")
    git(tmp_path, "init", "-q")
    (found,) = repositories(tmp_path, ".")
    assert found.attributes == {"unknown": "there is no commit yet"}


def test_without_git_the_work_tree_tells_why_it_does_not_tell(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No gap, since nothing of the environment is hidden; and no claim either."""
    monkeypatch.setenv("PATH", "")
    (found,) = repositories(checkout)
    assert found.attributes == {"unknown": "git is not installed"}


def test_a_git_that_does_not_answer_is_not_waited_for(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given as long as a listing may take."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "git").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    (found,) = repositories(checkout, timeout=0.2)
    assert found.attributes == {"unknown": "git gave no answer within 0.2 s"}


def test_git_runs_nothing_and_writes_nothing(checkout: Path) -> None:
    """A hostile configuration of the repository starts no program, and the index stays as it is."""
    marker = checkout / "ran"
    script = checkout / ".git" / "monitor"
    script.write_text(f"#!/bin/sh\ntouch {marker}\n")
    script.chmod(0o755)
    git(checkout, "config", "core.fsmonitor", str(script))
    git(checkout, "config", "diff.external", str(script))
    own = checkout / "deploy" / "prod" / "app.env"
    own.write_text("A=1\n")
    os.utime(own, (1, 1))
    before = (checkout / ".git" / "index").read_bytes()
    marker.unlink(missing_ok=True)
    (found,) = repositories(checkout)
    assert found.attributes["modified"] == []
    assert (checkout / ".git" / "index").read_bytes() == before
    assert not marker.exists()


def test_variables_of_a_hook_do_not_lead_git_elsewhere(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a hook of another repository GIT_DIR points to that one."""
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    (found,) = repositories(checkout)
    assert found.attributes["files"] == 1
