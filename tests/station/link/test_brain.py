"""The link's rules, named after their ids in docs/link.md. Pure: the test is the broker and the clock."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest

from station.link import events as ev
from station.link.brain import Brain
from station.link.connection import Phase
from station.link.errors import BrokerUnreachable, ConnectionLost, IdentityTakenOver
from station.link.mail import address
from station.link.rules import Rules, jitter, reconnect_delay
from station.link.state import Fault, LinkState
from wire.messages import (
    CaseRequest,
    CaseState,
    CentreState,
    Receipt,
    StationEvent,
    StationState,
    Status,
    Sync,
    Verdict,
)

STATION = "st-0001"
RULES = Rules(
    station_id=STATION,
    software="test",
    window=2,
    resend_s=10.0,
    resend_max_s=100.0,
    reconnect_min_s=1.0,
    reconnect_max_s=300.0,
    poison_disconnects=3,
    connect_deadline_s=120.0,
    answer_deadline_s=30.0,
    silent_after_s=150.0,
    ack_deadline_s=600.0,
    stable_after_s=30.0,
    state_interval_s=30.0,
)
Kind = TypeVar("Kind")
LOST = ConnectionLost(reason=0)


def bundle(number: int) -> str:
    return f"01KAGB9R00{number:016d}"


def sha(number: int) -> bytes:
    return hashlib.sha256(bundle(number).encode()).digest()


class Link:
    """A brain with a clock one can push."""

    def __init__(self, started: ev.Started | None = None, uniform: float = 0.5) -> None:
        self.now_s = 1000.0
        self.brain = Brain(RULES, lambda: uniform, self._now())
        self.effects: list[ev.Effect] = []
        self.reports: list[ev.Report] = []
        self.feed(started or ev.Started({}, (), {}, ()))

    def _now(self) -> ev.Now:
        return ev.Now(self.now_s, 1_795_000_000_000 + int(self.now_s * 1000))

    def feed(self, *events: ev.Event) -> list[ev.Effect]:
        """What these events caused."""
        self.effects = [effect for event in events for effect in self.brain.handle(event, self._now())]
        self.reports += self.of(ev.Report)
        return self.effects

    def after(self, seconds: float) -> list[ev.Effect]:
        self.now_s += seconds
        return self.feed(ev.Tick())

    def outbox(self, *numbers: int, size: int = 1000, requests: Sequence[str] = (), quarantine: int = 0) -> None:
        files = tuple(ev.Outgoing(bundle(number), size, sha(number)) for number in numbers)
        self.feed(ev.Listed(files, tuple(requests), quarantine))

    def online(self, max_packet_bytes: int | None = None) -> list[ev.Effect]:
        """Connects, whatever the wait; what happened at the last step."""
        self.after(400.0)
        assert self.brain.phase is Phase.CONNECTING
        self.feed(ev.Connected(True, max_packet_bytes))
        return self.feed(ev.Subscribed(1))

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def sent(self) -> list[str]:
        return [effect.bundle_id for effect in self.effects if isinstance(effect, ev.PublishBundle)]

    def messages(self, kind: type) -> list[Any]:
        return [publish.message for publish in self.of(ev.Publish) if isinstance(publish.message, kind)]

    def told(self) -> list[tuple[str, str | None, str | None]]:
        return [(event.kind, event.subject, event.detail) for event in self.messages(StationEvent)]

    def state(self) -> LinkState:
        """The last report."""
        return self.reports[-1].state


def receipt(
    number: int,
    verdict: Verdict = Verdict.STORED,
    code: str | None = None,
    digest: bytes | None = None,
    to: str = STATION,
) -> ev.ReceiptArrived:
    message = Receipt(
        station_id=to,
        bundle_id=bundle(number),
        envelope_sha256=digest or sha(number),
        verdict=verdict,
        code=code,
        at_ms=1,
    )
    return ev.ReceiptArrived(message, b"raw")


def status(number: int, sequence: int, state: CaseState = CaseState.CHECKING, to: str = STATION) -> ev.StatusArrived:
    message = Status(
        station_id=to, bundle_id=bundle(number), dossier_id=bundle(number), sequence=sequence, state=state, at_ms=1
    )
    return ev.StatusArrived(message, b"raw")


def busy_link(*numbers: int) -> Link:
    """Online, with these bundles handed over as far as the window goes."""
    link = Link()
    link.outbox(*numbers)
    link.online()
    return link


class TestBundles:
    def test_link_010_no_more_than_the_window_awaits_receipts(self) -> None:
        """LINK-010: the outbox is the queue; paho never holds more than the window."""
        link = busy_link(1, 2, 3)

        assert link.sent() == [bundle(1), bundle(2)]
        assert link.feed(ev.BundleAcked(bundle(1), 0)) is not None
        assert link.sent() == []

        link.feed(receipt(1))

        assert link.sent() == [bundle(3)]

    def test_link_011_an_acknowledgement_removes_nothing(self) -> None:
        """LINK-011: a PUBACK is not a receipt."""
        link = busy_link(1)

        link.feed(ev.BundleAcked(bundle(1), 0))

        assert link.of(ev.RemoveBundle) == []

    def test_link_012_without_receipt_the_slot_is_freed_and_the_bundle_waits_longer_each_time(self) -> None:
        """LINK-012: resend after resend_s and a full jitter that doubles, fewest attempts first."""
        link = busy_link(1)
        waits = []
        for _ in range(6):
            link.feed(ev.BundleAcked(bundle(1), 0))
            link.after(10.0)
            waited = 10.0
            while not link.sent():
                link.feed(ev.Heard())
                link.after(0.5)
                waited += 0.5
            waits.append(waited)

        assert waits == [15.0, 20.0, 30.0, 50.0, 60.0, 60.0]

    def test_link_012_unanswered_bundles_do_not_starve_fresh_ones(self) -> None:
        """LINK-002, LINK-012: two bundles the centre never answers; the third still goes, before their second turn."""
        link = busy_link(1, 2, 3)
        link.feed(ev.BundleAcked(bundle(1), 0), ev.BundleAcked(bundle(2), 0))

        link.after(10.0)

        assert link.sent() == [bundle(3)]

    def test_link_013_an_unacknowledged_bundle_is_not_published_twice_on_one_connection(self) -> None:
        """LINK-013: it may still be on its way over a slow line; at last the connection counts as dead."""
        link = busy_link(1)
        for _ in range(59):
            link.feed(ev.Heard())
            link.after(10.0)

            assert link.sent() == []
            assert link.of(ev.Drop) == []

        link.feed(ev.Heard())
        link.after(10.0)

        assert len(link.of(ev.Drop)) == 1

    def test_link_014_after_reconnecting_unacknowledged_bundles_go_at_once(self) -> None:
        """LINK-014: acknowledged ones give the answer to sync a moment first."""
        link = busy_link(1, 2)
        link.feed(ev.BundleAcked(bundle(1), 0))
        link.feed(ev.Disconnected(0, LOST))

        link.online()

        assert link.sent() == [bundle(2)]

        link.feed(ev.BundleAcked(bundle(2), 0))
        link.after(5.0)

        assert link.sent() == [bundle(1)]

    def test_link_015_in_flight_at_three_disconnects_is_poison_and_the_rest_flows(self) -> None:
        """LINK-015: the third lost connection sets it apart, with an event; its neighbour is not accused."""
        link = busy_link(1, 2)
        link.feed(ev.Disconnected(0, LOST))
        link.online()

        assert link.sent() == [bundle(1)], "a suspect travels alone"

        link.feed(ev.BundleAcked(bundle(1), 0))

        assert link.sent() == [bundle(2)]

        link.feed(ev.Disconnected(0, LOST))
        link.online()
        link.feed(receipt(1))
        link.feed(ev.Disconnected(0, LOST))

        assert link.of(ev.SetApartBundle) == [ev.SetApartBundle(bundle(2), "poison")]

        link.outbox(3, quarantine=1)
        link.online()

        assert link.sent() == [bundle(3)]
        assert ("quarantined", bundle(2), "poison") in link.told()

    def test_link_015_a_suspect_goes_last(self) -> None:
        """LINK-002, LINK-015: what broke a connection waits until nothing else is due."""
        link = busy_link(1)
        link.feed(ev.Disconnected(0, LOST))
        link.outbox(1, 2, 3)

        link.online()

        assert link.sent() == [bundle(2), bundle(3)]

    def test_link_015_a_suspect_waits_until_nobody_else_is_on_the_way(self) -> None:
        """LINK-015: sent beside another, the next loss would accuse both."""
        link = busy_link(1)
        link.feed(ev.Disconnected(0, LOST))
        link.outbox(1, 2)
        link.online()

        assert link.sent() == [bundle(2)]

        link.feed(ev.BundleAcked(bundle(2), 0))

        assert link.sent() == [bundle(1)]

    def test_link_015_refused_connections_accuse_nobody(self) -> None:
        """LINK-015: only a connection that was carrying the bundle counts."""
        link = busy_link(1)
        link.feed(ev.BundleAcked(bundle(1), 0))
        for _ in range(5):
            link.feed(ev.Disconnected(0, LOST))
            link.after(400.0)
            link.feed(ev.ConnectFailed(BrokerUnreachable(host="h", port=1)))

        assert link.of(ev.SetApartBundle) == []
        assert link.brain.handle(ev.Tick(), link._now()) == []

    def test_link_016_counters_are_saved_before_publishing(self) -> None:
        """LINK-003, LINK-016: what is about to be in flight is on disk first."""
        link = busy_link(1)
        order = [type(effect) for effect in link.effects if isinstance(effect, (ev.SaveStrikes, ev.PublishBundle))]

        assert order == [ev.SaveStrikes, ev.PublishBundle]
        assert link.of(ev.SaveStrikes)[0].in_flight == (bundle(1),)

    def test_link_016_the_death_of_the_process_counts(self) -> None:
        """LINK-016: in flight when the last run died, twice accused before: poison."""
        link = Link(ev.Started({bundle(1): 2}, (bundle(1),), {}, ()))
        link.outbox(1, 2)

        link.online()

        assert link.sent() == [bundle(2)]
        assert link.of(ev.SetApartBundle) == [ev.SetApartBundle(bundle(1), "poison")]

    def test_link_016_an_orderly_stop_accuses_nobody(self) -> None:
        """LINK-016: SIGTERM with a bundle in flight leaves no suspect behind."""
        link = busy_link(1)

        link.feed(ev.Stopping())

        assert link.of(ev.SaveStrikes) == [ev.SaveStrikes({}, ())]
        assert link.feed(ev.Tick()) == []

    def test_link_017_larger_than_the_brokers_limit_is_set_apart_before_it_is_sent(self) -> None:
        """LINK-017: else the broker would close the connection for ever."""
        link = Link()
        files = (ev.Outgoing(bundle(1), 5000, sha(1)), ev.Outgoing(bundle(2), 100, sha(2)))
        link.feed(ev.Listed(files, (), 0))

        link.online(max_packet_bytes=1000)

        assert link.of(ev.SetApartBundle) == [ev.SetApartBundle(bundle(1), "over_broker_limit")]
        assert link.sent() == [bundle(2)]

    @pytest.mark.parametrize("event", [ev.BundleAcked(bundle(1), 0x95), ev.Disconnected(0x95, LOST)])
    def test_link_017_the_broker_names_a_packet_too_large(self, event: ev.Event) -> None:
        """LINK-017: reason code 0x95, in PUBACK or in DISCONNECT."""
        link = busy_link(1)

        link.feed(event)

        assert link.of(ev.SetApartBundle) == [ev.SetApartBundle(bundle(1), "over_broker_limit")]

    def test_link_018_nobody_listens_at_the_broker(self) -> None:
        """LINK-018: 0x10 is shown and the bundle goes again later; a receipt ends it."""
        link = busy_link(1)
        link.feed(ev.BundleAcked(bundle(1), 0x10))

        assert link.state().last_error == Fault(message_id="error.link.no_centre")

        link.after(5.0)

        assert link.sent() == [bundle(1)]

        link.feed(ev.BundleAcked(bundle(1), 0), receipt(1))

        assert link.state().last_error is None

    @pytest.mark.parametrize(
        ("code", "shown"),
        [(0x87, "error.link.not_authorised"), (0x97, "error.link.quota"), (0x83, "error.link.not_authorised")],
    )
    def test_link_019_a_refusal_pauses_all_bundles_and_sets_none_apart(self, code: int, shown: str) -> None:
        """LINK-019: the next bundle would be treated alike; the pause grows."""
        link = busy_link(1, 2, 3)
        link.feed(ev.BundleAcked(bundle(1), code))

        assert link.state().last_error == Fault(message_id=shown, params={"code": code})
        assert link.sent() == []
        assert link.of(ev.SetApartBundle) == []

        link.feed(ev.BundleAcked(bundle(2), code))
        link.after(19.5)

        assert link.sent() == []

        link.after(1.0)

        assert link.sent() == [bundle(3), bundle(1)]

    @pytest.mark.parametrize("verdict", [Verdict.STORED, Verdict.DUPLICATE])
    def test_link_020_a_receipt_for_these_bytes_is_kept_and_then_the_file_goes(self, verdict: Verdict) -> None:
        """LINK-020, LINK-003: stored and duplicate alike; the receipt is on disk first."""
        link = busy_link(1)

        link.feed(receipt(1, verdict))

        kept = [effect for effect in link.effects if isinstance(effect, (ev.KeepReceipt, ev.RemoveBundle))]
        assert [type(effect) for effect in kept] == [ev.KeepReceipt, ev.RemoveBundle]

    def test_link_021_a_rejection_sets_apart_with_its_code(self) -> None:
        """LINK-021: the receipt is kept too, the rest flows on."""
        link = busy_link(1, 2, 3)

        link.feed(receipt(1, Verdict.REJECTED, "signature"))

        assert link.of(ev.SetApartBundle) == [ev.SetApartBundle(bundle(1), "rejected.signature")]
        assert link.of(ev.RemoveBundle) == []
        assert link.sent() == [bundle(3)]

    @pytest.mark.parametrize(
        ("arrived", "why"),
        [
            (receipt(1, digest=bytes(32)), "other_bytes"),
            (receipt(1, Verdict.REJECTED, "content", digest=bytes(32)), "other_bytes"),
            (receipt(1, to="st-0002"), "other_station"),
        ],
    )
    def test_link_022_a_receipt_for_something_else_changes_nothing_and_is_told(
        self, arrived: ev.ReceiptArrived, why: str
    ) -> None:
        """LINK-022: other bytes or another station."""
        link = busy_link(1)

        link.feed(arrived)

        assert link.of(ev.RemoveBundle) + link.of(ev.SetApartBundle) + link.of(ev.KeepReceipt) == []
        assert link.told() == [("receipt_ignored", bundle(1), why)]

    def test_link_022_a_receipt_for_a_bundle_that_left_is_ignored(self) -> None:
        """LINK-022: late duplicates are no event."""
        link = busy_link(1)
        link.feed(receipt(1))
        link.outbox()

        link.feed(receipt(1))

        assert link.of(ev.RemoveBundle) == []
        assert link.told() == []

    def test_link_023_what_is_no_envelope_of_ours_is_set_apart_unsent(self) -> None:
        """LINK-023: found by the shell on reading."""
        link = Link()
        link.feed(ev.Listed((ev.Outgoing(bundle(1), 5, None), ev.Outgoing(bundle(2), 5, sha(2))), (), 0))
        link.feed(ev.Unfit(bundle(1), "not_canonical"))

        assert link.of(ev.SetApartBundle) == [ev.SetApartBundle(bundle(1), "not_canonical")]

        link.online()

        assert link.sent() == [bundle(2)]

    def test_link_023_a_released_bundle_is_sent_again(self) -> None:
        """LINK-023: whatever set it apart, an admin's word counts."""
        link = busy_link(1)
        link.feed(receipt(1, Verdict.REJECTED, "content"))

        link.outbox(1)

        assert link.of(ev.SetApartBundle) == []
        assert link.sent() == [bundle(1)]

    def test_link_024_a_centre_that_takes_nothing_gets_nothing(self) -> None:
        """LINK-024: bundles wait, without any attempt being counted, until it accepts."""
        link = Link()
        link.outbox(1)
        link.online()
        link.feed(ev.BundleAcked(bundle(1), 0), ev.CentreStateArrived(CentreState(accepting=False, at_ms=5), b"raw"))
        link.after(10.0)
        link.after(50.0)

        assert link.sent() == []
        assert link.state().centre_accepting is False

        link.feed(ev.CentreStateArrived(CentreState(accepting=True, at_ms=6), b"raw"))

        assert link.sent() == [bundle(1)]


