"""What people do on the pages: acknowledge, waive, snooze, revoke. What is refused, and what is recorded of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape

import httpx
import pytest

from auditor import acts
from auditor.acts import ActError
from auditor.model import Status
from auditor.waivers import values_digest
from auditor.web.access import Scope
from auditor.web.queries import terms
from tests.web.site import NOW, OpenGate, Site, company, site

_WAIVERS = """\
waivers:
  - {owner: mail, reason: within the cluster, created: 2026-11-01, expires: 2026-11-22, kind: env.file, path: SMTP_TLS}
  - {owner: web, reason: mended long ago, created: 2026-11-01, expires: 2026-12-20, identity: gone-*}
  - {owner: old, reason: it is over, created: 2026-09-01, expires: 2026-10-01, identity: gone-*}
"""


@pytest.fixture(scope="module")
def gate() -> OpenGate:
    return OpenGate()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, gate: OpenGate) -> Iterator[Site]:
    """A site with some findings; each test acts on one of its own."""
    folder = company(tmp_path_factory.mktemp("acting"))
    (folder / "waivers.yaml").write_text(_WAIVERS)
    with (folder / "auditor.yaml").open("a") as file:
        file.write("waivers: waivers.yaml\n")
    for name, value in (("staging", "one"), ("prod", "two")):
        lines = "".join(f"KEY_{letter}={value}\n" for letter in "ABCDEFGHIJKL")
        (folder / name / "many.env").write_text(lines)
    with site(folder, gate=gate) as running:
        running.audit()
        yield running


def named(running: Site, key: str) -> str:
    """The finding about this key of `many.env`."""
    return next(one.fingerprint for one in running.store.findings() if one.breach.path == (key,))


def said(answer: httpx.Response) -> str:
    """What a person reads of a page's content."""
    main = answer.text[answer.text.index("<main") : answer.text.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main.replace("<wbr>", ""))).split())


def test_acknowledging_records_who_and_why_and_leads_back(pages: Site) -> None:
    """The note is the reason of the event, whoever signed in is its actor, and whoever delivers is woken."""
    name, woken = named(pages, "KEY_A"), len(pages.woken)
    answer = pages.post(f"/findings/{name}/acknowledge", note="I mend it <today>")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/findings/{name}?did=acknowledged")
    assert len(pages.woken) == woken + 1
    stored, event = pages.store.finding(name), pages.store.events(name)[-1]
    assert stored.status is Status.ACKNOWLEDGED
    assert (event.actor, event.reason, event.at) == ("ada", "I mend it <today>", NOW)
    after = said(pages.get(answer.headers["location"]))
    assert "Acknowledged: silent until it is gone, or gets worse." in after
    assert "open → to acknowledged ada I mend it <today>" in after


def test_waiving_names_actor_owner_reason_and_end(pages: Site) -> None:
    """Who does it is in the history even where somebody else answers for it."""
    name = named(pages, "KEY_B")
    form = {"owner": "bob", "reason": "until the move", "until": "2026-12-01", "bind": "1"}
    answer = pages.post(f"/findings/{name}/waive", **form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/findings/{name}?did=waived")
    waiver = next(one for one in pages.store.waivers() if one.fingerprints == (name,))
    assert (waiver.owner, waiver.reason, waiver.origin) == ("bob", "until the move", "page")
    assert waiver.expires_at == datetime(2026, 12, 2, tzinfo=UTC)
    assert waiver.values == values_digest(pages.store.finding(name).breach)
    event = pages.store.events(name)[-1]
    assert event.actor == "ada"
    assert event.reason == "waived until 2026-12-02 00:00 UTC: until the move (page), in the name of bob"
    assert "until 2026-12-02 00:00:00 UTC by bob: until the move" in said(pages.get(f"/findings/{name}"))


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"owner": "bob", "reason": " ", "until": "7d"}, "Say why it is tolerated."),
        ({"owner": "", "reason": "r", "until": "7d"}, "Say who answers for it."),
        (
            {"owner": "bob", "reason": "r", "until": ""},
            "Say how long it is tolerated: a duration such as 7d, or a date.",
        ),
        ({"owner": "bob", "reason": "r", "until": "soon"}, "'soon' is neither a duration such as 12h or 7d nor a date"),
        ({"owner": "bob", "reason": "r", "until": "2026-11-01"}, "The waiver would be over before it begins"),
        ({"owner": "bob", "reason": "r", "until": "91d"}, "A waiver lasts 90d at most"),
    ],
)
def test_a_waiver_that_cannot_be_keeps_what_was_typed(pages: Site, form: dict[str, str], why: str) -> None:
    """The refusal stands beside the form, which holds every field as it was sent; nothing is recorded."""
    name = named(pages, "KEY_C")
    before = pages.store.waivers()
    answer = pages.post(f"/findings/{name}/waive", **{**form, "reason": form["reason"].replace("r", "<r>")})
    assert answer.status_code == 409
    assert f"That did not work. {why}" in said(answer)
    assert f'name="owner" type="text" value="{form["owner"]}"' in answer.text
    assert ">&lt;r&gt;</textarea>" in answer.text or not form["reason"].strip()
    assert pages.store.waivers() == before
    assert pages.store.finding(name).status is Status.OPEN


