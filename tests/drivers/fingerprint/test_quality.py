"""Quality of one press."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.fingerprint import quality
from drivers.fingerprint.emulated import prints


def _stripes(period_px: float, size: tuple[int, int] = (288, 256)) -> np.ndarray:
    across = np.arange(size[1])[None, :] + 0.3 * np.arange(size[0])[:, None]
    return (127.5 + 127.5 * np.sin(2 * np.pi * across / period_px)).astype(np.uint8)


def _noise(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (288, 256)).astype(np.uint8)


def test_straight_ridges_are_wholly_coherent_and_certain() -> None:
    """The ideal pattern scores almost 1 everywhere."""
    value = quality.measure(_stripes(9))

    assert value.foreground_share == 1.0
    assert value.coherent_area > 0.97
    assert value.orientation_certainty > 0.97


def test_white_noise_is_neither() -> None:
    """Texture without direction."""
    value = quality.measure(_noise())

    assert value.coherent_area < 0.2
    assert value.orientation_certainty < 0.3


def test_an_empty_platen_has_no_foreground() -> None:
    """Blank and faintly noisy glass."""
    for picture in (np.full((288, 256), 255, np.uint8), (_noise() // 12 + 200).astype(np.uint8)):
        value = quality.measure(picture)

        assert (value.foreground_share, value.coherent_area) == (0.0, 0.0)


def test_half_a_print_has_half_the_area() -> None:
    """Area shows in the share and in the coherent area."""
    picture = np.full((288, 256), 255, np.uint8)
    picture[:, :128] = _stripes(9)[:, :128]
    value = quality.measure(picture)

    assert value.foreground_share == pytest.approx(0.5, abs=0.01)
    assert value.coherent_area == pytest.approx(0.5, abs=0.03)


def test_orientation_certainty_follows_the_eigenvalues_of_each_block() -> None:
    """ISO/IEC 29794-4: computed here block by block with numpy's own gradient and eigenvalues."""
    picture = prints.impression(prints.master(1, "q", "a"), prints.natural_touch(3), 256, 288)
    expected = []
    for top in range(0, 288, 32):
        for left in range(0, 256, 32):
            down, across = np.gradient(picture[top : top + 32, left : left + 32].astype(float))
            matrix = np.cov(np.stack([across.ravel(), down.ravel()]), bias=True)
            mean = np.array([across.mean(), down.mean()])
            smaller, larger = np.linalg.eigvalsh(matrix + np.outer(mean, mean))
            expected.append(1 - smaller / larger)

    assert quality.measure(picture).orientation_certainty == pytest.approx(np.mean(expected), abs=1e-4)


@pytest.mark.parametrize(("worse", "than"), [({"moisture": 0.05}, {}), ({"moisture": 1.0, "pressure": 1.0}, {})])
def test_dry_and_wet_fingers_score_below_normal_ones(worse: dict[str, float], than: dict[str, float]) -> None:
    """The gate's limits lie between them."""
    ridges = prints.master(1, "q", "a")
    bad, good = (
        quality.measure(prints.impression(ridges, prints.Touch(seed=4, **touch), 256, 288)) for touch in (worse, than)
    )

    assert bad.coherent_area < 0.45 < good.coherent_area
    assert bad.orientation_certainty < good.orientation_certainty


@given(st.binary(min_size=96 * 64 // 2, max_size=96 * 64 // 2))
def test_packing_is_exact_and_every_value_stays_in_range(packed: bytes) -> None:
    """Any bytes are a picture; shares stay within 0..1."""
    grey = quality.unpacked(packed, 96, 64)
    value = quality.measure(grey)

    assert quality.packed_of(grey) == packed
    for share in (value.foreground_share, value.coherent_area, value.orientation_certainty):
        assert 0.0 <= share <= 1.0


def test_darkness_tells_pressure() -> None:
    """A hard press is darker than a light one, and blank glass has no darkness."""
    ridges = prints.master(1, "q", "a")
    light, hard = (
        quality.mean_darkness(prints.impression(ridges, prints.Touch(seed=4, pressure=p), 256, 288)) for p in (0, 1)
    )

    assert 0 < light < hard < 1
    assert quality.mean_darkness(np.full((288, 256), 255, np.uint8)) == 0
