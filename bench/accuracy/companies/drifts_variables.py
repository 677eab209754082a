"""Drifts in what programs are configured by, wherever their variables stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from auditor.model import Severity
from bench.accuracy.companies.drifts import Label, Sites
from bench.accuracy.companies.estate import Variables, variables
from bench.accuracy.companies.settings import database_host
from bench.accuracy.companies.words import DURATIONS, FLAGS, SECRETS, SETTINGS

_Names = Callable[[Variables], list[str]]


def _site(sites: Sites, names: _Names, *kinds: str) -> tuple[Variables, str] | None:
    """A place with one of these variables on both sides, of which nothing was touched."""
    places = [place for place in variables(sites.both) if not kinds or place.left.kind in kinds]
    sites.random.shuffle(places)
    for place in places:
        free = [name for name in names(place) if not sites.is_taken(place.left.uid, _path(place, name))]
        if free:
            name = sites.random.choice(free)
            sites.claim(place.left.uid, _path(place, name))
            return place, name
    return None


def _path(place: Variables, name: str) -> str:
    return f"{place.path}.{name}" if place.path else name


def _label(drift: str, place: Variables, name: str, least: Severity, about: str, *also: str) -> Label:
    return Label(drift, place.left.kind, place.left.name, place.right.name, _path(place, name), least, about, also)


def _having(*wanted: str) -> _Names:
    return lambda place: [name for name in place.common() if name in wanted and isinstance(place.ours[name], str)]


def _any_text(place: Variables) -> list[str]:
    return [name for name in place.common() if isinstance(place.ours[name], str) and name not in ("APP_ENV", "STAGE")]


def _missing_variable(sites: Sites) -> Label | None:
    found = _site(sites, _having(*SETTINGS, *DURATIONS, "QUEUE_URL", "UPSTREAM_URL", "TOPIC_ARN", "UPLOADS_BUCKET"))
    if found is None:
        return None
    place, name = found
    del sites.random.choice((place.ours, place.theirs))[name]
    return _label("missing variable", place, name, Severity.MEDIUM, f"{name} is set on one side only")


def _misspelled_variable(sites: Sites) -> Label | None:
    found = _site(sites, _having(*SETTINGS, *FLAGS))
    if found is None:
        return None
    place, name = found
    wrong = name[:-2] + name[-1] + name[-2] if name[-1] != name[-2] else name + "X"
    place.ours[wrong] = place.ours.pop(name)
    return _label(
        "misspelled variable", place, name, Severity.MEDIUM, f"staging spells {name} as {wrong}", _path(place, wrong)
    )


def _missing_secret(sites: Sites) -> Label | None:
    found = _site(sites, lambda place: [name for name in place.common() if name in SECRETS])
    if found is None:
        return None
    place, name = found
    del sites.random.choice((place.ours, place.theirs))[name]
    about = f"the secret {name} is given on one side only"
    # In a manifest a secret is a reference, which stands one step further down.
    return replace(_label("missing secret", place, name, Severity.MEDIUM, about), path=f"{_path(place, name)}*")


def _flag(sites: Sites) -> Label | None:
    found = _site(sites, lambda place: [n for n in place.common() if n in (*FLAGS, "FEATURE_PARALLEL")])
    if found is None:
        return None
    place, name = found
    place.theirs[name] = "false" if place.ours[name] == "true" else "true"
    return _label("feature flag", place, name, Severity.MEDIUM, f"{name} is reversed")


def _setting(sites: Sites) -> Label | None:
    numbers = ("PAGE_SIZE", "MAX_UPLOAD_MB", "PASSWORD_MIN_LENGTH", "STAGE_COUNT")
    found = _site(sites, _having(*(name for name in SETTINGS if name not in numbers), "OUTPUT_FORMAT"))
    if found is None:
        return None
    place, name = found
    other = [value for value in SETTINGS.get(name, ("xml", "text")) if value != place.theirs[name]]
    place.theirs[name] = other[0] if other else place.theirs[name] + "2"
    return _label("setting", place, name, Severity.LOW, f"{name} says something else in production")


def _timeout(sites: Sites) -> Label | None:
    found = _site(sites, _having(*DURATIONS))
    if found is None:
        return None
    place, name = found
    side = sites.random.choice((place.ours, place.theirs))
    side[name] = {"s": "90s"}.get(side[name][-1], "9000")
    return _label(
        "timeout", place, name, Severity.LOW, f"{name} differs, so what times out in one does not in the other"
    )


def _tells(tokens: tuple[str, ...], value: str, other: str) -> bool:
    """Whether a value says whose it is, to whoever reads it alone: a name of the environment, which the other lacks."""
    return any(token in value.lower() and token not in other.lower() for token in tokens)


def _production_referred(sites: Sites) -> Label | None:
    """Staging holds production's own value of something that is production's: host, queue, bucket, topic, database."""
    wired = (
        "DB_HOST",
        "QUEUE_URL",
        "UPLOADS_BUCKET",
        "TOPIC_ARN",
        "UPSTREAM_URL",
        "EXPORT_PATH",
        "REDIS_URL",
        "KAFKA_BROKERS",
    )
    naming = sites.both.plan.naming
    # A name that says nothing of its environment cannot be told to be production's by anybody who reads it alone.
    found = _site(
        sites,
        lambda place: [
            name for name in _having(*wired)(place) if _tells(naming.tokens[1], place.theirs[name], place.ours[name])
        ],
    )
    if found is None:
        return None
    place, name = found
    place.ours[name] = place.theirs[name]
    return _label("reference to production", place, name, Severity.CRITICAL, f"staging's {name} is production's")


def _staging_referred(sites: Sites) -> Label | None:
    naming = sites.both.plan.naming
    found = _site(
        sites,
        lambda place: [
            name
            for name in _having("DB_HOST", "QUEUE_URL", "UPSTREAM_URL", "TOPIC_ARN")(place)
            if _tells(naming.tokens[0], place.ours[name], place.theirs[name])
        ],
    )
    if found is None:
        return None
    place, name = found
    place.theirs[name] = place.ours[name]
    return _label("reference to staging", place, name, Severity.HIGH, f"production's {name} is staging's")


def _production_database(sites: Sites) -> Label | None:
    """The connection string of staging leads to production's database server, with staging's own password."""
    found = _site(sites, _having("DATABASE_URL"))
    if found is None:
        return None
    place, name = found
    plan = sites.both.plan
    database = plan.databases[0] if plan.databases else "main"
    ours, theirs = database_host(sites.both.left.side, database), database_host(sites.both.right.side, database)
    if ours not in place.ours[name] or not _tells(plan.naming.tokens[1], theirs, ours):
        return None
    place.ours[name] = place.ours[name].replace(ours, theirs)
    return _label(
        "reference to production", place, name, Severity.CRITICAL, "staging connects to production's database"
    )


def _shared_secret(sites: Sites) -> Label | None:
    found = _site(
        sites,
        lambda p: [n for n in p.common() if n in SECRETS and isinstance(p.ours[n], str)],
        "env.file",
        "compose.service",
    )
    if found is None:
        return None
    place, name = found
    place.ours[name] = place.theirs[name]
    return _label("shared secret", place, name, Severity.HIGH, f"one {name} opens both")


def _shared_password(sites: Sites) -> Label | None:
    found = _site(sites, _having("DATABASE_URL"), "env.file", "compose.service")
    if found is None:
        return None
    place, name = found
    ours, theirs = place.ours[name].split(":", 2)[2].split("@")[0], place.theirs[name].split(":", 2)[2].split("@")[0]
    place.ours[name] = place.ours[name].replace(ours, theirs)
    return _label("shared secret", place, name, Severity.HIGH, "one password opens both databases")


def _shared_client(sites: Sites) -> Label | None:
    found = _site(sites, _having("OAUTH_CLIENT_ID"))
    if found is None:
        return None
    place, name = found
    place.ours[name] = place.theirs[name]
    return _label("shared client", place, name, Severity.MEDIUM, "one OAuth client serves both")


def _placeholder(sites: Sites) -> Label | None:
    found = _site(sites, _any_text)
    if found is None:
        return None
    place, name = found
    word = sites.random.choice(
        ("changeme", "CHANGE_ME", "REPLACE_ME", "TODO", "<your-value-here>", "xxxxx", "your-value-here")
    )
    sites.random.choice((place.ours, place.theirs))[name] = word
    return _label("placeholder", place, name, Severity.HIGH, f"{name} was never filled in")


def _verbose_production(sites: Sites) -> Label | None:
    found = _site(sites, _having("LOG_LEVEL"))
    if found is None:
        return None
    place, name = found
    place.ours[name], place.theirs[name] = "info", sites.random.choice(("debug", "DEBUG", "trace"))
    return _label("debugging in production", place, name, Severity.MEDIUM, "production logs everything")


def _debugged_production(sites: Sites) -> Label | None:
    found = _site(sites, _having("DEBUG"))
    if found is None:
        return None
    place, name = found
    place.theirs[name] = sites.random.choice(("true", "1", "True"))
    place.ours[name] = sites.random.choice(("false", "true"))
    return _label("debugging in production", place, name, Severity.HIGH, "production runs in debug mode")


def _development_mode(sites: Sites) -> Label | None:
    found = _site(sites, _having("RAILS_ENV"))
    if found is None:
        return None
    place, name = found
    place.theirs[name] = "development"
    return _label("debugging in production", place, name, Severity.MEDIUM, "production runs in development mode")


def _tls_off(sites: Sites) -> Label | None:
    found = _site(sites, _having("DB_SSLMODE"))
    if found is None:
        return None
    place, name = found
    place.theirs[name] = "disable"
    return _label("TLS off", place, name, Severity.MEDIUM, "production talks to its database in the clear")


def _plain_cache(sites: Sites) -> Label | None:
    found = _site(sites, _having("REDIS_URL"))
    if found is None:
        return None
    place, name = found
    place.theirs[name] = place.theirs[name].replace("rediss://", "redis://")
    return _label("TLS off", place, name, Severity.MEDIUM, "production talks to its cache in the clear")


def _other_region(sites: Sites) -> Label | None:
    naming = sites.both.plan.naming
    found = _site(sites, _having("AWS_REGION"))
    if found is None or naming.regions[0] != naming.regions[1]:
        return None
    place, name = found
    place.ours[name] = next(region for region in ("eu-west-3", "us-east-2") if region not in naming.regions[0])
    return _label("region", place, name, Severity.MEDIUM, "staging's program works in another region")


def _fewer_workers(sites: Sites) -> Label | None:
    found = _site(sites, _having("WORKERS", "DB_POOL_SIZE"))
    if found is None:
        return None
    place, name = found
    place.ours[name], place.theirs[name] = "64", "4"
    return _label("staging larger", place, name, Severity.MEDIUM, f"staging has more {name} than production")


def _shared_origin(sites: Sites) -> Label | None:
    found = _site(sites, _having("CORS_ALLOWED_ORIGINS"))
    if found is None:
        return None
    place, name = found
    place.ours[name] = place.theirs[name]
    return _label("shared client", place, name, Severity.MEDIUM, "staging lets production's pages in")


PLANTERS = (
    _missing_variable, _missing_variable, _misspelled_variable, _missing_secret, _flag, _flag, _setting, _setting,
    _timeout, _production_referred, _production_referred, _production_database, _staging_referred, _shared_secret,
    _shared_password, _shared_client, _shared_origin, _placeholder, _placeholder, _verbose_production,
    _debugged_production, _development_mode, _tls_off, _plain_cache, _other_region, _fewer_workers,
)  # fmt: skip
