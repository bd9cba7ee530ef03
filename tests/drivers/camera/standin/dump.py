"""Prints, as JSON, what the libcamera that this interpreter imports calls its enumerations, controls and members.

Run by `test_standin_drift.py` over the stand-in and over the real bindings; uses the standard library alone.
"""

import json

import libcamera

ENUMERATIONS = (
    "StreamRole",
    "ControlType",
    "Orientation",
    "ColorSpace.Primaries",
    "ColorSpace.TransferFunction",
    "ColorSpace.YcbcrEncoding",
    "ColorSpace.Range",
    "CameraConfiguration.Status",
    "Request.Status",
    "FrameMetadata.Status",
    "controls.AfModeEnum",
    "controls.AfTriggerEnum",
    "controls.AfStateEnum",
    "controls.draft.NoiseReductionModeEnum",
    "properties.draft.ColorFilterArrangementEnum",
)
CONTROLS = (
    "AeEnable",
    "AwbEnable",
    "ExposureTime",
    "ExposureTimeMode",
    "AnalogueGain",
    "AnalogueGainMode",
    "AfMode",
    "AfTrigger",
    "AfState",
    "LensPosition",
    "FocusFoM",
    "ColourTemperature",
    "ColourGains",
    "DigitalGain",
    "FrameDuration",
    "FrameDurationLimits",
    "Lux",
    "ScalerCrop",
    "SensorTimestamp",
)
SPACES = ("Raw", "Srgb", "Sycc", "Smpte170m", "Rec709")
MEMBERS = {
    "CameraManager": ("singleton", "get", "cameras", "event_fd", "get_ready_requests"),
    "Camera": (
        "id",
        "controls",
        "properties",
        "acquire",
        "release",
        "generate_configuration",
        "configure",
        "create_request",
        "queue_request",
        "start",
        "stop",
    ),
    "CameraConfiguration": ("at", "__iter__", "validate"),
    "Request": ("add_buffer", "set_control", "reuse"),
    "StreamFormats": ("pixel_formats", "sizes"),
    "PixelFormat": ("__str__",),
    "Transform": ("__str__",),
    "ColorSpace": ("__str__", *SPACES),
    "FrameBuffer": ("Plane",),
}


def found(path):
    """The object of a dotted name, or None."""
    thing = libcamera
    for part in path.split("."):
        thing = getattr(thing, part, None)
    return thing


def space(name):
    """A colour space as the names of its parts."""
    made = getattr(libcamera.ColorSpace, name)()
    return [part.name for part in (made.primaries, made.transferFunction, made.ycbcrEncoding, made.range)]


def main():
    """One JSON object on standard output."""
    enumerations = {}
    for path in ENUMERATIONS:
        kind = found(path)
        enumerations[path] = (
            None if kind is None else {name: int(item.value) for name, item in kind.__members__.items()}
        )
    controls = {name: found("controls." + name) for name in CONTROLS}
    members = {}
    for kind, names in MEMBERS.items():
        held = getattr(libcamera, kind, None) or getattr(libcamera._libcamera, kind, None)
        members[kind] = [name for name in names if hasattr(held, name)]
    state = libcamera.controls.AfStateEnum.Scanning
    print(
        json.dumps(
            {
                "enumerations": enumerations,
                "controls": {name: None if item is None else item.type.name for name, item in controls.items()},
                "members": members,
                "spaces": {name: space(name) for name in SPACES},
                "state_is_its_number": bool(state == 1 and 1 in {state}),
                "transform": str(type(libcamera.Transform(hflip=True, vflip=1)).__name__),
            }
        )
    )


if __name__ == "__main__":
    main()
