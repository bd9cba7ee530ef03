"""What is broken gets one sentence where the officer sees it, and loses nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from models.store import SHARED, ModelStore
from tests.station.workflow.conftest import DOSSIER, make_case
from tests.system.conftest import LoneMaker, desk_of
from wire.case import qr_text

EXIT_CONFIG = 78


def test_sensor_that_is_not_there(lone: LoneMaker) -> None:
    """The display names the sensor and the cable; plugged in, the desk is ready again."""
    station = lone()
    station.rig.capture.start()
    fault = station.rig.screens().wait_for("fault.fingerprint", 30)
    station.rig.start_sensor()
    ready = station.rig.screens(from_now=True).wait_for("idle", 30)

    assert fault.tone == "error"
    assert fault.lines[0].vi
    assert ready.screen_id == "idle"


def test_no_camera(lone: LoneMaker) -> None:
    """The display names the camera; mended, the desk is ready again."""
    station = lone(settings={"camera": {"options": {"fault": "missing"}}})
    station.rig.start(link=False)
    fault = station.rig.screens().wait_for("fault.camera", 30)
    with station.rig.camera() as remote:
        remote.send(fault="none")
        ready = station.rig.screens(from_now=True).wait_for("idle", 30)

    assert fault.tone == "error"
    assert ready.screen_id == "idle"


def test_model_with_a_wrong_hash(lone: LoneMaker, short_dir: Path) -> None:
    """P5: the daemon stops, and the display names the file."""
    store = short_dir / "models"
    source = SHARED if SHARED.is_dir() else ModelStore.standard().writable
    if not source.is_dir():
        pytest.skip("no model files on this machine")
    shutil.copytree(source, store, dirs_exist_ok=True)
    victim = store / "face_detection_short_range.tflite"
    victim.chmod(0o600)
    data = bytearray(victim.read_bytes())
    data[1000] ^= 1
    victim.write_bytes(data)
    station = lone(settings={"models": {"stores": [str(store)]}})
    station.rig.start(link=False)
    fatal = station.rig.screens().wait_for("fatal", 30)
    assert station.rig.capture.process is not None

    assert victim.name in fatal.lines[0].vi
    assert station.rig.capture.process.wait(20) == EXIT_CONFIG


def test_configuration_with_an_unknown_key(lone: LoneMaker) -> None:
    """The daemon does not start; file, place and reason stand in its one sentence."""
    station = lone(settings={"capture": {"colour": "red"}})
    done = subprocess.run(station.rig.capture.command, capture_output=True, text=True, timeout=60, check=False)

    fatal = station.rig.screens().wait_for("fatal", 5)

    assert done.returncode == EXIT_CONFIG
    assert "capture.colour" in done.stderr
    assert "capture.colour" in fatal.lines[0].vi
    assert "Traceback" not in done.stderr


def test_driver_that_does_not_exist(lone: LoneMaker) -> None:
    """Never a fallback: the display says which names there are."""
    station = lone(settings={"camera": {"driver": "webcam"}})
    station.rig.start(link=False)
    fatal = station.rig.screens().wait_for("fatal", 30)

    assert "webcam" in fatal.lines[0].en
    assert "emulated, picamera2" in fatal.lines[0].en


def test_broken_case_and_foreign_codes(lone: LoneMaker, portrait: Path) -> None:
    """P4: a case that does not open and a code that is no dossier are sentences; the next person is served."""
    station = lone()
    station.put_case(make_case())
    broken = "01J8ZQ4Y7N8K5R2T3V6W9X0XYZ"
    good = station.rig.state_dir / "inbox" / "case" / f"{DOSSIER}.cose"
    data = bytearray(good.read_bytes())
    data[-20] ^= 1
    (good.parent / f"{broken}.cose").write_bytes(data)
    station.rig.start(link=False)
    with desk_of(station.rig, portrait) as desk:
        desk.camera.send(scene="qr", text="https://example.org/menu")
        foreign = desk.follow(lambda shown: shown.tone == "warning", 30)
        desk.camera.send(scene="qr", text=qr_text(broken))
        refused = desk.follow(lambda shown: shown.tone == "warning" and shown.lines != foreign.lines, 30)
        desk.enrol(DOSSIER)

    assert "QR" in foreign.lines[0].en
    assert "envelope" in refused.lines[0].en
    assert len(station.sealed()) == 1


def mount_namespace() -> list[str]:
    """A mount namespace of one's own, by root or as a user; skips by name where it is refused."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare (util-linux) is missing")
    for prefix in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        probe = [*prefix, "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return prefix
    pytest.skip("mount namespaces are refused here")


def test_disk_that_fills_up_during_the_session(lone: LoneMaker, portrait: Path) -> None:
    """P1: sealing fails with a sentence, the session stays; with room again it is saved by itself."""
    prefix = mount_namespace()
    station = lone()
    state = station.rig.state_dir
    mount = f'mount -t tmpfs -o size=300m tmpfs {state} && cp -a {state}.case/. {state}/ && exec "$@"'
    station.rig.capture.prefix = (*prefix, "sh", "-c", mount, "sh")
    station.put_case(make_case())
    shutil.copytree(state, Path(f"{state}.case"))
    station.rig.start(link=False)
    inside = Path(f"/proc/{station.rig.capture.pid}/root{state}")
    with desk_of(station.rig, portrait) as desk:
        desk.camera.send(scene="qr", text=qr_text(DOSSIER))
        review = desk.follow("review", 60)
        fill(inside / "filler")
        desk.react(review)
        fault = desk.follow("fault.storage", 30)
        (inside / "filler").unlink()
        queued = desk.follow("queued", 30)

    assert fault.tone == "error"
    assert queued.screen_id == "queued"
    assert len(list((inside / "outbox").glob("*.cose"))) == 1


def fill(path: Path) -> None:
    """Takes every byte the file system has."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def test_full_disk_at_the_start_pauses_reception(lone: LoneMaker) -> None:
    """P1: below the limit of free space no new session begins, and the display says so."""
    prefix = mount_namespace()
    station = lone()
    state = station.rig.state_dir
    mount = f'mount -t tmpfs -o size=2m tmpfs {state} && exec "$@"'
    station.rig.capture.prefix = (*prefix, "sh", "-c", mount, "sh")
    station.rig.start(link=False)
    paused = station.rig.screens().wait_for("paused", 30)

    assert paused.tone == "error"
