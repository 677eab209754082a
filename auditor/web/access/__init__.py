"""Who asks, and what he may: identities and scopes, tokens, sessions, logins, and what forms have to bring."""

from auditor.web.access.identity import Identity, Scope
from auditor.web.access.need import need

__all__ = ["Identity", "Scope", "need"]
