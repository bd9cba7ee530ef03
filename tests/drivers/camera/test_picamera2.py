"""The picamera2 adapter beyond the port's contract: modes, colours, focus, faults of the library and the device.

Runs in a child process on the unmodified picamera2; see `standin_child`.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.camera.errors import CameraBusy, CameraMemoryDenied, CameraMissing, CameraModeChanged
from drivers.errors import DeviceFault, DeviceTimeout, DriverNotLoadable, DriverOptionsInvalid
from drivers.registry import create

_SPEC = importlib.util.spec_from_file_location("standin_child", Path(__file__).with_name("standin_child.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
child = importlib.util.module_from_spec(_SPEC)
sys.modules["standin_child"] = child
_SPEC.loader.exec_module(child)

# picamera2's own: Thread.setDaemon in its null preview
pytestmark = pytest.mark.filterwarnings(r"ignore:setDaemon\(\) is deprecated:DeprecationWarning")

FRAME_S = 3.0
Made = Callable[..., Any]


class AdapterCases:
    """`camera(**options)` makes an adapter that is closed at the end; `world` is what the stand-in's sensor sees."""

    def test_red_is_red_in_both_streams(self, camera: Made, world: Any) -> None:
        """BGR888 of libcamera is bytes R, G, B; the YUV stream comes out in the same colours."""
        frame = _exposed(camera())

        assert _corners(frame.main) == pytest.approx(_painted(world), abs=3)
        assert _corners(frame.lores) == pytest.approx(_painted(world), abs=3)

    @pytest.mark.parametrize(("hflip", "vflip"), [(True, False), (False, True), (True, True)])
    def test_mirrors_reach_the_picture(self, camera: Made, world: Any, hflip: bool, vflip: bool) -> None:
        """hflip exchanges left and right, vflip upper and lower, in both streams."""
        frame = _exposed(camera(hflip=hflip, vflip=vflip))
        expected = _painted(world).reshape(2, 2, 3)[:: -1 if vflip else 1, :: -1 if hflip else 1].reshape(4, 3)

        assert _corners(frame.main) == pytest.approx(expected, abs=3)
        assert _corners(frame.lores) == pytest.approx(expected, abs=3)

    @pytest.mark.parametrize("space", ["Rec709", "Smpte170m"])
    def test_the_stream_is_decoded_in_its_own_colour_space(self, camera: Made, world: Any, space: str) -> None:
        """Where the pipeline encodes the small stream otherwise than asked, matrix and range follow it."""
        world.lores_colour_space = space

        assert _corners(_exposed(camera()).lores) == pytest.approx(_painted(world), abs=4)

    def test_an_unknown_encoding_is_refused(self, camera: Made, world: Any) -> None:
        """No guess about colours."""
        world.lores_colour_space = "Srgb"
        with pytest.raises(CameraModeChanged):
            camera().open()

    def test_row_padding_never_shows(self, camera: Made, world: Any) -> None:
        """Rows longer than the width (the stand-in pads with white) are cropped in both streams."""
        world.stride_align = 1024
        frame = _exposed(camera())

        assert frame.lores.shape == (360, 640, 3)
        assert frame.main.shape == (1296, 2304, 3)
        assert _corners(frame.lores) == pytest.approx(_painted(world), abs=3)
        assert _corners(frame.main) == pytest.approx(_painted(world), abs=3)

    @pytest.mark.parametrize("refused", ["BGR888", "YUV420"])
    def test_a_silently_adjusted_format_is_refused(self, camera: Made, world: Any, refused: str) -> None:
        """libcamera replaces what it cannot do without an error; open() compares."""
        world.refused_formats = (refused,)
        with pytest.raises(CameraModeChanged) as changed:
            camera().open()

        assert refused in str(changed.value.params["reason"])
        world.refused_formats = ()
        assert _exposed(camera()).lores.any()

    def test_an_ignored_mirror_is_refused(self, camera: Made, world: Any) -> None:
        """A portrait from a camera that is upside down must not pass."""
        world.mirrors = False
        with pytest.raises(CameraModeChanged):
            camera(vflip=True).open()

    def test_a_camera_in_use_is_busy_until_it_is_free(self, camera: Made, world: Any) -> None:
        """Another process has it: its own sentence, and open() works once it is free."""
        world.acquirable = False
        taken = camera()
        for _ in range(2):
            with pytest.raises(CameraBusy):
                taken.open()
        gc.collect()
        world.acquirable = True

        assert _exposed(taken).lores.any()

    def test_a_second_camera_number_is_missing(self, camera: Made) -> None:
        """The stand-in has one camera."""
        with pytest.raises(CameraMissing):
            camera(camera_number=1).open()

    def test_denied_buffer_memory_is_named_and_mends(self, camera: Made) -> None:
        """Without the group video the heap is denied; the camera is not kept half open."""
        import libcamera

        libcamera.install_allocator(denied=True)
        refused = camera()
        for _ in range(2):
            with pytest.raises(CameraMemoryDenied) as denied:
                refused.open()

            assert "dma_heap" in str(denied.value.params["where"])
        libcamera.install_allocator()

        assert _exposed(refused).lores.any()

    def test_a_camera_without_autofocus_works(self, camera: Made, world: Any) -> None:
        """lock() holds exposure; focus counts as held; there is no lens position."""
        world.autofocus = False
        made = camera()
        made.open()
        made.lock(FRAME_S)
        frame = made.frame(FRAME_S)
        made.unlock()

        assert frame.lens_position is None
        assert frame.focus_locked
        assert frame.exposure_locked

    def test_lock_focuses_and_unlock_follows_the_subject(self, camera: Made, world: Any) -> None:
        """Locked: the lens stays when the subject moves. Unlocked: it follows."""
        made = camera()
        made.open()
        made.lock(FRAME_S)
        world.subject_dioptres = 4.0
        held = [made.frame(FRAME_S) for _ in range(8)]
        made.unlock()

        assert {frame.lens_position for frame in held} == {2.0}
        assert all(frame.focus_locked for frame in held)
        assert _until(made, lambda frame: frame.lens_position == 4.0)

    @pytest.mark.parametrize("trouble", ["focusable", "af_never_ends"])
    def test_a_failing_focus_does_not_stop_the_lock(self, camera: Made, world: Any, trouble: str) -> None:
        """A cycle that fails or never ends leaves the lens; exposure is held within the deadline all the same."""
        setattr(world, trouble, trouble == "af_never_ends")
        made = camera()
        made.open()
        began = time.monotonic()
        made.lock(2.0)

        assert time.monotonic() - began < 3.0
        assert made.frame(FRAME_S).exposure_locked

    def test_error_frames_are_not_frames(self, camera: Made, world: Any) -> None:
        """Only damaged frames: a timeout. The next good one is delivered."""
        made = camera()
        _exposed(made)
        world.error_frames = 10_000
        with pytest.raises(DeviceTimeout):
            _frames(made, 4, timeout_s=0.4)
        world.error_frames = 0

        assert made.frame(FRAME_S).lores.any()

    @pytest.mark.parametrize("field", ["ExposureTime", "AnalogueGain", "SensorTimestamp"])
    def test_frames_without_their_times_are_a_fault(self, camera: Made, world: Any, field: str) -> None:
        """What the port promises about a frame is never made up."""
        world.drop_metadata = (field,)
        made = camera()
        made.open()
        with pytest.raises(DeviceFault) as fault:
            made.frame(FRAME_S)

        assert field in str(fault.value.params["reason"])
        world.drop_metadata = ()
        assert made.frame(FRAME_S, not_before_ns=time.monotonic_ns()).lores.any()

    def test_no_buffer_is_lost_when_deadlines_race_with_frames(self, camera: Made) -> None:
        """Deadlines of about a frame's length, many times: each ends in a frame or a timeout, and frames go on."""
        made = camera(frame_rate=50.0, buffer_count=2)
        made.open()
        made.frame(FRAME_S)
        ended = {"frame": 0, "timeout": 0}
        for turn in range(80):
            try:
                made.frame(0.004 + 0.0004 * (turn % 40))
                ended["frame"] += 1
            except DeviceTimeout:
                ended["timeout"] += 1

        assert min(ended.values()) > 0, ended
        assert all(made.frame(FRAME_S).lores.any() for _ in range(4))

    def test_nothing_is_left_after_close(self, camera: Made) -> None:
        """Threads end and descriptors are given back, round after round."""
        made = camera()
        counts = []
        for _ in range(3):
            _exposed(made)
            made.close()
            gc.collect()
            counts.append((threading.active_count(), len(os.listdir("/proc/self/fd"))))

        assert counts[1] == counts[2]


