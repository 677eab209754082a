"""auditor.yaml: one bad file per message, and what a right one becomes."""

from __future__ import annotations

import os
from datetime import time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
import yaml

from auditor.config import Config, Pair, load_config
from auditor.errors import ConfigError
from auditor.match import Counterpart
from auditor.model import Severity
from auditor.registry import Registry
from auditor.settings import json_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

BAD = Path(__file__).parent / "bad_config"
REGISTRY = Registry.load()
# Messages that list what is known do not change with every collector that is added.
TWO_COLLECTORS = Registry([REGISTRY.get("aws"), REGISTRY.get("files")])
FULL = """\
store: sqlite:///data/auditor.db
environments:
  staging:
    aliases: [STG, stage]
    promotes_to: prod
    sources:
      - collector: aws
        aliases: [Preprod]
        profile: acme-staging
        regions: [eu-west-1]
        endpoint_url: null
      - collector: files
        path: deploy/staging
  prod:
    sources: [{collector: files, path: deploy/prod}]
pairs:
  - {left: staging, right: prod, policies: [default, mine], schedule: "*/15 * * * *"}
policies: [./rules]
waivers: ./waivers.yaml
publish:
  slack: {token: ${SLACK_BOT_TOKEN}, channel: "#parity", min_severity: high}
  webhook: {url: "https://example.com/hook/${HOOK}"}
serve: {host: 0.0.0.0, port: 9000, auth: {tokens: true}}
collect: {timeout: 30, workers: 4}
match: [{kind: aws.rds.instance, left: orders-new, right: orders}]
tags: {identity: acme:id}
"""


