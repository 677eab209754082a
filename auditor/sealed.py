"""Texts that differ between environments because each has keys of its own: ciphertexts, certificates and public keys.

What stands behind a ciphertext nobody can compare, and one text encrypted twice is two.
"""

from __future__ import annotations

import re

# One group for each sort: of a ciphertext against plain text, or against one of another tool, something else is meant.
_SEALED = re.compile(
    r"""
        (?P<kms>AQ[EI]CAH[A-Za-z0-9+/]{40,}={0,2})
      | (?P<sops>ENC\[AES256_GCM,data:[^\]]*\])
      | (?P<eyaml>ENC\[PKCS7,[^\]]*\])
      | (?P<jasypt>ENC\([A-Za-z0-9+/=]{16,}\))
      | (?P<spring>\{cipher\}\S{16,})
      | (?P<transit>vault:v[0-9]+:[A-Za-z0-9+/=]{16,})
      | (?P<ejson>EJ\[1:[A-Za-z0-9+/=:]{40,}\])
      | (?P<pulumi>v1:[A-Za-z0-9+/]{16}=?=?:[A-Za-z0-9+/=]{16,})
      | (?P<ansible>\$ANSIBLE_VAULT;.*)
      | (?P<public>-----BEGIN\ (?:TRUSTED\ |RSA\ |X509\ )?(?:CERTIFICATE|PUBLIC\ KEY)-----.*)
    """,
    re.VERBOSE | re.DOTALL,
)


def are_sealed(left: str, right: str) -> bool:
    """Whether both are ciphertexts of one tool, or both certificates or public keys."""
    ours, theirs = _SEALED.fullmatch(left.strip()), _SEALED.fullmatch(right.strip())
    return ours is not None and theirs is not None and ours.lastgroup == theirs.lastgroup
