"""/findings, /findings/X and /waivers over HTTP: what they show, what they refuse, and what people do there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest

from auditor.model import Status
from tests.web.site import NOW, Site, company, site

_LEVEL = ("orders", ("spec", "template", "spec", "containers", "orders", "env", "LOG_LEVEL"))
_WAIVERS = """\
waivers:
  - {owner: mail, reason: within the cluster, created: 2026-11-01, expires: 2026-11-22, kind: env.file, path: SMTP_TLS}
  - {owner: web, reason: mended long ago, created: 2026-11-01, expires: 2026-12-20, identity: gone-*}
  - {owner: old, reason: over, created: 2026-09-01, expires: 2026-10-01, identity: gone-*}
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with a past: staging moved first, production followed, then staging moved again; nobody has acted yet."""
    folder = company(tmp_path_factory.mktemp("findings"))
    (folder / "waivers.yaml").write_text("waivers: []\n")
    with (folder / "auditor.yaml").open("a") as file:
        file.write("waivers: waivers.yaml\n")
    for name, number in (("staging", 1), ("prod", 2)):
        (folder / name / "odd.env").write_text(f'GREETING="<script>alert({number})</script>"\n')
    with site(folder) as running:
        for days, ours, theirs in ((30, "300", "300"), (20, "60", "300"), (10, "60", "60"), (0, "60", "300")):
            running.clock.now = NOW - timedelta(days=days)
            for name, value in (("staging", ours), ("prod", theirs)):
                (folder / name / "retry.env").write_text(f"RETRIES={value}\n")
            if not days:
                (folder / "waivers.yaml").write_text(_WAIVERS)
            running.audit()
        running.audit("dev", "staging")
        yield running


def fingerprint(running: Site, identity: str, *path: str) -> str:
    """The finding of staging and prod at a place."""
    found = [one for one in running.store.findings("staging", "prod") if one.breach.path == (path or one.breach.path)]
    return next(one.fingerprint for one in found if one.breach.identity == identity and one.breach.path == path)


def text(html: str) -> str:
    """What a person reads of a page's content: no markup, one space between words."""
    main = html[html.index("<main") : html.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main.replace("<wbr>", ""))).split())


def test_the_list_shows_findings_of_all_pairs_with_values_and_facets(pages: Site) -> None:
    """A row has severity, resource and path, both values, pair, owner, status and age; the filters say how many each leaves."""
    answer = pages.get("/findings")
    said = text(answer.text)
    assert answer.status_code == 200
    unresolved = [one for one in pages.store.findings() if one.status is not Status.RESOLVED]
    assert f"{len(unresolved)} unresolved" in said
    assert (
        "info orders spec.template.spec.containers.orders.env.LOG_LEVEL kubernetes.deployment, staging / prod" in said
    )
    assert "staging debug prod info team-orders open 30 d" in said
    assert "medium billing.env env.file, staging / prod only in prod nobody open" in said
    opened = sum(1 for one in unresolved if one.status is Status.OPEN)
    assert f"Status open {opened} waived 1 resolved regressed 1 Category" in said


def test_filters_narrow_the_list_and_chips_take_them_away(pages: Site) -> None:
    """Words, severity, owner and pair add up; each chip leads to the list without its filter."""
    answer = pages.get("/findings?text=log_level&severity=info&owner=team-orders&left=stg&right=prod")
    said = text(answer.text)
    assert "1 unresolved, as filtered" in said
    assert said.count("LOG_LEVEL") == 1
    without_words = '/findings?left=staging&amp;right=prod&amp;severity=info&amp;owner=team-orders" aria-label="Remove the filter “log_level”'
    assert without_words in answer.text
    nothing = pages.get("/findings?text=nowhere")
    assert "No finding fits these filters." in text(nothing.text)
    assert 'href="/findings?status=resolved&amp;text=nowhere"' in nothing.text


def test_a_long_list_goes_on_page_by_page_without_a_gap(pages: Site) -> None:
    """Following the cursor shows each finding of the list once, and the last page leads nowhere."""
    wanted = {one.fingerprint for one in pages.store.findings() if one.status is not Status.RESOLVED}
    shown: list[str] = []
    address = "/api/v1/findings?limit=5"
    page = pages.http.get(address).json()
    while True:
        shown += [one["fingerprint"] for one in page["items"]]
        if not page["next"]:
            break
        page = pages.http.get("/api/v1/findings", params={"limit": 5, "after": page["next"]}).json()
    assert sorted(shown) == sorted(wanted)
    assert pages.get("/findings?after=nonsense").status_code == 422


