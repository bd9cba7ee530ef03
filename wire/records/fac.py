"""ISO/IEC 19794-5:2011 face records: one full-frontal JPEG portrait.

Writer and strict reader of the general header (clause 5.3), representation header and image information; the byte
layout stands in docs/records.md. Width and height are read from the JPEG itself, so the header cannot disagree with it.
Facial information (sex, eyes, hair, pose) stays unspecified: the station does not measure it. Note that the quality
block follows the representation's device fields and that no certification block is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from wire.records.binary import Fields, moment_bytes
from wire.records.errors import RecordInvalid
from wire.records.fir import QualityBlock

MAGIC = b"FAC\0"
VERSION = b"030\0"
GENERAL_BYTES = 17
DIGITAL_VIDEO_FRAME = 6
FULL_FRONTAL = 1
JPEG = 0
RGB24 = 1
GREY8 = 3
_FACIAL_INFORMATION = bytes(17)
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """What a record says.

    Attributes:
        jpeg: a whole JPEG file, grey or three components.
        technology: capture device technology (table 8); 6 is a frame of a digital video camera.
        quality: scores as in ISO/IEC 19794-1; vendor 0 where they are no registered measure.
    """

    jpeg: bytes
    captured_at: datetime
    technology: int = DIGITAL_VIDEO_FRAME
    vendor: int = 0
    device_type: int = 0
    quality: tuple[QualityBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class JpegShape:
    """Size and number of components as the frame header of a JPEG says."""

    width_px: int
    height_px: int
    components: int


def write(record: FaceRecord) -> bytes:
    """The record as bytes. Raises RecordInvalid for a JPEG or field that does not fit."""
    shape = jpeg_shape(record.jpeg)
    if len(record.quality) > 0xFF or not all(0 <= block.score <= 0xFF for block in record.quality):
        raise _invalid("quality blocks")
    device = bytes([record.technology]) + _u16(record.vendor) + _u16(record.device_type)
    blocks = b"".join(bytes([block.score]) + _u16(block.vendor) + _u16(block.algorithm) for block in record.quality)
    image_information = bytes([FULL_FRONTAL, JPEG]) + _u16(shape.width_px) + _u16(shape.height_px)
    image_information += b"\0" + _u16(0) + b"\0" + bytes([_colour(shape)])
    rest = moment_bytes(record.captured_at) + device + bytes([len(record.quality)]) + blocks + _FACIAL_INFORMATION
    rest += image_information + len(record.jpeg).to_bytes(4, "big") + record.jpeg
    representation = (len(rest) + 4).to_bytes(4, "big") + rest
    total = GENERAL_BYTES + len(representation)
    return MAGIC + VERSION + total.to_bytes(4, "big") + b"\0\1\0\0\0" + representation


def read(data: bytes) -> FaceRecord:
    """The record. Raises RecordInvalid for anything but one full-frontal JPEG whose header fits it."""
    fields = Fields(data, "ISO/IEC 19794-5")
    fields.expect("format identifier", fields.take(4), MAGIC)
    fields.expect("version", fields.take(4), VERSION)
    fields.expect("record length", fields.number(4), len(data))
    fields.expect("number of representations", fields.number(2), 1)
    fields.expect("certification flag", fields.number(1), 0)
    fields.expect("temporal semantics", fields.number(2), 0)
    fields.expect("representation length", fields.number(4), len(data) - GENERAL_BYTES)
    captured_at = fields.moment()
    technology, vendor, device_type = fields.number(1), fields.number(2), fields.number(2)
    quality = tuple(QualityBlock(fields.number(1), fields.number(2), fields.number(2)) for _ in range(fields.number(1)))
    fields.expect("facial information", fields.take(17), _FACIAL_INFORMATION)
    fields.expect("image type", fields.number(1), FULL_FRONTAL)
    fields.expect("image data type", fields.number(1), JPEG)
    width_px, height_px = fields.number(2), fields.number(2)
    fields.expect("sampling level", fields.number(1), 0)
    fields.expect("post processing", fields.number(2), 0)
    fields.expect("cross reference", fields.number(1), 0)
    colour = fields.number(1)
    jpeg = fields.take(fields.number(4))
    fields.finish()
    shape = jpeg_shape(jpeg)
    if (width_px, height_px, colour) != (shape.width_px, shape.height_px, _colour(shape)):
        raise _invalid("header and image disagree about size or colour")
    return FaceRecord(jpeg, captured_at, technology, vendor, device_type, quality)


def jpeg_shape(jpeg: bytes) -> JpegShape:
    """Walks the marker segments (ITU-T T.81, B.1) to the frame header. Raises RecordInvalid where there is none."""
    if jpeg[:2] != b"\xff\xd8" or jpeg[-2:] != b"\xff\xd9":
        raise _invalid("not a whole JPEG")
    fields = Fields(jpeg, "JPEG", at=2)
    while True:
        fields.expect("marker prefix", fields.number(1), 0xFF)
        marker = fields.number(1)
        while marker == 0xFF:
            marker = fields.number(1)
        length = fields.number(2)
        if length < 2 or marker == 0xDA:
            raise _invalid("JPEG without a frame header")
        if marker in _START_OF_FRAME:
            fields.expect("JPEG sample precision", fields.number(1), 8)
            height_px, width_px, components = fields.number(2), fields.number(2), fields.number(1)
            if not (width_px and height_px and components in (1, 3)):
                raise _invalid("JPEG size or components")
            return JpegShape(width_px, height_px, components)
        fields.take(length - 2)


def _colour(shape: JpegShape) -> int:
    return RGB24 if shape.components == 3 else GREY8


def _u16(value: int) -> bytes:
    if not 0 <= value <= 0xFFFF:
        raise _invalid(f"{value} does not fit in 16 bits")
    return value.to_bytes(2, "big")


def _invalid(reason: str) -> RecordInvalid:
    return RecordInvalid(record="ISO/IEC 19794-5", reason=reason)
