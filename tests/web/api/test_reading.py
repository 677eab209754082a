"""What the API says of each noun, and that it is what the command line says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from auditor.cli.root import audit as command
from auditor.model import Severity
from auditor.publish.render import render
from auditor.web.queries.audits import Reports
from tests.web.site import NOW, Site


def got(site: Site, path: str, /, **query: Any) -> Any:
    """The JSON of a successful answer."""
    answer = site.http.get(f"/api/v1{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(site: Site, path: str, /, **query: Any) -> tuple[int, str]:
    """Status and detail of a refusal, which is a problem+json."""
    answer = site.http.get(f"/api/v1{path}", params=query)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["detail"]


def printed(site: Site, *arguments: str) -> Any:
    """What a command prints with `--format json` over the same store."""
    told = CliRunner().invoke(
        command, [*arguments, "--config", str(site.folder / "auditor.yaml")], catch_exceptions=False
    )
    return json.loads(told.stdout)


def test_pairs_tell_verdict_score_coverage_and_what_is_open(filled: Site) -> None:
    """The numbers are those of the last audit of each pair."""
    dev, staging = got(filled, "/pairs")["items"]
    assert [dev["left"], dev["right"], staging["left"], staging["right"]] == ["dev", "staging", "staging", "prod"]
    last = filled.store.last_audit("staging", "prod")
    assert last is not None
    assert staging["audit"]["id"] == last.id
    assert staging["audit"]["score"] == last.score
    assert staging["audit"]["coverage"] == 1.0
    assert (staging["answer"], staging["sentence"]) == ("yes", "Nothing at or above high; 6 findings below it.")
    assert sum(staging["open"].values()) == 6
    cells = [staging["categories"]["config"], staging["categories"]["deployment"]]
    assert sum(cell["drift"] for cell in cells) + staging["open"]["info"] == 6
    assert sum(cell["noted"] for cell in cells) == staging["open"]["info"] > 0
    assert got(filled, "/pairs/stg/prod") == staging


def test_a_pair_is_told_day_by_day(filled: Site) -> None:
    """Both audits of the day are counted, and the last one's score stands."""
    (day,) = got(filled, "/pairs/staging/prod/trend", days=7)["items"]
    assert (day["day"], day["audits"], day["incomplete"]) == ("2026-11-20", 2, 0)
    assert day["score"] == got(filled, "/pairs/staging/prod")["audit"]["score"]


def test_the_overview_sums_up(filled: Site) -> None:
    """Environments stand in the order of promotion, and what changed within a day is counted."""
    told = got(filled, "/overview")
    assert told["environments"] == ["dev", "staging", "prod"]
    assert told["answers"] == {"yes": 2, "no": 0, "not known": 0}
    assert told["pairs"] == got(filled, "/pairs")["items"]
    assert (told["incomplete"], told["stale"], told["alone"]) == ([], [], [])
    worth = [one for one in got(filled, "/happened")["items"] if one["severity"] != "info"]
    counted = [sum(one["to"] == status for one in worth) for status in ("open", "resolved")]
    assert [told["changed"]["opened"], told["changed"]["resolved"]] == counted == [7, 1]


def test_what_happened_is_told_newest_first(filled: Site) -> None:
    """Each event comes with its finding as it is now."""
    happened = got(filled, "/happened")["items"]
    assert len(happened) == 13
    assert [one["at"] for one in happened] == sorted((one["at"] for one in happened), reverse=True)
    assert {one["status"] for one in happened if one["to"] == "resolved"} == {"resolved"}


@pytest.mark.parametrize("limit", [1, 4])
def test_all_pages_together_are_the_whole_list(filled: Site, limit: int) -> None:
    """Whatever the size of a page, following `next` and following the link give every item once, in the same order."""
    for path, key in (("/findings", "fingerprint"), ("/happened", "at"), ("/audits", "id"), ("/collectors", "name")):
        whole = [one[key] for one in got(filled, path, limit=500)["items"]]
        by_cursor: list[str] = []
        after: str | None = None
        while True:
            told = got(filled, path, limit=limit, **({"after": after} if after else {}))
            by_cursor += [one[key] for one in told["items"]]
            after = told["next"]
            if after is None:
                break
        assert by_cursor == whole
        by_link: list[str] = []
        answer = filled.http.get(f"/api/v1{path}", params={"limit": limit})
        while True:
            by_link += [one[key] for one in answer.json()["items"]]
            if "next" not in answer.links:
                break
            answer = filled.http.get(answer.links["next"]["url"])
        assert by_link == whole


