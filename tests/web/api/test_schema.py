"""Every operation of the OpenAPI document, tried with what it allows and with what it does not."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import hypothesis.strategies as st
import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings

from tests.web.site import Site

with warnings.catch_warnings():
    # What others' packages say of each other when they are loaded.
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        negative_data_rejection,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# They end only when the reader goes.
_ENDLESS = {"followChanges"}
_EXAMPLES = {GenerationMode.POSITIVE: 2, GenerationMode.NEGATIVE: 1}


@pytest.fixture(scope="module")
def names(filled: Site) -> Mapping[str, list[str]]:
    """What there is, by the name of the parameter of a path."""
    store = filled.store
    return {
        "left": ["staging", "dev", "stg"],
        "right": ["prod", "staging"],
        "environment": ["prod", "stg"],
        "fingerprint": [stored.fingerprint for stored in store.findings()],
        "audit": [info.id for info in store.audits()],
        "snapshot": [info.id for info in store.snapshots()],
    }


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_answers_as_its_description_says(
    filled: Site, names: Mapping[str, list[str]], mode: GenerationMode
) -> None:
    """No 500, no status, type or shape that is not described; and what the description forbids is refused."""
    schema = schemathesis.openapi.from_dict(filled.http.get("/api/v1/openapi.json").json())
    schema.config.update(base_url=filled.url)
    checks = [*_CHECKS, *([negative_data_rejection] if mode is GenerationMode.NEGATIVE else [])]
    tried = 0
    with requests.Session() as session:
        session.trust_env = False
        for result in schema.get_all_operations():
            operation: Any = result.ok()  # type: ignore[union-attr]  # the document has no operation that cannot be read
            if operation.definition.raw["operationId"] in _ENDLESS:
                continue
            tried += 1
            _tried(operation, mode, names, checks, session)
    assert tried > 30


def _tried(operation: Any, mode: GenerationMode, names: Any, checks: Any, session: requests.Session) -> None:
    @settings(
        max_examples=_EXAMPLES[mode],
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def tried(case: Any, data: st.DataObject) -> None:
        if mode is GenerationMode.POSITIVE and data.draw(st.booleans()):
            known = {
                name: data.draw(st.sampled_from(names[name])) for name in case.path_parameters or {} if names.get(name)
            }
            case.path_parameters.update(known)
        response = case.call(session=session)
        case.validate_response(response, checks=checks)

    tried()
