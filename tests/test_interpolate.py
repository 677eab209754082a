"""Variables in configuration values."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError, field_validator

from auditor.errors import ConfigError
from auditor.interpolate import interpolate
from auditor.validation import problems_from_pydantic
from auditor.yaml_source import parse

ENVIRON = {"NAME": "value", "EMPTY": "", "SECRET": "hunter2-hunter2"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${NAME}", "value"),
        ("a-${NAME}-b-${NAME}", "a-value-b-value"),
        ("${NONE:-default}", "default"),
        ("${NONE:-}", ""),
        ("${EMPTY:-default}", "default"),
        ("${EMPTY}", ""),
        ("${NAME:-default}", "value"),
        ("${NONE:-http://h:1/p, q}", "http://h:1/p, q"),
        ("$${NAME}", "${NAME}"),
        ("pa$$word $NAME", "pa$word $NAME"),
    ],
)
def test_variables_defaults_and_escapes(text: str, value: str) -> None:
    """Each spelling gives its value, in block and in flow style alike."""
    document = parse(
        f"block: {text}\nflow: {{inner: {text}, other: 1}}\n" if "," not in text else f"block: {text}\n", "f"
    )
    filled = interpolate(document, ENVIRON)
    assert filled.value["block"] == value
    if "flow" in filled.value:
        assert filled.value["flow"] == {"inner": value, "other": 1}


def test_a_variable_in_flow_style_needs_no_quotes_and_keeps_the_columns_after_it() -> None:
    """`{token: ${NAME:-a, b}, channel: x}` is read as people mean it."""
    document = parse("slack: {token: ${NONE:-a, b}, channel: '#c'}\n", "f")
    assert interpolate(document, ENVIRON).value == {"slack": {"token": "a, b", "channel": "#c"}}
    assert document.at(("slack", "channel")) == (1, 31)


def test_values_of_variables_are_not_read_as_yaml_or_as_variables() -> None:
    """What a variable holds can change no structure and pull in no other variable."""
    document = parse("a: ${X}\n", "f")
    assert interpolate(document, {"X": "{b: ${NAME}} # $$"}).value == {"a": "{b: ${NAME}} # $$"}


def test_every_missing_variable_is_told_at_once_with_its_remedy() -> None:
    """Three problems in one file: three messages."""
    document = parse("a: ${ONE}\nb: [x, 'y ${TWO}']\nc: '${not ok}'\n", "f.yaml")
    with pytest.raises(ConfigError) as caught:
        interpolate(document, ENVIRON)
    assert [str(problem) for problem in caught.value.problems] == [
        "f.yaml:1:4: a: the environment variable ONE is not set\n    set ONE, or give a default: ${ONE:-value}",
        "f.yaml:2:8: b[1]: the environment variable TWO is not set\n    set TWO, or give a default: ${TWO:-value}",
        ("f.yaml:3:4: c: '${not ok}' is not a variable\n    write ${NAME} or ${NAME:-default}, or $${ for a plain ${"),
    ]


class Model(BaseModel):
    port: int
    name: str = "x"

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if "-" in name:
            raise ValueError(f"{name} must not hold a dash")
        return name


def test_a_secret_from_the_environment_is_in_no_message() -> None:
    """A wrong value is shown as the file spells it."""
    document = interpolate(parse("port: ${SECRET}\n", "f.yaml"), ENVIRON)
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(document.value)
    (problem,) = problems_from_pydantic(caught.value, document, Model)
    assert "hunter2" not in str(problem)
    assert problem.message == "expected a whole number, got text '${SECRET}'"


def test_a_validator_that_quotes_a_value_quotes_its_variable() -> None:
    """Whatever words a collector's own check chooses, what came from the environment is not among them."""
    document = interpolate(parse("port: 1\nname: ${SECRET}\n", "f.yaml"), ENVIRON)
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(document.value)
    (problem,) = problems_from_pydantic(caught.value, document, Model)
    assert problem.message == "${SECRET} must not hold a dash"
