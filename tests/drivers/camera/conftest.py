"""What the scenes of these tests are made of: a face, and the OCR-B font."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drivers.camera.head import Eyes
from drivers.camera.page import FONT_FILE, font_file
from models.demo_portrait import demo_portrait
from models.errors import ModelError
from models.face.landmarks import five_points
from models.face.pipeline import FacePipeline
from models.face.types import Assessment
from models.policy import valid_on
from models.store import ModelStore

ROOT = Path(__file__).resolve().parents[3]
Look = Callable[[Image.Image], Assessment]


@pytest.fixture
def ocr_b() -> Path:
    """The font; the test is skipped where setup could not get it."""
    found = font_file()
    if found is None:
        pytest.skip(f"{FONT_FILE} is missing (package fonts-ocr-b)")
    return found


@pytest.fixture(scope="session")
def look() -> Look:
    """What the face models of the product see in a picture."""
    try:
        pipeline = FacePipeline.open(ModelStore.standard(demo=True))
    except ModelError as missing:
        pytest.skip(f"face models: {missing.message_id}")
    policy = valid_on(date(2026, 11, 21))
    return lambda image: pipeline.analyse(np.asarray(image), policy)


@pytest.fixture(scope="session")
def photograph() -> Image.Image:
    """A frontal portrait, eyes open: beside the checkout, or the public one that a package carries."""
    try:
        return Image.open(demo_portrait(ROOT / ".cache" / "portrait")).convert("RGB")
    except ModelError as missing:
        pytest.skip(f"portrait: {missing.message_id}")


@pytest.fixture(scope="session")
def pupils(photograph: Image.Image, look: Look) -> Eyes:
    """Its pupils, as shares of its width and height."""
    face = look(photograph).face
    assert face is not None
    left, right = five_points(face)[:2] / photograph.size
    return (float(left[0]), float(left[1])), (float(right[0]), float(right[1]))
