"""A store that lost or spoiled something: the auditor says so in one message, and answers nothing from what is left."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.cli.conftest import Outcome


def _spoil(folder: Path, table: str) -> None:
    with closing(sqlite3.connect(folder / "auditor.db")) as connection:
        connection.execute(f"UPDATE {table} SET body = zeroblob(40)")
        connection.commit()


def test_what_is_damaged_is_the_auditors_failure_and_no_verdict(company: Path, run: Callable[..., Outcome]) -> None:
    """Exit code 4 and nothing on stdout, of every command that would need it; what does not need it is answered."""
    staging = company / "deploy/staging/app.env"
    staging.write_text("LOG_LEVEL=debug\n")
    (company / "deploy/prod/app.env").write_text("LOG_LEVEL=info\n")
    run("now", "staging", "prod")
    _spoil(company, "documents")
    staging.write_text("LOG_LEVEL=trace\n")
    needing = [run("explain", "staging", "prod", "--at", "app.env"), run("now", "staging", "prod")]
    (found,) = json.loads(run("findings", "--format", "json").out)
    _spoil(company, "findings")
    needing += [run("findings"), run("show", found["fingerprint"])]
    assert [(outcome.code, outcome.out) for outcome in needing] == [(4, "")] * len(needing)
    for outcome in needing:
        assert len(re.findall("The auditor failed: store: ", outcome.err)) == 1
        assert re.search(r"damaged.*restore", outcome.err)
        assert "Traceback" not in outcome.err
