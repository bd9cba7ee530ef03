from __future__ import annotations

import io
import tomllib
from collections.abc import Callable
from importlib import resources

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from models.face import landmarks
from models.face.pipeline import FacePipeline
from models.policy import GATED, FacePolicy
from wire.catalogue import bundled as texts

Place = Callable[..., Image.Image]
LORES = (640, 360)
SCALE = 2304 / 640


def said(pipeline: FacePipeline, policy: FacePolicy, picture: Image.Image) -> str | None:
    return pipeline.analyse(np.asarray(picture), policy).guide


def test_a_good_portrait_is_acceptable_and_nothing_is_said(
    pipeline: FacePipeline, policy: FacePolicy, person: Image.Image, placed: Place
) -> None:
    found = pipeline.analyse(np.asarray(placed(person)), policy)

    assert found.acceptable
    assert found.guide is None
    assert found.faces == 1
    assert {component.name for component in found.components} >= set(policy.limits)
    assert all(0.0 <= component.score <= 100.0 for component in found.components)


def test_the_small_stream_of_a_good_scene_is_acceptable_too(
    pipeline: FacePipeline, policy: FacePolicy, person: Image.Image, placed: Place
) -> None:
    small = placed(person).resize(LORES, Image.Resampling.BOX)
    found = pipeline.analyse(np.asarray(small), policy, scale=SCALE)

    assert found.acceptable
    assert found.component("sharpness") is None
    large = pipeline.analyse(np.asarray(placed(person)), policy).component("inter_eye_distance")
    distance = found.component("inter_eye_distance")
    assert distance is not None
    assert large is not None
    assert distance.raw == pytest.approx(large.raw, rel=0.05)


def test_an_empty_frame_asks_for_a_face(pipeline: FacePipeline, policy: FacePolicy) -> None:
    found = pipeline.analyse(np.full((360, 640, 3), 140, np.uint8), policy, scale=SCALE)

    assert (found.faces, found.face, found.guide, found.acceptable) == (0, None, "no-face", False)


def test_a_black_frame_asks_to_look_at_the_lens(pipeline: FacePipeline, policy: FacePolicy) -> None:
    assert said(pipeline, policy, Image.new("RGB", LORES, (3, 3, 4))) == "camera-covered"


@pytest.mark.parametrize(
    ("share", "x", "y", "expected"),
    [
        (0.75, 0, 0, "closer"),
        (0.4, 0, 0, "closer"),
        (2.9, 0, 0, "back"),
        (1.3, -1000, 0, "move-left"),
        (1.3, 1000, 0, "move-right"),
        (1.3, 0, -420, "move-down"),
        (1.3, 0, 420, "move-up"),
    ],
)
def test_distance_and_place_are_guided(
    pipeline: FacePipeline,
    policy: FacePolicy,
    person: Image.Image,
    placed: Place,
    share: float,
    x: int,
    y: int,
    expected: str,
) -> None:
    """Directions are the person's own: someone at the left of the image moves to his left."""
    assert said(pipeline, policy, placed(person, share, x=x, y=y)) == expected
    small = placed(person, share, x=x, y=y).resize(LORES, Image.Resampling.BOX)
    assert pipeline.analyse(np.asarray(small), policy, scale=SCALE).guide == expected


def test_two_people_are_one_too_many(
    pipeline: FacePipeline, policy: FacePolicy, person: Image.Image, placed: Place
) -> None:
    scene = placed(person, x=-150)
    scene.paste(person, (1500, 300))
    found = pipeline.analyse(np.asarray(scene), policy)

    assert found.faces == 2
    assert found.guide == "one-person"


def test_a_leaning_head_is_told_so(
    pipeline: FacePipeline, policy: FacePolicy, person: Image.Image, placed: Place
) -> None:
    leaning = person.rotate(-14, Image.Resampling.BICUBIC, fillcolor=(150, 155, 160))
    found = pipeline.analyse(np.asarray(placed(leaning)), policy)
    roll = found.component("roll")

    assert found.guide == "head-level"
    assert roll is not None
    assert roll.raw == pytest.approx(14, abs=3)


def test_blur_asks_to_hold_still(
    pipeline: FacePipeline, policy: FacePolicy, person: Image.Image, placed: Place
) -> None:
    assert said(pipeline, policy, placed(person).filter(ImageFilter.GaussianBlur(2.5))) == "hold-still"


def test_darkness_and_glare_are_told_apart(
    pipeline: FacePipeline, policy: FacePolicy, studio_person: Image.Image, placed: Place
) -> None:
    scene = placed(studio_person)

    assert said(pipeline, policy, ImageEnhance.Brightness(scene).enhance(0.12)) == "too-dark"
    assert said(pipeline, policy, ImageEnhance.Brightness(scene).enhance(2.6)) == "too-bright"


