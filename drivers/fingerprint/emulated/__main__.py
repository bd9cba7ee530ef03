"""`python -m drivers.fingerprint.emulated`: runs one emulated sensor until it is told to quit."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

from drivers.fingerprint.emulated.bench import Bench
from drivers.fingerprint.emulated.control import ControlServer
from drivers.fingerprint.profiles import PROFILES


def main(arguments: list[str] | None = None) -> int:
    """Prints `ready` once the device and the control socket are there. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m drivers.fingerprint.emulated", description=__doc__)
    parser.add_argument("--link", type=Path, required=True, help="serial device path to create")
    parser.add_argument("--control", type=Path, required=True, help="control socket to create")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="r307")
    parser.add_argument("--speed", choices=["line", "fast"], default="line")
    parser.add_argument("--fingers", type=Path, help="folder <person>/<finger>.png instead of synthetic prints")
    parser.add_argument("--seed", type=int, default=1, help="of the synthetic prints")
    parser.add_argument("--with-parent", action="store_true", help="end when the starting process is gone")
    options = parser.parse_args(arguments)
    parent = os.getppid()
    bench = Bench(
        options.link, options.profile, paced=options.speed == "line", seed=options.seed, fingers=options.fingers
    )
    control = ControlServer(options.control, bench.handle)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: bench.ended.set())
    bench.start()
    control.start()
    print("ready", flush=True)
    while not bench.ended.wait(1.0):
        if options.with_parent and os.getppid() != parent:
            break
    control.stop()
    bench.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
