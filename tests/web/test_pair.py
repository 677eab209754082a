"""A pair's page over HTTP: findings by category and cause, filters in the address, what is expected, who may do what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from auditor.model import Category, Severity
from auditor.web.access import Scope
from auditor.web.queries.findings import Filters
from auditor.web.queries.pair import findings, head, named
from auditor.web.queries.standing import Reasons
from tests.web.site import CONFIG, OpenGate, Site, company, site
from tests.web.test_overview import text_of

PAIR = "/pairs/staging/prod"
HOSTILE = "</title><script>alert(1)</script>"


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """staging against prod, audited now, with a file that could not be read and a name that is markup."""
    folder = company(tmp_path_factory.mktemp("site") / "co")
    (folder / "prod" / "broken.json").write_text('{"a": ')
    (folder / "staging" / "mail.env").write_text(f"SMTP_TLS=false\nGREETING={HOSTILE}\n")
    (folder / "prod" / "mail.env").write_text("SMTP_TLS=true\nGREETING=hello\n")
    with site(folder) as running:
        running.audit()
        yield running


def test_findings_stand_by_category_with_both_sides_and_what_differs_marked(audited: Site) -> None:
    """The rule's reason, the resource, both values, the link to the finding, and the page says that it is incomplete."""
    answer = audited.get(PAIR)
    told = text_of(answer.text)
    assert answer.status_code == 200
    assert "Not known Undecided: nothing at or above high was found, but not everything was observed." in told
    assert told.index("Incomplete. 1 gap") < told.index("Deployment 2 findings")
    assert "broken.json at prod/broken.json:1" in told
    assert re.search(r"spec\.template\.spec\.containers\.orders\.image registry\.example\.com/orders:3\. 8\.0", told)
    assert "registry.example.com/orders:3.<mark>7.2</mark>" in answer.text
    (image,) = [found for found in audited.store.findings("staging", "prod") if found.breach.path[-1:] == ("image",)]
    assert f'<a href="/findings/{image.fingerprint}">' in answer.text
    assert HOSTILE not in answer.text
    assert "&lt;/title&gt;&lt;script&gt;" in answer.text


def test_the_address_narrows_and_chips_and_choices_change_it(audited: Site) -> None:
    """Choices have their numbers with all other filters; a chosen one leads to itself being dropped."""
    page = audited.get(f"{PAIR}?severity=medium&category=config").text
    assert 'aria-label="Remove the filter medium"' in page
    assert f'href="{PAIR}?category=config" aria-label="Remove the filter medium"' in page
    chosen = re.findall(r'href="([^"]+)" aria-current="true"><span class="text">(\w+)</span>', page)
    assert chosen == [(f"{PAIR}?category=config", "medium"), (f"{PAIR}?severity=medium", "config")]
    assert "Deployment" not in re.findall(r"<h2>(\w+)", page)
    assert "No finding fits these filters." in audited.get(f"{PAIR}?text=nowhere").text
    refused = audited.get(f"{PAIR}?severity=awful")
    assert refused.status_code == 422
    assert "severity: &#39;awful&#39; is none" in refused.text
    assert audited.get(f"{PAIR}?after=nonsense").status_code == 422


def test_what_was_set_aside_or_resolved_is_a_step_away(tmp_path: Path) -> None:
    """An acknowledged finding leaves the first view and is counted beside it; what is gone stands under resolved."""
    folder = company(tmp_path / "co")
    with site(folder) as running:
        running.audit()
        found = running.store.findings("staging", "prod")[0]
        running.post(f"/findings/{found.fingerprint}/acknowledge", note="known")
        assert f"/findings/{found.fingerprint}" not in running.get(PAIR).text
        aside = f"{PAIR}?status=pending&amp;status=acknowledged&amp;status=waived"
        assert re.search(rf'href="{re.escape(aside)}">Set aside <span class="number">1<', running.get(PAIR).text)
        assert f"/findings/{found.fingerprint}" in running.get(aside.replace("&amp;", "&")).text
        (folder / "staging" / "feature.env").unlink()
        running.clock.later(timedelta(hours=1))
        running.audit()
        assert "feature.env" in text_of(running.get(f"{PAIR}?status=resolved").text)
        assert "feature.env" not in text_of(running.get(PAIR).text)


def test_expected_differences_are_found_again_in_the_snapshots(audited: Site) -> None:
    """At first the page only says how to get them; then each stands below the rule that calls it normal."""
    first = audited.get(f"{PAIR}/expected?category=deployment").text
    assert f'hx-get="{PAIR}/expected?category=deployment&amp;wait=1"' in first
    told = text_of(audited.get(f"{PAIR}/expected?wait=1").text)
    assert "1 difference that a rule calls normal" in told
    assert re.search(r"1 Production runs more copies .* replicas-more-in-production, not ahead", told)
    assert "orders spec.replicas kubernetes.deployment 2 4" in told
    # What was found is remembered.
    assert "orders spec.replicas" in text_of(audited.get(f"{PAIR}/expected").text)
    assert audited.get(f"{PAIR}/expected?category=nonsense").status_code == 422


