"""Policies: globs, files, what is refused and in which words, and which rule decides."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import ConfigError
from auditor.globs import kind_pattern, path_glob
from auditor.model import Severity
from auditor.policy import available, load_policy
from tests.factories import judged, policy_of

BAD = Path(__file__).parent / "bad_policies"


@pytest.mark.parametrize("file", sorted(BAD.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_bad_policy_is_told_by_place_with_a_remedy(file: Path) -> None:
    """Each file is wrong in one way; its message stands beside it, word for word."""
    with pytest.raises(ConfigError) as caught:
        load_policy(["bad"], [file])
    assert str(caught.value).replace(str(file), file.name) + "\n" == file.with_suffix(".txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("engine_version", ("engine_version",), True),
        ("engine_version", ("a", "engine_version"), False),
        ("**.engine_version", ("engine_version",), True),
        ("**.engine_version", ("a", "b", "engine_version"), True),
        ("*.image", ("a", "b", "image"), False),
        ("**.env.*", ("spec", "env", "KEY"), True),
        ("**.env.*", ("spec", "env"), False),
        ("**.{*_,}count", ("spec", "replicaCount"), True),
        ("**.{*_,}count", ("discount",), False),
        ("**.min_size", ("MIN-SIZE",), True),
        ("data.prometheus\\.io/scrape", ("data", "prometheus.io/scrape"), True),
        ("data.prometheus.io/scrape", ("data", "prometheus.io/scrape"), False),
        ("a.**.b.**.c", ("a", "x", "b", "b", "y", "c"), True),
        ("a.**", ("a",), True),
        ("{count,members.readers}", ("members", "readers"), True),
        ("a.{b,c.{d,e}}.f", ("a", "c", "e", "f"), True),
        ("a.{b,c.{d,e}}.f", ("a", "e", "f"), False),
        ("level[0-9]", ("level5",), True),
        ("level[!0-9]", ("level5",), False),
    ],
)
def test_path_globs_match_steps_by_spelling_and_by_words(glob: str, path: tuple[str, ...], matches: bool) -> None:
    """`*` stays within a step, `**` crosses steps, case and word delimiters do not count."""
    assert path_glob(glob).matches(path) is matches


def test_a_glob_over_kinds_crosses_dots() -> None:
    """`aws.*` means every AWS kind."""
    assert kind_pattern("aws.*").match("aws.rds.instance")
    assert kind_pattern("{env,yaml}.file").match("yaml.file")
    assert not kind_pattern("aws.rds").match("aws.rds.instance")


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=6))
def test_two_stars_match_any_path_that_ends_alike(steps: list[str]) -> None:
    """`**.x` matches every path whose last step is x, and no other."""
    path = tuple(steps)
    assert path_glob("**").matches(path)
    assert path_glob("**.a").matches(path) is (path[-1] == "a")


def test_many_stars_are_not_slow() -> None:
    """A glob of many `**` over a long path ends at once: it never tries every way to split the path."""
    assert not path_glob(".".join(["**", "a"] * 30) + ".z").matches(("a",) * 200)


def test_extended_packs_come_first_and_each_only_once(tmp_path: Path) -> None:
    """A pack overrides what it extends; a pack that two others extend is read once."""
    (tmp_path / "base.yaml").write_text(
        "policy: base\nrules:\n  - {id: base, about: b, path: '**', expect: equal, severity: low}\n", "utf-8"
    )
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(
            f"policy: {name}\nextends: [base]\nrules:\n"
            f"  - {{id: {name}, about: b, path: '**', expect: equal, severity: high}}\n",
            "utf-8",
        )
    policy = load_policy(["one", "two"], [tmp_path])
    assert [rule.name for rule in policy.rules] == ["base/base", "one/one", "two/two"]
    assert policy.names == ("one", "two")


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        (["first"], ["first", "second", "third"]),
        (["second"], ["first", "third", "second"]),
        (["third"], ["first", "second", "third"]),
        (["own"], ["first", "second", "third", "own"]),
        (["own", "first"], ["first", "second", "third", "own"]),
    ],
)
def test_what_follows_a_pack_is_read_with_it_whichever_of_its_files_is_named(
    tmp_path: Path, asked: list[str], order: list[str]
) -> None:
    """What follows a pack overrides it wherever the pack is named; what is named overrides all that it extends."""
    heads = {
        "first": "followed_by: [second, third]",
        "second": "extends: [first]",
        "third": "extends: [first]",
        "own": "extends: [first]",
    }
    for name, head in heads.items():
        rule = "{id: a, about: b, path: '**', expect: equal, severity: low}"
        (tmp_path / f"{name}.yaml").write_text(f"policy: {name}\n{head}\nrules:\n  - {rule}\n", "utf-8")
    assert [rule.policy for rule in load_policy(asked, [tmp_path]).rules] == order


def test_a_pack_of_the_users_hides_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    """The user's folders are searched first."""
    (tmp_path / "mine.yaml").write_text("policy: default\nabout: Ours\nrules: []\n", "utf-8")
    assert load_policy(["default"], [tmp_path]).rules == ()
    packs = {pack.name: pack for pack in available([tmp_path])}
    assert packs["default"].about == "Ours"
    assert not packs["default"].shipped
    assert packs["strict"].shipped


