"""What must always hold, tried by someone who does not believe it: real files, the real command, a real store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Outcome, Run

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec: {replicas: 1, template: {spec: {containers: [{name: api, image: "api:1.0"}]}}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with a configuration of two environments, each a folder of files."""
    monkeypatch.chdir(tmp_path)
    configure({"staging": [], "prod": []})
    return tmp_path


def configure(environments: dict[str, list[str]], **paths: str) -> None:
    """Environments by name, each with its aliases and, unless `paths` says otherwise, a folder of its name."""
    configured = {
        name: {"aliases": aliases, "sources": [{"collector": "files", "path": paths.get(name, name)}]}
        for name, aliases in environments.items()
    }
    Path("auditor.yaml").write_text(json.dumps({"environments": configured}))
    for name in environments:
        Path(name).mkdir(exist_ok=True)


def files(**contents: str | bytes) -> None:
    """Files by `environment__name_ending`: `prod__app_env` is prod/app.env."""
    for name, content in contents.items():
        environment, file = name.split("__", 1)
        path = Path(environment, ".".join(file.rsplit("_", 1)))
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def audited(run: Run, *options: str, left: str = "staging", right: str = "prod") -> tuple[Outcome, dict[str, Any]]:
    """The audit of the two as JSON."""
    outcome = run("now", left, right, "--format", "json", *options)
    assert outcome.out, outcome.err
    return outcome, outcome.report


class TestNoFalseCalm:
    """Unread is not absent, and nothing compared is no parity."""

    @pytest.mark.parametrize("options", [(), ("--allow-incomplete",)])
    def test_a_side_that_holds_nothing_is_not_passed(self, run: Run, options: tuple[str, ...]) -> None:
        """An empty folder against a full one: what is missing is told, no score, no coverage, never exit 0."""
        files(prod__app_env="A=1\n")
        outcome, report = audited(run, *options)
        assert (outcome.code, report["score"], report["coverage"]["ratio"]) == (3, None, 0.0)
        assert [finding["rule"] for finding in report["findings"]] == ["resource-missing"]

    def test_a_path_that_is_not_there_is_a_gap_and_no_finding(self, run: Run) -> None:
        """A typing error in the configuration does not make everything missing."""
        configure({"staging": [], "prod": []}, staging="stagin")
        files(prod__app_env="A=1\n")
        outcome, report = audited(run)
        assert (outcome.code, report["score"], report["coverage"]["ratio"], report["findings"]) == (3, None, 0.0, [])

    def test_a_manifest_that_is_broken_on_one_side_hides_what_may_be_in_it(self, run: Run) -> None:
        """The deployment that prod's broken file may hold is unknown; the drift elsewhere is found all the same."""
        files(staging__k_yaml=DEPLOYMENT, prod__k_yaml=DEPLOYMENT + "  bad: [\n")
        files(staging__app_env="A=1\nB=1\n", prod__app_env="A=2\nB=1\n")
        outcome, report = audited(run, "--fail-on", "info")
        assert [finding["path"] for finding in report["findings"]] == [["A"]]
        assert (outcome.code, report["audit"]["outcome"], report["unknown"]) == (1, "incomplete", 1)
        assert report["coverage"]["ratio"] == 0.75

    def test_a_difference_that_is_still_tolerated_is_not_called_parity(self, run: Run) -> None:
        """It fails nothing while its rule tolerates it, and the verdict says that it is there."""
        Path("house.yaml").write_text(
            "policy: house\nextends: [default]\nrules:\n"
            "  - {id: a, about: because, kind: env.file, path: A, expect: equal, severity: high, for: 24h}\n"
        )
        config = json.loads(Path("auditor.yaml").read_text())
        config |= {"policies": ["./house.yaml"], "pairs": [{"left": "staging", "right": "prod", "policies": ["house"]}]}
        Path("auditor.yaml").write_text(json.dumps(config))
        files(staging__app_env="A=1\n", prod__app_env="A=x\n")
        outcome = run("now", "staging", "prod")
        assert outcome.code == 0
        assert "Nothing at or above high; 1 pending." in outcome.out
        assert "In parity" not in outcome.out


class TestAFindingsLife:
    """Only an audit that saw both sides ends a finding."""

    def test_a_gap_resolves_nothing_and_what_comes_back_is_regressed(self, run: Run) -> None:
        """Open, hidden by a broken file, gone, back: each audit says what it could know."""
        files(staging__app_env="A=1\nB=1\n", prod__app_env="A=x\nB=1\n")
        audited(run)
        story = []
        for content in ("no variables at all {", "A=1\nB=1\n", "A=x\nB=1\n"):
            files(prod__app_env=content)
            outcome, _ = audited(run)
            kept = json.loads(run("findings", "--format", "json").out)
            story.append((outcome.code, [finding["status"] for finding in kept]))
        assert story == [(3, ["open"]), (0, []), (0, ["regressed"])]


