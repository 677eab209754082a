"""Networks in configuration: each environment has its own address plan, and public addresses differ for a reason."""

from __future__ import annotations

import ipaddress
import re


def own_network(match: re.Match[str]) -> str:
    """A private network by its size alone; any other as it is."""
    try:
        network = ipaddress.ip_network(match.group(), strict=False)
    except ValueError:
        return match.group()
    return f"{{network}}/{network.prefixlen}" if network.is_private and network.prefixlen else match.group()


def alike_networks(left: str, right: str, *, own: bool) -> bool:
    """Private networks of one size: each environment has its own address plan. Public ones differ for a reason, unless
    their key says that they are the environment's `own`."""
    if not (left[:1].isdigit() and right[:1].isdigit()):
        return False
    try:
        a, b = ipaddress.ip_network(left, strict=False), ipaddress.ip_network(right, strict=False)
    except ValueError:
        return False
    return a.prefixlen == b.prefixlen > 0 and (own or (a.is_private and b.is_private))
