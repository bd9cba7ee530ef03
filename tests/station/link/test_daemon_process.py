"""The link as a process: downlinks, what stands in its way, how it starts and ends; against a real broker."""

from __future__ import annotations

import json
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from provisioning.certificates import Authority
from station.link import tls
from station.link.daemon import EXIT_BUSY, EXIT_CONFIG, EXIT_OK, Clock
from station.link.errors import CredentialUnusable, LinkAlreadyRunning
from station.link.session import Answered, Ended
from wire import topics
from wire.messages import CaseState

harness = sys.modules["eid_link_harness"]
bundle_id, link, until = harness.bundle_id, harness.link, harness.until


def issue(site: Any, begin: datetime, days: int) -> None:
    """Gives the station a certificate that begins and ends then."""
    layout = site.fleet.layout
    authority = Authority.load(layout.ca_key.read_bytes(), layout.ca_certificate.read_bytes())
    issued = authority.issue_client(site.station, f"urn:eid:station:{site.station}", begin, days)
    (site.keys / "link/tls.crt").write_bytes(issued.certificate_pem)
    (site.keys / "link/tls.key").write_bytes(issued.key_pem)


class TestDownlinks:
    def test_cases_statuses_and_centre_state_reach_the_inbox(self, site: Any, centre: Any) -> None:
        """LINK-040, LINK-042, LINK-043: requested until it comes; only the newest status; sealed as it came."""
        dossier = bundle_id(77)
        sealed = site.seal_case(dossier)
        with link(site.config()):
            site.spool.ask_for_case(dossier)
            until(lambda: dossier in centre.requests, "the request")
            centre.publish(topics.down_case(site.station, dossier), sealed)
            until(lambda: site.spool.cases() == (dossier,), "the case")
            until(lambda: site.spool.requests() == (), "the request to be withdrawn")
            newest = centre.status(bundle_id(1), 3, CaseState.ISSUED)
            for message in (centre.status(bundle_id(1), 2), newest, centre.status(bundle_id(1), 1)):
                centre.publish(topics.down_status(site.station, bundle_id(1)), message)
            state = centre.centre_state(True)
            centre.publish(topics.CENTRE_STATE, state, retain=True)
            until(lambda: site.spool.read_centre_state() == state, "the centre's state")

        assert site.spool.read_case(dossier) == sealed
        assert site.spool.read_status(bundle_id(1)) == newest

    @pytest.mark.parametrize("wrong", ["signer", "recipient", "name", "status_name", "command", "garbage"])
    def test_downlinks_that_are_not_for_us_are_ignored_and_told(self, site: Any, centre: Any, wrong: str) -> None:
        """LINK-044, LINK-045: the broker is not trusted; what follows is still taken."""
        dossier, good = bundle_id(77), bundle_id(78)
        topic, payload, detail = {
            "signer": (
                topics.down_case(site.station, dossier),
                site.seal_case(dossier, signer=site.signing),
                "unknown_signer",
            ),
            "recipient": (topics.down_case(site.station, dossier), site.seal_case(dossier, "st-other"), "routing"),
            "name": (topics.down_case(site.station, dossier), site.seal_case(good), "routing"),
            "status_name": (topics.down_status(site.station, dossier), centre.status(good, 1), "routing"),
            "command": (topics.down_command(site.station, "reboot"), b"", "kind"),
            "garbage": (topics.down_case(site.station, dossier), b"\x00" * 100, "not_canonical"),
        }[wrong]
        with link(site.config()):
            until(site.online, "the connection")
            centre.publish(topic, payload)
            centre.publish(topics.down_case(site.station, good), site.seal_case(good))
            until(lambda: site.spool.cases() == (good,), "the good case")
            until(lambda: centre.events, "the event")

        assert centre.events[0][::2] == ("message_rejected", detail)
        assert site.spool.statuses() == ()

    def test_what_comes_while_the_link_is_down_is_delivered_later(self, site: Any, centre: Any) -> None:
        """The broker keeps the session; a message is acknowledged only after it was kept (LINK-003)."""
        dossier = bundle_id(77)
        with link(site.config()):
            until(site.online, "the connection")
        centre.publish(topics.down_case(site.station, dossier), site.seal_case(dossier))
        with link(site.config()):
            until(lambda: site.spool.cases() == (dossier,), "the case")


