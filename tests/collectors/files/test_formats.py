"""Each plain format, value by value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml as pyyaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.model import GapReason
from collectors.files import dotenv, structured, yaml
from collectors.files.text import Malformed
from tests.collectors.files.reader import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,12}", fullmatch=True)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=("Cc", "Cs")), max_size=30)


def quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=6))
def test_one_mapping_reads_the_same_from_every_format(tmp_path: Path, mapping: dict[str, str]) -> None:
    """Dotenv, flat YAML under a dotenv name, JSON, YAML and TOML of one mapping give one document."""
    found = read(
        tmp_path,
        {
            "a.env": "\n".join(f"{key}={quoted(value)}" for key, value in mapping.items()),
            "b.env": "# flat\n" + "\n".join(f"{key}: {json.dumps(value)}" for key, value in mapping.items()),
            "c.json": json.dumps(mapping),
            "d.yaml": pyyaml.safe_dump(mapping, allow_unicode=True),
            "e.toml": "\n".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in mapping.items()),
        },
    )
    assert found.gaps == []
    assert [resource.attributes for resource in found.resources] == [mapping] * 5


def test_dotenv_reads_what_shells_and_libraries_read() -> None:
    """Export, both quotes, several lines, comments after values, references and bare names."""
    text = (
        "# settings\nexport HOST=db.internal # primary\nURL=postgres://${HOST}:5432/app\n"
        "SINGLE='as ${HOST} is # here'\nDOUBLE=\"line one\nline two\\tend\" # why\nFRAGMENT=a#b\nEMPTY=\n"
        'SPACED = padded \nBARE\nDEFAULTED=${NOWHERE:-fallback}\nKEPT=${NOWHERE}\nHOST2="\\$5"\nTWICE=1\nTWICE=2\nALT=${EMPTY:-x}${EMPTY-y}\n'
    )
    assert dotenv.parse(text) == {
        "HOST": "db.internal",
        "URL": "postgres://db.internal:5432/app",
        "SINGLE": "as ${HOST} is # here",
        "DOUBLE": "line one\nline two\tend",
        "FRAGMENT": "a#b",
        "EMPTY": "",
        "SPACED": "padded",
        "BARE": None,
        "DEFAULTED": "fallback",
        "KEPT": "${NOWHERE}",
        "HOST2": "$5",
        "TWICE": "2",
        "ALT": "x",
    }


def test_flat_yaml_under_a_dotenv_name_keeps_every_spelling(tmp_path: Path) -> None:
    """Values of an environment are text: a version does not become a number, `yes` does not become true."""
    found = read(tmp_path, {"app.env": 'VERSION: 1.10\nFLAG: yes\nNAME: "api"\nLIST: "a,\\\n  b"\nNONE:\n'})
    assert found.one("env.file", "app.env") == {
        "VERSION": "1.10",
        "FLAG": "yes",
        "NAME": "api",
        "LIST": "a,b",
        "NONE": None,
    }


def test_yaml_scalars_are_read_without_surprises() -> None:
    """Timestamps, leading zeros and sexagesimal numbers stay text; booleans are YAML 1.1's; `on` as a key stays."""
    text = (
        "on: push\nzip: 01234\ntime: 12:30\nday: 2024-05-01\nflag: yes\ncountry: 'no'\nsize: 1_000\nhex: 0x1F\n"
        "rate: 1.5\nhuge: .inf\nnothing: ~\ntext: !!str 5\nid: 1234567890123456789012345678901234567890\n"
    )
    (document,) = yaml.documents(text)
    assert document.value == {
        "on": "push",
        "zip": "01234",
        "time": "12:30",
        "day": "2024-05-01",
        "flag": True,
        "country": "no",
        "size": 1000,
        "hex": 31,
        "rate": 1.5,
        "huge": ".inf",
        "nothing": None,
        "text": "5",
        "id": "1234567890123456789012345678901234567890",
    }


def test_yaml_anchors_and_merge_keys_are_worked_in() -> None:
    """A merged map gives way to what stands beside it; of several the first counts; custom tags stay as data."""
    text = (
        "base: &base {a: 1, b: 1}\nother: &other {b: 2, c: 2}\n"
        "mine:\n  <<: [*base, *other]\n  a: 9\nref: !Ref Queue\nlist: !GetAtt [Db, Arn]\n"
    )
    (document,) = yaml.documents(text)
    assert document.value["mine"] == {"a": 9, "b": 1, "c": 2}
    assert document.value["ref"] == {"!Ref": "Queue"}
    assert document.value["list"] == {"!GetAtt": ["Db", "Arn"]}


