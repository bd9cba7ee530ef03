"""The camera port's contract, held by every driver.

Runs over the emulated twin everywhere; over the picamera2 adapter on the unmodified library in a child process, above a
stand-in for libcamera; and over a real camera where EID_CAMERA_HARDWARE=picamera2 says that one is attached.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from drivers.camera.port import CameraPort, Frame
from drivers.errors import DeviceFault, DeviceMissing, DeviceTimeout


def _loaded(path: Path) -> Any:
    """A module that is no test file and lies in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


child = _loaded(Path(__file__).parents[1] / "drivers" / "camera" / "standin_child.py")
rigs = _loaded(Path(__file__).with_name("camera_rigs.py"))

# picamera2's own: Thread.setDaemon in its null preview
pytestmark = pytest.mark.filterwarnings(r"ignore:setDaemon\(\) is deprecated:DeprecationWarning")

FRAME_S = 3.0
GRACE_S = 1.0
"""How much later than its deadline a call may return."""


class CameraContract:
    """Each method is one rule of `drivers.camera.port`."""

    def test_open_names_the_camera_and_both_streams(self, rig: Any) -> None:
        """open() says what was found; sizes are width by height."""
        info = rig.camera.open()

        assert info.model
        assert info.lores_size == (640, 360)
        assert info.main_size == (2304, 1296)

    def test_frames_are_rgb_arrays_of_the_promised_shape(self, rig: Any) -> None:
        """lores always, main only where it was asked for; uint8, plausible metadata."""
        rig.camera.open()

        plain = rig.camera.frame(FRAME_S)
        whole = rig.camera.frame(FRAME_S, main=True)

        assert (plain.lores.shape, plain.lores.dtype) == ((360, 640, 3), np.uint8)
        assert plain.main is None
        assert whole.main is not None
        assert (whole.main.shape, whole.main.dtype) == ((1296, 2304, 3), np.uint8)
        assert plain.exposure_us > 0
        assert plain.analogue_gain >= 1.0
        assert not plain.exposure_locked

    def test_frames_are_copies_that_the_caller_may_keep(self, rig: Any) -> None:
        """A kept frame does not change when later ones arrive, and writing to it changes no later one."""
        rig.camera.open()
        kept = rig.camera.frame(FRAME_S, main=True)
        assert kept.main is not None
        lores, main = kept.lores.copy(), kept.main.copy()
        for _ in range(8):
            rig.camera.frame(FRAME_S)

        assert np.array_equal(kept.lores, lores)
        assert np.array_equal(kept.main, main)
        assert kept.lores.flags.writeable
        assert kept.main.flags.writeable

    def test_both_streams_show_the_same_exposure(self, rig: Any) -> None:
        """Of several frames of a moving scene, each main stream fits its own lores stream best."""
        rig.camera.open()
        frames = [rig.camera.frame(FRAME_S, main=True) for _ in range(5)]
        distance = np.array([[_difference(a.main, b.lores) for b in frames] for a in frames])

        own = distance.diagonal()
        assert (own[:, None] <= distance + 0.05).all(), distance
        if rig.moves:
            assert (distance.max(axis=1) > 1.2 * own).all(), distance

    def test_no_frame_is_handed_out_twice(self, rig: Any) -> None:
        """Exposures follow one another strictly, however fast the caller asks."""
        rig.camera.open()
        started = [rig.camera.frame(FRAME_S).started_ns for _ in range(12)]

        assert all(earlier < later for earlier, later in itertools.pairwise(started))

    def test_a_frame_is_never_older_than_its_use(self, rig: Any) -> None:
        """After a pause the next frame is a new one, not one that lay in a queue."""
        rig.camera.open()
        rig.camera.frame(FRAME_S)
        paused_ns = time.monotonic_ns()
        _pass(1.5)
        frame = rig.camera.frame(FRAME_S)

        assert frame.started_ns > paused_ns

    def test_not_before_is_honoured(self, rig: Any) -> None:
        """The exposure starts at or after the time asked for, also when that lies ahead."""
        rig.camera.open()
        rig.camera.frame(FRAME_S)
        for ahead_ns in (0, 250_000_000):
            from_ns = time.monotonic_ns() + ahead_ns
            frame = rig.camera.frame(FRAME_S, not_before_ns=from_ns)

            assert frame.started_ns >= from_ns
            assert frame.started_ns < from_ns + 1_000_000_000

    def test_not_before_beyond_the_deadline_is_a_timeout(self, rig: Any) -> None:
        """The deadline wins."""
        rig.camera.open()
        rig.camera.frame(FRAME_S)
        began = time.monotonic()
        with pytest.raises(DeviceTimeout):
            rig.camera.frame(0.3, not_before_ns=time.monotonic_ns() + 60_000_000_000)

        assert 0.25 < time.monotonic() - began < 0.3 + GRACE_S
        assert rig.camera.frame(FRAME_S).started_ns > 0

    def test_lock_holds_the_exposure_when_the_light_changes(self, rig: Any) -> None:
        """Locked: darker light, darker picture, same exposure. Unlocked: the exposure follows."""
        rig.camera.open()
        bright = _settled(rig.camera)
        rig.camera.lock(FRAME_S)
        held = rig.camera.frame(FRAME_S)
        rig.light(100.0)
        dark = [rig.camera.frame(FRAME_S, not_before_ns=time.monotonic_ns()) for _ in range(5)]

        assert held.exposure_locked
        assert held.focus_locked
        for frame in dark:
            assert frame.exposure_us * frame.analogue_gain == pytest.approx(
                held.exposure_us * held.analogue_gain, rel=0.02
            )
            assert frame.exposure_locked
        assert dark[-1].lores.mean() < 0.7 * held.lores.mean()

        rig.camera.unlock()
        lit = _settled(rig.camera)
        assert not lit.exposure_locked
        assert lit.exposure_us * lit.analogue_gain > 2.5 * held.exposure_us * held.analogue_gain
        assert lit.lores.mean() == pytest.approx(bright.lores.mean(), rel=0.1)

    def test_lock_and_unlock_may_be_repeated(self, rig: Any) -> None:
        """A second lock holds again; unlocking twice is no error."""
        rig.camera.open()
        for _ in range(2):
            rig.camera.lock(FRAME_S)
            assert rig.camera.frame(FRAME_S).exposure_locked
            rig.camera.unlock()
            rig.camera.unlock()

        assert not rig.camera.frame(FRAME_S).exposure_locked

    def test_a_stalled_camera_is_a_timeout_within_the_deadline(self, rig: Any) -> None:
        """Silence is reported in time, again and again."""
        rig.camera.open()
        rig.camera.frame(FRAME_S)
        rig.stall()
        _drain(rig.camera)
        for _ in range(3):
            began = time.monotonic()
            with pytest.raises(DeviceTimeout):
                rig.camera.frame(0.3)

            assert 0.25 < time.monotonic() - began < 0.3 + GRACE_S

    def test_a_stall_during_lock_is_a_timeout_within_the_deadline(self, rig: Any) -> None:
        """lock() keeps its deadline too."""
        rig.camera.open()
        rig.camera.frame(FRAME_S)
        rig.stall()
        _drain(rig.camera)
        began = time.monotonic()
        with pytest.raises(DeviceTimeout):
            rig.camera.lock(0.6)

        assert time.monotonic() - began < 0.6 + GRACE_S

    def test_frames_come_again_after_a_stall(self, rig: Any) -> None:
        """More stalls than there are buffers leave nothing behind: no frame is lost for good, none is from before."""
        rig.camera.open()
        for _ in range(6):
            rig.stall()
            _drain(rig.camera)
            mended_ns = time.monotonic_ns()
            rig.mend()
            frames = [rig.camera.frame(FRAME_S, main=True) for _ in range(2)]

            assert all(frame.started_ns > mended_ns - 500_000_000 for frame in frames)

    def test_a_camera_that_is_not_there_is_missing(self, rig: Any) -> None:
        """open() says so, at once and every time, and succeeds when the camera is back."""
        rig.unplug()
        for _ in range(2):
            with pytest.raises(DeviceMissing) as missing:
                rig.camera.open()

            assert missing.value.params["device"] == "camera"
        rig.mend()

        assert rig.camera.open().model
        assert rig.camera.frame(FRAME_S).lores.any()

    def test_close_may_come_at_any_time_and_twice(self, rig: Any) -> None:
        """Before open, after open, again; frames then fail clearly instead of waiting."""
        rig.camera.close()
        rig.camera.open()
        rig.camera.frame(FRAME_S)
        rig.camera.close()
        rig.camera.close()
        with pytest.raises(DeviceFault):
            rig.camera.frame(0.2)

    def test_a_closed_camera_opens_again(self, rig: Any) -> None:
        """Three rounds, frames in each, nothing held over from a lock."""
        for _ in range(3):
            rig.camera.open()
            assert not rig.camera.frame(FRAME_S, main=True).exposure_locked
            rig.camera.lock(FRAME_S)
            rig.camera.close()

    def test_open_twice_is_one_camera(self, rig: Any) -> None:
        """A second open() answers as the first and disturbs nothing."""
        first = rig.camera.open()
        rig.camera.frame(FRAME_S)

        assert rig.camera.open() == first
        assert rig.camera.frame(FRAME_S).lores.any()


