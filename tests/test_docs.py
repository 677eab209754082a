"""The documents tell the truth: commands, keys, collectors and examples are held against the product."""

from __future__ import annotations

import json
import re
import shutil
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, get_args

import click
import pytest
from pydantic import BaseModel

from auditor.cli.collectors_commands import _page
from auditor.cli.exits import Exit, guarded
from auditor.cli.root import audit
from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import GapReason
from auditor.registry import Registry
from auditor.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def commands(group: click.Group, path: tuple[str, ...]) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield " ".join((*path, name))


def test_the_readme_lists_exactly_the_commands_that_there_are() -> None:
    """Neither a command without a line nor a line without a command; arguments are written in capitals."""
    listed = [
        " ".join(word for word in line.split() if not word.isupper())
        for line in re.findall(r"^\| `(audit [^`]*)` \|", README, flags=re.MULTILINE)
    ]
    assert sorted(listed) == sorted(commands(audit, ("audit",)))


def test_the_readme_lists_every_exit_code() -> None:
    """The table of codes is the enumeration."""
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, flags=re.MULTILINE)}
    assert listed == {int(code) for code in Exit}


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link of the Markdown files names a file or folder that exists."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        (page.name, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []


def keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from keys(inner)


def test_every_key_of_the_configuration_is_documented() -> None:
    """A setting that docs/configuration.md does not name does not exist for its readers."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    named = {part for code in re.findall(r"`([^`\n]+)`", text) for part in re.findall(r"\w+", code)}
    assert set(keys(Settings)) - named == set()


def test_every_dependency_has_its_reason_written_down() -> None:
    """The list in decision 1 is the list in pyproject.toml, and names what develops, shows and will serve the product."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = (ROOT / "docs" / "decisions" / "0001-dependencies.md").read_text()
    assert re.findall(r"^\| ([a-z][a-z0-9-]+) \|(?! for \|)", page, flags=re.MULTILINE) == named(
        project["dependencies"]
    )
    for name in (
        *named(project["optional-dependencies"]["dev"]),
        "moto",
        "apscheduler",
        "prometheus-client",
        "slack-sdk",
    ):
        assert name in page


def named(requirements: list[str]) -> list[str]:
    return [found[0] for requirement in requirements if (found := re.match(r"[A-Za-z0-9_.-]+", requirement))]


def test_no_document_tells_where_it_was_written() -> None:
    """Paths of somebody's machine and hosts of package registries are of no use to a reader."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    told = [
        (page.name, found)
        for page in pages
        for found in re.findall(
            r"(?<![\w.])/(?:home|root|work|Users)/\w+|\b(?:pypi|npmjs|\w+hosted)\.(?:org|com)\b", page.read_text()
        )
    ]
    assert told == []


def test_the_page_of_collectors_is_up_to_date() -> None:
    """docs/collectors.md is what `make docs` would write."""
    assert (ROOT / "docs" / "collectors.md").read_text() == _page(Registry.load().collectors) + "\n"


def test_the_example_in_deploy_runs_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its planted differences are found, and nothing else is."""
    shutil.copytree(ROOT / "deploy" / "example", tmp_path / "example")
    monkeypatch.chdir(tmp_path / "example")
    monkeypatch.delenv("AUDITOR_STORE", raising=False)
    assert guarded(audit, ["now", "staging", "prod", "--format", "json"]) == Exit.PARITY
    found = json.loads(capsys.readouterr().out)["findings"]
    assert sorted((one["resource"], one["path"][-1]) for one in found) == [
        ("cache", "image"),
        ("orders", "image"),
        ("orders.env", "CHECKOUT_TIMEOUT_SECONDS"),
        ("orders.env", "FEATURE_NEW_BASKET"),
        ("orders.env", "LOG_LEVEL"),
    ]


class Pots(BaseHTTPRequestHandler):
    """Answers with one teapot, or with what is not one."""

    def do_GET(self) -> None:
        body = b'[{"name": "brown-betty", "lid": true}]' if self.path == "/pots" else b"tea?"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Pots) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_collector_in_the_guide_works_as_printed(address: str, tmp_path: Path) -> None:
    """The code of docs/add-a-collector.md reads a teapot over HTTP, and tells a broken answer by its reason."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "add-a-collector.md").read_text(), flags=re.DOTALL)
    module = ModuleType("teapot")
    exec(compile(code, "add-a-collector.md", "exec"), module.__dict__)  # the guide's own words
    collector = Registry([module.COLLECTOR]).get("teapot")
    (task,) = collector.plan(collector.options(url=f"{address}/pots"), Context("staging", tmp_path))
    (pot,) = task.run()
    assert (pot.kind, pot.identity, pot.attributes["lid"]) == ("teapot.pot", "brown-betty", True)
    (task,) = collector.plan(collector.options(url=f"{address}/tea"), Context("staging", tmp_path))
    with pytest.raises(CollectError) as caught:
        list(task.run())
    assert caught.value.reason is GapReason.MALFORMED