def test_yaml_documents_know_their_lines() -> None:
    """A document starts at its first line that says something; documents of comments only are none."""
    found = yaml.documents("# head\n---\na: 1\n---\n# nothing\n---\n\nb: 2\n")
    assert [(document.value, document.line) for document in found] == [({"a": 1}, 3), ({"b": 2}, 8)]


def test_json_may_have_comments_and_trailing_commas() -> None:
    """What .NET and editors accept is read, and text that looks like a comment stays text."""
    text = '{\n  // where\n  "url": "http://x/*y*/", /* two\n lines */ "list": [1, 2,],\n}'
    assert structured.json_document(text) == {"url": "http://x/*y*/", "list": [1, 2]}


def test_toml_dates_become_text(tmp_path: Path) -> None:
    """Everything read is JSON, so a date is its ISO 8601 text."""
    found = read(tmp_path, {"app.toml": "[job]\nat = 2024-05-01T10:00:00Z\nday = 2024-05-01\nratio = inf\n"})
    assert found.one("toml.file", "app.toml") == {
        "job": {"at": "2024-05-01T10:00:00+00:00", "day": "2024-05-01", "ratio": "inf"}
    }


def test_ini_sections_do_not_leak_into_each_other() -> None:
    """Keys keep their case, keys above the first section are at the top, and DEFAULT is a section like any other."""
    text = "Top=1\n[DEFAULT]\nshared=x\n[db]\nHost = a.b\nurl = a=b;c\nflag\n"
    assert structured.ini_document(text) == {
        "Top": "1",
        "DEFAULT": {"shared": "x"},
        "db": {"Host": "a.b", "url": "a=b;c", "flag": None},
    }


def test_properties_follow_java() -> None:
    """Continued lines, three separators, escapes and comments."""
    text = "# c\n! c\nspring.url=jdbc:mysql://h/x?a=b\nkey : spaced\nlist a,\\\n     b\npath=C:\\\\tmp\nuni=\\u00e9\nempty\n"
    assert structured.properties_document(text) == {
        "spring.url": "jdbc:mysql://h/x?a=b",
        "key": "spaced",
        "list": "a,b",
        "path": "C:\\tmp",
        "uni": "é",
        "empty": "",
    }


def test_a_conf_file_is_read_only_where_it_is_ini(tmp_path: Path) -> None:
    """An nginx configuration has the same suffix and is no format that is known: nobody may take it for compared."""
    files = {"worker.conf": "[pool]\nsize = 4\n", "nginx.conf": "server {\n  listen 80;\n}\n"}
    found = read(tmp_path, files)
    assert found.names() == [("ini.file", "worker.conf")]
    assert [(gap.kind, gap.reason, gap.resource, gap.detail) for gap in found.gaps] == [
        ("ini.file", GapReason.UNSUPPORTED, "nginx.conf", NO_FORMAT)
    ]


NO_FORMAT = "in no format that is read: exclude it where nothing in it has to be compared"
RENDER = "give what it is rendered to, or exclude it"


@pytest.mark.parametrize(
    ("file", "kind", "detail"),
    [
        ("terraform.tfstate", "terraform.*", "Terraform's state: name it in a `terraform` source, or exclude it"),
        ("app.yaml.j2", "*", f"a template, not plain data: {RENDER}"),
        ("nginx/default.conf.template", "ini.file", f"a template, not plain data: {RENDER}"),
        ("app.properties.enc", "properties.file", "encrypted: give the decrypted file, or exclude it"),
        (".env.gpg", "env.file", "encrypted: give the decrypted file, or exclude it"),
        ("app.jsonnet", "*", f"a program that makes configuration: {RENDER}"),
        ("main.bicep", "*", f"a program that makes configuration: {RENDER}"),
        ("orders.service", "*.file", NO_FORMAT),
        ("Caddyfile", "*.file", NO_FORMAT),
        ("app.config", "xml.file", NO_FORMAT),
    ],
)
def test_configuration_in_a_format_that_is_not_read_is_unknown(
    tmp_path: Path, file: str, kind: str, detail: str
) -> None:
    """A gap with a way out: passed over in silence it would be taken for equal."""
    found = read(tmp_path, {file: "a\n", "app.yaml": "a: 1\n"} if file != "app.yaml.j2" else {file: "a\n"})
    assert [(gap.kind, gap.reason, gap.resource, gap.detail) for gap in found.gaps] == [
        (kind, GapReason.UNSUPPORTED, file, detail)
    ]


@pytest.mark.parametrize(
    "file",
    [
        "README.md", "logo.svg", "deploy.sh", "Dockerfile", "Makefile", "main.py", "poetry.lock", "package-lock.json",
        ".terraform.lock.hcl", ".env.example", ".env.template", "app.yaml.bak", "app.yaml.dist", "notes.txt",
        "schema.sql", ".gitignore", "app.tmpl",
    ],
)  # fmt: skip
def test_what_configures_no_environment_is_passed_over(tmp_path: Path, file: str) -> None:
    """Documents, programs, pictures, locks and what is there to be copied: not a word about them."""
    found = read(tmp_path, {file: "a\n"})
    assert (found.names(), found.gaps) == ([], [])


