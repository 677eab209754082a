"""Which groups may do what, and what a trusted proxy says of whoever asks."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from auditor.credentials import Scope
from auditor.loopback import address_of

if TYPE_CHECKING:
    from fastapi import Request

    from auditor.settings import GrantSettings, ProxySettings

_EVERYBODY = "*"
_LONGEST_NAME = 200


def granted(settings: GrantSettings, groups: Collection[str]) -> Scope | None:
    """The widest scope that any of the groups gives; None where none gives any."""
    for scope, allowed in ((Scope.ADMIN, settings.admin), (Scope.ACT, settings.act), (Scope.READ, settings.read)):
        if _EVERYBODY in allowed or not set(allowed).isdisjoint(groups):
            return scope
    return None


def groups_of(claims: dict[str, Any], claim: str) -> tuple[str, ...]:
    """The groups that `claim` names: a list, or one text. A dot leads into it, where no claim has that very name."""
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for step in claim.split("."):
            found = found.get(step) if isinstance(found, dict) else None
    if isinstance(found, str):
        return (found,)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def proxied(request: Request, settings: ProxySettings) -> tuple[str, tuple[str, ...]] | None:
    """Name and groups, if the connection comes from the proxy and says them; None otherwise.

    A header that stands twice was sent by the client as well, so whose word it is, nobody knows."""
    peer = address_of(request.client.host) if request.client is not None else None
    if peer is None or not any(peer in ip_network(network) for network in settings.from_):
        return None
    users = request.headers.getlist(settings.user_header)
    groups = request.headers.getlist(settings.groups_header)
    name = users[0].strip() if len(users) == 1 else ""
    if not name or len(name) > _LONGEST_NAME or len(groups) > 1:
        return None
    listed = groups[0].split(",") if groups else []
    return name, tuple(text for part in listed if (text := part.strip()))
