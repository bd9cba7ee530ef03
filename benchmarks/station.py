"""The capture daemon as a process on emulated hardware: start to ready, memory, press to LED.

    python benchmarks/station.py [--starts 5] [--presses 40]

Prints a table; asserts nothing. Needs the models and a portrait.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from drivers.panel.port import Button
from models.demo_portrait import demo_portrait
from provisioning.fleet import Fleet
from station.spool import Spool, Writer
from tests.station.workflow.conftest import DOSSIER, ZONE, make_case
from tests.system.players import Desk
from tests.system.rig_station import StationRig
from wire import envelope
from wire.envelope import EnvelopeType, Routing
from wire.keys import SigningKey
from wire.stations import StationRecord

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--presses", type=int, default=40)
    arguments = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="eid-"))
    fleet = Fleet.create(root / "fleet", ("127.0.0.1",), datetime.now(UTC))
    record = fleet.add_station("st-bench", root / "keys", datetime.now(UTC), days=1)
    rig = StationRig(root / "st", "st-bench", root / "keys", {})
    try:
        rig.start_sensor()
        starts = [one_start(rig) for _ in range(arguments.starts)]
        put_case(rig, fleet, record)
        rig.capture.start()
        rig.screens(from_now=True).wait_for("idle", 60)
        idle_mib = resident_mib(rig.capture.pid)
        presses = sorted(press_to_led(rig, arguments.presses))
        session_mib = session(rig)
    finally:
        rig.stop()
        shutil.rmtree(root, ignore_errors=True)
    table(starts, idle_mib, session_mib, presses)


def one_start(rig: StationRig) -> tuple[float, float]:
    """Seconds from the start of the process to `capture.ready` and to the first screen."""
    screens = rig.screens(from_now=True)
    before = len(ready_times(rig))
    wall, started_ns = time.time(), time.monotonic_ns()
    rig.capture.start()
    shown = screens.next(60)
    deadline = time.monotonic() + 60
    while len(ready_times(rig)) == before and time.monotonic() < deadline:
        time.sleep(0.01)
    ready_s = ready_times(rig)[-1] - wall
    rig.capture.stop()
    return ready_s, (shown.monotonic_ns - started_ns) / 1e9


def ready_times(rig: StationRig) -> list[float]:
    lines = rig.capture.log.read_text("utf-8").splitlines() if rig.capture.log.exists() else []
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [datetime.fromisoformat(entry["at"]).timestamp() for entry in found if entry["event"] == "capture.ready"]


def put_case(rig: StationRig, fleet: Fleet, record: StationRecord) -> None:
    case = make_case().model_copy(update={"station_id": rig.station_id})
    routing = Routing(EnvelopeType.CASE, "centre", rig.station_id, DOSSIER)
    signer = SigningKey.from_json(fleet.layout.centre_signing_key.read_bytes())
    spool = Spool(rig.state_dir)
    spool.prepare(Writer.LINK)
    spool.put_case(DOSSIER, envelope.seal(case.encode(), routing, [signer], [record.sealing()], os.urandom))


def press_to_led(rig: StationRig, times: int) -> list[float]:
    """ms from the contact closing to the LED's first change: opening the waiting case, and back."""
    found = []
    screens = rig.screens(from_now=True)
    with rig.panel() as panel, rig.panel() as watcher, watcher.watch() as changes:
        for _ in range(times):
            pressed_ns = panel.press(Button.OFFICER_OK)
            change = changes.wait_for(
                lambda c, since=pressed_ns: c.name == "status" and c.monotonic_ns > since and c.value[2] > 0.02, 10
            )
            found.append((change.monotonic_ns - pressed_ns) / 1e6)
            panel.release(Button.OFFICER_OK)
            screens.wait_for("case", 20)
            panel.tap(Button.OFFICER_BACK)
            screens.wait_for("idle", 20)
    return found


def session(rig: StationRig) -> tuple[float, float]:
    """RSS and PSS in MiB after a whole session with passport, portrait and fingers."""
    portrait = demo_portrait(ROOT / ".cache" / "portrait")
    screens = rig.screens(from_now=True)
    with Desk(rig.camera(), rig.panel(), rig.sensor(), screens, portrait, ZONE) as desk:
        desk.press(Button.OFFICER_OK, "the waiting case")
        desk.follow("queued")
    return resident_mib(rig.capture.pid)


def resident_mib(pid: int) -> tuple[float, float]:
    """RSS, and PSS, which counts a page that is mapped several times once (proc(5), smaps_rollup)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return found["Rss"] / 1024, found["Pss"] / 1024


Memory = tuple[float, float]


def table(starts: list[tuple[float, float]], idle_mib: Memory, session_mib: Memory, presses: list[float]) -> None:
    rank = min(len(presses) - 1, int(0.99 * len(presses)))
    rows = [
        ("start to ready, median s", f"{statistics.median(ready for ready, _ in starts):.2f}", "<= 1"),
        ("start to first screen, median s", f"{statistics.median(screen for _, screen in starts):.2f}", ""),
        ("RSS idle, MiB", f"{idle_mib[0]:.0f}", "<= 150"),
        ("PSS idle, MiB", f"{idle_mib[1]:.0f}", ""),
        ("RSS after a session, MiB", f"{session_mib[0]:.0f}", "<= 150"),
        ("PSS after a session, MiB", f"{session_mib[1]:.0f}", ""),
        ("press to LED p50, ms", f"{statistics.median(presses):.1f}", ""),
        (f"press to LED p99 of {len(presses)}, ms", f"{presses[rank]:.1f}", "<= 100"),
    ]
    print(f"{'capture daemon, emulated hardware':<40}{'measured':>10}  aim")
    for name, value, aim in rows:
        print(f"{name:<40}{value:>10}  {aim}")


if __name__ == "__main__":
    main()
