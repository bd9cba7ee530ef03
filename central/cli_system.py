"""Commands that run and keep the centre: `run`, `migrate`, `stations`, `emulated-register`, `emulated-authority`.

Each imports what it alone needs when it runs: a worker starts sooner, and is started again often.
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from central import log, supervisor
from central.cli import FAILED, config_of, open_store
from central.clock import system_ms
from central.config import CentralConfig
from central.errors import StationRecordInvalid, StationsUnreadable
from central.keys import CentreKeys, load_keys
from central.stations import StationDirectory
from central.store.engine import Store
from central.store.jobs import JobKind
from central.store.stations import states

STOP_WAIT_S = 10.0


@click.command("run")
@click.option("--only", type=click.Choice(supervisor.WORKERS), help="Run this worker alone, in this process.")
@click.pass_context
def run_command(context: click.Context, only: str | None) -> None:
    """Run the centre: all workers in one process group, each started again when it ends."""
    config = config_of(context)
    log.set_up(only or "supervisor")
    if only is None:
        with open_store(config):
            pass
        load_keys(config.keys)
        path = Path(context.find_root().obj).resolve()
        context.exit(supervisor.Supervisor(path, supervisor.WORKERS).run())
    supervisor.end_with_parent()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with open_store(config) as store:
            work = _ingest if only == "ingest" else _jobs
            work(config, store, load_keys(config.keys), stop)
    except Exception as error:
        log.failure("worker_failed", error)
        context.exit(FAILED)


def _ingest(config: CentralConfig, store: Store, keys: CentreKeys, stop: threading.Event) -> None:
    from central.ingest import Ingest
    from central.link import Link

    ingest = Ingest(store, StationDirectory(config.stations_dir), keys, system_ms)
    Link(config.broker, config.ingest, store, ingest, keys, system_ms).run(lambda: not stop.is_set())


def _jobs(config: CentralConfig, store: Store, keys: CentreKeys, stop: threading.Event) -> None:
    """One thread per kind; the first that ends by an exception ends the process."""
    from central.adapters.authority import HttpAuthority
    from central.adapters.register import HttpRegister
    from central.jobs import JobWorker
    from central.steps import Steps
    from wire.rules.loader import load_rules

    rules = load_rules(config.cases.rules_dir)
    broken: list[BaseException] = []

    def work(kind: JobKind) -> None:
        register, authority = HttpRegister(config.register_), HttpAuthority(config.authority)
        steps = Steps(store, keys, rules, register, authority, int(config.jobs.poll_s * 1000), system_ms)
        try:
            JobWorker(store, steps, keys, config.jobs, (kind,), system_ms).run(stop)
        except BaseException as error:
            broken.append(error)
            stop.set()
        finally:
            register.close()
            authority.close()

    threads = [threading.Thread(target=work, args=(kind,), name=f"jobs-{kind.value}", daemon=True) for kind in JobKind]
    for thread in threads:
        thread.start()
    log.event("ready")
    stop.wait()
    for thread in threads:
        thread.join(STOP_WAIT_S)
    if broken:
        raise broken[0]


@click.command("migrate")
@click.pass_context
def migrate_command(context: click.Context) -> None:
    """Bring the database to this version (SQLite: makes it)."""
    from central.store.migrate import migrate

    config = config_of(context)
    if config.database_url is None:
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(config.store_url)
    click.echo(f"revision {migrate(store)}")
    store.close()


@click.command("stations")
@click.pass_context
def stations_command(context: click.Context) -> None:
    """List the stations, whether the centre takes what they send, and what they last said of themselves."""
    config = config_of(context)
    directory = StationDirectory(config.stations_dir)
    with open_store(config) as store, store.read() as connection:
        heard = {row["station_id"]: row for row in states(connection)}
    for station_id in directory.ids():
        state = heard.get(station_id)
        said = f"online={state['online']} outbox={state['outbox']} quarantine={state['quarantine']}" if state else "-"
        click.echo(f"{station_id:32}  {_standing(directory, station_id):10}  {said}")


def _standing(directory: StationDirectory, station_id: str) -> str:
    try:
        record = directory.get(station_id)
    except (StationRecordInvalid, StationsUnreadable):
        return "unreadable"
    if record.revoked_ms is not None:
        return "revoked"
    return "accepted" if record.accepts_at(system_ms()) else "expired"


_host = click.option("--host", default="127.0.0.1", show_default=True)
_port = click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    show_default=True,
    help="0 takes a free one; the first line says which.",
)


@click.command("emulated-register")
@_host
@_port
def emulated_register_command(host: str, port: int) -> None:
    """Serve an emulated immigration register (docs/central.md says how to tell it what to do)."""
    from central.emulated import register, server

    server.serve(register.app(), host, port, "register")


@click.command("emulated-authority")
@_host
@_port
def emulated_authority_command(host: str, port: int) -> None:
    """Serve an emulated identity authority."""
    from central.emulated import authority, server

    server.serve(authority.app(), host, port, "authority")


COMMANDS: list[click.Command] = [
    run_command,
    migrate_command,
    stations_command,
    emulated_register_command,
    emulated_authority_command,
]
"""To be added to the centre's command group."""