class TestWhatStandsInTheWay:
    """LINK-036: each cause has its own sentence, on the display, and nothing is lost."""

    def shown(self, site: Any, expected: str, clock: Clock | None = None, **changes: object) -> None:
        data = site.put(1)
        with link(site.config(**changes), clock) as running:
            until(lambda: site.error_shown() == expected, f"{expected}, not {site.error_shown()}")
            until(lambda: running.said("link.lost") >= 2, "another attempt")
            state = site.spool.link_state()

        assert site.spool.read_bundle(bundle_id(1)) == data
        assert state is not None
        assert not state.connected

    def test_no_such_host(self, site: Any) -> None:
        self.shown(site, "error.link.unknown_host", host="broker.invalid")

    def test_nobody_listens(self, own_site: Any) -> None:
        own_site.broker.stop()
        self.shown(own_site, "error.link.unreachable")

    def test_another_authority(self, site: Any, tmp_path: Any) -> None:
        other = Authority.create("another", datetime.now(UTC), 1)
        (tmp_path / "other.crt").write_bytes(other.certificate_pem)
        self.shown(site, "error.link.broker.untrusted", cafile=str(tmp_path / "other.crt"))

    def test_another_name(self, site: Any) -> None:
        self.shown(site, "error.link.broker.name", host="127.1")

    def test_an_expired_certificate(self, site: Any) -> None:
        issue(site, datetime.now(UTC) - timedelta(days=40), 10)
        self.shown(site, "error.link.certificate.expired")

    def test_a_renewed_certificate_counts_without_a_restart(self, site: Any, centre: Any) -> None:
        issue(site, datetime.now(UTC) - timedelta(days=40), 10)
        site.put(1)
        with link(site.config()):
            until(lambda: site.error_shown() == "error.link.certificate.expired", "the error")
            issue(site, datetime.now(UTC), 90)
            until(lambda: not site.outbox(), "the outbox to empty")

        assert list(centre.stored) == [bundle_id(1)]

    def test_a_clock_before_the_certificate_names_the_clock(self, site: Any) -> None:
        """The broker finds the certificate not yet valid; the station's own dates say why."""
        issue(site, datetime.now(UTC) + timedelta(days=10), 90)
        self.shown(site, "error.link.clock")

    def test_a_certificate_file_that_is_none(self, site: Any) -> None:
        (site.keys / "link/tls.crt").write_text("not a certificate")
        self.shown(site, "error.link.credential")

    def test_a_revoked_certificate(self, own_site: Any) -> None:
        own_site.fleet.revoke(own_site.station, datetime.now(UTC))
        own_site.broker.restart()
        self.shown(own_site, "error.link.certificate.revoked")

    def test_a_certificate_that_ends_soon(self, site: Any, centre: Any) -> None:
        """LINK-037: told while everything still works."""
        issue(site, datetime.now(UTC) - timedelta(days=80), 90)
        with link(site.config()) as running:
            until(site.online, "the connection")
            state = site.spool.link_state()

        assert state.certificate_ends_soon
        assert running.said("link.certificate.ends_soon") == 1

    def test_a_host_that_accepts_and_never_speaks(self, site: Any) -> None:
        """LINK-032: the handshake has a deadline, and a stop meanwhile does not wait for it."""
        with socket.create_server(("127.0.0.1", 0)) as mute:
            port = mute.getsockname()[1]
            with link(site.config(port=port, connect_timeout_s=0.3)):
                until(lambda: site.error_shown() == "error.link.unreachable", "the deadline")
            process = harness.LinkProcess(site.config_file(port=port, connect_timeout_s=60.0), site.root / "link.log")
            process.start()
            until(lambda: "link.started" in (site.root / "link.log").read_text(), "the start")
            begun = time.monotonic()

            assert process.stop() == EXIT_OK
            assert time.monotonic() - begun < 10.0

    def test_a_broker_that_says_no(self, site: Any) -> None:
        """LINK-036: CONNACK with a reason code; the link waits and asks again."""
        with link(site.config()) as running:
            until(site.online, "the connection")
            running.daemon._inbox.put((running.daemon._generation, Answered(0x87, False, None)))
            until(lambda: any(e.get("error") == "error.link.refused" for e in running.events()), "the refusal")
            until(site.online, "the next connection")

    def test_a_second_device_with_our_certificate(self, site: Any) -> None:
        """LINK-036: reason code 0x8E is named as such (mosquitto 2.0 closes the older connection without a word)."""
        with link(site.config()) as running:
            until(site.online, "the connection")
            running.daemon._inbox.put((running.daemon._generation, Ended(0x8E, "")))
            until(lambda: any(e.get("error") == "error.link.taken_over" for e in running.events()), "the take-over")


