"""The storage thread and what comes in: cases, statuses, the centre's time, the link's state."""

from __future__ import annotations

import shutil

import pytest

from station.link.state import Fault, LinkState
from station.spool import Spool, Writer
from station.workflow.effects import OpenCase, RequestCase, Seal
from station.workflow.events import (
    CaseFailed,
    CaseOpened,
    ClockChanged,
    LinkChanged,
    QueueChanged,
    ResultsChanged,
    Sealed,
)
from tests.station.capture.storage import NOW_MS, OTHER, Station, confirmed, full, until
from tests.station.workflow.conftest import BUNDLE, DOSSIER
from wire.bundle import ClockTrust
from wire.keys import SigningKey
from wire.messages import CaseState, CentreState, Status


def status_of(state: CaseState, sequence: int) -> Status:
    """A status of the captured bundle."""
    return Status(
        station_id="st-0001", dossier_id=DOSSIER, bundle_id=BUNDLE, state=state, sequence=sequence, at_ms=NOW_MS
    )


class TestSupplement:
    """A captured dossier opens again only by the centre's word, and its new order is not lost before that."""

    def test_order_that_overtakes_its_status_is_kept_and_then_opens(self, station: Station) -> None:
        """Hidden while the dossier counts as captured; after `supplement` it can be captured again."""
        spool = station.parts.spool
        station.put_case()
        station.start().send(Seal(confirmed()))
        station.posted.wait_for(Sealed)
        until(lambda: spool.cases() == ())
        station.put_case()
        self.whole_poll(station)
        station.worker.send(OpenCase(DOSSIER))
        before = station.posted.wait_for(CaseFailed)
        spool.put_status(BUNDLE, status_of(CaseState.SUPPLEMENT, 4).signed(station.centre), 4)
        station.posted.wait_for(ResultsChanged, lambda event: bool(event.results))
        station.worker.send(OpenCase(DOSSIER))
        opened = station.posted.wait_for(CaseOpened)

        assert before.message_id == "notice.case_done"
        assert opened.case.dossier_id == DOSSIER
        assert spool.cases() == (DOSSIER,)

    def whole_poll(self, station: Station) -> None:
        """Another case comes and goes: at least one look at the inbox has begun and ended meanwhile."""
        station.put_case(OTHER)
        station.posted.wait_for(QueueChanged, lambda event: len(event.cases) == 1)
        station.parts.spool.remove_case(OTHER)
        station.posted.wait_for(QueueChanged, lambda event: event.cases == ())

    def test_order_of_a_closed_dossier_is_thrown_away(self, station: Station) -> None:
        """Once the word on it is final and nobody wants more."""
        spool = station.parts.spool
        station.put_case()
        station.start().send(Seal(confirmed()))
        station.posted.wait_for(Sealed)
        spool.put_status(BUNDLE, status_of(CaseState.ISSUED, 4).signed(station.centre), 4)
        station.put_case()

        until(lambda: spool.cases() == ())


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
