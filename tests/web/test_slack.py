"""A click in Slack becomes an act in the store, once and only where it may; whatever is not Slack's is turned away."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from auditor.model import Status
from auditor.publish.posting import client
from auditor.publish.slack.clicks import is_slack
from auditor.publish.slack.controls import Action
from auditor.publish.slack.entries import Look
from auditor.publish.slack.interactions import handle
from auditor.store import schema
from auditor.web.slack import StoreActs
from tests.standins.slack import SIGNING_SECRET, Answer, post, signed
from tests.store.samples import breach
from tests.web.slack_service import Service

ANA = "slack:@ana (U0ANA00001)"
BEN = ("U0BEN00001", "ben")
FOUND = (breach("orders"), breach("users", cause_key="same"), breach("mails", cause_key="same"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with our tables, made once."""
    path = tmp_path_factory.mktemp("template") / "auditor.db"
    schema.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def database(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "auditor.db"))


@pytest.fixture(scope="module")
def sender() -> Iterator[httpx.Client]:
    with client() as made:
        yield made


@pytest.fixture
def service(database: Path, sender: httpx.Client) -> Iterator[Service]:
    with Service(database, sender) as running:
        running.audit(*FOUND)
        yield running


@pytest.fixture(scope="module")
def untouched(template: Path, tmp_path_factory: pytest.TempPathFactory, sender: httpx.Client) -> Iterator[Service]:
    """A service for those tests after which it is as it was."""
    copy = shutil.copy(template, tmp_path_factory.mktemp("untouched") / "auditor.db")
    with Service(Path(copy), sender) as running:
        running.audit(*FOUND)
        yield running


def single(service: Service) -> Answer:
    """The message of the finding that stands alone."""
    return next(message for message in service.slack.workspace.messages() if "2 open" not in message["text"])


def both(service: Service) -> Answer:
    """The message of the two findings of one cause."""
    return next(message for message in service.slack.workspace.messages() if "2 open" in message["text"])


def status(service: Service, *names: str) -> list[Status]:
    return [service.store.finding(f"fp-{name}").status for name in names]


