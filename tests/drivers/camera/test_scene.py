"""What the lens sees of a scene: real sizes, readable codes, the right ones in front, clear refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from drivers.camera.commands import Black, Empty, Group, Page, Person, Picture, Qr, Still, TwoPeople
from drivers.camera.errors import SceneInvalid
from drivers.camera.paint import paint
from drivers.camera.props import Props
from drivers.camera.render import Renderer, View
from drivers.camera.scene import Sight, drift_px, focus_m, transmission
from drivers.camera.sensor import LORES_WIDTH, MAIN_HEIGHT, MAIN_WIDTH
from drivers.camera.show import made

LORES = LORES_WIDTH / MAIN_WIDTH


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


def sight(still: Still) -> Sight:
    return made(still).at(0.0, 400.0).sight


def seen(still: Still, scale: float = 1.0, lens: float | None = None) -> np.ndarray:
    """In focus, without sway, light or noise."""
    return np.asarray(paint(sight(still), scale, lens=1 / focus_m(still) if lens is None else lens))


def dots(pixels: np.ndarray) -> list[float]:
    """x of the dark dots, left to right."""
    columns = np.flatnonzero((pixels.max(axis=2) < 60).any(axis=0))
    if columns.size == 0:
        return []
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > 5) + 1)
    return [float(group.mean()) for group in groups]


@pytest.mark.parametrize("distance_m", [0.4, 0.6, 1.0])
def test_a_person_is_as_large_as_at_that_distance(portrait: Path, distance_m: float) -> None:
    """63 mm between the eyes appear as 1774 px times 63 mm over the distance: at least 90 px up to 1.2 m."""
    eyes = dots(seen(Person(scene="person", portrait=portrait, distance_m=distance_m)))

    assert len(eyes) == 2
    assert eyes[1] - eyes[0] == pytest.approx(1774 / distance_m * 0.38 / 6, rel=0.02)
    assert eyes[1] - eyes[0] > 90
    assert sum(eyes) / 2 == pytest.approx(MAIN_WIDTH / 2, abs=3)


def test_both_streams_show_the_same(portrait: Path) -> None:
    """The small stream is the large one made smaller, to within rounding at edges."""
    person = Person(scene="person", portrait=portrait, distance_m=0.5, offset_x=0.1, roll_deg=7.0)
    large = Image.fromarray(seen(person)).resize((640, 360), Image.Resampling.BOX)
    difference = np.abs(np.asarray(large).astype(int) - seen(person, LORES).astype(int))

    assert difference.mean() < 1.5
    assert np.percentile(difference, 99.5) < 40


def test_offsets_move_the_person(portrait: Path) -> None:
    """In frame widths."""
    eyes = dots(seen(Person(scene="person", portrait=portrait, offset_x=0.2)))

    assert sum(eyes) / 2 == pytest.approx(MAIN_WIDTH * 0.7, abs=3)


@pytest.mark.parametrize("offset_x", [-1.4, 1.4])
def test_a_person_can_stand_outside_the_frame(portrait: Path, offset_x: float) -> None:
    """Nothing of them is seen, and nothing breaks."""
    assert dots(seen(Person(scene="person", portrait=portrait, offset_x=offset_x), LORES)) == []


def test_two_people_are_two(portrait: Path) -> None:
    """Four eyes; the second person stands farther away."""
    eyes = dots(seen(TwoPeople(scene="two_people", portrait=portrait)))

    assert len(eyes) == 4
    assert eyes[3] - eyes[2] < eyes[1] - eyes[0]


def test_who_is_nearer_stands_in_front(portrait: Path, tmp_path: Path) -> None:
    """Whatever their order; the lens focuses on the first."""
    Image.new("RGB", (600, 600), (0, 160, 0)).save(tmp_path / "green.png")
    near = Person(scene="person", portrait=tmp_path / "green.png", distance_m=0.5)
    far = Person(scene="person", portrait=portrait, distance_m=0.9)
    for people in ((near, far), (far, near)):
        group = Group(scene="group", people=people)
        middle = seen(group, LORES)[180, 320].astype(int)

        assert middle[1] > middle[0] + 80
        assert focus_m(group) == people[0].distance_m


@pytest.mark.parametrize("text", ["ABC", "TK01|NGUYỄN VĂN Ạ|" + "0123456789" * 12])
def test_a_held_up_code_reads_in_the_small_stream(text: str) -> None:
    """The code is turned in space and noisy, and still decodes."""
    shown = sight(Qr(scene="qr", text=text))
    renderer = Renderer(seed=3)
    read = 0
    for number in range(5):
        found = zxingcpp.read_barcodes(renderer.lores(shown, View(number, 1.0, 2.0, 1 / 0.22)))
        read += [code.text for code in found] == [text]

    assert read == 5


def test_who_holds_the_code_is_out_of_focus_behind_it(portrait: Path) -> None:
    """The person's dots blur while the card is in focus."""
    person = Person(scene="person", portrait=portrait, distance_m=0.7)
    alone = seen(person, LORES)
    behind = seen(Qr(scene="qr", text="x", size_m=0.02, offset_y=0.4, behind=person), LORES)

    assert behind[100:170, 280:360].min() > alone[100:170, 280:360].min() + 20


