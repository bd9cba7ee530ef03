"""A whole site on disk and in processes: fleet keys, broker, outside systems, the centre, an emulated station."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from central.__main__ import main
from central.config import CentralConfig
from central.emulated.station import EmulatedStation, StationKeys, StationTls
from central.store.engine import Store
from central.store.migrate import migrate
from provisioning.broker import Broker, BrokerMissing, find_mosquitto
from provisioning.fleet import Fleet
from provisioning.layout import StationLayout
from wire.keys import OpeningKey, SealingKey, SigningKey, VerifyingKey

STATION, OTHER_STATION = "st-0001", "st-0002"
NOW_MS = 1_767_855_600_000  # 2026-01-08T07:00Z, a Thursday in office hours

CONFIG = """
data_dir = "data"
stations_dir = "{stations}"

[broker]
host = "127.0.0.1"
port = {port}
ca_file = "{centre}/ca.crt"
certificate_file = "{centre}/centre-1.crt"
key_file = "{centre}/centre-1.key"

[keys]
signing_file = "{centre}/signing.json"
opening_files = ["{centre}/opening.json"]

[register]
base_url = "{register}"
deadline_s = 3

[authority]
base_url = "{authority}"
deadline_s = 3

[jobs]
lease_s = 15
first_retry_s = 0.1
longest_retry_s = 0.5
poll_s = 0.1
idle_s = 0.02
alarm_attempts = 3

[ingest]
outbound_poll_s = 0.05

[cases]
plan = "single-2"
"""


@dataclass
class Site:
    """Everything on disk. `broker` and the URLs are set while they run."""

    root: Path
    fleet: Fleet
    broker: Broker
    register: str = "http://127.0.0.1:9"
    authority: str = "http://127.0.0.1:9"
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def config_path(self) -> Path:
        return self.root / "central.toml"

    def write_config(self, **replaced: str) -> CentralConfig:
        """Writes the configuration as things stand."""
        layout = self.fleet.layout
        text = CONFIG.format(
            stations=layout.stations,
            centre=layout.centre,
            port=self.broker.port,
            register=self.register,
            authority=self.authority,
        )
        for old, new in replaced.items():
            text = text.replace(old, new)
        self.config_path.write_text(text)
        return CentralConfig.load(self.config_path)

    def station(self, station_id: str = STATION) -> EmulatedStation:
        """The emulated station; not connected."""
        layout = StationLayout(self.root / station_id)
        keys = StationKeys(
            SigningKey.from_json(layout.signing_key.read_text()),
            OpeningKey.from_json(layout.opening_key.read_text()),
            SealingKey.from_json(layout.centre_sealing_key.read_text()),
            [VerifyingKey.from_json(layout.centre_verifying_keys[0].read_text())],
        )
        tls = StationTls("127.0.0.1", self.broker.port, layout.ca_certificate, layout.tls_certificate, layout.tls_key)
        return EmulatedStation(station_id, keys, tls)

    def cli(self, *arguments: str, ok: bool = True) -> Result:
        """Runs the command, in this process: the same code, without the second an interpreter takes to start."""
        done = CliRunner().invoke(main, ["--config", str(self.config_path), *arguments], catch_exceptions=False)
        assert not ok or done.exit_code == 0, done.stderr
        return done

    def start(self, *arguments: str, log: str = "centre.log") -> subprocess.Popen[str]:
        """Starts a command that goes on running, in a process group of its own."""
        command = [sys.executable, "-m", "central", "--config", str(self.config_path), *arguments]
        with (self.root / log).open("ab") as sink:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sink, text=True, start_new_session=True)
        self.processes.append(process)
        return process

    def log(self, name: str = "centre.log") -> str:
        """What the processes said."""
        path = self.root / name
        return path.read_text("utf-8") if path.exists() else ""

    def start_emulated(self, kind: str) -> str:
        """Starts an emulated system; its URL."""
        process = self.start(f"emulated-{kind}", log=f"{kind}.log")
        assert process.stdout is not None
        line = process.stdout.readline()
        url: str = json.loads(line)["url"]
        return url

    def open_store(self) -> Store:
        """The database; it is up to date already."""
        return Store(CentralConfig.load(self.config_path).store_url)

    def end(self) -> None:
        """Ends every process."""
        for process in self.processes:
            stop(process)
        self.processes.clear()


def stop(process: subprocess.Popen[str]) -> None:
    """Ends a process in order; its whole group after a while."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


