"""Databases as older versions of the program left them."""

from __future__ import annotations

from dataclasses import replace

from alembic import command
from sqlalchemy import Connection, create_engine, insert, inspect, select

from auditor.codec import canonical, digest, encode
from auditor.model import Snapshot
from auditor.store import Store, blobs, schema
from auditor.store.database import Database, parse
from auditor.store.tables import Base, DocumentRow, ManifestRow, SnapshotManifestRow, SnapshotRow

_LISTED = ("manifests", "snapshots", "snapshot_manifests")


def make(url: str, version: str) -> None:
    """The tables of `version`, empty, in the empty database at `url`."""
    database = Database(parse(url))
    try:
        if database.sqlite:
            database.prepare_file()
        with database.migrating() as connection:
            config = schema.alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, version)
    finally:
        database.close()


def copy(store: Store, url: str) -> None:
    """Put what `store` holds into the empty tables of an older version at `url`, in the columns that these have."""
    engine = create_engine(parse(url))
    known = inspect(engine)
    listed = known.has_table("chunks")
    taken = () if listed else tuple(store.load_snapshot(info.id) for info in store.snapshots())
    with store._database.reading() as session, engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            if not known.has_table(table.name):
                continue
            there = {column["name"] for column in known.get_columns(table.name)}
            if table is SnapshotRow.__table__ and not listed:
                numbers = {row.id: row.sequence for row in session.scalars(select(SnapshotRow))}
                for snapshot in reversed(taken):
                    save(connection, snapshot, numbers[snapshot.id] if "sequence" in there else None)
            if table.name in _LISTED and not listed:
                continue
            # The database numbers events and notices itself, so that its own count goes on from the last one.
            own = {"events": "id", "notices": "sequence"}.get(table.name)
            columns = [column for column in table.columns if column.name in there and column.name != own]
            rows = [dict(row) for row in session.execute(select(*columns)).mappings()]
            if rows:
                connection.execute(insert(table), rows)
    engine.dispose()


def save(connection: Connection, snapshot: Snapshot, sequence: int | None = None) -> None:
    """Write a snapshot as versions 0001 to 0005 did: canonical JSON, and manifests that list the resources themselves.

    `sequence` is for those that have the column."""
    documents: dict[str, bytes] = {}
    by_source: dict[str, list[tuple[bytes, int]]] = {}
    for place, resource in enumerate(snapshot.resources):
        attributes = canonical(dict(resource.attributes))
        documents[digest(attributes)] = attributes
        entry = {**encode(replace(resource, attributes={})), "attributes": digest(attributes)}
        by_source.setdefault(resource.source, []).append((canonical(entry), place))
    manifests: dict[str, bytes] = {}
    places: dict[int, tuple[int, int]] = {}
    for number, source in enumerate(sorted(by_source)):
        lines = sorted(by_source[source])
        content = b"[" + b",".join(line for line, _ in lines) + b"]"
        manifests[digest(content)] = content
        places.update({place: (number, entry) for entry, (_, place) in enumerate(lines)})
    facts = {
        **encode(replace(snapshot, resources=())),
        "runs": [[*places[place], 1] for place in range(len(snapshot.resources))],
    }
    for name in ("id", "environment", "taken_at", "resources"):
        del facts[name]
    content = canonical(facts)
    documents[digest(content)] = content
    for table, contents in ((DocumentRow, documents), (ManifestRow, manifests)):
        known = set(connection.scalars(select(table.digest)))
        new = [{"digest": key, "body": blobs.compress(contents[key])} for key in contents if key not in known]
        if new:
            connection.execute(insert(table), new)
    row = {
        "id": snapshot.id,
        "environment": snapshot.environment,
        "taken_at": snapshot.taken_at,
        "facts": digest(content),
    }
    row |= {"resources": len(snapshot.resources), "gaps": len(snapshot.gaps)}
    connection.execute(insert(SnapshotRow), {**row, **({} if sequence is None else {"sequence": sequence})})
    links = [{"snapshot": snapshot.id, "position": at, "manifest": key} for at, key in enumerate(manifests)]
    if links:
        connection.execute(insert(SnapshotManifestRow), links)
