"""P2: the process that sees a face or a finger has no network."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str) -> subprocess.CompletedProcess[str]:
    prelude = "import socket\nfrom station.capture import no_network\n"
    return subprocess.run(
        [sys.executable, "-c", prelude + code], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
def test_an_internet_socket_ends_the_process(family: str) -> None:
    """Even where a library would swallow the exception."""
    done = run(
        f"no_network.forbid()\ntry:\n socket.socket(socket.{family})\nexcept BaseException: pass\nprint('alive')"
    )

    assert done.returncode == 77
    assert "alive" not in done.stdout
    assert "network.forbidden" in done.stderr


def test_unix_sockets_stay_allowed() -> None:
    """systemd's notify socket, the emulated devices."""
    done = run("no_network.forbid()\nsocket.socket(socket.AF_UNIX).close()\nprint('alive')")

    assert done.stdout == "alive\n"


def test_loopback_driver_reaches_only_the_loopback() -> None:
    """A fingerprint service on 127.0.0.1 is the one exception, by driver name."""
    inside = run(
        "no_network.forbid('sbi')\ns=socket.socket()\ns.settimeout(1)\n"
        "try:\n s.connect(('127.0.0.1', 9))\nexcept OSError: print('refused')"
    )
    outside = run("no_network.forbid('sbi')\ns=socket.socket()\ns.connect(('192.0.2.1', 9))")

    assert inside.stdout == "refused\n"
    assert outside.returncode == 77
