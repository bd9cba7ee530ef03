"""The printed page: sizes of the standard, letters in their places, and seen through the lens at the right scale."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drivers.camera import page
from drivers.camera.commands import Page
from drivers.camera.document import td1_lines, td3_lines
from drivers.camera.errors import SceneInvalid
from drivers.camera.page import TD1, TD3, Layout, draw_page
from drivers.camera.paint import paint
from drivers.camera.sensor import FOCAL_PX, MAIN_WIDTH
from drivers.camera.show import made

BIRTH, EXPIRY = date(1974, 8, 12), date(2030, 4, 15)
PASSPORT = td3_lines("Eriksson", "Anna Maria", "L898902C3", "UTO", BIRTH, EXPIRY)
CARD = td1_lines("Eriksson", "Anna Maria", "D23145890", "UTO", BIRTH, EXPIRY)
FULL = "H" * 44
pytestmark = pytest.mark.usefixtures("ocr_b")


def inked(image: Image.Image) -> np.ndarray:
    """Where dark print is."""
    return np.asarray(image.convert("L")) < 110


@pytest.mark.parametrize(("lines", "layout"), [(PASSPORT, TD3), (CARD, TD1)])
def test_the_page_has_the_standards_size(lines: tuple[str, ...], layout: Layout) -> None:
    """125 x 88 mm and 85.6 x 54 mm at the pixels per millimetre asked for."""
    drawn = draw_page(lines, px_per_mm=10)

    assert drawn.size == (round(layout.width_mm * 10), round(layout.height_mm * 10))


def test_letters_stand_ten_to_the_inch_in_two_lines() -> None:
    """44 separate letters, 2.54 mm apart, first edge at 6 mm; lines 6.35 mm apart within the lower 23.2 mm."""
    scale = 20
    ink = inked(draw_page((FULL, FULL), px_per_mm=scale))
    zone = ink[-round(23.2 * scale) :]
    rows = np.flatnonzero(zone.any(axis=1))
    middles = [group.mean() for group in np.split(rows, np.flatnonzero(np.diff(rows) > 5) + 1)]
    columns = np.flatnonzero(zone.any(axis=0))
    letters = [group.mean() for group in np.split(columns, np.flatnonzero(np.diff(columns) > 3) + 1)]

    assert len(letters) == 44
    assert np.diff(letters) == pytest.approx(2.54 * scale, abs=1.0)
    assert columns[0] == pytest.approx(6.0 * scale, abs=1.0 * scale)
    assert len(middles) == 2
    assert middles[1] - middles[0] == pytest.approx(6.35 * scale, abs=1.0)


@pytest.mark.parametrize("distance_m", [0.112, 0.13, 0.3])
def test_letters_are_as_large_as_the_lens_shows_them(distance_m: float) -> None:
    """A line of 44 letters has 111.8 mm; in the frame that is the focal length times it over the distance."""
    sight = made(Page(scene="page", lines=(FULL, FULL), distance_m=distance_m)).at(0.0, 400.0).sight
    seen = paint(sight, 1.0, lens=1 / distance_m)
    columns = np.flatnonzero(inked(seen)[-round(MAIN_WIDTH * 0.2) :].any(axis=0))

    line_m = (43 * 2.54 + 2.0) / 1000
    assert columns[-1] - columns[0] == pytest.approx(FOCAL_PX * line_m / distance_m, rel=0.01)


def test_the_holders_portrait_lies_left_and_its_ghost_right() -> None:
    """A dark picture darkens both places; without it the frame stays empty."""
    dark = Image.new("RGB", (300, 400), (20, 20, 20))
    with_ghost = np.asarray(draw_page(PASSPORT, dark).convert("L")).astype(int)
    without = np.asarray(draw_page(PASSPORT, dark, ghost=False).convert("L")).astype(int)
    left, right = with_ghost[300:600, 100:400], np.abs(with_ghost - without)[450:650, 1200:1380]

    assert left.mean() < 80
    assert right.mean() > 30
    assert np.asarray(draw_page(PASSPORT).convert("L"))[300:600, 100:400].mean() > 180


def test_eyes_frame_the_head_as_on_a_document() -> None:
    """Dots at the given eyes stand a quarter of the picture's width apart."""
    photograph = Image.new("RGB", (1000, 1000), (230, 230, 230))
    for x in (450, 550):
        photograph.paste((0, 0, 0), (x - 12, 438, x + 12, 462))
    drawn = np.asarray(draw_page(PASSPORT, photograph, eyes=((0.45, 0.45), (0.55, 0.45)), px_per_mm=12).convert("L"))
    area = drawn[15 * 12 : 56 * 12, 6 * 12 : 38 * 12] < 120
    columns = np.flatnonzero(area.any(axis=0))
    dots = [group.mean() for group in np.split(columns, np.flatnonzero(np.diff(columns) > 5) + 1)]

    assert dots[-1] - dots[0] == pytest.approx(32 * 12 / 4, rel=0.05)


@pytest.mark.parametrize("lines", [("A" * 44,) * 3, ("A" * 30,) * 2, ("A" * 44, "A" * 43), ("A" * 36,) * 2])
def test_lines_of_no_format_are_refused(lines: tuple[str, ...]) -> None:
    """Only TD3 and TD1 are printed."""
    with pytest.raises(SceneInvalid, match="two of 44"):
        draw_page(lines)


def test_without_the_font_the_scene_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One sentence with what to do, and no path."""
    monkeypatch.setattr(page, "FONT_PLACES", (tmp_path,))
    page._letter_cell.cache_clear()
    with pytest.raises(SceneInvalid, match="fonts-ocr-b") as refused:
        made(Page(scene="page", lines=PASSPORT))

    assert str(tmp_path) not in str(refused.value)


def test_a_font_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A damaged file is named as such."""
    (tmp_path / page.FONT_FILE).write_bytes(b"no font")
    monkeypatch.setattr(page, "FONT_PLACES", (tmp_path,))
    page._letter_cell.cache_clear()
    with pytest.raises(SceneInvalid, match="cannot be read"):
        draw_page(PASSPORT)
