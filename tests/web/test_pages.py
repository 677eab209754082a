"""What a link in a message leads to: a finding and a pair's report, for this machine, harmless whatever they hold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from auditor.daemon.pages import StorePages
from auditor.life import live
from auditor.store import Store
from auditor.web.pages import pages_router
from tests.store.samples import audit, breach, snapshot

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOSTILE = "</pre><script>alert(1)</script>"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """One audit of staging and prod with one finding, whose message is markup."""
    with Store.open(f"sqlite:///{tmp_path / 'auditor.db'}") as opened:
        for environment in ("staging", "prod"):
            opened.save_snapshot(snapshot(f"{environment}-1", environment, NOW))
        life = live({}, [breach("orders", message=HOSTILE)], lambda _: True, NOW, "a1")
        opened.record_audit(audit("a1", life, NOW), ("staging-1", "prod-1"), life)
        yield opened


def get(store: Store, path: str, address: str = "127.0.0.1", **headers: str) -> httpx.Response:
    """The answer to a request from `address`, under the name that the service goes by."""
    app = FastAPI()
    app.include_router(pages_router(StorePages(store, lambda: NOW), lambda: {"parity.example.com"}))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(address, 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://parity.example.com") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def test_a_finding_is_shown_as_plain_text(store: Store) -> None:
    """What `audit show` and `audit explain` say; markup in it is only text."""
    (found,) = store.findings()
    answer = get(store, f"/findings/{found.fingerprint}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert found.fingerprint in answer.text
    assert HOSTILE in answer.text
    assert found.breach.rule.file in answer.text


def test_a_pair_is_shown_as_the_report_of_its_last_audit(store: Store) -> None:
    """The HTML report, in which nothing may run or be loaded."""
    answer = get(store, "/pairs/staging/prod")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.text.lower().startswith("<!doctype html>")
    assert HOSTILE not in answer.text
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize("path", ["/findings/ffffffffffff", "/pairs/staging/nowhere"])
def test_what_is_not_there_is_not_found(store: Store, path: str) -> None:
    """With a word on where to look."""
    answer = get(store, path)
    assert answer.status_code == 404
    assert ": see `" in answer.json()["detail"]


def test_pages_are_shown_to_this_machine_only(store: Store) -> None:
    """Another machine, and a name that somebody else let mean this one, get nothing; a proxy beside it does."""
    path = "/pairs/staging/prod"
    assert get(store, path, "192.0.2.7").status_code == 403
    assert get(store, path, host="evil.example").status_code == 421
    assert get(store, path, **{"x-forwarded-for": "192.0.2.7"}).status_code == 200
