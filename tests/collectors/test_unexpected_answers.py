"""Answers that are valid JSON and not what an API documents, at every place of every answer, over loopback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Resource
from collectors import consul, github, gitlab, launchdarkly, terraform, unleash, vault
from tests.collectors.shapes import other_shapes
from tests.collectors.test_consul import Consul
from tests.collectors.test_flags import Darkly, darkly_flag, features, unleash_flag
from tests.collectors.test_forges import GITHUB, GITLAB, REPO
from tests.collectors.test_terraform import company, state
from tests.collectors.test_vault import STORE, Vault
from tests.standins.hostile import Answer, Hostile, hostile

SMALL_STORE = {
    "secrets": {"db": STORE["secrets"]["orders/db"]},
    "old": {},
    "mounts": {"secret/": STORE["mounts"]["secret/"]},
    "auth": {"token/": STORE["auth"]["token/"]},
    "policies": {"orders": STORE["policies"]["orders"]},
}
FLAG = unleash_flag("a", dependencies=[{"feature": "b", "variants": ["on"]}])
FAR_SIDES: dict[str, tuple[Any, Any, dict[str, Any], str]] = {
    "github": (github, GITHUB, {"repositories": ["acme/orders"], "token": "t"}, "base_url"),
    "gitlab": (gitlab, GITLAB, {"projects": ["acme/orders"], "token": "t"}, "base_url"),
    "consul": (consul, Consul({"a": "1"}), {}, "url"),
    "vault": (vault, Vault(SMALL_STORE), {"token": "t"}, "url"),
    "launchdarkly": (launchdarkly, Darkly(darkly_flag("a")), {"token": "t", "project": "shop", "environment": "production"}, "url"),
    "unleash": (unleash, features(FLAG), {"token": "t"}, "url"),
}  # fmt: skip


def answers(server: Hostile) -> dict[str, Answer]:
    """What the far side answered, by path with query."""
    return {path: server.answer(path) for path in dict.fromkeys(path for path, _ in server.asked)}


def read(module: Any, options: dict[str, Any]) -> list[Resource | Gap]:
    """What a source yields; a listing that failed as a gap, as a run would have it."""
    context = Context("staging", Path(), aliases=("staging", "stg"), fingerprint=lambda _: "0" * 32)
    found: list[Resource | Gap] = []
    for task in module.COLLECTOR.plan(module.COLLECTOR.options.model_validate(options), context):
        try:
            found += task.run()
        except CollectError as error:
            found.append(Gap("staging", task.source, task.kinds[0], error.reason, error.detail))
    return found


@pytest.mark.parametrize("name", FAR_SIDES)
def test_an_answer_of_any_other_shape_is_a_gap_in_words_or_is_read(name: str) -> None:
    """No defect of ours, no name of an error of Python's, and no null that is taken for somebody called None."""
    module, routes, options, address = FAR_SIDES[name]
    with hostile(routes) as server:
        options = {**options, address: server.url}
        assert [item for item in read(module, options) if isinstance(item, Gap)] == []
        good = answers(server)
        gaps: set[str] = set()
        for path, answer in good.items():
            document = json.loads(answer.body)
            for place, value, other in other_shapes(document):
                body = json.dumps(other).encode()
                server.routes = {**good, path: Answer(body, headers=answer.headers)}
                for item in read(module, options):
                    if isinstance(item, Gap):
                        gaps.add(item.detail)
                        assert "Error" not in item.detail, (path, place, value)
                    else:
                        assert "None" not in item.identity, (path, place, value)
                        assert "'None'" not in repr(item.attributes), (path, place, value)
    assert any("the answer is not what was asked for: " in detail for detail in gaps)


@pytest.mark.parametrize(
    ("path", "answer", "detail"),
    [
        (f"{REPO}/environments", None, "the list of environments is missing in it"),
        (f"{REPO}/environments", [], "the list of environments is a list in it, and not a map"),
        (f"{REPO}/environments", {"environments": "x"}, "the list of environments is a text in it, and not a list"),
        (f"{REPO}/environments", {"environments": [{"name": None}]}, "`name` of an environment is missing in it"),
        (f"{REPO}/deployments", {"message": "no"}, "the list of deployments is a map in it, and not a list"),
        (f"{REPO}/deployments", ["x"], "a deployment is a text in it, and not a map"),
        (f"{REPO}/deployments", [{"id": True}], "`id` of a deployment is true or false in it, and not a number"),
        (f"{REPO}/deployments/9/statuses", [{"state": 7}], "`state` of a status is a number in it, and not a text"),
        (f"{REPO}/tags", [{"name": "v1", "commit": None}], "`commit` of a tag is missing in it"),
    ],
)
def test_github_that_answers_otherwise_is_told_what_was_expected(path: str, answer: Any, detail: str) -> None:
    """Which part, what it was, and what it should have been; never what it said."""
    body = Answer(json.dumps(answer).encode())
    with hostile({**GITHUB, path: body}) as server:
        found = read(github, {"repositories": ["acme/orders"], "token": "t", "base_url": server.url})
    (gap,) = [item for item in found if isinstance(item, Gap)]
    assert gap.reason is GapReason.MALFORMED
    assert gap.detail == f"acme/orders: the answer is not what was asked for: {detail}"


def test_a_state_of_another_shape_is_refused_in_words() -> None:
    """A Terraform backend hands out one answer: each place of it may be anything."""
    document = json.loads(state(company("staging")))
    document["resources"] = document["resources"][:2]
    with hostile({}) as server:
        options = {"http": {"url": f"{server.url}/state"}}
        for place, value, other in other_shapes(document):
            server.routes = {"/state": Answer(json.dumps(other).encode())}
            for item in read(terraform, options):
                assert not isinstance(item, Gap) or "Error" not in item.detail, (place, value, item)
