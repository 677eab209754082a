"""An index of patterns says of every step what each pattern says of it."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from auditor.globs import step_matches
from auditor.policy import load_policy
from auditor.step_index import StepIndex

_WORDS = st.sampled_from(
    ["cpu", "memory", "Max", "a", "", "k8s", "db_name", "*", "?", "[ab]", "\\.", "Größe", "ſ", "-"]
)
_CHOICES = st.lists(_WORDS | st.tuples(_WORDS, _WORDS).map("".join), min_size=1, max_size=4).map(
    lambda words: "{" + ",".join(words) + "}"
)
_PATTERNS = (
    st.lists(_WORDS | _CHOICES | st.just("{*_,}") | st.just("{_*,}") | st.just("{s,{x,y}z}"), min_size=1, max_size=4)
    .map("".join)
    .filter(lambda pattern: pattern not in ("", "**"))
)
_STEPS = st.lists(_WORDS | st.sampled_from(["_", "s", "Cpu", "MAX", "xz", "yz", ".", "\n", "1", "K"]), max_size=5).map(
    "".join
)


# No star stands for the character that separates steps.
@example(["*-"], ["\x1f-"])
@given(st.lists(_PATTERNS, max_size=8), st.lists(_STEPS, max_size=8))
def test_an_index_finds_what_trying_each_pattern_finds(patterns: list[str], steps: list[str]) -> None:
    """However patterns are written: with choices, stars, single characters, or letters beyond ASCII."""
    index = StepIndex(patterns)
    for step in steps:
        assert index.matching(step) == {pattern for pattern in patterns if step_matches(pattern, step)}


_DEFAULT = load_policy(["default"])
_PARTS = st.sampled_from(
    ["image", "spec", "cpu", "logLevel", "log_level", "x", "*", "deletion_protection", "value", "db.host", "Ä"]
)


@given(
    st.sampled_from(["aws.rds.instance", "kubernetes.deployment", "env.file", "aws.ssm.parameter", "nothing"]),
    st.lists(_PARTS, max_size=4).map(tuple),
    _PARTS,
)
def test_the_rules_of_a_place_are_those_that_say_so_one_by_one(kind: str, path: tuple[str, ...], name: str) -> None:
    """In the order of precedence, most recent first; a place may be known under a second path."""
    policy = _DEFAULT
    for named in ((), (*path, name)) if path else ((),):
        wanted = [
            rule
            for rule in reversed(policy.rules)
            if rule.is_about_kind(kind) and (rule.is_about_path(path) or (named and rule.is_about_path(named)))
        ]
        assert list(policy.about(kind, path, named)) == wanted


def test_the_patterns_of_the_shipped_policies_are_looked_up() -> None:
    """Of all packs together, with steps that each of them is about."""
    rules = load_policy(["default", "strict", "production-readiness"]).rules
    patterns = {steps[-1] for rule in rules for glob in rule.paths for steps in glob.spellings} - {"**"}
    index = StepIndex(patterns)
    steps = {
        "cpu",
        "CpuLimit",
        "log_level",
        "LOG-LEVEL",
        "db_password",
        "minReadySeconds",
        "image",
        "x",
        "",
        "orders_client_id",
    }
    for step in sorted(steps):
        assert index.matching(step) == {pattern for pattern in patterns if step_matches(pattern, step)}
    assert len(index.matching("multi_az")) >= 1
    assert len(index._tried) < len(patterns) / 10
