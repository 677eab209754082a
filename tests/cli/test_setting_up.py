"""`audit init`, `config`, `collectors` and `iam-policy`: everything before the first audit."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome

    Run = Callable[..., Outcome]

ROOT = Path(__file__).resolve().parents[2]
READS = ("Get", "List", "Describe", "BatchGet", "LookupEvents")
AWS = ("--aws-profile", "staging=acme-staging", "--aws-profile", "prod=acme-prod", "--region", "eu-west-1")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUDITOR_CONFIG", raising=False)


def test_init_writes_from_flags_a_file_that_passes_the_check(tmp_path: Path, run: Run) -> None:
    """Two accounts by profile: written, commented, right, with the pair and the promotion that follow."""
    outcome = run("init", "--yes", *AWS, "--alias", "staging=stg")
    assert (outcome.code, outcome.out) == (0, "")
    text = (tmp_path / "auditor.yaml").read_text()
    assert text.count("#") >= 8
    written = yaml.safe_load(text)
    assert written["environments"]["staging"] == {
        "aliases": ["stg"],
        "promotes_to": "prod",
        "sources": [{"collector": "aws", "profile": "acme-staging", "regions": ["eu-west-1"]}],
    }
    assert written["pairs"] == [{"left": "staging", "right": "prod", "policies": ["default"]}]
    checked = run("config", "check")
    assert (checked.code, checked.err) == (0, "")
    assert checked.out.splitlines() == [
        "OK: auditor.yaml",
        "  environment staging, promotes to prod",
        "    source aws:acme-staging",
        "  environment prod",
        "    source aws:acme-prod",
        "  pair staging against prod under default",
    ]


def test_init_takes_any_number_of_environments_and_pairs(tmp_path: Path, run: Run) -> None:
    """Three environments of files in a chain, and one pair of one's own choice."""
    names = [
        word for name in ("dev", "test", "live") for word in ("--environment", name, "--files", f"{name}=./{name}")
    ]
    assert run("init", "--yes", *names, "--pair", "dev:live").code == 0
    written = yaml.safe_load((tmp_path / "auditor.yaml").read_text())
    assert [one.get("promotes_to") for one in written["environments"].values()] == ["test", "live", None]
    assert [(pair["left"], pair["right"]) for pair in written["pairs"]] == [("dev", "live")]


def test_init_replaces_nothing_unless_forced(tmp_path: Path, run: Run) -> None:
    """A file that is there stays; --force replaces it."""
    (tmp_path / "auditor.yaml").write_text("mine")
    assert run("init", "--yes", *AWS).code == 2
    assert (tmp_path / "auditor.yaml").read_text() == "mine"
    assert run("init", "--yes", *AWS, "--force").code == 0


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ([], "Nothing to read in staging, prod. Give each environment --aws-profile, --files, --http or --postgres."),
        (["--files", "staging=a"], "Nothing to read in prod."),
        (["--files", "stagin=a"], "--files stagin=a: write ENV=…, where ENV is one of staging, prod"),
        ([*AWS, "--pair", "staging:dev"], "--pair staging:dev: write LEFT:RIGHT, two of staging, prod"),
        (["--http", "prod=api"], "--http prod=api: write ENV=SERVICE=URL"),
        (["--postgres", "prod=postgresql://a:b@c/d"], "so that no password is in the file"),
    ],
)
def test_init_says_what_is_missing_or_wrong_in_its_flags(flags: list[str], told: str, tmp_path: Path, run: Run) -> None:
    """A usage error, and no file."""
    outcome = run("init", "--yes", *flags)
    assert outcome.code == 2
    assert told in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_init_asks_at_a_terminal(tmp_path: Path) -> None:
    """Answers become the file; what is left empty is left out."""
    answers = ["qa, live", "", "n", "deploy/qa", "", "", "www", "y", "acme-live", "eu-west-1 us-east-1", "", "", ""]
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", "init"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"},
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.close(follower)
    os.write(leader, "".join(f"{answer}\n" for answer in answers).encode())
    told, _ = process.communicate(timeout=60)
    os.close(leader)
    assert process.returncode == 0, told
    environments = yaml.safe_load((tmp_path / "auditor.yaml").read_text())["environments"]
    assert environments["qa"]["sources"] == [{"collector": "files", "path": "deploy/qa"}]
    assert environments["live"]["aliases"] == ["www"]
    assert environments["live"]["sources"] == [
        {"collector": "aws", "profile": "acme-live", "regions": ["eu-west-1", "us-east-1"]}
    ]


@pytest.mark.parametrize("name", ["no", "on", "1", "a:b", "#x", "0123", "x y"])
def test_what_init_writes_reads_back_as_the_same_text(name: str) -> None:
    """Words that YAML would take for something else are quoted."""
    from auditor.cli.init_text import scalar

    assert yaml.safe_load(f"key: {scalar(name)}") == {"key": name}


def test_the_check_reads_the_rules_of_every_pair(tmp_path: Path, run: Run) -> None:
    """A mistake in a policy file is told by its own line, once, though two pairs are judged by it."""
    (tmp_path / "house.yaml").write_text("policy: house\nrules:\n  - {id: x, about: y, expect: eqal, severity: low}\n")
    sources = "{sources: [{collector: files, path: .}]}"
    (tmp_path / "auditor.yaml").write_text(
        f"environments: {{a: {sources}, b: {sources}}}\n"
        "policies: [house.yaml]\n"
        "pairs: [{left: a, right: b, policies: [house]}, {left: b, right: a, policies: [house]}]\n"
    )
    outcome = run("config", "check")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("house.yaml:3:") == 1