def _exposed(made: Any) -> Any:
    """A frame with both streams, taken when the exposure is right."""
    made.open()
    frame = _until(made, lambda found: abs(found.exposure_us * found.analogue_gain - 10_000) < 100)
    assert frame
    return made.frame(FRAME_S, main=True)


def _frames(made: Any, count: int, timeout_s: float) -> list[Any]:
    return [made.frame(timeout_s) for _ in range(count)]


def _until(made: Any, accepted: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + 6.0
    while time.monotonic() < deadline:
        frame = made.frame(FRAME_S)
        if accepted(frame):
            return frame
    return None


def _corners(image: Any) -> Any:
    """Mean colours, upper left, upper right, lower left, lower right, to the very edge."""
    height, width, _ = image.shape
    rows, columns = height // 12, width // 12
    parts = (image[:rows, :columns], image[:rows, -columns:], image[-rows:, :columns], image[-rows:, -columns:])
    return np.array([part.reshape(-1, 3).mean(axis=0) for part in parts])


def _painted(world: Any) -> Any:
    """The colours that the stand-in paints at a right exposure."""
    from libcamera import _world

    return np.array([_world.UPPER_LEFT, _world.UPPER_RIGHT, _world.LOWER_LEFT, _world.LOWER_RIGHT], dtype=float)


CASES = [name for name in vars(AdapterCases) if name.startswith("test_")]

if child.inside:
    child.enter()

    class TestAdapter(AdapterCases):
        """In the child process only."""

        @pytest.fixture
        def world(self) -> Any:
            """A fresh world."""
            import libcamera

            libcamera.world.reset()
            return libcamera.world

        @pytest.fixture
        def camera(self, world: Any) -> Iterator[Made]:
            """Makes adapters and closes them."""
            made: list[Any] = []

            def make(**options: Any) -> Any:
                made.append(create("camera", "picamera2", {"frame_rate": 30.0, **options}))
                return made[-1]

            yield make
            for camera in made:
                camera.close()

else:

    @pytest.fixture(scope="module")
    def adapter_outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
        """All cases, run once in a child process."""
        reason = child.why_not()
        if reason is not None:
            pytest.skip(reason)
        found: dict[str, object] = child.outcomes(Path(__file__), tmp_path_factory.mktemp("camera") / "report.xml")
        return found

    @pytest.mark.parametrize("case", CASES)
    def test_adapter(case: str, adapter_outcomes: dict[str, object]) -> None:
        """The rule of that name holds on the unmodified picamera2."""
        child.demand(adapter_outcomes, case)

    def test_without_libcamera_the_driver_says_what_is_missing() -> None:
        """No fallback: the library that does not import is named."""
        if importlib.util.find_spec("libcamera") is not None:
            pytest.skip("libcamera's bindings are installed here")
        with pytest.raises(DriverNotLoadable) as refused:
            create("camera", "picamera2", {})

        assert refused.value.params["reason"] in ("libcamera", "picamera2")
        assert "libcamera" not in sys.modules

    def test_the_registry_refuses_unknown_options_of_the_twin() -> None:
        """A misspelt option is an error, never ignored."""
        with pytest.raises(DriverOptionsInvalid):
            create("camera", "emulated", {"framerate": 15.0})
