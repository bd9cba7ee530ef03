from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from models.face import geometry
from models.policy import FacePolicy

SIZE = (720, 960)


def smooth() -> Image.Image:
    ramp = np.linspace(0, 255, SIZE[0] * SIZE[1] * 3).reshape(SIZE[1], SIZE[0], 3)
    return Image.fromarray(ramp.astype(np.uint8))


def noisy(strength: float) -> Image.Image:
    random = np.random.default_rng(1)
    return Image.fromarray(np.clip(random.normal(128, strength, (SIZE[1], SIZE[0], 3)), 0, 255).astype(np.uint8))


def test_an_easy_picture_gets_the_best_quality(policy: FacePolicy) -> None:
    jpeg, quality = geometry.encode(smooth(), policy.portrait)

    assert quality == policy.portrait.jpeg_quality_max
    assert len(jpeg) <= policy.portrait.jpeg_max_bytes


def test_a_harder_picture_gets_the_best_quality_that_fits(policy: FacePolicy) -> None:
    form, picture = policy.portrait, noisy(7)
    jpeg, quality = geometry.encode(picture, form)
    better = io.BytesIO()
    picture.save(better, "JPEG", quality=quality + 1, subsampling="4:2:0")

    assert form.jpeg_quality_min < quality < form.jpeg_quality_max
    assert len(jpeg) <= form.jpeg_max_bytes < better.tell()


def test_a_picture_that_never_fits_is_still_taken_at_the_lowest_quality(policy: FacePolicy) -> None:
    """A portrait that is a little too large is better than none."""
    jpeg, quality = geometry.encode(noisy(90), policy.portrait)

    assert quality == policy.portrait.jpeg_quality_min
    assert len(jpeg) > policy.portrait.jpeg_max_bytes


@pytest.mark.parametrize(
    ("crop", "share"),
    [
        (geometry.Crop(0, 0, 100, 100), 1.0),
        (geometry.Crop(-50, 0, 50, 100), 0.5),
        (geometry.Crop(-50, -50, 50, 50), 0.25),
        (geometry.Crop(500, 500, 600, 600), 0.0),
    ],
)
def test_the_share_inside_a_frame(crop: geometry.Crop, share: float) -> None:
    assert crop.inside(300, 200) == pytest.approx(share)