def test_nobody_decides_on_values_that_he_has_not_seen(pages: Site) -> None:
    """A form that was opened before the values changed is not taken; the page shows the new ones."""
    name = named(pages, "KEY_D")
    page = pages.get(f"/findings/{name}").text
    seen = values_digest(pages.store.finding(name).breach)
    assert f'name="seen" value="{seen}"' in page
    answer = pages.post(f"/findings/{name}/acknowledge", note="n", seen="0" * 64)
    assert answer.status_code == 409
    assert "The values have changed since you looked" in said(answer)
    assert f'name="seen" value="{seen}"' in answer.text
    assert pages.store.finding(name).status is Status.OPEN
    assert pages.post(f"/findings/{name}/acknowledge", note="n", seen=seen).status_code == 303


def test_what_was_decided_meanwhile_is_said(pages: Site) -> None:
    """Somebody waived it while the form was open: the acknowledgement is refused, and the finding shown as it is now."""
    name = named(pages, "KEY_E")
    acts.waive(pages.store, [name], "eve", "faster", NOW, timedelta(days=1), "cli")
    answer = pages.post(f"/findings/{name}/acknowledge", note="mine")
    assert answer.status_code == 409
    assert "is waived already: revoke the waiver first" in said(answer)
    assert ">mine</textarea>" in answer.text


def test_snoozing_waives_for_a_time_of_the_list(pages: Site) -> None:
    """The choices are counted from the service's clock, and no other time is taken."""
    name = named(pages, "KEY_F")
    assert 'value="monday"' in pages.get(f"/findings/{name}").text
    assert pages.post(f"/findings/{name}/snooze", **{"for": "5y"}).status_code == 409
    answer = pages.post(f"/findings/{name}/snooze", **{"for": "monday"})
    assert answer.headers["location"] == f"/findings/{name}?did=snoozed"
    waiver = next(one for one in pages.store.waivers() if one.fingerprints == (name,))
    assert (waiver.owner, waiver.reason) == ("ada", "snoozed on the page until Monday")
    assert waiver.expires_at == datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_several_findings_are_chosen_in_the_list_and_waived_at_once(pages: Site) -> None:
    """The form lists them; the way back keeps the filters; where one cannot be acknowledged, none is."""
    names = [named(pages, "KEY_G"), named(pages, "KEY_H")]
    back = "/findings?text=KEY&severity=low"
    form = pages.http.get(
        "/findings/waive", params={"fingerprint": names, "back": back}, headers={"accept": "text/html"}
    )
    assert "Waive 2 findings" in said(form)
    assert all(f'name="fingerprint" value="{name}"' in form.text for name in names)
    typed = {"owner": "ada", "reason": "both", "until": "3d", "back": back}
    answer = pages.http.post("/findings/waive", data={"csrf": "x", "fingerprint": names, **typed})
    assert answer.headers["location"] == f"{back}&did=waived&n=2"
    assert {pages.store.finding(name).status for name in names} == {Status.WAIVED}
    assert "2 findings. Waived." in said(pages.get(answer.headers["location"]))
    mixed = pages.http.post(
        "/findings/acknowledge",
        data={"fingerprint": [named(pages, "KEY_J"), names[0]]},
        headers={"accept": "text/html"},
    )
    assert mixed.status_code == 409
    assert "is waived already" in said(mixed)
    assert pages.store.finding(named(pages, "KEY_J")).status is Status.OPEN
    bound = {"owner": "ada", "reason": "each to its own", "until": "3d", "bind": "1"}
    pages.http.post("/findings/waive", data={"fingerprint": names, **bound})
    each = [one for one in pages.store.waivers() if one.reason == "each to its own"]
    assert {(one.fingerprints, one.values) for one in each} == {
        ((name,), values_digest(pages.store.finding(name).breach)) for name in names
    }
    nobody = pages.get("/findings/acknowledge")
    assert (nobody.status_code, "no finding was chosen" in said(nobody).lower()) == (409, True)


def test_the_way_back_never_leads_to_another_host(pages: Site) -> None:
    """A form may say where to go on to, but only within the service."""
    name = named(pages, "KEY_K")
    answer = pages.post(f"/findings/{name}/snooze", **{"for": "1h", "back": "//evil.example/x"})
    assert answer.headers["location"] == f"/findings/{name}?did=snoozed"


