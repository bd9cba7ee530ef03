"""The capture daemon opens no internet socket: any attempt ends the process.

The unit's empty network namespace is the wall; this is the alarm wire in front of it, in force on every machine. An
exception for a device on the private loopback (a fingerprint service) is a driver named in the configuration.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

_EXIT_NETWORK = 77


def forbid(loopback_for: str = "") -> None:
    """From now on a new AF_INET or AF_INET6 socket ends the process with exit code 77. Cannot be taken back.

    Args:
        loopback_for: the driver that may reach IPv4 127.0.0.1; empty for none.
    """

    def guard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.__new__" and arguments[1] not in (socket.AF_UNIX, socket.AF_NETLINK):
            if not (loopback_for and arguments[1] == socket.AF_INET):
                _end("internet socket")
        elif event in ("socket.connect", "socket.sendto", "socket.bind") and loopback_for:
            address = arguments[1]
            if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "localhost"):
                _end("address outside the loopback")

    sys.addaudithook(guard)


def _end(what: str) -> None:
    # Not an exception: a library could swallow it and try again.
    sys.stderr.write(f'{{"process":"capture","level":"error","event":"network.forbidden","what":"{what}"}}\n')
    sys.stderr.flush()
    os._exit(_EXIT_NETWORK)
