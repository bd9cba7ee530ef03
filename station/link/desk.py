"""The link's view of the shared folders: what waits (read once, hashed once), what is kept, what the medium refused.

Everything the brain wants kept is tried at once and, where the medium refuses, again later; a receipt that cannot be
kept never keeps its bundle from leaving, for that is what frees the disk.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from station import durable
from station.errors import SpoolError, StorageDenied, StorageFailed
from station.link import events as ev
from station.link.state import Fault
from station.room import OutboxFile
from station.spool import Spool, Writer
from wire import envelope
from wire.envelope import EnvelopeRejected, EnvelopeType
from wire.errors import WireError
from wire.ids import is_ulid
from wire.keys import VerifyingKey
from wire.messages import Receipt, Status, Verdict

READ_AT_ONCE = 4
"""New files read and hashed in one go, so that the owner loop is never busy for long."""

UNREADABLE = ("EIO", "EUCLEAN", "EACCES", "EPERM")
"""What is wrong with one file alone; anything else is the machine's trouble and passes."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Read:
    file: OutboxFile
    sha256: bytes


class Desk:
    """One station's folders.

    Args:
        spool: the folders.
        station_id: whose bundles may lie there.
    """

    def __init__(self, spool: Spool, station_id: str) -> None:
        self._spool = spool
        self._station_id = station_id
        self._read: dict[str, _Read] = {}
        self._unfit: dict[str, tuple[OutboxFile, str]] = {}
        self._pending: dict[Key, Callable[[], object]] = {}
        self._counters = spool.link_dir / "strikes.json"
        self.fault: Fault | None = None
        self.unread = False
        """Whether files are still to be read: look again soon."""

    # --- at start ---

    def open(self, keys: tuple[VerifyingKey, ...]) -> ev.Started:
        """Makes the folders and reads what earlier runs knew. Raises SpoolError."""
        self._spool.prepare(Writer.LINK)
        strikes, in_flight = self._load_counters()
        quarantined = tuple((found.name, found.reason) for found in self._spool.quarantined())
        return ev.Started(strikes, in_flight, self._known(keys), quarantined)

    def _load_counters(self) -> tuple[dict[str, int], tuple[str, ...]]:
        """Unreadable counters are no counters: they only ever set bundles apart."""
        try:
            saved = json.loads(self._counters.read_bytes())
            strikes = {name: int(count) for name, count in saved["strikes"].items() if is_ulid(name)}
            return strikes, tuple(name for name in saved["in_flight"] if is_ulid(name))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}, ()

    def _known(self, keys: tuple[VerifyingKey, ...]) -> dict[str, ev.Known]:
        known: dict[str, ev.Known] = {}
        for bundle_id in self._spool.receipts():
            receipt = _verified(Receipt, self._spool.read_receipt(bundle_id), keys)
            if isinstance(receipt, Receipt) and receipt.verdict is not Verdict.REJECTED:
                known[bundle_id] = ev.Known(0, False)
        for bundle_id in self._spool.statuses():
            status = _verified(Status, self._spool.read_status(bundle_id), keys)
            if isinstance(status, Status):
                known[bundle_id] = ev.Known(status.sequence, status.state.final)
        return known

    # --- the outbox ---

    def look(self, at_ms: int) -> list[ev.Event]:
        """What the folders hold now; foreign files are set apart, a few new ones read. Raises SpoolError."""
        found: list[ev.Event] = []
        for name in self._spool.foreign():
            try:
                found.append(ev.SetApart(self._spool.quarantine_foreign(name, at_ms), "foreign_file"))
            except SpoolError as error:
                # It stays where it is and is never sent; what belongs there goes on.
                self.fault = Fault.of(error)
        leaving = {name for what, name in self._pending if what in ("remove", "apart")}
        files = [file for file in self._spool.outbox() if file.bundle_id not in leaving]
        self._drop_stale(files)
        fresh = [file for file in files if file.bundle_id not in self._read and file.bundle_id not in self._unfit]
        self.unread = len(fresh) > READ_AT_ONCE
        for file in fresh[:READ_AT_ONCE]:
            self._inspect(file)
        listed = tuple(self._outgoing(file) for file in files)
        found.append(ev.Listed(listed, self._spool.requests(), self._spool.quarantine_count()))
        found.extend(ev.Unfit(file.bundle_id, reason) for file, reason in self._unfit.values())
        return found

    def has_read(self, bundle_id: str) -> bool:
        return bundle_id in self._read

    def read(self, bundle_id: str) -> bytes | None:
        """The bytes that were hashed, or None where the file is gone or is another one by now. Raises SpoolError."""
        known = self._read.get(bundle_id)
        data = self._spool.read_bundle(bundle_id)
        if known is None or data is None or envelope.digest(data) != known.sha256:
            self._read.pop(bundle_id, None)
            return None
        return data

    def _outgoing(self, file: OutboxFile) -> ev.Outgoing:
        read = self._read.get(file.bundle_id)
        return ev.Outgoing(file.bundle_id, file.size_bytes, read.sha256 if read else None)

    def _drop_stale(self, files: list[OutboxFile]) -> None:
        now = {file.bundle_id: file for file in files}
        self._read = {name: read for name, read in self._read.items() if now.get(name) == read.file}
        self._unfit = {name: unfit for name, unfit in self._unfit.items() if now.get(name) == unfit[0]}

    def _inspect(self, file: OutboxFile) -> None:
        try:
            data = self._spool.read_bundle(file.bundle_id)
        except (StorageFailed, StorageDenied) as error:
            if error.params["reason"] not in UNREADABLE:
                raise
            self._unfit[file.bundle_id] = (file, "unreadable")
            return
        if data is None:
            return
        reason = self._objection(file.bundle_id, data)
        if reason is None:
            self._read[file.bundle_id] = _Read(file, envelope.digest(data))
        else:
            self._unfit[file.bundle_id] = (file, reason)

    def _objection(self, bundle_id: str, data: bytes) -> str | None:
        """Why these bytes are no bundle of this station; None where the form is right."""
        try:
            routing = envelope.parse(data).routing
        except EnvelopeRejected as error:
            return error.reason.value
        ours = routing.type is EnvelopeType.BUNDLE and routing.sender == self._station_id
        return None if ours and routing.object_id == bundle_id else "routing_mismatch"

    # --- keeping ---

    def keep(self, effect: ev.Effect, at_ms: int) -> bool:
        """Carries out an effect on the folders; False where it is none. What the medium refuses is tried again."""
        spool = self._spool
        match effect:
            case ev.KeepReceipt(receipt, raw):
                self._try(
                    ("receipt", receipt.bundle_id), lambda: spool.put_receipt(receipt.bundle_id, raw, receipt.at_ms)
                )
            case ev.KeepStatus(status, raw):
                self._try(("status", status.bundle_id), lambda: spool.put_status(status.bundle_id, raw, status.at_ms))
            case ev.KeepCentreState(raw):
                self._try(("centre", ""), lambda: spool.put_centre_state(raw))
            case ev.KeepCase(dossier_id, raw):
                self._try(("case", dossier_id), lambda: spool.put_case(dossier_id, raw))
            case ev.DropRequest(dossier_id):
                if ("case", dossier_id) not in self._pending:
                    self._try(("request", dossier_id), lambda: spool.withdraw_request(dossier_id))
            case ev.RemoveBundle(bundle_id):
                self._try(("remove", bundle_id), lambda: spool.remove_bundle(bundle_id))
            case ev.SetApartBundle(bundle_id, reason):
                self._try(("apart", bundle_id), lambda: spool.quarantine(bundle_id, reason, at_ms))
            case ev.SaveStrikes(strikes, in_flight):
                text = json.dumps({"strikes": dict(strikes), "in_flight": list(in_flight)})
                self._try(("counters", ""), lambda: durable.write(self._counters, text.encode(), sync=False))
            case ev.Report(state):
                self._try(("report", ""), lambda: spool.put_link_state(state))
            case _:
                return False
        return True

    def retry(self) -> None:
        """What the medium refused, once more."""
        for key, action in list(self._pending.items()):
            self._try(key, action)
        if not self._pending:
            self.fault = None

    @property
    def pending(self) -> bool:
        return bool(self._pending)

    def prune(self, now_ms: int, keep_days: int) -> int:
        """Old receipts and statuses. Raises SpoolError."""
        return self._spool.prune(now_ms, keep_days)

    def _try(self, key: Key, action: Callable[[], object]) -> None:
        try:
            action()
        except SpoolError as error:
            self._pending[key] = action
            self.fault = Fault.of(error)
        else:
            self._pending.pop(key, None)


def _verified(model: type[Receipt] | type[Status], raw: bytes | None, keys: tuple[VerifyingKey, ...]) -> object:
    try:
        return model.verified(raw or b"", keys)
    except WireError:
        return None
