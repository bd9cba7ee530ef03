"""Invariances of the components: what must hold for every face, whatever the limits are."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from models.face import detail, landmarks, light
from models.face.pipeline import FacePipeline
from models.face.pose import _LEFT, _LOWER, _RIGHT, _UPPER, pose
from models.face.types import Face, Measured, Rgb
from models.policy import FacePolicy

Place = Callable[..., Image.Image]
SQUARE = landmarks.Roi(96.0, 96.0, 192.0, 0.0)


@pytest.fixture(scope="module")
def frame(person: Image.Image, placed: Place) -> Rgb:
    return np.asarray(placed(person))


@pytest.fixture(scope="module")
def face(pipeline: FacePipeline, policy: FacePolicy, frame: Rgb) -> Face:
    found = pipeline.analyse(frame, policy).face
    assert found is not None
    return found


@pytest.fixture(scope="module")
def cut(frame: Rgb, face: Face) -> Callable[[Rgb], light.Lit]:
    """The lit face of a changed frame, with the landmarks of the unchanged one."""
    left, top, right, bottom = face.box
    square = landmarks.Roi((left + right) / 2, (top + bottom) / 2, (right - left) * 1.5, 0.0)
    return lambda rgb: light.lit(np.asarray(landmarks.cut(rgb, square)), square, face)


def value(measured: list[Measured], name: str) -> float:
    return next(raw for known, raw, _ in measured if known == name)


@settings(max_examples=15, deadline=None)
@given(one=st.floats(0.05, 3), other=st.floats(0.05, 3))
def test_a_brighter_picture_never_reads_darker(
    frame: Rgb, cut: Callable[[Rgb], light.Lit], one: float, other: float
) -> None:
    dark, bright = sorted((one, other))
    seen = []
    for factor in (dark, bright):
        view = cut(np.clip(frame * np.float32(factor), 0, 255).astype(np.uint8))
        seen.append([*light.exposure(view), *light.tone(view)])

    assert value(seen[1], "luminance_mean") >= value(seen[0], "luminance_mean")
    assert value(seen[1], "under_exposure") <= value(seen[0], "under_exposure")
    assert value(seen[1], "over_exposure") >= value(seen[0], "over_exposure")


def test_more_blur_is_never_sharper(frame: Rgb, face: Face) -> None:
    picture = Image.fromarray(frame)
    blurred = [np.asarray(picture.filter(ImageFilter.GaussianBlur(step * 0.5))) for step in range(9)]
    read = [detail.sharpness(rgb, face) for rgb in blurred]

    raws, scores = [raw for _, raw, _ in read], [score for _, _, score in read]
    assert raws == sorted(raws, reverse=True)
    assert scores == sorted(scores, reverse=True)
    assert raws[4] < raws[0] / 2


@settings(max_examples=60, deadline=None)
@given(turn=st.floats(-40, 40), nod=st.floats(-30, 30), lean=st.floats(-30, 30), seed=st.integers(0, 999))
def test_a_mirrored_head_has_the_same_pitch_and_the_other_yaw_and_roll(
    turn: float, nod: float, lean: float, seed: int
) -> None:
    points = turned(head(seed), turn, nod, lean)
    mirror = points * np.array([-1, 1, 1], np.float32)
    for one, other in zip((*_LEFT, 67, 150), (*_RIGHT, 297, 379), strict=True):
        mirror[[one, other]] = mirror[[other, one]]
    here, there = pose(face_of(points)), pose(face_of(mirror))

    assert there.yaw == pytest.approx(-here.yaw, abs=1e-3)
    assert there.roll == pytest.approx(-here.roll, abs=1e-3)
    assert there.pitch == pytest.approx(here.pitch, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(turn=st.floats(-40, 40))
def test_a_turned_head_reads_its_angle(turn: float) -> None:
    assert pose(face_of(turned(head(1), turn, 0, 0))).yaw == pytest.approx(turn, abs=0.1)
    rest = pose(face_of(head(1)))
    assert pose(face_of(turned(head(1), 0, turn, 0))).pitch - rest.pitch == pytest.approx(turn, abs=0.1)
    leaning = pose(face_of(turned(head(1), 0, 0, turn)))
    assert leaning.roll == pytest.approx(turn, abs=0.1)
    assert leaning.pitch == pytest.approx(rest.pitch, abs=0.1)


def head(seed: int) -> np.ndarray:
    """A symmetric set of the points that pose reads; all others lie in the origin."""
    random = np.random.default_rng(seed)
    points = np.zeros((468, 3))
    for left, right in zip((*_LEFT, 67, 150), (*_RIGHT, 297, 379), strict=True):
        x, y, z = random.uniform((20, -60, -10), (80, 60, 10))
        points[left], points[right] = (-x, y, z), (x, y, z)
    for upper, lower in zip(_UPPER[:4], _LOWER[:4], strict=True):
        points[upper] = (0, random.uniform(-90, -50), 0)
        points[lower] = (0, random.uniform(50, 90), 0)
    for point, height in ((67, -70), (297, -70), (150, 70), (379, 70)):
        points[point][1:] = (height, 0)
    return points.astype(np.float32)


def turned(points: np.ndarray, yaw: float, pitch: float, roll: float) -> np.ndarray:
    """x to the right of the image, y down, z away: yaw takes the right side away, pitch brings the chin near."""
    y, p, r = (math.radians(angle) for angle in (yaw, pitch, roll))
    about_y = np.array([[math.cos(y), 0, -math.sin(y)], [0, 1, 0], [math.sin(y), 0, math.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    about_z = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    return (points @ (about_z @ about_y @ about_x).T).astype(np.float32)


def face_of(points: np.ndarray) -> Face:
    return Face((0.0, 0.0, 1.0, 1.0), 0.9, points.astype(np.float32), 0.9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 255))
def test_components_of_any_pixels_are_finite_and_scored(face: Face, seed: int, flat: int) -> None:
    random = np.random.default_rng(seed)
    for crop in (random.integers(0, 256, (192, 192, 3)).astype(np.uint8), np.full((192, 192, 3), flat, np.uint8)):
        view = light.lit(crop, SQUARE, face)
        for _, raw, score in [*light.exposure(view), *light.tone(view)]:
            assert math.isfinite(raw)
            assert math.isfinite(score)
            assert score >= 0


def test_the_same_light_on_both_cheeks_is_even_and_a_shadow_is_not(
    frame: Rgb, cut: Callable[[Rgb], light.Lit], face: Face
) -> None:
    shadow = frame.astype(np.float32)
    middle = int(face.landmarks[landmarks.NOSE_TIP, 0])
    read = []
    for strength in (1.0, 0.7, 0.4):
        shadow[:, middle:] = frame[:, middle:] * strength
        read.append(light.evenness(cut(shadow.astype(np.uint8))))

    assert read == sorted(read, reverse=True)
    assert read[0] > 0.5
    assert read[-1] < 0.1


def test_a_plain_background_is_more_uniform_than_a_busy_one(frame: Rgb, face: Face, policy: FacePolicy) -> None:
    plain = detail.beside_head(np.full_like(frame, 150), face, policy.portrait)
    busy = frame.copy()
    busy[:, : busy.shape[1] // 2] //= 3

    assert plain[1:] == (0.0, 1.0)
    assert detail.beside_head(busy, face, policy.portrait)[2] < 0.2


def test_skin_colours_are_natural_and_a_green_cast_is_not(face: Face) -> None:
    def distance(red: int, green: int, blue: int) -> float:
        flat = np.broadcast_to(np.array([red, green, blue], np.uint8), (192, 192, 3))
        return light.colour_distance(light.lit(flat, SQUARE, face))

    assert distance(224, 172, 150) == 0.0
    assert distance(96, 62, 48) == 0.0
    assert distance(150, 210, 150) > 20
    assert distance(120, 130, 220) > 20
