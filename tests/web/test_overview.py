"""The overview over HTTP: environments in order, every pair as it stands, what changed, what was not seen, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from auditor.model import Category, Severity, Status
from auditor.web.access import Scope
from auditor.web.queries.overview import Overviews, overview
from auditor.web.queries.standing import Answer, Cell, Reasons, Standing, State, standings
from tests.web.site import CONFIG, OpenGate, Site, company, site


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two pairs: one that was audited yesterday and today and lost a file of production, one that never was."""
    folder = company(tmp_path_factory.mktemp("site") / "co")
    with site(folder) as running:
        running.clock.later(timedelta(days=-2))
        running.audit()
        running.clock.later(timedelta(days=2))
        (folder / "prod" / "more.env").write_text("DEBUG=1\n")
        (folder / "prod" / "broken.json").write_text('{"a": ')
        running.audit()
        yield running


def text_of(page: str) -> str:
    """What a reader sees, on one line."""
    body = page[page.index("<main") : page.index("</main>")]
    return " ".join(re.sub(r"<[^>]+>", " ", body.replace("<wbr>", "")).split())


def test_the_overview_answers_and_shows_what_could_not_be_seen(audited: Site) -> None:
    """What is incomplete stands above everything, with reason and place; a pair never audited says what to do."""
    answer = audited.get("/")
    told = text_of(answer.text)
    assert answer.status_code == 200
    assert "Nobody knows whether dev mirrors staging and nobody knows whether staging mirrors prod" in told
    assert told.index("Not everything could be seen") < told.index("staging against prod Not known")
    assert "prod, files:prod: malformed. The answer could not be understood" in told
    assert "broken.json" in told
    assert "dev against staging Not known Never audited, so nothing can be said. Press Audit now" in told
    assert re.search(r"staging against prod , \d\d(\.\d)? % observed", told)
    assert 'href="/pairs/staging/prod#gaps"' in answer.text


def test_environments_stand_in_promotion_order_and_cells_lead_to_their_findings(audited: Site) -> None:
    """The last of a chain is what others are held against; a cell of drift leads to the pair, narrowed to the category."""
    page = audited.get("/").text
    matrix = page[page.index('class="matrix') : page.index("</table>", page.index('class="matrix'))]
    columns = re.findall(r"<b>(\w+)</b></a><br>(?:<a[^>]*>|<span[^>]*>)([^<]+)", matrix)
    assert columns == [("dev", "against staging"), ("staging", "against prod"), ("prod", "reference")]
    assert 'href="/pairs/staging/prod?category=deployment"><b>2</b> drift' in matrix
    assert 'href="/pairs/staging/prod?category=deployment&amp;severity=info"><b>2</b> noted' in matrix
    assert 'href="/pairs/staging/prod/expected?category=deployment"><b>1</b> expected' in matrix


def test_what_changed_since_yesterday_is_counted_and_listed(audited: Site) -> None:
    """Only the file that came today, not what was found two days ago."""
    told = text_of(audited.get("/").text)
    assert re.search(r"1 opened 0 came back 0 resolved 0 waived 0 acknowledged", told)
    assert re.search(r"opened medium more\.env env\.file staging / prod", told)


def test_an_audit_can_be_asked_for_and_the_answer_says_how_far_it_is(tmp_path: Path) -> None:
    """The form leads back with a note; whoever may only read has no button, and nowhere else is led to."""
    gate = OpenGate()
    with site(company(tmp_path / "co"), gate=gate) as running:
        assert 'action="/pairs/dev/staging/audit"' in running.get("/").text
        sent = running.post("/pairs/dev/staging/audit", back="/")
        assert (sent.status_code, sent.headers["location"][:8]) == (303, "/?asked=")
        note = running.get(sent.headers["location"]).text
        assert re.search(r'id="asked" class="note"', note)
        away = running.post("/pairs/dev/staging/audit", back="//evil.example/")
        assert away.headers["location"].startswith("/pairs/dev/staging?asked=")
        assert "not known any more" in running.get("/?asked=elsewhere").text
        assert "Too many wait already" in running.get("/?asked=full").text
        gate.identity = OpenGate(Scope.READ).identity
        assert "Audit now</button>" not in running.get("/").text


def test_without_pairs_the_overview_says_how_to_configure_one(tmp_path: Path) -> None:
    """With names of the environments that are there."""
    config = CONFIG[: CONFIG.index("pairs:")]
    with site(company(tmp_path / "co", config)) as running:
        told = text_of(running.get("/").text)
    assert "Nothing is compared yet" in told
    assert "pairs: - {left: dev, right: prod, schedule:" in told


def test_an_old_audit_is_called_stale_by_its_schedule_else_after_a_day(tmp_path: Path) -> None:
    """A pair that is audited weekly is not stale after two days; one without a schedule is."""
    config = CONFIG.replace("{left: dev, right: staging}", '{left: dev, right: staging, schedule: "@weekly"}')
    with site(company(tmp_path / "co", config)) as running:
        running.audit("dev", "staging")
        running.audit()
        ground, pairs = running.loaded().config, [("dev", "staging"), ("staging", "prod")]
        running.clock.later(timedelta(days=2))
        weekly, plain = standings(running.store, ground, pairs, running.clock())
        assert (weekly.stale, plain.stale) == ("", "no audit for more than a day")
        assert "Stale: no audit for more than a day." in text_of(running.get("/").text)
        running.clock.later(timedelta(days=21))
        (weekly,) = standings(running.store, ground, pairs[:1], running.clock())
        assert weekly.stale == "three audits or more are overdue (schedule @weekly)"