def test_what_cannot_be_asked_for_is_said_above_what_there_is(pages: Site) -> None:
    """A mistyped filter must not look like an empty list."""
    answer = pages.get("/findings?severity=urgent")
    assert answer.status_code == 422
    said = text(answer.text)
    assert (
        "Severity: 'urgent' is none; use critical, high, medium, low or info. All that is unresolved is shown" in said
    )
    assert "LOG_LEVEL" in said


def test_a_finding_is_shown_with_values_rule_life_and_what_slack_says(pages: Site) -> None:
    """The page holds what Slack, `audit show` and `audit explain` say, with the differing part marked."""
    name = fingerprint(pages, *_flat(_LEVEL))
    answer = pages.get(f"/findings/{name}")
    said = text(answer.text)
    stored = pages.store.finding(name)
    assert '<code class="value">debug</code>' in answer.text
    assert '<code class="value">info</code>' in answer.text
    assert stored.breach.about in said
    assert f"{stored.breach.rule.policy}/{stored.breach.rule.id}" in said
    assert f"{stored.breach.rule.file}:{stored.breach.rule.line}" in said
    assert f"- id: {stored.breach.rule.id}" in said
    assert "Paired the same identity, once names are set aside" in said
    assert "staging against prod: info orders spec.template" in said
    assert "open auditor found" in said
    image = pages.get(f"/findings/{fingerprint(pages, 'orders', *_LEVEL[1][:5], 'image')}").text
    assert "registry.example.com/orders:3.<mark>8.0</mark>" in image
    assert "registry.example.com/orders:3.<mark>7.2</mark>" in image


def test_markup_in_values_stays_text(pages: Site) -> None:
    """A value is hostile input wherever it is shown."""
    name = fingerprint(pages, "odd.env", "GREETING")
    for address in (
        f"/findings/{name}",
        f"/findings/{name}/timeline",
        f"/findings/{name}/explain",
        "/findings?text=odd",
    ):
        body = pages.get(address).text
        assert "<script>alert" not in body, address
    assert "&lt;script&gt;alert" in pages.get(f"/findings/{name}").text


def test_the_beginning_of_a_fingerprint_leads_to_the_finding(pages: Site) -> None:
    """Links in old messages are short; what begins several or none is told with what to do."""
    name = fingerprint(pages, *_flat(_LEVEL))
    short = pages.get(f"/findings/{name[:10].upper()}")
    assert (short.status_code, short.headers["location"]) == (303, f"/findings/{name}")
    nobody = pages.get("/findings/zzz")
    assert nobody.status_code == 404
    assert "No such finding No fingerprint begins with zzz" in text(nobody.text)
    names = [one.fingerprint for one in pages.store.findings()]
    first = next(name[0] for name in names if sum(other[0] == name[0] for other in names) > 1)
    several = pages.get(f"/findings/{first}")
    assert several.status_code == 404
    assert "Which finding? Several begin with" in text(several.text)
    shown = {name for name in names if f"/findings/{name}" in several.text}
    assert shown == {name for name in names if name.startswith(first)}


def test_the_timeline_tells_each_change_of_either_side(pages: Site) -> None:
    """Newest first: both values after each change, between which looks it came, and whether the sides agreed then."""
    said = text(pages.get(f"/findings/{fingerprint(pages, 'retry.env', 'RETRIES')}/timeline").text)
    table = said[said.index("When staging prod Then") :]
    at = [f"{NOW - timedelta(days=days):%Y-%m-%d} 09:30:00 UTC" for days in (30, 20, 10, 0)]
    assert table == (
        "When staging prod Then "
        f"between {at[2]} and {at[3]} 60 300 apart "
        f"between {at[1]} and {at[2]} 60 60 same "
        f"between {at[0]} and {at[1]} 60 300 apart "
        f"first seen {at[0]} 300 300 same"
    )
    assert "3 changes in the snapshots of the last 90 days" in said
    gone = text(pages.get(f"/findings/{fingerprint(pages, 'billing.env')}/timeline").text)
    assert f"first seen {at[0]} not there there apart" in gone


def test_every_rule_that_was_tried_is_told_with_its_part(pages: Site) -> None:
    """The chain says which rule decides and why the others do not."""
    name = fingerprint(pages, *_flat(_LEVEL))
    rule = pages.store.finding(name).breach.rule
    said = text(pages.get(f"/findings/{name}/explain").text)
    assert f"decides {rule.policy}/{rule.id} {rule.file}:{rule.line}" in said
    assert f"A finding of info severity, by {rule.policy}/{rule.id}: open, {name[:8]}." in said


def _flat(place: tuple[str, tuple[str, ...]]) -> tuple[str, ...]:
    return (place[0], *place[1])
