"""Policies: which there are, what their rules say, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from auditor.linting import Linter
from auditor.model import Severity
from auditor.publish import lint_report
from auditor.publish.lists import pack_object
from auditor.web.api.answers import Answer, page, sent
from auditor.web.api.operations import Found, Ground, gets, later, router
from auditor.web.api.paging import After, Limit, part
from auditor.web.api.shapes.policies import Lint, PackList, Rule, RuleList
from auditor.web.queries import policies as asked

if TYPE_CHECKING:
    from auditor.rules import Rule as Written
    from auditor.web.queries.policies import PackLine, RuleLine, RulePage

_NO_HITS = "hits were not asked for: none were counted"
Named = Annotated[str, Path(max_length=200, description="Its name.")]


def policies_router() -> APIRouter:
    found = router("Policies")

    @found.get("/policies", **gets("listPolicies", "List the policies", PackList))
    def policies(request: Request, ground: Ground, limit: Limit = 100, after: After = None) -> Answer:
        """Those of your own and those that ship, with the pairs that they judge and how much they find."""
        listed = asked.packs(ground, ground.loaded())
        packs = [*listed.used, *listed.others]
        shown, following = part(packs, lambda line: line.pack.name, "policies", limit, after)
        return page(request, [_pack_object(line) for line in shown], following, problems=list(listed.problems))

    @found.get("/policies/{policy}", **gets("listRules", "The rules of a policy", RuleList, 404))
    def policy(
        request: Request,
        ground: Ground,
        policy: Named,
        text: Annotated[str, Query(max_length=200, description="With all these words.")] = "",
        kind: Annotated[str, Query(max_length=200, description="About this kind.")] = "",
        severity: Annotated[list[Severity], Query(description="Of this severity; may be repeated.")] = [],  # noqa: B006
        silent: Annotated[bool, Query(description="Only those that find nothing.")] = False,
        limit: Limit = 100,
        after: After = None,
    ) -> Answer:
        """What each rule is about, what it expects, and how much it finds."""
        wanted = asked.RuleFilter(text, kind, frozenset(severity), silent)
        shown = asked.pack(ground, ground.loaded(), policy, wanted)
        numbered = {f"{number:09d}": line for number, line in enumerate(shown.rules)}
        keys, following = part(list(numbered), str, "rules", limit, after)
        items = [_line_object(numbered[key]) for key in keys]
        return page(request, items, following, policy=_pack_object(shown.line))

    @found.get("/policies/{policy}/rules/{rule}", **gets("getRule", "One rule", Rule, 404))
    def rule(ground: Ground, policy: Named, rule: Named) -> Answer:
        """As its file spells it, how its examples are judged, what it finds, and which rules may decide in its stead."""
        return Answer(_rule_object(asked.rule(ground, ground.loaded(), policy, rule)))

    @found.get("/lint", **gets("lintPolicies", "What is wrong with policies and waivers", Lint))
    def lint(
        ground: Ground,
        kept: Found,
        policy: Annotated[
            list[str], Query(max_length=50, description="Only this one; may be repeated. By default all of your own.")
        ] = [],  # noqa: B006 - nobody changes it
        hits: Annotated[
            bool, Query(description="Also count each rule's hits in what the last audits saw; that may take minutes.")
        ] = False,
    ) -> Response:
        """Rules that never match or never decide, and waivers that cover nothing, as `audit policy lint --format json`
        prints it. Hits are counted for one at a time."""
        linter = Linter(ground.config, ground.registry, ground.clock())
        if not hits:
            return sent(lint_report.as_json(linter.run(policy, None, _NO_HITS)))
        if not kept.counting.acquire(blocking=False):
            raise later()
        try:
            return sent(lint_report.as_json(linter.run(policy, ground.tools())))
        finally:
            kept.counting.release()

    return found


def _pack_object(line: PackLine) -> dict[str, Any]:
    return {**pack_object(line.pack), "pairs": _pairs(line.pairs), "findings": line.findings}


def _line_object(line: RuleLine) -> dict[str, Any]:
    rule = line.rule
    return {
        "id": rule.id,
        "about": rule.about,
        "kinds": list(rule.kinds),
        "paths": [glob.text for glob in rule.paths],
        "expects": line.expects,
        "severity": rule.severity.value,
        "tolerated_seconds": int(rule.tolerated_for.total_seconds()),
        "remediation": rule.remediation,
        "file": rule.file,
        "line": rule.line,
        "findings": line.findings,
        "overridden": _name(line.overridden),
    }


def _rule_object(shown: RulePage) -> dict[str, Any]:
    rule = shown.rule
    return {
        "id": rule.id,
        "policy": rule.policy,
        "about": rule.about,
        "expects": shown.expects,
        "severity": rule.severity.value,
        "file": rule.file,
        "line": rule.line,
        "text": None if shown.lines is None else "\n".join(text for _, text in shown.lines),
        "examples": [
            {
                "line": outcome.example.line,
                "expected": outcome.example.verdict,
                "verdict": outcome.verdict,
                "passed": outcome.passed,
            }
            for outcome in shown.outcomes
        ],
        "findings": [stored.fingerprint for stored in shown.findings],
        "total": shown.total,
        "later": [
            {"rule": later.rule.name, "whole": later.whole, "pairs": _pairs(later.pairs)} for later in shown.later
        ],
        "pairs": _pairs(shown.pairs),
    }


def _name(rule: Written | None) -> str | None:
    return rule.name if rule is not None else None


def _pairs(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    return ["/".join(pair) for pair in pairs]