class TestNames:
    """Names are not drift, whatever the environments are called, and no name makes different things equal."""

    @pytest.mark.parametrize(
        ("left", "right"),
        [
            ("blue", "green"),
            ("prod-eu", "prod-us"),
            ("dev", "test"),
            ("preprod", "prod"),
            ("stage", "staging"),
            ("live", "main"),
            ("s", "p"),
            ("a", "b"),
            ("env1", "env2"),
        ],
    )
    def test_twins_are_equal_and_words_that_hold_a_name_are_not(self, run: Run, left: str, right: str) -> None:
        """Hosts, buckets, keys and camel case carry the name; `device` and `product` carry nothing."""
        configure({left: [], right: []})
        for name, word in ((left, "device"), (right, "product")):
            key = name.upper().replace("-", "_")
            text = f"DB=db.{name}.acme.internal\nBUCKET=acme-{name}-uploads\n{key}_URL=https://{name}.acme.com/x\n"
            Path(name, "app.env").write_text(text + f"QUEUE=orders{name.capitalize()}\nMODE={word}\n")
        _, report = audited(run, left=left, right=right)
        assert [finding["path"] for finding in report["findings"]] == [["MODE"]]

    def test_the_words_of_a_source_mean_its_environment_there(self, run: Run) -> None:
        """A source may have aliases of its own."""
        sources = {"staging": "stg9", "prod": "zed"}
        configured = {
            name: {"sources": [{"collector": "files", "path": name, "aliases": [word]}]}
            for name, word in sources.items()
        }
        Path("auditor.yaml").write_text(json.dumps({"environments": configured}))
        for name, word in sources.items():
            Path(name, "app.env").write_text(f"H=db-{word}.acme.com\nX=api-{word}\n{word.upper()}_KEY_ID=1\n")
        outcome, report = audited(run)
        assert (outcome.code, report["findings"]) == (0, [])


class TestHostileInput:
    """Whatever stands in a file, the audit ends, and every report of it is whole."""

    FORMATS = ("table", "json", "markdown", "junit", "html")

    @pytest.mark.parametrize("format_", FORMATS)
    def test_no_sign_reaches_a_terminal_or_breaks_a_report(self, run: Run, format_: str) -> None:
        """Escape sequences, ends of text, half characters and marks of right-to-left are spelled out, in keys, values
        and file names."""
        signs = ["\x1b[31m", "\x00", "\u202e", "\u2028", "\x07", "\ud800", "\x1f", "\x1d#ab", "\ue000", "<b>", "[bold]"]
        for name, number in (("staging", 1), ("prod", 2)):
            document = {f"k{sign}{i}": f"{sign}{number}" for i, sign in enumerate(signs)}
            Path(name, "a\x1b[31m\u202e.json").write_text(json.dumps(document))
        outcome = run("now", "staging", "prod", "--format", format_)
        assert outcome.code in (0, 1), outcome.err
        outcome.out.encode()
        assert not set("\x1b\x00\u202e\u2028\x07\x1f") & set(outcome.out)
        if format_ == "json":
            assert len(outcome.report["findings"]) == len(signs)
        if format_ == "junit":
            ET.fromstring(outcome.out)

    def test_listing_commands_let_no_sign_through_either(self, run: Run) -> None:
        """Names of files come from others, and `match`, `findings` and `diff` print them."""
        for name in ("staging", "prod"):
            Path(name, "a\x1b[31m.json").write_text(json.dumps({"k": name[0] * 9}))
        run("now", "staging", "prod")
        for command in (("match", "staging", "prod", "--all"), ("findings",), ("diff", "staging", "prod")):
            outcome = run(*command)
            assert "a\\x1b[31m.json" in outcome.out
            assert "\x1b" not in outcome.out + outcome.err

    def test_keys_that_begin_like_a_mark_of_ours_are_keys(self, run: Run) -> None:
        """Colours are keys, too: `#abc` against `#abd` are two settings, not two items of a list that nothing names."""
        files(staging__a_json='{"#abc": 1, "#def": 2}', prod__a_json='{"#abd": 1, "#dee": 2}')
        found = audited(run)[1]["findings"]
        assert sorted(finding["path"] for finding in found) == [["#abc"], ["#abd"], ["#dee"], ["#def"]]

    def test_an_item_that_nothing_names_is_shown_as_it_is(self, run: Run) -> None:
        """`diff` lists a file that one side lacks: what stands for its unnamed items is nobody's business."""
        files(staging__a_json='{"items": [{"a": 1, "b": 2}, {"a": 3, "c": [{"d": 1}]}]}', prod__b_json='{"x": 1}')
        run("now", "staging", "prod")
        found = json.loads(run("diff", "staging", "prod", "--format", "json").out)["differences"]
        (items,) = (difference["left"]["value"]["items"] for difference in found if difference["resource"] == "a.json")
        assert sorted(map(len, items)) == [2, 2]

    def test_json_that_nests_beyond_measure_in_a_variable_costs_nothing_else(self, run: Run) -> None:
        """Three thousand levels are text like any other, and the rest of the folder is audited."""
        for name, value in (("staging", 1), ("prod", 2)):
            text = '{"a":' * 3000 + str(value) + "}" * 3000
            files(**{f"{name}__deep_env": f"V='{text}'\n", f"{name}__app_env": f"B=x{value}\n"})
        outcome, report = audited(run)
        assert (outcome.code, report["gaps"]) == (0, [])
        assert sorted(finding["path"] for finding in report["findings"]) == [["B"], ["V"]]

    def test_numbers_beyond_all_measure_stay_apart(self, run: Run) -> None:
        """As infinities, 1e400 and 1e401 would be equal, and NaN would differ from itself."""
        files(staging__a_json='{"a": 1e400, "b": NaN}', prod__a_json='{"a": 1e401, "b": NaN}')
        files(staging__b_env="V='{\"a\": NaN}'\n", prod__b_env="V='{\"a\": NaN}'\n")
        assert [finding["path"] for finding in audited(run)[1]["findings"]] == [["a"]]


