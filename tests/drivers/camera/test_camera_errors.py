"""Every error of the camera has its sentence, in both languages, filled from its parameters."""

from __future__ import annotations

import pytest

from drivers.camera.errors import CameraBusy, CameraMemoryDenied, CameraMissing, CameraModeChanged
from drivers.errors import DeviceFault, DeviceMissing, DriverError
from wire.catalogue import bundled


@pytest.mark.parametrize(
    ("error", "above"),
    [
        (CameraMissing(device="camera", where="libcamera 0"), DeviceMissing),
        (CameraBusy(device="camera", where="libcamera 0"), DeviceMissing),
        (CameraMemoryDenied(device="camera", where="/dev/dma_heap/linux,cma"), DeviceMissing),
        (CameraModeChanged(device="camera", reason="main became smaller"), DeviceFault),
    ],
)
def test_each_error_says_what_to_do(error: DriverError, above: type[DriverError]) -> None:
    """Callers that know only the port's errors catch these too; the sentence names the place or reason."""
    text = bundled().of_error(error)
    detail = str(error.params.get("where", error.params.get("reason")))

    assert isinstance(error, above)
    assert detail in text.vi
    assert detail in text.en
    assert text.vi != text.en
