"""What the commands share: the configuration, errors as sentences, exit statuses.

0: done. 1: it could not be done, one sentence on stderr says what to do. 2: wrong input, one sentence per field.
Must never print a traceback for an error of ours, nor a value from a form.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from central.config import CentralConfig
from central.store.engine import Store
from wire.catalogue import bundled
from wire.errors import EidError
from wire.rules.errors import InputInvalid

DEFAULT_CONFIG = Path("/etc/eid/central.toml")
FAILED = 1
WRONG_INPUT = 2


class CentralGroup(click.Group):
    """Prints our errors in both languages."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except InputInvalid as error:
            for problem in error.problems:
                click.echo(problem.sentence(), err=True)
            ctx.exit(WRONG_INPUT)
        except EidError as error:
            text = bundled().of_error(error)
            click.echo(text.vi, err=True)
            click.echo(text.en, err=True)
            ctx.exit(FAILED)


def config_of(context: click.Context) -> CentralConfig:
    """The configuration named on the command line. Raises ConfigInvalid."""
    return CentralConfig.load(context.find_root().obj)


@contextmanager
def open_store(config: CentralConfig) -> Iterator[Store]:
    """The store, at the version of these tables. Raises StoreOutdated, StoreUnavailable."""
    store = Store(config.store_url)
    try:
        store.check_version()
        yield store
    finally:
        store.close()