def _difference(main: NDArray[np.uint8] | None, lores: NDArray[np.uint8]) -> float:
    """Mean absolute difference of the inner part of the picture after scaling main to lores."""
    assert main is not None
    small = np.asarray(Image.fromarray(main).resize((640, 360), Image.Resampling.BOX), dtype=np.float32)
    return float(np.abs(small - lores.astype(np.float32))[40:-40, 40:-40].mean())


def _settled(camera: CameraPort) -> Frame:
    """A frame after the exposure stopped moving, within a deadline."""
    deadline = time.monotonic() + 5.0
    before = camera.frame(FRAME_S)
    while time.monotonic() < deadline:
        for _ in range(8):
            frame = camera.frame(FRAME_S)
        was, now = before.exposure_us * before.analogue_gain, frame.exposure_us * frame.analogue_gain
        if abs(now - was) < 0.01 * was:
            return frame
        before = frame
    raise AssertionError("the exposure did not settle")


def _drain(camera: CameraPort) -> None:
    """Takes what was already on its way when the camera stalled."""
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        try:
            camera.frame(0.3)
        except DeviceTimeout:
            return
    raise AssertionError("the camera did not stall")


def _pass(seconds: float) -> None:
    """Lets time pass, that being what the rule is about."""
    time.sleep(seconds)


