"""The storage thread on a real directory: whatever medium, clock or process do, nothing confirmed is lost."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from station.capture.draft import Draft
from station.capture.ledger import Ledger
from station.capture.sealing import Provenance
from station.capture.storage_worker import Parts, StorageWorker
from station.capture.vault import Vault
from station.clock import StationClock
from station.errors import SpoolError
from station.link.state import Fault, LinkState
from station.room import bundled_policy
from station.spool import Spool, Writer
from station.workflow.effects import EraseDraft, OpenCase, RequestCase, SaveDraft, Seal
from station.workflow.events import (
    CaseFailed,
    CaseOpened,
    ClockChanged,
    DraftLost,
    DraftRestored,
    LinkChanged,
    Part,
    PartBack,
    PartFailed,
    QueueChanged,
    ResultsChanged,
    Sealed,
    SealFailed,
)
from station.workflow.session import Session
from tests.station.capture.conftest import Posted
from tests.station.workflow.conftest import BUNDLE, DOSSIER, at, make_case, make_finger, make_portrait
from wire import envelope
from wire.bundle import ClockTrust, Consent, Giver
from wire.envelope import EnvelopeType, Routing
from wire.ids import CENTRE
from wire.keys import OpeningKey, SigningKey
from wire.messages import CaseState, CentreState, Status

OTHER = "01J8ZQ4Y7N8K5R2T3V6W9X0ABE"
NOW_MS = 1_795_000_000_000


@dataclass
class Station:
    """A state directory with the centre's hands in its inbox."""

    parts: Parts
    posted: Posted
    centre: SigningKey
    worker: StorageWorker

    def put_case(self, dossier_id: str = DOSSIER, **changes: object) -> None:
        case = make_case(dossier_id=dossier_id).model_copy(update=changes)
        routing = Routing(EnvelopeType.CASE, CENTRE, "st-0001", dossier_id)
        sealing = self.parts.vault.opening.sealing_key  # type: ignore[attr-defined]
        self.parts.spool.put_case(
            dossier_id, envelope.seal(case.encode(), routing, [self.centre], [sealing], os.urandom)
        )

    def start(self) -> StorageWorker:
        self.worker.start()
        return self.worker

    def again(self) -> StorageWorker:
        """The worker of the next process on the same directory."""
        parts = self.parts
        draft = Draft(parts.spool.state_dir, parts.draft._runtime_dir, "st-0001")
        draft.open()
        ledger = Ledger(parts.spool.state_dir)
        ledger.open()
        self.worker = StorageWorker(self.posted.put, replace(parts, draft=draft, ledger=ledger))
        return self.worker


@pytest.fixture
def station(
    tmp_path: Path, runtime_dir: Path, posted: Posted, vault: Vault, centre: tuple[SigningKey, OpeningKey]
) -> Iterator[Station]:
    spool = Spool(tmp_path)
    spool.prepare(Writer.CAPTURE)
    spool.prepare(Writer.LINK)
    clock = StationClock(tmp_path / "clock-floor", wall_ns=lambda: NOW_MS * 1_000_000)
    clock.open()
    draft = Draft(tmp_path, runtime_dir, "st-0001")
    draft.open()
    ledger = Ledger(tmp_path)
    ledger.open()
    made_with = Provenance("st-0001", "test", {"fingers": "f"}, {"m": b"w" * 32})
    parts = Parts(spool, draft, vault, ledger, clock, bundled_policy(), made_with)
    made = Station(parts, posted, centre[0], StorageWorker(posted.put, parts))
    yield made
    made.worker.stop()
    if made.worker._thread.ident is not None:
        assert made.worker.join(5.0)


def confirmed(dossier_id: str = DOSSIER) -> Session:
    case = make_case(dossier_id=dossier_id)
    consent = Consent(
        text_id="consent-1", text_sha256=case.consent.sha256, language="en", given_by=Giver.APPLICANT, at=at(1)
    )
    return Session(
        bundle_id=BUNDLE,
        officer_id="CB01",
        case=case,
        started=at(0),
        consent=consent,
        portrait=make_portrait(),
        fingers=[make_finger(position) for position in case.plan],
        confirmed=at(9),
    )


def unfinished() -> Session:
    return Session(bundle_id=BUNDLE, officer_id="CB01", case=make_case(), started=at(0))


def full(*_: object, **__: object) -> None:
    raise SpoolErrorFull()


class SpoolErrorFull(SpoolError):
    """As a full card says it."""

    message_id = "error.spool.full"

    def __init__(self) -> None:
        super().__init__(where="x", reason="ENOSPC")


def until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.01)


