"""`audit drift`, and what `audit diff` and `audit show` tell of the history, as a person runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from auditor.cli.drift_command import moment
from tests.cli.conftest import Outcome

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def _set(company: Path, environment: str, old: str, new: str) -> None:
    file = company / "deploy" / environment / "app.env"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24h", NOW - timedelta(hours=24)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T10:00+01:00", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-11-20 10:00", datetime(2026, 11, 20, 10, tzinfo=UTC)),
    ],
)
def test_a_moment_is_so_long_ago_or_a_date_in_utc(text: str, expected: datetime) -> None:
    """What names no zone is in UTC."""
    assert moment(text, NOW) == expected


@pytest.mark.parametrize(("text", "why"), [("yesterday", "is no time"), ("2027-01-01", "in the future")])
def test_what_is_no_moment_is_a_usage_error(text: str, why: str) -> None:
    """With what can be written instead."""
    with pytest.raises(click.UsageError, match=why):
        moment(text, NOW)


def test_drift_tells_what_changed_from_the_snapshots_that_are_kept(company: Path, run: Callable[..., Outcome]) -> None:
    """Nothing is observed for it; one snapshot is nothing to compare; what was changed back is no change."""
    assert run("drift", "prod").code == 2
    run("snapshot", "prod")
    outcome = run("drift", "prod")
    assert (outcome.code, "There is only one snapshot of prod" in outcome.out) == (3, True)
    run("snapshot", "prod")
    outcome = run("drift", "prod", "--since", "2020-01-01")
    assert (outcome.code, "Nothing changed in prod" in outcome.out) == (0, True)
    _set(company, "prod", "LOG_LEVEL=info", "LOG_LEVEL=debug")
    assert run("drift", "prod").code == 0
    run("snapshot", "prod")
    _set(company, "prod", "LOG_LEVEL=debug", "LOG_LEVEL=info")
    _set(company, "prod", "SAMPLING=10", "SAMPLING=20")
    run("snapshot", "prod")
    outcome = run("drift", "prod", "--format", "json", "--output", "drift.json")
    assert (outcome.code, outcome.out) == (1, "")
    assert "1 change, 1 changed and changed back in prod" in outcome.err
    told = json.loads((company / "drift.json").read_text(encoding="utf-8"))
    assert [(one["path"], one["course"], one["new"]["value"]) for one in told["changes"]] == [
        (["SAMPLING"], "changed", "20"), (["LOG_LEVEL"], "undone", "info")
    ]  # fmt: skip
    assert "## Drift of prod" in run("drift", "prod", "--format", "markdown").out


def test_show_and_diff_say_which_side_moved_or_why_that_is_not_known(
    company: Path, run: Callable[..., Outcome]
) -> None:
    """Apart since the first snapshots; and once a side has changed, which one, between which two looks."""
    _set(company, "staging", "LOG_LEVEL=info", "LOG_LEVEL=debug")
    report = json.loads(run("now", "staging", "prod", "--format", "json").out)
    (found,) = [one for one in report["findings"] if one["path"] == ["LOG_LEVEL"]]
    assert found["moved"] is None
    for command in ("show", "explain"):
        text = run(command, found["fingerprint"]).out
        assert "not known: it has been like this since the first snapshots that are kept, of" in " ".join(text.split())
    shown = json.loads(run("show", found["fingerprint"], "--format", "json").out)
    assert (shown["moved"], shown["moved_unknown"].startswith("not known: it has been")) == (None, True)
    _set(company, "prod", "LOG_LEVEL=info", "LOG_LEVEL=warning")
    report = json.loads(run("now", "staging", "prod", "--format", "json").out)
    (found,) = [one for one in report["findings"] if one["path"] == ["LOG_LEVEL"]]
    assert (found["moved"]["side"], found["moved"]["old"]["value"], found["moved"]["agreed"]) == (
        "right",
        "info",
        False,
    )
    text = " ".join(run("show", found["fingerprint"]).out.split())
    assert "Moved prod went from info to warning between" in text
    assert "prod changed between" in run("diff", "staging", "prod").out
    first, *_ = (one["id"] for one in _snapshots(company))
    difference = json.loads(run("diff", first, "prod", "--format", "json").out)["differences"][0]
    assert (difference["moved"]["environment"], difference["moved"]["new"]["value"]) == ("prod", "warning")


def _snapshots(company: Path) -> list[dict[str, str]]:
    """The snapshots of prod, the first one first."""
    from auditor.store import Store

    with Store.open(f"sqlite:///{company / 'auditor.db'}") as store:
        return [{"id": one.id} for one in reversed(store.snapshots("prod"))]
