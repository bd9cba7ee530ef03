"""Likeness of two pictures: quiet about anything that is no finger, bounded, and the same both ways round."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.fingerprint import minutiae
from drivers.fingerprint.emulated import prints


def _picture(person: str, finger: str, press: int, width_px: int = 320, height_px: int = 400) -> np.ndarray:
    touch = prints.natural_touch(prints.seed_of(person, finger, press))
    return prints.impression(prints.master(1, person, finger), touch, width_px, height_px)


def test_presses_of_one_finger_are_alike_and_of_two_are_not() -> None:
    """With room on both sides of the limits; sizes may differ."""
    fingers = ["right_index", "left_index", "right_middle"]
    first = {name: minutiae.features(_picture("a", name, 0)).minutiae for name in fingers}
    second = {name: minutiae.features(_picture("a", name, 1, 288, 352)).minutiae for name in fingers}
    same = [minutiae.match(first[name], second[name]) for name in fingers]
    other = [minutiae.match(first[a], second[b]) for a in fingers for b in fingers if a != b]

    assert min(same) >= minutiae.SAME_FINGER > minutiae.AGREES > max(other) + 100


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 40)])
@pytest.mark.parametrize("kind", ["white", "black", "noise"])
def test_what_is_no_finger_is_like_nothing(size: tuple[int, int], kind: str) -> None:
    """Not even like itself, unless it has structure; never an error or a warning."""
    chance = np.random.default_rng(1)
    picture = {"white": np.full(size, 255), "black": np.zeros(size), "noise": chance.integers(0, 256, size)}[kind]
    found = minutiae.innermost(minutiae.features(picture.astype(np.uint8)).minutiae, 64)
    finger = minutiae.features(_picture("a", "right_index", 0)).minutiae

    assert minutiae.match(found, finger) < minutiae.AGREES


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 90), st.integers(0, 2**32 - 1))
def test_any_points_give_a_score_within_bounds(count: int, seed: int) -> None:
    """0 to 1000, whatever the points are."""
    chance = np.random.default_rng(seed)
    points = (chance.random((count, 3)) * (400, 400, 6.28)).astype(np.float32)
    chosen = minutiae.innermost(points, 64)

    assert len(chosen) == min(count, 64)
    assert 0 <= minutiae.match(chosen, chosen[::-1]) <= 1000
