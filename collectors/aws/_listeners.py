"""Listeners and rules of load balancers, without the generated ids that they are made of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from auditor.model import Json
from collectors.aws.base import Document, pick

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_WITH_RULES = ("HTTP", "HTTPS")
_ENCRYPTED = ("HTTPS", "TLS")


def listeners(reader: Reader, balancer: Document) -> Json:
    """Every listener: protocol, port, TLS policy, number of certificates, default actions."""
    found = []
    for listener in _listeners(reader, balancer):
        spelled = reader.spelled(listener, "DescribeListeners", "Listeners")
        # A gateway load balancer's one listener says neither; it is always this.
        each = {"protocol": spelled.get("protocol", "GENEVE"), "port": spelled.get("port", 6081)}
        if each["protocol"] in _ENCRYPTED:
            arn = listener["ListenerArn"]
            certificates = reader.items("DescribeListenerCertificates", "Certificates", ListenerArn=arn)
            each["certificates"] = len(list(certificates))
            each |= {key: spelled[key] for key in ("ssl_policy", "alpn_policy") if spelled.get(key)}
        mutual = spelled.get("mutual_authentication")
        if mutual and mutual.get("mode") not in (None, "off"):
            each["mutual_authentication"] = mutual
        each["default_actions"] = [_action(action) for action in spelled.get("default_actions") or ()]
        found.append(each)
    return found


def rules(reader: Reader, balancer: Document) -> Json:
    """Every rule of every listener but the default one, told apart by its conditions."""
    found: list[dict[str, Json]] = []
    names: Counter[str] = Counter()
    for listener in _listeners(reader, balancer):
        if listener.get("Protocol") not in _WITH_RULES:
            continue
        place = f"{listener['Protocol']}:{listener['Port']}"
        for rule in reader.items("DescribeRules", "Rules", ListenerArn=listener["ListenerArn"]):
            if rule.get("IsDefault"):
                continue
            conditions = " and ".join(sorted(_condition(each) for each in rule.get("Conditions") or ()))
            names[place + conditions] += 1
            twice = f" #{names[place + conditions]}" if names[place + conditions] > 1 else ""
            actions = reader.spelled(rule, "DescribeRules", "Rules").get("actions") or ()
            found.append(
                {
                    "listener": place,
                    "conditions": conditions + twice,
                    "priority": int(rule["Priority"]),
                    "actions": [_action(action) for action in actions],
                }
            )
    return found


def has_rules(balancer: Document) -> bool:
    """Only application load balancers have rules."""
    return balancer.get("Type") == "application"


def as_map(pairs: Any) -> Json:
    """`[{key, value}]` as a map."""
    return {pair["key"]: pair.get("value") for pair in pairs}


def _listeners(reader: Reader, balancer: Document) -> list[Document]:
    return list(reader.items("DescribeListeners", "Listeners", LoadBalancerArn=balancer["LoadBalancerArn"]))


def _condition(condition: Document) -> str:
    name = str(condition["Field"])
    header = pick(condition, "HttpHeaderConfig.HttpHeaderName")
    values = list(condition.get("Values") or ()) + list(condition.get("RegexValues") or ())
    for key, config in condition.items():
        if key.endswith("Config"):
            values += [*(config.get("Values") or ()), *(config.get("RegexValues") or ())]
    spelled = sorted({f"{each.get('Key', '')}={each['Value']}" if isinstance(each, dict) else each for each in values})
    return f"{name}{':' + header if header else ''} is {' or '.join(spelled)}"


def _action(action: Json) -> Json:
    """One action. The API says a single target group twice; here it is said once, weights only where there are several."""
    found = {
        key: value
        for key, value in action.items()
        if key not in ("order", "target_group_arn", "forward_config") and value is not None
    }
    forward = action.get("forward_config") or {}
    groups = forward.get("target_groups") or []
    if len(groups) > 1:
        found["target_groups"] = groups
    elif groups or action.get("target_group_arn"):
        found["target_group"] = action.get("target_group_arn") or groups[0]["target_group_arn"]
    sticky = forward.get("target_group_stickiness_config") or {}
    if sticky.get("enabled"):
        found["stickiness"] = sticky
    return found
