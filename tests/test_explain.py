"""Why something is a finding and why something is none: the chain of rules, the pairing, and what was not seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.chain import Part
from auditor.cli.explain_command import parsed
from auditor.comparison import Comparison, Unmatched
from auditor.explain import Explanation, Scenery, State, explain
from auditor.model import Gap, GapReason, Kind, Resource
from auditor.past import History
from auditor.policy import load_policy
from auditor.policy_text import rule_text
from auditor.rules import Policy
from tests.factories import NOW, PROD, RDS, STAGING, compared, comparison, normal, policy_of, snapshot

RULES = """
rules:
  - {id: any, about: Something differs, path: "**", expect: equal, severity: low}
  - {id: sizes, about: Sizes may be smaller, path: "**", values: size, expect: same_family}
  - {id: engine, about: Patches may lag, path: engine_version, expect: same_minor, severity: high}
  - {id: tagged, about: Of the shop, path: "**", where: has(left.tags.shop), expect: equal}
  - {id: us, about: Only over there, path: "**", in: us, expect: {equal: 1}}
  - {id: zones, about: Both or none, path: zones, expect: differ}
  - {id: no-notes, about: Notes are free, path: note, expect: ignore}
  - {id: lasting, about: Backups are kept, path: days, in: prod, expect: {at_least: 7}, severity: critical}
  - {id: presence, about: It is there, expect: equal, severity: high}
