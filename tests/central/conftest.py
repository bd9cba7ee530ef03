"""Fixtures of the centre's tests: a site with and without running parts, databases of both kinds, ingest over them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from central.clock import system_ms
from central.config import CentralConfig
from central.emulated.authority import EmulatedAuthority
from central.emulated.register import EmulatedRegister
from central.keys import CentreKeys, load_keys
from central.stations import StationDirectory
from central.store.engine import Store
from central.store.migrate import migrate
from tests.central.centre import Centre, Clock
from tests.central.desk import Desk, Outside, desk_in
from tests.central.site import Site, adult_form, person_of, site_in
from tests.central.threaded import serving


@pytest.fixture
def bare_site(tmp_path: Path) -> Iterator[Site]:
    """Files and keys only."""
    with site_in(tmp_path, broker=False, emulated=False) as site:
        yield site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Broker and outside systems run; the centre does not yet."""
    with site_in(tmp_path, broker=True, emulated=True) as site:
        yield site


@pytest.fixture
def keys(bare_site: Site) -> CentreKeys:
    return load_keys(CentralConfig.load(bare_site.config_path).keys)


@pytest.fixture
def stations(bare_site: Site) -> StationDirectory:
    return StationDirectory(bare_site.fleet.layout.stations)


@pytest.fixture
def form() -> dict[str, Any]:
    """A form of an adult with everything in order."""
    return adult_form()


POSTGRES = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A private PostgreSQL on a Unix socket, run by an ordinary user."""
    if not (POSTGRES / "initdb").exists():
        pytest.skip("PostgreSQL 15 is not installed (Debian: postgresql-15)")
    user = "nobody" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="eid-pg-", dir="/tmp") as folder:
        home = Path(folder)
        if user:
            shutil.chown(home, user)
        data = home / "data"

        def run(*command: str) -> None:
            subprocess.run(command, user=user, check=True, capture_output=True, cwd="/", timeout=60)

        run(str(POSTGRES / "initdb"), "-D", str(data), "-U", "eid", "--auth=trust", "--no-sync", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={home} -c fsync=off"
        control = str(POSTGRES / "pg_ctl")
        run(control, "-D", str(data), "-l", str(home / "log"), "-o", options, "-w", "-t", "30", "start")
        try:
            yield f"postgresql+pg8000://eid@/postgres?unix_sock={home}/.s.PGSQL.5432"
        finally:
            run(control, "-D", str(data), "-m", "immediate", "-w", "stop")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        store = Store(f"sqlite:///{tmp_path / 'any.sqlite'}")
    else:
        store = Store(request.getfixturevalue("postgres_url"))
        with store.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    migrate(store)
    yield store
    store.close()


@pytest.fixture
def centre(bare_site: Site, any_store: Store, keys: CentreKeys, stations: StationDirectory) -> Centre:
    """A centre over each kind of database, at the present time."""
    return Centre(bare_site, any_store, keys, stations, Clock(system_ms()))


@pytest.fixture
def sqlite_centre(bare_site: Site, keys: CentreKeys, stations: StationDirectory) -> Iterator[Centre]:
    """A centre over SQLite alone, where the kind of database does not matter."""
    store = bare_site.open_store()
    yield Centre(bare_site, store, keys, stations, Clock(system_ms()))
    store.close()


@pytest.fixture
def outside() -> Iterator[Outside]:
    register, authority = EmulatedRegister(), EmulatedAuthority()
    register.persons["A-1"] = person_of(adult_form())
    with serving(register.app()) as register_url, serving(authority.app()) as authority_url:
        yield Outside(register, register_url, authority, authority_url)


@pytest.fixture
def desk(centre: Centre, outside: Outside) -> Iterator[Desk]:
    """A case whose capture was just stored, on each kind of database."""
    with desk_in(centre, outside) as found:
        yield found


@pytest.fixture
def sqlite_desk(sqlite_centre: Centre, outside: Outside) -> Iterator[Desk]:
    with desk_in(sqlite_centre, outside) as found:
        yield found
