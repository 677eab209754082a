"""Settings of Spring and its kin mean the same in however many steps their keys are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from collectors.files.spring import nested
from tests.collectors.files.reader import read

if TYPE_CHECKING:
    from pathlib import Path

TREES = st.recursive(
    st.integers() | st.booleans() | st.text("xyz"),
    lambda below: st.dictionaries(st.text("abc", min_size=1, max_size=2), below, min_size=1, max_size=3),
    max_leaves=8,
)


def flat(tree: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {path: tree}
    return {
        key: leaf
        for name, below in tree.items()
        for key, leaf in flat(below, f"{path}.{name}" if path else name).items()
    }


@given(st.dictionaries(st.text("abc", min_size=1, max_size=2), TREES, min_size=1, max_size=3))
def test_however_keys_are_cut_the_document_is_one(tree: dict[str, Any]) -> None:
    """All in one key, step by step, and whatever lies between give the same tree; it changes nothing twice."""
    assert nested(flat(tree)) == nested(tree) == tree
    half = {f"{key}.{name}": leaf for key, below in tree.items() for name, leaf in flat({"x": below}).items()}
    assert nested(half) == {key: {"x": below} for key, below in tree.items()}


def test_a_value_and_what_stands_below_it_are_both_kept() -> None:
    """`org.hibernate: INFO` beside `org.hibernate.SQL: DEBUG`, in either order; brackets hold one step."""
    levels = {"org.hibernate.SQL": "DEBUG", "org.hibernate": "INFO", "[a.b]": "WARN"}
    wanted = {"org": {"hibernate": "INFO", "hibernate.SQL": "DEBUG"}, "[a.b]": "WARN"}
    assert nested(levels) == wanted
    assert nested(dict(reversed(levels.items()))) == wanted


def test_settings_are_read_step_by_step_and_other_files_as_they_are_written(tmp_path: Path) -> None:
    """What is an Argo CD Application, or any other YAML, keeps its keys."""
    dotted = pyyaml.safe_dump({"logging.level": {"org.acme": "DEBUG"}})
    found = read(tmp_path, {"application-staging.yml": dotted, "values.yaml": dotted})
    assert {r.location: r.attributes for r in found.resources} == {
        "application-staging.yml": {"logging": {"level": {"org": {"acme": "DEBUG"}}}},
        "values.yaml": {"logging.level": {"org.acme": "DEBUG"}},
    }
    manifest = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "a", "labels": {"a.b": "c"}},
    }
    (application,) = read(tmp_path / "apps", {"application.yaml": pyyaml.safe_dump(manifest)}).resources
    assert "a.b" in str(application.attributes)
