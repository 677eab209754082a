"""botocore's events under their new names, each worked out once."""

from __future__ import annotations

from botocore.hooks import EventAliaser

_MOST = 20_000
_known: dict[str, str] = {}


class Events(EventAliaser):  # type: ignore[misc]
    """Events whose names every client knows that one has asked for.

    botocore has had other names for some; it looks for them in each name anew for each client, which takes a fifth of the
    time that it takes to make one."""

    def _alias_event_name(self, event_name: str) -> str:
        found = _known.get(event_name)
        if found is None:
            found = super()._alias_event_name(event_name)
            if len(_known) < _MOST:
                _known[event_name] = found
        return found