def test_names_lead_to_the_pair_or_to_what_there_is(audited: Site) -> None:
    """An alias leads to the real name with what was asked for; of an unknown name the page says which pairs there are."""
    moved = audited.get("/pairs/stg/prod?severity=high")
    assert (moved.status_code, moved.headers["location"]) == (307, f"{PAIR}?severity=high")
    unknown = audited.get("/pairs/stagin/prod")
    assert unknown.status_code == 404
    assert "stagin is no environment of the configuration" in text_of(unknown.text)
    assert f'<a href="{PAIR}">staging against prod</a>' in unknown.text
    told = audited.http.get("/pairs/stagin/prod").json()
    assert told["detail"] == "there is no such pair; configured are: dev/staging, staging/prod"
    assert audited.get("/pairs/prod/prod").status_code == 404
    assert "This pair was never audited." in audited.get("/pairs/dev/prod").text
    assert "This pair is not configured" in audited.get("/pairs/dev/prod").text


def test_a_pair_that_is_not_configured_any_more_is_shown_as_it_was(tmp_path: Path) -> None:
    """With a note, and without what cannot be done to it any more."""
    folder = company(tmp_path / "co")
    with site(folder) as running:
        running.audit()
        less = CONFIG.replace("{left: staging, right: prod}", "{left: dev, right: staging}").split("pairs:")[0]
        (folder / "auditor.yaml").write_text(
            re.sub(r"  prod: .*\n", "", less).replace(", promotes_to: prod", "")
            + "pairs:\n  - {left: dev, right: staging}\n"
        )
        page = running.get(PAIR).text
        assert "This pair is not configured any more" in page
        assert "Deployment" in re.findall(r"<h2>(\w+)", page)
        assert "Audit now</button>" not in page
        assert running.get(f"{PAIR}/expected").status_code == 404
        assert running.post(f"{PAIR}/audit").status_code == 404


def test_only_who_may_act_can_choose_findings(tmp_path: Path) -> None:
    """The ticked ones go to the forms of acknowledging and waiving, which lead back to the very list."""
    gate = OpenGate()
    with site(company(tmp_path / "co"), gate=gate) as running:
        running.audit()
        page = running.get(f"{PAIR}?category=config").text
        names = re.findall(r'name="fingerprint" value="(\w+)" form="acts"', page)
        assert len(names) == 2
        assert f'<input type="hidden" name="back" value="{PAIR}?category=config">' in page
        asked = "&".join(f"fingerprint={name}" for name in names)
        form = running.get(f"/findings/acknowledge?{asked}&back={PAIR}%3Fcategory%3Dconfig")
        assert form.status_code == 200
        sent = running.post("/findings/acknowledge", fingerprint=names, back=f"{PAIR}?category=config")
        assert sent.headers["location"] == f"{PAIR}?category=config&did=acknowledged&n=2"
        assert "2 findings. Acknowledged" in running.get(sent.headers["location"]).text
        gate.identity = OpenGate(Scope.READ).identity
        assert 'name="fingerprint"' not in running.get(PAIR).text


def test_a_long_list_is_given_a_page_at_a_time(audited: Site) -> None:
    """Every finding above info once, in the order of severity, and the way back to the first; the rest is a step away."""
    config, now = audited.loaded().config, audited.clock()
    names = named(audited.store, config, "staging", "prod")
    assert names is not None
    above = head(audited.store, config, Reasons(), names, now)
    seen: list[str] = []
    after: str | None = None
    for _ in range(10):
        shown = findings(audited.store, above, Filters(), now, after, limit=3)
        seen += shown.found
        assert (shown.total, bool(shown.first)) == (5, after is not None)
        if not shown.older:
            break
        after = re.sub(r".*after=", "", shown.older)
    stored = audited.store.findings("staging", "prod")
    assert sorted(seen) == sorted(found.fingerprint for found in stored if found.breach.severity is not Severity.INFO)
    assert [(tab.name, tab.number, tab.current) for tab in shown.tabs] == [
        ("open", 5, True),
        ("noted", 3, False),
        ("aside", 0, False),
        ("resolved", None, False),
        ("expected", 1, False),
    ]
    noted = findings(audited.store, above, Filters(severities=(Severity.INFO,)), now)
    assert [(tab.name, tab.number) for tab in noted.tabs[:2] if not tab.current] == [("open", 5)]
    assert set(noted.found) == {found.fingerprint for found in stored} - set(seen)
    words = findings(audited.store, above, Filters(text="memory"), now)
    assert [found.breach.path[-1] for found in words.found.values()] == ["memory"]
    assert {section.category for section in shown.sections} <= {Category.CONFIG, Category.DEPLOYMENT}