def test_a_template_beside_what_is_made_of_it_says_nothing_new(tmp_path: Path) -> None:
    """And neither does the encrypted form of a file that is there in the clear."""
    found = read(tmp_path, {"app.yaml": "a: 1\n", "app.yaml.j2": "a: {{ a }}\n", "x.env": "A=1\n", "x.env.enc": "?"})
    assert found.names() == [("env.file", "x.env"), ("yaml.file", "app.yaml")]
    assert found.gaps == []


LEFT_OPEN = "name: api\nimage: {{image}}  # by the pipeline\nhosts:\n  - {{ host }}\n  - api.acme.example\n"


def test_a_value_that_a_pipeline_fills_in_leaves_the_rest_readable(tmp_path: Path) -> None:
    """`image: {{image}}`, as in manifests of nais: one value is open, and nothing else is unknown for it."""
    found = read(tmp_path, {"app.yaml": LEFT_OPEN})
    assert found.gaps == []
    assert found.one("yaml.file", "app.yaml") == {
        "name": "api", "image": "{{image}}", "hosts": ["{{ host }}", "api.acme.example"],
    }  # fmt: skip


@pytest.mark.parametrize("line", ["env: {{- toYaml .env }}", "{{#each hosts}}", "env: {{ .Values.env }}", "a: {{end}}"])
def test_a_template_that_makes_more_than_one_value_is_unknown(tmp_path: Path, line: str) -> None:
    """What an expression, a loop or a block stands for may be anything."""
    found = read(tmp_path, {"app.yaml": f"{LEFT_OPEN}{line}\n"})
    assert [(gap.kind, gap.reason, gap.resource) for gap in found.gaps] == [("*", GapReason.UNSUPPORTED, "app.yaml")]


def test_what_is_another_environments_is_no_gap_of_this_one(tmp_path: Path) -> None:
    """In a folder that both share, production's templates are production's."""
    files = {"app-prod.yaml.j2": "a\n", "app-staging.yaml.j2": "a\n"}
    assert [gap.resource for gap in read(tmp_path, files).gaps] == ["app-staging.yaml.j2"]
    assert [gap.resource for gap in read(tmp_path, of="prod").gaps] == ["app-prod.yaml.j2"]


WEB_CONFIG = """<?xml version="1.0" encoding="utf-8"?>
<configuration xmlns="http://acme.example/config">
  <!-- what is where -->
  <connectionStrings><add name="Shop" connectionString="Server=db;Database=shop" providerName="Sql"/></connectionStrings>
  <appSettings><add key="Mode" value="fast"/><add key="Size" value="4"/></appSettings>
  <system.web><compilation debug="false"/><pages> on </pages><empty/></system.web>
  <hosts><host>a</host><host>b</host></hosts>
  <rule kind="x">text</rule>
</configuration>
"""


def test_xml_is_read_by_names(tmp_path: Path) -> None:
    """Attributes, elements, and the pairs of name and value that frameworks make of them; comments and namespaces go."""
    found = read(tmp_path, {"web.config": WEB_CONFIG})
    assert found.gaps == []
    assert found.one("xml.file", "web.config") == {
        "configuration": {
            "connectionStrings": {
                "add": {"Shop": {"connectionString": "Server=db;Database=shop", "providerName": "Sql"}}
            },
            "appSettings": {"add": {"Mode": "fast", "Size": "4"}},
            "system.web": {"compilation": {"debug": "false"}, "pages": "on", "empty": ""},
            "hosts": {"host": ["a", "b"]},
            "rule": {"kind": "x", "value": "text"},
        }
    }


@pytest.mark.parametrize(
    "body",
    [
        '<property name="a" value="1"/><property name="b" value="2"/>',
        '<property name="a">1</property><property name="b">2</property>',
        "<property><name>a</name><value>1</value></property><property><name>b</name><value>2</value></property>",
        '<property key="a"><value>1</value></property><property key="b" value="2"/>',
    ],
)
def test_a_name_and_its_value_are_one_pair_however_xml_spells_them(tmp_path: Path, body: str) -> None:
    """Spring, Hadoop and .NET each have a way of their own."""
    found = read(tmp_path, {"app.xml": f"<configuration>{body}</configuration>"})
    assert found.one("xml.file", "app.xml") == {"configuration": {"property": {"a": "1", "b": "2"}}}