def test_a_held_picture_has_no_dark_rim() -> None:
    """Of a card of which only the white border is in the frame, nothing is darker than the wall."""
    border = Qr(scene="qr", text="x", size_m=0.05, offset_x=0.575)
    for scale in (1.0, LORES):
        pixels = seen(border, scale)

        assert pixels.max() > 240
        assert pixels.min() > 190


def test_black_is_dark_and_empty_is_light() -> None:
    """A covered lens lets next to no light through."""
    assert transmission(Black(scene="black")) < 0.01
    assert seen(Empty(scene="empty"), LORES).mean() > 180


def test_what_moves_while_the_shutter_is_open_is_smeared(portrait: Path) -> None:
    """Along the movement only, and as far as it goes."""
    here = Person(scene="person", portrait=portrait)
    there = here.model_copy(update={"offset_x": 0.01})
    drift = drift_px(here, there)
    sharp = np.asarray(paint(sight(here), 1.0, lens=1 / 0.6)).astype(int)
    smeared = np.asarray(paint(sight(here), 1.0, lens=1 / 0.6, drift_px=drift)).astype(int)

    assert drift == pytest.approx((23.04, 0))
    assert np.abs(np.diff(smeared, axis=1)).max() < 0.2 * np.abs(np.diff(sharp, axis=1)).max()
    assert np.abs(np.diff(smeared, axis=0)).max() > 0.25 * np.abs(np.diff(sharp, axis=0)).max()


def test_out_of_focus_is_blurred(portrait: Path) -> None:
    """Edges of the dots become soft when the lens is elsewhere."""
    person = Person(scene="person", portrait=portrait)
    sharp, blurred = seen(person), seen(person, lens=5.0)

    assert np.diff(blurred[:, :, 0].astype(int), axis=1).max() < np.diff(sharp[:, :, 0].astype(int), axis=1).max() / 2


@pytest.mark.parametrize("scale", [1.0, LORES])
def test_every_scene_fills_the_frame(portrait: Path, scale: float) -> None:
    """One size, RGB."""
    for still in (Empty(scene="empty"), Picture(scene="picture", path=portrait), Qr(scene="qr", text="x")):
        assert seen(still, scale).shape == (round(MAIN_HEIGHT * scale), round(MAIN_WIDTH * scale), 3)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "CMYK", "1", "I;16"])
def test_pictures_of_any_mode_are_drawn(tmp_path: Path, mode: str) -> None:
    """Grey, palette, transparent and print pictures."""
    path = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    Image.new(mode, (40, 30)).save(path)

    assert seen(Picture(scene="picture", path=path), LORES).shape == (360, 640, 3)