def test_coloured_light_is_told(
    pipeline: FacePipeline, policy: FacePolicy, studio_person: Image.Image, placed: Place
) -> None:
    tinted = np.asarray(placed(studio_person)) * np.array([0.75, 1.15, 0.75])

    assert pipeline.analyse(np.clip(tinted, 0, 255).astype(np.uint8), policy).guide == "colour-light"


def test_a_shadow_on_one_side_asks_for_even_light(
    pipeline: FacePipeline, policy: FacePolicy, person: Image.Image, placed: Place
) -> None:
    scene = np.asarray(placed(person)).astype(np.float32)
    scene[:, 1152:] *= 0.4

    assert pipeline.analyse(scene.astype(np.uint8), policy).guide == "even-light"


def test_a_mirrored_portrait_keeps_the_size_of_yaw_and_roll(
    pipeline: FacePipeline, policy: FacePolicy, person: Image.Image, placed: Place
) -> None:
    turned = placed(person.rotate(6, Image.Resampling.BICUBIC, fillcolor=(150, 155, 160)))
    one = pipeline.analyse(np.asarray(turned), policy)
    other = pipeline.analyse(np.ascontiguousarray(np.asarray(turned)[:, ::-1]), policy)
    for name in ("yaw", "roll"):
        here, there = one.component(name), other.component(name)
        assert here is not None
        assert there is not None
        assert abs(here.raw + there.raw) < 2.5


def test_the_portrait_has_the_policy_s_size_and_geometry(
    pipeline: FacePipeline, policy: FacePolicy, person: Image.Image, placed: Place
) -> None:
    rgb = np.asarray(placed(person, 1.6))
    face = pipeline.analyse(rgb, policy).face
    assert face is not None
    made = pipeline.portrait(rgb, face, policy)
    with Image.open(io.BytesIO(made.jpeg)) as picture:
        picture.load()
        size, kind, extra = picture.size, picture.format, picture.getexif()

    form = policy.portrait
    assert (kind, size) == ("JPEG", (form.width, form.height))
    assert len(extra) == 0
    assert 30_000 <= len(made.jpeg) <= form.jpeg_max_bytes
    (left_x, left_y), (right_x, right_y) = made.eyes
    assert (left_x + right_x) / 2 == pytest.approx(form.width / 2, abs=2)
    assert (left_y + right_y) / 2 == pytest.approx(form.height * form.eye_line, abs=2)


def test_a_portrait_at_the_edge_stays_inside_the_frame(
    pipeline: FacePipeline, policy: FacePolicy, person: Image.Image, placed: Place
) -> None:
    """When the officer takes it all the same, the crop moves; it never shows what the camera did not see."""
    rgb = np.asarray(placed(person, 1.3, x=-1000))
    face = pipeline.analyse(rgb, policy).face
    assert face is not None
    left, top, right, bottom = pipeline.portrait(rgb, face, policy).box

    assert 0 <= left < right <= rgb.shape[1]
    assert 0 <= top < bottom <= rgb.shape[0]


def test_a_face_that_is_hardly_there_is_no_face() -> None:
    """Eyes outside the image, or all in one place, give nothing that could be measured or embedded."""
    from models.face.pipeline import _seen
    from models.face.types import Face

    points = np.zeros((468, 3), np.float32)
    points[list(landmarks.EYE_LEFT_CORNERS)] = (100, 50, 0)
    points[list(landmarks.EYE_RIGHT_CORNERS)] = (160, 50, 0)
    rgb = np.zeros((200, 300, 3), np.uint8)

    assert _seen(Face((0, 0, 1, 1), 0.9, points, 0.9), rgb)
    assert not _seen(Face((0, 0, 1, 1), 0.9, points * np.float32(0.01), 0.9), rgb)
    assert not _seen(Face((0, 0, 1, 1), 0.9, points - np.float32(200), 0.9), rgb)


@pytest.mark.parametrize(
    "image",
    [np.zeros((8, 640, 3), np.uint8), np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.float32)],
    ids=["too small", "grey", "float"],
)
def test_what_is_no_image_is_refused(pipeline: FacePipeline, policy: FacePolicy, image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        pipeline.analyse(image, policy)


def test_every_guide_has_its_sentence() -> None:
    """Whatever the pipeline can say stands in the catalogue in both languages."""
    from models.face import pipeline as module

    spoken = {*module._SENTENCES.values(), "chin-up", "chin-down", "no-face", "camera-covered"}
    spoken |= {"move-left", "move-right", "move-up", "move-down"}
    table = tomllib.loads(resources.files("wire.catalogue").joinpath("face.toml").read_text("utf-8"))

    assert set(GATED) == {*module._SENTENCES, "pitch", "head_position"}
    assert spoken <= set(table["face"]["guide"])
    assert all(f"face.guide.{name}" in texts() for name in spoken)
