"""Tokens that are known by their shape, wherever they stand. A table of our own: docs/decisions/0002-secret-detection.md.

Each pattern is linear in the length of the text. Where it has a group, only the group is the secret.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHAPES = (
    r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])",  # AWS access key id
    r"gh[pousr]_[A-Za-z0-9]{30,}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{22,}",
    r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas)-[\w-]{20,}",  # GitLab
    r"xox[abeoprs]-[\w-]{10,}",  # Slack
    r"xapp-[\w-]{10,}",
    r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}",  # Stripe
    r"whsec_[A-Za-z0-9+/=]{20,}",
    r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",  # JSON Web Token
    r"AIza[\w-]{35}",  # Google
    r"ya29\.[\w-]{20,}",
    r"GOCSPX-[\w-]{20,}",
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-[\w-]{50,}",
    r"SG\.[\w-]{16,}\.[\w-]{16,}",  # SendGrid
    r"SK[0-9a-f]{32}(?![0-9a-f])",  # Twilio
    r"key-[0-9a-f]{32}(?![0-9a-f])",  # Mailgun
    r"[0-9a-f]{32}-us\d{1,2}(?!\w)",  # Mailchimp
    r"sk-[\w-]{20,}",  # OpenAI, Anthropic
    r"hv[sbr]\.[\w-]{20,}",  # HashiCorp Vault
    r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}",  # Terraform Cloud
    r"do[opr]_v1_[0-9a-f]{64}",  # DigitalOcean
    r"sq0(?:atp|csp)-[\w-]{20,}",  # Square
    r"dapi[0-9a-f]{32}",  # Databricks
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",  # Shopify
    r"\d{8,10}:AA[\w-]{32,}",  # Telegram
    r"NRAK-[A-Z0-9]{27}",  # New Relic
    r"[0-9a-f]{36}NRAL",
    r"gl(?:c|sa)_[\w=+/-]{20,}",  # Grafana
    r"sntr[ysu]_[\w=+/-]{20,}",  # Sentry
    r"dckr_(?:pat|oat)_[\w-]{20,}",  # Docker Hub
    r"dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.]{20,}",  # Doppler
    r"lin_api_[A-Za-z0-9]{32,}",  # Linear
    r"ATATT3[\w=-]{50,}",  # Atlassian
    r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}",  # Postman
    r"pul-[0-9a-f]{40}",  # Pulumi
    r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
    r"\w{3}8Q~[\w.~-]{31,}",  # Entra ID client secret
    r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}",  # bcrypt
    r"\$(?:1|5|6|apr1|y|argon2\w*)\$[^\s:\"']{8,}",  # crypt, argon2
    r"SCRAM-SHA-(?:1|256)\$[^\s\"']{20,}",  # PostgreSQL's stored password
)
_TOKEN = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(_SHAPES)})")
# Of a token without and with a dollar sign.
_SHORTEST, _SHORTEST_HASH = 15, 11
# Where only a part is secret, and what stands around it stays readable. Each with what is in every text that has one.
_PARTS = (
    ("hooks.slack.com/", re.compile(r"hooks\.slack\.com/(?:services|workflows|triggers)/([^\s\"'<>?]+)")),
    ("webhooks/", re.compile(r"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/([^\s\"'<>?]+)")),
    ("webhookb2/", re.compile(r"webhook\.office\.com/webhookb2/([^\s\"'<>?]+)")),
    ("outlook.office", re.compile(r"outlook\.office(?:365)?\.com/webhook/([^\s\"'<>?]+)")),
    ("hooks.zapier.com/", re.compile(r"hooks\.zapier\.com/hooks/catch/([^\s\"'<>?]+)")),
    ("thin:", re.compile(r"\bthin:[^/\s@]+/([^@\s]+)@")),  # Oracle
    # Go's MySQL driver
    ("@", re.compile(r"(?<![\w/.:%+-])[\w.%+-]{1,120}:([^\s@/\"']{1,2000})@(?:tcp|unix|udp)\(")),
    (
        "@",
        re.compile(
            r"(?<![\w/.:%+-])(?!mailto:|sips?:|sha\d+:)[\w.%+-]{1,120}:([^\s@/:\"']{1,2000})"
            r"@(?!sha\d)[\w-][\w.-]*(?::\d+|/)"
        ),
    ),
    ("-p", re.compile(r"\b(?:mysql|mysqldump|mysqladmin|mariadb(?:-\w+)?)\b[^\n|;&]{0,2000}?\s-p([^\s\"'-]\S*)")),
    ("sshpass", re.compile(r"\bsshpass\s+-p\s*(\S+)")),
    ("redis-cli", re.compile(r"\bredis-cli\b[^\n|;&]{0,2000}?\s-a\s+(\S+)")),
    ("curl", re.compile(r"\bcurl\b[^\n|;&]{0,2000}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"']+:([^\s\"']+)")),
)
_BEARER = re.compile(r"(?i)\b(?:bearer|basic|token)\s+((?=[^\s\"',;]{20}|[^\s\"',;]*\d)[\w.~+/=-]{8,})")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
# The same in base64: anything that begins with `-----BEGIN`, but certificates and public keys.
_ENCODED_KEY = re.compile(r"LS0tLS1CRUdJTi(?!BDRVJUSUZJQ0FURS|BQVUJMSUMg)[A-Za-z0-9+/=]{20,}")


def shaped_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where tokens of a known shape stand in `text`."""
    if len(text) < 8:
        return
    if len(text) >= _SHORTEST or (len(text) >= _SHORTEST_HASH and "$" in text):
        for found in _TOKEN.finditer(text):
            yield found.span()
    for needed, part in _PARTS:
        if needed in text:
            for found in part.finditer(text):
                yield found.span(1)
    if len(text.split(None, 1)) > 1:
        for found in _BEARER.finditer(text):
            yield found.span(1)
    if "-----BEGIN" in text:
        for found in _PRIVATE_KEY.finditer(text):
            yield found.span()
    if "LS0tLS1CRUdJTi" in text:
        for found in _ENCODED_KEY.finditer(text):
            yield found.span()
