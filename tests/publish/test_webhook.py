"""The webhook: a CloudEvent that its receiver can check, told apart from a repeated one, refused or accepted."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from auditor.errors import PublishError
from auditor.model import Severity
from auditor.notices import Delivery, NoticeKind, Queued
from auditor.publish.posting import client
from auditor.publish.webhook import Webhook, signature
from tests.receiver import Answer, Receiver, receiving
from tests.store.samples import breach
from tests.telling import HOOK, NOON, World, gap

Post = Callable[..., None]
DOCS = Path(__file__).resolve().parents[2] / "docs" / "notifications.md"
LATER = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)


def queued(**changes: Any) -> Queued:
    """The event of an audit that found one thing and could not see another."""
    (notice,) = World(HOOK).audit(breach("orders", owner="shop"), gaps=[gap()]).notices
    return Queued(replace(notice, **changes), Delivery.PENDING, 1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def sender() -> Iterator[httpx.Client]:
    """The client as it is made for a webhook: once, since the certificates of authorities are read for it."""
    with client() as made:
        yield made


@pytest.fixture
def post(receiver: Receiver, sender: httpx.Client) -> Post:
    """Deliver an event to the receiver."""

    def posted(path: str = "/hook", secret: str | None = None, **changes: Any) -> None:
        hook = Webhook(f"{receiver.url}{path}", secret=secret, source="https://parity.example.com", sender=sender)
        hook.deliver(queued(**changes), None, LATER)

    return posted


def test_an_event_is_a_cloud_event_with_the_findings_of_the_json_report(receiver: Receiver, post: Post) -> None:
    """The envelope of CloudEvents 1.0; its id is that of the notice, so that a repetition is told as one."""
    post()
    (request,) = receiver.received
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    event = json.loads(request.body)
    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "id": queued().notice.id,
        "type": "io.parity-auditor.findings.changed.v1",
        "source": "https://parity.example.com",
        "subject": "staging/prod",
        "time": "2026-03-02T12:00:00Z",
        "datacontenttype": "application/json",
    }
    assert request.headers["idempotency-key"] == event["id"]
    assert {key: data[key] for key in ("left", "right", "audit", "score", "outcome")} == {
        "left": "staging",
        "right": "prod",
        "audit": "audit-1",
        "score": 0.5,
        "outcome": "incomplete",
    }
    (change,) = data["changes"]
    finding = change.pop("finding")
    assert change == {"happening": "new", "at": "2026-03-02T12:00:00Z", "actor": "auditor", "reason": "found"}
    assert (finding["fingerprint"], finding["severity"], finding["owner"]) == ("fp-orders", "high", "shop")
    assert (finding["left"]["value"], finding["right"]["absent"]) == ("16.3", True)
    assert data["new_gaps"][0]["reason"] == "throttled"


def test_a_shared_secret_signs_the_time_and_the_body(receiver: Receiver, post: Post) -> None:
    """What docs/notifications.md tells a receiver to do accepts it, and nothing that was changed or is old."""
    (code,) = re.findall(r"```python\n(def is_genuine.*?)```", "\n".join(_snippets()), flags=re.DOTALL)
    space: dict[str, Any] = {}
    exec("import hashlib, hmac\n" + code, space)  # the documented snippet
    is_genuine = space["is_genuine"]
    post(secret="s3cret")
    (request,) = receiver.received
    headers, now = request.headers, LATER.timestamp()
    assert is_genuine("s3cret", headers, request.body, now)
    assert not is_genuine("other", headers, request.body, now)
    assert not is_genuine("s3cret", headers, request.body + b" ", now)
    assert not is_genuine("s3cret", {**headers, "x-parity-timestamp": "1"}, request.body, 1.0)
    assert not is_genuine("s3cret", headers, request.body, now + 301)


def _snippets() -> list[str]:
    return re.findall(r"```python\n.*?```", DOCS.read_text(), flags=re.DOTALL)


def test_the_signature_is_what_it_says() -> None:
    """HMAC-SHA-256 over `timestamp.body`, computed once by hand with openssl."""
    assert signature("key", "1700000000", b"{}") == "9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"


def test_without_a_secret_nothing_is_signed(receiver: Receiver, post: Post) -> None:
    """No header that a receiver might take for a signature."""
    post()
    assert [name for name in receiver.received[0].headers if name.startswith("x-parity")] == []


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_acceptance(receiver: Receiver, post: Post, status: int) -> None:
    """The body of the answer is nobody's business."""
    receiver.answer = lambda _: Answer(status, body=b"" if status == 204 else b"ok")
    post()