def test_a_filter_keeps_holding_on_the_next_page(filled: Site) -> None:
    """The link carries every parameter, repeated ones too."""
    query: dict[str, Any] = {"severity": ["low", "info"], "left": "stg", "limit": 1}
    answer = filled.http.get("/api/v1/findings", params=query)
    seen = []
    while True:
        seen += answer.json()["items"]
        if "next" not in answer.links:
            break
        answer = filled.http.get(answer.links["next"]["url"])
    assert {one["severity"] for one in seen} == {"low", "info"}
    assert {one["left"]["environment"] for one in seen} == {"staging"}
    assert len(seen) == answer.json()["total"] == 4


def test_filters_add_up(filled: Site) -> None:
    """Each filter of the pages is one of the API, with the same meaning."""
    everything = got(filled, "/findings")["items"]
    asked = got(filled, "/findings", category="config", left="staging", right="prod")["items"]
    expected = [one for one in everything if one["category"] == "config" and one["left"]["environment"] == "staging"]
    assert asked == expected
    assert [one["resource"] for one in got(filled, "/findings", text="billing")["items"]] == ["billing.env"]
    assert got(filled, "/findings", owner="team-orders", kind="env.*")["items"] == []
    assert {one["status"] for one in got(filled, "/findings", status="resolved")["items"]} == {"resolved"}
    assert len(got(filled, "/findings", newer="30m")["items"]) == 1
    counts = got(filled, "/findings/facets", left="staging", right="prod")
    assert counts["total"] == 6
    assert counts["category"] == {"config": 2, "deployment": 4}


def test_a_misspelt_parameter_is_refused(filled: Site) -> None:
    """Passed over, it would answer everything."""
    status, detail = refused(filled, "/findings", severty="high")
    assert status == 422
    assert detail.startswith("query.severty: there is no such parameter; known are after, category, cause,")
    assert refused(filled, "/whoami", x="1") == (422, "query.x: no parameter is known here")
    assert refused(filled, "/findings", sort=["newest", "oldest"]) == (422, "query.sort: give it once only")
    assert refused(filled, "/findings", text="a\0b")[0] == 422


def test_wrong_values_are_refused_where_they_stand(filled: Site) -> None:
    """Limits, words, ages and cursors of other lists are all named."""
    assert refused(filled, "/findings", limit=501)[1].startswith("query.limit: ")
    assert refused(filled, "/findings", severity="hgh")[1].startswith("query.severity.0: ")
    assert refused(filled, "/findings", older="x")[1].startswith("query.older: ")
    assert refused(filled, "/findings", older="7d", newer="1d")[0] == 422
    cursor = got(filled, "/collectors", limit=1)["next"]
    for path in ("/findings", "/pairs", "/happened", "/trail", "/audits"):
        assert refused(filled, path, after=f"{cursor}!")[0] == 422
    assert refused(filled, "/findings", after=cursor)[1].startswith("query.after: the cursor was not given out")


def test_what_is_not_there_is_a_404_in_a_sentence(filled: Site) -> None:
    """Unknown ids, ambiguous beginnings and unknown environments say so."""
    assert refused(filled, "/findings/0123456789") == (404, "there is no finding '0123456789'")
    assert refused(filled, "/audits/2026")[1].startswith("audit '2026' is ambiguous (20261120T093000-")
    assert refused(filled, "/pairs/staging/nowhere")[1].startswith("unknown environment 'nowhere'")
    assert refused(filled, "/audits/jobs/beef") == (404, "no audit of this id was asked for, or it is too long ago")
    assert refused(filled, "/nothing/here")[0] == 404


def test_what_did_not_change_is_not_sent_again(filled: Site) -> None:
    """An entity tag is answered with 304, alone, among others and weak; another one is not."""
    for path in ("/pairs", "/findings", "/openapi.json", "/environments/prod/drift", "/collectors"):
        first = filled.http.get(f"/api/v1{path}")
        tag = first.headers["etag"]
        assert first.headers["cache-control"] == "private, no-cache"
        for given in (tag, f'"x", {tag}', f"W/{tag}", "*"):
            again = filled.http.get(f"/api/v1{path}", headers={"if-none-match": given})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        other = filled.http.get(f"/api/v1{path}", headers={"if-none-match": '"x"'})
        assert (other.status_code, other.content) == (200, first.content)


