"""/policies over HTTP: what is in use, what rules say and find, why a place is a finding, and what is wrong with a pack."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from auditor.policy import load_policy
from auditor.web.backend import Backend
from auditor.web.queries.policies import packs
from auditor.web.queries.staging import Remembered
from tests.web.reading import row, said
from tests.web.site import CONFIG, NOW, Site, company, site

_OWN = """\
policy: acme
about: What <b>acme</b> says
rules:
  - id: log-level
    about: A louder log hides <script>what</script> matters
    kind: kubernetes.deployment
    path: "**.LOG_LEVEL"
    expect: equal
    severity: high
    remediation: Set LOG_LEVEL of {left.identity} to {right.value}
    examples:
      - {kind: kubernetes.deployment, path: spec.LOG_LEVEL, left: debug, right: info, verdict: high}
      - {kind: kubernetes.deployment, path: spec.LOG_LEVEL, left: debug, right: info, verdict: low}
  - id: tickets
    about: Never there
    kind: kubernetes.deployment
    path: "**.TICKETS"
    expect: {ratio: {max: 2}}
    severity: medium
  - id: tls
    about: Nobody minds
    path: SMTP_TLS
    expect: ignore
  - id: tls-again
    about: Comes later, and is not asked
    path: SMTP_TLS
    expect: ignore
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The company with a policy of its own over the default one, audited once; the lab was never observed."""
    folder = tmp_path_factory.mktemp("policies")
    config = CONFIG.replace("right: prod}", "right: prod, policies: [default, acme]}") + "policies: [own]\n"
    config = config.replace("pairs:", "  lab: {sources: [{collector: files, path: dev}]}\npairs:", 1)
    company(folder, config)
    (folder / "own").mkdir()
    (folder / "own" / "acme.yaml").write_text(_OWN)
    with site(folder) as running:
        running.audit()
        running.audit("dev", "staging")
        yield running


def test_packs_in_use_come_first_and_own_ones_before_those_that_ship(pages: Site) -> None:
    """Each says which pairs it judges, how many rules it has, what they find now, and which find nothing."""
    answer = pages.get("/policies")
    assert answer.status_code == 200
    assert "acme What <b>acme</b> says staging/prod" in row(answer.text, "acme What")
    assert row(answer.text, "acme What").endswith("acme.yaml 4 1 1")
    rules = sum(rule.policy == "default" for rule in load_policy(["default"]).rules)
    assert f"dev/staging , staging/prod ships {rules} " in row(answer.text, "default Staging mirrors")
    text = said(answer.text)
    assert (
        text.index("acme What") < text.index("default Staging") < text.index("aws-services") < text.index("Not in use")
    )
    assert text.index("Not in use") < text.index("strict Both sides")
    assert "<b>acme</b>" not in answer.text


def test_a_pack_lists_its_rules_with_hits_and_overrides(pages: Site) -> None:
    """What a rule applies to and expects, how much it finds, and which later rule decides every place of it."""
    answer = pages.get("/policies/acme")
    assert (
        "high log-level A louder log hides <script>what</script> matters kubernetes.deployment **.LOG_LEVEL equal 1"
        in (row(answer.text, "log-level"))
    )
    assert row(answer.text, "tickets").endswith('ratio: {"max": 2} none')
    assert "ignored tls Nobody minds overridden as a whole by acme/tls-again any kind SMTP_TLS" in row(
        answer.text, "Nobody minds"
    )
    assert '<a href="/findings?rule=acme%2Flog-level">1</a>' in answer.text
    assert "<script>what" not in answer.text


def test_rules_are_filtered_by_words_kind_and_severity(pages: Site) -> None:
    """Filters add up; where nothing fits the page says how to go on."""
    assert "2 rules of 4" in said(pages.get("/policies/acme?text=smtp").text)
    assert "1 rule of 4" in said(pages.get("/policies/acme?kind=kubernetes.deployment&severity=high").text)
    assert "1 rule of 4" in said(pages.get("/policies/acme?silent=1&kind=kubernetes.deployment&severity=medium").text)
    nothing = pages.get("/policies/acme?text=zebra")
    assert "No rule fits" in said(nothing.text)
    assert pages.get("/policies/acme?severity=loud").status_code == 422


def test_a_rule_shows_its_text_its_findings_its_examples_and_what_overrides_it(pages: Site) -> None:
    """Lines have the numbers of the file, an example that is judged otherwise stands out, findings lead to their pages."""
    answer = pages.get("/policies/acme/rules/log-level")
    assert '<th scope="row" class="number">4</th><td><code>- id: log-level</code>' in answer.text
    assert "examples:" not in said(answer.text).replace("under examples:", "")
    text = said(answer.text)
    assert "kubernetes.deployment spec.LOG_LEVEL debug info high high 12" in text
    assert '<strong class="bad">high</strong>' in answer.text
    assert "kubernetes.deployment spec.LOG_LEVEL debug info low high 13" in text
    found = pages.store.findings("staging", "prod")
    mine = next(one for one in found if one.breach.rule.id == "log-level")
    assert f'href="/findings/{mine.fingerprint}"' in answer.text
    later = said(pages.get("/policies/acme/rules/tls").text)
    assert "Rules that are read later and decide every place of it instead" in later
    assert "acme/tls-again Comes later, and is not asked ignore staging/prod" in later


def test_what_is_not_there_is_named_with_the_nearest_name(pages: Site) -> None:
    """A misspelt policy or rule leads on."""
    pack, rule = pages.get("/policies/acmee"), pages.get("/policies/acme/rules/log-levle")
    assert (pack.status_code, rule.status_code) == (404, 404)
    assert "did you mean `acme`?" in said(pack.text)
    assert "did you mean `log-level`?" in said(rule.text)


def test_a_place_is_explained_at_a_second_look_that_begins_by_itself(pages: Site) -> None:
    """The page comes at once with what fetches the rest; once the pair is laid the answer is there directly."""
    question = "/policies/explain?left=dev&right=stg&resource=orders&path=spec.template.spec.containers.orders.image"
    first = pages.get(question)
    assert 'hx-trigger="load"' in first.text
    assert "Because" not in said(first.text)
    text = said(pages.get(f"{question}&wait=1").text)
    assert "A finding of medium severity, by default/image-ahead: open," in text
    assert "Because The two differ, also when names and spelling are set aside." in text
    assert "decides default/image-ahead medium" in text
    assert "overridden default/value-differs default/image-ahead comes later" in text
    again = said(pages.get(question).text)
    assert again[again.index("Seen:") :] == text[text.index("Seen:") :]


def test_no_finding_is_explained_as_well_and_guesses_lead_on(pages: Site) -> None:
    """An ignored difference names the rule that ignores it; an unknown place and an unknown resource say what is near."""
    base = "/policies/explain?left=staging&right=prod&wait=1"
    ignored = said(pages.get(f"{base}&resource=mail.env&path=SMTP_TLS").text)
    assert "No finding: acme/tls-again covers the difference" in ignored
    missing = pages.get(f"{base}&resource=mail.env&path=SMTP_TSL").text
    assert "neither side has such a place" in said(missing).lower()
    assert "path=SMTP_TLS" in missing
    assert "/policies/explain?left=staging&amp;right=prod&amp;resource=mail.env" in missing
    odd = pages.http.get("/policies/explain", params={"resource": "<img src=x>", "wait": "1"}).text
    assert "<img src=x>" not in odd
    unknown = pages.get(f"{base}&resource=mail.env&left=nope")
    assert (unknown.status_code, "unknown" in said(unknown.text) or "no environment" in said(unknown.text)) == (
        422,
        True,
    )


def test_a_pair_that_was_never_observed_says_what_to_run(pages: Site) -> None:
    """Nothing was seen of the lab, so nothing can be explained."""
    answer = pages.get("/policies/explain?left=lab&right=staging&resource=orders&wait=1")
    assert answer.status_code == 422
    assert "lab was not observed yet: run `audit now lab staging` first" in said(answer.text)


def test_a_check_tells_hits_and_what_never_hits(pages: Site) -> None:
    """Remarks of the lint, and for each rule in how many places it could speak, spoke and decided."""
    answer = pages.get("/policies/acme/check?wait=1")
    assert "never decides: acme/tls-again" in row(answer.text, "error tls")
    assert "never seen: of" in row(answer.text, "warning tickets")
    assert row(answer.text, "log-level 1").split() == ["log-level", "1", "1", "1", "0", "1", "0"]
    assert "never hits" in row(answer.text, "tickets never")


def test_a_broken_file_is_told_while_what_was_read_stays(pages: Site) -> None:
    """A policy file that cannot be read any more does not take away what the service keeps to meanwhile."""
    loaded, ground = pages.loaded(), cast(Backend, SimpleNamespace(store=pages.store))
    broken = pages.folder / "own" / "bad.yaml"
    broken.write_text("policy: bad\nrules: 3\n")
    try:
        found = packs(ground, loaded)
    finally:
        broken.unlink()
    assert [(line.pack.name, line.findings) for line in found.used[:2]] == [("acme", 1), ("default", 8)]
    assert len(found.problems) == 1
    assert found.problems[0].endswith("bad.yaml: expected a list, got the number 3")


def test_what_takes_long_is_made_once_and_forgotten_when_there_is_no_room() -> None:
    """The oldest goes first, the latest always stays, and nothing is kept for good."""
    made: list[str] = []
    kept: Remembered[str, str] = Remembered(10, len)

    def make(text: str) -> str:
        made.append(text)
        return text

    for text in ("aaaa", "bbbb", "aaaa", "cccc", "bbbb"):
        kept.get(text, NOW, lambda text=text: make(text))  # type: ignore[misc]
    assert made == ["aaaa", "bbbb", "cccc", "bbbb"]
    assert kept.known("cccc", NOW) == "cccc"
    assert kept.known("cccc", NOW + timedelta(hours=1)) is None
    kept.get("d" * 50, NOW, lambda: make("d" * 50))
    assert kept.known("d" * 50, NOW) is not None
    assert kept.known("cccc", NOW) is None
