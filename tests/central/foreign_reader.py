"""Reads finger records with the package iso19794 (IDEMIA), in an interpreter of its own; imports nothing of ours.

`PYTHON foreign_reader.py FILE...` prints one JSON object: file to the fields of ISO/IEC 19794-4:2011 as that package
reads them, with the SHA-256 of the pixels. The package decodes raw and JPEG 2000 images itself. It knows no PNG, and
unpacks no packed pixels: of those it reads the header, and the image block behind it is decoded by Pillow, or hashed
as it is.
"""

import hashlib
import io
import json
import struct
import sys
from types import SimpleNamespace

import iso19794
from iso19794.FIR import FIRImageFile
from PIL import Image


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    version, length, count, certified, positions = struct.unpack(">4sIH?B", data[4:16])
    front = SimpleNamespace(fp=io.BytesIO(data), info={"certification_flag": certified})
    front.fp.seek(16)
    header, header_bytes, more = FIRImageFile.read_header(front)
    block = data[16 + header_bytes :]
    storage = header["image_compression_algo"]
    if storage in ("RAW", "JPEG2000_LOSSLESS"):
        with Image.open(io.BytesIO(data)) as picture:
            assert (picture.format, picture.n_frames) == ("FIR", 1)
            header, size, pixels = picture.header, picture.size, picture.tobytes()
    elif storage == "PNG":
        with Image.open(io.BytesIO(block), formats=["PNG"]) as picture:
            assert picture.mode == "L", picture.mode
            size, pixels = picture.size, picture.tobytes()
    else:
        size, pixels = (more.horizontal_line_length, more.vertical_line_length), block
    return {
        "reader": iso19794.__version__,
        "version": version.decode(),
        "lengths": [length == len(data), more.length == len(data) - 16, more.image_data_length == len(block)],
        "counts": [count, positions, header["number"]],
        "certified": certified,
        "captured_at": [*header["capture_datetime"].timetuple()[:6], header["capture_datetime"].microsecond],
        "technology": header["capture_device_technology_id"][0],
        "vendor": header["capture_device_vendor_id"].hex(),
        "device_type": header["capture_device_type_id"].hex(),
        "quality": [
            [found.score, found.algo_vendor_id.hex(), found.algo_id.hex()] for found in header["quality_records"]
        ],
        "position": header["position"],
        "scale": header["scale_units"],
        "scan": [header["horizontal_scan_sampling_rate"], header["vertical_scan_sampling_rate"]],
        "image": [header["horizontal_image_sampling_rate"], header["vertical_image_sampling_rate"]],
        "depth": more.bit_depth,
        "storage": storage,
        "impression": header["impression_type"],
        "size": list(size),
        "line_lengths": [more.horizontal_line_length, more.vertical_line_length],
        "pixels": hashlib.sha256(pixels).hexdigest(),
    }


if __name__ == "__main__":
    print(json.dumps({path: read(path) for path in sys.argv[1:]}))
