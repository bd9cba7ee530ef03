"""The link against a real mosquitto with mutual TLS and a centre that signs: what a mock could not show."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

import pytest

from wire.keys import SigningKey
from wire.messages import Verdict

harness = sys.modules["eid_link_harness"]
bundle_id, link, until = harness.bundle_id, harness.link, harness.until


class TestDelivery:
    def test_bundles_reach_the_centre_and_leave_against_receipts(self, site: Any, centre: Any) -> None:
        """LINK-001: every byte is there, the outbox is empty, receipts are kept, the state says so."""
        sent = {bundle_id(number): site.put(number, 50_000) for number in range(12)}
        with link(site.config()):
            until(lambda: not site.outbox(), "the outbox to empty")
            until(lambda: site.spool.link_state().connected, "the state to say connected")
            running = site.spool.link_running()

        assert centre.stored == sent
        assert set(centre.seen.values()) == {1}
        assert set(site.spool.receipts()) == set(sent)
        assert running
        assert not site.spool.link_running()
        assert centre.syncs[0].station_id == site.station
        until(lambda: centre.states and not centre.states[-1].online, "the goodbye")

    def test_a_capture_made_while_connected_leaves_at_once(self, site: Any, centre: Any) -> None:
        """The outbox is watched; nothing has to be told."""
        with link(site.config()):
            until(site.online, "the connection")
            site.put(1)
            until(lambda: not site.outbox(), "the outbox to empty")

        assert list(centre.stored) == [bundle_id(1)]

    def test_a_centre_that_was_away_gets_everything(self, site: Any, centre: Any) -> None:
        """LINK-011, LINK-012: acknowledged by the broker, unanswered: nothing is removed until the centre commits."""
        centre.stop()
        for number in range(6):
            site.put(number)
        with link(site.config()) as running:
            until(lambda: running.said("link.bundle.sent") >= 8, "resends")

            assert len(site.outbox()) == 6

            centre.start()
            until(lambda: not site.outbox(), "the outbox to empty")

        assert len(centre.stored) == 6

    def test_receipts_lost_by_the_broker_come_again_through_sync(self, site: Any, centre: Any) -> None:
        """LINK-033: committed, but the receipt never came; the next connection asks."""
        centre.silent = True
        site.put(1)
        with link(site.config(resend_s=60.0)):
            until(lambda: centre.stored, "the commit")
        centre.silent = False
        with link(site.config(resend_s=60.0)):
            until(lambda: not site.outbox(), "the outbox to empty")

        assert any(waiting.bundle_id == bundle_id(1) for sync in centre.syncs for waiting in sync.outstanding)
        assert centre.seen[bundle_id(1)] <= 2

    def test_the_broker_dies_and_forgets_and_nothing_is_lost(self, own_site: Any, own_centre: Any) -> None:
        """LINK-001: kill -9 of mosquitto loses what it acknowledged; the link sends it again."""
        with link(own_site.config()) as running:
            for number in range(4):
                own_site.put(number)
            until(lambda: not own_site.outbox(), "the first part")
            own_centre.silent = True
            for number in range(4, 8):
                own_site.put(number)
            until(lambda: len(own_centre.stored) == 8, "the commits without receipts")
            own_site.broker.kill()
            until(
                lambda: own_site.error_shown() in ("error.link.unreachable", "error.link.lost"), "the loss to be shown"
            )
            own_centre.silent = False
            own_site.broker.start()
            until(lambda: not own_site.outbox(), "the outbox to empty")
            until(lambda: own_site.error_shown() is None, "the error to go")
            losses = [
                event for event in running.events() if event["event"] == "link.lost" and event["level"] == "warning"
            ]

        assert len(own_centre.stored) == 8
        assert not own_site.quarantined()
        assert 1 <= len(losses) <= 2, "said once per kind of loss"

    def test_a_broker_that_speaks_3_1_1_is_served_by_configuration(self, site: Any, centre: Any) -> None:
        """Nothing depends on MQTT 5; there is no fallback, only `mqtt_version = 4`."""
        site.put(1, 50_000)
        with link(site.config(mqtt_version=4)):
            until(lambda: not site.outbox(), "the outbox to empty")
            site.put(2)
            until(lambda: not site.outbox(), "the second")

        assert len(centre.stored) == 2

    def test_an_idle_connection_lives_on_pings(self, site: Any) -> None:
        """LINK-031: PINGRESP is a heartbeat; without it the link would leave after 2.5 s of silence."""
        with link(site.config(keepalive_s=1)) as running:
            until(site.online, "the connection")
            begun = time.monotonic()
            until(lambda: time.monotonic() - begun > 3.0, "three idle seconds")

            assert site.online()
            assert running.said("link.lost") == 0

    def test_a_broker_that_stops_answering_is_left_and_found_again(self, own_site: Any, own_centre: Any) -> None:
        """LINK-031: stopped, it still holds the connection open; the link notices and recovers."""
        own_site.put(1)
        with link(own_site.config(keepalive_s=1)):
            until(lambda: not own_site.outbox(), "the first")
            os.kill(own_site.broker.pid, signal.SIGSTOP)
            own_site.put(2)
            until(
                lambda: own_site.error_shown() in ("error.link.stalled", "error.link.lost"), "the silence to be shown"
            )
            os.kill(own_site.broker.pid, signal.SIGCONT)
            until(lambda: not own_site.outbox(), "the second")

        assert len(own_centre.stored) == 2
        assert own_site.quarantined() == {}


class TestWrongReceipts:
    @pytest.mark.parametrize("wrong", ["signer", "bytes", "station", "type", "garbage"])
    def test_a_receipt_that_is_not_right_removes_nothing(self, site: Any, centre: Any, wrong: str) -> None:
        """LINK-022, LINK-044: only the centre's signature over exactly these bytes counts; the right one then does."""
        stranger = SigningKey.generate()

        def answer(name: str, data: bytes) -> list[bytes]:
            return {
                "signer": [centre.receipt(name, data, signer=stranger)],
                "bytes": [centre.receipt(name, data + b"x")],
                "station": [centre.receipt(name, data, station="st-other")],
                "type": [centre.status(name, 1)],
                "garbage": [b"\xff" * 40],
            }[wrong]

        centre.make_receipts = answer
        site.put(1)
        with link(site.config(resend_s=0.6)):
            until(lambda: centre.events, "the event")

            assert site.outbox() == [bundle_id(1)]
            assert not site.spool.receipts()

            centre.make_receipts = lambda name, data: [centre.receipt(name, data)]
            until(lambda: not site.outbox(), "the outbox to empty")

        kind, subject, detail = centre.events[0]
        expected = {
            "signer": ("message_rejected", "receipt", "signer"),
            "bytes": ("receipt_ignored", bundle_id(1), "other_bytes"),
            "station": ("receipt_ignored", bundle_id(1), "other_station"),
            "type": ("message_rejected", "receipt", "type"),
            "garbage": ("message_rejected", "receipt", "form"),
        }
        assert (kind, subject, detail) == expected[wrong]

    def test_a_receipt_twice_is_one_receipt(self, site: Any, centre: Any) -> None:
        """LINK-020: duplicates are harmless."""
        centre.make_receipts = lambda name, data: [centre.receipt(name, data)] * 3
        for number in range(5):
            site.put(number)
        with link(site.config()):
            until(lambda: not site.outbox(), "the outbox to empty")

        assert len(site.spool.receipts()) == 5
        assert centre.events == []

    def test_a_rejected_bundle_is_set_apart_and_the_next_one_flows(self, site: Any, centre: Any) -> None:
        """LINK-021: with the centre's code; released by an admin, it is sent again."""
        good = centre.make_receipts
        centre.make_receipts = lambda name, data: (
            [centre.receipt(name, data, Verdict.REJECTED, "content")] if name == bundle_id(1) else good(name, data)
        )
        first = site.put(1)
        site.put(2)
        with link(site.config()):
            until(lambda: not site.outbox(), "the outbox to empty")
            until(lambda: ("quarantined", bundle_id(1), "rejected.content") in centre.events, "the event")

            assert site.quarantined() == {bundle_id(1): "rejected.content"}
            assert site.error_shown() == "error.link.quarantined"

            centre.make_receipts = good
            site.spool.release(bundle_id(1))
            until(lambda: not site.outbox() and not site.quarantined(), "the released bundle to leave")

        assert centre.stored[bundle_id(1)] == first


