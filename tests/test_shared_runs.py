"""Whole runs that share: two commands on one pair, pairs that are due together, and what keeps two from sharing."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.collect import State
from auditor.config import Config, load_config
from auditor.model import Severity
from auditor.pipeline import Tools, audit_now, observe_now
from auditor.policy import load_policy
from auditor.publish.render import render
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.sharing import Sharing
from auditor.store import Store
from auditor.workkeys import judging_key, reading_key
from tests.sharing_worker import FAST

REGISTRY = Registry.load()
PAIR = ("staging", "prod")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'auditor.db'}") as opened:
        yield opened


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def now() -> datetime:
    return datetime.now(UTC)


CONFIG = """\
environments:
  dev: {sources: [{collector: files, path: dev}]}
  staging: {sources: [{collector: files, path: staging}]}
  prod: {sources: [{collector: files, path: prod}]}
pairs: [{left: staging, right: prod}, {left: dev, right: prod}]
"""


def configured(folder: Path, text: str = CONFIG) -> Config:
    for name in ("dev", "staging", "prod"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "app.env").write_text(f"LOG_LEVEL={'debug' if name == 'staging' else 'info'}\n")
    (folder / "auditor.yaml").write_text(text)
    return load_config(folder / "auditor.yaml", registry=REGISTRY, environ={})


class Held:
    """A progress display that stops the run which it watches once that begins to read, until it may go on."""

    def __init__(self) -> None:
        self.reads = threading.Event()
        self.may_go_on = threading.Event()
        self.told: list[tuple[str, str, State]] = []

    def __call__(self, environment: str, source: str, label: str, state: State, count: int) -> None:
        self.told.append((environment, source, state))
        if state is State.STARTED:
            self.reads.set()
            assert self.may_go_on.wait(60)


def tools_for(store: Store, sharing: Sharing, progress: Held | None = None) -> Tools:
    return Tools(REGISTRY, store, Redactor(b"k" * 32), now, progress, sharing=sharing)


def test_two_commands_on_one_pair_are_one_audit(store: Store, threads: ThreadPoolExecutor, tmp_path: Path) -> None:
    """Each with sharing of its own, as two processes have; whoever watches the second sees that it waits."""
    config, first, second = configured(tmp_path), Held(), Held()
    second.may_go_on.set()
    one = threads.submit(audit_now, config, *PAIR, tools_for(store, Sharing.timed(FAST), first))
    assert first.reads.wait(60)
    two = threads.submit(audit_now, config, *PAIR, tools_for(store, Sharing.timed(FAST), second))
    assert second.reads.wait(60)
    first.may_go_on.set()
    assert two.result(20).id == one.result(20).id
    assert (one.result().notes, len(two.result().notes)) == ((), 1)
    assert (len(store.audits()), len(store.snapshots())) == (1, 2)
    steps = (State.PLANNED, State.STARTED, State.DONE)
    assert sorted(second.told) == sorted((name, "another run", state) for name in PAIR for state in steps)


def test_pairs_that_are_due_together_read_what_they_share_once_and_say_so(store: Store, tmp_path: Path) -> None:
    """The report of the second pair tells that production was observed by the run of the first."""
    config, tools = configured(tmp_path), tools_for(store, Sharing.timed(FAST))
    due = now()
    audit_now(config, *PAIR, tools, not_before=due)
    (prod,) = store.snapshots("prod")
    audit = audit_now(config, "dev", "prod", tools, not_before=due)
    (note,) = audit.notes
    assert note.startswith(f"another run observed prod at {prod.taken_at:%H:%M:%S}Z")
    assert store.audit(audit.id).notes == audit.notes
    for form in ("table", "markdown", "json", "html"):
        assert f"nother run observed prod at {prod.taken_at:%H:%M:%S}Z" in render(
            audit, form, fail_on=Severity.HIGH, width=200, color=False, now=now(), allow_incomplete=False
        )
    assert len(store.snapshots("prod")) == 1
    observed = observe_now(config, ["prod", "dev"], tools, not_before=due)
    assert [one.shared for one in observed.values()] == [True, True]


@pytest.mark.parametrize(
    ("change", "same_reading", "same_judging"),
    [
        (("LOG_LEVEL", "LOG_LEVEL"), True, True),
        (("path: staging", "path: prod"), False, False),
        (("right: prod}, {left: dev", "right: prod, policies: [strict]}, {left: dev"), True, False),
        (("staging: {", "staging: {aliases: [stg], "), False, False),
        (("pairs:", "tags: {identity: acme}\npairs:"), True, False),
        (("pairs:", "collect: {timeout: 5}\npairs:"), False, False),
    ],
)
def test_only_what_changes_the_work_keeps_two_configurations_from_sharing(
    change: tuple[str, str], same_reading: bool, same_judging: bool, tmp_path: Path
) -> None:
    """Sources and names decide what is read; policies, tags and matches how it is judged."""
    keys = []
    for text in (CONFIG, CONFIG.replace(*change)):
        config = configured(tmp_path, text)
        redactor = Redactor(b"k" * 32)
        reading = reading_key(config, config.environment("staging"), redactor)
        policy = load_policy(config.pair(*PAIR).policies, config.policies)
        keys.append((reading, judging_key(config, policy, [reading], redactor)))
    assert (keys[0][0] == keys[1][0], keys[0][1] == keys[1][1]) == (same_reading, same_judging)


def test_the_digest_of_options_knows_their_secrets_and_tells_none(tmp_path: Path) -> None:
    """Another password is another source; without the key of the installation nobody can guess at it."""
    found = []
    for password, key in (("hunter2", b"k"), ("hunter3", b"k"), ("hunter2", b"l")):
        text = CONFIG.replace(
            "{collector: files, path: dev}", f"{{collector: postgres, url: 'postgresql://u:{password}@db/x'}}"
        )
        config = configured(tmp_path, text)
        found.append(reading_key(config, config.environment("dev"), Redactor(key * 32)))
    assert len(set(found)) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in found)