def test_many_pairs_are_a_row_each_those_that_need_somebody_first(tmp_path: Path) -> None:
    """Names are escaped and cut; environments that nothing is compared with are named."""
    names = [f"env{number:02}" for number in range(16)]
    folders = ["staging" if name == "env04" else "dev" for name in names]
    lines = [
        f"  {name}: {{sources: [{{collector: files, path: {folder}}}]}}\n"
        for name, folder in zip(names, folders, strict=True)
    ]
    pairs = [f"  - {{left: {left}, right: {right}}}\n" for left, right in pairwise(names[:15])]
    # The file names them the other way round: promotions decide.
    config = "environments:\n" + "".join(reversed(lines)) + "pairs:\n" + "".join(pairs)
    with site(company(tmp_path / "co", config)) as running:
        running.audit("env03", "env04")
        page = running.get("/").text
        found = overview(running.store, running.loaded().config, Reasons(), running.clock())
    assert found.compact
    assert found.alone == ("env15",)
    assert [column.environment for column in found.chains[0].columns] == names[:15]
    assert page.count('<tr data-row><th scope="row">') == 14
    assert [standing.answer for standing in found.ordered] == [Answer.NO] + [Answer.UNKNOWN] * 13
    assert "env03 does not mirror env04; of 13 of 14 pairs it is not known" in text_of(page)


def test_a_cell_says_what_matters_most_first() -> None:
    """Drift before what is unknown, that before what is waived; nothing on either side is not the same as the same."""
    category = Category.CONFIG
    assert Cell(category, drift=1, unknown=2, same=3).state is State.DRIFT
    assert Cell(category, unknown=2, waived=1, same=3).state is State.UNKNOWN
    assert Cell(category, waived=1, expected=4, same=3).state is State.WAIVED
    assert Cell(category, expected=4, same=3).state is State.EXPECTED
    assert Cell(category, noted=4, same=3).state is State.EXPECTED
    assert Cell(category, same=3).state is State.SAME
    assert Cell(category, same=None).state is State.SAME
    assert Cell(category).state is State.NONE


def test_standings_count_what_is_open_by_severity_and_category(audited: Site) -> None:
    """From what is stored now, not from the last audit: what somebody acknowledges moves at once."""
    (found,) = standings(audited.store, audited.loaded().config, [("staging", "prod")], audited.clock())
    assert found.answer is Answer.UNKNOWN
    assert found.open == {Severity.MEDIUM: 3, Severity.LOW: 2, Severity.INFO: 3}
    assert found.cells[Category.DEPLOYMENT] == Cell(
        Category.DEPLOYMENT, drift=2, worst=Severity.MEDIUM, noted=2, same=0, expected=1
    )
    assert len([point for point in found.trend if point is not None]) == 2
    assert len(found.trend) == 7
    assert all(finding.status is Status.OPEN for finding in audited.store.findings("staging", "prod"))


def test_a_line_is_drawn_between_the_least_and_the_best_score() -> None:
    """On a sheet of 100 by 24; days without a score are passed over, and one point is no line."""

    def drawn(*trend: float | None) -> str:
        return Standing("a", "b", Answer.YES, "", None, {}, {}, trend).line

    assert drawn(0.5, None, 1.0) == "0.0,22.2 100.0,1.0"
    assert drawn(None, 0.5) == ""


def test_the_overview_is_made_anew_only_when_something_was_recorded_or_a_minute_passed(tmp_path: Path) -> None:
    """And never from another configuration: many readers cost what one does."""
    with site(company(tmp_path / "co")) as running:
        kept, config = Overviews(), running.loaded().config
        first = kept.get(running.store, config, running.clock())
        running.clock.later(timedelta(seconds=20))
        assert kept.get(running.store, config, running.clock()) is first
        assert kept.get(running.store, running.loaded().config, running.clock()) is not first
        second = kept.get(running.store, config, running.clock())
        running.audit()
        third = kept.get(running.store, config, running.clock())
        assert (second.standings[1].summary, third.standings[1].answer) == (None, Answer.YES)
        running.clock.later(timedelta(minutes=1))
        assert kept.get(running.store, config, running.clock()) is not third


def test_what_speaks_against_a_pair_most_stands_on_its_card(tmp_path: Path) -> None:
    """Both values of the worst findings, and of what one audit found at once the most severe are named first."""
    folder = company(tmp_path / "co")
    (folder / "prod" / "mail.env").write_text("SMTP_TLS=true\nDEBUG=true\n")
    (folder / "staging" / "mail.env").write_text("SMTP_TLS=false\nDEBUG=false\n")
    with site(folder) as running:
        running.audit()
        found = overview(running.store, running.loaded().config, Reasons(), running.clock())
        page = running.get("/").text
    (worst,) = found.worst["staging", "prod"]
    assert (worst.severity, worst.path) == (Severity.CRITICAL, ("DEBUG",))
    assert found.worst["dev", "staging"] == ()
    card = page[page.index('class="worst-ones"') : page.index("</ul>", page.index('class="worst-ones"'))]
    assert text_of(f"<main>{card}</main>").endswith("mail.env DEBUG false against true")
    ranks = [one.severity.rank for one in found.news]
    assert (ranks, ranks[0]) == (sorted(ranks, reverse=True), Severity.CRITICAL.rank)
