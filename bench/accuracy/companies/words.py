"""What companies call things. Many of these words hold, or are, a word that means an environment somewhere else."""

from __future__ import annotations

COMPANIES = (
    "acme tarnholm brightwell nordlys kestrel halcyon marlowe quillon vantage orchard lumen fjord stagecoach prodigal"
    " livewell devonshire testarossa statera uatec prestwick hudson corvid meridian basalt tideline perihelion"
).split()

# Names that a naive search for `prod`, `stage`, `live`, `test`, `dev`, `pre`, `pp` and the like trips over.
TRAPS = (
    "product-api livestream stage-manager prodigy testimonials devices reproduction backstage upstage latest-news"
    " developer-portal contest-entries attestation preview delivery olive-grove production-planning test-results"
    " live-chat dev-portal public-api main-site alive-check producer-metrics protester-map stagecraft nonprofit"
    " prodcat pre-orders presentation preprocessing qa-answers demo-booking sandbox-games internal-mail beta-signup"
    " apprentice supplier-portal shipping-app stager prd-editor acceptance-forms staging-area integration-hub"
    " perform rctl uatlas products approvals steps mainframe-bridge"
).split()
PLAIN = (
    "orders billing checkout catalogue search cart inventory payments invoices refunds customers accounts sessions"
    " gateway frontend admin reports ledger pricing promotions recommendations notifications mailer webhooks imports"
    " exports thumbnails media documents signatures identity permissions audit-trail scheduler geocoder routes tracking"
    " returns warehouse suppliers procurement loyalty vouchers subscriptions metering usage quotes leads crm-sync"
    " translations wishlist reviews ratings feed timeline messages presence calls fraud risk kyc onboarding consent"
    " tax shipping labels parcels couriers slots tables bookings calendar rooms rates menus tickets seats"
).split()
DATABASES = "orders ledger catalogue identity reporting events products backstage devices inventory crm audit".split()
CACHES = "sessions pages carts tokens feed rates livestream".split()
FUNCTIONS = "resizer exporter importer newsletter webhook-relay pdf-render image-tagger log-shipper reproducer".split()
FLEETS = "render batch build-agents crawler transcode bastion search-nodes stage-lights".split()
MODULES = "shop back-office platform core data edge mobile partner".split()

FLAGS = (
    "FEATURE_EXPRESS_CHECKOUT FEATURE_WISHLIST ENABLE_NEW_SEARCH USE_GRAPHQL FF_ASYNC_INVOICES CHECKOUT_V2_ENABLED"
    " FEATURE_LIVE_PRICES ENABLE_STAGE_TWO_REVIEW ENABLE_PRODUCT_BUNDLES RATE_LIMIT_ENABLED CACHE_ENABLED"
    " STRICT_VALIDATION OFFLINE_MODE DARK_MODE_DEFAULT SEND_RECEIPTS"
).split()
# Settings of which both sides should hold the same, with values to draw from.
SETTINGS: dict[str, tuple[str, ...]] = {
    "PAGE_SIZE": ("20", "25", "50"),
    "CURRENCY": ("EUR", "USD", "SEK"),
    "DEFAULT_LOCALE": ("en_GB", "de_DE", "sv_SE"),
    "TZ": ("UTC", "Europe/Stockholm"),
    "API_VERSION": ("v1", "v2", "2024-06-01"),
    "CACHE_STRATEGY": ("shared", "memory", "tiered"),
    "SERIALIZER": ("json", "avro", "protobuf"),
    "LOG_FORMAT": ("json", "logfmt"),
    "PRODUCER_ACKS": ("all", "1"),
    "LIVE_STREAM_CODEC": ("h264", "av1"),
    "STAGE_COUNT": ("3", "5"),
    "TEST_CARD_SCHEMES": ("visa,mastercard", "visa"),
    "RELEASE_CHANNEL": ("stable", "candidate"),
    "PASSWORD_MIN_LENGTH": ("12", "14"),
    "SESSION_COOKIE_SAMESITE": ("lax", "strict"),
    "MAX_UPLOAD_MB": ("10", "25"),
    "PRODUCT_TABLE": ("products", "product_lines"),
    "SORT_ORDER": ("relevance", "newest"),
    "GC_OPTS": ("-XX:+UseG1GC", "-XX:+UseZGC"),
    "OPEN_HOURS": ("08:00-20:00", "07:30-22:00"),
    "HEALTH_PATH": ("/up", "/healthz"),
    "SCHEDULE": ("0 3 * * *", "*/15 * * * *"),
    "DEPLOY_STRATEGY": ("rolling", "blue-green"),
}
DURATIONS: dict[str, tuple[str, ...]] = {
    "HTTP_TIMEOUT_SECONDS": ("5", "10", "30"),
    "REQUEST_TIMEOUT": ("5s", "30s"),
    "CACHE_TTL": ("300", "3600"),
    "RETRY_BACKOFF_MS": ("200", "500"),
    "SESSION_TTL": ("1800", "7200"),
    "LOCK_TIMEOUT": ("15s", "60s"),
}
SECRETS = "API_KEY SIGNING_KEY WEBHOOK_SECRET STRIPE_SECRET_KEY SMTP_PASSWORD JWT_SECRET ENCRYPTION_KEY".split()
RUNTIMES = ("python3.12", "nodejs20.x", "java21", "provided.al2023")
OLD_RUNTIMES = {
    "python3.12": "python3.9",
    "nodejs20.x": "nodejs18.x",
    "java21": "java17",
    "provided.al2023": "provided.al2",
}
REGIONS = "eu-west-1 eu-central-1 eu-north-1 us-east-1 us-west-2 ap-southeast-2".split()
REGION_CODES = {
    "eu-west-1": "euw1",
    "eu-central-1": "euc1",
    "eu-north-1": "eun1",
    "us-east-1": "use1",
    "us-west-2": "usw2",
    "ap-southeast-2": "apse2",
}
