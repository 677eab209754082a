"""A company with some days behind it: releases that went through the chain, a file that could not be read, hostile names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from tests.web.site import CONFIG, NOW, Site, company, site

HOSTILE = "<img src=x onerror=alert(1)>"
DAYS = 3
OTHER_BYTES = {name: f"sha256:{digit * 64}" for name, digit in (("dev", "a"), ("staging", "a"), ("prod", "b"))}
_WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  template:
    spec:
      containers: [{{name: {name}, image: "registry.example.com/{name}:{version}"}}]
---
"""
_LONE = """\
  lone: {sources: [{collector: files, path: lone}]}
pairs:
"""


@contextmanager
def grown(folder: Path) -> Iterator[Site]:
    """Staging runs each basket of dev a day later, prod staging's; the catalogue of prod is another one of the same tag.

    Staging had a file that could not be read on the second day, prod has one now. `lone` was never observed."""
    company(folder, CONFIG.replace("pairs:\n", _LONE))
    (folder / "lone").mkdir()
    (folder / "staging" / "odd.env").write_text(f'GREETING="{HOSTILE}"\n')
    with site(folder) as running:
        for day in range(DAYS):
            running.clock.now = NOW - timedelta(days=DAYS - 1 - day)
            for number, name in enumerate(("dev", "staging", "prod")):
                _release(folder / name, name, day - number, number)
            _unreadable(folder / "staging" / "broken.yaml", day == 1)
            _unreadable(folder / "prod" / "broken.yaml", day == DAYS - 1)
            if day == DAYS - 1:
                (folder / "staging" / "mail.env").write_text(f"SMTP_HOST=smtp2.staging.example.com\nNOTE={'n' * 300}\n")
                (folder / "staging" / "feature.env").unlink()
            running.audit("dev", "staging")
            running.audit()
        yield running


def _release(folder: Path, name: str, day: int, place: int) -> None:
    versions = {
        "basket": f"1.{max(day, 0)}.0",
        "catalogue": f"2.4.1@{OTHER_BYTES[name]}",
        "search": "latest",
        "payments": "v3.1.0" if place == 2 else "v3.0.0",
        **({"gifts": "0.1.0"} if place == 0 else {}),
        **({"ribbons": "0.2.0"} if place == 1 else {}),
    }
    texts = (_WORKLOAD.format(name=component, version=version) for component, version in versions.items())
    (folder / "shop.yaml").write_text("".join(texts))


def _unreadable(file: Path, there: bool) -> None:
    if there:
        file.write_text("a: [1\n b: }")
    else:
        file.unlink(missing_ok=True)
