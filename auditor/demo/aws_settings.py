"""Parameters and secrets, by the paths that each environment keeps them under."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from auditor.demo.company import Site

# A key of the payment gateway that somebody copied from production to get staging going.
_GATEWAY_KEY = "tk7Xw2Lp9QzR4mVb8NcY6hJd"


def build(site: Site, client: Callable[[str], Any]) -> None:
    """Secrets are each environment's own, but for the planted one."""
    _parameters(site, client("ssm"))
    _secrets(site, client("secretsmanager"))


def _parameters(site: Site, ssm: Any) -> None:
    root = f"/shop/{site.pick('stg', 'prod')}"
    plain = {
        "base-url": f"https://{site.domain}",
        "search/host": f"search.{site.pick('staging', 'prod')}.tarnholm.internal",
        "search/index": site.pick("products-staging", "products-production"),
        "log-level": site.log_level,
        "currency": "EUR",
        "cart/expiry": "3h",
        "shipping/free-from": "75",
        "features/express-checkout": site.pick("true", "false"),
        "features/wishlist": "true",
    }
    if site.prod:
        plain["shipping/carrier-timeout"] = "8s"
    for name, value in plain.items():
        ssm.put_parameter(Name=f"{root}/{name}", Value=value, Type="String")
    ssm.put_parameter(Name=f"{root}/payment/methods", Value="card,invoice,wallet", Type="StringList")
    ssm.put_parameter(Name=f"{root}/session/signing-key", Value=_own(site, "sgn"), Type="SecureString")


def _secrets(site: Site, secrets: Any) -> None:
    root = site.pick("staging", "production")
    values = {
        "database": {"username": "shop", "password": _own(site, "dbp")},
        "payment-gateway": {"merchant_id": site.pick("tarnholm-test", "tarnholm-live"), "api_key": _GATEWAY_KEY},
        "mail": {"username": f"mailer@{site.domain}", "password": _own(site, "eml")},
    }
    for name, value in values.items():
        secrets.create_secret(Name=f"shop/{root}/{name}", SecretString=json.dumps(value))


def _own(site: Site, what: str) -> str:
    """A secret that only this environment has."""
    return f"{what}{site.pick('J3fK8sQ1zX6vB2nM', 'P7dT4wR9yC5gL0hU')}"
