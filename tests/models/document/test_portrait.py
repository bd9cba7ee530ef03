from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drivers.camera.page import draw_page
from models.document.portrait import portrait_on_page
from models.document.reader import DocumentReader
from models.face.pipeline import FacePipeline, compare
from models.face.types import Embedding
from tests.models.document import pages
from wire.rules.mrz import Format

PERSONS = ("017_03", "001_03", "022_03", "033_03", "062_03")


def neutral(folder: Path, person: str) -> Image.Image:
    """As on a document: head and shoulders."""
    with Image.open(folder / "frll" / "neutral" / f"{person}.jpg") as opened:
        picture = opened.convert("RGB")
    side = picture.width
    return picture.crop((round(0.14 * side), round(0.02 * side), round(0.86 * side), round(0.95 * side)))


def live(pipeline: FacePipeline, folder: Path, person: str) -> Embedding:
    """The same person another time, smiling."""
    (path,) = (folder / "frll" / "smiling").glob(f"{person[:3]}_*.jpg")
    with Image.open(path) as opened:
        rgb = np.asarray(opened.convert("RGB"))
    face = pipeline.find(rgb)
    assert face is not None
    return pipeline.embed(rgb, face)


def frame_of(
    font: Path, portrait: Image.Image | None, seed: int = 1, form: Format = "TD3", level: str = "L1"
) -> pages.Held:
    """A page with that portrait and its ghost, held up."""
    rng = random.Random(seed)
    page = pages.flat_page(pages.random_zone(rng, form), form, font, rng, portrait)
    return pages.held(page, pages.LEVELS[level], rng)


def test_the_portrait_resembles_its_holder_and_nobody_else(
    reader: DocumentReader, pipeline: FacePipeline, font: Path, faces_folder: Path
) -> None:
    """Printed small, photographed at an angle, against a smiling picture."""
    templates = [live(pipeline, faces_folder, person) for person in PERSONS[:2]]
    for index, person in enumerate(PERSONS[:2]):
        held = frame_of(font, neutral(faces_folder, person), index)
        corners = reader.frame(held.frame).corners
        assert corners is not None
        found = portrait_on_page(pipeline, held.frame, corners)
        assert found is not None
        scores = [compare(found.template, template) for template in templates]

        assert scores[index] > 0.6
        assert max(score for other, score in enumerate(scores) if other != index) < 0.43
        assert 40 < found.inter_eye_px < 200
        assert found.image.dtype == np.uint8
        assert found.image.shape[0] > found.image.shape[1] > 100


def test_an_upside_down_page_shows_the_same_portrait(
    reader: DocumentReader, pipeline: FacePipeline, font: Path, faces_folder: Path
) -> None:
    """The corners tell which way up it is."""
    rng = random.Random(2)
    page = pages.flat_page(pages.random_zone(rng), "TD3", font, rng, neutral(faces_folder, PERSONS[0]))
    held = pages.held(page, pages.LEVELS["L0"], rng, turned=180)
    corners = reader.frame(held.frame).corners
    assert corners is not None
    found = portrait_on_page(pipeline, held.frame, corners)

    assert found is not None
    assert compare(found.template, live(pipeline, faces_folder, PERSONS[0])) > 0.6


@pytest.mark.parametrize("form", ["TD3", "TD1"])
def test_a_page_without_portrait_has_none(
    reader: DocumentReader, pipeline: FacePipeline, font: Path, form: Format
) -> None:
    """Lines of print are no face."""
    held = frame_of(font, None, 4, form)
    corners = reader.frame(held.frame).corners

    assert corners is not None
    assert portrait_on_page(pipeline, held.frame, corners) is None


def test_a_person_behind_the_page_is_not_its_portrait(
    reader: DocumentReader, pipeline: FacePipeline, font: Path, faces_folder: Path
) -> None:
    """A face above or beside the page, or larger than one printed on it, is somebody else's."""
    held = frame_of(font, None, 5, level="L0")
    corners = reader.frame(held.frame).corners
    assert corners is not None
    face = neutral(faces_folder, PERSONS[1]).resize((420, 540))
    frame = Image.fromarray(held.frame)
    top = int(held.corners[:2, 1].max())
    frame.paste(face.crop((0, 0, 420, 500)), (int(held.corners[0, 0]) + 100, top - 500))

    assert portrait_on_page(pipeline, np.asarray(frame), corners) is None


def test_the_emulated_passport_is_read_like_a_real_one(
    reader: DocumentReader, pipeline: FacePipeline, font: Path, faces_folder: Path
) -> None:
    """The page that the emulated camera draws, by other code: its zone and its portrait."""
    rng = random.Random(6)
    zone = pages.random_zone(rng)
    page = draw_page(zone, neutral(faces_folder, PERSONS[2]), px_per_mm=pages.PX_PER_MM)
    held = pages.held(page, pages.LEVELS["L0"], rng)
    seen = reader.frame(held.frame)

    assert seen.lines == zone
    assert seen.corners is not None
    found = portrait_on_page(pipeline, held.frame, seen.corners)
    assert found is not None
    assert compare(found.template, live(pipeline, faces_folder, PERSONS[2])) > 0.6


@pytest.mark.parametrize(
    "corners",
    [
        np.zeros((4, 2)),
        np.full((4, 2), np.nan),
        np.array([[0, 0], [1e6, 0], [1e6, 9e4], [0, 9e4]]),
        np.array([[-900, -900], [-100, -900], [-100, -830], [-900, -830]]),
        np.array([[0, 0], [100, 0], [0, 5], [100, 5]]),
        np.zeros((3, 2)),
    ],
)
def test_corners_that_hold_no_page_give_none(pipeline: FacePipeline, corners: np.ndarray) -> None:
    """Nonsense is no portrait and no error."""
    assert portrait_on_page(pipeline, np.full((720, 1280, 3), 99, np.uint8), corners.astype(np.float64)) is None
