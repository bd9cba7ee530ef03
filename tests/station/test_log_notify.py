"""The log and the word to systemd: machine-readable, silent about persons, harmless when nobody listens."""

from __future__ import annotations

import io
import json
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.link.errors import BrokerUnreachable
from station.log import WITHHELD, Level, Log, plain
from station.notify import Notifier


def test_an_event_is_one_line_of_json() -> None:
    stream = io.StringIO()
    Log(stream, "link", lambda: 1_795_000_000_123).event("link.connected", session_present=1)

    assert json.loads(stream.getvalue()) == {
        "at": "2026-11-18T11:06:40.123Z",
        "process": "link",
        "level": "info",
        "event": "link.connected",
        "session_present": 1,
    }
    assert stream.getvalue().endswith("}\n")


def test_an_error_is_its_message_id_and_parameters() -> None:
    stream = io.StringIO()
    Log(stream, "link", lambda: 0).error(BrokerUnreachable(host="broker.example", port=8883))
    line = json.loads(stream.getvalue())

    assert (line["event"], line["level"], line["host"], line["port"]) == (
        "error.link.unreachable",
        "error",
        "broker.example",
        8883,
    )


@pytest.mark.parametrize("value", ["Nguyễn Văn A", "x" * 201, "a\nb", "Ωmega", '{"a":1}'])
def test_what_is_no_plain_identifier_is_withheld(value: str) -> None:
    """Names have diacritics or do not belong here; ids, hosts and codes are plain."""
    assert plain(value) == WITHHELD


@given(st.text(), st.integers(), st.floats(allow_nan=False))
def test_any_value_leaves_one_line(text: str, number: int, share: float) -> None:
    """No value can break the line format or forge a field of ours."""
    stream = io.StringIO()
    Log(stream, "capture", lambda: 0).event("some.event", at=text, event=text, text=text, number=number, share=share)

    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue())["event"] == "some.event"


def test_a_code_that_is_a_sentence_is_refused() -> None:
    with pytest.raises(ValueError, match="event code"):
        Log(io.StringIO(), "link", lambda: 0).event("Something happened")


def test_debug_is_off_unless_asked_for() -> None:
    stream = io.StringIO()
    Log(stream, "link", lambda: 0).event("a.b", Level.DEBUG)

    assert stream.getvalue() == ""


def test_a_journal_that_is_gone_stops_nobody() -> None:
    stream = io.StringIO()
    stream.close()
    Log(stream, "link", lambda: 0).event("a.b")
    with open("/dev/full", "w") as full:
        Log(full, "link", lambda: 0).event("a.b")
        os.dup2(os.open("/dev/null", os.O_WRONLY), full.fileno())


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_ready_alive_and_stopping(tmp_path: Path, abstract: bool) -> None:
    """sd_notify(3): a datagram to the named socket, also in the abstract namespace."""
    name = f"@eid-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name[1:] if abstract else name)
        systemd.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"})
        notifier.ready()
        notifier.alive()
        notifier.status("two\nlines")
        notifier.stopping()

        assert notifier.watchdog_s == 30.0
        assert [systemd.recv(100) for _ in range(4)] == [b"READY=1", b"WATCHDOG=1", b"STATUS=two lines", b"STOPPING=1"]


def test_without_systemd_nothing_happens() -> None:
    notifier = Notifier({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"})
    notifier.ready()
    Notifier({"NOTIFY_SOCKET": "/nonexistent/socket"}).alive()

    assert notifier.watchdog_s is None
