"""Synthetic prints and the emulated matcher: deterministic, and one finger is told from another by its image."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from drivers.fingerprint.emulated import matcher, platen, prints
from drivers.fingerprint.profiles import R307, R503, Profile


def test_the_same_seed_gives_the_same_print_and_another_seed_another() -> None:
    """Also across processes: nothing depends on hash randomisation."""
    prints.master.cache_clear()
    first = prints.master(7, "p", "right_thumb")
    prints.master.cache_clear()
    again, other = prints.master(7, "p", "right_thumb"), prints.master(8, "p", "right_thumb")

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert prints.seed_of("a", 1) == int.from_bytes(hashlib.sha256(b"a\x001").digest()[:8], "big") >> 1


def test_an_impression_uses_four_bits_only() -> None:
    """As the real sensors: nibble times 17."""
    picture = prints.impression(prints.master(1, "p", "a"), prints.natural_touch(1), 192, 192)

    assert picture.shape == (192, 192)
    assert set(np.unique(picture).tolist()) <= {17 * level for level in range(16)}


@pytest.mark.parametrize("profile", [R307, R503], ids=lambda profile: profile.name)
def test_genuine_scores_lie_above_the_threshold_and_impostors_below(profile: Profile) -> None:
    """Matching is decided on what the image shows: 5 fingers, 2 presses each."""
    files = {
        (finger, press): matcher.pack(
            matcher.features(
                prints.impression(
                    prints.master(3, "m", str(finger)),
                    prints.natural_touch(prints.seed_of(finger, press)),
                    profile.width_px,
                    profile.height_px,
                )
            ).minutiae,
            profile.char_bytes,
        )
        for finger in range(5)
        for press in range(2)
    }
    genuine, impostor = [], []
    for left in files:
        for right in files:
            if left < right:
                score = matcher.match_files([files[left]], [files[right]])
                (genuine if left[0] == right[0] else impostor).append(score)

    assert min(genuine) >= matcher.THRESHOLDS[3]
    assert max(impostor) < matcher.THRESHOLDS[3]


def test_a_finger_matches_itself_when_turned_and_shifted() -> None:
    """Alignment is part of matching."""
    ridges = prints.master(3, "m", "x")
    straight, turned = (
        matcher.features(prints.impression(ridges, touch, 256, 288)).minutiae
        for touch in (prints.Touch(seed=1), prints.Touch(seed=2, dx_px=18, dy_px=-12, rotation_deg=14))
    )

    assert matcher.match(straight, turned) >= matcher.THRESHOLDS[3]


@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 287), st.integers(0, 127)), max_size=80),
    st.sampled_from([256, 512]),
)
def test_a_character_file_has_its_exact_size_and_reads_back(points: list[tuple[int, int, int]], size: int) -> None:
    """Positions to the pixel, directions to 1/128 of a turn."""
    minutiae = np.array([(x, y, a / 128 * 2 * np.pi + 1e-4) for x, y, a in points], np.float32).reshape(-1, 3)
    file = matcher.pack(minutiae, size)
    back = matcher.unpack(file)
    room = (size - 5) // 4

    assert len(file) == size
    assert len(back) == min(len(points), room)
    if len(points) <= room:
        assert np.allclose(back[:, :2], minutiae[:, :2])
        assert np.allclose(back[:, 2], minutiae[:, 2], atol=2e-3)


@given(st.binary(max_size=300))
def test_a_file_that_is_none_has_no_minutiae_or_those_it_claims(file: bytes) -> None:
    """Never an exception: a sensor answers `no match` to rubbish."""
    assert len(matcher.unpack(file)) <= 255
    assert matcher.match_files([file], [file]) >= 0


def test_given_images_take_the_place_of_synthetic_ones(tmp_path) -> None:
    """A folder <person>/<finger>.png is used where it has the finger."""
    (tmp_path / "p").mkdir()
    stripes = (np.sin(np.arange(300)[None, :] * 2 * np.pi / 9 + np.zeros((330, 1))) * 127 + 127).astype(np.uint8)
    Image.fromarray(stripes).save(tmp_path / "p" / "left_index.png")
    source = platen.Source(1, tmp_path)
    touch = prints.Touch(seed=1)
    given_finger = source.picture(platen.Placed("p", "left_index", touch), 256, 288, 0)
    synthetic = source.picture(platen.Placed("p", "left_thumb", touch), 256, 288, 0)
    changes = np.abs(np.diff(given_finger[100:180, 60:200].astype(int), axis=0)).mean()

    assert changes < np.abs(np.diff(given_finger[100:180, 60:200].astype(int), axis=1)).mean() / 2
    assert not np.array_equal(given_finger, synthetic)
