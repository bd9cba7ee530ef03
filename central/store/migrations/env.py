"""Run by Alembic for every command: migrates over the connection it was handed (central/store/migrate.py)."""

from __future__ import annotations

from alembic import context

from central.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
