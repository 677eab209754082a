"""Positions, duplicate keys and hostile files of the YAML reader, and pydantic's errors told by place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auditor.errors import ConfigError
from auditor.validation import known_keys, problems_from_pydantic
from auditor.yaml_source import dotted, load, nearest, parse

if TYPE_CHECKING:
    from pathlib import Path


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, "f.yaml")
    return str(caught.value)


def test_every_key_item_and_value_has_its_line_and_column() -> None:
    """A place leads to where its key starts, and to where its value starts."""
    document = parse("a: 1\nb:\n  - x\n  - {c: two}\n", "f.yaml")
    assert document.positions == {
        (): (1, 1),
        ("a",): (1, 1),
        ("b",): (2, 1),
        ("b", 0): (3, 5),
        ("b", 1): (4, 5),
        ("b", 1, "c"): (4, 6),
    }
    assert document.values["b", 1, "c"] == (4, 9)


def test_a_place_that_is_not_in_the_file_leads_to_what_surrounds_it() -> None:
    """A missing key is reported where its mapping stands."""
    document = parse("a:\n  b: 1\n", "f.yaml")
    assert document.at(("a", "missing", "deeper")) == (1, 1)


def test_scalars_follow_the_core_schema_so_nothing_turns_into_a_surprise() -> None:
    """`no`, a date and a port mapping stay text; only JSON types come out."""
    document = parse("[no, on, 2026-01-01, 22:22, 0x1F, 1e3, 1.5, ~, true, '7', 1e999, !!str 8]", "f.yaml")
    assert document.value == ["no", "on", "2026-01-01", "22:22", 31, 1000.0, 1.5, None, True, "7", "1e999", "8"]


def test_what_a_merge_key_brings_in_is_overridden_by_what_is_written() -> None:
    """`<<` works before and after the keys that override it, and positions point to the winner."""
    document = parse("base: &b {k: 1, l: 2}\nm: {l: 3, <<: *b}\n", "f.yaml")
    assert document.value["m"] == {"k": 1, "l": 3}
    assert document.at(("m", "l")) == (2, 5)
    assert document.at(("m", "k")) == (1, 11)


def test_of_several_merged_mappings_the_first_wins() -> None:
    """`<<: [*a, *b]` takes a key from the first mapping that has it."""
    assert parse("a: &a {k: 1}\nb: &b {k: 2, l: 2}\nm: {<<: [*a, *b]}\n", "f.yaml").value["m"] == {"k": 1, "l": 2}


def test_every_duplicate_key_is_refused_at_once() -> None:
    """Both duplicates are told, each with the line of the first."""
    assert refusal("a: 1\nb: {c: 1, c: 2}\na: 3\n").splitlines() == [
        "f.yaml:2:11: b.c: the key stands twice (first in line 2)",
        "    keep one of the two",
        "f.yaml:3:1: a: the key stands twice (first in line 1)",
        "    keep one of the two",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "f.yaml:2:1: is not valid YAML: "),
        ("\ta: 1", "f.yaml:1:1: is not valid YAML: "),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: is not valid YAML: "),
        ("a: *z", "f.yaml:1:4: is not valid YAML: "),
        ("a: &x [*x]", "f.yaml:1:4: a[0]: an alias stands inside what it names"),
        ("a: !Ref x", "f.yaml:1:4: a: the tag !Ref is not understood here"),
        ("a: !!int x", "f.yaml:1:4: a: the tag !!int is not understood here"),
        ("a: !!python/dict {}", "f.yaml:1:4: a: the tag !!python/dict is not understood"),
        ("? [1]\n: 2", "f.yaml:1:3: a key must be plain text"),
        ("m: {<<: 3}", "f.yaml:1:9: m: `<<` takes a mapping"),
        ("a: \x01", "f.yaml: holds a character that YAML does not allow ('U+0001')"),
        ("[" * 50_000, "f.yaml:1: is nested more than 100 deep"),
    ],
)
def test_a_broken_file_is_one_clear_message(text: str, message: str) -> None:
    """Whatever is wrong with the YAML, the answer is a position and a sentence, never a crash."""
    assert refusal(text).startswith(message)


def test_a_file_that_multiplies_itself_by_aliases_is_refused() -> None:
    """Nine lines that stand for a billion values end in a message, not in a full memory."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for above, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{above}'] * 10)}]")
    assert "stands for more than 200,000 values" in refusal("\n".join(lines))


