"""Runs mosquitto for one fleet on this machine: demo, tests, fault hunts, and `eid-fleet broker run`.

The process belongs to its owner's context manager. Ready means that a TLS handshake with the fleet's own certificate
went through. Must never listen on any address but the one it was given, and never touch another broker.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from provisioning import broker_config
from provisioning.errors import BrokerFailed, BrokerMissing
from provisioning.fleet import Fleet
from provisioning.layout import write_file

UNPACKED = Path(__file__).resolve().parents[1] / ".cache" / "mosquitto" / "run"
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def find_mosquitto() -> str:
    """EID_MOSQUITTO, an installed one (also in the sbin folders, which a user's PATH may lack), the one setup unpacked.

    Raises BrokerMissing.
    """
    named = os.environ.get("EID_MOSQUITTO")
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS])
    found = named or shutil.which("mosquitto", path=path) or (str(UNPACKED) if UNPACKED.exists() else None)
    if found is None:
        raise BrokerMissing()
    return found


def free_port(host: str = "127.0.0.1") -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """The broker of a fleet as a child process.

    Args:
        fleet: the fleet, or its directory.
        port: None takes a free one.
        host: address to listen on; must be one the server certificate names.
    """

    def __init__(self, fleet: Fleet | Path, port: int | None = None, host: str = "127.0.0.1") -> None:
        self.fleet = fleet if isinstance(fleet, Fleet) else Fleet(fleet)
        self.host = host
        self.port = port or free_port(host)
        self.log = self.fleet.layout.broker / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._pid_file = self.fleet.layout.broker / "mosquitto.pid"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """Of the running process, else None."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, deadline_s: float = 15.0) -> None:
        """Starts it and waits until it answers. Raises BrokerMissing, BrokerFailed."""
        if self.pid is not None:
            return
        mosquitto = find_mosquitto()
        self._refuse_a_taken_port()
        # Started as root it would drop to a user who cannot read the keys; on a private port it stays who we are.
        user = pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() == 0 else None
        places = broker_config.BrokerPlaces.below(self.fleet.layout.broker)
        text = broker_config.config(places, port=self.port, bind=self.host, user=user)
        config = self.fleet.layout.broker / f"run-{self.port}.conf"
        write_file(config, text)
        with self.log.open("ab") as log:
            self._process = self._spawn([mosquitto, "-c", str(config)], log)
        write_file(self._pid_file, f"{self._process.pid}\n")
        try:
            self._wait_until_ready(deadline_s)
        except BaseException:
            self.kill()
            raise

    def stop(self, deadline_s: float = 10.0) -> None:
        """Ends it in order: the message store is saved. After the deadline it is killed."""
        self._end(signal.SIGTERM, deadline_s)

    def kill(self) -> None:
        """kill -9: what it had not saved is lost."""
        self._end(signal.SIGKILL, 10.0)

    def restart(self, deadline_s: float = 15.0) -> None:
        """Ends it in order and starts it again on the same port."""
        self.stop()
        self.start(deadline_s)

    def reload(self) -> None:
        """Makes it read the access list and the revocation list again (SIGHUP)."""
        if self.pid is None:
            raise BrokerFailed(reason="not running", log=str(self.log))
        os.kill(self.pid, signal.SIGHUP)

    def wait(self) -> int:
        """Blocks until the process ends; its exit status. Raises BrokerFailed where it was not started."""
        if self._process is None:
            raise BrokerFailed(reason="not running", log=str(self.log))
        return self._process.wait()

    def _refuse_a_taken_port(self) -> None:
        """Else another broker would answer the handshake, and ours would end unnoticed."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                reason = f"{self.host}:{self.port}: {error.strerror}"
                raise BrokerFailed(reason=reason, log=str(self.log)) from None

    def _spawn(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        # Its own session: a Ctrl-C meant for the demo must not end the broker before the others have said goodbye.
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def _end(self, number: signal.Signals, deadline_s: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._pid_file.unlink(missing_ok=True)

    def _wait_until_ready(self, deadline_s: float) -> None:
        """Tries a handshake until it works, the process ends, or time is up; the last reason is reported."""
        until = time.monotonic() + deadline_s
        reason = "no answer"
        context = self._client_context()
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                raise BrokerFailed(reason=self._last_log_line(), log=str(self.log))
            try:
                with socket.create_connection((self.host, self.port), timeout=1.0) as plain:
                    plain.settimeout(1.0)
                    with context.wrap_socket(plain, server_hostname=self.host):
                        return
            except OSError as error:
                reason = str(error)
            time.sleep(0.02)  # between attempts only; the deadline above ends the wait
        raise BrokerFailed(reason=reason, log=str(self.log))

    def _client_context(self) -> ssl.SSLContext:
        layout = self.fleet.layout
        context = ssl.create_default_context(cafile=str(layout.ca_certificate))
        context.load_cert_chain(layout.centre_certificate("centre-1"), layout.centre_tls_key("centre-1"))
        return context

    def _last_log_line(self) -> str:
        lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "ended at once"


def signal_running_broker(fleet: Fleet) -> bool:
    """Tells this fleet's broker on this machine to read its lists again; False where none runs."""
    pid_file = fleet.layout.broker / "mosquitto.pid"
    try:
        pid = int(pid_file.read_text("ascii"))
        if "mosquitto" not in Path(f"/proc/{pid}/comm").read_text("utf-8", "replace"):
            return False
        os.kill(pid, signal.SIGHUP)
    except (OSError, ValueError):
        return False
    return True