class TestUnfitFiles:
    def test_torn_foreign_and_misnamed_files_are_set_apart_and_the_rest_flows(self, site: Any, centre: Any) -> None:
        """LINK-023: none of them crashes anybody or is sent."""
        outbox = site.spool.outbox_dir
        (outbox / f"{bundle_id(1)}.cose").write_bytes(site.seal(1)[:700])
        (outbox / f"{bundle_id(2)}.cose").write_bytes(b"")
        (outbox / f"{bundle_id(3)}.cose").write_bytes(site.seal(4))
        (outbox / f"{bundle_id(5)}.cose").write_bytes(bytes(2 * 1024 * 1024 + 1))
        (outbox / "Nguyen Van A.jpg").write_bytes(b"\xff\xd8")
        (outbox / f"{bundle_id(6)}.cose.tmp").write_bytes(b"being written")
        (outbox / f"{bundle_id(7)}.cose").symlink_to("/etc/hostname")
        site.put(8)
        with link(site.config()) as running:
            until(lambda: site.outbox() == [], "the outbox to empty")
            until(lambda: len(centre.events) >= 6, "the events")

        apart = site.quarantined()
        foreign = {name: reason for name, reason in apart.items() if name.startswith("foreign-")}
        assert apart.items() - foreign.items() == {
            (bundle_id(1), "not_canonical"),
            (bundle_id(2), "not_canonical"),
            (bundle_id(3), "routing_mismatch"),
            (bundle_id(5), "too_large"),
        }
        assert set(foreign.values()) == {"foreign_file"}
        assert len(foreign) == 2
        assert list(centre.stored) == [bundle_id(8)]
        assert (outbox / f"{bundle_id(6)}.cose.tmp").exists()
        assert "Nguyen" not in running.stream.getvalue()

    def test_a_bundle_over_the_brokers_limit_is_set_apart_and_the_rest_flows(
        self, own_site: Any, own_centre: Any
    ) -> None:
        """LINK-017: without that paho would reconnect and resend it for ever."""
        own_site.broker.stop()
        config = own_site.fleet.layout.broker / f"run-{own_site.broker.port}.conf"
        own_site.broker._spawn, spawn = (
            (lambda command, log: (_limit(config, 100_000), spawn(command, log))[1]),
            own_site.broker._spawn,
        )
        own_site.broker.start()
        own_site.put(1, 120_000)
        own_site.put(2, 50_000)
        with link(own_site.config()):
            until(lambda: not own_site.outbox(), "the outbox to empty")

        assert own_site.quarantined() == {bundle_id(1): "over_broker_limit"}
        until(lambda: list(own_centre.stored) == [bundle_id(2)], "the other bundle")


def _limit(config: Any, size_bytes: int) -> None:
    lines = config.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("max_packet_size")]
    config.write_text("\n".join([*kept, f"max_packet_size {size_bytes}"]) + "\n")
