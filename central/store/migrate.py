"""Brings a database to this version of the tables.

Must never be run by a worker on its own: an admin (or the demo) runs `eid-central migrate`, workers only look
(central/store/engine.py).
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from central.store.engine import Store

_SCRIPTS = Path(__file__).with_name("migrations")


def migrate(store: Store) -> str:
    """Runs what is missing; the revision it ends at. Raises StoreUnavailable."""
    config = _config()
    with store.connection() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return newest_revision()


def newest_revision() -> str:
    """The newest revision among the migrations."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "the package ships at least one migration"
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
