"""Where the secrets stand in one text, as (start, end) spans: the password of a URL, the value of a pair, a token.

What only points to a secret (`${DB_PASSWORD}`, `((SECRET))`, `op://vault/item`, an ARN, `/run/secrets/db`) is none and
stays readable: that two environments point to different places is worth knowing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import TypeAlias

from auditor.opaque import MIN_LENGTH, looks_opaque
from auditor.secretnames import names_password, names_secret, words
from auditor.secretshapes import shaped_spans

Span: TypeAlias = tuple[int, int]

# Stand-ins of equal length for what must not be looked into: a marker set earlier, a reference.
DONE = "\ue000"
_REFERENCE = "\ue001"

_EXPRESSION = re.compile(
    r"""
        \$\{\{?[\s\w.\-/|()\[\]]+\}?\} | \$\([\w.\-/]+\) | \$[A-Z_][A-Z0-9_]*(?![\w$]) | \(\([\w.\-/ ]+\)\)
      | \{\{[-\s\w.$|/()~:]*\}\} | \#\{[\w.\[\]/ ]+\} | %\([\w.]+\)s | %[A-Z_][A-Z0-9_]*% | <%=?[\s\w.\[\]]+%>
      | @Microsoft\.KeyVault\([^()]*\) | %env\([\w:]+\)%
      | \barn:aws[\w-]*:[\w-]+:[\w*-]*:[\d*]*:[^\s"',;]*
    """,
    re.VERBOSE,
)
_WITH_DEFAULT = re.compile(r"\$\{([A-Za-z_][\w.]*)(:?[-=?+]|:)([^{}]*)\}")
_POINTER = re.compile(
    r"""
        (?:op|secret|awssm|awsssm|aws-sm|aws-ssm|gcpsm|gcp-sm|azurekeyvault|azure-kv|sops|vault|ssm|secretsmanager)
          ://[\w./{}\ue001\-:#@ ]+
      | ref\+[a-z0-9]+://[\w./{}\ue001\-:#?=&]+
      | (?:vault|keyvault|ssm|secretsmanager|secret|env|file|aws-ssm|aws-sm):(?!v\d:)/?[A-Za-z\ue001][\w.\ue001-]*(?:[/#:][\w.\ue001\-]+)+
      | projects/[\w\ue001-]+/secrets/[\w\ue001-]+(?:/versions/\w+)?
      | (?:file://)?(?:[A-Z]:)?(?:~|\.{1,2})?(?:[/\\][\w.@+\ue001\-]+){2,}/?
      | alias/[\w/-]+
    """,
    re.VERBOSE,
)
_PUBLIC = re.compile(
    r"\s*(?:-----BEGIN (?:CERTIFICATE|PUBLIC KEY|[A-Z]+ PUBLIC KEY)-----|ssh-[a-z0-9]+ AAAA|ecdsa-sha2-\S+ AAAA)"
)
_SAYS_NOTHING = re.compile(
    r"(?i)true|false|yes|no|on|off|y|n|enabled?|disabled?|null|none|nil|auto|default|required?|optional|always|never"
)
_METHODS = re.compile(
    r"(?i)basic|bearer|ldaps?|oauth2?|oidc|saml2?|jwt|iam|md5|scram(?:-sha-\d+)?|kerberos|gssapi|trust|peer|ident|sso"
    r"|cognito|jwks?|m?tls|x509|cert|api[_-]?key|anonymous|public|private|aws|header|cookie|query|plain|login|cram-md5|lax|strict"
)
_QUANTITY = re.compile(
    r"[-+]?\d{1,4}(?:\.\d{1,3})?\s?(?:ms|s|m|h|d|w|min|sec|hours?|days?|[kmg]i?b?|%)?", re.IGNORECASE
)
_SCHEME = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]*://")
_URL_END = re.compile(r"[\s\"'<>`]|$")
_QUERY = re.compile(r"[?&;#]([A-Za-z_][\w.-]*)=([^&#;\s\"'<>]*)")

_NEXT_KEY = r"\s*[A-Za-z_][\w.-]*[\"']?\s*="
_BARE = rf"(?:[^\s,;&\"'<>)\]}}|]|[,;&](?!{_NEXT_KEY})(?=[^\s,;&\"'<>)\]}}|])|[\"'<>)\]}}|](?=[^\s,;&\"'<>)\]}}|]))+"
_PAIR = re.compile(
    rf"""
        (?<![\w.$-]) (?:--?(?=[A-Za-z]))? (?P<key>[A-Za-z_][\w.-]{{0,120}})
        (?: (?P<quote>["']) \s*(?:=>|[=:])\s* | \s*(?:=>|:=|=)[ \t]* | \s*:[ \t]+ | (?<=[dD]):(?=[^\s:/]) )
        (?: "(?P<double>(?:[^"\\]|\\.)*)" | '(?P<single>(?:[^'\\]|\\.)*)' | (?P<brace>(?<=[=])\{{[^{{}}"]*\}})
          | (?P<bare>(?![\[{{]){_BARE}) )
    """,
    re.VERBOSE | re.DOTALL,
)
_LINE = re.compile(
    r"""^[ \t]*(?:export[ \t]+|set[ \t]+|-[ \t]+)?["']?(?P<key>[A-Za-z_][\w.-]{0,120})["']?[ \t]*(?:=|:[ \t])[ \t]*(?P<value>[^\s\[{|>].*?)[ \t]*\r?$""",
    re.MULTILINE | re.VERBOSE,
)
# A colon that may part a key from its value.
_MAY_PAIR = re.compile(r":[ \t]|[\"']\s*:|[dD]:")
_SETTING = re.compile(r"(?:^|[;\s])[A-Za-z][\w ]{0,60}=")
_MORE_PAIRS = re.compile(r"[\s;,&][A-Za-z_][\w.-]*\s*=")
_FLAG = re.compile(r"(?<![\w-])--?(?P<key>[A-Za-z][\w.-]+)[ \t]+(?P<value>(?!-)[^\s\"']+|\"[^\"]*\"|'[^']*')")
_MOST_URLS_IN_ONE_WORD = 500
# Keys whose value is public however random it looks.
_DIGESTS = frozenset(
    "digest digests sha sha1 sha256 sha512 checksum checksums hash hashes etag fingerprint fingerprints thumbprint "
    "commit revision rev md5 crc integrity image images uuid guid kid public pub ca cert certs certificate certificates "
    "crt cidr uid".split()
)
_IDENTIFIERS = frozenset(
    "id ids arn arns name names url urls uri uris path paths file files host hosts hostname endpoint endpoints version "
    "versions location bucket prefix username at date time timestamp ref refs aud audience audiences".split()
)


def secret_spans(text: str) -> list[Span]:
    """The secrets in free text: a log line, an error's detail, a value under a name that promises none."""
    spans: list[Span] = []
    masked = _mask(text, "", spans)
    if masked.strip(_REFERENCE):
        spans += shaped_spans(masked)
        if "://" in masked:
            spans += _secrets_of_urls(masked)
        if "=" in masked or (":" in masked and _MAY_PAIR.search(masked) is not None):
            for match in (*_LINE.finditer(masked), *_PAIR.finditer(masked)):
                spans += _pair_spans(masked, match)
        if "-" in masked and (" " in masked or "\t" in masked):
            for match in _FLAG.finditer(masked):
                spans += _pair_spans(masked, match)
    return merged(spans) if spans else spans


def value_spans(key: str, text: str, *, promised: bool) -> list[Span]:
    """The secrets in the value of `key`. `promised`: the name, or the place it stands in, promises a secret."""
    if promised:
        return _promised_spans(key, text)
    spans = secret_spans(text)
    if len(text) < MIN_LENGTH or len(text.split(None, 1)) > 1:
        return spans
    if says_what_is_random(key):
        return spans
    return [(0, len(text))] if looks_opaque(without(text, spans)) else spans


@lru_cache(maxsize=65536)
def says_what_is_random(key: str) -> bool:
    """Whether the name of a value says why it looks random though it is public: a digest, an id, a path."""
    parts = words(key)
    return not _DIGESTS.isdisjoint(parts) or not _IDENTIFIERS.isdisjoint(parts[-1:])


def is_expression(text: str) -> bool:
    """Whether the whole text is a template's expression (`${NAME}`, `((NAME))`) or an ARN."""
    return _EXPRESSION.fullmatch(text.strip()) is not None


def merged(spans: list[Span]) -> list[Span]:
    """In order, without overlaps or empty ones."""
    out: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if out and start < out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def without(text: str, spans: list[Span]) -> str:
    for start, end in spans:
        text = text[:start] + DONE * (end - start) + text[end:]
    return text


def _promised_spans(key: str, text: str) -> list[Span]:
    stripped = text.strip()
    if not stripped or _SAYS_NOTHING.fullmatch(stripped) or set(stripped) == {DONE}:
        return []
    if words(stripped) == words(key) and stripped.isidentifier():
        # `DB_PASSWORD: DB_PASSWORD` maps a variable to the entry of a secret store.
        return []
    password = names_password(key)
    if not password and (_QUANTITY.fullmatch(stripped) or _METHODS.fullmatch(stripped)):
        return []
    spans: list[Span] = []
    masked = _mask(text, key, spans)
    if _is_reference(masked.strip()) or _PUBLIC.match(text):
        return merged(spans)
    if not password:
        parts = _parts(masked)
        if parts is not None:
            return merged([*spans, *parts])
    return [(0, len(text))]


def _parts(text: str) -> list[Span] | None:
    """A URL or a connection string shows where it is and hides only its secret parts; None when it is neither."""
    urls = _urls(text.strip())
    if urls and urls[0][0] == 0:
        spans = secret_spans(text)
        bare = without(text, spans)
        return spans if spans or not looks_opaque(bare.partition("://")[2]) else None
    if len(_SETTING.findall(text)) >= 2:
        spans = secret_spans(text)
        return spans if spans or DONE in text else None
    return None


def _mask(text: str, key: str, spans: list[Span]) -> str:
    """References replaced by stand-ins; the secrets among their default values are added to `spans`."""
    if "$" in text:
        promised = bool(key)
        for found in _WITH_DEFAULT.finditer(text):
            default, offset = found.group(3), found.start(3)
            if found.group(2).endswith("?"):
                continue
            secret = promised or names_secret(found.group(1))
            inner = value_spans(key or found.group(1), default, promised=secret)
            spans += [(start + offset, end + offset) for start, end in inner]
        text = _WITH_DEFAULT.sub(lambda found: _REFERENCE * len(found.group()), text)
    # Spelled out, as most texts have none of these, and a loop takes longer than all of them.
    if not (
        "arn:" in text or "$" in text or "%" in text or "{{" in text or "((" in text or "#{" in text or "@M" in text
    ):
        return text
    return _EXPRESSION.sub(lambda found: _REFERENCE * len(found.group()), text)


def _is_reference(masked: str) -> bool:
    """Nothing but references, and what joins them."""
    if not masked:
        return False
    rest = re.sub(rf"{_REFERENCE}+|{DONE}+|(?i:\b(?:bearer|basic|token)\b)|[\s:/@.,;_-]", "", masked)
    if not rest:
        return True
    if _POINTER.fullmatch(masked) is None:
        return False
    return not any(looks_opaque(step) or _is_jumble(step) for step in re.split(r"[/\\:#]", masked))


def _is_jumble(step: str) -> bool:
    """A step that no person would call a folder: long, with both cases and digits mixed."""
    return len(step) >= 8 and all(any(test(c) for c in step) for test in (str.isupper, str.islower, str.isdigit))


def _urls(text: str) -> list[Span]:
    """Every URL, also one inside another (`jdbc:postgresql://`, a list joined by commas): they end together."""
    spans: list[Span] = []
    last = 0
    for found in _SCHEME.finditer(text):
        if found.end() >= last:
            end = _URL_END.search(text, found.end())
            last = end.start() if end else len(text)
        spans.append((found.start(), last))
    return spans


def _secrets_of_urls(text: str) -> Iterator[Span]:
    """The secrets in URLs. What holds more URLs in one word than anyone writes is not looked into: all of it is hidden."""
    for end, together in groupby(_urls(text), key=lambda span: span[1]):
        urls = list(together)
        if len(urls) > _MOST_URLS_IN_ONE_WORD:
            yield urls[0][0], end
            continue
        for start, _ in urls:
            yield from _url_spans(text, start, end)


def _url_spans(text: str, start: int, end: int) -> Iterator[Span]:
    """The password, a user that is a token, and secret query parameters. Host, path and user stay readable."""
    scheme, _, rest = text[start:end].partition("://")
    offset = start + len(scheme) + 3
    cut = _userinfo_end(rest, web=scheme.lower().rpartition(":")[2] in ("http", "https", "ws", "wss"))
    if cut > 0:
        user, colon, password = rest[:cut].partition(":")
        if colon and not _is_reference(password):
            yield offset + len(user) + 1, offset + cut
        elif not colon and (looks_opaque(user) or "sentry" in rest[cut:].partition("/")[0]) and not _is_reference(user):
            yield offset, offset + cut
    for found in _QUERY.finditer(rest):
        name, value = found.groups()
        promised = names_secret(name) or name.lower() in ("key", "sig", "auth", "pw")
        if (promised or (name.lower() == "code" and looks_opaque(value))) and not names_password(name):
            spans = _promised_spans(name, value)
            yield from ((offset + found.start(2) + a, offset + found.start(2) + b) for a, b in spans)
        elif promised and not _is_reference(value):
            yield offset + found.start(2), offset + found.end(2)


def _userinfo_end(rest: str, *, web: bool) -> int:
    """Where the `@` stands that ends user and password, or -1. Passwords may hold `/`, `?`, `#` or `@` unescaped."""
    found = re.search(r"[/?#\\]", rest)
    authority = rest[: found.start()] if found else rest
    at = authority.rfind("@")
    user, colon, after = (authority[:at] if at >= 0 else authority).partition(":")
    if at >= 0 and (web or not colon):
        return at
    if not colon or user.startswith("["):
        return at
    is_port = at < 0 and re.fullmatch(rf"\d{{0,5}}|{_REFERENCE}+", after) is not None
    if web:
        return -1 if is_port else rest.rfind("@")
    before_query = rest.partition("?")[0].rfind("@")
    if before_query >= 0:
        return before_query
    return -1 if is_port else rest.rfind("@")


def _pair_spans(text: str, match: re.Match[str]) -> Iterator[Span]:
    key, groups = match["key"], match.groupdict()
    if not names_secret(key):
        return
    name = next(name for name in ("value", "double", "single", "brace", "bare") if groups.get(name) is not None)
    start, end = match.span(name)
    if name == "value" and text[start] in "\"'" and text[end - 1] == text[start] and end - start > 1:
        start, end = start + 1, end - 1
    elif name == "value" and (_MORE_PAIRS.search(text, start, end) or text[start] in "\"'"):
        return
    yield from ((start + a, start + b) for a, b in _promised_spans(key, text[start:end]))