class TestItemsThatNothingNames:
    """List items without a name: nothing that is wrong with one is hidden behind another, nothing of them is in a path."""

    def test_the_worse_of_two_items_speaks(self, run: Run) -> None:
        """A tolerated difference in the first item does not hide the real one in the second."""
        item = '{{"items": [{{"p": "q1", "q": "r1", "n": {0}}}, {{"p": "q2", "q": "r2", "n": "{1}"}}]}}'
        files(staging__a_json=item.format(1, "foo"), prod__a_json=item.format(2, "bar"))
        (finding,) = audited(run)[1]["findings"]
        assert (finding["path"], finding["severity"]) == (["items", "*", "n"], "low")
        assert (finding["left"]["value"], finding["right"]["value"]) == ("foo", "bar")
        assert finding["message"].endswith("; 1 more item of the list must be looked at here, too")

    def test_a_finding_keeps_its_fingerprint_when_the_item_changes(self, run: Run) -> None:
        """What stands for an item is made of its content, so it is no part of what is wrong with it."""
        seen = set()
        for other in ("one", "two"):
            text = json.dumps({"items": [{"p": other, "mode": "changeme"}, {"q": other}]})
            files(staging__a_json=text, prod__a_json=text)
            (finding,) = audited(run)[1]["findings"]
            seen.add((finding["fingerprint"], finding["status"], tuple(finding["path"])))
        assert len(seen) == 1
        assert seen.pop()[2] == ("items", "*", "mode")


class TestSameInSameOut:
    """Nothing but the input decides."""

    def test_order_of_files_and_keys_and_the_seed_of_hashes_change_nothing(self, folder: Path) -> None:
        """Two processes with other seeds, on files written in another order, find the same under the same fingerprints."""
        found = []
        contents = [(f"f{number}.yaml", {f"k{i}": [f"v{number}", i] for i in range(5)}) for number in range(8)]
        for seed, order in (("1", 1), ("2024", -1)):
            for name in ("staging", "prod"):
                for file, document in contents[::order]:
                    Path(name, file).unlink(missing_ok=True)
                    changed = {key: [*value, name[0] * 5] for key, value in list(document.items())[::order]}
                    Path(name, file).write_text(json.dumps(changed))
            Path("auditor.db").unlink(missing_ok=True)
            command = [sys.executable, "-m", "auditor", "now", "staging", "prod", "--format", "json"]
            environ = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
            ran = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stderr
            findings = json.loads(ran.stdout)["findings"]
            found.append(
                [
                    {k: v for k, v in one.items() if k not in ("first_seen", "last_seen", "opened_at")}
                    for one in findings
                ]
            )
        assert found[0] == found[1]
        assert len(found[0]) == 40
