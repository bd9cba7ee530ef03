"""Connecting, losing the connection, knowing it, in the brain; named after the rules of docs/link.md."""

from __future__ import annotations

import pytest

from station.link import events as ev
from station.link.connection import Phase
from station.link.errors import BrokerUnreachable, IdentityTakenOver
from station.link.rules import jitter, reconnect_delay
from station.link.state import Fault
from tests.station.link.brain_bench import (
    LOST,
    RULES,
    Link,
    bundle,
    busy_link,
    sha,
)
from wire.messages import (
    StationState,
    Sync,
)


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
