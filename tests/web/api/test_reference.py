"""The reference page shows every operation and every shape of the OpenAPI document."""

from __future__ import annotations

import re

from tests.web.site import Site


def test_the_reference_names_every_operation_and_every_answer(filled: Site) -> None:
    """Each stands once with its method, path, parameters and answers, and what leads to a shape arrives there."""
    described = filled.http.get("/api/v1/openapi.json").json()
    answer = filled.get("/docs/api")
    assert answer.status_code == 200
    operations = [one for methods in described["paths"].values() for one in methods.values()]
    ids = re.findall(r'<details class="operation" id="([^"]+)"', answer.text)
    shapes = [name for name, schema in described["components"]["schemas"].items() if "properties" in schema]
    assert sorted(ids) == sorted([one["operationId"] for one in operations] + [f"shape-{name}" for name in shapes])
    assert set(re.findall(r'href="#(shape-\w+)"', answer.text)) <= set(ids)
    listing = answer.text.partition('id="listFindings"')[2].partition("</details>")[0]
    assert '<th scope="row"><code>min_severity</code></th><td data-head="In">query</td>' in listing
    assert "critical, high, medium, low or info" in listing
    assert '<a href="#shape-FindingList">FindingList</a>' in listing
    waive = answer.text.partition('id="waiveFinding"')[2].partition("</details>")[0]
    assert '<span class="badge">act</span>' in waive
    assert '<code>reason</code></th><td data-head="In">body</td><td data-head="Value">text' in waive


def test_every_operation_says_what_it_is_and_who_may(filled: Site) -> None:
    """Names, tags, descriptions, scopes, refusals and shapes are there for all; no name is used twice."""
    described = filled.http.get("/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    tags = {tag["name"] for tag in described["tags"]}
    operations = [one for methods in described["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    for one in operations:
        assert one["summary"]
        assert one["description"]
        assert set(one["tags"]) <= tags
        assert one["x-scope"] in ("read", "act", "admin")
        assert one["security"] == [{"token": []}, {"session": []}]
        for status, answer in one["responses"].items():
            if int(status) >= 400:
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}
        for parameter in one.get("parameters", ()):
            assert parameter["description"], (one["operationId"], parameter["name"])