def test_elements_of_one_name_twice_are_a_list(tmp_path: Path) -> None:
    """A name that is given twice tells nothing apart."""
    found = read(tmp_path, {"app.xml": '<a><b name="x" v="1"/><b name="x" v="2"/></a>'})
    assert found.one("xml.file", "app.xml") == {"a": {"b": [{"name": "x", "v": "1"}, {"name": "x", "v": "2"}]}}


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("<a><b></a>", GapReason.MALFORMED, "not XML (mismatched tag) at line 1, column 9"),
        ("<a>" * 200 + "</a>" * 200, GapReason.MALFORMED, "nested too deeply"),
        (
            '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
            GapReason.UNSUPPORTED,
            "it declares entities, which are not expanded: give the text with them filled in, or exclude it",
        ),
    ],
)
def test_xml_that_cannot_be_read_is_a_gap(tmp_path: Path, text: str, reason: GapReason, detail: str) -> None:
    """With its place; entities are never expanded, nor is what they name opened."""
    (gap,) = read(tmp_path, {"app.xml": text}).gaps
    assert (gap.kind, gap.reason, gap.detail) == ("xml.file", reason, detail)


def test_hcl_of_other_programs_and_mysqls_own_files_are_read(tmp_path: Path) -> None:
    """Terragrunt's inputs, and a my.cnf."""
    found = read(tmp_path, {"terragrunt.hcl": 'inputs = {\n  size = "small"\n}\n', "my.cnf": "[mysqld]\nport = 3306\n"})
    assert found.one("hcl.file", "terragrunt.hcl") == {"inputs": {"size": "small"}}
    assert found.one("ini.file", "my.cnf") == {"mysqld": {"port": "3306"}}


def test_cloudformation_parameters_are_known_by_their_names(tmp_path: Path) -> None:
    """A parameter file is a list on paper, and a map by meaning."""
    body = json.dumps([{"ParameterKey": "Size", "ParameterValue": "t3.small"}])
    assert read(tmp_path, {"params.json": body}).one("json.file", "params.json") == {"Size": "t3.small"}


@pytest.mark.parametrize(
    ("parse", "text", "line"),
    [
        (yaml.documents, "a: 1\nb:\n  c: 1\n  c: 2\n", 4),
        (yaml.documents, "a: [1,\nb: }", 2),
        (yaml.documents, "a: &x\n  b: *x\n", 2),
        (yaml.documents, "a: *nowhere\n", 1),
        (yaml.documents, "ok: 1\n? [complex]\n: 1\n", 2),
        (yaml.documents, "ok: 1\n<<: 5\n", 2),
        (structured.json_document, '{\n "a": 1\n "b": 2}', 3),
        (structured.json_document, '{\n "a": 1,\n "a": 2}', 3),
        (structured.toml_document, "a = 1\nb = \n", 2),
        (structured.toml_document, "a = 1\na = 2\n", 2),
        (structured.ini_document, "[a]\nx=1\n[a]\n", 3),
        (structured.ini_document, "x=1\nx=2\n", 2),
        (dotenv.parse, "A=1\nB='open\n", 2),
        (dotenv.parse, "A=1\n<html>\n", 2),
        (dotenv.parse, 'A="x" y\n', 1),
    ],
)
def test_what_is_malformed_is_told_by_line(parse: Callable[[str], object], text: str, line: int) -> None:
    """Every reader refuses what it cannot be sure of, and says where."""
    with pytest.raises(Malformed) as caught:
        parse(text)
    assert caught.value.line is None or caught.value.line == line
    if parse is not structured.toml_document:
        assert caught.value.line == line


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (yaml.documents, "services: [oops\n", "did not find expected ',' or ']'"),
        (structured.json_document, '{"a": 1 "hunter2"}', "Expecting ',' delimiter"),
        (structured.json_document, '{"a": "hunter2', "Unterminated string starting"),
        (structured.toml_document, "password hunter2\n", "Expected '=' after a key in a key/value pair"),
    ],
)
def test_what_is_malformed_is_told_in_whole_words(parse: Callable[[str], object], text: str, said: str) -> None:
    """Which sign was expected is told; what stood there instead is not, as it may be a secret."""
    with pytest.raises(Malformed) as caught:
        parse(text)
    assert caught.value.problem == said


def test_yaml_that_multiplies_itself_is_refused() -> None:
    """Ten lists of nine aliases each stand for nine thousand million values."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 10)]
    with pytest.raises(Malformed, match="aliases that expand"):
        yaml.documents("\n".join(lines))


@pytest.mark.parametrize("parse", [yaml.documents, structured.json_document])
def test_what_is_nested_too_deeply_is_refused(parse: Callable[[str], object]) -> None:
    """Neither the parser nor what walks its result runs out of stack."""
    with pytest.raises(Malformed, match="nested"):
        parse("[" * 50_000 + "]" * 50_000)