def test_findings_are_those_that_the_command_prints(filled: Site) -> None:
    """`audit findings`, `audit show` and `audit explain` with `--format json` give the same objects."""
    listed = printed(filled, "findings", "--format", "json")
    assert sorted(got(filled, "/findings")["items"], key=lambda one: one["fingerprint"]) == sorted(
        listed, key=lambda one: one["fingerprint"]
    )
    fingerprint = listed[0]["fingerprint"]
    assert got(filled, f"/findings/{fingerprint[:10]}") == printed(filled, "show", fingerprint, "--format", "json")
    explained = got(filled, f"/findings/{fingerprint}/explanation")
    assert explained == printed(filled, "explain", fingerprint, "--format", "json")
    asked = ("explain", "staging", "prod", "--at", "mail.env", "--path", "SMTP_TLS", "--format", "json")
    place = got(filled, "/pairs/staging/prod/explanation", resource="mail.env", path="SMTP_TLS")
    assert place == printed(filled, *asked)
    assert place["places"][0]["finding"] is True
    assert explained["events"] == got(filled, f"/findings/{fingerprint}/events")["items"]


def test_other_lists_are_those_that_the_command_prints(filled: Site) -> None:
    """Versions, differences, drift, counterparts, policies, collectors, schemas, waivers, lint."""
    told = got(filled, "/versions")
    versions = printed(filled, "versions", "--format", "json")
    assert {key: told[key] for key in versions} == versions
    assert got(filled, "/diff", left="staging", right="prod") == printed(
        filled, "diff", "staging", "prod", "--format", "json"
    )
    since = "2026-11-20T09:00Z"
    drift = got(filled, "/environments/prod/drift", since=since)
    assert drift == printed(filled, "drift", "prod", "--since", since, "--format", "json")
    assert [change["path"] for change in drift["changes"]] == [["SMTP_TLS"]]
    matched = printed(filled, "match", "staging", "prod", "--format", "json")
    assert got(filled, "/pairs/staging/prod/matches")["items"] == matched["matches"]
    assert got(filled, "/pairs/staging/prod/unmatched")["items"] == matched["unmatched"]
    packs = {one["name"]: one for one in printed(filled, "policy", "list", "--format", "json")}
    for pack in got(filled, "/policies")["items"]:
        assert {key: pack[key] for key in packs[pack["name"]]} == packs[pack["name"]]
    collectors = CliRunner().invoke(command, ["collectors", "--format", "json"]).stdout
    assert got(filled, "/collectors", limit=500)["items"] == sorted(json.loads(collectors), key=lambda one: one["name"])
    for noun in ("config", "policy", "waivers"):
        schema = CliRunner().invoke(command, [noun, "schema"]).stdout
        assert got(filled, f"/schemas/{noun}") == json.loads(schema)
    linted = got(filled, "/lint", hits="true", policy="default")
    assert linted == printed(filled, "policy", "lint", "default", "--format", "json")


def test_an_audit_is_told_as_its_report_in_every_format(filled: Site) -> None:
    """JSON is what `audit now --format json` prints; each other format has its own type of content."""
    last = filled.store.last_audit("staging", "prod")
    assert last is not None
    text = render(last, "json", fail_on=Severity.MEDIUM, width=None, color=False, now=NOW)
    assert got(filled, f"/audits/{last.id}", fail_on="medium") == json.loads(text)
    for kind in Reports:
        answer = filled.http.get(f"/api/v1/audits/{last.id}/report", params={"format": kind.value})
        assert answer.headers["content-type"] == kind.media
        assert answer.text == kind.render(filled.loaded().config, last, filled.clock(), Severity.HIGH)
    html = filled.http.get(f"/api/v1/audits/{last.id}/report", params={"format": "html"})
    assert html.headers["content-security-policy"].endswith("sandbox")


