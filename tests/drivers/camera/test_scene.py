"""The drawings: real sizes, readable codes, clear refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from drivers.camera.commands import Black, Empty, Person, Picture, Qr, TwoPeople
from drivers.camera.errors import SceneInvalid
from drivers.camera.render import Renderer, View
from drivers.camera.scene import CANVAS_HEIGHT, CANVAS_WIDTH, draw
from drivers.camera.sensor import MAIN_WIDTH


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    """A light picture with two dark dots, a sixth of its height apart, where eyes would be."""
    image = Image.new("RGB", (600, 600), (230, 230, 230))
    pen = ImageDraw.Draw(image)
    for x in (250, 350):
        pen.ellipse((x - 8, 262, x + 8, 278), fill=(10, 10, 10))
    path = tmp_path / "portrait.png"
    image.save(path)
    return path


def dots(pixels: np.ndarray) -> list[float]:
    """x of the dark dots, left to right."""
    columns = np.flatnonzero((pixels.max(axis=2) < 60).any(axis=0))
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > 5) + 1)
    return [float(group.mean()) for group in groups]


@pytest.mark.parametrize("distance_m", [0.4, 0.6, 1.0])
def test_a_person_is_as_large_as_at_that_distance(portrait: Path, distance_m: float) -> None:
    """63 mm between the eyes appear as 1774 px times 63 mm over the distance: at least 90 px up to 1.2 m."""
    eyes = dots(np.asarray(draw(Person(scene="person", portrait=portrait, distance_m=distance_m)).canvas))

    assert len(eyes) == 2
    assert eyes[1] - eyes[0] == pytest.approx(1774 / distance_m * 0.38 / 6, rel=0.02)
    assert eyes[1] - eyes[0] > 90
    assert sum(eyes) / 2 == pytest.approx(CANVAS_WIDTH / 2, abs=3)


def test_offsets_move_the_person(portrait: Path) -> None:
    """In frame widths."""
    eyes = dots(np.asarray(draw(Person(scene="person", portrait=portrait, offset_x=0.2)).canvas))

    assert sum(eyes) / 2 == pytest.approx(CANVAS_WIDTH / 2 + 0.2 * MAIN_WIDTH, abs=3)


def test_two_people_are_two(portrait: Path) -> None:
    """Four eyes; the second person stands farther away."""
    eyes = dots(np.asarray(draw(TwoPeople(scene="two_people", portrait=portrait)).canvas))

    assert len(eyes) == 4
    assert eyes[3] - eyes[2] < eyes[1] - eyes[0]


@pytest.mark.parametrize("text", ["ABC", "TK01|NGUYỄN VĂN Ạ|" + "0123456789" * 12])
def test_a_held_up_code_reads_in_the_small_stream(text: str) -> None:
    """The code is turned in space and noisy, and still decodes."""
    drawing = draw(Qr(scene="qr", text=text))
    renderer = Renderer(seed=3)
    read = 0
    for number in range(5):
        found = zxingcpp.read_barcodes(renderer.lores(drawing, View(number, 1.0, 2.0, 0.1)))
        read += [code.text for code in found] == [text]

    assert read == 5


def test_black_is_dark_and_empty_is_light() -> None:
    """A covered lens lets next to no light through."""
    assert draw(Black(scene="black")).transmission < 0.01
    assert np.asarray(draw(Empty(scene="empty")).canvas).mean() > 180


def test_every_drawing_fills_the_canvas(portrait: Path) -> None:
    """One size, RGB, and its half."""
    for scene in (Empty(scene="empty"), Picture(scene="picture", path=portrait), Qr(scene="qr", text="x")):
        drawing = draw(scene)

        assert drawing.canvas.size == (CANVAS_WIDTH, CANVAS_HEIGHT)
        assert drawing.half.size == (CANVAS_WIDTH // 2, CANVAS_HEIGHT // 2)
        assert drawing.canvas.mode == "RGB"


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "CMYK", "1", "I;16"])
def test_pictures_of_any_mode_are_drawn(tmp_path: Path, mode: str) -> None:
    """Grey, palette, transparent and print pictures."""
    path = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    Image.new(mode, (40, 30)).save(path)

    assert draw(Picture(scene="picture", path=path)).canvas.mode == "RGB"


def test_exif_orientation_is_obeyed(tmp_path: Path) -> None:
    """A telephone's picture stands upright."""
    image = Image.new("RGB", (40, 20), (0, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    drawing = np.asarray(draw(Picture(scene="picture", path=tmp_path / "a.jpg")).canvas)
    dark = (drawing.max(axis=2) < 60).any(axis=0).sum()

    assert dark < CANVAS_WIDTH / 3


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 50), "cannot be read"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda path: Image.new("1", (20_000, 20_000)).save(path, "PNG"), "larger than"),
        (lambda path: Image.new("1", (9_000, 9_000)).save(path, "PNG"), "larger than"),
    ],
)
def test_what_cannot_be_drawn_is_refused_without_its_name(tmp_path: Path, make, rule: str) -> None:
    """One sentence; the path is not in it."""
    path = tmp_path / "NGUYEN"
    make(path)
    with pytest.raises(SceneInvalid) as refused:
        draw(Person(scene="person", portrait=path))

    assert rule in str(refused.value)
    assert "NGUYEN" not in str(refused.value)


def test_a_text_beyond_a_code_is_refused() -> None:
    """1200 characters of four bytes do not fit."""
    with pytest.raises(SceneInvalid, match="does not fit"):
        draw(Qr(scene="qr", text="\U0001f600" * 1200))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(damage=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=20))
def test_damaged_pictures_are_drawn_or_refused(portrait: Path, damage: list[tuple[int, int]]) -> None:
    """Any bytes flipped in a PNG: nothing but SceneInvalid comes out."""
    content = bytearray(portrait.read_bytes())
    for position, value in damage:
        content[position % len(content)] = value
    path = portrait.with_name("damaged.png")
    path.write_bytes(bytes(content))
    try:
        drawing = draw(Picture(scene="picture", path=path))
    except SceneInvalid:
        return
    assert drawing.canvas.mode == "RGB"
