"""Situations at the desk: each gives its one sensible message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.accuracy import compose, guidance
from models.accuracy.guidance import LABELS, Label, Person
from models.face.pipeline import FacePipeline
from models.policy import FacePolicy

SITUATIONS = (
    "child held low, face at the lower edge", "two people", "someone walks past behind", "window behind",
    "window behind, a third of the light left on the face", "camera covered", "nobody there", "lamp off",
    "head tilted by 14 degrees",
)  # fmt: skip


@pytest.fixture(scope="module")
def person(pipeline: FacePipeline, policy: FacePolicy, faces_folder: Path) -> Person:
    opened = []
    for name in ("017_03", "030_03"):
        with Image.open(faces_folder / "frll" / "neutral" / f"{name}.jpg") as picture:
            opened.append(picture.convert("RGB"))
    one, other = (pipeline.analyse(np.asarray(picture), policy).face for picture in opened)
    assert one is not None
    assert other is not None
    return Person(opened[0], one, opened[1], other, 5)


@pytest.mark.parametrize("label", [label for label in LABELS if label.name in SITUATIONS], ids=lambda one: one.name)
def test_a_situation_has_its_one_message(
    pipeline: FacePipeline, policy: FacePolicy, person: Person, label: Label
) -> None:
    frame = label.make(person)
    live = pipeline.analyse(guidance.small(frame), policy, scale=guidance.FRAME[0] / guidance.SMALL[0])
    still = pipeline.analyse(np.asarray(frame), policy)

    for seen in (live, still):
        assert seen.guide in label.said
        assert seen.acceptable == (label.said == (None,))


@pytest.mark.parametrize(("share", "said"), [(0.3, None), (0.4, None), (0.65, "one-person"), (0.9, "one-person")])
def test_a_second_face_counts_from_a_quarter_of_the_area_on(
    pipeline: FacePipeline, policy: FacePolicy, person: Person, share: float, said: str | None
) -> None:
    """0.65 of the size is 0.42 of the area; the detector's own box would take 0.4 of the size for 0.5 of the area."""
    frame = Image.new("RGB", guidance.FRAME, guidance.WALL)
    guidance.paste(frame, person.other, person.other_face, share * 130, 1850, 420)
    guidance.paste(frame, person.picture, person.face, 130, 1000, 648)

    assert pipeline.analyse(np.asarray(frame), policy).guide == said
    assert pipeline.analyse(guidance.small(frame), policy, scale=3.6).guide == said


def test_the_shade_before_a_window_is_said_for_every_strength(
    pipeline: FacePipeline, policy: FacePolicy, person: Person
) -> None:
    for seed in range(3):
        frame = guidance.placed(compose.backlit(person.picture, person.face, seed), person.face, 130)

        assert pipeline.analyse(np.asarray(frame), policy).guide == "too-dark"
