from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from auditor.errors import StoreError
from auditor.store import Store, migrations, schema
from auditor.store.database import parse
from auditor.store.tables import Base
from tests.publish.golden import same_as_golden
from tests.store import older
from tests.store.samples import snapshot


def set_version(url: str, version: str) -> None:
    engine = create_engine(parse(url))
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = :version"), {"version": version})
    engine.dispose()


def test_the_migrations_add_up_to_the_tables(empty_url: str):
    """On both databases: nothing that the tables declare is missing, differs or is too much after all migrations."""
    older.make(empty_url, "head")
    engine = create_engine(parse(empty_url))
    options = {"compare_type": True, "compare_server_default": True, "version_table": schema.VERSION_TABLE}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_head_is_the_last_migration():
    """The constant spares every start the loading of Alembic; it must not lag behind."""
    assert ScriptDirectory.from_config(schema.alembic_config()).get_heads() == [schema.HEAD]


def test_a_new_sqlite_file_is_laid_out_as_the_migrations_add_up(tmp_path: Path):
    """Statement by statement, with the version and no other row. `UPDATE_GOLDEN=1` writes the script anew."""
    older.make(f"sqlite:///{tmp_path / 'migrated.db'}", "head")
    with closing(sqlite3.connect(tmp_path / "migrated.db")) as connection:
        made = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'sqlite_sequence' ORDER BY rowid"
        filled = [line for line in connection.iterdump() if line.startswith("INSERT INTO")]
        script = ";\n\n".join([*(sql for (sql,) in connection.execute(made)), *(line.rstrip(";") for line in filled)])
    same_as_golden(str(Path(migrations.__file__).with_name("sqlite.sql")), script + "\n")
    assert filled == [f"INSERT INTO \"{schema.VERSION_TABLE}\" VALUES('{schema.HEAD}');"]
    schema.upgrade(f"sqlite:///{tmp_path / 'new.db'}")
    dumps = []
    for name in ("migrated.db", "new.db"):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            dumps.append([*connection.iterdump(), *connection.execute("PRAGMA auto_vacuum")])
    assert dumps[0] == dumps[1]


def test_an_upgrade_says_from_where_to_where(empty_url: str):
    """And a second one has nothing to do."""
    assert schema.current(empty_url) is None
    assert schema.upgrade(empty_url) == schema.Upgrade(None, schema.HEAD)
    assert schema.upgrade(empty_url) == schema.Upgrade(schema.HEAD, schema.HEAD)
    assert schema.current(empty_url) == schema.HEAD


def test_a_new_sqlite_file_is_made_at_first_use(sqlite_url: str):
    """Nobody has to prepare anything for the default store."""
    with Store.open(sqlite_url) as store:
        store.save_snapshot(snapshot())
    with Store.open(sqlite_url) as store:
        assert store.load_snapshot("s1") == snapshot()


def test_a_new_sqlite_file_is_its_owners_alone(sqlite_url: str):
    """Nobody else reads it, nor what SQLite keeps beside it; whoever wants that changed changes it for good."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with Store.open(sqlite_url) as store:
        store.save_snapshot(snapshot())
        assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.glob(f"{file.name}*")} == {
            file.name: 0o600,
            f"{file.name}-shm": 0o600,
            f"{file.name}-wal": 0o600,
        }
    file.chmod(0o640)
    with Store.open(sqlite_url) as store:
        store.save_snapshot(snapshot("s2"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_an_sqlite_file_keeps_readers_beside_a_writer_and_writes_through(sqlite_url: str):
    """WAL for the file, foreign keys and full synchronisation for each connection."""
    with Store.open(sqlite_url) as store, store._database.reading() as session:
        pragmas = ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        values = [session.execute(text(f"PRAGMA {name}")).scalar() for name in pragmas]
    assert values == ["wal", 1, 2, 30_000]


def test_an_empty_postgresql_database_asks_for_the_upgrade(postgres_schema_url: str):
    """Tables are not made by surprise in a database that others may use."""
    with pytest.raises(StoreError, match="it has no tables of ours yet; make them with `audit db upgrade`"):
        Store.open(postgres_schema_url)


def test_tables_of_a_newer_program_are_left_alone(url: str):
    """Neither opened nor upgraded: what they mean is not known here."""
    set_version(url, "9999")
    for attempt in (Store.open, schema.upgrade):
        with pytest.raises(StoreError, match=r"of version 9999, which this program .* does not know; a newer Parity"):
            attempt(url)
    assert schema.current(url) == "9999"


def test_tables_of_an_older_program_ask_for_the_upgrade(empty_url: str):
    """A start does not change tables under other programs' feet."""
    older.make(empty_url, "0001")
    message = f"of version 0001 and this program needs {schema.HEAD}; back it up, then run `audit db upgrade`"
    with pytest.raises(StoreError, match=message):
        Store.open(empty_url)
    assert schema.current(empty_url) == "0001"


def test_another_programs_file_is_left_alone(tmp_path: Path):
    """An SQLite file with other tables is a slip in the configuration."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    before = path.read_bytes()
    for attempt in (Store.open, schema.upgrade):
        with pytest.raises(StoreError, match="the file holds another program's tables; name another file"):
            attempt(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_told(tmp_path: Path):
    """One clear message, and the file is not touched."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database\n" * 100)
    with pytest.raises(StoreError, match=r"notes.txt: the file is not an SQLite database; name another file"):
        Store.open(f"sqlite:///{path}")
    assert path.read_text() == "not a database\n" * 100


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("auditor.db", "not a database URL; write sqlite:///auditor.db or postgresql://user@host/database"),
        ("mysql://root@localhost/audits", "mysql is not supported; use sqlite:///FILE or postgresql://HOST/DATABASE"),
        ("postgresql+psycopg2://localhost/audits", r"postgresql\+psycopg2 is not supported"),
        ("sqlite://", "an SQLite store needs a file to remember anything"),
        ("sqlite:///:memory:", "an SQLite store needs a file to remember anything"),
        ("sqlite:////nowhere/at/all/auditor.db", "there is no folder /nowhere/at/all; create it, or name another file"),
    ],
)
def test_a_url_that_cannot_be_a_store_says_what_can(url: str, message: str):
    """Each with its remedy."""
    with pytest.raises(StoreError, match=message):
        Store.open(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_uses_the_driver_that_ships(scheme: str):
    """Hosting providers and people spell it in three ways."""
    assert parse(f"{scheme}://ana@db/audits").drivername == "postgresql+psycopg"


def test_a_server_that_does_not_answer_is_told_without_the_password():
    """The message is shown and logged; the password in the URL must not be."""
    with pytest.raises(StoreError) as caught:
        Store.open("postgresql://ana:hunter2@127.0.0.1:1/audits")
    assert "postgresql://ana@127.0.0.1:1/audits" in str(caught.value)
    assert "hunter2" not in str(caught.value)
