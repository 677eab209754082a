"""`audit notices`: what is to be told is seen, sent, and sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.receiver import Answer, Receiver, receiving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Run = Callable[..., Outcome]


@pytest.fixture
def receiver(company: Path) -> Iterator[Receiver]:
    """A webhook that the company's configuration names."""
    with receiving() as found:
        config = company / "auditor.yaml"
        config.write_text(config.read_text() + f"publish: {{webhook: {{url: {found.url}/hook}}}}\n")
        yield found


def audited(company: Path, run: Run) -> None:
    """One audit that finds one thing."""
    (company / "deploy" / "staging" / "app.env").write_text("LOG_LEVEL=debug\nSAMPLING=10\n")
    assert run("now", "staging", "prod").code == 1


def notices(run: Run, *options: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("notices", "--format", "json", *options).out)
    return found


def test_an_audit_records_what_is_to_be_told_and_deliver_sends_it(company: Path, run: Run, receiver: Receiver) -> None:
    """Nothing is sent by `audit now` itself; `--deliver` sends it once."""
    audited(company, run)
    assert receiver.received == []
    (waiting,) = notices(run, "--state", "pending")
    assert (waiting["kind"], waiting["about"], waiting["attempts"]) == ("event", "1 new in staging against prod", 0)
    assert waiting["target"] == f"webhook:{receiver.url.removeprefix('http://')}"
    outcome = run("notices", "--deliver")
    assert (outcome.code, outcome.err) == (0, "1 notice was delivered.\n")
    (request,) = receiver.received
    event = json.loads(request.body)
    assert event["id"] == waiting["id"]
    assert event["data"]["changes"][0]["finding"]["path"] == ["LOG_LEVEL"]
    assert run("notices", "--deliver").err == "0 notices were delivered.\n"
    assert len(receiver.received) == 1
    assert [found["state"] for found in notices(run)] == ["delivered"]


def test_an_audit_that_changes_nothing_tells_nobody(company: Path, run: Run, receiver: Receiver) -> None:
    """The same finding again is no news; its end is."""
    audited(company, run)
    audited(company, run)
    assert len(notices(run)) == 1
    (company / "deploy" / "staging" / "app.env").write_text("LOG_LEVEL=info\nSAMPLING=10\n")
    run("now", "staging", "prod")
    assert [found["about"] for found in notices(run)] == [
        "1 resolved in staging against prod",
        "1 new in staging against prod",
    ]


def test_what_is_refused_is_told_and_can_be_sent_again(company: Path, run: Run, receiver: Receiver) -> None:
    """Exit 4, the error in the list, and `--retry` with as much of the id as is needed."""
    audited(company, run)
    receiver.answer = lambda _: Answer(404)
    outcome = run("notices", "--deliver")
    assert (outcome.code, outcome.err) == (4, "0 notices were delivered; 1 could not be.\n")
    header, row = outcome.out.splitlines()
    assert header.split() == ["ID", "STATE", "TARGET", "AGE", "TRIES", "WHAT", "ERROR"]
    assert row.endswith("1 new in staging against prod  the webhook answered 404 Not Found")
    receiver.answer = lambda _: Answer()
    outcome = run("notices", "--retry", row.split()[0], "--deliver")
    assert (outcome.code, outcome.err) == (0, "It is pending again.\n1 notice was delivered.\n")


def test_all_that_was_given_up_can_be_sent_again_at_once(company: Path, run: Run, receiver: Receiver) -> None:
    """In the order in which it happened; what was delivered is not sent again."""
    audited(company, run)
    run("notices", "--deliver")
    receiver.answer = lambda _: Answer(404)
    for level in ("info", "debug"):
        (company / "deploy" / "staging" / "app.env").write_text(f"LOG_LEVEL={level}\nSAMPLING=10\n")
        run("now", "staging", "prod")
    assert run("notices", "--deliver").code == 4
    lost = [found["id"] for found in notices(run, "--state", "failed")]
    assert len(lost) == 2
    receiver.answer = lambda _: Answer()
    before = len(receiver.received)
    outcome = run("notices", "--retry", "all", "--deliver")
    assert (outcome.code, outcome.err) == (0, "2 notices are pending again.\n2 notices were delivered.\n")
    assert [json.loads(request.body)["id"] for request in receiver.received[before:]] == lost[::-1]
    assert run("notices", "--retry", "all").err == "No notice was given up.\n"


def test_what_fails_for_now_stays_pending(company: Path, run: Run, receiver: Receiver) -> None:
    """The next `--deliver`, or the service, tries again."""
    audited(company, run)
    receiver.answer = lambda _: Answer(503, {"Retry-After": "60"})
    assert run("notices", "--deliver").code == 4
    (found,) = notices(run)
    assert (found["state"], found["error"]) == ("pending", "the webhook answered 503 Service Unavailable")
    assert run("notices", "--deliver").err == "0 notices were delivered.\n"


def test_an_unknown_id_is_a_usage_error(company: Path, run: Run) -> None:
    """It says that there is no such notice."""
    outcome = run("notices", "--retry", "abc")
    assert outcome.code == 2
    assert "there is no notice 'abc'" in outcome.err


def test_nothing_told_is_said_so(company: Path, run: Run) -> None:
    """Not an empty table; machines get an empty list."""
    assert run("notices").err == "Nobody was told anything yet.\n"
    assert run("notices", "--state", "failed").err == "There is no such notice.\n"
    assert notices(run) == []
