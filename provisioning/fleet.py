"""A fleet on disk: made once, grown by stations, thinned by revocation. The public face of this package.

Time comes in as an argument. Must never hand a station's private keys to anyone but the station's own directory,
and never leave a half-made fleet or station behind under its final name.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from provisioning import broker_config
from provisioning.certificates import Authority, Certified, Revoked, server_names
from provisioning.errors import (
    FleetDamaged,
    FleetExists,
    FleetMissing,
    OutputExists,
    StationExists,
    StationNameInvalid,
    StationRevoked,
    StationUnknown,
)
from provisioning.layout import FleetLayout, StationLayout, make_folders, sync_folder, write_file
from wire.ids import CENTRE, is_station_id
from wire.keys import OpeningKey, SigningKey
from wire.stations import StationRecord

AUTHORITY_YEARS = 10
SERVER_DAYS = 825
CENTRE_DAYS = 365
REVOCATION_LIST_DAYS = 90
STATION_DAYS = 90


class Issued(BaseModel):
    """One client certificate that was ever issued."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    serial: str
    not_after_ms: int
    revoked_ms: int | None = None


class Register(BaseModel):
    """All of them, and the number of the newest revocation list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issued: tuple[Issued, ...] = ()
    list_number: int = 0


class Fleet:
    """An existing fleet. Raises FleetMissing where `root` holds none."""

    def __init__(self, root: Path) -> None:
        self.layout = FleetLayout(root.resolve())
        if not self.layout.ca_key.exists():
            raise FleetMissing(where=str(root))

    @classmethod
    def create(cls, root: Path, hosts: Sequence[str], now: datetime, *, port: int = 8883, centres: int = 1) -> Fleet:
        """A new fleet in `root`, which must not exist or be empty (else FleetExists).

        Args:
            hosts: names and addresses under which clients reach the broker; the first is the one it listens on.
            now: aware time.
            port: the broker's.
            centres: how many centre workers may connect, each as `centre-<n>`.
        """
        root = root.resolve()
        if root.exists() and any(root.iterdir()):
            raise FleetExists(where=str(root))
        partial = root.with_name(f".{root.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        layout = FleetLayout(partial)
        make_folders(partial, *layout.folders())
        authority = Authority.create("eid fleet authority", now, AUTHORITY_YEARS)
        _write_authority(layout, authority)
        _write_server(layout, authority.issue_server(hosts, now, SERVER_DAYS))
        names = [f"{CENTRE}-{number}" for number in range(1, centres + 1)]
        issued = tuple(_write_centre(layout, authority, name, now) for name in names)
        _write_centre_keys(layout)
        write_file(layout.revocation_list, authority.revocation_list((), 1, now, REVOCATION_LIST_DAYS))
        write_file(layout.issued, Register(issued=issued, list_number=1).model_dump_json(indent=1) + "\n")
        final = broker_config.BrokerPlaces.below(root / "broker")
        write_file(layout.broker_config, broker_config.config(final, port=port))
        write_file(layout.broker_acl, broker_config.acl(names, []))
        partial.replace(root)
        sync_folder(root.parent)
        return cls(root)

    def add_station(
        self,
        station_id: str,
        out: Path,
        now: datetime,
        *,
        days: int = STATION_DAYS,
        office: str = "",
        replace: bool = False,
    ) -> StationRecord:
        """Issues keys and certificate of a station into `out` and registers its public keys for the centre.

        Args:
            station_id: CN, user name and client id; not beginning with `centre`.
            out: must not exist or be empty (else OutputExists).
            days: until certificate and registration end.
            office: free text for the admin.
            replace: issue anew for a registered station; its old certificates are revoked, its old keys void: what
                it sealed with them and has not delivered is not accepted any more. To renew: `renew_station`.

        Raises:
            StationNameInvalid, StationExists, OutputExists
        """
        if not is_station_id(station_id) or station_id.startswith(CENTRE):
            raise StationNameInvalid(station=station_id[:40])
        out = out.resolve()
        if out.exists() and any(out.iterdir()):
            raise OutputExists(where=str(out))
        with self._locked():
            if not replace and self.layout.station_record(station_id).exists():
                raise StationExists(station=station_id)
            authority = self._authority()
            certified = authority.issue_client(station_id, f"urn:eid:station:{station_id}", now, days)
            signing, opening = SigningKey.generate(), OpeningKey(os.urandom(32))
            partial = out.with_name(f".{out.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            self._write_station(StationLayout(partial), certified, signing, opening)
            record = StationRecord(
                station_id=station_id,
                verifying_keys=[signing.verifying_key.to_json()],
                sealing_key=opening.sealing_key.to_json(),
                valid_from_ms=_ms(now),
                valid_until_ms=_ms(certified.not_after),
                office=office,
            )
            self._revoke_certificates(station_id, authority, now, adding=_issued(station_id, certified))
            write_file(self.layout.station_record(station_id), record.model_dump_json(indent=1) + "\n")
            self._write_acl()
            partial.replace(out)
            sync_folder(out.parent)
        return record

    def renew_station(self, station_id: str, out: Path, now: datetime, *, days: int = STATION_DAYS) -> StationRecord:
        """A later end for a station that stays what it is: a new TLS key and certificate into `out`/link.

        Its signing and opening keys stay, so that every bundle that still waits in its outbox is accepted. The old
        certificate stays good until its own end.

        Raises:
            StationUnknown, StationRevoked, OutputExists
        """
        out = out.resolve()
        if out.exists() and any(out.iterdir()):
            raise OutputExists(where=str(out))
        with self._locked():
            record = self.station(station_id)
            if record.revoked_ms is not None:
                raise StationRevoked(station=station_id)
            authority, register = self._authority(), self._register()
            certified = authority.issue_client(station_id, f"urn:eid:station:{station_id}", now, days)
            partial = out.with_name(f".{out.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            layout = StationLayout(partial)
            make_folders(layout.root, layout.link)
            self._write_tls(layout, certified)
            later_ms = max(record.valid_until_ms, _ms(certified.not_after))
            record = record.model_copy(update={"valid_until_ms": later_ms})
            issued = (*register.issued, _issued(station_id, certified))
            self._write_register(register.model_copy(update={"issued": issued}), authority, now)
            write_file(self.layout.station_record(station_id), record.model_dump_json(indent=1) + "\n")
            partial.replace(out)
            sync_folder(out.parent)
        return record

    def revoke(self, station_id: str, now: datetime) -> StationRecord:
        """The centre takes nothing more from this station; the broker, once told (SIGHUP), lets it do nothing.

        Raises StationUnknown.
        """
        with self._locked():
            record = self.station(station_id)
            if record.revoked_ms is None:
                record = record.model_copy(update={"revoked_ms": _ms(now)})
            write_file(self.layout.station_record(station_id), record.model_dump_json(indent=1) + "\n")
            self._revoke_certificates(station_id, self._authority(), now)
            self._write_acl()
        return record

    def renew_certificates(self, now: datetime) -> None:
        """New keys and certificates for the broker (same names) and every centre worker.

        The old ones stay good until their own end, so that broker and centre can change one after the other.
        """
        with self._locked():
            authority = self._authority()
            hosts = server_names((self.layout.broker / "server.crt").read_bytes())
            _write_server(self.layout, authority.issue_server(hosts, now, SERVER_DAYS))
            added = tuple(_write_centre(self.layout, authority, name, now) for name in self._centres())
            register = self._register()
            self._write_register(register.model_copy(update={"issued": (*register.issued, *added)}), authority, now)

    def renew_revocation_list(self, now: datetime) -> None:
        """A list with a later end; the broker refuses every client once its list has ended."""
        with self._locked():
            self._write_register(self._register(), self._authority(), now)

    def station(self, station_id: str) -> StationRecord:
        """Raises StationUnknown, FleetDamaged."""
        path = self.layout.station_record(station_id)
        if not is_station_id(station_id) or not path.exists():
            raise StationUnknown(station=station_id[:40])
        try:
            return StationRecord.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise FleetDamaged(file=str(path), reason=_first_field(error)) from None

    def stations(self) -> list[StationRecord]:
        """All registered stations, revoked ones too, by name."""
        return [self.station(path.stem) for path in sorted(self.layout.stations.glob("*.json"))]

    def _authority(self) -> Authority:
        return Authority.load(self.layout.ca_key.read_bytes(), self.layout.ca_certificate.read_bytes())

    def _register(self) -> Register:
        try:
            return Register.model_validate_json(self.layout.issued.read_bytes())
        except ValidationError as error:
            raise FleetDamaged(file=str(self.layout.issued), reason=_first_field(error)) from None
        except FileNotFoundError:
            raise FleetDamaged(file=str(self.layout.issued), reason="missing") from None

    def _revoke_certificates(
        self, name: str, authority: Authority, now: datetime, adding: Issued | None = None
    ) -> None:
        """Marks all live certificates of `name` revoked, then adds the new one, then writes register and list."""
        register = self._register()
        marked = [
            each.model_copy(update={"revoked_ms": _ms(now)}) if each.name == name and each.revoked_ms is None else each
            for each in register.issued
        ]
        issued = (*marked, adding) if adding else tuple(marked)
        self._write_register(register.model_copy(update={"issued": issued}), authority, now)

    def _write_register(self, register: Register, authority: Authority, now: datetime) -> None:
        register = register.model_copy(update={"list_number": register.list_number + 1})
        write_file(self.layout.issued, register.model_dump_json(indent=1) + "\n")
        revoked = [Revoked(int(each.serial, 16), _time(each.revoked_ms)) for each in register.issued if each.revoked_ms]
        made = authority.revocation_list(revoked, register.list_number, now, REVOCATION_LIST_DAYS)
        write_file(self.layout.revocation_list, made)

    def _write_acl(self) -> None:
        revoked = [record.station_id for record in self.stations() if record.revoked_ms is not None]
        write_file(self.layout.broker_acl, broker_config.acl(self._centres(), revoked))

    def _centres(self) -> list[str]:
        return sorted(path.stem for path in self.layout.centre.glob(f"{CENTRE}-*.crt"))

    def _write_station(
        self, layout: StationLayout, certified: Certified, signing: SigningKey, opening: OpeningKey
    ) -> None:
        make_folders(layout.root, layout.capture, layout.link)
        write_file(layout.signing_key, signing.to_json())
        write_file(layout.opening_key, opening.to_json())
        write_file(layout.centre_sealing_key, self.layout.centre_sealing_key.read_bytes())
        for path in layout.centre_verifying_keys:
            write_file(path, self.layout.centre_verifying_key.read_bytes())
        self._write_tls(layout, certified)

    def _write_tls(self, layout: StationLayout, certified: Certified) -> None:
        write_file(layout.ca_certificate, self.layout.ca_certificate.read_bytes())
        write_file(layout.tls_certificate, certified.certificate_pem)
        write_file(layout.tls_key, certified.key_pem)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Two admins at once would lose one another's certificates."""
        with (self.layout.admin / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _write_authority(layout: FleetLayout, authority: Authority) -> None:
    write_file(layout.ca_key, authority.key_pem)
    for folder in (layout.public, layout.broker, layout.centre):
        write_file(folder / "ca.crt", authority.certificate_pem)


def _write_server(layout: FleetLayout, server: Certified) -> None:
    write_file(layout.broker / "server.crt", server.certificate_pem)
    write_file(layout.broker / "server.key", server.key_pem)


def _write_centre(layout: FleetLayout, authority: Authority, name: str, now: datetime) -> Issued:
    certified = authority.issue_client(name, f"urn:eid:{CENTRE}:{name}", now, CENTRE_DAYS)
    write_file(layout.centre_certificate(name), certified.certificate_pem)
    write_file(layout.centre_tls_key(name), certified.key_pem)
    return _issued(name, certified)


def _write_centre_keys(layout: FleetLayout) -> None:
    signing, opening = SigningKey.generate(), OpeningKey(os.urandom(32))
    write_file(layout.centre_signing_key, signing.to_json())
    write_file(layout.centre_opening_key, opening.to_json())
    write_file(layout.centre_verifying_key, signing.verifying_key.to_json())
    write_file(layout.centre_sealing_key, opening.sealing_key.to_json())


def _issued(name: str, certified: Certified) -> Issued:
    return Issued(name=name, serial=f"{certified.serial:x}", not_after_ms=_ms(certified.not_after))


def _ms(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _time(ms: int | None) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms or 0)


def _first_field(error: ValidationError) -> str:
    return ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"]) or "not JSON"


__all__ = ["Fleet", "Issued", "Register"]