class TestProcess:
    def test_two_links_on_one_spool(self, site: Any) -> None:
        """LINK-053: the second says so and changes nothing."""
        with link(site.config()) as first:
            until(lambda: first.said("link.started"), "the first")
            second = harness.LinkThread(site.config())

            with pytest.raises(LinkAlreadyRunning):
                second.stop()

            process = harness.LinkProcess(site.config_file(), site.root / "link.log")
            process.start()

            assert process.process is not None
            assert process.process.wait(harness.DEADLINE_S) == EXIT_BUSY

    def test_sigterm_ends_the_process_in_order(self, site: Any, centre: Any) -> None:
        """Exit status 0, goodbye to the broker, every log line JSON, READY and WATCHDOG to systemd."""
        site.put(1)
        process = harness.LinkProcess(site.config_file(), site.root / "link.log")
        process.start()
        until(lambda: not site.outbox(), "the outbox to empty")
        code = process.stop()
        lines = [json.loads(line) for line in (site.root / "link.log").read_text().splitlines()]

        assert code == EXIT_OK
        assert {line["process"] for line in lines} == {"link"}
        assert lines[-1]["event"] == "link.stopped"
        until(lambda: centre.states and not centre.states[-1].online, "the goodbye")

    def test_a_killed_link_is_reported_offline_by_its_will(self, site: Any, centre: Any) -> None:
        """LINK-038: and a reader of the folder sees that nobody stands behind link.json."""
        process = harness.LinkProcess(site.config_file(), site.root / "link.log")
        process.start()
        until(site.online, "the connection")
        until(lambda: centre.states and centre.states[-1].online, "online")
        process.kill()
        until(lambda: not centre.states[-1].online, "the will")

        assert site.spool.link_state().connected
        assert not site.spool.link_running()

    def test_the_centre_key_is_missing(self, site: Any) -> None:
        """Without it nothing could be believed: the process says so and ends."""
        (site.keys / "link/centre-verifying.json").unlink()

        with pytest.raises(CredentialUnusable):
            harness.Daemon(site.config(), None, None, Clock(), lambda: 0.5)

        process = harness.LinkProcess(site.config_file(), site.root / "link.log")
        process.start()

        assert process.process is not None
        assert process.process.wait(harness.DEADLINE_S) == EXIT_CONFIG
        assert site.error_shown() == "error.link.credential"

    def test_an_exception_nobody_expected_ends_it(self, site: Any) -> None:
        """Crash-only, whichever thread it happens in; paho would go on silently."""
        running = harness.LinkThread(site.config())
        until(site.online, "the connection")
        running.daemon.crashed(ZeroDivisionError())
        until(lambda: not running.alive, "the end")

        with pytest.raises(ZeroDivisionError):
            running.stop()

    def test_killed_with_a_poisonous_bundle_in_flight_three_times(self, site: Any) -> None:
        """LINK-016: the counters survive kill -9; the bundle is set apart, the next run flows."""
        counters = site.state_dir / "link/strikes.json"
        site.put(1)
        with link(site.config()):
            until(counters.exists, "the counters")
        counters.write_text(json.dumps({"strikes": {bundle_id(1): 2}, "in_flight": [bundle_id(1)]}))
        with link(site.config()):
            until(lambda: site.quarantined() == {bundle_id(1): "poison"}, "the poison rule")

    @pytest.mark.parametrize(
        "content",
        ["", "[]", '{"strikes": 3}', '{"strikes": {"x": []}, "in_flight": 5}', "\x00" * 99],
        ids=["empty", "list", "number", "types", "zeros"],
    )
    def test_torn_counters_are_no_counters(self, site: Any, centre: Any, content: str) -> None:
        """LINK-016: they only ever set bundles apart, so losing them is harmless."""
        site.put(1)
        (site.state_dir / "link").mkdir(exist_ok=True)
        (site.state_dir / "link/strikes.json").write_text(content)
        with link(site.config()):
            until(lambda: not site.outbox(), "the outbox to empty")

        assert list(centre.stored) == [bundle_id(1)]


def test_the_lifetime_of_a_certificate_is_read_from_disk(site: Any) -> None:
    """LINK-037: a third of 90 days is 30 days."""
    own = tls.lifetime(site.config())
    assert own is not None
    day_ms = 86_400_000

    assert not own.ends_soon(own.until_ms - 31 * day_ms, 1 / 3)
    assert own.ends_soon(own.until_ms - 30 * day_ms, 1 / 3)
