"""What a MySQL or MariaDB server says of itself: version, settings, plugins, and which copy of the data it is.

https://mariadb.com/kb/en/information-schema-system_variables-table/,
https://dev.mysql.com/doc/refman/8.4/en/performance-schema-variables-info-table.html
"""

from __future__ import annotations

import re
from typing import Any

from collectors._databases.forms import sized
from collectors._databases.mysql import Catalogue

# By effective value even where they are at their default: what code relies on without knowing.
_MATTERS = (
    "sql_mode", "collation_server", "lower_case_table_names", "default_storage_engine",
    "innodb_flush_log_at_trx_commit", "innodb_strict_mode", "sync_binlog", "max_allowed_packet", "log_bin",
    "explicit_defaults_for_timestamp", "require_secure_transport", "innodb_lock_wait_timeout", "event_scheduler",
)  # fmt: skip
_TUNED = {
    "mariadb": """
        select lower(variable_name), global_value, variable_type from information_schema.system_variables
        where global_value is not null and global_value_origin not in ('COMPILE-TIME', 'AUTO')
          and not (default_value <=> global_value)
    """,
    "mysql": """
        select lower(v.variable_name), v.variable_value, '' from performance_schema.global_variables v
        join performance_schema.variables_info i on i.variable_name = v.variable_name
        where i.variable_source not in ('COMPILED')
    """,
}
# Where this installation lives, who it is among others, how far it has come, and what is kept from view.
_INSTALLATION = re.compile(
    r".*(?:_dir|dir|_file|_path|_basename|_directory|_uuid|_uid|_address|_pos|_auth)|socket|mysqlx_socket|port|.*_port"
    r"|hostname|server_id|report_.*|log_error|log_bin_index|relay_log.*|ssl_.*|tls_.*|init_.*|secure_file_priv|gtid_.*"
    r"|wsrep_(?:node|cluster)_.*|version.*|core_file|license|timestamp|identity|in_transaction|pseudo_.*|rand_seed.*"
    r"|open_files_limit|log_bin|read_only|super_read_only|time_zone|system_time_zone|(?:general|slow_query)_log_file"
    r"|character_set_server|innodb_data_file_path|innodb_temp_data_file_path|character_sets_dir|aria_log_dir_path|.*proxy.*|tmpdir|user"
)
_IN_BYTES = re.compile(r".*(?:_size|_packet|_buffer|_bytes|_capacity_bytes|_file_size|_length)")


def version(catalogue: Catalogue) -> dict[str, Any]:
    said = dict(_variables(catalogue, ("version", "version_comment", "aurora_version")))
    number = re.match(r"\d+(?:\.\d+)+", str(said.get("version", "")))
    comment = str(said.get("version_comment", ""))
    edition = "MariaDB" if catalogue.is_maria else "Percona" if "percona" in comment.lower() else "MySQL"
    if "aurora_version" in said:
        edition = "Aurora"
    return {"version": number[0] if number else str(said.get("version", "")), "edition": edition}


def settings(catalogue: Catalogue) -> dict[str, Any]:
    tuned = {
        str(name): _value(str(name), value)
        for name, value, _ in catalogue.rows(_TUNED[catalogue.server.engine])
        if not _INSTALLATION.fullmatch(str(name))
    }
    said = dict(
        _variables(catalogue, (*_MATTERS, "transaction_isolation", "tx_isolation", "time_zone", "system_time_zone"))
    )
    zone = said.pop("time_zone", "SYSTEM")
    local = said.pop("system_time_zone", "")
    # Both names mean one setting, and servers of one product have had either.
    isolation = said.pop("tx_isolation", None)
    said.setdefault("transaction_isolation", isolation)
    tuned.pop("tx_isolation", None)
    tuned |= {name: _value(name, value) for name, value in said.items() if value is not None}
    return {"settings": dict(sorted((tuned | {"time_zone": local if zone == "SYSTEM" else zone}).items()))}


def plugins(catalogue: Catalogue) -> dict[str, Any]:
    found = catalogue.rows(
        "select plugin_name, plugin_version from information_schema.plugins"
        " where plugin_status = 'ACTIVE' and plugin_library is not null"
    )
    return {"plugins": {str(name): str(number) for name, number in sorted(found)}}


def replication(catalogue: Catalogue) -> dict[str, Any]:
    """A server that lets nobody write is a replica, or about to become one."""
    said = dict(_variables(catalogue, ("read_only",)))
    return {"replication": {"role": "replica" if str(said.get("read_only")) in ("ON", "1") else "primary"}}


def transport(catalogue: Catalogue) -> dict[str, Any]:
    said = dict(_variables(catalogue, ("have_ssl", "ssl_cert")))
    return {"tls": str(said.get("have_ssl", "")).upper() == "YES" or bool(said.get("ssl_cert"))}


PARTS = (
    ("version", version),
    ("settings", settings),
    ("plugins", plugins),
    ("replication", replication),
    ("tls", transport),
)


def _variables(catalogue: Catalogue, names: tuple[str, ...]) -> list[tuple[str, Any]]:
    # `show` knows no limit, and answers no more than it is asked for.
    rows = catalogue.server.rows("show global variables where variable_name in %s", (names,))
    return [(str(name).lower(), value) for name, value in rows]


def _value(name: str, value: Any) -> Any:
    """Booleans and numbers typed, sizes in the largest unit that loses nothing, lists in their order of names."""
    text = "" if value is None else str(value)
    if text in ("ON", "OFF"):
        return text == "ON"
    if name in ("sql_mode", "optimizer_switch", "old_mode"):
        return ",".join(sorted(text.split(",")))
    if re.fullmatch(r"-?\d+", text):
        number = int(text)
        if _IN_BYTES.fullmatch(name) and number >= 1024 and number % 1024 == 0:
            return sized(number)
        return number
    return text
