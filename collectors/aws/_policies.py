"""IAM's policy documents in one normal form: two that allow the same are the same, however they were written down.

IAM takes a lone string for a list, any order, any case of an action, `"*"` for `{"AWS": "*"}` and a bare account id for
its root. Statements become a map. What names one is its Sid, where a person gave it one; else its effect and the services
of its actions, so that a changed action is a change of one statement and not a statement gone and another come.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from auditor.model import Json

# Sids that consoles and generators make up; they differ between two copies of one policy.
_MADE_UP = re.compile(r"(?i)(visualeditor|stmt|statement|sid)?-?[0-9]*\Z")
_ACCOUNT = re.compile(r"[0-9]{12}\Z")
_LISTED = ("Action", "NotAction", "Resource", "NotResource")
_LOWER = ("Action", "NotAction")


def statements(document: Any) -> dict[str, Json]:
    """A policy document (a map, its JSON, or its URL-encoded JSON) as `{statement: {effect, actions, ...}}`.

    Of each statement: `effect`; `actions` or `not_actions`, in lower case; `resources` or `not_resources`;
    `principals` or `not_principals` by type; `conditions` by operator and key. Every list is sorted.
    Raises ValueError or TypeError where it is none.
    """
    plain = _parsed(document)
    found = sorted((_statement(each) for each in _many(plain.get("Statement"))), key=_order)
    named: dict[str, Json] = {}
    for sid, statement in found:
        name = sid if sid and not _MADE_UP.match(sid) else _described(statement)
        unique, count = name, 2
        while unique in named:
            unique, count = f"{name} {count}", count + 1
        named[unique] = statement
    return named


def statements_or_none(document: Any) -> Json:
    """`statements` of a document that may not be there."""
    return statements(document) if document else None


def _parsed(document: Any) -> Mapping[str, Any]:
    if isinstance(document, str):
        text = document if document.lstrip().startswith("{") else unquote(document)
        document = json.loads(text)
    if not isinstance(document, Mapping):
        raise TypeError("a policy is a map")
    return document


def _statement(written: Mapping[str, Any]) -> tuple[str, dict[str, Json]]:
    statement: dict[str, Json] = {"effect": str(written["Effect"]).lower()}
    for key in _LISTED:
        if key in written:
            values = [str(each) for each in _many(written[key])]
            values = [each.lower() for each in values] if key in _LOWER else values
            statement[_plural(key)] = sorted(set(values))
    for key in ("Principal", "NotPrincipal"):
        if key in written:
            statement[_plural(key)] = _principals(written[key])
    if written.get("Condition"):
        statement["conditions"] = _conditions(written["Condition"])
    return str(written.get("Sid") or ""), statement


def _plural(key: str) -> str:
    name = key.lower()
    return f"not_{name.removeprefix('not')}s" if name.startswith("not") else f"{name}s"


def _principals(written: Any) -> dict[str, Json]:
    if not isinstance(written, Mapping):
        written = {"AWS": written}
    found = {}
    for kind, values in written.items():
        names = {str(each) for each in _many(values)}
        found[str(kind).lower()] = sorted(
            f"arn:aws:iam::{name}:root" if str(kind) == "AWS" and _ACCOUNT.match(name) else name for name in names
        )
    return found


def _conditions(written: Mapping[str, Any]) -> dict[str, Json]:
    return {
        str(operator): {
            str(key).lower(): sorted(
                str(each).lower() if isinstance(each, bool) else str(each) for each in _many(values)
            )
            for key, values in tests.items()
        }
        for operator, tests in written.items()
    }


def _described(statement: Mapping[str, Json]) -> str:
    """`allow s3`, `deny everything but iam`: the effect, and the services that its actions are of."""
    actions = statement.get("actions")
    other = statement.get("not_actions")
    services = sorted({str(each).partition(":")[0] for each in (actions if actions is not None else other or ())})
    but = "everything but " if actions is None and other is not None else ""
    return f"{statement['effect']} {but}{' '.join('everything' if each == '*' else each for each in services)}".strip()


def _order(found: tuple[str, Mapping[str, Json]]) -> str:
    sid, statement = found
    return json.dumps([_described(statement), statement.get("actions", []), sid, statement], sort_keys=True)


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