def test_exif_orientation_is_obeyed(tmp_path: Path) -> None:
    """A telephone's picture stands upright."""
    image = Image.new("RGB", (40, 20), (0, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    dark = (seen(Picture(scene="picture", path=tmp_path / "a.jpg"), LORES).max(axis=2) < 60).any(axis=0).sum()

    assert 0 < dark < LORES_WIDTH / 3


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
        made(Person(scene="person", portrait=path))

    assert rule in str(refused.value)
    assert "NGUYEN" not in str(refused.value)


def test_a_refusal_names_whose_picture_it_is(portrait: Path, tmp_path: Path) -> None:
    """The second person's, or the one's behind a card."""
    gone = tmp_path / "none.png"
    with pytest.raises(SceneInvalid, match=r"^second: no such file"):
        made(TwoPeople(scene="two_people", portrait=portrait, second=gone))
    with pytest.raises(SceneInvalid, match=r"^behind\.portrait: no such file"):
        made(Qr(scene="qr", text="x", behind=Person(scene="person", portrait=gone)))


def test_a_text_beyond_a_code_is_refused() -> None:
    """1200 characters of four bytes do not fit."""
    with pytest.raises(SceneInvalid, match="does not fit"):
        made(Qr(scene="qr", text="\U0001f600" * 1200))


_ANGLES = st.floats(-60, 60)


@settings(max_examples=30, deadline=None)
@given(_ANGLES, _ANGLES, st.floats(-180, 180), st.floats(0.15, 4), st.floats(-1.5, 1.5), st.floats(0.02, 0.5))
def test_any_way_to_hold_a_code_is_drawn(
    yaw: float, pitch: float, roll: float, distance_m: float, offset: float, size_m: float
) -> None:
    """Also turned so far that it would touch the lens."""
    still = Qr(
        scene="qr",
        text="x",
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
        distance_m=distance_m,
        offset_x=offset,
        size_m=size_m,
    )

    assert seen(still, LORES).shape == (360, 640, 3)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.floats(0.15, 4),
    st.floats(-1.5, 1.5),
    st.floats(-1.5, 1.5),
    st.floats(-45, 45),
    st.floats(-45, 45),
    st.floats(-30, 30),
    st.floats(0, 1),
    st.floats(0, 1),
    st.tuples(*[st.tuples(st.floats(0, 1), st.floats(0, 1))] * 2),
    st.sampled_from(["none", "clear", "glare", "dark"]),
    st.sampled_from(["none", "mask", "hand"]),
)
def test_any_person_is_drawn(
    portrait: Path, distance, x, y, roll, yaw, pitch, closed, mouth, eyes, glasses, covered
) -> None:
    """Every field anywhere in its range, the eyes anywhere in the photograph."""
    still = Person(
        scene="person",
        portrait=portrait,
        distance_m=distance,
        offset_x=x,
        offset_y=y,
        roll_deg=roll,
        yaw_deg=yaw,
        pitch_deg=pitch,
        eyes_closed=closed,
        mouth_open=mouth,
        eyes=eyes,
        glasses=glasses,
        covered=covered,
        hat=True,
    )

    assert seen(still, LORES).shape == (360, 640, 3)


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
        show = made(Picture(scene="picture", path=path))
    except SceneInvalid:
        return
    assert paint(show.at(0, 400).sight, LORES, lens=2.0).mode == "RGB"


def test_each_file_is_read_once(portrait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script of many steps with one portrait opens it once, and keeps one picture of it."""
    opened: list[Path] = []
    real = Image.open
    monkeypatch.setattr(Image, "open", lambda path: opened.append(path) or real(path))
    people = tuple(Person(scene="person", portrait=portrait, distance_m=0.3 + 0.1 * step) for step in range(20))
    props = Props((*people, Group(scene="group", people=people[:3])))

    assert len(opened) == 1
    assert len({id(props.photograph(person)) for person in people}) == 1


@pytest.mark.usefixtures("ocr_b")
def test_glare_washes_the_print_out_where_it_lies() -> None:
    """Letters under the reflection lose contrast, the others keep it."""
    lines = ("H" * 44, "H" * 44)
    plain = seen(Page(scene="page", lines=lines))
    lit = seen(Page(scene="page", lines=lines, glare=1.0, glare_x=0.5, glare_y=0.85))
    zone = slice(1000, 1260)

    assert plain[zone, 1100:1200].min() < 70
    assert lit[zone, 1100:1200].min() > 140
    assert lit[zone, 340:500].min() < 70
