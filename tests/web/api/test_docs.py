"""The examples of docs/api.md, run as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from auditor.model import Status
from tests.web.site import Site

_PAGE = Path(__file__).parents[3] / "docs" / "api.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples call curl")
def test_the_examples_do_what_is_said_of_them(own: Site, tmp_path: Path) -> None:
    """Each block ends well and prints what its text promises."""
    # What was observed at this very moment would be shared, and its sources not read again.
    own.clock.later(timedelta(minutes=1))
    blocks = re.findall(r"^```sh\n(.*?)^```", _PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    folder = tmp_path / "shell"
    folder.mkdir()
    environ = {"PATH": "/usr/bin:/bin", "PARITY": own.url, "PARITY_TOKEN": "pa_0", "no_proxy": "*"}
    printed = []
    for block in blocks:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        printed.append(done.stdout)
    whoami, asked, paged, again, acted, audited, refused = printed
    assert whoami == '{"name":"ada","scope":"admin","via":"local"}'
    assert asked.count('"verdict":"pass"') == 1
    assert paged.count('"fingerprint"') == 9
    assert again.endswith("304")
    assert '"reason":"load test until Friday"' in acted
    assert '"state":"done"' in audited
    assert '"source":"files:prod","stage":"done"' in audited
    assert "query.severty: there is no such parameter" in refused
    statuses = {stored.status for stored in own.store.findings()}
    assert {Status.WAIVED, Status.ACKNOWLEDGED} <= statuses
