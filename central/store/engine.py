"""The connection to the database, and the only two ways to use it: one read, one write transaction.

SQLite runs in WAL with synchronous=FULL, so that a commit is on the disk before its receipt leaves. A write transaction
takes the write lock at its start: two workers wait for each other instead of failing half-way. Forms lie readable in
the database: must never repeat a statement's parameters in an error, nor make a file that others can read.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from central.errors import ConfigInvalid, StoreOutdated, StoreUnavailable

REVISION = "0003"
"""The newest migration; a test compares."""

BUSY_TIMEOUT_S = 30
_READ_ONLY = "eid_read_only"
_NOT_THE_STATEMENTS_FAULT = ("08", "25", "40", "53", "55", "57", "58", "F0", "XX")
"""Classes of SQLSTATE (PostgreSQL, appendix A) that say the server, the disk or another transaction is in the way."""


def make_engine(url: str) -> Engine:
    """An engine set up for its kind of database. Raises ConfigInvalid for an URL that is none."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql" and "+" not in parsed.drivername:
            parsed = parsed.set(drivername="postgresql+pg8000")
        if parsed.get_backend_name() != "sqlite":
            return create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
        waiting = {"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}
        engine = create_engine(parsed, connect_args=waiting, hide_parameters=True)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise ConfigInvalid(file="-", field="database_url", problem=type(error).__name__) from None
    event.listen(engine, "do_connect", _make_private)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(_dialect: Any, _record: Any, arguments: list[Any], _named: dict[str, Any]) -> None:
    """The file for its owner alone, whatever the umask; SQLite gives its journals the same mode."""
    path = Path(str(arguments[0]))
    if path.is_absolute() and path.parent.is_dir():
        with suppress(OSError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver would otherwise open transactions by itself, and not at once.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    deferred = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if deferred else "BEGIN IMMEDIATE")


class Store:
    """The database of one centre.

    Args:
        url: SQLAlchemy URL.
    """

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction; committed at its end, undone by any exception. Raises StoreUnavailable."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise _told(error) from None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that must not write. Raises StoreUnavailable."""
        try:
            with self.engine.connect() as connection:
                yield connection.execution_options(**{_READ_ONLY: True})
        except DBAPIError as error:
            raise _told(error) from None

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection whose user makes his own transactions. Raises StoreUnavailable."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise _told(error) from None

    def check_version(self) -> None:
        """Raises StoreOutdated where the tables are not at REVISION, StoreUnavailable where none is reached."""
        with self.read() as connection:
            has_table = inspect(connection).has_table("alembic_version")
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if has_table else None
        if found != REVISION:
            raise StoreOutdated(found=found or "-", wanted=REVISION)

    def close(self) -> None:
        """Gives every connection back."""
        self.engine.dispose()


def _told(error: DBAPIError) -> Exception:
    """StoreUnavailable where trying again later can help; else `error` itself: what was to be written is at fault."""
    cause = error.orig
    told = cause.args[0] if cause is not None and cause.args else None
    state = str(told.get("C", "")) if isinstance(told, dict) else ""
    broken_file = type(cause) is sqlite3.DatabaseError
    passing = isinstance(error, (OperationalError, InterfaceError)) or state[:2] in _NOT_THE_STATEMENTS_FAULT
    return StoreUnavailable(reason=state or type(cause).__name__) if passing or broken_file else error
