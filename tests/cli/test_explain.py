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
    assert run("explain", "staging", "prod").code == 2
    assert run("explain", "staging", "--at", "app.env").code == 2


def test_what_is_not_there_is_a_usage_error_that_names_what_may_be_meant(
    company: Path, run: Callable[..., Outcome]
) -> None:
    """A finding, a resource, a kind or a place that nobody knows: a script must not take that for an answer."""
    for side in ("staging", "prod"):
        (company / "deploy" / side / "app.env").write_text("LOG_LEVEL=info\nSAMPLING=10\n")
    run("now", "staging", "prod")
    at = ("explain", "staging", "prod", "--at")
    asked = {
        ("explain", "nope"): "there is no finding 'nope'",
        (*at, "ap.env"): "Neither staging nor prod has a resource 'ap.env': did you mean `app.env`?",
        (*at, "zzz"): "Neither staging nor prod has a resource 'zzz': look at its spelling.",
        (*at, "ap.env", "--kind", "env.file"): "has env.file 'ap.env': did you mean `app.env`?",
        (*at, "app.env", "--kind", "env.fil"): "has a resource of kind 'env.fil': did you mean `env.file`?",
        (*at, "app.env", "--path", "LOG_LEVL"): "has a place 'LOG_LEVL' of app.env: did you mean `LOG_LEVEL`?",
        (*at, "ap.env", "--format", "json"): "did you mean `app.env`?",
    }
    for words, said in asked.items():
        outcome = run(*words)
        assert (outcome.code, outcome.out) == (2, ""), words
        assert said in outcome.err
