"""A whole site on loopback: broker with mutual TLS, centre, emulated register and authority, and stations.

Every part is its own process and can be killed and started again; nothing of the product knows that it is watched.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import tomli_w

from provisioning.broker import Broker, free_port
from provisioning.fleet import Fleet
from tests.system.rig_station import BIN, Daemon, StationRig, wait_until

HOST = "127.0.0.1"

PERSON = {
    "documentNumber": "M00000000",
    "nationality": "KOR",
    "faceReference": True,
    "fingerReference": False,
}
"""What the emulated register knows of the example applicant: a face, no fingers, so seven working days."""


@dataclass(frozen=True, slots=True)
class RegisteredCase:
    dossier_id: str
    code: str
    printed: dict[str, Any]


class OutsideSystem:
    """An emulated outside system as a process, and its control path."""

    def __init__(self, name: str, root: Path) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        command = [str(BIN / "eid-central"), f"emulated-{name}", "--port", str(self.port)]
        self.daemon = Daemon(name, command, root / f"{name}.log")

    def start(self) -> None:
        self.daemon.start()
        self.wait()

    def wait(self, timeout_s: float = 30.0) -> None:
        """Until it answers."""
        wait_until(self._answers, timeout_s, f"the emulated {self.daemon.name}")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/control/questions", timeout=1.0).status_code == 200
        except httpx.HTTPError:
            return False

    def mood(self, **changes: Any) -> None:
        httpx.patch(f"{self.url}/control/mood", json=changes, timeout=5.0).raise_for_status()

    def put_person(self, uin: str, attributes: dict[str, Any]) -> None:
        httpx.put(f"{self.url}/control/persons/{uin}", json=attributes, timeout=5.0).raise_for_status()

    def questions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/control/questions", timeout=5.0).json()
        return found


class SiteRig:
    """One site below `root` (keep it short: Unix socket paths have a limit).

    Args:
        root: where everything lies.
        link: settings of every station's link beyond the connection itself.
        central: tables merged into the centre's configuration.
    """

    def __init__(
        self, root: Path, *, link: dict[str, Any] | None = None, central: dict[str, dict[str, Any]] | None = None
    ) -> None:
        self.root = root
        self.root.mkdir(parents=True, exist_ok=True)
        self.fleet = Fleet.create(root / "fleet", (HOST,), datetime.now(UTC))
        self.broker = Broker(self.fleet, free_port())
        self.register = OutsideSystem("register", root)
        self.authority = OutsideSystem("authority", root)
        self._link_settings = {"reconnect_min_s": 0.2, "reconnect_max_s": 2.0, "resend_s": 2.0} | (link or {})
        self.config_file = root / "central.toml"
        self.config_file.write_text(tomli_w.dumps(self._central_config(central or {})), "utf-8")
        command = [str(BIN / "eid-central"), "--config", str(self.config_file), "run"]
        self.centre = Daemon("centre", command, root / "centre.log")
        self.stations: dict[str, StationRig] = {}

    def _central_config(self, extra: dict[str, dict[str, Any]]) -> dict[str, Any]:
        files = self.fleet.layout
        tables: dict[str, dict[str, Any]] = {
            "broker": {
                "host": HOST,
                "port": self.broker.port,
                "ca_file": str(files.centre / "ca.crt"),
                "certificate_file": str(files.centre / "centre-1.crt"),
                "key_file": str(files.centre / "centre-1.key"),
            },
            "keys": {
                "signing_file": str(files.centre_signing_key),
                "opening_files": [str(files.centre_opening_key)],
            },
            "register": {"base_url": self.register.url, "deadline_s": 5.0},
            "authority": {"base_url": self.authority.url, "deadline_s": 5.0},
            "ingest": {"outbound_poll_s": 0.05},
            "jobs": {"idle_s": 0.05, "poll_s": 0.3, "first_retry_s": 0.3, "longest_retry_s": 2.0},
            "cases": {"plan": "single-2"},
        }
        for name, table in extra.items():
            tables[name] = tables.get(name, {}) | table
        return {"data_dir": str(self.root / "centre"), "stations_dir": str(files.stations)} | tables

    # -- life --------------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        self.broker.start()
        for system in (self.register, self.authority):
            system.daemon.start()
        self.start_centre()
        for system in (self.register, self.authority):
            system.wait()
        self.register.put_person("P-1", PERSON)
        self.wait_for_centre()
        return self

    def wait_for_centre(self, timeout_s: float = 40.0) -> None:
        """Until ingest is connected and the job loop runs, by its own log."""
        ready = (b'"event": "connected"', b'"event": "ready"')
        wait_until(lambda: all(mark in self.centre.log.read_bytes() for mark in ready), timeout_s, "the centre")

    def start_centre(self) -> None:
        self.central("migrate")
        self.centre.start()

    def stop(self) -> None:
        for station in self.stations.values():
            station.stop()
        for daemon in (self.centre, self.register.daemon, self.authority.daemon):
            if daemon.running:
                daemon.stop()
        self.broker.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def add_station(self, station_id: str, **settings: Any) -> StationRig:
        """Admits a station and writes its files; it is not started."""
        keys = self.root / f"{station_id}-keys"
        self.fleet.add_station(station_id, keys, datetime.now(UTC), days=90, office="PA08")
        link = {
            "host": HOST,
            "port": self.broker.port,
            "cafile": str(keys / "link" / "ca.crt"),
            "certfile": str(keys / "link" / "tls.crt"),
            "keyfile": str(keys / "link" / "tls.key"),
            "centre_keys": [str(keys / "link" / "centre-verifying.json")],
        } | self._link_settings
        rig = StationRig(self.root / station_id, station_id, keys, link, **settings)
        self.stations[station_id] = rig
        return rig

    # -- the centre's command line -----------------------------------------------------------------------------------

    def central(self, *arguments: str, timeout_s: float = 60.0) -> str:
        """Runs `eid-central`; its standard output. Raises with its sentence on failure."""
        command = [str(BIN / "eid-central"), "--config", str(self.config_file), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"eid-central {arguments[0]}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def register_case(self, form: Path, station_id: str, *options: str) -> RegisteredCase:
        """`eid-central register-case`."""
        printed = json.loads(self.central("register-case", str(form), "--station", station_id, "--json", *options))
        return RegisteredCase(printed["dossier_id"], printed["code"], printed)

    def show(self, dossier_id: str) -> dict[str, Any]:
        """`eid-central show --json`."""
        shown: dict[str, Any] = json.loads(self.central("show", dossier_id, "--json"))
        return shown

    def wait_for_state(self, dossier_id: str, states: set[str], timeout_s: float = 60.0) -> dict[str, Any]:
        """The case once it is in one of `states`."""
        deadline = time.monotonic() + timeout_s
        while True:
            shown = self.show(dossier_id)
            if shown["state"] in states:
                return shown
            if time.monotonic() > deadline:
                raise TimeoutError(f"case is {shown['state']}, not {sorted(states)}, after {timeout_s} s")
            time.sleep(0.2)


EXAMPLE_FORM = Path(__file__).parents[2] / "wire" / "rules" / "data" / "examples" / "tk01-adult.json"


def readable_findings(directory: Path, secrets: tuple[str, ...]) -> list[str]:
    """What in `directory` a thief could read: the secrets in any of their encodings, and pictures by their magic.

    The pictures' magic is looked for at any offset; a chance hit of three random bytes is excluded by the longer forms
    (JPEG with its next marker, the whole PNG signature).
    """
    found: list[str] = []
    patterns = [
        pattern
        for secret in secrets
        for pattern in {secret.encode(), secret.encode("utf-16-le"), secret.lower().encode()}
    ]
    pictures = re.compile(rb"\xff\xd8\xff[\xc0-\xfe]..(JFIF|Exif)?|\x89PNG\r\n\x1a\n", re.DOTALL)
    for path in sorted(directory.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        data = path.read_bytes()
        found.extend(f"{path.relative_to(directory)}: text" for pattern in patterns if pattern in data)
        match = pictures.search(data)
        if match is not None and _is_picture(data, match.start()):
            found.append(f"{path.relative_to(directory)}: picture")
    return found


def _is_picture(data: bytes, at: int) -> bool:
    """A JPEG in earnest: its first segment's length leads to another marker. Ciphertext passes this once in 2^24."""
    if data[at : at + 4] == b"\x89PNG":
        return True
    length = int.from_bytes(data[at + 4 : at + 6], "big")
    follow = at + 4 + length
    return length >= 2 and data[follow : follow + 1] == b"\xff"
