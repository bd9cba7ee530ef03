"""The storage thread: draft, sealing, outbox, inbox. Nothing unsealed or unencrypted passes it to the disk.

Polls the spool for cases, statuses and the link's state, and posts only what changed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from ulid import ULID

from station import room
from station.capture.draft import Draft
from station.capture.ledger import Entry, Ledger
from station.capture.sealing import Provenance, assemble
from station.capture.vault import Vault
from station.capture.worker import Post, Worker
from station.clock import StationClock
from station.errors import CaseUnusable, DraftUnreadable, SpoolError
from station.room import RoomPolicy
from station.spool import Spool
from station.workflow.effects import EraseDraft, OpenCase, RequestCase, SaveDraft, Seal
from station.workflow.events import (
    CaseFailed,
    CaseOpened,
    CaseRef,
    ClockChanged,
    DraftLost,
    DraftRestored,
    Event,
    LinkChanged,
    Part,
    PartBack,
    PartFailed,
    QueueChanged,
    Result,
    ResultsChanged,
    RoomChanged,
    Sealed,
    SealFailed,
)
from station.workflow.session import Session
from wire.bundle import ClockTrust
from wire.errors import EidError
from wire.messages import CentreState, Status
from wire.signed import MessageRejected

_POLL_S = 0.25


@dataclass(slots=True)
class Parts:
    """What the storage thread works with."""

    spool: Spool
    draft: Draft
    vault: Vault
    ledger: Ledger
    clock: StationClock
    room_policy: RoomPolicy
    provenance: Provenance


class StorageWorker(Worker[OpenCase | RequestCase | SaveDraft | EraseDraft | Seal]):
    """Owns the state directory on the capture side."""

    name = "storage"

    def __init__(self, post: Post, parts: Parts) -> None:
        super().__init__(post)
        self._parts = parts
        self._said: dict[type, Event] = {}
        self._statuses: dict[str, tuple[bytes, Result]] = {}
        self._centre_state = b""
        self._failed = False
        self._first = True

    def restore(self) -> DraftRestored | DraftLost | None:
        """What the draft says at start; called before the thread runs."""
        try:
            session = self._parts.draft.load()
        except DraftUnreadable as error:
            self._parts.draft.erase()
            return DraftLost(error.message_id)
        if session is None:
            return None
        sealed = self._parts.spool.has_bundle(session.bundle_id)
        if sealed:
            self._book(session)
        return DraftRestored(session, sealed)

    def serve(self) -> None:
        polled_at = 0.0
        while not self._stopping.is_set():
            command = self._next(max(0.0, polled_at + _POLL_S - time.monotonic()))
            try:
                if command is None:
                    self._poll()
                    polled_at = time.monotonic()
                else:
                    self._do(command)
                if self._failed:
                    self._failed = False
                    self._post(PartBack(Part.STORAGE))
            except SpoolError as error:
                self._failed = True
                self._post(PartFailed(Part.STORAGE, error.message_id, error.params))
                polled_at = time.monotonic()

    def release(self) -> None:
        return

    def _do(self, command: OpenCase | RequestCase | SaveDraft | EraseDraft | Seal) -> None:
        match command:
            case OpenCase(dossier_id):
                self._post(self._open_case(dossier_id))
            case RequestCase(dossier_id):
                self._parts.spool.ask_for_case(dossier_id)
            case SaveDraft(session):
                self._parts.draft.save(session)
            case EraseDraft():
                self._parts.draft.erase()
            case Seal():
                self._seal(command)

    # -- cases and sealing -----------------------------------------------------------------------------------------

    def _open_case(self, dossier_id: str) -> Event:
        if self._parts.ledger.captured(dossier_id):
            return CaseFailed(dossier_id, "notice.case_done")
        data = self._parts.spool.read_case(dossier_id)
        if data is None:
            return CaseFailed(dossier_id, "notice.case_requested")
        try:
            case = self._parts.vault.open_case(data, dossier_id, self._parts.clock.now().wall_ms)
        except CaseUnusable as error:
            return CaseFailed(dossier_id, error.message_id, error.params)
        return CaseOpened(case, str(ULID()))

    def _seal(self, command: Seal) -> None:
        """Idempotent by bundle id: the first envelope that reached the outbox is the one that counts."""
        session = command.session
        parts = self._parts
        try:
            if not parts.spool.has_bundle(session.bundle_id):
                parts.spool.put_bundle(session.bundle_id, parts.vault.seal(assemble(session, parts.provenance)))
            self._book(session)
        except EidError as error:
            self._post(SealFailed(error.message_id, error.params))
            return
        sealed = parts.spool.read_bundle(session.bundle_id)
        self._post(Sealed(session.bundle_id, len(sealed or b"")))

    def _book(self, session: Session) -> None:
        """The dossier is captured: never again at this station."""
        parts = self._parts
        parts.ledger.add(Entry(session.bundle_id, session.case.dossier_id, session.case.code))
        parts.spool.remove_case(session.case.dossier_id)
        parts.spool.withdraw_request(session.case.dossier_id)

    # -- polling ---------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        parts = self._parts
        for dossier_id in parts.spool.cases():
            if parts.ledger.captured(dossier_id):
                parts.spool.remove_case(dossier_id)
        waiting = tuple(CaseRef(dossier_id) for dossier_id in parts.spool.cases())
        self._say(QueueChanged(waiting))
        self._say(self._link())
        self._say(RoomChanged(not self._room().has_room))
        self._centre()
        self._say(ClockChanged(parts.clock.now().trust is not ClockTrust.NONE))
        self._results()
        self._first = False

    def _say(self, event: Event) -> None:
        if self._said.get(type(event)) != event:
            self._said[type(event)] = event
            self._post(event)

    def _room(self) -> room.Room:
        spool = self._parts.spool
        wall_ms = self._parts.clock.now().wall_ms
        return room.room(self._parts.room_policy, spool.outbox(), spool.free_bytes(), wall_ms)

    def _link(self) -> LinkChanged:
        spool = self._parts.spool
        state = spool.link_state()
        waiting = len(spool.outbox())
        if state is None or not spool.link_running():
            return LinkChanged(False, waiting, 0, "screen.idle.offline")
        message_id = "" if state.last_error is None else state.last_error.message_id
        return LinkChanged(state.connected, waiting, state.quarantine_count, message_id)

    def _centre(self) -> None:
        """The centre's signed time raises the clock's floor."""
        message = self._parts.spool.read_centre_state()
        if message is None or message == self._centre_state:
            return
        self._centre_state = message
        try:
            state = CentreState.verified(message, [self._parts.vault.centre_verifying])
        except MessageRejected:
            return
        self._parts.clock.learn(state.at_ms)

    def _results(self) -> None:
        """Statuses as files; each is verified here again, whatever the link did."""
        spool = self._parts.spool
        known: dict[str, tuple[bytes, Result]] = {}
        for bundle_id in spool.statuses():
            message = spool.read_status(bundle_id)
            if message is None:
                continue
            old = self._statuses.get(bundle_id)
            if old is not None and old[0] == message:
                known[bundle_id] = old
                continue
            result = self._result(bundle_id, message)
            if result is not None:
                known[bundle_id] = (message, result)
        if known != self._statuses or self._first:
            self._statuses = known
            results = tuple(result for _, result in known.values())
            self._post(ResultsChanged(results, initial=self._first))

    def _result(self, bundle_id: str, message: bytes) -> Result | None:
        vault = self._parts.vault
        try:
            status = Status.verified(message, [vault.centre_verifying])
        except MessageRejected:
            return None
        if (status.station_id, status.bundle_id) != (vault.station_id, bundle_id):
            return None
        return Result(
            bundle_id=bundle_id,
            code=self._parts.ledger.code(bundle_id),
            state=status.state,
            sequence=status.sequence,
            due=status.due or "",
            reason=status.code or "",
        )
