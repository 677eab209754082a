"""What programs do through the API: acknowledge, waive, revoke, have audits made, give access."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from auditor.model import Status
from tests.web.site import Site


def sent(site: Site, path: str, body: Any = None, status: int = 200) -> Any:
    """Post JSON, and the JSON of the answer, which has this status."""
    answer = site.http.post(f"/api/v1{path}", json={} if body is None else body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def fingerprints(site: Site) -> list[str]:
    return [stored.fingerprint for stored in site.store.findings("staging", "prod", status=[Status.OPEN])]


def test_a_finding_is_acknowledged_waived_and_opened_again(own: Site) -> None:
    """Each act is recorded with its actor, in the history and in the trail, and whoever delivers is woken."""
    first, second, *_ = fingerprints(own)
    woken = len(own.woken)
    told = sent(own, f"/findings/{first[:12]}/acknowledge", {"note": "looking"})
    assert (told["fingerprint"], told["status"]) == (first, "acknowledged")
    event = own.store.events(first)[-1]
    assert (event.actor, event.reason, event.to_status) == ("ada", "looking", Status.ACKNOWLEDGED)
    assert len(own.woken) > woken

    waiver = sent(own, f"/findings/{second}/waive", {"reason": "load test", "until": "7d", "owner": "bob"}, 201)
    assert (waiver["owner"], waiver["origin"], waiver["state"], waiver["findings"]) == ("bob", "api", "active", 1)
    assert waiver["expires_at"] == "2026-11-27T10:30:00Z"
    whole = own.http.get(f"/api/v1/findings/{second}").json()
    assert (whole["status"], whole["waiver"]["id"]) == ("waived", waiver["id"])
    assert own.http.get("/api/v1/waivers").json()["items"] == [waiver]

    own.clock.later(timedelta(minutes=5))
    revoked = sent(own, f"/waivers/{waiver['id'][:8]}/revoke")
    assert (revoked["state"], revoked["revoked_at"]) == ("revoked", "2026-11-20T10:35:00Z")
    assert own.store.finding(second).status is Status.OPEN
    assert own.http.get("/api/v1/waivers").json()["items"] == []
    (kept,) = own.http.get("/api/v1/waivers", params={"expired": "true"}).json()["items"]
    assert kept["id"] == waiver["id"]
    trail = own.http.get("/api/v1/trail").json()["items"]
    assert [(deed["actor"], deed["action"]) for deed in trail] == [
        ("ada", "waiver.revoke"),
        ("ada", "finding.waive"),
        ("ada", "finding.acknowledge"),
    ]


def test_several_findings_are_acted_on_at_once(own: Site) -> None:
    """Several are acknowledged, snoozed and waived together; bound to their values each has a waiver of its own."""
    names = fingerprints(own)
    told = sent(own, "/findings/acknowledge", {"fingerprints": names[:2]})
    assert {one["status"] for one in told["items"]} == {"acknowledged"}
    waiver = sent(own, "/findings/snooze", {"fingerprints": names[2:4], "until": "24h"}, 201)
    assert (waiver["findings"], waiver["owner"], waiver["reason"]) == (2, "ada", "snoozed")
    body = {"fingerprints": names[4:6], "reason": "known", "until": "2026-12-01", "bind_values": True}
    made = sent(own, "/waivers", body, 201)["items"]
    assert [one["covers"]["bound_to_values"] for one in made] == [True, True]
    assert {one["expires_at"] for one in made} == {"2026-12-02T00:00:00Z"}
    assert fingerprints(own) == []


def test_what_cannot_be_done_changes_nothing(own: Site) -> None:
    """Unknown findings, resolved ones, wrong times, unknown keys, other types of content and large bodies are refused."""
    first = fingerprints(own)[0]
    resolved = own.store.findings(status=[Status.RESOLVED])[0].fingerprint
    before = own.store.pulse()
    waive = {"reason": "x", "until": "7d"}
    for path, body, status, said in (
        ("/findings/0123abcd/acknowledge", {}, 404, "there is no finding '0123abcd'"),
        ("/findings/acknowledge", {"fingerprints": [first, "0123abcd"]}, 404, "there is no finding '0123abcd'"),
        (f"/findings/{resolved}/acknowledge", {}, 409, "is resolved"),
        (f"/findings/{first}/waive", {**waive, "until": "1999-01-01"}, 409, "over before it begins"),
        (f"/findings/{first}/waive", {**waive, "until": "900d"}, 409, "a waiver lasts 90d at most"),
        (f"/findings/{first}/waive", {**waive, "until": "soon"}, 422, "body.until: 'soon' is neither a duration"),
        (f"/findings/{first}/waive", {**waive, "reason": " "}, 422, "body.reason: "),
        (f"/findings/{first}/waive", {**waive, "reson": "y"}, 422, "body.reson: Extra inputs are not permitted"),
        (f"/findings/{first}/waive", {**waive, "reason": "a\0b"}, 422, "(NUL)"),
        ("/waivers/beef/revoke", None, 404, "there is no waiver 'beef'"),
        ("/tokens/beef/revoke", None, 404, "there is no token"),
        ("/notices/beef/requeue", None, 404, "there is no notice 'beef'"),
        ("/audits", {"left": "staging", "right": "nowhere"}, 422, "unknown environment 'nowhere'"),
        ("/audits", {"left": "staging"}, 422, "body.right: Field required"),
    ):
        told = sent(own, path, body, status)
        assert said in told["detail"], told
    form = own.http.post(f"/api/v1/findings/{first}/waive", data=waive)
    assert (form.status_code, form.json()["detail"]) == (415, "send it as application/json")
    large = own.http.post(f"/api/v1/findings/{first}/waive", json={**waive, "reason": "x" * 200_000})
    assert (large.status_code, large.json()["detail"]) == (413, "send at most 100000 bytes")
    broken = own.http.post(
        f"/api/v1/findings/{first}/waive", content=b'{"reason": ', headers={"content-type": "application/json"}
    )
    assert broken.status_code == 422
    assert own.store.pulse() == before


def test_an_audit_that_is_asked_for_is_followed_until_it_is_done(own: Site) -> None:
    """202 with a job; its events tell each change as it happens and end with the audit's id; the audit is there then."""
    # What was observed at this very moment would be shared.
    own.clock.later(timedelta(hours=1))
    answer = own.http.post("/api/v1/audits", json={"left": "stg", "right": "prod"})
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/api/v1/audits/jobs/{job['id']}"
    with own.http.stream("GET", f"{answer.headers['location']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        told = [json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line.startswith("data: ")]
    assert told[-1]["state"] == "done"
    assert told[-1] == own.http.get(answer.headers["location"]).json()
    stages = {(one["environment"], one["source"]): one for one in told[-1]["sources"]}
    assert stages[("prod", "files:prod")] == {
        "environment": "prod",
        "source": "files:prod",
        "stage": "done",
        "listings": 1,
        "ended": 1,
        "count": 3,
    }
    assert own.http.get(f"/api/v1/audits/{told[-1]['audit_id']}").json()["audit"]["left"] == "staging"
    assert [one["id"] for one in own.http.get("/api/v1/audits/jobs").json()["items"]] == [job["id"]]


def test_changes_are_told_while_they_happen(own: Site) -> None:
    """The stream tells the pulse at once, and another one once something was recorded."""
    with own.http.stream("GET", "/api/v1/events") as stream:
        lines = (line for line in stream.iter_lines() if line.startswith("data: "))
        assert next(lines) == f"data: {own.store.pulse()}"
        sent(own, f"/findings/{fingerprints(own)[0]}/acknowledge")
        assert next(lines) == f"data: {own.store.pulse()}"


def test_tokens_are_made_listed_and_taken_back(own: Site) -> None:
    """The secret is in one answer only; a revoked token stays in the list."""
    made = sent(own, "/tokens", {"name": "deploy pipeline", "scope": "act", "lasts": "30d"}, 201)
    assert made["token"].startswith(f"pa_{made['id']}_")
    listed = own.http.get("/api/v1/tokens")
    assert made["token"] not in listed.text
    (kept,) = listed.json()["items"]
    assert kept == {key: value for key, value in made.items() if key != "token"}
    assert (kept["scope"], kept["state"], kept["expires_at"]) == ("act", "active", "2026-12-20T10:30:00Z")
    assert sent(own, f"/tokens/{made['id']}/revoke")["state"] == "revoked"
    assert own.http.get("/api/v1/whoami").json() == {"name": "ada", "scope": "admin", "via": "local"}


def test_how_often_a_finding_came_back_is_told_in_lists(own: Site) -> None:
    """The number is that of the finding's own history within a day, as reports have it."""
    file = own.folder / "prod" / "mail.env"
    kept = file.read_text()
    for _ in range(2):
        for text in ("SMTP_HOST=smtp.prod.example.com\nSMTP_TLS=false\n", kept):
            own.clock.later(timedelta(minutes=10))
            file.write_text(text)
            own.audit()
    told = {
        one["fingerprint"]: one["returns"] for one in own.http.get("/api/v1/findings?text=SMTP_TLS").json()["items"]
    }
    last = own.store.last_audit("staging", "prod")
    assert last is not None
    counted = {one.breach.fingerprint: one.returns for one in last.findings if one.breach.path == ("SMTP_TLS",)}
    assert told.items() >= counted.items()
    assert list(counted.values()) == [2]