def test_a_click_on_snooze_ends_in_a_waiver_with_the_person_as_owner(service: Service) -> None:
    """It holds for every finding of the message, is told to the person, and shown in the message."""
    payload = service.slack.payload(both(service), Action.SNOOZE, option="7 days")
    assert service.slack.click(service.url, payload) == 200
    (said,) = service.told()
    (waiver,) = service.store.waivers()
    assert (waiver.owner, waiver.reason, waiver.origin) == (ANA, "snoozed in Slack for 7 days", "slack")
    assert waiver.fingerprints == ("fp-mails", "fp-users")
    assert waiver.expires_at - waiver.created_at == timedelta(days=7)
    assert abs(waiver.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert status(service, "users", "mails", "orders") == [Status.WAIVED, Status.WAIVED, Status.OPEN]
    assert said.startswith("You snoozed 2 findings for 7 days, until ")
    assert said.endswith(f"audit waivers revoke {waiver.id}")
    service.deliver()
    shown = next(message for message in service.slack.workspace.messages() if message.get("edited"))
    assert shown["text"].startswith("⏸ Set aside")
    (reply,) = service.slack.workspace.thread(shown["ts"])
    assert "2 waived" in reply["text"]
    assert ANA in json.dumps(reply["blocks"])


@pytest.mark.parametrize("option, days", [("1 day", 1), ("7 days", 7), ("30 days", 30)])
def test_a_snooze_lasts_as_long_as_was_chosen(service: Service, option: str, days: int) -> None:
    """A real waiver each time."""
    service.slack.click(service.url, service.slack.payload(single(service), Action.SNOOZE, option=option))
    service.told()
    (waiver,) = service.store.waivers()
    assert waiver.expires_at - waiver.created_at == timedelta(days=days)


def test_a_click_on_acknowledge_is_recorded_under_the_persons_name(service: Service) -> None:
    """And the message shows it, without that button."""
    service.slack.click(service.url, service.slack.payload(single(service), Action.ACKNOWLEDGE, user=BEN))
    assert service.told() == ["You acknowledged 1 finding. It is silent until it is gone, or gets worse."]
    event = service.store.events("fp-orders")[-1]
    assert (event.actor, event.to_status) == ("slack:@ben (U0BEN00001)", Status.ACKNOWLEDGED)
    service.deliver()
    (shown,) = [message for message in service.slack.workspace.messages() if message.get("edited")]
    assert Action.ACKNOWLEDGE not in json.dumps(shown["blocks"])
    assert Action.SNOOZE in json.dumps(shown["blocks"])


def test_who_did_what_by_a_click_is_in_the_log(service: Service) -> None:
    """One line for each act, with its waiver; what a click only shows leaves none."""
    with capture_logs() as lines:
        service.slack.click(service.url, service.slack.payload(single(service), Action.EXPLAIN))
        service.told()
        service.slack.click(service.url, service.slack.payload(single(service), Action.ACKNOWLEDGE, user=BEN))
        service.told(2)
        service.slack.click(service.url, service.slack.payload(both(service), Action.SNOOZE, option="7 days"))
        service.told(3)
    (waiver,) = service.store.waivers()
    assert lines == [
        {
            "event": "Findings were acknowledged.",
            "log_level": "info",
            "actor": "slack:@ben (U0BEN00001)",
            "findings": 1,
        },
        {"event": "Findings were waived.", "log_level": "info", "actor": ANA, "findings": 2, "waiver": waiver.id},
    ]


def test_a_click_on_explain_shows_the_rule_and_how_it_came_about_to_that_person_only(service: Service) -> None:
    """Nothing is changed, and nothing is posted to the channel."""
    before = service.slack.workspace.messages()
    service.slack.click(service.url, service.slack.payload(single(service), Action.EXPLAIN))
    service.told()
    said = json.dumps(service.slack.workspace.responses[0][1]["blocks"])
    for part in (
        "default/engine-version",
        "default.yaml:12",
        "strict/engine",
        "the same identity",
        "Staging must rehearse",
    ):
        assert part in said
    assert service.slack.workspace.messages() == before
    assert status(service, "orders") == [Status.OPEN]


def test_a_click_on_a_message_whose_findings_are_gone_says_so(service: Service) -> None:
    """The button was there when it was clicked."""
    payload = service.slack.payload(single(service), Action.ACKNOWLEDGE)
    snooze = service.slack.payload(single(service), Action.SNOOZE, option="1 day")
    service.audit()
    service.slack.click(service.url, payload)
    service.slack.click(service.url, snooze)
    assert sorted(service.told(2)) == ["Nothing is left to acknowledge here.", "Nothing is left to snooze here."]
    assert service.store.waivers() == ()


def test_a_message_that_nobody_knows_any_more_says_so(service: Service) -> None:
    """A message of another installation, say."""
    payload = service.slack.payload(single(service), Action.ACKNOWLEDGE)
    payload["actions"][0]["value"] = f"topic:{'f' * 32}"
    service.slack.click(service.url, payload)
    assert service.told() == ["That did not work: what this message was about is not known any more"]


def test_only_those_who_are_named_may_click(database: Path, sender: httpx.Client) -> None:
    """Everybody else is told so, and nothing happens."""
    with Service(database, sender, actors=["U0ANA00001"]) as service:
        service.audit(breach("orders"))
        service.slack.click(
            service.url, service.slack.payload(service.first(), Action.SNOOZE, option="1 day", user=BEN)
        )
        assert service.told() == ["You may not do this here: publish.slack.actors names those who may."]
        assert (service.store.waivers(), status(service, "orders")) == ((), [Status.OPEN])
        service.slack.click(service.url, service.slack.payload(service.first(), Action.SNOOZE, option="1 day"))
        service.told(2)
        assert status(service, "orders") == [Status.WAIVED]


def test_a_forged_an_old_and_a_replayed_click_are_refused_with_nothing_said(
    service: Service, sender: httpx.Client
) -> None:
    """And leave no trace; the genuine one works."""
    payload = service.slack.payload(single(service), Action.SNOOZE, option="1 day")
    now = service.now.timestamp()
    body, headers = signed(payload)
    changed = {**headers, "X-Slack-Signature": "v0=" + "0" * 64}
    assert service.slack.click(service.url, payload, secret="another secret") == 401
    assert service.slack.click(service.url, payload, at=now - 301) == 401
    assert service.slack.click(service.url, payload, at=now + 301) == 401
    assert post(service.url, body, changed) == 401
    assert post(service.url, body + b"&x=1", headers) == 401
    assert service.store.waivers() == ()
    answers = [sender.post(service.url, content=body, headers=headers) for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b""), (401, b"")]
    service.told()
    assert len(service.store.waivers()) == 1


def test_headers_that_make_no_sense_are_refused(untouched: Service, sender: httpx.Client) -> None:
    """Never an error of ours."""
    odd: list[tuple[str, str]] = [
        ("", ""), ("", "v0=00"), ("soon", "v0=00"), ("9" * 400, "v0=00"), ("-1", "v0=\xe9"), ("1" * 10, ""),
        (str(int(untouched.now.timestamp())), "v0=\xe9"), ("\xb2", "v0=00"),
    ]  # fmt: skip
    for stamp, signature in odd:
        headers = {
            "X-Slack-Request-Timestamp": stamp.encode("latin-1"),
            "X-Slack-Signature": signature.encode("latin-1"),
        }
        for body in (b"payload=%7B%7D", b"\xff\xfe", b""):
            answer = sender.post(untouched.url, content=body, headers=headers)
            assert (answer.status_code, answer.content) == (401, b"")