def test_a_chain_of_aliases_cannot_nest_without_end() -> None:
    """Depth that is made of aliases is counted as well."""
    lines = ["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 400))]
    assert "is nested more than 100 deep by its aliases" in refusal("\n".join(lines))


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """No file, a folder, and a file that is not UTF-8 each have their own message."""
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    for name, message in (
        ("none.yaml", "there is no such file"),
        ("latin.yaml", "is not UTF-8 text (byte 9)"),
        (".", "cannot be read: "),
    ):
        with pytest.raises(ConfigError) as caught:
            load(tmp_path / name, file=name)
        assert str(caught.value).startswith(f"{name}: {message}")


def test_a_byte_order_mark_is_not_part_of_the_first_key(tmp_path: Path) -> None:
    """Files from Windows editors are read like any other."""
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfstore: x\r\n")
    assert load(tmp_path / "bom.yaml").value == {"store": "x"}


def test_an_empty_file_is_a_document_without_a_value() -> None:
    """Only comments: the value is None, and what needs a value says so."""
    assert parse("# nothing\n", "f.yaml").value is None


class Server(BaseModel):
    model_config = ConfigDict(extra="forbid")
    host: str
    port: int = 1
    mode: Literal["fast", "safe"] = "fast"
    either: int | list[str] = 1
    token: str | None = None


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")
    servers: list[Server]
    by_name: dict[str, Server] = {}
    within: str = Field(default="", alias="in")


def problems(text: str) -> list[str]:
    document = parse(text, "f.yaml")
    with pytest.raises(ValidationError) as caught:
        Shape.model_validate(document.value)
    return [str(problem) for problem in problems_from_pydantic(caught.value, document, Shape)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "servers: []\nserver: 1\n",
            "f.yaml:2:1: server: unknown key\n    did you mean `servers`? (known here: by_name, in, servers)",
        ),
        (
            "servers: []\ninn: 1\n",
            "f.yaml:2:1: inn: unknown key\n    did you mean `in`? (known here: by_name, in, servers)",
        ),
        (
            "servers:\n  - {hots: a}\n",
            "f.yaml:2:5: servers[0].host: this key is required and missing\n    add `host:`",
        ),
        (
            "servers: [{host: a, port: abc}]\n",
            "f.yaml:1:27: servers[0].port: expected a whole number, got text 'abc'\n    write digits only, such as 30",
        ),
        (
            "servers: []\nby_name: {k: {host: a, mode: saef}}\n",
            "f.yaml:2:30: by_name.k.mode: expected one of fast, safe, got text 'saef'\n    did you mean `safe`?",
        ),
        (
            "servers: [{host: a, either: {}}]\n",
            "f.yaml:1:29: servers[0].either: expected a whole number or a list, got an empty mapping\n    write one of these",
        ),
        (
            "servers: [3]\n",
            (
                "f.yaml:1:11: servers[0]: expected a mapping, got the number 3\n"
                "    write `key: value`, one a line, indented below this key"
            ),
        ),
        ("servers:\n", "f.yaml:1:9: servers: expected a list, got nothing\n    write [a, b], or one `- item` a line"),
        (
            "servers: [{host: a, token: 12345}]\n",
            (
                "f.yaml:1:28: servers[0].token: expected text, got a number\n"
                "    put the value in quotes if it is meant as text"
            ),
        ),
    ],
)
def test_a_validation_error_says_where_what_was_expected_what_is_there_and_how_to_mend_it(
    text: str, expected: str
) -> None:
    """One message per kind of mistake, word for word; a value under a secret's key is never shown."""
    assert expected in problems(text)


def test_all_errors_of_a_file_come_at_once_in_its_order() -> None:
    """Nobody mends a file one error at a time."""
    found = problems("inn: 1\nservers: [{port: x}, {host: []}]\n")
    assert [line.split(":")[1] for line in found] == ["1", "2", "2", "2"]


def test_known_keys_are_found_below_lists_maps_and_optional_values() -> None:
    """The model is walked along the location, whatever contains it."""
    assert known_keys(Shape, ("servers", 0)) == ["host", "port", "mode", "either", "token"]
    assert known_keys(Shape, ("by_name", "x")) == ["host", "port", "mode", "either", "token"]
    assert known_keys(Shape, ()) == ["servers", "by_name", "in"]


def test_a_place_reads_as_people_write_it() -> None:
    """Steps into lists are in brackets."""
    assert dotted(("pairs", 0, "left")) == "pairs[0].left"


def test_the_nearest_name_ignores_case_and_dashes_and_gives_up_when_far() -> None:
    """A guess is made when it is probably right, and only then."""
    assert nearest("Promotes-To", ["promotes_to", "sources"]) == "promotes_to"
    assert nearest("zzz", ["promotes_to", "sources"]) is None
