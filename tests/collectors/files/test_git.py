"""Git asked for who changed a file: a real repository, and what git must never be made to do by one."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.collector import Context, Inquiry
from auditor.model import ABSENT, Author, Moved, Resource
from collectors.files.collector import FilesCollector, FilesOptions

AFTER = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)
AT = AFTER + timedelta(minutes=5)
FILE = "deploy/prod/app.env"


class Repository:
    """A working tree whose commits are made when, and by whom, the test says."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet")

    def git(self, *arguments: str, **surroundings: str) -> str:
        quiet = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *quiet, *arguments], cwd=self.root, capture_output=True, text=True, check=True, env=surroundings
        )
        return done.stdout.strip()

    def write(self, text: str, file: str = FILE) -> None:
        (self.root / file).parent.mkdir(parents=True, exist_ok=True)
        (self.root / file).write_text(text)

    def commit(self, author: str, at: datetime, message: str = "password=hunter2") -> str:
        self.git("add", ".")
        when = {"GIT_AUTHOR_DATE": at.isoformat(), "GIT_COMMITTER_DATE": at.isoformat()}
        self.git("commit", "--quiet", "-m", message, f"--author={author} <a@example.com>", **when)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.write("ENGINE=15.4\nMODE=a\n")
    made.commit("Bo", AFTER - timedelta(days=300))
    return made


def who(root: Path, new: Any = "15.8", location: str | None = f"{FILE}:1") -> Author | None:
    context = Context("prod", root)
    witness = FilesCollector().witness(FilesOptions(path="deploy/prod"), context, Inquiry(lambda: AT, lambda _: None))
    moved = Moved("right", "prod", AFTER, AFTER + timedelta(minutes=15), "15.4", new, "s2")
    return witness.author(Resource("env.file", "app", {}, source="files:deploy/prod", location=location), moved)


def test_the_commit_that_brought_the_value_is_told(repository: Repository) -> None:
    """By author, commit and time, and not by the last commit where another one brought the value; never its message."""
    repository.write("ENGINE=15.8\nMODE=a\n")
    upgrade = repository.commit("Ada Lovelace", AT)
    repository.write("ENGINE=15.8\nMODE=b\n")
    mode = repository.commit("Grace \x1b[2JHopper", AT + timedelta(minutes=1))
    assert who(repository.root) == Author("Ada Lovelace", f"commit {upgrade[:10]}", AT, "git", upgrade)
    later = Author("Grace [2JHopper", f"commit {mode[:10]}", AT + timedelta(minutes=1), "git", mode)
    assert [who(repository.root, new) for new in ("b", ABSENT, True, ["15.8"])] == [later] * 4
    assert "hunter2" not in repr(who(repository.root))


def test_nobody_is_named_for_a_value_that_came_from_another_file(repository: Repository) -> None:
    """Whoever changed this file last is innocent of what a base or an `env_file` brought; a secret's mark is not looked for."""
    repository.write("ENGINE=15.4\nMODE=b\n")
    repository.commit("Ada", AT)
    assert who(repository.root) == Author(unknown="git has no commit that brought this value into the file")
    masked = who(repository.root, "{secret:0123456789abcdef0123456789abcdef}")
    assert masked is not None
    assert masked.principal == "Ada"


def test_a_file_that_was_deleted_has_an_author_too(repository: Repository) -> None:
    """Whoever committed that."""
    (repository.root / FILE).unlink()
    commit = repository.commit("Ada", AT)
    author = who(repository.root, ABSENT)
    assert author is not None
    assert (author.principal, author.event_id) == ("Ada", commit)


def test_what_git_does_not_know_is_said_or_left_alone(repository: Repository, tmp_path: Path) -> None:
    """Not committed: asked again. Nothing of that time: said. Not git's file, no repository, no file: nobody is asked."""
    assert who(repository.root, True) == Author(unknown="git has no commit of that time that changed the file")
    repository.write("ENGINE=15.8\n")
    assert who(repository.root) == Author(unknown="the file holds what is not committed", ask_again=True)
    repository.write("ENGINE=15.8\n", "deploy/prod/new.env")
    assert who(repository.root, location="deploy/prod/new.env") is None
    assert who(repository.root, location=None) is None
    assert who(Path("/nowhere/at/all")) is None
    (tmp_path / ".git").rename(tmp_path / "elsewhere")
    assert who(repository.root) is None


def test_no_git_no_answer(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed."""
    monkeypatch.setenv("PATH", str(repository.root))
    assert who(repository.root) is None


def test_a_repository_cannot_make_git_run_anything(repository: Repository) -> None:
    """Its configuration may name programs that git would start."""
    started = repository.root / "started"
    program = repository.root / "program"
    program.write_text(f"#!/bin/sh\ntouch {started}\n")
    program.chmod(0o755)
    repository.write("ENGINE=15.8\n")
    repository.commit("Ada", AT)
    for key in ("core.fsmonitor", "gpg.program", "diff.external", "diff.evil.textconv", "core.pager"):
        repository.git("config", key, str(program))
    repository.git("config", "log.showSignature", "true")
    (repository.root / ".git/info/attributes").write_text("*.env diff=evil\n")
    (repository.root / ".git/hooks/post-index-change").write_text(f"#!/bin/sh\ntouch {started}\n")
    (repository.root / ".git/hooks/post-index-change").chmod(0o755)
    author = who(repository.root)
    assert author is not None
    assert author.principal == "Ada"
    assert not started.exists()
