"""What the commands share: the configuration, errors as sentences, exit statuses.

0: done. 1: it could not be done, one sentence on stderr says what to do. 2: wrong input, one sentence per field.
Must never print a traceback or the text of an exception that is not ours, nor a value from a form: what a library
says of a form repeats it. Nor may a crash leave a form on the disk: no command dumps core.
"""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from central import log
from central.config import CentralConfig
from central.errors import StoreOutdated, SystemRefused, Unexpected
from central.store.engine import REVISION, Store
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
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except InputInvalid as error:
            for problem in error.problems:
                click.echo(problem.sentence(), err=True)
            ctx.exit(WRONG_INPUT)
        except Exception as error:
            text = bundled().of_error(_told(error))
            click.echo(text.vi, err=True)
            click.echo(text.en, err=True)
            ctx.exit(FAILED)


def _told(error: Exception) -> EidError:
    """Raises `error` where the reader of our output has gone: that is no fault, and click ends quietly."""
    match error:
        case EidError():
            return error
        case OSError(errno=errno.EPIPE):
            raise error
        case OSError():
            what, reason = error.filename, error.strerror
            return SystemRefused(what=os.fsdecode(what) if what else "-", reason=reason or type(error).__name__)
        case _:
            said = log.describe(error)
            return Unexpected(error=type(error).__name__, where=str(said.get("where", "-")))


def config_of(context: click.Context) -> CentralConfig:
    """The configuration named on the command line. Raises ConfigInvalid."""
    return CentralConfig.load(context.find_root().obj)


@contextmanager
def open_store(config: CentralConfig) -> Iterator[Store]:
    """The store, at the version of these tables. Raises StoreOutdated, also for one not made yet, StoreUnavailable."""
    if config.database_url is None and not config.store_file.exists():
        raise StoreOutdated(found="-", wanted=REVISION)
    store = Store(config.store_url)
    try:
        store.check_version()
        yield store
    finally:
        store.close()
