"""Rules and waivers that can be read and still are wrong: what is proven, what was only observed, and the hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditor.comparison import Unmatched
from auditor.explain import Scenery
from auditor.glob_sets import kind_covers, kinds_meet, path_covers
from auditor.globs import kind_pattern, path_glob
from auditor.past import History
from auditor.policy import available, load_policy
from auditor.policy_hits import count
from auditor.policy_lint import Known, Level, Remark, lint, lint_hits
from auditor.promotion import COMPONENT
from auditor.registry import Registry
from auditor.waiver_lint import lint_waivers
from auditor.waivers import Waiver
from tests.factories import ENV_FILE, NOW, PROD, STAGING, compared, comparison, normal, policy_of
from tests.store.samples import breach

KNOWN = Known(("env.file", "aws.rds.instance", "kubernetes.*"), {"prod": True, "uat": False})


def remarks(tmp_path: Path, rules: str, known: Known = KNOWN) -> list[tuple[str, str, str]]:
    """Level, code and rule of each remark on a pack, in order."""
    return [
        (one.level.value, one.code, one.rule) for one in lint(policy_of(tmp_path, f"rules:\n{rules}"), known, ["test"])
    ]


def rule(name: str, text: str) -> str:
    return f"  - {{id: {name}, about: A rule, {text}}}\n"


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        (rule("a", "kind: aws.rdss.*, path: x, expect: equal"), [("error", "unknown-kind", "test/a")]),
        (rule("a", "kind: [env.file, env.fil], path: x, expect: equal"), [("warning", "unknown-kind", "test/a")]),
        (rule("a", "kind: kubernetes.deployment, path: x, expect: equal"), []),
        (rule("a", 'kind: "{env,aws}.*", path: x, expect: equal'), []),
        (rule("a", "path: x, in: uat, expect: {equal: 1}"), [("warning", "unknown-environment", "test/a")]),
        (rule("a", 'path: "**", expect: {no_reference_to: uat}'), [("warning", "unknown-environment", "test/a")]),
        (rule("a", "path: x, expect: ignore, for: 5d, remediation: do"), [("warning", "no-effect", "test/a")]),
        (rule("a", "path: x, expect: no_placeholder, for: 5d"), [("info", "tolerant-check", "test/a")]),
        (rule("a", "path: x.y, expect: equal") + rule("b", 'path: "x.*", expect: equal'), [("error", "shadowed", "test/a")]),
        (rule("a", "path: x, where: left.present, values: url, expect: equal") + rule("b", 'path: "**", expect: ignore'),
         [("error", "shadowed", "test/a")]),
        (rule("a", "path: x, expect: no_placeholder") + rule("b", 'path: "**", expect: equal'), []),
        (rule("a", "path: x, expect: no_placeholder") + rule("b", 'path: "**", expect: ignore'), [("error", "shadowed", "test/a")]),
        (rule("a", "path: x, expect: ignore") + rule("b", 'path: "**", expect: equal'), []),
        (rule("a", "path: x, expect: equal") + rule("b", "path: x, where: left.present, expect: equal"), []),
        (rule("a", "path: x, expect: equal") + rule("b", "path: x, values: url, expect: equal"), []),
        (rule("a", "path: x, expect: equal") + rule("b", "path: x, expect: same_minor"), []),
        (rule("a", "path: x, expect: equal") + rule("b", "path: x, kind: env.file, expect: equal"), []),
        (rule("a", "expect: equal") + rule("b", 'path: "**", expect: equal'), []),
        (rule("a", "kind: env.file, expect: equal") + rule("b", "kind: env.*, expect: ignore"), [("error", "shadowed", "test/a")]),
    ],
)  # fmt: skip
def test_what_follows_from_the_rules_alone_is_told_and_no_more(
    tmp_path: Path, rules: str, found: list[tuple[str, str, str]]
) -> None:
    """A rule is shadowed where a later one decides every place of it, whatever the values; nothing is guessed."""
    assert remarks(tmp_path, rules) == found


def test_overriding_another_pack_as_a_whole_is_worth_knowing_only(tmp_path: Path) -> None:
    """That is what one's own pack is for; the same id is told, too."""
    policy_of(tmp_path, f"policy: base\nrules:\n{rule('a', 'path: x, expect: same_minor')}", "base")
    text = f"policy: own\nextends: [base]\nrules:\n{rule('a', 'path: x, expect: equal')}"
    policy = policy_of(tmp_path, text, "own")
    found = [(one.level, one.code) for one in lint(policy, KNOWN, ["base", "own"])]
    assert found == [(Level.INFO, "overridden"), (Level.INFO, "same-id")]


