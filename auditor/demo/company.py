"""Tarnholm Outdoor, a web shop: what its two environments are called, and everything in which they rightly differ.

What is different here is different on purpose and in order: names, accounts, sizes, replicas, protection, retention,
hosts and secrets. What is planted as a drift stands in `drifts.py` and is built where its service is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

REGION = "eu-west-1"
ROLE = "ParityAuditor"


@dataclass(frozen=True, slots=True)
class Site:
    """One environment of the company, by what its people call things. `names` are resource names by what they are."""

    environment: str
    account: str
    network: str
    domain: str
    names: Mapping[str, str]
    tasks: int
    machines: int
    log_level: str
    keep_days: int
    prod: bool

    @property
    def role_arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role/{ROLE}"

    def name(self, what: str) -> str:
        return self.names[what]

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{REGION}:{self.account}:{resource}"

    def image(self, name: str, tag: str) -> str:
        """An image of the account's own registry."""
        return f"{self.account}.dkr.ecr.{REGION}.amazonaws.com/shop/{name}:{tag}"

    def pick(self, staging: str, prod: str) -> str:
        """The value that this environment has of two."""
        return prod if self.prod else staging


_NAMES = {
    # what: (in staging, in production), as people named them over the years
    "vpc": ("shop-staging", "shop-production"),
    "balancer": ("shop-stg-public", "shop-prod-public"),
    "balancer-sg": ("shop-stg-alb", "shop-prod-alb"),
    "service-sg": ("shop-stg-services", "shop-prod-services"),
    "data-sg": ("ShopStagingData", "ShopProductionData"),
    "render-sg": ("stage-render", "prod-render"),
    "cluster": ("shop-stg", "prod-shop"),
    "storefront": ("shop-stg-storefront", "shop-prod-storefront"),
    "api": ("stg-shop-api", "prod-shop-api"),
    "checkout": ("ShopCheckoutStaging", "ShopCheckoutProduction"),
    "search": ("search-staging", "search"),
    "orders-worker": ("ordersworkerstg", "ordersworkerprd"),
    "mailer": ("mailer-stage", "mailer-live"),
    "render": ("media-render-stg", "prod-media-render"),
    "orders-db": ("shop-staging-orders", "shop-production-orders"),
    "orders-pg": ("orders-staging-pg16", "orders-production-pg16"),
    "catalogue-db": ("catalogue-stg", "catalogue-prd"),
    "catalogue-pg": ("catalogue-stg-mysql8", "catalogue-prd-mysql8"),
    "subnet-group": ("shop-staging-data", "shop-production-data"),
    "sessions": ("stg-sessions", "prd-sessions"),
    "resizer": ("ImageResizerStaging", "ImageResizerProd"),
    "export": ("stg-order-export", "prod-order-export"),
    "newsletter": ("newsletter-sync-stage", "newsletter-sync-prod"),
    "uploads": ("tarnholm-uploads-staging", "tarnholm-uploads"),
    "queue": ("orders-staging", "orders-production"),
}

STAGING = Site(
    environment="staging",
    account="402213771948",
    network="10.20",
    domain="staging.tarnholm.example",
    names={what: staging for what, (staging, _) in _NAMES.items()},
    tasks=1,
    machines=1,
    log_level="debug",
    keep_days=3,
    prod=False,
)
PROD = Site(
    environment="prod",
    account="731904556120",
    network="10.40",
    domain="www.tarnholm.example",
    names={what: prod for what, (_, prod) in _NAMES.items()},
    tasks=4,
    machines=3,
    log_level="info",
    keep_days=30,
    prod=True,
)
