"""`audit explain`: a finding with its rule and chain, and a place that is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Outcome


def test_the_command_explains_a_finding_and_a_place_without_one(
    company: Path,
    run: Callable[..., Outcome],
) -> None:
    """The rule's text and chain of a finding; of a place that agrees, which checks its values pass."""
    (company / "deploy/staging/app.env").write_text("LOG_LEVEL=debug\nSAMPLING=10\nMEMORY=1Gi\n")
    (company / "deploy/prod/app.env").write_text("LOG_LEVEL=info\nSAMPLING=10\nMEMORY=1024Mi\n")
    assert run("explain", "staging", "prod", "--at", "app.env").err.startswith("Usage") is True
    run("now", "staging", "prod")
    (found,) = json.loads(run("findings", "--format", "json").out)
    text = run("explain", found["fingerprint"][:8]).out
    assert "- id: log-level\n" in text
    assert "DECIDES    house/log-level (high): they differ" in text
    assert "overridden built-in/unclassified: house/log-level covers the place" in text
    document = json.loads(run("explain", found["fingerprint"], "--format", "json").out)
    assert document["explained"][0]["paired"]["compared"] == ["app.env", "app.env"]
    assert document["rule_text"].startswith("- id: log-level")
    memory = run("explain", "staging", "prod", "--at", "APP.env", "--path", "memory").out
    assert "Verdict    no finding: nothing differs" in memory
    assert "1Gi, compared as 1073741824" in memory
    level = run("explain", "staging", "prod", "--at", "app.env", "--path", "LOG_LEVEL").out
    assert f"Verdict    a finding of high severity, by house/log-level: open, {found['fingerprint'][:8]}" in level
    guess = run("explain", "staging", "prod", "--at", "ap.env")
    assert "Perhaps    app.env" in guess.out
    assert run("explain", "staging", "prod").code == 2
    assert run("explain", "staging", "--at", "app.env").code == 2
