"""The capture daemon as a process, alone: no network, and what it was doing survives kill -9 at every step."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import tomli_w

from drivers.display.follow import Shown
from tests.station.workflow.conftest import DOSSIER, ZONE, make_case
from tests.system.conftest import LoneMaker, LoneStation, desk_of
from tests.system.players import Desk
from tests.system.rig_site import readable_findings

SECRETS = ("MẪU", "NGƯỜI", "M00000000")


def namespace_command() -> tuple[str, ...]:
    """A command prefix that gives an empty network namespace; skips by name where that is refused."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare (util-linux) is missing")
    for prefix in (("unshare", "--net"), ("unshare", "--map-root-user", "--net")):
        if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
            return prefix
    pytest.skip("network namespaces are refused here")


def test_runs_to_the_end_without_any_network(lone: LoneMaker, portrait: Path) -> None:
    """P2: in an empty network namespace the session runs from the code to the sealed bundle."""
    prefix = namespace_command()
    station = lone()
    station.put_case(make_case())
    station.rig.capture.prefix = prefix
    station.rig.start(link=False)
    with desk_of(station.rig, portrait) as desk:
        queued = desk.enrol(DOSSIER)
    limits = Path(f"/proc/{station.rig.capture.pid}/limits").read_text("ascii")
    interfaces = Path(f"/proc/{station.rig.capture.pid}/net/dev").read_text("ascii").splitlines()[2:]

    assert queued.screen_id == "queued"
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
    assert re.search(r"Max core file size\s+0\s+0\s", limits), "a core would hold faces in the clear"
    assert len(station.sealed()) == 1
    assert readable_findings(station.rig.state_dir, SECRETS) == []


def reach(desk: Desk, screen: str) -> Shown:
    """Follows the display until a screen whose id begins so, without answering that one."""
    return desk.follow(lambda shown: shown.screen_id.startswith(screen), 60)


def die(station: LoneStation, portrait: Path, desk: Desk) -> Desk:
    """kill -9 of the capture daemon, a look at the disk, and a start as systemd does it."""
    station.rig.capture.kill()
    desk.close()
    assert readable_findings(station.rig.state_dir, SECRETS) == []
    shown_before = sum(1 for _ in station.rig.screens_dir.glob("*.png"))
    assert shown_before
    screens = station.rig.screens(from_now=True)
    station.rig.capture.start()
    again = desk_of(station.rig, portrait, zone=ZONE)
    again.screens = screens
    return again


def test_survives_kill_9_at_every_step(lone: LoneMaker, portrait: Path) -> None:
    """P1: at most the current step is repeated; one bundle comes out, with everything in it."""
    station = lone()
    station.put_case(make_case())
    station.rig.start(link=False)
    desk = desk_of(station.rig, portrait, zone=ZONE)
    desk.camera.send(scene="qr", text=f"EID1:{DOSSIER}")
    for killed_at, comes_back_as in (
        ("case", "case"),
        ("consent", "case"),
        ("document_check", "document"),
        ("portrait", "portrait"),
        ("finger.right_index.lift", "finger.right_index"),
        ("finger.left_index.lift", "finger.left_index"),
        ("review", "review"),
    ):
        reach(desk, killed_at)
        desk = die(station, portrait, desk)
        shown = reach(desk, comes_back_as)
        desk.react(shown)
    queued = desk.follow("queued", 60)
    desk.close()

    assert queued.screen_id == "queued"
    assert len(station.sealed()) == 1
    assert list((station.rig.state_dir / "draft").iterdir()) == []


def test_skipped_finger_needs_the_officers_signature(lone: LoneMaker, portrait: Path) -> None:
    """Skip, reason, signature, and the session goes on with the next finger."""
    station = lone()
    station.put_case(make_case())
    station.rig.start(link=False)
    with desk_of(station.rig, portrait) as desk:
        desk.skip = frozenset({"right_index"})
        desk.enrol(DOSSIER)

    assert "reason.right_index.missing" in desk.seen
    assert len(station.sealed()) == 1


def test_clean_end_turns_the_lights_off(lone: LoneMaker) -> None:
    """SIGTERM: exit status 0, nothing left behind."""
    station = lone()
    station.rig.start(link=False)
    station.rig.screens().wait_for("idle", 30)

    assert station.rig.capture.stop() == 0


def test_unreachable_broker_is_told_and_stops_nobody(lone: LoneMaker, portrait: Path) -> None:
    """P4: the link's own sentence, with the host in it, stands on the display while the next person is captured."""
    station = lone()
    link = station.rig.root.parent / f"{station.rig.station_id}-keys" / "link"
    table = {
        "host": "127.0.0.1",
        "port": 1,
        "cafile": str(link / "ca.crt"),
        "certfile": str(link / "tls.crt"),
        "keyfile": str(link / "tls.key"),
        "centre_keys": [str(link / "centre-verifying.json")],
    }
    settings = tomllib.loads(station.rig.config_file.read_text("utf-8")) | {"link": table}
    station.rig.config_file.write_text(tomli_w.dumps(settings), "utf-8")
    station.put_case(make_case())
    station.rig.start()
    told = station.rig.screens().wait_for(lambda shown: any("127.0.0.1:1" in line.en for line in shown.lines), 60)
    with desk_of(station.rig, portrait, from_now=True) as desk:
        queued = desk.enrol(DOSSIER)

    assert told.screen_id in ("idle", "fault.fingerprint")
    assert queued.screen_id == "queued"
    assert len(station.sealed()) == 1
