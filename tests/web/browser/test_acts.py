"""What a person does on the page is seen everywhere at once: on the command line, in the metrics, in Slack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from auditor.cli.root import audit
from auditor.daemon.publishers import publishers_of
from auditor.deliver import Outbox
from auditor.publish.prometheus import PrometheusMeters, render
from tests.standins.slack import SlackStandIn
from tests.standins.slack_workspace import BOT_TOKEN
from tests.web.browser.conftest import Visit
from tests.web.site import CONFIG, Site, company, site

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from auditor.life import StoredFinding


@dataclass(frozen=True)
class Office:
    """A site whose acts are told in Slack."""

    site: Site
    slack: SlackStandIn

    def findings(self) -> list[StoredFinding]:
        """The worst first."""
        found = self.site.store.findings("staging", "prod")
        return sorted(found, key=lambda one: (-one.breach.severity.rank, one.fingerprint))

    def command(self, *arguments: str) -> Any:
        """What `audit ... --format json` prints."""
        file = str(self.site.folder / "auditor.yaml")
        ran = CliRunner().invoke(audit, [*arguments, "--config", file, "--format", "json"], catch_exceptions=False)
        assert ran.exit_code == 0, ran.output
        return json.loads(ran.stdout)

    def counted(self, status: str) -> int:
        """Findings of that status, as a scrape reads them."""
        now = self.site.clock.now
        gauges = self.site.store.gauges([("staging", "prod")], {"staging": ["files"], "prod": ["files"]}, now)
        _, body = render(PrometheusMeters("0", self.site.clock), gauges, self.site.store.waivers(), None, now)
        lines = [line for line in body.decode().splitlines() if line.startswith("parity_findings{")]
        return sum(int(float(line.split()[-1])) for line in lines if f'status="{status}"' in line)

    def told(self) -> list[str]:
        """Every message and reply in the channel, once everything is delivered."""
        later = self.site.clock.now + timedelta(minutes=1)
        with Outbox(self.site.store, publishers_of(self.site.loaded().config), lambda: later) as outbox:
            outbox.run_once(later)
        texts = []
        for message in self.slack.workspace.messages():
            texts += [json.dumps(message), *(json.dumps(reply) for reply in self.slack.workspace.thread(message["ts"]))]
        return texts


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with SlackStandIn() as slack:
        given = {"token": BOT_TOKEN, "channel": "#parity", "api_url": slack.api_url, "min_severity": "info"}
        config = f"{CONFIG}publish: {json.dumps({'slack': given})}\n"
        with site(company(tmp_path / "company", config)) as running:
            running.clock.now = datetime.now(UTC)  # the command line has no other
            running.audit()
            yield Office(running, slack)


def dialog(page: Page, opener: str, title: str) -> Any:
    """The dialog that a button of the finding's page opens."""
    page.get_by_role("link", name=opener, exact=True).click()
    return page.get_by_role("dialog", name=title)


def test_acknowledging_a_finding(office: Office, visit: Visit) -> None:
    """One dialog with a note; afterwards the command line, the metrics and Slack say so."""
    from playwright.sync_api import expect

    stored = office.findings()[0]
    told = len(office.told())
    page = visit(office.site, f"/findings/{stored.fingerprint}")
    form = dialog(page, "Acknowledge", "Acknowledge")
    form.get_by_label("Note").fill("goes out with <the> next release")
    form.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("status").filter(has_text="Acknowledged")).to_be_visible()
    expect(page.locator(".place .status")).to_have_text("acknowledged")

    shown = office.command("show", stored.fingerprint[:10])
    assert shown["status"] == "acknowledged"
    assert shown["events"][-1]["actor"] == "ada"
    assert shown["events"][-1]["reason"] == "goes out with <the> next release"
    listed = office.command("findings", "--status", "acknowledged")
    assert [one["fingerprint"] for one in listed] == [stored.fingerprint]
    assert office.counted("acknowledged") == 1
    assert any("goes out with" in text for text in office.told()[told:])