CASES = [name for name in vars(CameraContract) if name.startswith("test_")]

if child.inside:

    @pytest.fixture
    def rig() -> Iterator[Any]:
        """The adapter, the unmodified library, the stand-in."""
        standin = rigs.StandinRig()
        yield standin
        standin.end()

    child.enter()

    class TestPicamera2(CameraContract):
        """In the child process only."""

else:

    class TestEmulated(CameraContract):
        """Everywhere."""

        @pytest.fixture
        def rig(self, tmp_path: Path) -> Iterator[Any]:
            """The twin with its control socket."""
            emulated = rigs.EmulatedRig(tmp_path)
            yield emulated
            emulated.end()

    @pytest.fixture(scope="module")
    def picamera2_outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
        """The same rules, run once in a child process."""
        reason = child.why_not()
        if reason is not None:
            pytest.skip(reason)
        found: dict[str, object] = child.outcomes(Path(__file__), tmp_path_factory.mktemp("camera") / "report.xml")
        return found

    @pytest.mark.parametrize("case", CASES)
    def test_picamera2_over_the_standin(case: str, picamera2_outcomes: dict[str, object]) -> None:
        """The rule of that name holds for the real adapter on the unmodified picamera2."""
        child.demand(picamera2_outcomes, case)

    HARDWARE = os.environ.get("EID_CAMERA_HARDWARE")

    if HARDWARE:

        class TestHardware(CameraContract):
            """On a Raspberry Pi."""

            @pytest.fixture
            def rig(self) -> Iterator[Any]:
                """The attached camera, before a still, lit scene."""
                hardware = rigs.HardwareRig(str(HARDWARE))
                yield hardware
                hardware.end()

    else:

        @pytest.mark.skip(reason="no camera named: set EID_CAMERA_HARDWARE=picamera2 on a Raspberry Pi")
        def test_hardware() -> None:
            """The contract on a real camera."""
