"""Which names promise a secret: `DB_PASSWORD` and `apiKey` do, `PASSWORD_MIN_LENGTH`, `TOKEN_URL` and `monkey` do not.

A name is read as words. A secret word counts unless a word after it says that only something about the secret is
meant: its length, its path, its owner's address.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# Words that are a secret by themselves, as the last part of a name or followed by a qualifier that does not matter.
_SECRET = frozenset(
    "password passwords passwd passwort passphrase passphrases pwd pw secret secrets token tokens credential "
    "credentials creds salt pepper apikey apikeys authtoken secretkey accesskey privatekey htpasswd authorization "
    "keytab".split()
)
# Words that are a secret only as the very last one: `REDIS_AUTH`, `SMTP_PASS`; not `AUTH_MODE`, `BY_PASS_CACHE`.
_SECRET_LAST = frozenset("auth pass dsn signature sig cookie otp jwt bearer".split())
# `<word> key` is a secret; `<word> key id` is not, and neither is any other key (primary, partition, S3, public).
_SECRET_KEY = frozenset(
    "api access secret private encryption encrypt decrypt decryption signing sign master shared account storage "
    "license licence auth authentication session cookie hmac jwt aes rsa des crypto cipher tls ssl cert certificate "
    "ssh deploy integration instrumentation subscription service write ingest ingestion app application consumer "
    "client webhook admin root server functions pgp gpg wireguard totp derivation "
    "maps recaptcha captcha stripe sendgrid mailgun datadog newrelic honeycomb segment twilio openai anthropic "
    "google slack github gitlab notify square braintree algolia rollbar bugsnag airbrake pagerduty opsgenie".split()
)
# Glued together, in names without borders: `dbpassword`, `PGPASSWORD`, `fastlyapikey`.
_GLUED = re.compile(
    r"\w*(?:password|passwd|passphrase|secretkey|accesskey|privatekey|apikey|authtoken|accesstoken|refreshtoken"
    r"|bearertoken|clientsecret|credentials|connectionstring|connstr|signingkey|encryptionkey|accountkey)s?"
    r"|(?:\w+)(?:secret|token)s?|(?:db|pg|mysql|sql|smtp|ftp|mail|user|admin|root|ldap|redis)(?:pass|pwd)"
)
# After a secret word: something about the secret, which is none.
_ABOUT = frozenset(
    "name names id ids arn arns path paths file files filename filepath dir directory folder location mount url urls "
    "uri uris endpoint endpoints host hostname hosts port domain address server region bucket prefix suffix ttl age "
    "length len min max minimum maximum size sizes limit limits count counts number quota expiry expires expire "
    "expired expiration lifetime lifespan validity valid duration timeout timeouts interval period days day hours hour "
    "minutes minute seconds second secs ms rotation rotate rotated rotates policy policies type types kind kinds mode "
    "modes method methods algorithm algorithms alg algo issuer audience scope scopes claim claims enabled enable "
    "disabled disable required require optional allowed allow provider providers store stores manager managers backend "
    "driver plugin class module format encoding header headers field fields column param parameter parameters "
    "reference references ref refs version versions stage stages status state source sources username usernames user "
    "users group groups role roles owner owners rounds cost iterations bits strength complexity level hint label "
    "labels title description text page template templates attempts retries retry history reset change changed "
    "created updated modified last next date time timestamp at rate bucketing vault ring rings "
    "selector selectors index order sort usage regex pattern validation validator check generator generation cache "
    "caching introspection exchange review reviewer request requests renewal renew refresh grace leeway skew "
    "mapping mappings from list".split()
)
# Before a secret word: a number or a choice, never the secret.
_MEASURED = frozenset("max min num number count existing limit per of total".split())
_NOT_KEYS = frozenset("public publishable primary foreign partition sort hash range routing kms".split())


@lru_cache(maxsize=65536)
def words(name: str) -> tuple[str, ...]:
    """The lower-case words of a name in any case style; `S3AccessKey` -> s, 3, access, key."""
    return tuple(word.lower() for word in _WORD.findall(name))


@lru_cache(maxsize=65536)
def names_secret(name: str) -> bool:
    """Whether the value of something called `name` is, or may be, a secret."""
    parts = words(name)
    if not parts or len(name) > 200:
        return False
    if "vault" in parts and parts[-2:] == ("secret", "id"):
        return True
    if _names_an_entry(parts):
        return False
    return any(
        _is_secret(parts, index) and not _ABOUT.intersection(parts[index + 1 :])
        for index in range(len(parts))
        if not _MEASURED.intersection(parts[max(0, index - 1) : index])
    )


@lru_cache(maxsize=65536)
def passes_on(name: str) -> bool:
    """Whether what stands below a map called `name` is secret too: below `credentials`, not below `auth`."""
    return names_secret(name) and words(name)[-1] not in _SECRET_LAST


@lru_cache(maxsize=65536)
def names_password(name: str) -> bool:
    """Whether the name says password, so that the whole value is one, whatever it looks like."""
    return names_secret(name) and any(
        part in ("password", "passwd", "passphrase", "pwd", "pass") or part.endswith(("password", "passwd"))
        for part in words(name)
    )


def names_about(name: str) -> bool:
    """Whether the name says that its value is about something (a name, a path, a count) rather than the thing."""
    parts = words(name)
    return bool(parts) and parts[-1] in _ABOUT


def _names_an_entry(parts: tuple[str, ...]) -> bool:
    """`existingSecretPasswordKey`: under which key a secret that a chart did not make holds the password."""
    return parts[-1] in ("key", "keys") and ("existing", "secret") in pairwise(parts)


def _is_secret(parts: tuple[str, ...], index: int) -> bool:
    word = parts[index]
    before = parts[index - 1] if index else ""
    last = index == len(parts) - 1
    if word in ("key", "keys"):
        return before in _SECRET_KEY and not _NOT_KEYS.intersection(parts[:index])
    if word in ("string", "strings", "str"):
        return before in ("connection", "conn")
    if word in _SECRET_LAST:
        return last and before not in ("proxy", "by", "no")
    return word in _SECRET or _GLUED.fullmatch(word) is not None
