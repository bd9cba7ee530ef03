"""No tensor, however odd, makes a decoder fail: models see whatever stands before the camera."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.face import align, detect, geometry, landmarks, light, pose
from models.face.types import Detection, Face, Floats

any_float = st.floats(width=32, allow_nan=True, allow_infinity=True)
PLACE = detect.Letterbox(5.0, 0.0, 0.0)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), odd=st.lists(any_float, max_size=40), spread=st.floats(0.1, 1e6))
def test_detector_tensors_of_any_numbers_give_finite_boxes(seed: int, odd: list[float], spread: float) -> None:
    random = np.random.default_rng(seed)
    regressors = random.normal(0, spread, (1, 896, 16)).astype(np.float32)
    scores = random.normal(0, 4, (1, 896, 1)).astype(np.float32)
    for number, value in enumerate(odd):
        regressors.flat[random.integers(regressors.size)] = value
        scores.flat[(number * 37) % 896] = value
    found = detect.merge(detect.decode(regressors, scores, PLACE))

    for face in found:
        assert np.isfinite(face.box).all()
        assert np.isfinite(face.keypoints).all()
        assert 0.5 <= face.score <= 1.0
    assert [face.area for face in found] == sorted((face.area for face in found), reverse=True)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.float32, (468, 3), elements=any_float, fill=st.floats(0, 192, width=32)), any_float)
def test_mesh_tensors_of_any_numbers_give_a_finite_face_or_none(raw: Floats, logit: float) -> None:
    square = landmarks.Roi(100.0, 80.0, 150.0, 0.3)
    found = Detection((25.0, 5.0, 175.0, 155.0), np.zeros((6, 2), np.float32), 0.9)
    face = landmarks.decode(raw.reshape(1, 1, 1, 1404), np.array(logit, np.float32), square, found)

    if face is not None:
        assert np.isfinite(face.landmarks).all()
        assert 0.0 <= face.mesh_score <= 1.0
        angles = pose.pose(face)
        assert all(-370 <= angle <= 370 for angle in (angles.yaw, angles.pitch, angles.roll))


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.float32, (5, 2), elements=st.floats(-1e5, 1e5, width=32)),
    st.integers(16, 90),
    st.integers(16, 90),
)
def test_any_five_points_are_aligned_or_refused(points: Floats, width: int, height: int) -> None:
    rgb = np.full((height, width, 3), 128, np.uint8)
    picture = align.align(rgb, points)

    assert picture is None or picture.size == (128, 128)


@settings(max_examples=100, deadline=None)
@given(
    st.floats(-50, 400), st.floats(-50, 400), st.floats(5, 500), st.floats(-3.1, 3.1),
    hnp.arrays(np.float32, (7, 3), elements=st.floats(-300, 500, width=32)),
)  # fmt: skip
def test_into_the_crop_and_back_is_the_same_point(
    x: float, y: float, side: float, angle: float, points: Floats
) -> None:
    square = landmarks.Roi(x, y, side, angle)
    back = square.to_crop(square.to_image(points))

    assert np.abs(back - points[:, :2]).max() < 0.05


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 2 * np.pi), st.floats(0.2, 5), st.floats(-100, 100), st.floats(-100, 100))
def test_the_similarity_of_moved_points_is_the_movement(turn: float, scale: float, x: float, y: float) -> None:
    factor = scale * np.exp(1j * turn)
    moved = (align.TEMPLATE[:, 0] + 1j * align.TEMPLATE[:, 1]) * factor + complex(x, y)
    target = np.stack((moved.real, moved.imag), axis=1).astype(np.float32)
    found = align.similarity(align.TEMPLATE.astype(np.float32), target)

    assert found is not None
    assert abs(found - factor) < 1e-4 * scale


@given(st.floats(allow_nan=False, allow_infinity=True), st.floats(-100, 100), st.floats(0.001, 50))
def test_a_score_curve_never_overflows(raw: float, x0: float, w: float) -> None:
    assert 0.0 <= light.sigmoid(raw, x0, w) <= 1.0


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-500, 900), st.floats(-500, 900), st.floats(1, 900), st.floats(1, 900),
    st.integers(40, 700), st.integers(40, 700),
)  # fmt: skip
def test_a_fitted_crop_lies_in_the_frame_and_keeps_its_shape(
    x: float, y: float, width: float, height: float, frame_width: int, frame_height: int
) -> None:
    box = geometry.fitted(geometry.Crop(x, y, x + width, y + height), frame_width, frame_height)

    assert box.inside(frame_width, frame_height) > 0.999
    assert abs(box.width / box.height - width / height) < 1e-3 * width / height + 1e-6


def test_a_detection_without_keypoint_distance_still_gives_a_square() -> None:
    square = landmarks.roi(Detection((5.0, 5.0, 5.0, 5.0), np.zeros((6, 2), np.float32), 0.9))

    assert square.side >= 1.0
    assert landmarks.cut(np.zeros((32, 32, 3), np.uint8), square).size == (192, 192)


def test_a_face_far_outside_the_image_is_cut_black() -> None:
    square = landmarks.Roi(-9000.0, 50.0, 40.0, 0.0)

    assert not np.asarray(landmarks.cut(np.full((64, 64, 3), 255, np.uint8), square)).any()


def face_of(points: Floats) -> Face:
    return Face((0.0, 0.0, 10.0, 10.0), 0.9, points, 0.9)


def test_pose_of_a_flat_mesh_does_not_fail() -> None:
    angles = pose.pose(face_of(np.zeros((468, 3), np.float32)))

    assert np.isfinite((angles.yaw, angles.pitch, angles.roll)).all()
