"""The twin beyond the port's contract: live control, light, focus, noise, and a socket for its owner alone."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zxingcpp

from drivers.camera.emulated import EmulatedCamera
from drivers.camera.errors import CameraMissing
from drivers.camera.remote import CameraRemote, CameraRemoteError
from drivers.errors import DeviceFault, DeviceMissing, DeviceTimeout, DriverOptionsInvalid
from drivers.registry import create

FRAME_S = 3.0
Made = Callable[..., EmulatedCamera]


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Made]:
    """Makes twins with a control socket and closes them."""
    made: list[EmulatedCamera] = []

    def make(**options: Any) -> EmulatedCamera:
        options = {"control_socket": str(tmp_path / "c"), "frame_rate": 40.0, **options}
        made.append(create("camera", "emulated", options))
        return made[-1]

    yield make
    for twin in made:
        twin.close()


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[CameraRemote]:
    """A client of that socket."""
    client = CameraRemote(tmp_path / "c", timeout_s=5.0)
    yield client
    client.close()


def test_a_scene_shows_from_the_time_that_the_answer_names(camera: Made, remote: CameraRemote) -> None:
    """Not a frame earlier, not a frame later."""
    twin = camera()
    twin.open()
    before = twin.frame(FRAME_S)
    shown_ns = remote.send(scene="qr", text="dossier 7")["from_ns"]
    after = twin.frame(FRAME_S, not_before_ns=shown_ns)

    assert before.started_ns < shown_ns <= after.started_ns
    assert zxingcpp.read_barcodes(before.lores) == []
    assert [code.text for code in zxingcpp.read_barcodes(after.lores)] == ["dossier 7"]


def test_another_process_controls_the_scene(camera: Made, tmp_path: Path) -> None:
    """The client in a process of its own."""
    twin = camera()
    twin.open()
    told = (
        "import sys; from drivers.camera.remote import CameraRemote\n"
        "with CameraRemote(sys.argv[1]) as remote: print(remote.send(scene='black')['from_ns'])"
    )
    run = subprocess.run([sys.executable, "-c", told, str(tmp_path / "c")], capture_output=True, timeout=30, check=True)
    frame = twin.frame(FRAME_S, not_before_ns=int(run.stdout))

    assert frame.lores.mean() < 12


def test_commands_are_answered_while_the_camera_waits_for_a_frame(camera: Made, remote: CameraRemote) -> None:
    """A stalled frame() in one thread, mended from another: it returns the frame instead of timing out."""
    twin = camera(fault="stall")
    twin.open()
    found: list[int] = []
    waiting = threading.Thread(target=lambda: found.append(twin.frame(10.0).started_ns))
    waiting.start()
    mended_ns = remote.send(fault="none")["from_ns"]
    waiting.join(5.0)

    assert len(found) == 1
    assert found[0] >= mended_ns - 1_000_000


def test_less_light_is_met_by_exposure_then_gain_and_costs_noise(camera: Made, remote: CameraRemote) -> None:
    """Automatic exposure: as bright at 60 lux as at 400, longer exposed and noisier."""
    twin = camera()
    twin.open()
    bright = _after(twin, 20)
    remote.send(lux=60.0)
    dim = _after(twin, 40)

    assert dim.lores.mean() == pytest.approx(bright.lores.mean(), rel=0.05)
    assert (dim.exposure_us, bright.exposure_us) == (33_000, 10_000)
    assert dim.analogue_gain > 1.9
    assert _noise(dim.lores) > 1.2 * _noise(bright.lores)


def test_the_lens_follows_the_subject_unless_locked(camera: Made, remote: CameraRemote) -> None:
    """A code held nearer than the locked focus is blurred; unlocked it becomes sharp."""
    twin = camera(scene={"scene": "empty"})
    twin.open()
    twin.lock(FRAME_S)
    remote.send(scene="qr", text="near", distance_m=0.2, size_m=0.1)
    blurred = _after(twin, 10, main=True)
    twin.unlock()
    sharp = _after(twin, 20, main=True)

    assert blurred.lens_position == pytest.approx(1 / 1.5, abs=0.1)
    assert sharp.lens_position == pytest.approx(5.0, abs=0.1)
    assert _sharpness(sharp.main) > 2 * _sharpness(blurred.main)


def test_noise_differs_from_frame_to_frame_and_repeats_with_the_seed(camera: Made, tmp_path: Path) -> None:
    """Two frames of a still scene are never equal; two twins of one seed make the same noise."""
    twin = camera()
    twin.open()
    one, two = twin.frame(FRAME_S), twin.frame(FRAME_S)

    assert not np.array_equal(one.lores, two.lores)
    assert 0.2 < _noise(one.lores) < 3


def test_frames_come_at_the_configured_pace(camera: Made) -> None:
    """30 frames at 60 per second take half a second, never less; each later by whole frame lengths."""
    twin = camera(frame_rate=60.0)
    twin.open()
    first = twin.frame(FRAME_S)
    began = time.monotonic()
    last = [twin.frame(FRAME_S) for _ in range(30)][-1]

    assert time.monotonic() - began >= 0.45
    assert (last.started_ns - first.started_ns) / 1e9 >= 0.45


def test_missing_from_the_start_until_plugged_in(camera: Made, remote: CameraRemote) -> None:
    """The control socket is there although the camera is not."""
    twin = camera(fault="missing")
    with pytest.raises(CameraMissing):
        twin.open()
    remote.send(fault="none")

    assert twin.open().model == "emulated"
    assert twin.frame(FRAME_S).lores.any()


def test_unplugged_while_open_frames_stop_and_reopening_fails(camera: Made, remote: CameraRemote) -> None:
    """As with a real cable: silence first, then nothing to open."""
    twin = camera()
    twin.open()
    twin.frame(FRAME_S)
    remote.send(fault="missing")
    with pytest.raises(DeviceTimeout):
        twin.frame(0.2)
    twin.close()
    with pytest.raises(DeviceMissing):
        twin.open()


def test_the_scene_outlives_close(camera: Made, remote: CameraRemote) -> None:
    """Reopened, the camera sees what stood there."""
    twin = camera()
    twin.open()
    remote.send(scene="black")
    remote.close()
    twin.close()
    twin.open()

    assert twin.frame(FRAME_S).lores.mean() < 12


def test_the_state_is_told(camera: Made, remote: CameraRemote) -> None:
    """Scene, light, fault, lock, frames."""
    twin = camera()
    twin.open()
    twin.lock(FRAME_S)
    remote.send(lux=123.0)
    state = remote.state()

    assert state.items() >= {"scene": "empty", "lux": 123.0, "fault": "none", "opened": True, "locked": True}.items()
    assert state["frame"] > 0


def test_malformed_lines_are_answered_and_the_next_command_works(camera: Made, tmp_path: Path) -> None:
    """One answer a line, also when several lines come at once or one comes in pieces."""
    twin = camera()
    twin.open()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5.0)
        client.connect(str(tmp_path / "c"))
        client.sendall(b'{"scene":\n\xff\xfe\n{"scene":"nobody"}\n{"scene":"person","portrait":"/no/NAME"}\n{"get":')
        client.sendall(b'"state"}\n')
        answers = _lines(client, 5)

    assert [answer["ok"] for answer in answers] == [False, False, False, False, True]
    assert answers[3]["error"] == "portrait: no such file"
    assert twin.frame(FRAME_S).lores.any()


def test_a_line_without_end_closes_that_client_only(camera: Made, remote: CameraRemote, tmp_path: Path) -> None:
    """Memory is bounded; other clients go on."""
    camera().open()
    with socket.socket(socket.AF_UNIX) as flood:
        flood.settimeout(5.0)
        flood.connect(str(tmp_path / "c"))
        flood.sendall(b"x" * 80_000)
        answer = _lines(flood, 1)[0]

        assert not answer["ok"]
        assert flood.recv(10) == b""
    assert remote.state()["ok"]


def test_clients_that_vanish_or_never_read_do_no_harm(camera: Made, remote: CameraRemote, tmp_path: Path) -> None:
    """Half a line and gone, thirty times."""
    camera().open()
    for _ in range(30):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "c"))
            client.sendall(b'{"get":"state"}\n{"sce')

    assert remote.state()["ok"]


def test_the_socket_is_its_owners_alone(camera: Made, tmp_path: Path) -> None:
    """Mode 0600 from the first moment, whatever the umask; gone after close."""
    before = os.umask(0)
    try:
        twin = camera()
        twin.open()
        mode = stat.S_IMODE((tmp_path / "c").stat().st_mode)
    finally:
        os.umask(before)
    twin.close()

    assert mode == 0o600
    assert not (tmp_path / "c").exists()


def test_a_socket_left_by_a_dead_process_is_replaced(camera: Made, remote: CameraRemote, tmp_path: Path) -> None:
    """After kill -9 the file is still there and nobody listens."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "c"))
    camera().open()

    assert remote.state()["opened"]


