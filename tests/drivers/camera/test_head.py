"""A posed photograph: a landmark model reads the turn, the lids and the mouth that were asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from drivers.camera.head import Anchor, Eyes, Pose, Worn, dressed, posed, usual_eyes
from models.face.types import Assessment

Measure = Callable[[Image.Image], dict[str, float]]
EYES: Eyes = ((0.42, 0.45), (0.58, 0.45))


@pytest.fixture(scope="module")
def measure(look: Callable[[Image.Image], Assessment]) -> Measure:
    """Pose, lids and lips by name."""

    def measured(image: Image.Image) -> dict[str, float]:
        seen = look(image)
        assert seen.face is not None
        return {component.name: float(component.raw) for component in seen.components}

    return measured


@pytest.mark.parametrize("yaw_deg", [-35, -20, -12, 12, 20, 35])
def test_a_turned_head_is_seen_turned(measure: Measure, photograph: Image.Image, pupils: Eyes, yaw_deg: float) -> None:
    """Same sign, at least half and at most half as much again; pitch stays."""
    rest = measure(photograph)
    seen = measure(posed(photograph, pupils, Pose(yaw_deg=yaw_deg)))

    assert 0.5 < (seen["yaw"] - rest["yaw"]) / yaw_deg < 1.5
    assert abs(seen["pitch"] - rest["pitch"]) < 6


@pytest.mark.parametrize("pitch_deg", [-24, -12, 12, 24])
def test_a_nodding_head_is_seen_nodding(
    measure: Measure, photograph: Image.Image, pupils: Eyes, pitch_deg: float
) -> None:
    """Same sign, at least half and at most half as much again; yaw stays."""
    rest = measure(photograph)
    seen = measure(posed(photograph, pupils, Pose(pitch_deg=pitch_deg)))

    assert 0.5 < (seen["pitch"] - rest["pitch"]) / pitch_deg < 1.5
    assert abs(seen["yaw"] - rest["yaw"]) < 5


def test_the_more_it_turns_the_more_is_seen(measure: Measure, photograph: Image.Image, pupils: Eyes) -> None:
    """Monotone from left to right."""
    seen = [measure(posed(photograph, pupils, Pose(yaw_deg=yaw)))["yaw"] for yaw in range(-30, 31, 10)]

    assert seen == sorted(seen)


def test_closing_lids_are_seen_closing(measure: Measure, photograph: Image.Image, pupils: Eyes) -> None:
    """The gap shrinks with every step, to less than half when shut."""
    gaps = [measure(posed(photograph, pupils, Pose(eyes_closed=share)))["eyes_open"] for share in (0, 0.4, 0.7, 1)]

    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 0.55 * gaps[0]


def test_an_opened_mouth_is_seen_open(measure: Measure, photograph: Image.Image, pupils: Eyes) -> None:
    """Several times the gap of closed lips."""
    closed = measure(photograph)["mouth_closed"]
    if closed > 0.05:
        pytest.skip("the portrait at hand smiles with open lips")

    assert measure(posed(photograph, pupils, Pose(mouth_open=1.0)))["mouth_closed"] > closed + 0.03


@pytest.mark.parametrize(
    ("worn", "place"),
    [
        (Worn(glasses="clear"), (-0.88, 0.04)),
        (Worn(glasses="dark"), (0.5, 0.0)),
        (Worn(covered="mask"), (0.0, 1.1)),
        (Worn(covered="hand"), (0.2, 0.9)),
        (Worn(hat=True), (0.0, -1.2)),
    ],
)
def test_what_is_worn_is_where_it_belongs(
    photograph: Image.Image, pupils: Eyes, worn: Worn, place: tuple[float, float]
) -> None:
    """Pixels change there, and nowhere far from it."""
    anchor = Anchor.of(pupils, photograph.size)
    x, y = (round(value) for value in anchor.place(*place))
    changed = np.abs(np.asarray(dressed(photograph, pupils, worn)).astype(int) - np.asarray(photograph)).sum(axis=2)

    assert changed[y - 4 : y + 5, x - 4 : x + 5].max() > 60
    assert changed[round(anchor.y + 2.6 * anchor.e) :].max() == 0


def test_dark_glasses_hide_the_eyes_and_a_reflection_whitens_them(photograph: Image.Image, pupils: Eyes) -> None:
    """The pupil's pixel is nearly black, or nearly white."""
    x, y = round(pupils[0][0] * photograph.width), round(pupils[0][1] * photograph.height)

    assert max(dressed(photograph, pupils, Worn(glasses="dark")).getpixel((x, y))) < 40
    assert min(dressed(photograph, pupils, Worn(glasses="glare")).getpixel((x, y))) > 200


def test_nothing_asked_is_the_photograph_itself() -> None:
    """No copy, no loss."""
    image = Image.new("RGB", (60, 80))

    assert posed(image, EYES, Pose()) is image
    assert dressed(image, EYES, Worn()) is image


def test_posing_leaves_the_photograph_as_it_was() -> None:
    """Every pose begins from the same picture."""
    image = Image.effect_noise((300, 400), 40).convert("RGB")
    before = image.tobytes()
    posed(image, EYES, Pose(20, 10, 1, 1))
    dressed(image, EYES, Worn("dark", "hand", True))

    assert image.tobytes() == before


def test_shoulders_and_backdrop_do_not_turn() -> None:
    """Beyond the head every pixel stays."""
    image = Image.effect_noise((600, 800), 60).convert("RGB")
    turned = np.asarray(posed(image, ((0.45, 0.4), (0.55, 0.4)), Pose(yaw_deg=30)))

    assert np.array_equal(turned[650:], np.asarray(image)[650:])
    assert np.array_equal(turned[:, :120], np.asarray(image)[:, :120])


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.tuples(*[st.tuples(st.floats(0, 1), st.floats(0, 1))] * 2),
    st.builds(Pose, st.floats(-45, 45), st.floats(-30, 30), st.floats(0, 1), st.floats(0, 1)),
)
def test_any_photograph_keeps_its_size(size: tuple[int, int], eyes: Eyes, pose: Pose) -> None:
    """Also a pixel, also with eyes that coincide or lie upside down."""
    image = Image.new("RGB", size, (90, 100, 110))

    assert posed(image, eyes, pose).size == size
    assert dressed(image, eyes, Worn("glare", "hand", True)).size == size


@pytest.mark.parametrize("size", [(600, 600), (350, 450), (480, 640), (1000, 400)])
def test_the_usual_eyes_are_level_and_inside(size: tuple[int, int]) -> None:
    """Left one first, a little above the middle."""
    (ax, ay), (bx, by) = usual_eyes(size)

    assert ay == by
    assert 0 < ax < 0.5 < bx < 1
    assert 0.35 < ay < 0.5