def test_a_signed_body_that_is_no_click_is_a_bad_request(untouched: Service) -> None:
    """Slack's own signature does not make it one."""
    stamp = str(int(untouched.now.timestamp()))
    for body in (
        b"",
        b"payload=",
        b"payload=%7B",
        b"other=1",
        b"payload=" + b"[" * 90_000,
        b"&a=b" * 40,
        b"payload=null",
    ):
        digest = hmac.new(SIGNING_SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}
        assert post(untouched.url, body, headers) == 400, body[:20]


def test_a_body_without_end_is_cut_off(untouched: Service, sender: httpx.Client) -> None:
    """Before it is looked at."""
    assert sender.post(untouched.url, content=b"x" * 1_100_000).status_code == 413


def test_payloads_of_other_kinds_are_taken_and_change_nothing(service: Service) -> None:
    """A link button, another app's element, a shortcut: Slack only wants to hear that they arrived."""
    payload = service.slack.payload(single(service), Action.SNOOZE, option="1 day")
    other = {**payload, "actions": [{**payload["actions"][0], "action_id": "another"}]}
    odd = [
        {"type": "shortcut"}, other, {**payload, "user": None}, {**payload, "actions": "x"}, [], 1, "x",
        {**payload, "actions": [{**payload["actions"][0], "selected_option": {"value": "9999 topic:x"}}]},
    ]  # fmt: skip
    for item in odd:
        body, headers = signed(item)  # type: ignore[arg-type]
        assert post(service.url, body, headers) == 200
    service.clicks.close()
    assert service.store.waivers() == ()
    assert service.slack.workspace.responses == []


def test_the_same_click_sent_again_with_a_new_signature_is_done_once(service: Service) -> None:
    """As Slack repeats what was not answered in time."""
    payload = service.slack.payload(single(service), Action.SNOOZE, option="1 day")
    service.slack.click(service.url, payload)
    service.told()
    service.slack.click(service.url, payload, at=service.now.timestamp() + 1)
    service.clicks.close()
    assert len(service.store.waivers()) == 1
    assert [event.to_status for event in service.store.events("fp-orders")] == [Status.OPEN, Status.WAIVED]


def test_the_same_click_over_two_copies_of_the_service_is_done_once(service: Service) -> None:
    """Neither knows of the other, and their clocks differ; the store knows that it was done."""
    payload = service.slack.payload(single(service), Action.SNOOZE, option="30 days")
    service.slack.click(service.url, payload)
    service.told()
    later = service.now + timedelta(seconds=4)
    answer = handle(payload, StoreActs(service.store, lambda: service.teller), (), Look(), later)
    assert answer is not None
    assert "for 30 days" in answer.message.text
    assert len(service.store.waivers()) == 1
    assert [event.to_status for event in service.store.events("fp-orders")] == [Status.OPEN, Status.WAIVED]


def test_what_came_of_a_click_is_told_to_slack_only(service: Service) -> None:
    """A payload that names another address gets its act done, but nothing is posted there."""
    payload = service.slack.payload(single(service), Action.ACKNOWLEDGE)
    payload["response_url"] = payload["response_url"].replace("127.0.0.1", "localhost")
    service.slack.click(service.url, payload)
    service.clicks.close()
    assert service.slack.workspace.responses == []
    assert status(service, "orders") == [Status.ACKNOWLEDGED]


@pytest.mark.parametrize(
    "url, allowed",
    [
        ("https://hooks.slack.com/actions/T0/1/x", True),
        ("http://hooks.slack.com/actions/T0/1/x", False),
        ("https://hooks.slack.com:8443/actions", False),
        ("https://hooks.slack.com.evil.example/actions", False),
        ("https://hooks.slack.com@evil.example/actions", False),
        ("https://user@hooks.slack.com/actions", False),
        ("http://127.0.0.1:9090/actions", True),
        ("http://127.0.0.1:9091/actions", False),
        ("http://169.254.169.254/latest", False),
        ("file:///etc/passwd", False),
        ("https://[broken", False),
        ("", False),
    ],
)
def test_only_slacks_own_addresses_and_the_configured_one_are_posted_to(url: str, allowed: bool) -> None:
    """The host as a whole, with its scheme and port."""
    assert is_slack(url, "http://127.0.0.1:9090/api/") is allowed


def test_a_slack_that_does_not_take_the_answer_is_logged_without_its_address(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """The act is done; a response_url is as good as a token."""
    payload = service.slack.payload(single(service), Action.ACKNOWLEDGE)
    payload["response_url"] = f"{service.slack.url}/secret-path"
    service.slack.click(service.url, payload)
    service.clicks.close()
    assert status(service, "orders") == [Status.ACKNOWLEDGED]
    assert "could not be told" in caplog.text
    assert "secret-path" not in caplog.text
