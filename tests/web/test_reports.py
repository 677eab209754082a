"""Looking back and saying what belongs together, over HTTP: exports, audits, differences, counterparts, gaps, notices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from auditor.config import load_config
from auditor.match import Counterpart
from auditor.registry import Registry
from auditor.web.queries.matching import Choices, yaml_of
from tests.web.reading import row, rows, said
from tests.web.site import CONFIG, NOW, Site, company, site

_HOSTILE = "svc/a<b>&'x.env"
_CONFIG = CONFIG + "publish:\n  webhook: {url: http://127.0.0.1:9/hook}\n"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two audits of staging and prod: in between a file was mended, one came, one broke, and values changed."""
    folder = company(tmp_path_factory.mktemp("reports"), _CONFIG)
    staging, prod = folder / "staging", folder / "prod"
    for side in (staging, prod):
        (side / "svc").mkdir()
    (staging / "svc" / "payment.env").write_text("PAY_A=1\nPAY_B=2\nPAY_C=3\n")
    (prod / "svc" / "payments2.env").write_text("PAY_A=1\nPAY_B=2\nPAY_C=3\nPAY_D=4\n")
    (staging / "svc" / "checkout-worker.env").write_text("A_ONE=1\nB_TWO=2\nC_THREE=3\nD=4\n")
    (prod / "svc" / "checkout-workers-eu.env").write_text("A_ONE=1\nB_TWO=2\nC_THREE=3\nE=4\n")
    (staging / _HOSTILE).write_text("Z=1\n")
    (staging / "shaky.json").write_text('{"retries": 1}')
    (prod / "shaky.json").write_text('{"retries": 2}')
    with site(folder) as running:
        running.audit()
        running.clock.later(timedelta(hours=1))
        (staging / "feature.env").unlink()
        (staging / "fresh.env").write_text("FRESH=1\n")
        (staging / "shaky.json").write_text('{"retries": ')
        text = (staging / "orders.yaml").read_text()
        (staging / "orders.yaml").write_text(text.replace('value: "60"', 'value: "90"'))
        running.audit()
        yield running


def ids(pages: Site) -> list[str]:
    """The audits of staging and prod, the last one first."""
    return [info.id for info in pages.store.audits("staging", "prod")]