def test_two_audits_are_told_apart(filled: Site) -> None:
    """What came, what went, what changed; by default against the one before."""
    later, earlier = filled.store.audits("staging", "prod")
    told = got(filled, f"/audits/{later.id}/diff")
    assert (told["before"], told["after"]) == (earlier.id, later.id)
    assert [one["resource"] for one in told["disappeared"]] == ["feature.env", "mail.env"]
    assert [one["path"] for one in told["appeared"]] == [["SMTP_TLS"]]
    assert (told["changed"], told["unchanged"]) == ([], 5)
    (other,) = filled.store.audits("dev", "staging")
    status, detail = refused(filled, f"/audits/{later.id}/diff", against=other.id)
    assert (status, detail) == (422, "query.against: that is an audit of dev and staging: name one of the same pair")
    assert refused(filled, f"/audits/{earlier.id}/diff")[0] == 404


def test_a_gate_is_told_of_what_is_recorded(filled: Site) -> None:
    """It passes or holds by the last audit; one that was never made cannot speak."""
    told = got(filled, "/pairs/staging/prod/gate")
    assert (told["gate"]["verdict"], told["gate"]["exit_code"]) == ("pass", 0)
    assert told["gate"]["observed"]["recorded"] is True
    held = got(filled, "/pairs/staging/prod/gate", fail_on="medium")
    assert (held["gate"]["verdict"], len(held["gate"]["holding"])) == ("hold", 2)
    status, detail = refused(filled, "/pairs/dev/prod/gate")
    assert (status, detail) == (409, "no audit of the pair is recorded: have dev/prod audited first")
    status, detail = refused(filled, "/pairs/dev/staging/gate")
    assert (status, detail) == (409, "the recorded audit is too old: have dev/staging audited first")
    assert refused(filled, "/pairs/staging/prod/gate", service="nobody")[0] == 422


def test_snapshots_and_their_resources_are_told(filled: Site) -> None:
    """A snapshot counts what it holds; a resource comes with its source's spelling and its normal form."""
    later, earlier = got(filled, "/environments/prod/snapshots")["items"]
    assert later["taken_at"] > earlier["taken_at"]
    assert got(filled, "/environments/prod")["snapshot"] == later
    whole = got(filled, f"/snapshots/{later['id']}")
    assert whole["kinds"] == {"env.file": 2, "kubernetes.deployment": 1}
    assert (whole["resources"], whole["unseen"]) == (3, [])
    names = [one["identity"] for one in got(filled, f"/snapshots/{later['id']}/resources")["items"]]
    assert names == ["billing.env", "mail.env", "orders"]
    one = got(filled, f"/snapshots/{later['id']}/resource", kind="env.file", identity="mail.env")
    assert one["attributes"] == {"SMTP_HOST": "smtp.prod.example.com", "SMTP_TLS": "required"}
    assert one["normal"]["form"] == {"SMTP_HOST": "smtp.{env}.example.com", "SMTP_TLS": "required"}
    changed = got(filled, "/environments/prod/changes")
    assert [change["new"]["value"] for change in changed["changes"]] == ["required"]
    status, _ = refused(filled, f"/snapshots/{later['id']}/resource", kind="env.file", identity="none.env")
    assert status == 404


def test_checklists_and_timelines_are_told(filled: Site) -> None:
    """The checklist is answered from the last audit; a timeline says what both sides held."""
    told = got(filled, "/environments/staging/readiness")
    assert told["environment"] == "staging"
    assert sum(told["verdict"]["counts"].values()) == len(told["items"]) == 14
    (finding,) = got(filled, "/findings", newer="30m")["items"]
    line = got(filled, f"/findings/{finding['fingerprint']}/timeline")
    assert [one["text"] for one in line["right"]["stretches"]] == ["required", '"true"']
    assert [one["text"] for one in line["left"]["stretches"]] == ['"false"']


def test_expected_differences_and_rules_are_told(filled: Site) -> None:
    """What differs as it should comes with the rule that says so."""
    (ruled,) = got(filled, "/pairs/staging/prod/expected")["items"]
    assert ruled["rule"] == "default/replicas-more-in-production"
    assert [(one["left"], one["right"]) for one in ruled["differences"]] == [("2", "4")]
    rule = got(filled, "/policies/default/rules/resource-missing")
    assert rule["text"].startswith("- id: resource-missing\n")
    assert all(example["passed"] for example in rule["examples"])
    assert refused(filled, "/policies/nowhere")[0] == 404