"""


def scenery(found: Comparison, policy: Policy) -> Scenery:
    return Scenery(found, policy, (STAGING, PROD), NOW, History())


def told(tmp_path: Path, left: dict[str, object], right: dict[str, object], path: str) -> Explanation:
    """The explanation of one place of a matched database."""
    pair = compared(
        normal(left, raw_identity="orders-staging"), normal(right, raw_identity="orders-prod")
    )  # fmt: skip
    (one,) = explain(scenery(comparison(pair), policy_of(tmp_path, RULES)), "orders-prod", tuple(path.split(".")))
    return one


def test_exactly_one_rule_decides_and_every_other_says_why_it_does_not(tmp_path: Path) -> None:
    """A condition, a type, another environment, nothing to say, and those that a later one overrides."""
    one = told(tmp_path, {"engine_version": "15.4"}, {"engine_version": "16.1"}, "engine_version")
    assert [(link.rule.id, link.part) for link in one.comparing] == [
        ("tagged", Part.CONDITION),
        ("engine", Part.DECIDES),
        ("sizes", Part.TYPE),
        ("any", Part.OVERRIDDEN),
        ("unclassified", Part.OVERRIDDEN),
    ]
    assert one.comparing[0].why == "its condition is false: has(left.tags.shop)"
    assert one.comparing[3].why == "test/engine comes later"
    assert [(link.rule.id, link.part) for link in one.checking] == [("us", Part.ENVIRONMENT)]
    assert one.finding
    assert one.pairing is not None
    assert one.pairing.compared == ("orders-{env}", "orders-{env}")


@pytest.mark.parametrize(
    ("left", "right", "path", "state", "about"),
    [
        ("15.4", "15.4", "engine", State.EQUAL, "both sides have the same value"),
        ("1Gi", "1024Mi", "memory", State.SPELLING, "they are two spellings of one value"),
        ("orders-staging", "orders-prod", "name", State.NAMES, "they differ in nothing but what each environment calls things"),
        ("{secret:0a1b2c3d}", "{secret:4e5f6a7b}", "key", State.NAMES, "what differs in them are secrets, of which each environment has its own"),
        ("sg-0a1b2c3d", "sg-4e5f6a7b", "group", State.NAMES, "what differs in them are ids, accounts, regions or hosts, of which each environment has its own"),
        ("a", "b", "note", State.DIFFERS, "the two differ, also when names and spelling are set aside"),
    ],
)  # fmt: skip
def test_what_is_no_finding_says_why(
    tmp_path: Path, left: str, right: str, path: str, state: State, about: str
) -> None:
    """Equal, spelled otherwise, named otherwise, or ignored by a rule."""
    pair = compared(normal({path: left}, raw_identity="orders-staging"), normal({path: right}))
    if state is State.NAMES:
        pair = type(pair)(pair.match, ())
    (one,) = explain(scenery(comparison(pair), policy_of(tmp_path, RULES)), "orders-staging", (path,))
    assert (one.state, one.about, one.finding) == (state, about, False)


def test_a_check_that_fails_is_found_where_nothing_differs(tmp_path: Path) -> None:
    """Both sides keep backups for a day."""
    one = told(tmp_path, {"days": 1}, {"days": 1}, "days")
    failing = [link for link in one.checking if link.part is Part.FAILS]
    assert [(link.rule.id, link.why) for link in failing] == [("lasting", "of prod: at least 7 is expected")]
    assert (one.state, one.comparing, one.finding) == (State.EQUAL, (), True)


def test_a_part_of_what_one_side_lacks_is_told_with_the_whole(tmp_path: Path) -> None:
    """The difference is one, however deep one asks; a place that nobody has names those that are meant."""
    one = told(tmp_path, {"options": {"tls": {"min": 1}}}, {}, "options.tls")
    assert (one.path, one.about) == (("options",), "it is only in staging")
    missing = told(
        tmp_path, {"engine_version": "1", "engine": "x"}, {"engine_version": "1", "engine": "x"}, "engineversion"
    )
    assert (missing.state, missing.guesses) == (State.EQUAL, ()) or "engine_version" in missing.guesses
    assert told(tmp_path, {"zones": 1}, {"zones": 1}, "zoness").guesses == ("zones",)


def test_what_gaps_hide_is_unknown_and_names_them(tmp_path: Path) -> None:
    """An attribute, a resource that one side alone shows, and a name that nobody knows."""
    gap = Gap("prod", "test:prod", RDS.name, GapReason.ACCESS_DENIED, "not allowed", attribute="options")
    pair = compared(normal({"options": 1}), normal({}))
    policy = policy_of(tmp_path, RULES)
    (one,) = explain(
        scenery(comparison(pair, right=snapshot("prod", gaps=(gap,))), policy), "orders-{env}", ("options",)
    )
    assert (one.state, one.gaps) == (State.UNKNOWN, (gap,))
    denied = Gap("prod", "test:prod", RDS.name, GapReason.ACCESS_DENIED, "not allowed")
    lonely = comparison(
        unmatched=(Unmatched("left", normal({}, raw_identity="orders-staging")),),
        left=snapshot("staging", resources=(Resource(RDS.name, "orders-staging", {}),)),
        right=snapshot("prod", gaps=(denied,)),
    )
    (one,) = explain(scenery(lonely, policy), "orders-staging", ())
    assert (one.state, one.gaps) == (State.UNKNOWN, (denied,))
    (unseen,) = explain(scenery(lonely, policy), "ordrs-staging", ())
    assert (unseen.state, unseen.guesses, unseen.gaps) == (State.UNKNOWN, ("orders-staging",), (denied,))


def test_a_resource_of_one_side_is_decided_by_the_rules_of_presence(tmp_path: Path) -> None:
    """The other side was listed completely and does not have it."""
    lonely = comparison(unmatched=(Unmatched("right", normal({}, raw_identity="orders-prod")),))
    (one,) = explain(scenery(lonely, policy_of(tmp_path, RULES)), "orders-prod", ("engine",))
    assert (one.state, one.path, one.finding) == (State.ALONE, (), True)
    assert one.about == "only prod has it; staging was listed completely and does not, so `engine` is not compared"
    assert [link.rule.id for link in one.comparing if link.part is Part.DECIDES] == ["presence"]


def test_what_a_collector_declares_volatile_says_so(tmp_path: Path) -> None:
    """It is not in the normal form, so nothing is left to compare."""
    kind = Kind(RDS.name, RDS.category, RDS.about, volatile=("status.*",))
    pair = compared(normal({"a": 1}, kind=kind), normal({"a": 1}, kind=kind))
    (one,) = explain(scenery(comparison(pair), policy_of(tmp_path, RULES)), "orders-{env}", ("status", "at"))
    assert one.state is State.VOLATILE


def test_the_text_of_a_rule_is_cut_from_its_file(tmp_path: Path) -> None:
    """Without examples, whichever way it is written; of a pack that ships, too."""
    file = tmp_path / "house.yaml"
    file.write_text(
        "policy: house\nrules:\n  # first\n  - id: one\n    path: a\n    examples:\n      - {left: 1}\n      - {left: 2}\n"
        "    expect: equal\n\n  # second\n  - {id: two, path: b,\n     expect: equal}\n"
    )
    assert rule_text(str(file), 4) == "- id: one\n  path: a\n  expect: equal"
    assert rule_text(str(file), 12) == "- {id: two, path: b,\n   expect: equal}"
    assert rule_text(str(file), 99) is None
    assert rule_text(str(tmp_path / "gone.yaml"), 1) is None
    shipped = load_policy(["default"]).rules[0]
    text = rule_text(shipped.file, shipped.line)
    assert text is not None
    assert text.startswith(f"- id: {shipped.id}\n")


def test_nothing_but_policies_is_read_where_a_store_names_the_file(tmp_path: Path) -> None:
    """Whoever can write to the store would else read every file of the service's machine in the page."""
    folder = tmp_path / "policies"
    folder.mkdir()
    (tmp_path / "canary.yaml").write_text("canary: 1\n")
    (folder / "canary.txt").write_text("canary: 2\n")
    (folder / "house.yaml").write_text("house: 3\n")
    (folder / "linked.yaml").symlink_to(tmp_path / "canary.yaml")
    asked = {
        name: rule_text(str(folder / name), 1, [folder])
        for name in ("house.yaml", "linked.yaml", "canary.txt", "../canary.yaml", "../policies/house.yaml")
    }
    assert asked == {
        "house.yaml": "house: 3",
        # What its owner links into the folder of policies is one of them.
        "linked.yaml": "canary: 1",
        "canary.txt": None,
        "../canary.yaml": None,
        "../policies/house.yaml": "house: 3",
    }
    assert rule_text(str(tmp_path / "canary.yaml"), 1, [tmp_path / "canary.yaml"]) == "canary: 1"
    assert rule_text("/proc/self/environ", 1, [folder]) is None
    for file in ("policies/../auditor/__init__.py", "policies//etc/passwd", "policies/gone.yaml", "policies/"):
        assert rule_text(file, 1, [folder]) is None, file
    shipped = load_policy(["default"]).rules[0]
    assert (rule_text(shipped.file, shipped.line, [folder]) or "").startswith(f"- id: {shipped.id}\n")


def test_paths_are_read_as_reports_print_them() -> None:
    """A step with a dot in it stands in quotes, or escapes it."""
    assert parsed("spec.replicas") == ("spec", "replicas")
    assert parsed('tags."a.b".c') == ("tags", "a.b", "c")
    assert parsed("tags.prometheus\\.io/scrape") == ("tags", "prometheus.io/scrape")