def eventually(holds: Callable[[], Any], deadline_s: float = 20.0) -> Any:
    """The first true value of `holds`, asked again and again; fails after the deadline."""
    until = time.monotonic() + deadline_s
    while True:
        value = holds()
        if value:
            return value
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.02)


@lru_cache(maxsize=1)
def _template() -> Path:
    """A fleet with two stations and an empty SQLite database, made once and copied for every site."""
    folder = Path(tempfile.mkdtemp(prefix="eid-central-site-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    fleet = Fleet.create(folder / "fleet", ["127.0.0.1", "localhost"], datetime.now(UTC), centres=2)
    for station_id in (STATION, OTHER_STATION):
        fleet.add_station(station_id, folder / station_id, datetime.now(UTC))
    (folder / "data").mkdir()
    store = Store(f"sqlite:///{folder / 'data' / 'central.sqlite'}")
    migrate(store)
    store.close()
    return folder


@contextmanager
def site_in(root: Path, *, broker: bool, emulated: bool) -> Iterator[Site]:
    """A site in `root`, with or without running parts."""
    shutil.copytree(_template(), root, dirs_exist_ok=True)
    fleet = Fleet(root / "fleet")
    with ExitStack() as stack:
        site = Site(root, fleet, Broker(fleet))
        stack.callback(site.end)
        if broker:
            try:
                find_mosquitto()
            except BrokerMissing:
                pytest.skip("mosquitto is not installed; make setup unpacks it")
            stack.enter_context(site.broker)
        site.write_config()
        if emulated:
            site.register = site.start_emulated("register")
            site.authority = site.start_emulated("authority")
            site.write_config()
        yield site


def person_of(form: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What the emulated register should know of the person of a form."""
    return {
        "surname": form["surname"],
        "givenNames": form["given_names"],
        "dateOfBirth": form["birth_date"],
        "gender": form["sex"],
        "nationality": form["nationality"],
        "documentNumber": form["document"]["number"],
        "documentType": form["document"]["type"].upper(),
        "faceReference": True,
        "fingerReference": True,
        **changes,
    }


def know_person(register_url: str, form: dict[str, Any], *, person: str = "A-1", **changes: Any) -> None:
    """Puts the person into the emulated register."""
    answer = httpx.put(f"{register_url}/control/persons/{person}", json=person_of(form, **changes), trust_env=False)
    assert answer.status_code == 204


def set_mood(url: str, **mood: Any) -> None:
    """Tells an emulated system how to behave."""
    answer = httpx.patch(f"{url}/control/mood", json=mood, trust_env=False)
    assert answer.status_code == 200, answer.text


def questions(url: str) -> list[dict[str, Any]]:
    """What an emulated system was asked."""
    found: list[dict[str, Any]] = httpx.get(f"{url}/control/questions", trust_env=False).json()
    return found


def adult_form() -> dict[str, Any]:
    """A form of an adult with everything in order, valid for years."""
    return {
        "surname": "THỬ-NGHIỆM",
        "given_names": "KIM MẪU",
        "birth_date": "1985-03-12",
        "sex": "M",
        "nationality": "KOR",
        "document": {
            "type": "passport",
            "number": "M98765432",
            "issued_on": "2024-03-12",
            "issued_at": "Seoul",
            "valid_until": "2099-03-11",
        },
        "card": {
            "kind": "temporary",
            "number": "TEST-000000",
            "symbol": "LĐ2",
            "issued_on": "2025-01-01",
            "valid_until": "2099-12-31",
        },
        "phone": {"number": "0900000000", "owner": "self"},
        "email": "kim.mau@example.com",
        "form_signed": True,
    }
