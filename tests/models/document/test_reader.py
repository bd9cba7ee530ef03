from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from models.document.reader import DocumentReader
from tests.models.document import pages
from wire.catalogue import bundled
from wire.rules.mrz import Format

FORMS: tuple[Format, ...] = ("TD3", "TD2", "TD1")


def shown(font: Path, seed: int, form: Format, level: str, size: tuple[int, int] = pages.MAIN) -> pages.Held:
    """The frame of one random document."""
    rng = random.Random(seed)
    zone = pages.random_zone(rng, form)
    return pages.held(pages.flat_page(zone, form, font, rng), pages.LEVELS[level], rng, size)


def zone_of(seed: int, form: Format) -> tuple[str, ...]:
    return pages.random_zone(random.Random(seed), form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("level", ["L0", "L1"])
def test_a_page_held_up_is_read(reader: DocumentReader, font: Path, form: Format, level: str) -> None:
    """Every format, in one frame, as it is printed."""
    seen = reader.frame(shown(font, 1, form, level).frame)

    assert (seen.lines, seen.guide) == (zone_of(1, form), None)


def test_a_small_frame_is_read(reader: DocumentReader, font: Path) -> None:
    """1280x720."""
    seen = reader.frame(shown(font, 5, "TD3", "L1", pages.SMALL).frame)

    assert seen.lines == zone_of(5, "TD3")


def test_most_hard_frames_are_read_and_none_wrongly(reader: DocumentReader, font: Path) -> None:
    """Turned, tilted, blurred, dark on one side, compressed."""
    seen = [reader.frame(shown(font, seed, "TD3", "L2", pages.SMALL).frame).lines for seed in range(6)]
    right = [zone_of(seed, "TD3") for seed in range(6)]

    assert sum(one == other for one, other in zip(seen, right, strict=True)) >= 4
    assert all(one in (None, other) for one, other in zip(seen, right, strict=True))


def test_a_page_upside_down_is_read(reader: DocumentReader, font: Path) -> None:
    """And its corners say which way up it is."""
    rng = random.Random(3)
    zone = pages.random_zone(rng)
    page = pages.flat_page(zone, "TD3", font, rng)
    seen = reader.frame(pages.held(page, pages.LEVELS["L0"], rng, turned=180).frame)

    assert seen.lines == zone
    assert seen.corners is not None
    assert seen.corners[0, 0] > seen.corners[1, 0]
    assert seen.corners[0, 1] > seen.corners[3, 1]


@pytest.mark.parametrize("level", ["L0", "L2"])
def test_the_corners_are_those_of_the_text(reader: DocumentReader, font: Path, level: str) -> None:
    """On the page, in the order of reading, where the text is printed."""
    held = shown(font, 11, "TD3", level)
    seen = reader.frame(held.frame)
    assert seen.corners is not None
    # Text begins 6.62 mm from the left edge; its capitals reach from 78.5 - 6.35 mm to 82.5 mm below the upper one.
    wide, high = pages.SIZES["TD3"]
    left, top, bottom = (wide - 44 * 2.54) / 2, high - 5.5 - 6.35 - 2.5, high - 5.5
    flat = np.array([[left, top], [wide - left, top], [wide - left, bottom], [left, bottom]])
    right = pages.mapped(np.array([[0, 0], [wide, 0], [wide, high], [0, high]]), held.corners, flat)

    assert np.abs(seen.corners - right).max() < 14


def test_an_empty_room_asks_for_the_page(reader: DocumentReader) -> None:
    """Noise, edges and nothing at all are no zone."""
    numbers = np.random.default_rng(1)
    noise = numbers.integers(0, 255, (1296, 2304, 3)).astype(np.uint8)
    stripes = np.zeros((720, 1280, 3), np.uint8)
    stripes[::20] = 255

    for image in (noise, stripes, np.zeros((1296, 2304, 3), np.uint8)):
        seen = reader.frame(image)

        assert (seen.lines, seen.guide, seen.corners) == (None, "show_page", None)


def test_a_page_that_leaves_the_frame_must_go_back(reader: DocumentReader, font: Path) -> None:
    """Half a zone is not read."""
    frame = shown(font, 2, "TD3", "L0").frame
    whole = reader.frame(frame)
    assert whole.corners is not None
    cut = frame[:, : int(whole.corners[1, 0]) - 30].copy()
    seen = reader.frame(cut)

    assert seen.lines is None
    assert seen.guide in ("farther", "hold_still", "show_page")


def test_a_far_page_must_come_closer(reader: DocumentReader, font: Path) -> None:
    """Too few pixels to a character."""
    frame = Image.fromarray(shown(font, 2, "TD3", "L0").frame)
    small = Image.new("RGB", pages.MAIN, (120, 130, 140))
    small.paste(frame.resize((320, 180), Image.Resampling.BOX), (900, 500))
    seen = reader.frame(np.asarray(small))

    assert (seen.lines, seen.guide) == (None, "closer")


def test_a_changed_check_digit_is_no_reading(reader: DocumentReader, font: Path) -> None:
    """The reader never puts right what does not fit."""
    rng = random.Random(9)
    first, second = pages.random_zone(rng)
    broken = (first, second[:-1] + str((int(second[-1]) + 1) % 10))
    page = pages.flat_page(broken, "TD3", font, rng)
    seen = reader.frame(pages.held(page, pages.LEVELS["L0"], rng).frame)

    assert seen.lines is None
    assert seen.corners is not None


@settings(max_examples=25, deadline=None)
@given(
    image=st.tuples(st.integers(1, 60), st.integers(1, 90)).flatmap(lambda size: arrays(np.uint8, (*size, 3))),
    times=st.sampled_from([1, 7]),
)
def test_no_picture_makes_it_raise(reader: DocumentReader, image: np.ndarray, times: int) -> None:
    """Whatever the camera sends is an answer."""
    seen = reader.frame(np.repeat(np.repeat(image, times, 0), times, 1))

    assert (seen.lines is None) == (seen.guide is not None)
    assert seen.guide is None or f"document.guide.{seen.guide}" in bundled()


@pytest.mark.parametrize("shape", [(10, 10), (10, 10, 4), (0, 10, 3)])
def test_an_array_of_another_shape_is_refused(reader: DocumentReader, shape: tuple[int, ...]) -> None:
    """A mistake of the caller is not an empty frame."""
    with pytest.raises(ValueError, match="uint8"):
        reader.frame(np.zeros(shape, np.uint8))