def test_the_last_audit_is_exported_in_every_format(pages: Site) -> None:
    """Each with its type and a file name; the same again is not sent twice; an unknown one says which there are."""
    kinds = {
        "json": "application/json",
        "md": "text/markdown; charset=utf-8",
        "html": "text/html; charset=utf-8",
        "xml": "application/xml",
        "sarif": "application/sarif+json",
        "txt": "text/plain; charset=utf-8",
    }
    found = {ending: pages.http.get(f"/pairs/stg/prod/export.{ending}") for ending in kinds}
    for ending, answer in found.items():
        assert (answer.status_code, answer.headers["content-type"]) == (200, kinds[ending])
        name = f"parity-staging-prod-20261120T103000Z.{ending}"
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert json.loads(found["json"].text)["audit"]["id"] == ids(pages)[0]
    assert json.loads(found["sarif"].text)["version"] == "2.1.0"
    assert ElementTree.fromstring(found["xml"].text).tag == "testsuites"
    assert "sandbox" in found["html"].headers["content-security-policy"]
    etag = found["md"].headers["etag"]
    again = pages.http.get("/pairs/staging/prod/export.md", headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")
    other = pages.http.get("/pairs/staging/prod/export.md?fail_on=low", headers={"if-none-match": etag})
    assert (other.status_code, "at or above low" in other.text) == (200, True)
    unknown = pages.http.get("/pairs/staging/prod/export.pdf")
    assert (unknown.status_code, "json, md, html" in unknown.json()["detail"]) == (404, True)
    never = pages.get("/pairs/dev/staging/export.json")
    assert (never.status_code, "was never audited" in said(never.text)) == (404, True)


def test_audits_are_listed_and_each_can_be_looked_at_as_it_was(pages: Site) -> None:
    """The last one first, paged by the one before; an old one shows its own values, and says what it could not see."""
    last, first = ids(pages)
    listed = pages.get("/pairs/staging/prod/audits")
    assert listed.text.index(f"/audits/{last}") < listed.text.index(f"/audits/{first}")
    assert "incomplete" in row(listed.text, last)
    older = pages.get(f"/pairs/staging/prod/audits?before={last}")
    assert (f"/audits/{last}" in older.text, f"/audits/{first}" in older.text) == (False, True)
    then, now = said(pages.get(f"/audits/{first}").text), said(pages.get(f"/audits/{last}").text)
    assert "env.CACHE_TTL 60 300 open" in then
    assert "env.CACHE_TTL 90 300 open" in now
    assert "Incomplete." not in then
    assert "Incomplete. 1 gap" in now
    hostile = pages.get(f"/audits/{first}")
    assert "a<b>&" not in hostile.text
    assert said(hostile.text).count("svc/a<b>&'x.env") == 1
    report = pages.get(f"/audits/{first}/report")
    assert report.headers["content-security-policy"].endswith("sandbox")
    assert "<style>" in report.text
    assert pages.get("/audits/nope").status_code == 404
    nothing = pages.get("/pairs/dev/staging/audits")
    assert "Never audited" in said(nothing.text)


def test_two_audits_are_held_against_each_other(pages: Site) -> None:
    """New, gone, changed, and what the later one could not look at: that is neither gone nor the same."""
    last, first = ids(pages)
    answer = pages.get("/pairs/staging/prod/audits/diff")
    text = said(answer.text)
    assert "1 finding could not be looked at again." in text
    assert "New 1 The worst first Severity Resource and path staging prod Status low fresh.env" in text
    assert "Gone 1 The worst first Severity Resource and path staging prod Status low feature.env" in text
    assert "Not looked at again 1" in text
    assert row(answer.text, "shaky.json").endswith("json.file retries 1 2 open")
    assert row(answer.text, "env.CACHE_TTL").endswith("staging 60 90")
    assert pages.get(f"/pairs/staging/prod/audits/diff?from={first}&to={last}").text.count("New <span") == 1
    back = said(pages.get(f"/pairs/staging/prod/audits/diff?from={last}&to={first}").text)
    assert "low feature.env" in back[back.index("New 2") : back.index("Changed")]
    wrong = pages.get("/pairs/dev/staging/audits/diff?from=nope")
    assert "There are no two audits to compare" in said(wrong.text)
    other = pages.get(f"/pairs/dev/staging/audits/diff?from={first}&to={last}")
    assert (other.status_code, "is an audit of staging/prod" in said(other.text)) == (422, True)


def keys(pages: Site) -> dict[str, str]:
    """The key of each suggestion by the name of its left resource."""
    found = [
        one for one in pages.store.findings("staging", "prod") if one.breach.suggestion and one.breach.left.identity
    ]
    return {str(one.breach.left.identity): one.fingerprint[:16] for one in found}


def test_suggested_counterparts_become_text_to_commit(pages: Site) -> None:
    """What is confirmed is an entry that the configuration takes, what is rejected a comment; the address says it all."""
    key = keys(pages)
    shown = pages.get("/pairs/staging/prod/match")
    assert "svc/payment.env svc/payments2.env env.file" in said(shown.text)
    assert "To commit into" not in said(shown.text)
    said_ = {f"say.{key['svc/payment.env']}": "yes", f"say.{key['svc/checkout-worker.env']}": "no"}
    answer = pages.post("/pairs/staging/prod/match", **said_)
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert address == (
        f"/pairs/staging/prod/match?yes={key['svc/payment.env']}&no={key['svc/checkout-worker.env']}#commit"
    )
    entry = '  - {kind: "env.file", left: "svc/payment.env", right: "svc/payments2.env"}'
    file = pages.http.get(address.replace("/match?", "/match.yaml?").removesuffix("#commit"))
    assert file.headers["content-disposition"] == 'attachment; filename="match-staging-prod.yaml"'
    assert file.text.splitlines()[:2] == ["match:", entry]
    assert file.text.splitlines()[2].startswith("# no counterparts: ")
    assert "svc/payments2.env" in said(pages.get(address).text)
    written = pages.folder / "confirmed.yaml"
    written.write_text(_CONFIG + file.text)
    read = load_config(written, registry=Registry.load(), environ={})
    assert read.counterparts == (Counterpart("env.file", "svc/payment.env", "svc/payments2.env"),)


def test_two_without_counterpart_are_paired_by_hand_and_only_what_was_seen(pages: Site) -> None:
    """Earlier choices stay; a name that was not seen alone, or has a counterpart already, is refused in a sentence."""
    key = keys(pages)
    yes = key["svc/payment.env"]
    place = "/pairs/staging/prod/match"
    answer = pages.post(f"{place}/pair", kind="env.file", ours=_HOSTILE, theirs="billing.env", yes=yes)
    assert answer.status_code == 303
    text = said(pages.get(answer.headers["location"]).text)
    assert '{kind: "env.file", left: "svc/a<b>&\'x.env", right: "billing.env"}' in text
    assert 'left: "svc/payment.env"' in text
    unseen = pages.post(f"{place}/pair", kind="env.file", ours="made-up.env", theirs="billing.env")
    assert (unseen.status_code, "made-up.env stayed without a counterpart" in said(unseen.text)) == (422, True)
    paired = pages.post(f"{place}/pair", kind="env.file", ours="mail.env", theirs="billing.env")
    assert paired.status_code == 422
    twice = pages.post(f"{place}/pair", kind="env.file", ours=_HOSTILE, theirs="svc/payments2.env", yes=yes)
    assert (twice.status_code, "would have two counterparts" in said(twice.text)) == (422, True)
    both = pages.get(f"{place}?yes={yes}&no={yes}")
    assert (both.status_code, "confirmed and rejected at once" in said(both.text)) == (422, True)
    for wrong in ("[1]", "x", '["a", "b"]', '["a", "", "c"]', "[" * 5000):
        assert pages.post(place, hand=wrong).status_code == 422
    gone = said(pages.get(f"{place}?yes=0123456789abcdef").text)
    assert "1 choice is not suggested any more" in gone


def test_every_pairing_is_listed_once_it_is_asked_for(pages: Site) -> None:
    """Lone resources with what they probably belong to, pairs with how they were made; words, kind and method filter."""
    place = "/pairs/staging/prod/match"
    assert "orders orders kubernetes.deployment" not in said(pages.get(place).text)
    found = pages.get(f"{place}?all=1&wait=1")
    assert "orders orders kubernetes.deployment equal once names are set aside 100 %" in rows(found.text)
    assert "billing.env env.file prod nothing" in rows(found.text)
    assert "svc/payment.env env.file staging svc/payments2.env" in row(found.text, "svc/payment.env env.file staging")
    narrow = said(pages.get(f"{place}?all=1&wait=1&kind=env.file&text=mail&method=identity").text)
    assert "Paired 1 of " in narrow
    assert "Nothing that fits stayed alone." in narrow
    never = pages.get("/pairs/dev/staging/match?all=1&wait=1")
    assert "The pairings cannot be shown. dev was not observed yet" in said(never.text)
    assert "Nothing is suggested" in said(never.text)


def test_text_to_commit_is_yaml_whatever_the_names_hold() -> None:
    """Quotes, line ends, colons, directions and emoji come back as they were, and nothing unseen stands in the text."""
    names = ['a"b\\c', "x: {y}\n- z", "\N{RIGHT-TO-LEFT OVERRIDE}evil", "🦊\ttab", "\x85\x00#", "it's"]
    confirmed = tuple(Counterpart("k", name, f"{name} too") for name in names)
    rejected = (Counterpart("k", "one\nmatch: []", "two"),)
    text = yaml_of(Choices(confirmed, rejected))
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    value: Any = yaml.safe_load(text.replace("\\U00000000", ""))
    assert [(one["left"], one["right"]) for one in value["match"]] == [
        (name.replace("\0", ""), f"{name} too".replace("\0", "")) for name in names
    ]
    assert len(text.splitlines()) == len(names) + 2


def test_gaps_say_why_and_what_helps_and_what_was_never_observed(pages: Site) -> None:
    """By reason, with what is hidden; an environment without a snapshot is no environment without gaps."""
    text = said(pages.get("/gaps").text)
    assert "Never observed: dev. Run audit snapshot dev" in text
    assert "Malformed the answer could not be understood staging , files:staging Not compared: 1 resource." in text
    assert "shaky.json at staging/shaky.json:1" in text
    calm = said(pages.get("/gaps?environment=prod").text)
    assert "Everything that is configured was observed." in calm
    assert pages.get("/gaps?environment=nope").status_code == 404


def test_notices_say_who_was_told_what_and_how_far_it_got(pages: Site) -> None:
    """What waits, and after what was given up why; a state without any says so."""
    answer = pages.get("/notices")
    assert rows(answer.text)[1].endswith(
        "in staging against prod webhook:127.0.0.1:9 pending 2026-11-20 10:30:00 UTC not yet 0"
    )
    first = pages.store.notices()[0].notice.id
    assert pages.store.begin_attempt(first, NOW, 0)
    pages.store.end_attempt(first, NOW, attempts=1, error="<b>410</b> gone", permanent=True)
    failed = pages.get("/notices?state=failed")
    assert "<b>410</b> gone" in rows(failed.text)[1]
    assert "<b>410" not in failed.text
    assert "There is no such notice" in said(pages.get("/notices?state=delivered").text)
