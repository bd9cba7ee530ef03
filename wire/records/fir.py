"""ISO/IEC 19794-4:2011 finger image records: one press, one representation, one record.

Writer and strict reader of the general header (clause 8.2), representation header (8.3) and image. The byte layout
stands in docs/records.md. A record is always made from the pixels themselves, so its scale, size, depth and compression
cannot disagree with the image; the reader decodes the image and refuses a record where they do.
Must never write lossy compression.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TypeVar

from wire.fingers import FingerPosition
from wire.records import png4
from wire.records.binary import Fields, moment_bytes
from wire.records.errors import RecordInvalid
from wire.records.png4 import GreyImage

MAGIC = b"FIR\0"
VERSION = b"020\0"
GENERAL_BYTES = 16
PIXELS_PER_INCH = 1
SCORE_FAILED = 255
MAX_IMAGE_BYTES = 4096 * 4096

E = TypeVar("E", bound=IntEnum)


class Compression(IntEnum):
    """Table 9 of the standard; only what is lossless."""

    RAW = 0
    PACKED = 1
    JPEG2000_LOSSLESS = 5
    PNG = 6


class Technology(IntEnum):
    """Capture device technology identifiers, table 4; all of them, since records of other devices are read too."""

    UNSPECIFIED = 0
    WHITE_LIGHT_OPTICAL_TIR = 1
    WHITE_LIGHT_OPTICAL_DIRECT = 2
    WHITE_LIGHT_OPTICAL_TOUCHLESS = 3
    MONOCHROMATIC_VISIBLE_OPTICAL_TIR = 4
    MONOCHROMATIC_VISIBLE_OPTICAL_DIRECT = 5
    MONOCHROMATIC_VISIBLE_OPTICAL_TOUCHLESS = 6
    MONOCHROMATIC_INFRARED_OPTICAL_TIR = 7
    MONOCHROMATIC_INFRARED_OPTICAL_DIRECT = 8
    MONOCHROMATIC_INFRARED_OPTICAL_TOUCHLESS = 9
    MULTISPECTRAL_OPTICAL_TIR = 10
    MULTISPECTRAL_OPTICAL_DIRECT = 11
    MULTISPECTRAL_OPTICAL_TOUCHLESS = 12
    ELECTROLUMINESCENT = 13
    SEMICONDUCTOR_CAPACITIVE = 14
    SEMICONDUCTOR_RF = 15
    SEMICONDUCTOR_THERMAL = 16
    PRESSURE_SENSITIVE = 17
    ULTRASOUND = 18
    MECHANICAL = 19
    GLASS_FIBRE = 20


class Impression(IntEnum):
    """Impression types, table 10, as far as a live finger gives them."""

    LIVE_PLAIN = 0
    LIVE_ROLLED = 1
    LIVE_SWIPE = 8
    LIVE_CONTACTLESS_PLAIN = 24
    OTHER = 28
    UNKNOWN = 29


@dataclass(frozen=True, slots=True)
class QualityBlock:
    """One quality score, 0..100, or 255 where computing it failed. Vendor 0, algorithm 0: no registered measure."""

    score: int
    vendor: int = 0
    algorithm: int = 0


@dataclass(frozen=True, slots=True)
class Certification:
    """That the device was certified: by which authority (registered identifier), by which scheme (table 5)."""

    authority: int
    scheme: int


@dataclass(frozen=True, slots=True)
class FingerRecord:
    """What a record says.

    Attributes:
        image: the pixels; a press of 4 bits is given packed (depth 4).
        bit_depth: of the stored image: 8 (values times 17), or 4 with PACKED only.
        ppi: of the image, the same in both directions.
        captured_at: aware; kept to the millisecond in UTC.
        quality: 0..255 blocks.
        scan_ppi: at which the device scanned, where that is finer than `ppi`; None where it is the same.
    """

    position: FingerPosition
    image: GreyImage
    ppi: int
    captured_at: datetime
    technology: Technology = Technology.UNSPECIFIED
    vendor: int = 0
    device_type: int = 0
    quality: tuple[QualityBlock, ...] = ()
    impression: Impression = Impression.LIVE_PLAIN
    certifications: tuple[Certification, ...] = ()
    scan_ppi: int | None = None


def write(record: FingerRecord, compression: Compression) -> bytes:
    """The record as bytes; exactly one representation.

    Raises:
        RecordInvalid: a field does not fit, or the image cannot be stored that way.
    """
    image = record.image
    stored_depth = 4 if compression is Compression.PACKED else 8
    body = _compress(image, record.ppi, compression)
    fields = bytes([record.position, 0, PIXELS_PER_INCH]) + _resolutions(record)
    fields += bytes([stored_depth, compression, record.impression])
    fields += _u16(image.width_px, "width") + _u16(image.height_px, "height")
    device = bytes([record.technology]) + _u16(record.vendor, "vendor") + _u16(record.device_type, "device type")
    rest = moment_bytes(record.captured_at) + device + _blocks(record) + fields + len(body).to_bytes(4, "big") + body
    representation = (len(rest) + 4).to_bytes(4, "big") + rest
    total = GENERAL_BYTES + len(representation)
    certified = bytes([bool(record.certifications)])
    return MAGIC + VERSION + total.to_bytes(4, "big") + b"\0\1" + certified + b"\1" + representation


def read(data: bytes) -> tuple[FingerRecord, Compression]:
    """The record and how its image is stored. `record.image` has the stored depth (8, or 4 for PACKED).

    Raises:
        RecordInvalid: anything that is not exactly one lossless representation whose header fits its image.
    """
    fields = Fields(data, "ISO/IEC 19794-4")
    fields.expect("format identifier", fields.take(4), MAGIC)
    fields.expect("version", fields.take(4), VERSION)
    fields.expect("record length", fields.number(4), len(data))
    fields.expect("number of representations", fields.number(2), 1)
    certified = fields.number(1)
    if certified > 1:
        raise _invalid(f"certification flag is {certified}")
    fields.expect("number of positions", fields.number(1), 1)
    fields.expect("representation length", fields.number(4), len(data) - GENERAL_BYTES)
    captured_at = fields.moment()
    technology = _member(Technology, fields.number(1), "device technology")
    vendor, device_type = fields.number(2), fields.number(2)
    quality = tuple(_quality(fields) for _ in range(fields.number(1)))
    certifications = _certifications(fields) if certified else ()
    position = _member(FingerPosition, fields.number(1), "finger position")
    fields.expect("representation number", fields.number(1), 0)
    fields.expect("scale units", fields.number(1), PIXELS_PER_INCH)
    scan_ppi, ppi = _read_resolutions(fields)
    depth = fields.number(1)
    compression = _member(Compression, fields.number(1), "compression")
    impression = _member(Impression, fields.number(1), "impression type")
    width_px, height_px = fields.number(2), fields.number(2)
    body = fields.take(fields.number(4))
    fields.finish()
    image = _expand(body, compression, width_px, height_px, depth)
    record = FingerRecord(
        position,
        image,
        ppi,
        captured_at,
        technology,
        vendor,
        device_type,
        quality,
        impression,
        certifications,
        scan_ppi,
    )
    return record, compression


def _resolutions(record: FingerRecord) -> bytes:
    scan_ppi = record.ppi if record.scan_ppi is None else record.scan_ppi
    if not 0 < record.ppi <= scan_ppi <= 0xFFFF:
        raise _invalid("resolution")
    return scan_ppi.to_bytes(2, "big") * 2 + record.ppi.to_bytes(2, "big") * 2


def _read_resolutions(fields: Fields) -> tuple[int | None, int]:
    """Scan (None where the image has the same) and image resolution; an image cannot be finer than its scan."""
    scan_ppi = fields.number(2)
    fields.expect("vertical scan resolution", fields.number(2), scan_ppi)
    ppi = fields.number(2)
    fields.expect("vertical image resolution", fields.number(2), ppi)
    if not ppi:
        raise _invalid("resolution is 0")
    if ppi > scan_ppi:
        raise _invalid(f"image resolution {ppi} above scan resolution {scan_ppi}")
    return (None if scan_ppi == ppi else scan_ppi), ppi


def _blocks(record: FingerRecord) -> bytes:
    """Quality and certification blocks; the latter stand there only where the general header says so."""
    if len(record.quality) > 0xFF or len(record.certifications) > 0xFF:
        raise _invalid("number of quality or certification blocks")
    out = bytes([len(record.quality)]) + b"".join(_quality_bytes(block) for block in record.quality)
    if record.certifications:
        out += bytes([len(record.certifications)])
        out += b"".join(_u16(block.authority, "authority") + bytes([block.scheme]) for block in record.certifications)
    return out


def _certifications(fields: Fields) -> tuple[Certification, ...]:
    found = tuple(Certification(fields.number(2), fields.number(1)) for _ in range(fields.number(1)))
    if not found:
        raise _invalid("certification flag without a block")
    return found


def _compress(image: GreyImage, ppi: int, compression: Compression) -> bytes:
    png4.check(image)
    if compression is Compression.PACKED:
        if image.bit_depth != 4:
            raise _invalid("packed storage needs 4-bit pixels")
        return image.pixels
    grey = png4.unpack(image.pixels) if image.bit_depth == 4 else image.pixels
    match compression:
        case Compression.RAW:
            return grey
        case Compression.PNG:
            return png4.encode_grey(GreyImage(grey, image.width_px, image.height_px, 8), ppi)
        case Compression.JPEG2000_LOSSLESS:
            return _jpeg2000(grey, image.width_px, image.height_px)


def _expand(body: bytes, compression: Compression, width_px: int, height_px: int, depth: int) -> GreyImage:
    if not (0 < width_px * height_px <= MAX_IMAGE_BYTES):
        raise _invalid(f"size {width_px}x{height_px}")
    wanted_depth = 4 if compression is Compression.PACKED else 8
    if depth != wanted_depth:
        raise _invalid(f"bit depth {depth} with compression {compression.name}")
    match compression:
        case Compression.RAW | Compression.PACKED:
            if len(body) * 8 != width_px * height_px * depth:
                raise _invalid(f"{len(body)} image bytes for {width_px}x{height_px} of {depth} bits")
            return GreyImage(body, width_px, height_px, depth)
        case Compression.PNG:
            image = png4.decode_grey(body)
        case Compression.JPEG2000_LOSSLESS:
            image = _from_jpeg2000(body, width_px, height_px)
    if (image.width_px, image.height_px, image.bit_depth) != (width_px, height_px, depth):
        raise _invalid("header and image disagree about size or depth")
    return image


def _jpeg2000(grey: bytes, width_px: int, height_px: int) -> bytes:
    from PIL import Image, features

    if not features.check("jpg_2000"):
        raise _invalid("this Pillow was built without JPEG 2000")
    out = io.BytesIO()
    picture = Image.frombytes("L", (width_px, height_px), grey)
    picture.save(out, format="JPEG2000", irreversible=False, quality_mode="rates", quality_layers=[0])
    return out.getvalue()


def _from_jpeg2000(body: bytes, width_px: int, height_px: int) -> GreyImage:
    """Sizes are compared before decoding, so that a few bytes cannot ask for gigabytes."""
    from PIL import Image, UnidentifiedImageError

    if _codestream(body) != (width_px, height_px, _REVERSIBLE_5_3) or _box_size(body) not in (
        None,
        (width_px, height_px),
    ):
        raise _invalid("header and image disagree, or JPEG 2000 is not reversible")
    try:
        with Image.open(io.BytesIO(body), formats=["JPEG2000"]) as picture:
            if picture.mode != "L" or picture.size != (width_px, height_px):
                raise _invalid(f"JPEG 2000 of mode {picture.mode}")
            return GreyImage(picture.tobytes(), picture.width, picture.height, 8)
    except RecordInvalid:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise _invalid("JPEG 2000 does not decode") from error


_REVERSIBLE_5_3 = 1


def _codestream(body: bytes) -> tuple[int, int, int] | None:
    """Width, height and wavelet as SIZ and COD say (ISO/IEC 15444-1, A.5.1, A.6.1), or None without these markers."""
    at = body.find(b"\xff\x4f\xff\x51")
    cod = body.find(b"\xff\x52", at + 24) if at >= 0 else -1
    if cod < 0 or cod + 14 > len(body):
        return None
    right, bottom, left, top = (int.from_bytes(body[at + place : at + place + 4], "big") for place in (8, 12, 16, 20))
    return right - left, bottom - top, body[cod + 13]


def _box_size(body: bytes) -> tuple[int, int] | None:
    """Width and height of the image header box of a JP2 file (I.5.3.1), or None for a bare codestream."""
    at = body.find(b"ihdr")
    if at < 0:
        return None
    return int.from_bytes(body[at + 8 : at + 12], "big"), int.from_bytes(body[at + 4 : at + 8], "big")


def _quality_bytes(block: QualityBlock) -> bytes:
    if not 0 <= block.score <= 100 and block.score != SCORE_FAILED:
        raise _invalid(f"quality score {block.score}")
    return bytes([block.score]) + _u16(block.vendor, "quality vendor") + _u16(block.algorithm, "quality algorithm")


def _quality(fields: Fields) -> QualityBlock:
    block = QualityBlock(fields.number(1), fields.number(2), fields.number(2))
    if block.score > 100 and block.score != SCORE_FAILED:
        raise _invalid(f"quality score {block.score}")
    return block


def _member(kind: type[E], value: int, name: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise _invalid(f"{name} {value} is unknown") from None


def _u16(value: int, name: str) -> bytes:
    if not 0 <= value <= 0xFFFF:
        raise _invalid(f"{name} {value} does not fit")
    return value.to_bytes(2, "big")


def _invalid(reason: str) -> RecordInvalid:
    return RecordInvalid(record="ISO/IEC 19794-4", reason=reason)