class TestSealing:
    """P1: from the confirmed session to the outbox, exactly once."""

    def test_bundle_reaches_the_outbox_and_the_case_leaves_the_inbox(self, station: Station) -> None:
        """Sealed, booked, cleared up."""
        station.put_case()
        station.start().send(Seal(confirmed()))
        sealed = station.posted.wait_for(Sealed)

        assert sealed.bundle_id == BUNDLE
        assert sealed.size_bytes > 0
        assert [file.bundle_id for file in station.parts.spool.outbox()] == [BUNDLE]
        assert station.parts.ledger.captured(DOSSIER)
        assert station.parts.spool.cases() == ()

    @pytest.mark.parametrize("where", ["put_bundle", "ledger"])
    def test_full_disk_at_each_write_is_told_and_seals_later(
        self, station: Station, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        """ENOSPC at the outbox, or at the ledger after the outbox: with room again the same bundle is sealed once."""
        owner = station.parts.ledger if where == "ledger" else station.parts.spool
        name = "add" if where == "ledger" else where
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, full)
            station.start().send(Seal(confirmed()))
            failed = station.posted.wait_for(SealFailed)
        first = station.parts.spool.read_bundle(BUNDLE)
        station.worker.send(Seal(confirmed()))
        station.posted.wait_for(Sealed)

        assert failed.message_id == "error.spool.full"
        assert not failed.permanent
        assert first is None or station.parts.spool.read_bundle(BUNDLE) == first
        assert station.parts.ledger.captured(DOSSIER)

    def test_clearing_up_does_not_hold_up_the_person(self, station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
        """The case file cannot be removed just now: sealed is sealed, the next look removes it."""
        station.put_case()
        with monkeypatch.context() as patch:
            patch.setattr(station.parts.spool, "remove_case", full)
            station.start().send(Seal(confirmed()))
            station.posted.wait_for(Sealed)
        until(lambda: station.parts.spool.cases() == ())

    @pytest.mark.parametrize(
        "session", [confirmed().model_copy(update={"portrait": None}), confirmed().model_copy(update={"fingers": [1]})]
    )
    def test_session_that_is_no_bundle_is_answered_and_leaves_nothing(self, station: Station, session: Session) -> None:
        """P4: an answer without a way round, not a thread that dies again and again; no personal data in it."""
        station.start().send(Seal(session))
        failed = station.posted.wait_for(SealFailed)

        assert failed.permanent
        assert failed.message_id == "error.station.session"
        assert set(failed.params) == {"reason"}
        assert station.parts.spool.outbox() == ()

    def test_what_was_confirmed_before_the_end_is_sealed(self, station: Station) -> None:
        """SIGTERM a moment after the officer's confirmation: the queue is worked off first."""
        worker = station.worker
        worker.send(SaveDraft(confirmed()))
        worker.send(Seal(confirmed()))
        worker.send(EraseDraft())
        worker.stop()
        worker.start()

        assert worker.join(5.0)
        assert station.parts.spool.has_bundle(BUNDLE)
        assert station.again().restore() is None


class TestDraft:
    """What the next process finds."""

    def test_death_between_outbox_and_ledger(self, station: Station) -> None:
        """kill -9 in `_seal`: booked at the next start, not sealed again."""
        station.parts.draft.save(confirmed())
        station.parts.spool.put_bundle(BUNDLE, b"sealed")
        restored = station.again().restore()

        assert restored == DraftRestored(confirmed(), sealed=True)
        assert station.worker._parts.ledger.captured(DOSSIER)

    def test_death_between_outbox_and_ledger_on_a_full_disk(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No crash at each start: it is booked as soon as there is room."""
        station.parts.draft.save(confirmed())
        station.parts.spool.put_bundle(BUNDLE, b"sealed")
        worker = station.again()
        monkeypatch.setattr(worker._parts.ledger, "add", full)

        assert worker.restore() == DraftRestored(confirmed(), sealed=False)

    def test_death_within_erase_is_not_called_a_power_cut(self, station: Station) -> None:
        """P3: the session was sealed; nobody is told to take it again."""
        station.parts.draft.save(confirmed())
        station.parts.draft._file.unlink()

        assert station.again().restore() is None
        assert not station.parts.draft._key_file.exists()

    def test_power_cut_is_told(self, station: Station) -> None:
        """The key went with the memory."""
        station.parts.draft.save(unfinished())
        station.parts.draft._key_file.unlink()

        assert station.again().restore() == DraftLost("error.station.draft")

    def test_session_that_kills_the_daemon_is_dropped_at_last(self, station: Station) -> None:
        """P4: a station must not restart for ever over one unconfirmed session."""
        station.parts.draft.save(unfinished())
        found = [station.again().restore() for _ in range(11)]

        assert found[:10] == [DraftRestored(unfinished(), sealed=False)] * 10
        assert found[10] == DraftLost("error.station.draft_loops")
        assert station.again().restore() is None

    def test_progress_forgives_earlier_deaths(self, station: Station) -> None:
        """A saved step is a sign that the session goes on."""
        station.parts.draft.save(unfinished())
        for _ in range(9):
            station.again().restore()
        station.again().restore()
        station.worker._parts.draft.save(unfinished())

        assert isinstance(station.again().restore(), DraftRestored)

    def test_confirmed_session_is_never_dropped(self, station: Station) -> None:
        """P1, however often."""
        station.parts.draft.save(confirmed())
        found = [station.again().restore() for _ in range(30)]

        assert found == [DraftRestored(confirmed(), sealed=False)] * 30

    def test_medium_that_refuses_is_a_sentence_and_keeps_the_draft(self, station: Station) -> None:
        """EACCES, EIO: the daemon says so and tries again; nothing is erased."""
        station.parts.draft.save(unfinished())
        kept = station.parts.draft._file.read_bytes()
        station.parts.draft._file.unlink()
        station.parts.draft._file.mkdir()
        with pytest.raises(SpoolError):
            station.again().restore()
        station.parts.draft._file.rmdir()
        station.parts.draft._file.write_bytes(kept)

        assert isinstance(station.again().restore(), DraftRestored)

    def test_failed_save_is_told_until_it_is_made_up_for(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """ENOSPC at the draft: the fault stays while the draft is old, and goes when it is saved after all."""
        with monkeypatch.context() as patch:
            patch.setattr(station.parts.draft, "save", full)
            station.start().send(SaveDraft(unfinished()))
            failed = station.posted.wait_for(PartFailed)
            station.posted.wait_for(PartFailed)
            during = [event for event in station.posted.seen if isinstance(event, PartBack)]
        station.posted.wait_for(PartBack)

        assert failed.part is Part.STORAGE
        assert during == []
        assert station.parts.draft.load() == unfinished()

    def test_only_the_newest_wish_is_made_up_for(self, station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
        """A draft that could not be saved must not come back after it was to be erased."""
        with monkeypatch.context() as patch:
            patch.setattr(station.parts.draft, "save", full)
            station.start().send(SaveDraft(unfinished()))
            station.posted.wait_for(PartFailed)
            station.worker.send(EraseDraft())
            station.posted.wait_for(PartBack)

        assert station.parts.draft.load() is None


class TestCases:
    """Opening what lies in the inbox."""

    def test_each_question_is_answered(self, station: Station) -> None:
        """There, not there, captured already."""
        station.put_case()
        station.start().send(OpenCase(DOSSIER))
        opened = station.posted.wait_for(CaseOpened)
        station.worker.send(OpenCase(OTHER))
        missing = station.posted.wait_for(CaseFailed)
        station.worker.send(Seal(confirmed()))
        station.worker.send(OpenCase(DOSSIER))
        done = station.posted.wait_for(CaseFailed)

        assert opened.case.dossier_id == DOSSIER
        assert missing.message_id == "notice.case_requested"
        assert done.message_id == "notice.case_done"

    def test_card_that_does_not_read_is_an_answer_too(self, station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
        """EIO: the officer is not left before `Opening the case`."""
        station.put_case()
        monkeypatch.setattr(station.parts.spool, "read_case", full)
        station.start().send(OpenCase(DOSSIER))

        assert station.posted.wait_for(CaseFailed).message_id == "error.spool.full"

    def test_expired_case_leaves_the_queue(self, station: Station) -> None:
        """It would stand first in the queue for ever."""
        station.put_case(expires_ms=NOW_MS - 1)
        station.parts.clock.learn(NOW_MS)
        station.start().send(OpenCase(DOSSIER))
        failed = station.posted.wait_for(CaseFailed)

        assert failed.params == {"reason": "expired"}
        assert station.posted.wait_for(QueueChanged, lambda event: event.cases == ()).cases == ()

    def test_clock_nobody_vouches_for_expires_nothing(self, station: Station) -> None:
        """A clock that runs years ahead must not stop the desk; the centre judges again."""
        station.put_case(expires_ms=NOW_MS - 1)
        station.start().send(OpenCase(DOSSIER))

        assert station.posted.wait_for(CaseOpened).case.dossier_id == DOSSIER

    def test_clock_of_1970_opens_cases_and_says_that_it_is_wrong(self, station: Station) -> None:
        """A capture never waits for the clock."""
        station.parts.clock.wall_ns = lambda: 5_000_000_000
        station.put_case()
        station.start().send(OpenCase(DOSSIER))
        station.posted.wait_for(CaseOpened)
        station.worker.send(Seal(confirmed()))
        station.posted.wait_for(Sealed)

        assert station.parts.clock.now().trust is ClockTrust.NONE
        assert ClockChanged(trusted=False) in station.posted.drain()

    def test_request_is_left_for_the_link(self, station: Station) -> None:
        """A file, and no more."""
        station.start().send(RequestCase(OTHER))
        until(lambda: station.parts.spool.requests() == (OTHER,))


class TestTelling:
    """Only what changed is told, and each thing for itself."""

    def test_full_disk_with_news_of_the_centre_does_not_end_the_thread(self, station: Station) -> None:
        """The clock's floor cannot be stored: it holds in memory, everything else goes on."""
        floor = station.parts.spool.state_dir / "clock-floor"
        floor.mkdir()
        station.parts.spool.put_centre_state(CentreState(accepting=True, at_ms=NOW_MS).signed(station.centre))
        station.start()
        station.posted.wait_for(ClockChanged, lambda event: event.trusted)

        assert station.parts.clock.floor_ms == NOW_MS

    def test_state_that_lay_there_at_start_vouches_for_nothing(self, station: Station) -> None:
        """A clock without a battery goes on from where it stopped, right where the last message was signed."""
        station.parts.spool.put_centre_state(CentreState(accepting=True, at_ms=NOW_MS).signed(station.centre))
        station.start()
        station.posted.wait_for(ResultsChanged)
        before = station.parts.clock.now().trust
        station.parts.spool.put_centre_state(CentreState(accepting=True, at_ms=NOW_MS + 1000).signed(station.centre))
        until(lambda: station.parts.clock.now().trust is ClockTrust.SIGNED)

        assert before is not ClockTrust.SIGNED

    def test_link_trouble_comes_with_its_parameters(self, station: Station) -> None:
        """Its sentence names the host: without it no screen could be drawn."""
        spool = station.parts.spool
        fault = Fault(message_id="error.link.unreachable", params={"host": "b", "port": 1})
        assert spool.claim()
        spool.put_link_state(LinkState(connected=False, since_ms=1, last_error=fault))
        station.start()
        told = station.posted.wait_for(LinkChanged)
        spool.release_claim()
        gone = station.posted.wait_for(LinkChanged)

        assert told.params == {"host": "b", "port": 1}
        assert gone.message_id == ""

    def test_what_was_set_apart_is_told_without_a_link_too(self, station: Station) -> None:
        """P1: a capture that does not reach the centre is nobody's secret."""
        station.parts.spool.put_bundle(BUNDLE, b"x")
        station.parts.spool.quarantine(BUNDLE, "poison", 1)
        station.start()

        assert station.posted.wait_for(LinkChanged).quarantined == 1

    def test_new_status_is_seen_and_a_forged_one_is_not(self, station: Station) -> None:
        """P3: verified here again; told within a second or so, without reading every file all the time."""
        spool = station.parts.spool
        station.start()
        station.posted.wait_for(ResultsChanged)
        forged = self.status(OTHER, 1).signed(SigningKey.generate())
        spool.put_status(OTHER, forged, 1)
        spool.put_status(BUNDLE, self.status(BUNDLE, 1).signed(station.centre), 1)
        first = station.posted.wait_for(ResultsChanged)
        spool.put_status(BUNDLE, self.status(BUNDLE, 2).signed(station.centre), 2)
        second = station.posted.wait_for(ResultsChanged)

        assert [result.bundle_id for result in first.results] == [BUNDLE]
        assert [result.sequence for result in second.results] == [2]

    def status(self, bundle_id: str, sequence: int) -> Status:
        return Status(
            station_id="st-0001",
            dossier_id=DOSSIER,
            bundle_id=bundle_id,
            state=CaseState.CHECKING,
            sequence=sequence,
            at_ms=NOW_MS,
        )

    def test_ledger_forgets_what_lies_nowhere_any_more(self, station: Station) -> None:
        """It would grow for years; what waits for its receipt stays."""
        station.start().send(Seal(confirmed()))
        station.posted.wait_for(Sealed)
        station.worker.stop()
        assert station.worker.join(5.0)
        kept = station.again()
        kept.start()
        station.posted.wait_for(ResultsChanged)
        assert kept._parts.ledger.captured(DOSSIER)
        kept.stop()
        assert kept.join(5.0)
        shutil.rmtree(station.parts.spool.outbox_dir)
        Spool(station.parts.spool.state_dir).prepare(Writer.CAPTURE)
        station.again().start()

        until(lambda: not station.worker._parts.ledger.captured(DOSSIER))
