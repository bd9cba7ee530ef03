"""The value classes, enumerations and control ids of the bindings, with libcamera's names and numbers.

`test_standin_drift.py` holds them against the real bindings where these can be imported.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from types import SimpleNamespace
from typing import Any


class StreamRole(Enum):
    Raw = 0
    StillCapture = 1
    VideoRecording = 2
    Viewfinder = 3


class ControlType(Enum):
    Null = 0
    Bool = 1
    Byte = 2
    Integer32 = 5
    Integer64 = 6
    Float = 7
    String = 8
    Rectangle = 9
    Size = 10


class Orientation(Enum):
    Rotate0 = 1
    Rotate0Mirror = 2
    Rotate180 = 3
    Rotate180Mirror = 4
    Rotate90Mirror = 5
    Rotate270 = 6
    Rotate270Mirror = 7
    Rotate90 = 8


class Size:
    def __init__(self, width: int = 0, height: int = 0) -> None:
        self.width, self.height = width, height


class Rectangle:
    def __init__(self, x: int = 0, y: int = 0, width: int = 0, height: int = 0) -> None:
        self.x, self.y, self.width, self.height = x, y, width, height


class Transform:
    """Mirrors only, as the image processor does; `transpose` is kept for picamera2's table."""

    def __init__(
        self,
        other: Transform | None = None,
        *,
        hflip: bool = False,
        vflip: bool = False,
        transpose: bool = False,
    ) -> None:
        if other is not None:
            hflip, vflip, transpose = other.hflip, other.vflip, other.transpose
        self.hflip, self.vflip, self.transpose = bool(hflip), bool(vflip), bool(transpose)

    def __str__(self) -> str:
        named = [name for name in ("hflip", "vflip", "transpose") if getattr(self, name)]
        return f"<libcamera.Transform '{','.join(named) or 'identity'}'>"


class ColorSpace:
    class Primaries(Enum):
        Raw = 0
        Smpte170m = 1
        Rec709 = 2
        Rec2020 = 3

    class TransferFunction(Enum):
        Linear = 0
        Srgb = 1
        Rec709 = 2

    class YcbcrEncoding(Enum):
        Null = 0
        Rec601 = 1
        Rec709 = 2
        Rec2020 = 3

    class Range(Enum):
        Full = 0
        Limited = 1

    def __init__(self, *parts: Any) -> None:
        if len(parts) == 1:
            other = parts[0]
            parts = (other.primaries, other.transferFunction, other.ycbcrEncoding, other.range)
        self.primaries, self.transferFunction, self.ycbcrEncoding, self.range = parts

    def __str__(self) -> str:
        parts = (self.primaries, self.transferFunction, self.ycbcrEncoding, self.range)
        return f"<libcamera.ColorSpace '{'/'.join(part.name for part in parts)}'>"

    @classmethod
    def _of(cls, primaries: str, transfer: str, encoding: str, span: str) -> ColorSpace:
        return cls(
            cls.Primaries[primaries], cls.TransferFunction[transfer], cls.YcbcrEncoding[encoding], cls.Range[span]
        )

    @classmethod
    def Raw(cls) -> ColorSpace:
        return cls._of("Raw", "Linear", "Null", "Full")

    @classmethod
    def Srgb(cls) -> ColorSpace:
        return cls._of("Rec709", "Srgb", "Null", "Full")

    @classmethod
    def Sycc(cls) -> ColorSpace:
        return cls._of("Rec709", "Srgb", "Rec601", "Full")

    @classmethod
    def Smpte170m(cls) -> ColorSpace:
        return cls._of("Smpte170m", "Rec709", "Rec601", "Limited")

    @classmethod
    def Rec709(cls) -> ColorSpace:
        return cls._of("Rec709", "Rec709", "Rec709", "Limited")


class PixelFormat:
    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name


class ControlId:
    """Compared and hashed by identity, as the bindings' are in effect."""

    def __init__(self, name: str, kind: ControlType) -> None:
        self.name, self.type = name, kind


class ControlInfo:
    def __init__(self, low: Any, high: Any, default: Any) -> None:
        self.min, self.max, self.default = low, high, default


class AfModeEnum(IntEnum):
    Manual = 0
    Auto = 1
    Continuous = 2


class AfTriggerEnum(IntEnum):
    Start = 0
    Cancel = 1


class AfStateEnum(IntEnum):
    Idle = 0
    Scanning = 1
    Focused = 2
    Failed = 3


class NoiseReductionModeEnum(IntEnum):
    Off = 0
    Fast = 1
    HighQuality = 2
    Minimal = 3
    ZSL = 4


class ColorFilterArrangementEnum(IntEnum):
    RGGB = 0
    GRBG = 1
    GBRG = 2
    BGGR = 3
    RGB = 4
    MONO = 5


_TYPES = {
    ControlType.Bool: ("AeEnable", "AwbEnable"),
    ControlType.Integer32: (
        "ExposureTime",
        "ExposureTimeMode",
        "AnalogueGainMode",
        "AfMode",
        "AfTrigger",
        "AfState",
        "FocusFoM",
        "ColourTemperature",
    ),
    ControlType.Integer64: ("FrameDurationLimits", "FrameDuration", "SensorTimestamp"),
    ControlType.Float: ("AnalogueGain", "DigitalGain", "ColourGains", "Lux", "LensPosition"),
    ControlType.Rectangle: ("ScalerCrop",),
}

controls = SimpleNamespace(
    AfModeEnum=AfModeEnum,
    AfTriggerEnum=AfTriggerEnum,
    AfStateEnum=AfStateEnum,
    draft=SimpleNamespace(
        NoiseReductionModeEnum=NoiseReductionModeEnum,
        NoiseReductionMode=ControlId("NoiseReductionMode", ControlType.Integer32),
    ),
    **{name: ControlId(name, kind) for kind, names in _TYPES.items() for name in names},
)

properties = SimpleNamespace(
    Model=ControlId("Model", ControlType.String),
    Location=ControlId("Location", ControlType.Integer32),
    Rotation=ControlId("Rotation", ControlType.Integer32),
    draft=SimpleNamespace(
        ColorFilterArrangementEnum=ColorFilterArrangementEnum,
        ColorFilterArrangement=ControlId("ColorFilterArrangement", ControlType.Integer32),
    ),
)