class TestConnection:
    def test_link_030_waits_grow_from_one_second_to_five_minutes_with_full_jitter(self) -> None:
        """LINK-030: never below the minimum, never above the maximum."""
        lowest = [reconnect_delay(RULES, attempt, lambda: 0.0) for attempt in range(1, 40)]
        highest = [reconnect_delay(RULES, attempt, lambda: 0.999999) for attempt in range(1, 40)]

        assert set(lowest) == {1.0}
        assert [round(delay) for delay in highest[:4]] == [2, 3, 5, 9]
        assert highest[-1] == pytest.approx(300.0, abs=0.01)
        assert jitter(10.0, 100.0, 1000, lambda: 0.5) == 50.0

    def test_link_030_a_connection_that_proved_itself_starts_the_waits_anew(self) -> None:
        """LINK-030: a receipt, or half a minute; being accepted alone proves nothing."""
        link = Link()
        for _ in range(8):
            link.online()
            link.feed(ev.Disconnected(0, LOST))
        link.after(60.0)

        assert link.of(ev.Connect) == []

        link.online()
        link.after(30.0)
        link.feed(ev.Disconnected(0, LOST))
        link.after(1.5)

        assert link.of(ev.Connect) == [ev.Connect()]

    def test_link_031_a_silent_broker_is_left(self) -> None:
        """LINK-031: the heartbeat is an answer lately, not what a library believes."""
        link = busy_link()
        link.after(149.0)
        link.feed(ev.Heard())
        link.after(149.0)

        assert link.of(ev.Drop) == []

        link.after(1.0)

        assert link.of(ev.Drop) == [ev.Drop()]
        assert link.state().last_error == Fault(message_id="error.link.stalled", params={"after_s": 150})
        assert link.state().connected is False

    def test_link_032_a_connect_that_never_ends_ends_the_process(self) -> None:
        """LINK-032: only a new process is rid of a stuck system call."""
        link = Link()
        link.after(119.0)

        assert link.of(ev.GiveUp) == []

        link.after(1.0)

        assert len(link.of(ev.GiveUp)) == 1

    def test_link_032_a_broker_that_accepts_and_then_says_nothing_is_left(self) -> None:
        """LINK-032: SUBACK has a deadline."""
        link = Link()
        link.feed(ev.Connected(False, None))
        link.after(30.0)

        assert link.of(ev.Drop) == [ev.Drop()]

    def test_link_033_sync_comes_first_on_every_connection(self) -> None:
        """LINK-033: what waits, with hashes, and open cases with their last sequence."""
        known = {bundle(8): ev.Known(3, False), bundle(9): ev.Known(5, True)}
        link = Link(ev.Started({}, (), known, ()))
        link.outbox(1, 2)
        for _ in range(2):
            link.online()
            published = [effect for effect in link.effects if isinstance(effect, (ev.Publish, ev.PublishBundle))]
            sync = link.messages(Sync)[0]

            assert published[0] == ev.Publish(sync, published[0].token)
            assert [waiting.bundle_id for waiting in sync.outstanding] == [bundle(1), bundle(2)]
            assert sync.outstanding[0].envelope_sha256 == sha(1)
            assert sync.statuses == {bundle(8): 3}

            link.feed(ev.Disconnected(0, LOST))

    def test_link_033_a_long_outbox_makes_several_syncs(self) -> None:
        """LINK-033: none of the outstanding is left out."""
        link = Link()
        link.outbox(*range(2500))

        link.online()

        assert [len(sync.outstanding) for sync in link.messages(Sync)] == [1000, 1000, 500]

    def test_link_034_a_refused_subscription_is_shown_and_tried_again(self) -> None:
        """LINK-034: without downlinks there would never be a receipt."""
        link = Link()
        link.feed(ev.Connected(False, None))
        link.feed(ev.Subscribed(0x87))

        assert link.of(ev.Drop) == [ev.Drop()]
        assert link.state().last_error == Fault(message_id="error.link.not_authorised", params={"code": 0x87})

        link.after(400.0)

        assert link.of(ev.Connect) == [ev.Connect()]

    def test_link_034_a_second_answer_changes_nothing(self) -> None:
        """LINK-034: a late SUBACK is no new connection."""
        link = busy_link(1)
        link.feed(ev.Subscribed(0x87))

        assert link.brain.phase is Phase.ONLINE
        assert link.of(ev.Drop) == []

    def test_link_035_a_loss_is_said_once(self) -> None:
        """LINK-035: loud on the first failure, silent on the same again."""
        link = Link()
        levels = []
        for _ in range(3):
            link.feed(ev.ConnectFailed(BrokerUnreachable(host="h", port=1)))
            levels += [note.level for note in link.of(ev.Note) if note.code == "link.lost"]
            link.after(400.0)

        assert levels == ["warning", "debug", "debug"]

    def test_link_036_the_reason_stands_in_the_state(self) -> None:
        """LINK-036: the display shows why, by catalogue key."""
        link = busy_link()

        link.feed(ev.Disconnected(0x8E, IdentityTakenOver()))

        assert link.state().last_error == Fault(message_id="error.link.taken_over")

    def test_link_037_a_certificate_that_ends_soon_is_said(self) -> None:
        """LINK-037: in the state, and once in the log."""
        link = Link()
        link.feed(ev.Certificate(99, True))

        assert link.state().certificate_ends_soon
        assert [note.code for note in link.of(ev.Note)] == ["link.certificate.ends_soon"]
        assert link.feed(ev.Certificate(99, True)) == []

    def test_link_038_the_state_is_published_when_it_changes_but_not_too_often(self) -> None:
        """LINK-038: on connecting, and at most every state_interval_s; a stop says offline."""
        link = busy_link(1)

        assert [(state.online, state.outbox) for state in link.messages(StationState)] == [(True, 1)]

        link.outbox(1, 2)

        assert link.messages(StationState) == []

        link.after(30.0)

        assert [(state.online, state.outbox) for state in link.messages(StationState)] == [(True, 2)]

        link.feed(ev.Stopping())

        assert [state.online for state in link.messages(StationState)] == [False]