def test_waivers_are_listed_by_their_end_with_what_they_cover(pages: Site) -> None:
    """Those of the file and of people; what ends soon and what covers nothing is marked; the expired come last."""
    name = named(pages, "KEY_I")
    given = acts.waive(pages.store, [name], "zoe", "one <day>", NOW, timedelta(days=60), "cli")
    # What the file's waivers cover is counted beside; each request waits a moment for it, and the page asks again itself.
    answer = next(one for _ in range(200) if "It is being counted" not in (one := pages.get("/waivers")).text)
    page = said(answer)
    first = page.index("2026-11-23 00:00:00 UTC soon: in 2 d mail within the cluster kind env.file, path SMTP_TLS 1")
    second = page.index("web mended long ago resource gone-* nothing waivers.yaml:3")
    third = page.index(f"zoe one <day> {name[:8]} , pair staging against prod 1 cli")
    assert first < second < third < page.index("Expired 1, the latest first")
    assert page.index("old it is over") > page.index("Expired 1")
    assert f'/waivers/{given.id}/revoke?back=%2Fwaivers"' in answer.text
    only = said(pages.get("/waivers?owner=zoe&state=active&text=day"))
    assert ("one <day>" in only, "mended" in only) == (True, False)
    assert "No waiver fits these filters." in said(pages.get("/waivers?text=nowhere"))
    assert pages.get("/waivers?state=odd").status_code == 422


def test_revoking_a_waiver_opens_what_nothing_else_covers(pages: Site) -> None:
    """It is asked for once more; what stands in the file, or is over, is refused with where to go."""
    name = named(pages, "KEY_L")
    given = acts.waive(pages.store, [name], "kim", "for now", NOW, timedelta(days=2), "cli")
    assert "Revoke this waiver?" in said(pages.get(f"/waivers/{given.id}/revoke"))
    answer = pages.post(f"/waivers/{given.id}/revoke", back=f"/findings/{name}")
    assert answer.headers["location"] == f"/findings/{name}?did=revoked"
    assert pages.store.finding(name).status is Status.OPEN
    event = pages.store.events(name)[-1]
    assert (event.actor, event.reason) == ("ada", "the waiver of kim was revoked")
    assert "It was revoked already." in said(pages.get(f"/waivers/{given.id}/revoke"))
    written = re.search(r'id="w-([0-9a-f]+)"', pages.get("/waivers?owner=web").text)
    assert written is not None
    refused = pages.post(f"/waivers/{written[1]}/revoke")
    assert refused.status_code == 409
    assert "is written in waivers.yaml:3: remove it there" in said(refused)
    assert pages.get("/waivers/nowhere/revoke").status_code == 404


def test_readers_are_shown_no_buttons(pages: Site, gate: OpenGate) -> None:
    """Who may only read sees all there is to know, and no form that would be refused."""
    name = named(pages, "KEY_D")
    kept, gate.identity = gate.identity, OpenGate(Scope.READ).identity
    try:
        shown = [pages.get(path).text for path in (f"/findings/{name}", "/findings", "/waivers")]
    finally:
        gate.identity = kept
    for html in shown:
        main = html[html.index("<main") : html.index("</main>")]
        assert 'method="post"' not in main
        assert "Acknowledge" not in re.sub(r"(?s)<dialog.*?</dialog>", "", main)
        assert "Revoke…" not in main


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        (datetime(2026, 11, 20, 23, 0, tzinfo=UTC), datetime(2026, 11, 23, 8, tzinfo=UTC)),
        (datetime(2026, 11, 22, 23, 59, tzinfo=UTC), datetime(2026, 11, 23, 8, tzinfo=UTC)),
        (datetime(2026, 11, 23, 7, 0, tzinfo=UTC), datetime(2026, 11, 30, 8, tzinfo=UTC)),
    ],
)
def test_monday_is_the_next_one(now: datetime, monday: datetime) -> None:
    """On a Monday, even before its morning, the one after is meant: nobody snoozes for an hour by that name."""
    assert terms.snooze("monday", now, timedelta(days=90)).until == monday


def test_what_waivers_may_not_last_is_not_offered() -> None:
    """The waiver file says how long a waiver lasts at most; longer choices are left out, and the usual one is cut."""
    longest = timedelta(days=3)
    assert [one.key for one in terms.snoozes(NOW, longest)] == ["1h", "8h", "24h", "monday"]
    assert (terms.suggestions(longest), terms.default(longest)) == (("12h", "24h", "3d"), "3d")
    with pytest.raises(ActError):
        terms.snooze("7d", NOW, longest)
