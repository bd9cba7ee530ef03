"""What the scenes of these tests are made of: faces beside the checkout, and the OCR-B font."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from drivers.camera.page import FONT_FILE, font_file

Eyes = tuple[tuple[float, float], tuple[float, float]]
_FRLL = Path(__file__).resolve().parents[4] / "shared" / "data" / "faces" / "frll"


@pytest.fixture
def ocr_b() -> Path:
    """The font; the test is skipped where setup could not get it."""
    found = font_file()
    if found is None:
        pytest.skip(f"{FONT_FILE} is missing (package fonts-ocr-b)")
    return found


@pytest.fixture(scope="session")
def face() -> Path:
    """A frontal portrait, eyes open."""
    path = _FRLL / "neutral" / "017_03.jpg"
    if not path.is_file():
        pytest.skip(f"{path.name} is missing (research portraits beside the checkout)")
    return path


@pytest.fixture(scope="session")
def face_eyes(face: Path) -> Eyes:
    """Its pupils, as shares of its width and height."""
    with (_FRLL / "neutral_pupils_675px.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["file"] == face.name:
                xs = [float(row[f"eye_{side}_{axis}"]) / 675 for side in ("left", "right") for axis in "xy"]
                return (xs[0], xs[1]), (xs[2], xs[3])
    raise LookupError(face.name)