class TestMail:
    def test_link_040_a_case_is_asked_for_until_it_comes(self) -> None:
        """LINK-040: at once, then with growing waits; the case ends it."""
        link = Link()
        link.outbox(requests=[bundle(7)])
        link.online()

        assert [message.dossier_id for message in link.messages(CaseRequest)] == [bundle(7)]

        link.after(14.0)

        assert link.messages(CaseRequest) == []

        link.after(1.0)

        assert len(link.messages(CaseRequest)) == 1

        link.feed(ev.CaseArrived(bundle(7), b"case"))

        assert link.of(ev.KeepCase) + link.of(ev.DropRequest) == [
            ev.KeepCase(bundle(7), b"case"),
            ev.DropRequest(bundle(7)),
        ]

    def test_link_041_an_event_is_published_until_it_is_acknowledged(self) -> None:
        """LINK-041: lost with the connection, it goes again."""
        link = busy_link()
        link.feed(ev.MessageUnfit("receipt", "signature"))

        assert link.told() == [("message_rejected", "receipt", "signature")]

        link.feed(ev.Disconnected(0, LOST))
        link.online()

        assert link.told() == [("message_rejected", "receipt", "signature")]

        token = next(p.token for p in link.of(ev.Publish) if isinstance(p.message, StationEvent))
        link.feed(ev.Acked(token, 0), ev.Disconnected(0, LOST))
        link.online()

        assert link.told() == []

    def test_link_041_a_flood_of_bad_messages_is_one_event(self) -> None:
        """LINK-041: a hostile broker cannot fill our memory."""
        link = Link()
        for _ in range(1000):
            link.feed(ev.MessageUnfit("status", "signature"))
        for number in range(1000):
            link.feed(ev.SetApart(f"foreign-{number}", "foreign_file"))
        link.online()

        assert len(link.told()) == 100

    def test_link_041_what_lies_in_quarantine_is_told_again_at_every_start(self) -> None:
        """LINK-041: an event that died with the process is not missed; the display shows it too."""
        link = Link(ev.Started({}, (), {}, ((bundle(5), "poison"),)))
        link.online()

        assert link.told() == [("quarantined", bundle(5), "poison")]
        assert link.state().last_error == Fault(
            message_id="error.link.quarantined", params={"bundle": bundle(5), "reason": "poison"}
        )

        link.outbox(quarantine=0)

        assert link.state().last_error is None

    def test_link_019_a_refused_message_is_shown(self) -> None:
        """LINK-019: the broker's list does not let us publish."""
        link = busy_link()
        link.feed(ev.Acked(1, 0x87))

        assert link.state().last_error == Fault(message_id="error.link.not_authorised", params={"code": 0x87})

    def test_each_message_has_its_topic_and_only_the_state_is_retained(self) -> None:
        """wire/topics.py; retained events would be told for ever."""
        link = busy_link()
        link.feed(ev.MessageUnfit("case", "routing"))
        link.outbox(requests=[bundle(7)])
        link.feed(ev.Disconnected(0, LOST))
        link.online()
        addressed = {type(publish.message): address(publish.message) for publish in link.of(ev.Publish)}

        assert addressed == {
            Sync: ("eid/v1/st/st-0001/up/sync", False),
            StationState: ("eid/v1/st/st-0001/state", True),
            StationEvent: ("eid/v1/st/st-0001/up/event/message_rejected", False),
            CaseRequest: ("eid/v1/st/st-0001/up/request/case", False),
        }

    def test_link_042_a_status_only_grows(self) -> None:
        """LINK-042: older or equal sequences are ignored, gaps are not."""
        link = busy_link()
        kept = []
        for sequence in (1, 1, 3, 2, 4):
            link.feed(status(1, sequence))
            kept += [effect.status.sequence for effect in link.of(ev.KeepStatus)]

        assert kept == [1, 3, 4]

    def test_link_042_a_status_known_from_before_counts(self) -> None:
        """LINK-042: what an earlier run kept is not overwritten by an older one."""
        link = Link(ev.Started({}, (), {bundle(1): ev.Known(5, False)}, ()))
        link.feed(status(1, 5))

        assert link.of(ev.KeepStatus) == []

    def test_link_042_a_status_of_another_station_is_ignored(self) -> None:
        """LINK-042: and told."""
        link = busy_link()
        link.feed(status(1, 1, to="st-0002"))

        assert link.of(ev.KeepStatus) == []
        assert link.told() == [("status_ignored", bundle(1), "other_station")]

    def test_link_043_the_time_of_the_centre_only_grows_its_word_counts(self) -> None:
        """LINK-043: a will signed at connect is older than the state it replaces, and still says not accepting."""
        link = busy_link()
        kept = []
        for accepting, at_ms in ((True, 10), (False, 5), (True, 11)):
            link.feed(ev.CentreStateArrived(CentreState(accepting=accepting, at_ms=at_ms), b"%d" % at_ms))
            kept += [effect.raw for effect in link.of(ev.KeepCentreState)]

            assert link.state().centre_accepting is accepting

        assert kept == [b"10", b"11"]

    def test_link_051_the_state_is_written_only_when_it_changes(self) -> None:
        """LINK-051: an answer alone is written every five minutes, not every time."""
        link = busy_link()
        before = len(link.reports)
        for _ in range(60):
            link.after(10.0)
            link.feed(ev.Heard())

        assert len(link.reports) - before == 2

    def test_link_050_a_full_disk_stands_in_the_state(self) -> None:
        """LINK-050: it is what the officer must see first; it goes when the medium works again."""
        link = Link()
        full = Fault(message_id="error.spool.full", params={"where": "inbox", "reason": "ENOSPC"})
        link.feed(ev.Storage(full))

        assert link.state().last_error == full

        link.feed(ev.Storage(None))

        assert link.state().last_error is None
