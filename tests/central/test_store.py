"""The database: migrations make exactly the tables of the code, on SQLite and PostgreSQL; transactions are whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from central.errors import ConfigInvalid, StoreOutdated, StoreUnavailable
from central.store.engine import REVISION, Store
from central.store.migrate import migrate, newest_revision
from central.store.tables import metadata, station_states

STATE = {
    "station_id": "st-0001",
    "online": True,
    "software": "1",
    "outbox": 0,
    "quarantine": 0,
    "at_ms": 1,
    "received_ms": 1,
}


def test_migrations_make_the_tables_of_the_code(any_store: Store) -> None:
    """A table changed without a migration is found."""
    with any_store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)

    assert differences == []


def test_the_code_knows_the_newest_migration() -> None:
    """Workers compare with a constant, so that they need not load the migrations."""
    assert newest_revision() == REVISION


def test_migrate_again_changes_nothing(any_store: Store) -> None:
    """An admin may run it at any time."""
    migrate(any_store)

    any_store.check_version()


def test_database_of_another_version_is_refused(tmp_path: Path) -> None:
    """A worker never runs on tables it does not know, nor makes them."""
    store = Store(f"sqlite:///{tmp_path / 'empty.sqlite'}")

    with pytest.raises(StoreOutdated):
        store.check_version()
    store.close()


def test_unreachable_database_is_named(tmp_path: Path) -> None:
    """A folder that is not there, in one sentence and without a traceback of the driver."""
    store = Store(f"sqlite:///{tmp_path / 'missing' / 'central.sqlite'}")

    with pytest.raises(StoreUnavailable), store.read():
        pytest.fail("opened a database that is not there")
    store.close()


def test_url_that_is_none_is_refused() -> None:
    """The configuration is named, not the driver."""
    with pytest.raises(ConfigInvalid):
        Store("not a url")


def test_exception_undoes_the_transaction(any_store: Store) -> None:
    """All or nothing."""

    def half_a_transaction() -> None:
        with any_store.write() as connection:
            connection.execute(insert(station_states).values(STATE))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_a_transaction()

    with any_store.read() as connection:
        assert connection.execute(select(station_states)).first() is None


def test_sqlite_is_durable_and_consistent(tmp_path: Path) -> None:
    """A commit is on the disk before a receipt leaves (WAL, synchronous FULL), and references are enforced."""
    store = Store(f"sqlite:///{tmp_path / 'central.sqlite'}")
    with store.read() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    store.close()

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_database_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """P2: it holds forms; neither an open folder nor the usual umask lets another user of the machine read them."""
    tmp_path.chmod(0o755)
    before = os.umask(0o022)
    try:
        store = Store(f"sqlite:///{tmp_path / 'central.sqlite'}")
        migrate(store)
        with store.write() as connection:
            connection.execute(insert(station_states).values(STATE))
            modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(before)

    assert set(modes.values()) == {0o600}, modes
    assert "central.sqlite-wal" in modes


def test_error_of_a_statement_does_not_repeat_its_values(any_store: Store) -> None:
    """P2: what is to be stored may be a name; the text of the driver's error ends in logs and on terminals."""
    row = {**STATE, "software": "KIM", "online": None}
    with pytest.raises(DBAPIError) as caught, any_store.write() as connection:
        connection.execute(insert(station_states).values(row))

    assert "[SQL parameters hidden" in str(caught.value)


def test_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """For the worker and for `migrate` alike."""
    (tmp_path / "central.sqlite").write_bytes(b"hello, this is no database at all\n" * 100)
    store = Store(f"sqlite:///{tmp_path / 'central.sqlite'}")

    with pytest.raises(StoreUnavailable):
        store.check_version()
    with pytest.raises(StoreUnavailable):
        migrate(store)
    store.close()


def test_server_in_trouble_is_not_the_statements_fault(postgres_url: str) -> None:
    """A statement the server cancelled would else count as a bad bundle and go into quarantine at its station."""
    store = Store(postgres_url)

    def take_too_long() -> None:
        with store.write() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 20"))
            connection.execute(text("SELECT pg_sleep(30)"))

    with pytest.raises(StoreUnavailable) as caught:
        take_too_long()
    store.close()

    assert caught.value.params["reason"] == "57014"


def test_statement_the_server_refuses_stays_its_own_fault(postgres_url: str) -> None:
    """A value that can never be stored must not stop ingest for ever."""
    store = Store(postgres_url)
    with pytest.raises(DBAPIError), store.write() as connection:
        connection.execute(text("SELECT 1/0"))
    store.close()
