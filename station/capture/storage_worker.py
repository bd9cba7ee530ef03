"""The storage thread: draft, sealing, outbox, inbox. Nothing unsealed or unencrypted passes it to the disk.

Polls the spool for cases, statuses and the link's state, and posts only what changed.
"""

from __future__ import annotations

import contextlib
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
from station.errors import CaseUnusable, DraftUnreadable, SessionUnfit, SpoolError
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
from wire.envelope import EnvelopeRejected
from wire.messages import CaseState, CentreState, Status
from wire.signed import MessageRejected

_POLL_S = 0.25
_STATUSES_S = 10.0
_SETTLED_NS = 1_000_000_000
_MOST_RESTORES = 10


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
        self._unsaved: SaveDraft | EraseDraft | None = None
        self._statuses_at = (0, 0.0)
        self._uncleared: set[str] = set()

    def restore(self) -> DraftRestored | DraftLost | None:
        """What the draft says at start; called before the thread runs. Raises SpoolError where the medium refuses."""
        draft = self._parts.draft
        try:
            session = draft.load()
        except DraftUnreadable as error:
            draft.erase()
            return DraftLost(error.message_id)
        if session is None:
            return None
        if self._parts.spool.has_bundle(session.bundle_id):
            try:
                self._book(session)
            except SpoolError:
                # Sealing again only books: the officer sees why it cannot be done yet.
                return DraftRestored(session, sealed=False)
            return DraftRestored(session, sealed=True)
        if session.confirmed is None and draft.count_restore() > _MOST_RESTORES:
            # Whatever in it kills the daemon must not keep the next person waiting for ever.
            draft.erase()
            return DraftLost("error.station.draft_loops")
        return DraftRestored(session, sealed=False)

    def serve(self) -> None:
        polled_at = 0.0
        while not self._stopping.is_set():
            command = self._next(max(0.0, polled_at + _POLL_S - time.monotonic()))
            self._guarded(command)
            if command is None:
                polled_at = time.monotonic()
        # What the officer confirmed before the end was asked for is not left in the queue.
        while (command := self._next(0)) is not None:
            self._guarded(command)

    def release(self) -> None:
        return

    def _guarded(self, command: OpenCase | RequestCase | SaveDraft | EraseDraft | Seal | None) -> None:
        """One command, or a look at the spool; a medium that refuses is a fault of the part and ends nothing."""
        try:
            if command is None:
                self._poll()
            else:
                self._do(command)
        except SpoolError as error:
            self._failed = True
            self._post(PartFailed(Part.STORAGE, error.message_id, error.params))
            return
        if self._failed and command is None:
            self._failed = False
            self._post(PartBack(Part.STORAGE))

    def _do(self, command: OpenCase | RequestCase | SaveDraft | EraseDraft | Seal) -> None:
        match command:
            case OpenCase(dossier_id):
                self._post(self._open_case(dossier_id))
            case RequestCase(dossier_id):
                self._parts.spool.ask_for_case(dossier_id)
            case SaveDraft() | EraseDraft():
                self._unsaved = command
                self._save()
            case Seal():
                self._seal(command)

    def _save(self) -> None:
        """The newest wish about the draft; repeated with each poll until it is done."""
        match self._unsaved:
            case SaveDraft(session):
                self._parts.draft.save(session)
            case EraseDraft():
                self._parts.draft.erase()
        self._unsaved = None

    # -- cases and sealing -----------------------------------------------------------------------------------------

    def _open_case(self, dossier_id: str) -> Event:
        if self._done(dossier_id):
            return CaseFailed(dossier_id, "notice.case_done")
        try:
            data = self._parts.spool.read_case(dossier_id)
            if data is None:
                return CaseFailed(dossier_id, "notice.case_requested")
            case = self._parts.vault.open_case(data, dossier_id, self._parts.clock.certain_ms())
        except (CaseUnusable, SpoolError) as error:
            if error.params.get("reason") == "expired":
                self._parts.spool.remove_case(dossier_id)
            return CaseFailed(dossier_id, error.message_id, error.params)
        return CaseOpened(case, str(ULID()))

    def _seal(self, command: Seal) -> None:
        """Idempotent by bundle id: the first envelope that reached the outbox is the one that counts.

        Always answers: the workflow waits for it.
        """
        session, parts = command.session, self._parts
        try:
            stored = parts.spool.has_bundle(session.bundle_id)
            envelope = b"" if stored else self._envelope(session)
            if not stored:
                parts.spool.put_bundle(session.bundle_id, envelope)
            self._book(session)
        except SpoolError as error:
            self._post(SealFailed(error.message_id, error.params))
        except SessionUnfit as error:
            self._post(SealFailed(error.message_id, error.params, permanent=True))
        else:
            self._post(Sealed(session.bundle_id, len(envelope)))

    def _envelope(self, session: Session) -> bytes:
        """Raises SessionUnfit: nothing has reached the outbox then, and trying again cannot help."""
        try:
            return self._parts.vault.seal(assemble(session, self._parts.provenance))
        except EnvelopeRejected as error:
            raise SessionUnfit(reason=error.reason.value) from None
        except Exception as error:
            # Whatever it is, it would come again at every restart of this confirmed session; the officer is asked
            # instead. Its text may hold personal data.
            raise SessionUnfit(reason=type(error).__name__) from None

    def _book(self, session: Session) -> None:
        """The dossier is captured: never again at this station. Clearing up is tried again by each poll."""
        parts = self._parts
        parts.ledger.add(Entry(session.bundle_id, session.case.dossier_id, session.case.code))
        self._uncleared.add(session.case.dossier_id)
        with contextlib.suppress(SpoolError):
            self._clear_up()

    def _clear_up(self) -> None:
        """Removes the orders of what was just captured; what the medium refused is tried again by the next poll."""
        for dossier_id in tuple(self._uncleared):
            self._parts.spool.remove_case(dossier_id)
            self._parts.spool.withdraw_request(dossier_id)
            self._uncleared.discard(dossier_id)

    def _done(self, dossier_id: str) -> bool:
        """Captured here, and nobody asked for more: a supplement opens the dossier again for the order that the centre
        then sends."""
        return any(not self._reopened(bundle_id) for bundle_id in self._parts.ledger.bundles(dossier_id))

    def _closed(self, dossier_id: str) -> bool:
        """Done, and the word on it is final: only now may an order that came late be thrown away. Before, it may be the
        order of a supplement that overtook its status."""
        finals = (self._statuses.get(bundle_id) for bundle_id in self._parts.ledger.bundles(dossier_id))
        known = [found is not None and found[1].state.final for found in finals]
        return bool(known) and all(known) and self._done(dossier_id)

    def _reopened(self, bundle_id: str) -> bool:
        found = self._statuses.get(bundle_id)
        return found is not None and found[1].state is CaseState.SUPPLEMENT

    # -- polling ---------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        parts = self._parts
        waiting = tuple(name for name in parts.spool.cases() if not self._done(name))
        self._say(QueueChanged(tuple(CaseRef(dossier_id) for dossier_id in waiting)))
        self._say(self._link())
        self._say(RoomChanged(not self._room().has_room))
        self._centre()
        self._say(ClockChanged(parts.clock.now().trust is not ClockTrust.NONE))
        self._results()
        if self._first:
            self._forget_old()
        self._first = False
        # What writes comes last: a card that only reads still tells everything above.
        self._clear_up()
        for dossier_id in parts.spool.cases():
            if self._closed(dossier_id):
                parts.spool.remove_case(dossier_id)
        self._save()

    def _forget_old(self) -> None:
        """The ledger keeps what still lies somewhere. The outbox is read first: a bundle leaves it after its receipt
        has come, so it is seen in one of the two."""
        spool = self._parts.spool
        waiting = {file.bundle_id for file in spool.outbox()} | {found.name for found in spool.quarantined()}
        self._parts.ledger.keep_only(waiting | set(spool.receipts()) | set(spool.statuses()))

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
        set_apart = spool.quarantine_count()
        if state is None or not spool.link_running():
            return LinkChanged(False, waiting, set_apart)
        fault = state.last_error
        if fault is None:
            return LinkChanged(state.connected, waiting, set_apart)
        return LinkChanged(state.connected, waiting, set_apart, fault.message_id, dict(fault.params))

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
        self._parts.clock.learn(state.at_ms, fresh=not self._first)

    def _statuses_moved(self) -> bool:
        """Whether a status came or went: by the folder's time, and now and then without it."""
        try:
            changed_ns = (self._parts.spool.state_dir / "inbox" / "status").stat().st_mtime_ns
        except OSError:
            changed_ns = 0
        seen_ns, read_at = self._statuses_at
        now = time.monotonic()
        if changed_ns == seen_ns and now - read_at < _STATUSES_S and not self._first:
            return False
        # A change within the same tick of the file system's clock as this look would be missed: look once more.
        settled = abs(time.time_ns() - changed_ns) > _SETTLED_NS
        self._statuses_at = (changed_ns if settled else 0, now)
        return True

    def _results(self) -> None:
        """Statuses as files; each is verified here again, whatever the link did."""
        spool = self._parts.spool
        if not self._statuses_moved():
            return
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
