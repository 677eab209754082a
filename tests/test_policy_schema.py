"""The schemas for editors: they take what is right, refuse what is built wrongly, and describe every key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from auditor.expect_spec import WITH_ARGUMENT
from auditor.policy_schema import policy_schema, waivers_schema
from auditor.yaml_source import parse
from tests.cli.conftest import Outcome

ROOT = Path(__file__).parent.parent
BAD = ROOT / "tests" / "bad_policies"
BAD_WAIVERS = ROOT / "tests" / "bad_waivers"
_FENCE = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
SHAPED_RIGHT = {"condition", "condition_fields", "duplicate_id", "extends_itself", "extends_nothing", "presence_of_a_value", "remediation_field"}  # fmt: skip
"""Files whose mistake no schema can see: only what they say is wrong."""


def errors(schema: dict[str, Any], value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(value)]


def snippets(page: str) -> Iterator[Any]:
    for body in _FENCE.findall((ROOT / page).read_text("utf-8")):
        yield parse(body, page).value


def test_both_are_schemas_themselves() -> None:
    """Of the dialect that they name, with every key described, also those of what they hold."""
    for schema in (policy_schema(), waivers_schema()):
        Draft202012Validator.check_schema(schema)
        for part in (schema, *schema["$defs"].values()):
            for key, value in part.get("properties", {}).items():
                assert value.get("description", "").endswith("."), key
            assert part.get("additionalProperties", False) is False


def test_every_pack_that_ships_is_valid() -> None:
    """An editor would underline nothing in them."""
    packs = [entry for entry in resources.files("policies").iterdir() if entry.name.endswith(".yaml")]
    assert len(packs) >= 6
    for pack in packs:
        assert errors(policy_schema(), parse(pack.read_text("utf-8"), pack.name).value) == [], pack.name


def test_every_policy_and_waiver_of_the_documentation_is_valid() -> None:
    """Whole files, and lists of rules as they stand on the page."""
    pages = [*snippets("docs/policies.md"), *snippets("docs/policy-tools.md")]
    policies = [value for value in pages if isinstance(value, dict) and "policy" in value]
    policies += [{"policy": "x", "rules": value} for value in snippets("docs/policies.md") if isinstance(value, list)]
    assert len(policies) >= 5
    for value in policies:
        assert errors(policy_schema(), value) == []
    waivers = [value for value in snippets("docs/waivers.md") if isinstance(value, dict) and "waivers" in value]
    assert waivers
    for value in waivers:
        assert errors(waivers_schema(), value) == []


@pytest.mark.parametrize("file", sorted(BAD.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_policy_that_is_built_wrongly_is_refused(file: Path) -> None:
    """Unknown keys and words, missing keys, wrong arguments; what only the product can know is let through."""
    found = errors(policy_schema(), parse(file.read_text("utf-8"), file.name).value)
    assert bool(found) is (file.stem not in SHAPED_RIGHT)


@pytest.mark.parametrize(
    ("waiver", "right"),
    [
        ("{fingerprint: 2aef492e, owner: a, reason: b, created: 2026-11-01, expires: 2026-12-01}", True),
        ("{fingerprint: 12345678, owner: a, reason: b, created: 2026-11-01, expires: 2026-12-01T08:00Z}", True),
        ("{rule: x, while: {left: 1}, owner: a, reason: b, created: 2026-11-01, expires: 2026-12-01}", True),
        ("{owner: a, reason: b, created: 2026-11-01, expires: 2026-12-01}", False),
        ("{fingerprint: short, owner: a, reason: b, created: 2026-11-01, expires: 2026-12-01}", False),
        ("{rule: x, owner: a, created: 2026-11-01, expires: 2026-12-01}", False),
        ("{rule: x, owner: a, reason: b, created: 2026-11-01, expires: 2026-12-01, until: 1}", False),
    ],
)
def test_a_waiver_needs_what_it_covers_who_why_and_until_when(waiver: str, right: bool) -> None:
    """As the file itself is read."""
    assert (errors(waivers_schema(), parse(f"waivers: [{waiver}]", "w").value) == []) is right


def test_every_expectation_with_an_argument_says_which(run: Callable[..., Outcome]) -> None:
    """A new one that nobody described here would have no shape; the command prints what editors read."""
    schema = policy_schema()
    choices = schema["$defs"]["RuleModel"]["properties"]["expect"]["anyOf"]
    assert {name for choice in choices for name in choice.get("properties", {})} == set(WITH_ARGUMENT)
    assert parse(run("policy", "schema").out, "out").value == schema
    assert parse(run("waivers", "schema").out, "out").value == waivers_schema()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """The command, in this process."""
    from auditor.cli.exits import guarded
    from auditor.cli.root import audit

    def started(*arguments: str) -> Outcome:
        code = guarded(audit, arguments)
        captured = capsys.readouterr()
        return Outcome(int(code), captured.out, captured.err)

    return started
