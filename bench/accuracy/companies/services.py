"""What answers for itself: version endpoints, and databases that are connected to."""

from __future__ import annotations

from bench.accuracy.companies.cloud_run import deployed_at
from bench.accuracy.companies.estate import Item, Plan, World
from bench.accuracy.companies.naming import Side


def build(plan: Plan, side: Side, world: World) -> None:
    if "http" in plan.sources:
        for service in plan.services:
            if service.web:
                url = f"https://{side.host(service.name)}/version"
                doc = {"version": service.image, "deployed": deployed_at(side, service.name)}
                world.add(
                    Item(f"http/{service.name}", "http.version", service.name, doc, source="http", refs=(url,),
                         component=service.name, location=url)
                )  # fmt: skip
    if "postgres" in plan.sources:
        for what in plan.databases or ("main",):
            world.add(_server(plan, side, what))


def _server(plan: Plan, side: Side, what: str) -> Item:
    name = side.table_name(what, f"rds/{what}")
    host = side.inside(f"{what}-db")
    doc = {
        "version": plan.pick(("15.7", "16.4", "17.2"), "server", what),
        "edition": "PostgreSQL",
        "encoding": "UTF8",
        "collation": "en_US.UTF-8",
        "character_type": "en_US.UTF-8",
        "settings": {
            "max_connections": 200,
            "shared_buffers": "1GB",
            "work_mem": "16MB",
            "random_page_cost": 1.1,
            "default_transaction_isolation": "read committed",
            "log_min_duration_statement": plan.pick(("250ms", "500ms"), "slow", what),
            "wal_level": "logical",
            "jit": False,
        },
        "extensions": {"plpgsql": "1.0", "pg_stat_statements": "1.10", "pgcrypto": "1.3"},
        "preloaded": {"shared_preload_libraries": ["pg_stat_statements"]},
    }
    return Item(
        f"postgres/{what}",
        "postgres.server",
        name,
        doc,
        source="postgres",
        refs=(host,),
        location=f"postgresql://{host}/{name}",
    )