def read(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Config:
    (folder / "auditor.yaml").write_text(text)
    return load_config(folder / "auditor.yaml", registry=REGISTRY, environ=environ or {})


def messages(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path, registry=TWO_COLLECTORS, environ={})
    return "".join(f"{problem}\n" for problem in caught.value.problems)


@pytest.mark.parametrize("name", sorted(path.stem for path in BAD.glob("*.yaml")))
def test_each_bad_file_is_told_in_these_words(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message beside the file is the message, to the letter. (Set UPDATE_GOLDEN=1 to write them anew.)"""
    monkeypatch.chdir(BAD)
    told = messages(Path(f"{name}.yaml"))
    if os.environ.get("UPDATE_GOLDEN"):
        Path(f"{name}.txt").write_text(told)
    assert told == Path(f"{name}.txt").read_text()


def test_no_expected_message_is_left_without_its_file() -> None:
    """Files and messages come in pairs."""
    assert {path.stem for path in BAD.glob("*.txt")} == {path.stem for path in BAD.glob("*.yaml")}


def test_a_file_that_is_not_there_says_how_to_get_one(tmp_path: Path) -> None:
    """The first thing a newcomer meets."""
    assert messages(tmp_path / "auditor.yaml") == (
        f"{tmp_path}/auditor.yaml: there is no such file\n    check the path, or let `audit init` write one\n"
    )


@pytest.fixture
def full(tmp_path: Path) -> Config:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.yaml").write_text("policy: mine\n")
    (tmp_path / "waivers.yaml").write_text("[]\n")
    return read(tmp_path, FULL, {"SLACK_BOT_TOKEN": "xoxb-canary-1", "HOOK": "canary-2"})


def test_every_documented_key_arrives(full: Config, tmp_path: Path) -> None:
    """Each key of the file is found again, with paths from its folder and times as durations."""
    assert full.store == f"sqlite:///{tmp_path}/data/auditor.db"
    assert full.promotes_to == {"staging": "prod"}
    assert full.pairs == (Pair("staging", "prod", ("default", "mine"), "*/15 * * * *"),)
    assert full.policies == (tmp_path / "rules",)
    assert full.waivers == tmp_path / "waivers.yaml"
    assert full.publish.slack is not None
    assert full.publish.slack.token.get_secret_value() == "xoxb-canary-1"
    assert full.publish.slack.min_severity is Severity.HIGH
    assert full.publish.webhook is not None
    assert full.publish.webhook.url.get_secret_value() == "https://example.com/hook/canary-2"
    assert (full.serve.host, full.serve.port) == ("0.0.0.0", 9000)
    assert full.serve.auth.tokens
    assert full.serve.auth.configured
    assert (full.timeout, full.workers) == (timedelta(seconds=30), 4)
    assert full.counterparts == (Counterpart("aws.rds.instance", "orders-new", "orders"),)
    assert full.identity_tag == "acme:id"


def test_an_environment_knows_its_names_the_others_and_its_sources(full: Config, tmp_path: Path) -> None:
    """Names are in lower case, its own first; a source keeps the aliases that hold in it alone."""
    staging = full.environments["staging"]
    assert staging.aliases == ("staging", "stg", "stage")
    assert staging.others == ("prod",)
    assert full.environments["prod"].others == ("staging", "stg", "stage")
    assert staging.folder == tmp_path
    aws, files = staging.sources
    assert (aws.collector.name, aws.aliases, aws.label) == ("aws", ("preprod",), "aws:acme-staging")
    assert files.label == "files:deploy/staging"


def test_a_configuration_does_not_show_its_secrets(full: Config, tmp_path: Path) -> None:
    """Printing or logging it tells no token and no password of the store."""
    assert "canary" not in repr(full)
    text = (
        "store: postgresql://u:${P}@h/d\n"
        "environments:\n"
        "  a:\n"
        "    sources:\n"
        "      - {collector: aws, role_arn: 'arn:aws:iam::111122223333:role/read', external_id: ${P}}\n"
        "      - {collector: postgres, url: 'postgresql://u:${P}@h/d'}\n"
    )
    assert "canary" not in repr(read(tmp_path, text, {"P": "canary-3"}))


def test_an_environment_is_found_by_its_alias_and_a_wrong_name_by_what_is_near(full: Config) -> None:
    """People type what they say."""
    assert full.environment("stg").name == "staging"
    with pytest.raises(ConfigError, match=r"unknown environment 'stagin'\n    did you mean `staging`\?"):
        full.environment("stagin")


def test_a_pair_that_is_not_configured_is_judged_by_the_default_policy(full: Config) -> None:
    """Any two environments can be compared, but none with itself."""
    assert full.pair("stg", "prod").policies == ("default", "mine")
    assert full.pair("prod", "staging") == Pair("prod", "staging", ("default",), None)
    with pytest.raises(ConfigError, match="staging cannot be compared with itself"):
        full.pair("staging", "stg")


def test_schedules_and_hours_arrive_as_they_were_meant(tmp_path: Path) -> None:
    """Zones, durations, and times of the day with quotes and without."""
    config = read(
        tmp_path,
        """\
environments:
  staging: {schedule: every 30m, sources: [{collector: files, path: .}]}
  prod: {sources: [{collector: files, path: .}]}
publish:
  slack:
    token: t
    channel: c
    quiet_hours: {start: 22:00, end: "07:30", timezone: Europe/Berlin}
    digest: {schedule: "@daily"}
    routes: [{channel: d, severities: [critical], owners: [payments]}]
serve: {drain: 1m, url: "https://parity.example.com"}
schedule: {timezone: America/New_York, jitter: 20s}
""",
    )
    assert config.schedules == {"staging": "every 30m"}
    assert (config.scheduling.timezone, config.scheduling.jitter) == ("America/New_York", timedelta(seconds=20))
    assert config.serve.drain == timedelta(minutes=1)
    slack = config.publish.slack
    assert slack is not None
    assert slack.quiet_hours is not None
    assert (slack.quiet_hours.start, slack.quiet_hours.end) == (time(22), time(7, 30))
    assert slack.digest is not None
    assert (slack.digest.schedule, slack.digest.timezone) == ("@daily", "UTC")
    assert [(route.channel, route.severities, route.owners) for route in slack.routes] == [
        ("d", (Severity.CRITICAL,), ("payments",))
    ]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("sqlite:///auditor.db", "sqlite:///{folder}/auditor.db"),
        ("sqlite:////var/lib/auditor.db", "sqlite:////var/lib/auditor.db"),
        ("sqlite:///auditor.db?timeout=5", "sqlite:///{folder}/auditor.db?timeout=5"),
        ("postgresql://auditor@db/parity", "postgresql://auditor@db/parity"),
    ],
)
def test_a_relative_store_starts_at_the_folder_of_the_file(written: str, read_as: str, tmp_path: Path) -> None:
    """The same store is used wherever the command is started."""
    config = read(tmp_path, f"store: {written}\nenvironments: {{a: {{sources: [{{collector: aws}}]}}}}\n")
    assert config.store == read_as.replace("{folder}", str(tmp_path))


def test_the_json_schema_accepts_what_is_right_and_refuses_what_is_not() -> None:
    """An editor that follows the schema agrees with `audit config check`, in the options of collectors too."""
    schema = json_schema({one.name: one.options.model_json_schema() for one in REGISTRY.collectors})
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    document = yaml.safe_load(FULL.replace("${SLACK_BOT_TOKEN}", "token"))
    assert list(validator.iter_errors(document)) == []
    document["environments"]["staging"]["sources"][0]["region"] = "eu-west-1"
    (error,) = validator.iter_errors(document)
    assert list(error.absolute_path) == ["environments", "staging", "sources", 0]
