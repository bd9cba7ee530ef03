"""Command-line tools of others on our image files: pngcheck on the PNGs, OpenJPEG's own decoder on the JPEG 2000.

Each is skipped by name where it is not installed (Debian: pngcheck, libopenjp2-tools).
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import features

from wire.fingers import FingerPosition
from wire.records import fir, png4
from wire.records.fir import Compression, FingerRecord
from wire.records.png4 import GreyImage

SIZES = {"R307": (256, 288, 500), "R503": (192, 192, 508)}


def _packed(width_px: int, height_px: int) -> bytes:
    count = width_px * height_px // 2
    return b"".join(hashlib.sha256(bytes([at % 251, at >> 8])).digest() for at in range(count // 32))


def _ran(tool: str, *arguments: str) -> str:
    path = shutil.which(tool)
    if path is None:
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("model", SIZES)
def test_pngcheck_finds_nothing_to_say(model: str, tmp_path: Path) -> None:
    """The stored press (4 bits) and the image inside a record (8 bits), size and resolution as they should be."""
    width_px, height_px, ppi = SIZES[model]
    packed = _packed(width_px, height_px)
    (tmp_path / "4.png").write_bytes(png4.encode(packed, width_px, height_px, ppi))
    grey = GreyImage(png4.unpack(packed), width_px, height_px, 8)
    (tmp_path / "8.png").write_bytes(png4.encode_grey(grey, ppi))

    for bits in (4, 8):
        said = _ran("pngcheck", "-v", str(tmp_path / f"{bits}.png"))
        assert f"{width_px} x {height_px} image, {bits}-bit grayscale, non-interlaced" in said
        assert f"{round(ppi / 0.0254)}x{round(ppi / 0.0254)} pixels/meter" in said
        assert "No errors detected" in said


@pytest.mark.parametrize("model", SIZES)
def test_openjpeg_decodes_the_record_to_the_same_pixels(model: str, tmp_path: Path) -> None:
    """Its own command-line decoder, without Pillow in between."""
    if not features.check("jpg_2000"):
        pytest.skip("this Pillow build has no JPEG 2000 codec")
    width_px, height_px, ppi = SIZES[model]
    image = GreyImage(_packed(width_px, height_px), width_px, height_px, 4)
    record = FingerRecord(FingerPosition.RIGHT_THUMB, image, ppi, datetime(2026, 1, 1, tzinfo=UTC))
    data = fir.write(record, Compression.JPEG2000_LOSSLESS)
    (tmp_path / "image.jp2").write_bytes(data[57:])
    _ran("opj_decompress", "-i", str(tmp_path / "image.jp2"), "-o", str(tmp_path / "image.pgm"))
    header, pixels = (tmp_path / "image.pgm").read_bytes().split(b"\n255\n", 1)

    assert header.split()[0] == b"P5"
    assert header.split()[-2:] == [str(width_px).encode(), str(height_px).encode()]
    assert pixels == png4.unpack(image.pixels)