def test_a_socket_that_is_served_is_not_taken_over(camera: Made, remote: CameraRemote) -> None:
    """Two stations with one socket: the second says so, the first goes on."""
    camera().open()
    with pytest.raises(DeviceFault, match="in use"):
        camera().open()

    assert remote.state()["opened"]


def test_a_socket_path_that_cannot_be_is_refused(camera: Made, tmp_path: Path) -> None:
    """Too long is an error of the options; a missing folder one of the device."""
    with pytest.raises(DriverOptionsInvalid, match="107"):
        camera(control_socket=str(tmp_path / ("x" * 120)))
    with pytest.raises(DeviceFault, match="No such file"):
        camera(control_socket=str(tmp_path / "none" / "c")).open()


def test_a_first_scene_that_cannot_be_drawn_is_a_fault(camera: Made) -> None:
    """Said at open, without the path."""
    twin = camera(scene={"scene": "person", "portrait": "/nowhere/NGUYEN.jpg"})
    with pytest.raises(DeviceFault) as fault:
        twin.open()

    assert fault.value.params["reason"] == "portrait: no such file"


@pytest.mark.parametrize(
    "options",
    [{"frame_rate": 0.0}, {"frame_rate": "15"}, {"lux": -1.0}, {"fault": "fire"}, {"scene": {"scene": "x"}}, {"a": 1}],
)
def test_options_that_do_not_fit_are_refused(camera: Made, options: dict[str, Any]) -> None:
    """Strictly typed, nothing unknown."""
    with pytest.raises(DriverOptionsInvalid):
        camera(**options)


