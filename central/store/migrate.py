"""Brings a database to this version of the tables, and says whether it is there already.

Must never be run by a worker on its own: an admin (or the demo) runs `eid-central migrate`, workers only look.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from central.errors import StoreOutdated
from central.store.engine import Store

_SCRIPTS = Path(__file__).with_name("migrations")


def migrate(store: Store) -> str:
    """Runs what is missing; the revision it ends at."""
    config = _config()
    with store.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return wanted_revision()


def check_version(store: Store) -> None:
    """Raises StoreOutdated where the database is not at this version, StoreUnavailable where it cannot be reached."""
    with store.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != wanted_revision():
        raise StoreOutdated(found=found or "-", wanted=wanted_revision())


def wanted_revision() -> str:
    """The newest revision this version knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "the package ships at least one migration"
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