def test_the_digest_tells_policies_apart(tmp_path: Path) -> None:
    """Equal text gives an equal digest, another severity another."""
    text = "rules:\n  - {{id: a, about: a, path: x, expect: equal, severity: {0}}}\n"
    digests = [policy_of(tmp_path, text.format(severity)).digest for severity in ("low", "low", "high")]
    assert digests[0] == digests[1] != digests[2]


@given(severities=st.lists(st.sampled_from(list(Severity)), min_size=1, max_size=6))
def test_the_last_matching_rule_decides(tmp_path_factory: pytest.TempPathFactory, severities: list[Severity]) -> None:
    """Whatever came before, the last rule's severity is the finding's; the others are listed as overridden."""
    rules = "\n".join(
        f"  - {{id: r{index}, about: a, path: '**', expect: equal, severity: {severity}}}"
        for index, severity in enumerate(severities)
    )
    policy = policy_of(tmp_path_factory.mktemp("policy"), f"rules:\n{rules}\n")
    (breach,) = judged({"x": "1"}, {"x": "2"}, policy).breaches
    assert breach.severity is severities[-1]
    assert breach.rule.overrode == tuple(f"test/r{index}" for index in reversed(range(len(severities) - 1)))
    assert breach.rule.line == len(severities) + 2


@given(value=st.one_of(st.text(max_size=20), st.integers(), st.booleans(), st.none()))
def test_a_later_ignore_silences_differences_and_checks(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    """`ignore` written last wins over both families of rules, whatever the values."""
    policy = policy_of(
        tmp_path_factory.mktemp("policy"),
        "rules:\n"
        "  - {id: a, about: a, path: '**', expect: equal, severity: high}\n"
        "  - {id: b, about: b, path: '**', expect: no_placeholder, severity: critical}\n"
        "  - {id: c, about: c, path: noise.**, expect: ignore}\n",
    )
    assert judged({"noise": {"x": value}}, {"noise": {"x": "changeme", "y": 1}}, policy).breaches == ()


def test_packs_that_ship_are_one_policy_however_often_they_are_asked_for(tmp_path: Path) -> None:
    """What was found out about places is found out once; with a pack of one's own the policy is read anew."""
    (tmp_path / "acme.yaml").write_text("policy: acme\nextends: [default]\nrules: []\n")
    first = load_policy(("default",))
    assert load_policy(("default",)) is first
    assert load_policy(("default",), [tmp_path]) is first
    assert load_policy(("strict",)).rules != first.rules
    own = load_policy(("acme",), [tmp_path])
    assert own.rules == first.rules
    assert load_policy(("acme",), [tmp_path]) is not own