def test_the_schema_holds_every_collector(run: Run) -> None:
    """Valid JSON with the options of each collector that `audit collectors` lists."""
    schema = json.loads(run("config", "schema").out)
    titles = {choice["title"] for choice in schema["$defs"]["SourceSettings"]["oneOf"]}
    assert titles == {one["name"] for one in json.loads(run("collectors", "--format", "json").out)}


def test_collectors_are_listed_and_described(run: Run) -> None:
    """All of them in a table, one in detail, and a wrong name answered by the nearest."""
    assert "Amazon Web Services" in run("collectors").out
    detail = run("collectors", "aws").out
    assert "aws.rds.instance" in detail
    assert "role_arn" in detail
    assert "rds:DescribeDBInstances" in detail
    wrong = run("collectors", "asw")
    assert wrong.code == 2
    assert "did you mean aws?" in wrong.err


def test_the_iam_policy_holds_reads_only(run: Run) -> None:
    """Without a configuration: every supported service; each action gets, lists or describes, and no policy is larger
    than IAM takes."""
    ran = run("iam-policy")
    made = json.loads(ran.out)
    assert "attach all of them" in ran.err
    actions = [action for policy in made for statement in policy["Statement"] for action in statement["Action"]]
    assert {statement["Effect"] for policy in made for statement in policy["Statement"]} == {"Allow"}
    assert len(actions) == len(set(actions)) > 150
    # IAM calls what API Gateway reads after the request, not after the operation.
    reads = (*READS, "GET")
    assert [action for action in actions if not action.partition(":")[2].startswith(reads)] == []
    assert all(len(json.dumps(policy, separators=(",", ":"))) <= 6144 for policy in made)
    services = [{action.partition(":")[0] for action in policy["Statement"][0]["Action"]} for policy in made]
    assert not services[0] & services[1]


def test_the_iam_policy_follows_the_services_that_are_enabled(tmp_path: Path, run: Run) -> None:
    """An environment that reads RDS alone needs actions of RDS alone, and CloudTrail's where that may be asked."""
    (tmp_path / "auditor.yaml").write_text(
        "environments:\n"
        "  staging: {sources: [{collector: aws, services: [rds], regions: [eu-west-1]}]}\n"
        "  test: {sources: [{collector: aws, services: [rds], regions: [eu-west-1], cloudtrail: false}]}\n"
        "  prod: {sources: [{collector: files, path: .}]}\n"
    )
    for environment, services in (("staging", {"rds", "cloudtrail"}), ("test", {"rds"})):
        (statement,) = json.loads(run("iam-policy", environment).out)["Statement"]
        assert {action.partition(":")[0] for action in statement["Action"]} == services
    assert run("iam-policy", "prod").code == 2


def test_the_iam_policy_reads_exactly_the_states_that_lie_in_s3(tmp_path: Path, run: Run) -> None:
    """Beside an account's own actions or alone, and the role that reads it; no state elsewhere needs any."""
    role = "arn:aws:iam::111122223333:role/State"
    state = "{collector: terraform, s3: {bucket: acme-states, key: %s, region: eu-west-1%s}}"
    (tmp_path / "auditor.yaml").write_text(
        "environments:\n"
        f"  staging: {{sources: [{{collector: aws, services: [rds]}}, {state % ('stg/net.tfstate', '')}]}}\n"
        f"  prod: {{sources: [{state % ('prod/net.tfstate', '')}, {state % ('prod/app.tfstate', f', role_arn: {role!r}')}]}}\n"
        "  dev: {sources: [{collector: terraform, path: dev.tfstate}]}\n"
    )

    def allowed(environment: str) -> list[tuple[str, str]]:
        made = json.loads(run("iam-policy", environment).out)["Statement"]
        return [(each["Action"], each["Resource"]) for each in made if "Sid" not in each]

    object_ = "arn:*:s3:::acme-states/%s/%s.tfstate"
    assert allowed("staging") == [("s3:GetObject", object_ % ("stg", "net"))]
    assert allowed("prod") == [
        ("s3:GetObject", object_ % ("prod", "net")),
        ("s3:GetObject", object_ % ("prod", "app")),
        ("sts:AssumeRole", role),
    ]
    assert run("iam-policy", "dev").code == 2


def test_the_iam_policy_of_an_organization_finds_its_accounts(tmp_path: Path, run: Run) -> None:
    """Beside what every role reads stands what whoever finds the accounts needs; AWS Config asks its aggregator alone."""
    (tmp_path / "auditor.yaml").write_text(
        "environments:\n"
        "  staging: {sources: [{collector: aws, services: [rds], regions: [eu-west-1], organization: {role: Reader}}]}\n"
        "  prod: {sources: [{collector: aws_config, aggregator: all, region: eu-west-1, accounts: ['111122223333']}]}\n"
    )
    _, finds, assumes = json.loads(run("iam-policy", "staging").out)["Statement"]
    assert "organizations:ListAccounts" in finds["Action"]
    assert (assumes["Action"], assumes["Resource"]) == ("sts:AssumeRole", "arn:*:iam::*:role/Reader")
    (statement,) = json.loads(run("iam-policy", "prod").out)["Statement"]
    assert {action.partition(":")[0] for action in statement["Action"]} == {"config"}
