"""The life of a bundle in the brain: window, receipts, resending, poison; named after the rules of docs/link.md."""

from __future__ import annotations

import pytest

from station.link import events as ev
from station.link.errors import BrokerUnreachable
from station.link.state import Fault
from tests.station.link.brain_bench import (
    LOST,
    Link,
    bundle,
    busy_link,
    receipt,
    sha,
)
from wire.messages import (
    CentreState,
    Verdict,
)


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
