"""Adding a confirmed counterpart to a file that a person wrote."""

from __future__ import annotations

import pytest
import yaml

from auditor.config_edit import with_counterpart
from auditor.interpolate import interpolate
from auditor.match import Counterpart
from auditor.yaml_source import parse

NEW = Counterpart("aws.rds.instance", "orders-new", 'or"ders')
ENTRY = '{kind: "aws.rds.instance", left: "orders-new", right: "or\\"ders"}'


def test_variables_in_flow_style_are_no_hindrance() -> None:
    """`{token: ${NAME}}` is no YAML by itself, and stays as it is, before and behind the list."""
    before = "a: {token: ${A:-b, c}}\nmatch:\n  - {kind: k, left: ${L}, right: r}\nz: {y: ${Z}}\n"
    after = (
        f"a: {{token: ${{A:-b, c}}}}\nmatch:\n  - {{kind: k, left: ${{L}}, right: r}}\n  - {ENTRY}\nz: {{y: ${{Z}}}}\n"
    )
    assert with_counterpart(before, NEW) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1\n", f"a: 1\n\nmatch:\n  - {ENTRY}\n"),
        ("a: 1", f"a: 1\n\nmatch:\n  - {ENTRY}\n"),
        ("match: []\nb: 2  # two\n", f"match: [{ENTRY}]\nb: 2  # two\n"),
        ("match:\nb: 2\n", f"match: [{ENTRY}]\nb: 2\n"),
        ("match: [{kind: k, left: l, right: r}]\n", f"match: [{{kind: k, left: l, right: r}}, {ENTRY}]\n"),
        ("match:\n- {kind: k, left: l, right: r}\n", f"match:\n- {{kind: k, left: l, right: r}}\n- {ENTRY}\n"),
        (
            "match:\n    # why\n    - kind: k\n      left: l\n      right: r  # here\n\n# the end\nb: 2\n",
            f"match:\n    # why\n    - kind: k\n      left: l\n      right: r  # here\n    - {ENTRY}\n\n# the end\nb: 2\n",
        ),
        ("match:\n  - {kind: k, left: l, right: r}", f"match:\n  - {{kind: k, left: l, right: r}}\n  - {ENTRY}"),
    ],
)
def test_the_entry_is_added_and_all_else_stays(before: str, after: str) -> None:
    """Whatever the style of the list: block, flow, empty, missing, with comments, without a last newline."""
    edited = with_counterpart(before, NEW)
    assert edited == after
    written = yaml.safe_load(edited)
    assert written["match"][-1] == {"kind": NEW.kind, "left": NEW.left, "right": NEW.right}
    assert {key: value for key, value in written.items() if key != "match"} == {
        key: value for key, value in yaml.safe_load(before).items() if key != "match"
    }


@pytest.mark.parametrize(
    "name", ["${HOME}", "${HOME:-x}", "${", "$", "$$", "$${HOME}", "a$b", "$$$", '"${HOME}"', "${HOME"]
)
def test_a_name_is_no_variable(name: str) -> None:
    """Whoever names a resource would else have a secret of the service's environment written into its findings."""
    text = with_counterpart("a: 1\n", Counterpart("k", name, f"{name} too"))
    value = interpolate(parse(text, "auditor.yaml"), {"HOME": "canary"}).value
    assert value == {"a": 1, "match": [{"kind": "k", "left": name, "right": f"{name} too"}]}
