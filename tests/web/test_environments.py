"""/versions, /environments and /ready over HTTP: what they show, what they refuse, and that nothing is observed for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest

from auditor.model import Listing, Resource, Snapshot
from tests.web.grown import HOSTILE, grown
from tests.web.reading import row, rows, said
from tests.web.site import NOW, Site, site


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with grown(tmp_path_factory.mktemp("environments")) as running:
        yield running


def found_out(running: Site, path: str) -> httpx.Response:
    """The page once what it shows is found out: it leads to itself until then, as the browser follows it."""
    answer = running.get(path)
    while (again := re.search(r'hx-get="([^"]+)" hx-trigger="load delay', answer.text)) is not None:
        answer = running.get(unescape(again[1]))
    return answer


def test_versions_stand_in_promotion_order_with_lags_moving_tags_and_other_bytes(pages: Site) -> None:
    """Each cell says since when, how far it is behind its neighbour, and what is wrong with its tag or digest."""
    html = pages.get("/versions").text
    assert said(html).startswith("Versions 4 of 7 components not the same everywhere")
    assert rows(html)[0].startswith("Component dev 2026-11-20 09:30:00 UTC staging 2026-11-20")
    assert rows(html)[0].endswith("prod 2026-11-20 09:30:00 UTC lone never observed")
    basket = row(html, "behind dev 1.0.0")
    assert basket.startswith("basket (differs) 1.2.0 seen since 2026-11-20 09:30:00 UTC 1.1.0 seen since 2026-11-20")
    assert "1 release, 0 s behind dev" in basket
    assert basket.endswith("1.0.0 1 release, 0 s behind staging not observed")
    catalogue = row(html, "other bytes than dev, staging")
    assert catalogue.startswith("catalogue (differs) 2.4.1 digest aaaaaaaaaaaa other bytes than prod")
    assert row(html, "search latest").count("the tag may move") == 3
    assert "v3.0.0 1 release behind prod v3.1.0" in row(html, "v3.0.0 v3.0.0")
    assert row(html, "gifts 0.1.0 –") == "gifts 0.1.0 – not deployed not observed not observed"
    assert "Incomplete. 1 gap in prod among what says versions: more may be deployed there." in said(html)


def test_a_promotion_says_from_what_to_what_and_how_long_that_was_rehearsed(pages: Site) -> None:
    """Where the earlier environment is behind, nothing is promoted, and that is said."""
    html = pages.get("/versions?environment=staging&environment=prod").text
    assert "From staging to prod 3 to promote, 1 the same" in said(html)
    assert row(html, "basket 1.0.0") == "basket 1.0.0 1.1.0 0 s"
    assert row(html, "same tag, other bytes").startswith("catalogue 2.4.1 2.4.1")
    assert row(html, "orders 3.7.2 3.8.0") == "orders 3.7.2 3.8.0 at least 2 d"
    # Whether prod runs any is not known, so nobody can say that it would be new there.
    assert row(html, "ribbons") == "ribbons 0.2.0 not observed"
    assert "staging is behind with payments : nothing rehearses what prod runs." in said(html)
    assert "dev" not in said(html)


def test_versions_are_filtered_by_text_and_by_whether_they_differ(pages: Site) -> None:
    """The filters stand in the address; what finds nothing says how to see everything."""
    differing = pages.get("/versions?differing=1").text
    assert not any(one.startswith("search") for one in rows(differing))
    assert any(one.startswith("basket") for one in rows(differing))
    assert "No component to show" in said(pages.get("/versions?text=nothing-of-this-name").text)
    assert said(pages.get("/versions?text=BASK").text).startswith("Versions 1 of 1 component not the same")
    assert pages.get("/versions?environment=nowhere").status_code == 404


def test_the_list_of_environments_says_what_was_never_observed_and_what_has_gaps(pages: Site) -> None:
    """In promotion order, with aliases, counts and gaps by reason."""
    html = pages.get("/environments").text
    listed = rows(html)
    assert [one.split()[0] for one in listed[1:5]] == ["dev", "staging", "prod", "lone"]
    assert row(html, "staging stg").split() == "staging stg 2026-11-20 09:30:00 UTC 8 2 nothing files prod".split()
    assert "1 malformed" in row(html, "prod 2026")
    assert row(html, "lone never") == "lone never observed – – everything files (never complete) nothing"


def test_an_environment_shows_neighbours_sources_kinds_and_gaps_nobody_overlooks(pages: Site) -> None:
    """Gaps stand above everything else, each with its source, its reason, what it hides and what to do."""
    html = pages.get("/environments/prod").text
    text = said(html)
    assert text.index("Incomplete. The last snapshot of prod does not hold everything.") < text.index("Neighbours")
    assert "prod, files:prod: malformed." in text
    assert "broken.yaml" in text
    assert row(html, "staging against prod").startswith("staging against prod promoted from staging")
    assert "incomplete" in row(html, "staging against prod")
    assert row(html, "files:prod files") == "files:prod files 2026-11-19 09:30:00 UTC not since 13 1"
    assert row(html, "kubernetes.deployment deployment").endswith("5")
    assert "1 of 3 snapshots with gaps" in text
    assert 'aria-label="Between' in html


def test_an_alias_leads_to_the_environment_and_an_unknown_name_says_which_there_are(pages: Site) -> None:
    """The rest of the address stays as it was."""
    answer = pages.http.get("/environments/stg/changes?since=7d", headers={"accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/environments/staging/changes?since=7d"
    assert pages.http.get("/ready/stg", headers={"accept": "text/html"}).headers["location"] == "/ready/staging"
    answer = pages.get("/environments/stagin")
    assert answer.status_code == 404
    assert "staging" in said(answer.text)
    assert pages.get("/environments/staging/snapshots/nothing").status_code == 404


def test_an_environment_that_was_never_observed_says_what_to_do(pages: Site) -> None:
    """On each of its pages."""
    assert "Never observed Run audit snapshot lone" in said(pages.get("/environments/lone").text)
    assert "Never observed" in said(pages.get("/environments/lone/changes").text)
    answer = pages.get("/environments/lone/snapshots/latest")
    assert (answer.status_code, "audit snapshot lone" in answer.text) == (404, True)
    text = said(pages.get("/ready/lone").text)
    assert "Nothing says what lone is to be held against." in text
    assert "Set promotes_to of lone" in text


def test_changes_stand_side_by_side_with_what_could_not_be_seen(pages: Site) -> None:
    """By default between the last two snapshots; long values are folded, and what went is not linked to what is now."""
    html = found_out(pages, "/environments/staging/changes").text
    text = said(html)
    assert "What changed in staging 5 changes From 2026-11-19 09:30:00 UTC to 2026-11-20 09:30:00 UTC" in text
    assert "smtp .staging.example.com smtp2 .staging.example.com" in text
    assert row(html, "feature.env env.file the whole") == "feature.env env.file the whole resource present (absent)"
    assert re.search(r"identity=feature.env&amp;snapshot=20261119", html)
    assert "whole value " + "n" * 300 in text
    assert "Incomplete. What changed where nobody could look is not known." in text
    assert "files:staging: malformed , no more" in text


def test_changes_between_chosen_snapshots_do_not_depend_on_which_is_named_first(pages: Site) -> None:
    """The earlier one is always what it was before; one that is not of the environment is refused."""
    first, _, last = (one.id for one in reversed(pages.store.snapshots("staging")))
    html = found_out(pages, f"/environments/staging/changes?from={last}&to={first}").text
    assert "From 2026-11-18 09:30:00 UTC to 2026-11-20 09:30:00 UTC" in said(html)
    assert "basket:1. 0 .0 registry.example.com/basket:1. 1 .0" in said(html)
    other = pages.store.snapshots("prod")[0].id
    assert pages.get(f"/environments/staging/changes?from={first}&to={other}").status_code == 404
    same = found_out(pages, f"/environments/staging/changes?from={first}&to={first}").text
    assert "There is only one snapshot to look at" in said(same)


def test_changes_since_a_time_tell_releases_and_when(pages: Site) -> None:
    """A time that is none says how to write one."""
    html = found_out(pages, "/environments/dev/changes?since=7d").text
    assert "through 3 snapshots" in said(html)
    assert row(html, "basket 1.1.0 1.2.0") == "basket 1.1.0 1.2.0 2026-11-20 09:30:00 UTC"
    assert row(html, "kubernetes.deployment spec").endswith(
        "2 times, last between 2026-11-19 09:30:00 UTC and 2026-11-20 09:30:00 UTC"
    )
    answer = pages.get("/environments/dev/changes?since=yesterday")
    assert answer.status_code == 422
    assert "24h or 7d" in said(answer.text)
    assert pages.get("/environments/dev/changes?since=2030-01-01").status_code == 422


def test_a_snapshot_lists_its_resources_by_kind_source_and_words(pages: Site) -> None:
    """Hostile names are text; what does not fit says so."""
    html = pages.get("/environments/staging/snapshots/latest").text
    assert "8 resources" in said(html)
    assert "Read whole 13 listings" in said(html)
    deployments = pages.get("/environments/staging/snapshots/latest?kind=kubernetes.deployment&text=ASK").text
    assert "1 resource " in said(deployments)
    assert row(deployments, "kubernetes.deployment files:staging").startswith("basket kubernetes.deployment")
    assert "No resource fits" in said(pages.get("/environments/staging/snapshots/latest?text=nothing").text)
    first = pages.store.snapshots("staging")[-1].id
    assert "feature.env" in said(pages.get(f"/environments/staging/snapshots/{first}").text)
    assert "feature.env" not in said(html)
    assert pages.get(f"/environments/prod/snapshots/{first}").status_code == 404


def test_a_resource_stands_as_spelled_and_in_normal_form(pages: Site) -> None:
    """The page itself shows the document; its parts come by themselves, or all at once where they are asked for."""
    address = "/environments/staging/resource?kind=env.file&identity=mail.env"
    html = pages.get(address).text
    assert '"SMTP_HOST": "smtp2.staging.example.com"' in unescape(html)
    assert html.count('hx-trigger="load"') == 3
    html = pages.get(f"{address}&part=normal&part=history").text
    assert row(html, "SMTP_HOST smtp2. staging") == "SMTP_HOST smtp2. staging .example.com smtp2. {env} .example.com"
    changed = row(html, "SMTP_HOST smtp .staging.example.com smtp2")
    assert changed.endswith("SMTP_HOST smtp .staging.example.com smtp2 .staging.example.com")
    assert "between 2026-11-19 09:30:00 UTC and 2026-11-20 09:30:00 UTC" in said(html)
    assert row(html, "at least") == "since 2026-11-18 09:30:00 UTC at least The first snapshot that is kept."
    document = pages.get("/environments/staging/resource/document?kind=env.file&identity=mail.env&form=normal")
    assert document.headers["content-type"] == "application/json"
    assert document.json()["SMTP_HOST"] == "smtp2.{env}.example.com"
    gone = pages.get("/environments/staging/resource?kind=env.file&identity=feature.env")
    assert (gone.status_code, "it may be in an older one" in gone.text) == (404, True)


def test_a_resource_names_its_counterparts_and_the_findings_about_it(pages: Site) -> None:
    """In every pair; while the two are laid side by side the page asks again by itself."""
    address = "/environments/staging/resource?kind=kubernetes.deployment&identity=orders&part=pairs"
    html = found_out(pages, address).text
    text = said(html)
    assert "Its counterpart in dev is orders ; 3 places differ." in text
    assert "Its counterpart in prod is orders ; 5 places differ." in text
    finding = next(one for one in pages.store.findings("staging", "prod") if one.breach.path[-1:] == ("LOG_LEVEL",))
    assert f'href="/findings/{finding.fingerprint}"' in html
    alone = found_out(pages, "/environments/staging/resource?kind=env.file&identity=odd.env&part=pairs").text
    assert "No counterpart in prod" in said(alone)


def test_hostile_values_are_text_and_large_documents_are_cut_with_a_way_to_the_whole(pages: Site) -> None:
    """Markup never reaches the page as markup, and a document of a megabyte never reaches it whole."""
    html = pages.get("/environments/staging/resource?kind=env.file&identity=odd.env&part=normal&part=history").text
    assert HOSTILE not in html
    assert HOSTILE in unescape(html)
    big = Resource("env.file", f"{HOSTILE}big", {f"KEY_{n}": "x" * 100 for n in range(10_000)}, source="files:lone")
    taken = NOW - timedelta(minutes=1)
    pages.store.save_snapshot(Snapshot("lone-1", "lone", taken, (big,), (), (Listing("files:lone", "env.file"),)))
    query = f"kind=env.file&identity={HOSTILE}big"
    html = pages.get(f"/environments/lone/resource?{query}&part=normal&snapshot=lone-1").text
    assert "The first 400 of 10 000 attributes" in said(html)
    assert len(html) < 400_000
    assert HOSTILE not in html
    whole = pages.get(f"/environments/lone/resource/document?{query}&snapshot=lone-1")
    assert len(whole.json()) == 10_000


def test_the_checklist_is_answered_from_the_last_audit_and_nothing_is_observed(pages: Site) -> None:
    """What needs somebody comes first, each answer with its evidence and links to findings."""
    before = len(pages.store.snapshots("staging"))
    (pages.folder / "staging" / "late.env").write_text("NEW=1\n")
    html = found_out(pages, "/ready/staging").text
    (pages.folder / "staging" / "late.env").unlink()
    text = said(html)
    assert "staging is not ready:" in text
    assert "staging against prod , audited 2026-11-20 09:30:00 UTC (0 s ago)" in text
    assert "Incomplete. The last audit could not observe everything" in text
    assert text.index("no Does the configuration of staging mirror prod's") < text.index(
        "not observed Does the infrastructure"
    )
    assert len(pages.store.snapshots("staging")) == before
    fingerprints = re.findall(r'href="/findings/([0-9a-f]+)"', html)
    assert {pages.store.finding(one).breach.left.environment for one in fingerprints} == {"staging"}


def test_the_checklist_is_answered_anew_after_somebody_acted_or_for_another_severity(pages: Site) -> None:
    """Findings below the severity that is asked for turn no answer to no."""
    html = found_out(pages, "/ready/staging?severity=critical").text
    assert "Findings count from critical." in said(html)
    assert "no Does the configuration of staging" not in said(html)


def test_the_checklist_can_be_taken_away_as_markdown_and_json(pages: Site) -> None:
    """Both say what the page says; another kind is refused."""
    markdown = pages.get("/ready/staging/export.md")
    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert markdown.text.startswith("## Is staging ready?")
    told = json.loads(pages.get("/ready/staging/export.json").text)
    assert told["environment"] == "staging"
    assert told["verdict"]["counts"]["no"] >= 1
    assert pages.get("/ready/staging/export.pdf").status_code == 404


def test_the_list_answers_for_every_environment_as_answers_come_in(pages: Site) -> None:
    """A row that is still being answered asks for itself; an environment without a pair says why there is no answer."""
    for name in ("dev", "staging", "prod"):
        found_out(pages, f"/ready/{name}")
    html = pages.get("/ready").text
    assert said(html).startswith("Readiness 0 of 3 environments ready")
    assert row(html, "staging prod").startswith("staging prod not ready")
    assert row(html, "staging prod").endswith("2026-11-20 09:30:00 UTC incomplete")
    assert row(html, "lone").endswith("Nothing says what lone is to be held against.")
    assert "hx-get" not in html[html.index("<tbody") : html.index("</tbody>")]
    alone = pages.get("/ready/prod/row").text
    assert alone.lstrip().startswith('<tr data-row id="ready-prod"')


def test_audit_now_asks_for_an_audit_and_comes_back(pages: Site) -> None:
    """The pair that the answers rest on is audited soon, by the service."""
    answer = pages.http.post("/ready/dev/audit", data={"csrf": "csrf-of-the-test"}, headers={"accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/ready/dev?audit=")
    assert said(found_out(pages, answer.headers["location"]).text).startswith("Readiness dev Is dev ready?")
    assert pages.post("/ready/lone/audit").status_code == 409


def test_many_components_come_by_the_page(tmp_path: Path) -> None:
    """The next page goes on where this one ended, and names of environments do not make versions differ."""
    (tmp_path / "auditor.yaml").write_text(
        "environments:\n"
        "  staging: {promotes_to: prod, sources: [{collector: files, path: a}]}\n"
        "  prod: {sources: [{collector: files, path: b}]}\n"
    )
    with site(tmp_path) as running:
        assert "No version is known yet" in said(running.get("/versions").text)
        for name in ("staging", "prod"):
            resources = tuple(
                Resource("http.version", f"{name}-part-{one:03}", {"version": f"1.{one}.0-{name}"}, source="http:x")
                for one in range(60)
            )
            whole = (Listing("http:x", "http.version"),)
            running.store.save_snapshot(Snapshot(f"s-{name}", name, NOW, resources, (), whole), (name,))
        first = running.get("/versions").text
        assert said(first).startswith("Versions 60 components, each the same wherever it runs")
        assert [one.split()[0] for one in rows(first)[1:51:49]] == ["part-000", "part-049"]
        assert 'href="/versions?after=part-049" rel="next"' in first
        second = running.get("/versions?after=part-049").text
        assert [one.split()[0] for one in rows(second)[1:11]] == [f"part-0{number}" for number in range(50, 60)]
