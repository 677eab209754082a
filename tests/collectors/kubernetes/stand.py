"""A cluster that answers what a kube-apiserver 1.20 answered (`recorded/`), in pages, with refusals where a test wants them."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.standins.hostile import CANARY, Answer, Hostile, hostile

RECORDED = Path(__file__).parent / "recorded"
_NAMESPACED = re.compile(r"(/api/v1|/apis/[^/]+/[^/]+)/namespaces/([^/]+)/([^/]+)")


@cache
def _recorded() -> str:
    return (RECORDED / "answers.json").read_text(encoding="utf-8")


def answers() -> dict[str, Any]:
    """The recorded answers by path, fresh for every caller."""
    found: dict[str, Any] = json.loads(_recorded())
    return found


@dataclass
class Cluster:
    """`denied` holds path prefixes that are answered with 403; `gone` how many continued pages are answered with 410."""

    answers: Mapping[str, Any] = field(default_factory=answers)
    denied: tuple[str, ...] = ()
    gone: int = 0

    def __call__(self, asked: str) -> Any:
        url = urlsplit(asked)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if any(url.path.startswith(prefix) for prefix in self.denied):
            return _status(403, "Forbidden")
        found = self._found(url.path, query)
        if found is None or not isinstance(found.get("items"), list):
            return found
        return self._page(found, query)

    def _found(self, path: str, query: Mapping[str, str]) -> Any:
        if query.get("labelSelector") == "owner=helm":
            path = f"{path}#metadata"
        inside = _NAMESPACED.fullmatch(path.removesuffix("#metadata"))
        if inside is None:
            named = path.removeprefix("/api/v1/namespaces/")
            listed = self.answers["/api/v1/namespaces"]["items"] if named != path else []
            return next((one for one in listed if one["metadata"]["name"] == named), self.answers.get(path))
        whole = self.answers.get(f"{inside[1]}/{inside[3]}{'#metadata' if path.endswith('#metadata') else ''}")
        if whole is None:
            return None
        return {**whole, "items": [one for one in whole["items"] if one["metadata"]["namespace"] == inside[2]]}

    def _page(self, listing: Mapping[str, Any], query: Mapping[str, str]) -> Any:
        start = int(query.get("continue", "0"))
        if start and self.gone:
            self.gone -= 1
            return _status(410, "Expired")
        end = start + int(query["limit"])
        more = {"continue": str(end)} if end < len(listing["items"]) else {}
        metadata = {**listing.get("metadata", {}), "continue": "", **more}
        return {**listing, "metadata": metadata, "items": listing["items"][start:end]}


def _status(code: int, reason: str) -> Answer:
    body = {"kind": "Status", "status": "Failure", "reason": reason, "message": CANARY, "code": code}
    return Answer(json.dumps(body).encode(), code)


def twin(environment: str, number: int) -> dict[str, Any]:
    """The recorded answers as another environment's cluster would give them: names, ids, addresses, times and order."""
    text = _recorded().replace("shop-prod", f"shop-{environment}").replace("2026-", f"202{number}-")
    text = re.sub(r"(?<=\")[0-9a-f]{8}(?=(-[0-9a-f]{4}){3}-[0-9a-f]{12}\")", f"{number:08x}", text)
    text = re.sub(r"10\.96\.0\.", f"10.{number}.0.", text)
    text = re.sub(r"(\"resourceVersion\": \")", rf"\g<1>{number}", text)
    text = re.sub(r"(\"nodePort\": )[0-9]+", rf"\g<1>{30_000 + number}", text)
    # Secrets are each environment's own, and tags that move are findings by themselves.
    text = text.replace("web:latest", "web:2.0").replace('example.com/proxy"', 'example.com/proxy:2.1"')
    text = re.sub(
        r"Q2FOYVJ5LW9uZQ==|Q2FOYVJ5LXR3bw==", lambda was: _base64(f"{was[0][-4:]}{number}-of-{environment}"), text
    )
    found: dict[str, Any] = json.loads(text)
    for answer in found.values():
        if isinstance(answer, dict) and isinstance(answer.get("items"), list) and number % 2:
            answer["items"].reverse()
    secret = found[f"/api/v1/namespaces/shop-{environment}/secrets/sh.helm.release.v1.cache.v2"]
    secret["data"]["release"] = _repacked(secret["data"]["release"], f"{CANARY}-{environment}-{number}")
    return found


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _repacked(packed: str, password: str) -> str:
    """A Helm release with another password."""
    body = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(packed))))
    body["config"]["auth"]["password"] = password
    return _base64(base64.b64encode(gzip.compress(json.dumps(body).encode())).decode())


@contextmanager
def served(cluster: Cluster, folder: Path) -> Iterator[tuple[Hostile, dict[str, Any]]]:
    """The running server, and the options of a source that reads it."""
    with hostile(cluster) as server:
        yield server, {"kubeconfig": kubeconfig(folder, server.url), "max_attempts": 1}


def kubeconfig(folder: Path, url: str, user: Mapping[str, Any] | None = None, **cluster: Any) -> str:
    """A kubeconfig for the server, written to the folder."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "shop",
        "clusters": [{"name": "shop", "cluster": {"server": url, **cluster}}],
        "users": [{"name": "reader", "user": {"token": f"{CANARY}-token"} if user is None else dict(user)}],
        "contexts": [{"name": "shop", "context": {"cluster": "shop", "user": "reader"}}],
    }
    file = folder / f"kubeconfig-{url.rpartition(':')[2]}"
    file.write_text(json.dumps(config), encoding="utf-8")
    return str(file)
