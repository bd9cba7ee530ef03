from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from models.document.fields import LINES, allowed, plausible
from models.document.locate import LOOKS, MAX_CANDIDATES, Look, locate
from models.document.regions import bridged, labels_of, runs_of


def dashes(turned: float, finer: int = 1) -> Image.Image:
    """Two lines of 40 marks in the middle of a frame, turned clockwise about it."""
    page = Image.new("L", (2304, 1296), 220)
    draw = ImageDraw.Draw(page)
    step = 30 // finer
    for row in (0, 1):
        for column in range(40):
            x, y = 1152 + (column - 20) * step, 648 + (row * 2.5 - 1.75) * step
            draw.rectangle((x, y, x + step * 0.6, y + step), fill=40)
    return page.rotate(-turned, Image.Resampling.BICUBIC, fillcolor=220)


@pytest.mark.parametrize(
    ("turned", "look"), [(0, LOOKS[0]), (12, LOOKS[0]), (-12, LOOKS[0]), (0, LOOKS[1]), (28, Look(turned=28)),
                         (-35, Look(turned=-28)), (90, Look(turned=90)), (80, Look(turned=90))]
)  # fmt: skip
def test_lines_are_found_where_they_are(turned: float, look: Look) -> None:
    """In pixels of the frame, whichever way it was looked at."""
    (found,) = locate(dashes(turned, look.finer), look)
    angle = np.radians(turned)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    step = 30 / look.finer

    assert len(found) == 2
    for row, line in enumerate(found):
        middle = row * 2.5 * step - 1.25 * step
        ends = [np.array([1152, 648]) + turn @ [side * 20 * step, middle] for side in (-1, 1)]
        assert np.abs(line.start - ends[0]).max() < step
        assert np.abs(line.end - ends[1]).max() < step
        assert line.height == pytest.approx(step, rel=0.35)


def test_there_are_never_many_candidates() -> None:
    """A page full of lines costs no more than a few looks."""
    page = Image.new("L", (2304, 1296), 220)
    draw = ImageDraw.Draw(page)
    for row in range(20):
        for column in range(60):
            draw.rectangle((200 + column * 30, 60 + row * 60, 218 + column * 30, 84 + row * 60), fill=30)

    assert 1 <= len(locate(page)) <= MAX_CANDIDATES


def reference(mask: np.ndarray) -> np.ndarray:
    """Labels of pixels by flooding, the slow way."""
    label = np.full(mask.shape, -1)
    for number, start in enumerate(zip(*np.nonzero(mask), strict=True)):
        if label[start] >= 0:
            continue
        waiting = [start]
        while waiting:
            y, x = waiting.pop()
            if not (0 <= y < mask.shape[0] and 0 <= x < mask.shape[1]) or not mask[y, x] or label[y, x] >= 0:
                continue
            label[y, x] = number
            waiting += [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return label


@given(arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_regions_are_those_of_flooding(mask: np.ndarray) -> None:
    """Same partition of the same pixels."""
    runs = runs_of(mask)
    label = labels_of(runs)
    right = reference(mask)
    pairs = {
        (int(label[index]), int(right[runs.row[index], column]))
        for index in range(len(runs))
        for column in range(runs.first[index], runs.last[index] + 1)
    }

    assert sum(runs.last - runs.first + 1) == mask.sum()
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


def test_gaps_up_to_the_limit_are_bridged() -> None:
    """In one row only."""
    mask = np.array([[1, 0, 0, 1, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0, 0, 1]], bool)
    runs = bridged(runs_of(mask), 2)

    assert list(zip(runs.row, runs.first, runs.last, strict=True)) == [(0, 0, 3), (0, 7, 7), (1, 0, 0), (1, 7, 7)]


@pytest.mark.parametrize("form", ["TD3", "TD2", "TD1"])
def test_each_position_has_its_classes(form: str) -> None:
    """As many as the format has characters; a date never holds a letter."""
    may = allowed(form)
    many, count = LINES[form]
    birth = 44 + 13 if form == "TD3" else 36 + 13 if form == "TD2" else 30

    assert may.shape == (many * count, 37)
    assert may.any(axis=1).all()
    assert may[birth : birth + 6].sum(axis=1).tolist() == [11] * 6
    assert may[birth + 6].sum() == 10


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("SMITH<<JO", True),
        ("SMITH<<JO<ANN", True),
        ("SMITH", True),
        ("SMITH<<<JO", False),
        ("SMITH<<JO<<<<K", False),
        ("<SMITH", False),
    ],
)
def test_nothing_follows_the_padding_of_a_name(name: str, good: bool) -> None:
    """No issuer prints such a field: a character was misread."""
    assert plausible("TD3", (f"P<UTO{name}".ljust(44, "<"), "")) is good