def test_no_pack_that_ships_is_certainly_wrong() -> None:
    """Each held against the collectors that ship."""
    known = Known((*(kind.name for kind in Registry.load().kinds()), COMPONENT.name), {})
    for pack in available():
        found = list(lint(load_policy([pack.name]), known, [pack.name]))
        assert [one for one in found if one.level is Level.ERROR] == []


RULES = "".join(
    (
        rule("value", 'path: "**", expect: equal'),
        rule("level", "kind: env.file, path: LEVEL, expect: equal"),
        rule("again", "kind: env.file, path: LEVEL, where: left.present, expect: equal"),
        rule("typo", "kind: env.file, path: LEVLE, expect: equal"),
        rule("later", "kind: aws.rds.instance, path: x, expect: equal"),
        rule("filled", 'path: "**", expect: no_placeholder'),
        rule("here", "expect: equal"),
    )
)


def test_hits_say_where_each_rule_was_of_use(tmp_path: Path) -> None:
    """Seen, decided, met, breached, overridden; and what was never seen, in how many places."""
    policy = policy_of(tmp_path, f"rules:\n{RULES}")
    pair = compared(
        normal({"LEVEL": "a", "KEY": "changeme", "N": 1}, kind=ENV_FILE),
        normal({"LEVEL": "b", "KEY": "changeme", "N": 2}, kind=ENV_FILE),
    )
    alone = Unmatched("left", normal({"OTHER": 1}, identity="b.env", kind=ENV_FILE))
    found = comparison(pair, unmatched=(alone,))
    hits, sights = count(policy, [Scenery(found, policy, (STAGING, PROD), NOW, History())])
    numbers = {name: (own.seen, own.decided, own.met, own.breached, own.overridden) for name, own in hits.items()}
    assert numbers == {
        "test/value": (4, 1, 0, 1, 1),
        "test/level": (1, 0, 0, 0, 1),
        "test/again": (1, 1, 0, 1, 0),
        "test/typo": (0, 0, 0, 0, 0),
        "test/later": (0, 0, 0, 0, 0),
        "test/filled": (4, 2, 1, 1, 0),
        "test/here": (1, 1, 0, 1, 0),
    }
    told_all = tuple(lint_hits(policy, hits, sights, ["test"]))
    told = {one.code: one for one in told_all}
    assert told["never-decides"].rule == "test/level"
    assert told["never-decides"].message.endswith("of the one place that it speaks of, later rules decide (test/again)")
    assert told["path-never-seen"].message == "never seen: of 5 places of these kinds, none has this path"
    assert told["path-never-seen"].remedy == "did you mean `LEVEL`?"
    assert (told["kind-never-seen"].level, told["kind-never-seen"].rule) == (Level.INFO, "test/later")
    # What a gap may hide is not called never seen; a gap of another kind changes nothing.
    (later,) = (rule for rule in policy.rules if rule.name == "test/later")
    denied = [(one.code, one.rule) for one in lint_hits(policy, hits, sights, ["test"], later.kinds)]
    assert ("kind-not-observed", "test/later") in denied
    assert "kind-never-seen" not in {code for code, _ in denied}
    assert "path-never-seen" in {code for code, _ in denied}
    hidden = {one.code for one in lint_hits(policy, hits, sights, ["test"], ["*"])}
    assert hidden.isdisjoint({"kind-never-seen", "path-never-seen"})
    assert list(lint_hits(policy, hits, sights, ["test"], ["aws.none"])) == list(told_all)


AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def waiver(number: int, days: float, **covers: str) -> Waiver:
    expires = AT + timedelta(days=days)
    created = min(AT, expires) - timedelta(days=20)
    given = Waiver(f"w{number}", "ana", "why", created, expires, f"waivers.yaml:{number}")
    return replace(given, **covers)  # type: ignore[arg-type]


def waiver_remarks(written: Sequence[Waiver], made: Sequence[Waiver] = ()) -> list[Remark]:
    known = ["default/engine-version", "built-in/unclassified"]
    return list(lint_waivers(written, made, [breach()], known, ["aws.rds.instance"], AT))


def test_waivers_without_effect_are_told_with_their_line() -> None:
    """Over, soon over, covering nothing, and about what does not exist."""
    written = [
        waiver(1, 20, rule="engine-version"),
        waiver(2, 20, path="storage"),
        waiver(3, -3, rule="engine-version"),
        waiver(4, 2, rule="default/engine-*"),
        waiver(5, 20, rule="engine-versions"),
        waiver(6, 20, kind="aws.rdss.*", path="engine_version"),
    ]
    found = [(one.line, one.level.value, one.code) for one in waiver_remarks(written)]
    assert found == [
        (2, "warning", "waiver-unmatched"),
        (3, "warning", "waiver-expired"),
        (4, "warning", "waiver-expiring"),
        (5, "error", "waiver-unknown-rule"),
        (5, "warning", "waiver-unmatched"),
        (6, "error", "waiver-unknown-kind"),
        (6, "warning", "waiver-unmatched"),
    ]


def test_waivers_of_people_fail_nothing_and_are_silent_once_they_are_over() -> None:
    """Nobody reviews them, and there is no file to mend."""
    made = [waiver(1, -3, rule="engine-version"), waiver(2, 20, path="storage"), waiver(3, 20, rule="nope")]
    found = [(one.level, one.code) for one in waiver_remarks([], made)]
    assert found == [
        (Level.INFO, "waiver-unmatched"),
        (Level.WARNING, "waiver-unknown-rule"),
        (Level.INFO, "waiver-unmatched"),
    ]


LETTERS = st.text("ab.", min_size=1, max_size=4)
GLOBS = st.lists(st.sampled_from(["a", "b", ".", "*", "?", "[ab]", "{a,b*}"]), min_size=1, max_size=4).map("".join)


@example("?", "*", "ab")
@example("[ab]", "?", ".")
@example("a*", "*", "b")
@example("*.a", "{a,b*}.a", "b.a")
@given(GLOBS, GLOBS, LETTERS)
def test_what_is_said_of_two_globs_holds_for_every_name(wide: str, narrow: str, name: str) -> None:
    """Whoever is covered is matched, and no name matches two globs of which that is ruled out."""
    both = kind_pattern(wide).match(name) is not None, kind_pattern(narrow).match(name) is not None
    if kind_covers(wide, narrow):
        assert both[0] or not both[1]
    if not kinds_meet(wide, narrow):
        assert both != (True, True)


STEPS = st.lists(st.sampled_from(["a", "aB", "a_b", "*", "**", "a*", "{a,b}"]), min_size=1, max_size=4).map(".".join)
PATHS = st.lists(st.sampled_from(["a", "aB", "a_b", "A-b", "b"]), min_size=1, max_size=4).map(tuple)


@example("*", "**", ("a", "b"))
@example("a.**", "**", ("b",))
@example("a_b", "aB", ("aB",))
@given(STEPS, STEPS, PATHS)
def test_what_is_said_of_two_path_globs_holds_for_every_path(wide: str, narrow: str, path: tuple[str, ...]) -> None:
    """A step is known by its own spelling and by its words, and a proof has to hold for both."""
    if path_covers(path_glob(wide), path_glob(narrow)) and path_glob(narrow).matches(path):
        assert path_glob(wide).matches(path)
