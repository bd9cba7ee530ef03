"""Where a fleet's and a station's files lie, and how they are written. Must never leave a file readable by others.

    FLEET/
    ├── admin/      ca.key, ca.crt, issued.json: stays with the fleet admin, never copied to broker or centre
    ├── broker/     mosquitto.conf, acl, ca.crt, crl.pem, server.crt, server.key, data/: for the broker's machine
    ├── centre/     ca.crt, centre-N.crt, centre-N.key, signing.json, opening.json: for the centre's machine
    ├── public/     ca.crt, centre-verifying.json, centre-sealing.json: for every station
    └── stations/   ID.json: wire.stations.StationRecord, read by the centre

    STATION/
    ├── capture/    signing.json, opening.json, centre-verifying.json, centre-sealing.json
    └── link/       ca.crt, tls.crt, tls.key, centre-verifying.json

The two halves belong to different users: capture cannot reach the broker, link cannot sign or open anything.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FleetLayout:
    """Paths under a fleet's directory."""

    root: Path

    @property
    def admin(self) -> Path:
        return self.root / "admin"

    @property
    def broker(self) -> Path:
        return self.root / "broker"

    @property
    def centre(self) -> Path:
        return self.root / "centre"

    @property
    def public(self) -> Path:
        return self.root / "public"

    @property
    def stations(self) -> Path:
        return self.root / "stations"

    @property
    def ca_key(self) -> Path:
        return self.admin / "ca.key"

    @property
    def ca_certificate(self) -> Path:
        return self.public / "ca.crt"

    @property
    def issued(self) -> Path:
        return self.admin / "issued.json"

    @property
    def revocation_list(self) -> Path:
        return self.broker / "crl.pem"

    @property
    def broker_config(self) -> Path:
        return self.broker / "mosquitto.conf"

    @property
    def broker_acl(self) -> Path:
        return self.broker / "acl"

    @property
    def centre_signing_key(self) -> Path:
        return self.centre / "signing.json"

    @property
    def centre_opening_key(self) -> Path:
        return self.centre / "opening.json"

    @property
    def centre_verifying_key(self) -> Path:
        return self.public / "centre-verifying.json"

    @property
    def centre_sealing_key(self) -> Path:
        return self.public / "centre-sealing.json"

    def centre_certificate(self, name: str) -> Path:
        return self.centre / f"{name}.crt"

    def centre_tls_key(self, name: str) -> Path:
        return self.centre / f"{name}.key"

    def station_record(self, station_id: str) -> Path:
        return self.stations / f"{station_id}.json"

    def folders(self) -> tuple[Path, ...]:
        return (self.admin, self.broker, self.broker / "data", self.centre, self.public, self.stations)


@dataclass(frozen=True, slots=True)
class StationLayout:
    """Paths under a station's directory; what is named twice lies in both halves."""

    root: Path

    @property
    def capture(self) -> Path:
        return self.root / "capture"

    @property
    def link(self) -> Path:
        return self.root / "link"

    @property
    def signing_key(self) -> Path:
        return self.capture / "signing.json"

    @property
    def opening_key(self) -> Path:
        return self.capture / "opening.json"

    @property
    def centre_sealing_key(self) -> Path:
        return self.capture / "centre-sealing.json"

    @property
    def centre_verifying_keys(self) -> tuple[Path, Path]:
        return self.capture / "centre-verifying.json", self.link / "centre-verifying.json"

    @property
    def ca_certificate(self) -> Path:
        return self.link / "ca.crt"

    @property
    def tls_certificate(self) -> Path:
        return self.link / "tls.crt"

    @property
    def tls_key(self) -> Path:
        return self.link / "tls.key"

    def files(self) -> tuple[Path, ...]:
        capture = (self.signing_key, self.opening_key, self.centre_sealing_key)
        return (*capture, *self.centre_verifying_keys, self.ca_certificate, self.tls_certificate, self.tls_key)


def make_folders(*folders: Path) -> None:
    """Makes folders that only their owner can enter."""
    for folder in folders:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_file(path: Path, content: bytes | str) -> None:
    """Replaces `path` as a whole, mode 0600; a power cut leaves the old file or the new one, never half of it."""
    raw = content.encode() if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """A rename is durable only after its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
