"""The storage thread and what the officer confirmed: whatever medium or process do, nothing of it is lost."""

from __future__ import annotations

import pytest

from station.errors import SpoolError
from station.workflow.effects import EraseDraft, SaveDraft, Seal
from station.workflow.events import (
    DraftLost,
    DraftRestored,
    Part,
    PartBack,
    PartFailed,
    Sealed,
    SealFailed,
)
from station.workflow.session import Session
from tests.station.capture.storage import Station, confirmed, full, unfinished, until
from tests.station.workflow.conftest import BUNDLE, DOSSIER


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
