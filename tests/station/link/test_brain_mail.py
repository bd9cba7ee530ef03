"""What comes down, and what else goes up, in the brain; named after the rules of docs/link.md."""

from __future__ import annotations

from station.link import events as ev
from station.link.mail import address
from station.link.state import Fault
from tests.station.link.brain_bench import (
    LOST,
    Link,
    bundle,
    busy_link,
    status,
)
from wire.messages import (
    CaseRequest,
    CentreState,
    StationEvent,
    StationState,
    Sync,
)


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
