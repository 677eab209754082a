"""One well-filled store behind the running application, for whatever is only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.site import Site, company, site


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three environments, two pairs that were audited twice, with something that changed in between."""
    folder = company(tmp_path_factory.mktemp("company"))
    with site(folder) as running:
        fill(running)
        yield running


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Site]:
    """The same for a test that changes something."""
    with site(company(tmp_path / "company")) as running:
        fill(running)
        yield running


def fill(running: Site) -> None:
    from datetime import timedelta

    running.audit("dev", "staging")
    running.audit()
    running.clock.later(timedelta(hours=1))
    (running.folder / "prod" / "mail.env").write_text("SMTP_HOST=smtp.prod.example.com\nSMTP_TLS=required\n")
    (running.folder / "staging" / "feature.env").unlink()
    running.audit()