def test_waiving_a_finding_and_taking_that_back(office: Office, visit: Visit) -> None:
    """Without an owner, a reason and an end it is not taken; revoked, it is open again."""
    from playwright.sync_api import expect

    stored = office.findings()[1]
    told = len(office.told())
    page = visit(office.site, f"/findings/{stored.fingerprint}")
    form = dialog(page, "Waive", "Waive")
    form.get_by_role("button", name="Waive").click()
    assert form.get_by_label("Reason").evaluate("field => field.validity.valueMissing")
    form.get_by_label("Reason").fill("the load test needs it")
    form.get_by_label("For how long").fill("30d")
    form.get_by_label("Owner").fill("team-orders")
    form.get_by_role("button", name="Waive").click()
    expect(page.locator(".place .status")).to_have_text("waived")
    expect(page.get_by_role("row").filter(has_text="the load test needs it").first).to_contain_text("team-orders")

    (waived,) = office.command("findings", "--status", "waived")
    assert waived["fingerprint"] == stored.fingerprint
    assert office.counted("waived") == 1
    assert any("the load test needs it" in text for text in office.told()[told:])
    (waiver,) = office.site.store.waivers()
    assert (waiver.owner, waiver.origin) == ("team-orders", "page")
    assert timedelta(days=29) < waiver.expires_at - waiver.created_at < timedelta(days=31)

    page.get_by_role("link", name="Revoke the waiver").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.locator(".place .status")).to_have_text("open")
    assert office.command("show", stored.fingerprint)["status"] == "open"
    assert office.counted("waived") == 0


def test_snoozing_a_finding_without_scripts(office: Office, visit: Visit) -> None:
    """The links lead to the forms on pages of their own."""
    from playwright.sync_api import expect

    stored = office.findings()[0]
    page = visit(office.site, f"/findings/{stored.fingerprint}", java_script_enabled=False)
    page.get_by_role("link", name="Snooze").click()
    page.locator("form[action$=snooze] button").first.click()
    expect(page.locator(".place .status")).to_have_text("waived")
    assert office.command("show", stored.fingerprint)["status"] == "waived"
    (waiver,) = office.site.store.waivers()
    assert waiver.owner == "ada"


def test_acting_on_several_findings(office: Office, visit: Visit) -> None:
    """Chosen in the list, acknowledged with one note; the way back leads to the list as it was filtered."""
    from playwright.sync_api import expect

    page = visit(office.site, "/findings?category=config")
    boxes = page.locator("input[name=fingerprint]")
    chosen = [boxes.nth(number).get_attribute("value") for number in (0, 1)]
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.get_by_role("button", name="Acknowledge").click()
    page.get_by_label("Note").fill("both are mine")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("status").filter(has_text="2 findings")).to_be_visible()
    assert "category=config" in page.url
    assert {stored.fingerprint for stored in office.findings() if stored.status == "acknowledged"} == set(chosen)


def test_confirming_a_counterpart_gives_text_to_commit(office: Office, visit: Visit) -> None:
    """Said by the keyboard, shown as YAML, which the next audit follows once it stands in the file."""
    from playwright.sync_api import expect

    deployment = (office.site.folder / "prod" / "orders.yaml").read_text()
    for name, called in (("staging", "billing-worker-v2"), ("prod", "billing-workers")):
        (office.site.folder / name / "billing.yaml").write_text(deployment.replace("orders", called))
    office.site.clock.later(timedelta(hours=1))
    office.site.audit()
    page = visit(office.site, "/pairs/staging/prod/match")
    row = page.get_by_role("row").filter(has_text="billing-worker-v2")
    row.get_by_role("radio", name="later").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.get_by_role("button", name="Show what to commit").click()
    commit = page.get_by_role("region", name="To be committed")
    expect(commit.locator("pre")).to_contain_text("billing-workers")

    file = office.site.folder / "auditor.yaml"
    file.write_text(f"{file.read_text()}{commit.locator('pre').inner_text()}\n")
    office.site.clock.later(timedelta(hours=1))
    office.site.audit()
    alone = [one for one in office.findings() if one.breach.suggestion and one.status != "resolved"]
    assert alone == []
    page.goto("/pairs/staging/prod/match")
    expect(page.locator("main")).to_contain_text("Nothing is suggested")