@pytest.mark.parametrize(
    ("answer", "permanent", "wish"),
    [
        (Answer(500), False, None),
        (Answer(503, {"Retry-After": "120"}), False, timedelta(seconds=120)),
        (Answer(429, {"Retry-After": "Mon, 02 Mar 2026 13:00:30 GMT"}), False, timedelta(seconds=30)),
        (Answer(429, {"Retry-After": "Mon, 02 Mar 2026 12:00:00 GMT"}), False, timedelta(0)),
        (Answer(429, {"Retry-After": "soon"}), False, None),
        (Answer(408), False, None),
        (Answer(425), False, None),
        (Answer(400), True, None),
        (Answer(401), True, None),
        (Answer(404), True, None),
        (Answer(410, {"Retry-After": "1"}), True, None),
        (Answer(301, {"Location": "/elsewhere"}), True, None),
        (Answer(307, {"Location": "http://169.254.169.254/latest"}), True, None),
    ],
)
def test_a_refusal_is_temporary_or_permanent(
    receiver: Receiver, post: Post, answer: Answer, permanent: bool, wish: timedelta | None
) -> None:
    """By its status; how long to wait is taken from Retry-After. A redirection is never followed."""
    receiver.answer = lambda _: answer
    with pytest.raises(PublishError) as caught:
        post()
    assert (caught.value.permanent, caught.value.retry_after, caught.value.doubt) == (permanent, wish, False)
    assert str(answer.status) in str(caught.value)
    assert len(receiver.received) == 1


def test_a_refusal_says_why_but_not_where(receiver: Receiver, post: Post) -> None:
    """The beginning of the answer, on one line; never the URL, which may be a secret itself."""
    receiver.answer = lambda _: Answer(400, body=b"no such\n\x1b[31mteam " + b"x" * 1_000_000)
    with pytest.raises(PublishError) as caught:
        post("/T0/secret")
    text = str(caught.value)
    assert text.startswith("the webhook answered 400 Bad Request: no such ")
    assert len(text) < 300
    assert "secret" not in text
    assert "\x1b" not in text


def test_of_a_refusal_only_the_beginning_is_read(receiver: Receiver, post: Post) -> None:
    """A far side that never stops talking is hung up on."""
    receiver.answer = lambda _: Answer(500, body=b"x" * 20_000_000)
    with pytest.raises(PublishError):
        post()
    assert receiver.hung_up.wait(60)


def test_a_connection_that_breaks_before_the_answer_leaves_doubt(receiver: Receiver, post: Post) -> None:
    """It may have arrived; one that was never made leaves none."""
    receiver.answer = lambda _: Answer(cut=True)
    with pytest.raises(PublishError) as caught:
        post()
    assert (caught.value.permanent, caught.value.doubt) == (False, True)


def test_an_answer_that_does_not_come_leaves_doubt(receiver: Receiver) -> None:
    """After the time that is given to it."""
    free = threading.Event()

    def wait(_: object) -> Answer:
        free.wait(10)
        return Answer()

    receiver.answer = wait
    with httpx.Client(timeout=0.2) as sender:
        hook = Webhook(receiver.url, sender=sender)
        with pytest.raises(PublishError) as caught:
            hook.deliver(queued(), None, LATER)
        free.set()
    assert (caught.value.permanent, caught.value.doubt) == (False, True)


def test_nobody_there_is_temporary_without_doubt(sender: httpx.Client) -> None:
    """Nothing was sent."""
    with receiving() as gone:
        hook = Webhook(gone.url, sender=sender)
    with pytest.raises(PublishError) as caught:
        hook.deliver(queued(), None, LATER)
    assert (caught.value.permanent, caught.value.doubt) == (False, False)
    assert str(caught.value).startswith("the webhook cannot be reached: ")


def test_a_digest_is_for_people(receiver: Receiver, post: Post) -> None:
    """It is not posted as an event."""
    post(kind=NoticeKind.DIGEST, body={})
    assert receiver.received == []


def test_numbers_and_characters_that_json_lacks_are_spelled_out(receiver: Receiver, sender: httpx.Client) -> None:
    """A value that is not a number, and half a character, are valid JSON for every receiver."""
    world = World(HOOK)
    (notice,) = world.audit(breach("a", severity=Severity.LOW, message="half \ud800")).notices
    odd = replace(notice, body={**notice.body, "score": float("nan")})
    Webhook(receiver.url, sender=sender).deliver(Queued(odd, Delivery.PENDING, 1), None, NOON)
    assert json.loads(receiver.received[0].body)["data"]["score"] == "NaN"