def test_the_remote_gives_up_in_time(tmp_path: Path) -> None:
    """No camera, or one that never answers: one sentence within the deadline."""
    began = time.monotonic()
    with pytest.raises(CameraRemoteError, match="no emulated camera"):
        CameraRemote(tmp_path / "nobody", timeout_s=0.2).connect()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        client = CameraRemote(tmp_path / "silent", timeout_s=0.2)
        with pytest.raises(CameraRemoteError, match="does not answer"):
            client.state()

    assert time.monotonic() - began < 2.0


def test_the_remote_sends_whole_paths(tmp_path: Path) -> None:
    """The camera's process may stand in another folder."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.settimeout(5.0)
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        client = CameraRemote(tmp_path / "s", timeout_s=0.2)
        with pytest.raises(CameraRemoteError):
            client.send(scene="picture", path=Path("a.jpg"))
        accepted, _ = listener.accept()
        with accepted:
            sent = json.loads(accepted.recv(1000))

    assert sent == {"scene": "picture", "path": str(Path.cwd() / "a.jpg")}


def test_no_thread_is_left_after_close(camera: Made) -> None:
    """The control thread ends with close()."""
    twin = camera()
    twin.open()
    assert "camera-control" in {thread.name for thread in threading.enumerate()}
    twin.close()

    assert "camera-control" not in {thread.name for thread in threading.enumerate()}


def _after(twin: EmulatedCamera, frames: int, main: bool = False) -> Any:
    for _ in range(frames):
        twin.frame(FRAME_S)
    return twin.frame(FRAME_S, main=main)


def _noise(image: Any) -> float:
    """Deviation from the neighbour, in a flat part."""
    flat = image[100:200, 200:400].astype(float)
    return float(np.diff(flat, axis=1).std())


def _sharpness(image: Any) -> float:
    grey = image[300:1000, 700:1600].mean(axis=2)
    return float(np.diff(grey, axis=1).var())


def _lines(client: socket.socket, count: int) -> list[Any]:
    received = b""
    while received.count(b"\n") < count:
        part = client.recv(65_536)
        assert part, "closed early"
        received += part
    return [json.loads(line) for line in received.splitlines()]
