"""What people call a server that has no name but its address."""

from __future__ import annotations

import re

# Labels that managed services put before the name: which endpoint of it is meant.
_ENDPOINTS = frozenset({"master", "primary", "replica", "reader", "writer", "clustercfg", "www"})
_ADDRESS = re.compile(r"[\d.]+|\[?[0-9a-f:]*:[0-9a-f:]*\]?|localhost|/.*", re.IGNORECASE)


def called_after(host: str, otherwise: str) -> str:
    """The first label of a host name that says something (`cache-staging` of `master.cache-staging.abc.example`).

    An IP address, a socket and `localhost` say nothing: `otherwise`."""
    bare = re.sub(r":\d+\Z", "", host.split(",")[0]) if not host.startswith("/") else host
    if not bare or _ADDRESS.fullmatch(bare):
        return otherwise
    labels = bare.split(".")
    return next((label for label in labels if label.lower() not in _ENDPOINTS), otherwise)
