"""Changed files are taken over when they are whole, and only then."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from auditor import log
from auditor.config import Config, Pair
from auditor.daemon.loaded import _KEYS, Loaded, changes, files, load, pinned
from auditor.daemon.reload import Reloader, content
from auditor.errors import ConfigError
from auditor.meters import Unmetered
from auditor.registry import Registry
from auditor.scrub import Scrubber
from tests.daemon.waiting import eventually

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REGISTRY = Registry.load()
CONFIG = """\
environments:
  staging: {sources: [{collector: files, path: staging}]}
  prod: {sources: [{collector: files, path: prod}]}
pairs:
  - {left: staging, right: prod, policies: [house], schedule: "every 10m"}
policies: [rules]
waivers: waivers.yaml
"""
RULES = """\
policy: house
rules: [{id: log-level, about: Logs tell the same, kind: env.file, path: LOG_LEVEL, expect: equal, severity: high}]
"""
WAIVERS = """\
waivers:
  - {owner: ada, reason: until the move, created: 2026-02-20, expires: 2026-04-01, rule: log-level}
"""


class Counted(Unmetered):
    """Remembers how reloads ended."""

    def __init__(self) -> None:
        self.reloads: list[bool] = []

    def config_reloaded(self, successful: bool, at: datetime) -> None:
        self.reloads.append(successful)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("staging", "prod", "rules"):
        (tmp_path / name).mkdir()
    (tmp_path / "auditor.yaml").write_text(CONFIG)
    (tmp_path / "rules" / "house.yaml").write_text(RULES)
    (tmp_path / "waivers.yaml").write_text(WAIVERS)
    return tmp_path


@pytest.fixture
def said() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines of the log."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure(Scrubber({}), stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.captureWarnings(False)
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def read(folder: Path, **environ: str) -> Loaded:
    return load(folder / "auditor.yaml", registry=REGISTRY, environ=environ, now=NOW)


class Copy:
    """A reloader with what it told."""

    def __init__(self, folder: Path, interval: float = 60.0) -> None:
        self.meters = Counted()
        self.taken: list[Loaded] = []
        self.busy: list[bool] = []
        self.reloader = Reloader(
            read(folder),
            load=lambda: read(folder),
            taken=lambda _before, after: self.taken.append(after),
            meters=self.meters,
            clock=lambda: NOW,
            beat=lambda: None,
            busy=self.busy.append,
            interval=interval,
        )


def test_all_that_is_read_from_files_is_one_value(folder: Path) -> None:
    """Environments, the policies of each pair and the waivers; and the files that it comes from."""
    loaded = read(folder)
    (pair,) = loaded.config.pairs
    assert [rule.id for rule in loaded.policy(pair).rules][-1] == "log-level"
    assert [waiver.owner for waiver in loaded.waivers.waivers] == ["ada"]
    assert [path.name for path in files(loaded.config)] == ["auditor.yaml", "house.yaml", "waivers.yaml"]
    assert loaded.policy(Pair("prod", "staging")).names == ("default",)


def test_wrong_files_are_told_together(folder: Path) -> None:
    """A mistake in a policy and one in the waivers are one error with both."""
    (folder / "rules" / "house.yaml").write_text(RULES.replace("expect: equal", "expect: eqal"))
    (folder / "waivers.yaml").write_text(WAIVERS.replace("owner: ada, ", ""))
    with pytest.raises(ConfigError) as caught:
        read(folder)
    assert {Path(problem.file).name for problem in caught.value.problems} == {"house.yaml", "waivers.yaml"}


def test_what_changed_is_told_by_name_and_never_by_value(folder: Path) -> None:
    """Environments, pairs, schedules, policies, waivers, publishers and the rest."""
    before = read(folder)
    (folder / "rules" / "house.yaml").write_text(RULES.replace("severity: high", "severity: low"))
    (folder / "waivers.yaml").write_text(WAIVERS.replace("ada", "bob"))
    (folder / "auditor.yaml").write_text(
        CONFIG.replace("every 10m", "every 5m").replace("path: prod}", "path: prod}, {collector: files, path: rules}")
        + "  # more\n"
        + 'publish: {slack: {token: "xoxb-canary-5512", channel: "#parity"}}\n'
        + "collect: {workers: 3}\n"
    )
    with (folder / "auditor.yaml").open("a") as file:
        file.write("schedule: {timezone: Europe/Berlin}\n")
    after = read(folder)
    added, removed = (loaded.waivers.waivers[0].id for loaded in (after, before))
    assert set(changes(before, after)) == {
        "environment prod changed",
        "schedule of staging/prod changed",
        "policies house changed",
        f"waiver {added} added",
        f"waiver {removed} removed",
        "publisher slack added",
        "collect.workers changed",
        "schedule changed",
    }
    assert changes(before, before) == ()
    assert {text.rpartition(" ")[2] for text in changes(after, before)} == {"added", "removed", "changed"}
    assert "canary" not in " ".join(changes(before, after))


def test_another_name_of_one_environment_is_no_change_of_the_others(folder: Path) -> None:
    """Each knows the names of the others; still only one was edited, or is new."""
    before = read(folder)
    (folder / "auditor.yaml").write_text(CONFIG.replace("staging: {", "staging: {aliases: [stg], "))
    renamed = read(folder)
    assert changes(before, renamed) == ("environment staging changed",)
    more = CONFIG.replace("environments:\n", "environments:\n  test: {sources: [{collector: files, path: staging}]}\n")
    (folder / "auditor.yaml").write_text(more)
    assert changes(before, read(folder)) == ("environment test added",)


def test_what_needs_a_restart_stays_as_it_is_and_is_named(folder: Path) -> None:
    """The store and the address; the address of links is not among them."""
    before = read(folder).config
    (folder / "auditor.yaml").write_text(
        CONFIG + "store: sqlite:///other.db\n"
        "serve: {host: 0.0.0.0, port: 1, url: https://parity.example.com, auth: {tokens: true}}\n"
    )
    config, waiting = pinned(before, read(folder).config)
    assert waiting == ("store", "serve.host", "serve.port")
    assert (config.store, config.serve.host, config.serve.port) == (before.store, "127.0.0.1", 9464)
    assert config.serve.url is not None


def test_a_new_configuration_is_taken_over_whole(folder: Path, said: Callable[[], list[dict[str, Any]]]) -> None:
    """What changed is in the log, the new one in force, the metric says so, and the manager knew that we were busy."""
    copy = Copy(folder)
    (folder / "auditor.yaml").write_text(CONFIG.replace("every 10m", "every 5m"))
    copy.reloader.look()
    assert copy.reloader.loaded.config.pairs[0].schedule == "every 5m"
    assert copy.taken == [copy.reloader.loaded]
    assert copy.meters.reloads == [True, True]
    assert copy.busy == [True, False]
    (line,) = said()
    assert (line["event"], line["changed"]) == (
        "The configuration was read again and is in force.",
        ["schedule of staging/prod changed"],
    )
    copy.reloader.look()
    assert len(copy.taken) == 1


def test_a_wrong_configuration_changes_nothing_and_is_told_once(
    folder: Path, said: Callable[[], list[dict[str, Any]]]
) -> None:
    """One error with every problem, the metric 0; the right one that follows is taken over."""
    copy = Copy(folder)
    before = copy.reloader.loaded
    (folder / "rules" / "house.yaml").write_text(RULES.replace("severity: high", "severity: hihg"))
    for _ in range(20):
        copy.reloader.look()
    assert copy.reloader.loaded is before
    assert copy.reloader.loaded.policy(before.config.pairs[0]).rules[-1].severity == "high"
    assert set(copy.meters.reloads[1:]) == {False}
    (line,) = said()
    assert line["level"] == "error"
    assert "house.yaml:2" in line["problems"][0]
    (folder / "rules" / "house.yaml").write_text(RULES)
    copy.reloader.look()
    assert copy.meters.reloads[-1] is True
    assert said()[-1]["changed"] == []


def test_what_is_wrong_with_a_secret_is_said_and_not_taken_for_one(
    folder: Path, said: Callable[[], list[dict[str, Any]]]
) -> None:
    """Where, which key, what and the remedy, in one piece each: `token: expected` is not a token."""
    copy = Copy(folder)
    (folder / "auditor.yaml").write_text(CONFIG + "publish: {slack: {token: [1], chanel: x}}\n")
    copy.reloader.reload()
    (line,) = said()
    token = next(problem for problem in line["problems"] if "token" in problem)
    assert token.startswith("auditor.yaml:") or "/auditor.yaml:" in token
    assert token.endswith(
        "publish.slack.token - expected text, got a list - put the value in quotes if it is meant as text"
    )


def test_what_a_wrong_configuration_lacks_may_come_later(folder: Path) -> None:
    """A folder that it names and that is made afterwards is found, although nobody looks at that place."""
    copy = Copy(folder)
    (folder / "auditor.yaml").write_text(CONFIG.replace("policies: [rules]", "policies: [rules, more]"))
    copy.reloader.look()
    assert copy.meters.reloads == [True, False]
    (folder / "more").mkdir()
    for _ in range(20):
        copy.reloader.look()
    assert copy.meters.reloads[-1] is True
    assert len(copy.reloader.loaded.config.policies) == 2


def test_a_request_reads_files_that_did_not_change(folder: Path, said: Callable[[], list[dict[str, Any]]]) -> None:
    """Whoever asks gets an answer in the log, also that nothing changed."""
    copy = Copy(folder)
    copy.reloader.reload()
    (line,) = said()
    assert (line["event"], line["changed"]) == ("The configuration was read again and is in force.", [])
    assert copy.meters.reloads == [True, True]


def rename(folder: Path, text: str) -> None:
    """As an editor saves: a new file takes the place of the old one."""
    (folder / "auditor.yaml.new").write_text(text)
    (folder / "auditor.yaml.new").replace(folder / "auditor.yaml")


def in_place_in_no_time(folder: Path, text: str) -> None:
    """Written over with as many bytes, and dated as before."""
    path = folder / "auditor.yaml"
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("save", [rename, in_place_in_no_time])
def test_a_change_is_seen_however_it_is_saved(folder: Path, save: Callable[[Path, str], None]) -> None:
    """Renamed into its place, or with the size and the time that it had."""
    copy = Copy(folder)
    save(folder, CONFIG.replace("every 10m", "every 20m"))
    copy.reloader.look()
    assert copy.reloader.loaded.config.pairs[0].schedule == "every 20m"


def test_a_change_behind_a_link_is_seen(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """As Kubernetes mounts a ConfigMap: the files are links through a link that is exchanged as a whole."""
    mount = tmp_path_factory.mktemp("mount")
    for version, text in (("v1", CONFIG), ("v2", CONFIG.replace("every 10m", "every 20m"))):
        (mount / version).mkdir()
        (mount / version / "auditor.yaml").write_text(text)
    (mount / "data").symlink_to("v1")
    (folder / "auditor.yaml").unlink()
    (folder / "auditor.yaml").symlink_to(mount / "data" / "auditor.yaml")
    copy = Copy(folder)
    (mount / "data_tmp").symlink_to("v2")
    (mount / "data_tmp").replace(mount / "data")
    copy.reloader.look()
    assert copy.reloader.loaded.config.pairs[0].schedule == "every 20m"


def test_no_key_of_the_configuration_is_forgotten_when_changes_are_told() -> None:
    """Each field is compared under its name in the file, in a part of its own, or says only where the file lies."""
    apart = {"file", "folder", "store", "environments", "pairs", "publish", "schedules"}
    assert {field.name for field in fields(Config)} == {*_KEYS, *apart}


def test_a_new_policy_file_is_a_change_and_a_touched_one_is_none(folder: Path) -> None:
    """The content decides, and which files there are."""
    config = read(folder).config
    before = content(files(config))
    (folder / "rules" / "house.yaml").touch()
    assert content(files(config)) == before
    (folder / "rules" / "other.yaml").write_text("policy: other\n")
    with_other = content(files(config))
    assert with_other != before
    (folder / "rules" / "other.yaml").unlink()
    assert content(files(config)) == before


def test_the_loop_sees_a_change_by_itself_and_ends(folder: Path) -> None:
    """Without anybody asking, within a moment; stopped, it is gone."""
    copy = Copy(folder, interval=0.05)
    copy.reloader.start()
    rename(folder, CONFIG.replace("every 10m", "every 30m"))
    eventually(lambda: copy.taken)
    copy.reloader.stop()
    assert copy.reloader.loaded.config.pairs[0].schedule == "every 30m"
