"""What a Redis or Valkey server says of itself, part by part: each may be refused without the others.

https://redis.io/docs/latest/commands/info/, https://valkey.io/commands/config-get/
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors._databases.forms import sized
from collectors._databases.redis_client import Server

# Asked one by one: an answer to `*` would hold the passwords. Of two names of one setting the later is the newer.
SETTINGS = (
    "save appendfsync timeout tcp-keepalive databases maxclients maxmemory-samples lazyfree-lazy-eviction "
    "lazyfree-lazy-expire lazyfree-lazy-server-del lazyfree-lazy-user-del notify-keyspace-events "
    "hash-max-ziplist-entries hash-max-listpack-entries hash-max-ziplist-value hash-max-listpack-value "
    "list-max-ziplist-size list-max-listpack-size set-max-intset-entries zset-max-ziplist-entries "
    "zset-max-listpack-entries zset-max-ziplist-value zset-max-listpack-value stream-node-max-bytes "
    "stream-node-max-entries activedefrag io-threads cluster-require-full-coverage cluster-allow-reads-when-down "
    "cluster-node-timeout min-replicas-to-write min-replicas-max-lag repl-diskless-sync repl-backlog-size "
    "replica-read-only replica-serve-stale-data replica-lazy-flush slowlog-log-slower-than latency-monitor-threshold "
    "client-output-buffer-limit protected-mode tls-auth-clients tls-protocols acl-pubsub-default proto-max-bulk-len "
    "client-query-buffer-limit lua-time-limit busy-reply-threshold stop-writes-on-bgsave-error rdbcompression "
    "rdbchecksum hz dynamic-hz enable-debug-command enable-module-command"
).split()
_RENAMED = (("ziplist", "listpack"), ("lua-time-limit", "busy-reply-threshold"))
GRANT = (
    "ACL SETUSER … +select +info +config|get +module|list +acl|users +acl|getuser +cluster|info, without keys"
    " (on a Sentinel: +info +sentinel|masters +acl|users +acl|getuser)"
)
_COUNTED = frozenset({"repl-backlog-size", "proto-max-bulk-len", "stream-node-max-bytes", "client-query-buffer-limit"})


def told(said: dict[str, Any], *, tls: bool) -> dict[str, Any]:
    """What `INFO` tells, which hardly any service keeps from its users."""
    mode = str(said.get("redis_mode") or said.get("server_mode") or "standalone")
    attributes: dict[str, Any] = {"version": _version(said), "edition": _edition(said), "mode": mode, "tls": tls}
    if "role" in said:
        role = "primary" if said["role"] == "master" else "replica"
        attributes["replication"] = {"role": role, "replicas": int(said.get("connected_slaves", 0))}
    if "maxmemory" in said:
        most = int(said["maxmemory"])
        attributes["memory"] = {
            "max_memory": sized(most) if most else "unlimited",
            "policy": said.get("maxmemory_policy"),
        }
    if "aof_enabled" in said:
        attributes["persistence"] = {"appendonly": bool(int(said["aof_enabled"]))}
    if mode != "sentinel":
        attributes["databases"] = sorted(key for key in said if re.fullmatch(r"db\d+", key))
    return attributes


def settings(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in SETTINGS:
        # A server that does not know a name answers nothing.
        for value in _pairs(server.ask("CONFIG GET", name)).values():
            found[_newest(name)] = _value(name, value)
    if not found:
        raise CollectError(GapReason.UNSUPPORTED, "the server tells no setting")
    return {"settings": dict(sorted(found.items()))}


def modules(server: Server) -> dict[str, Any]:
    found: dict[str, str] = {}
    for module in server.ask("MODULE LIST") or ():
        said = _pairs(module)
        found[str(said.get("name"))] = _module_version(said.get("ver"))
    return {"modules": dict(sorted(found.items()))}


def cluster(server: Server) -> dict[str, Any]:
    answer = server.ask("CLUSTER INFO")
    said = (
        answer if isinstance(answer, dict) else dict(line.split(":", 1) for line in str(answer).split() if ":" in line)
    )
    return {
        "cluster": {"shards": int(said.get("cluster_size", 0)), "slots": int(said.get("cluster_slots_assigned", 0))}
    }


def sentinel(server: Server) -> dict[str, Any]:
    answer = server.ask("SENTINEL MASTERS")
    masters = answer.values() if isinstance(answer, dict) else [_pairs(each) for each in answer or ()]
    return {
        "watches": [
            {
                "name": str(each.get("name")),
                "quorum": int(each.get("quorum", 0)),
                "down_after": f"{int(each.get('down-after-milliseconds', each.get('down_after_milliseconds', 0)))}ms",
            }
            for each in masters
        ]
    }


def users(server: Server) -> dict[str, dict[str, Any]]:
    """Users of the access control list by what they may do. What they are known by is left where it is."""
    return {str(name): _user(_pairs(server.ask("ACL GETUSER", name))) for name in server.ask("ACL USERS") or ()}


def _newest(name: str) -> str:
    for old, new in _RENAMED:
        name = name.replace(old, new)
    return name


def _user(said: dict[str, Any]) -> dict[str, Any]:
    flags = {str(flag) for flag in said.get("flags") or ()}
    enabled = said.get("enabled", "on" in flags)
    user: dict[str, Any] = {
        "enabled": bool(enabled),
        "no_password": "nopass" in flags,
        "commands": _rules(said.get("commands"), said.get("categories")),
        "key_patterns": _patterns(said.get("keys")),
        "channels": _patterns(said.get("channels")),
    }
    selectors = [_pairs(each) for each in said.get("selectors") or ()]
    if selectors:
        user["selectors"] = sorted(
            f"{_rules(each.get('commands'), each.get('categories'))} {' '.join(_patterns(each.get('keys')))}"
            for each in selectors
        )
    return user


def _rules(commands: Any, categories: Any) -> str:
    """Rules in their order, of which the last wins. Neighbours that all allow, or all forbid, have no order: servers tell
    them in one of their own making."""
    told = commands if isinstance(commands, str) else " ".join(map(str, (*(categories or ()), *(commands or ()))))
    runs = groupby(told.split(), key=lambda rule: rule[0])
    return " ".join(rule for _, run in runs for rule in sorted(run))


def _patterns(said: Any) -> list[str]:
    return sorted(said.split(" ") if isinstance(said, str) and said else [str(each) for each in said or ()])


def _pairs(answer: Any) -> dict[str, Any]:
    """A map, also where the server says it as a list of names and values."""
    if isinstance(answer, dict):
        return {str(key): value for key, value in answer.items()}
    items = list(answer or ())
    return {str(key): value for key, value in zip(items[::2], items[1::2], strict=False)}


def _version(said: dict[str, Any]) -> str:
    return str(said.get("valkey_version") or said.get("redis_version") or "")


def _edition(said: dict[str, Any]) -> str:
    if "valkey_version" in said or said.get("server_name") == "valkey":
        return "Valkey"
    return "Dragonfly" if "dragonfly_version" in said else "Redis"


def _module_version(number: Any) -> str:
    """`20812` is 2.8.12, as modules count by custom."""
    value = int(number or 0)
    return f"{value // 10_000}.{value // 100 % 100}.{value % 100}" if value >= 10_000 else str(value)


def _value(name: str, value: Any) -> Any:
    text = str(value)
    if text in ("yes", "no"):
        return text == "yes"
    if re.fullmatch(r"-?\d+", text):
        return sized(int(text)) if name in _COUNTED and int(text) > 0 else int(text)
    return text.replace("slave ", "replica ")
