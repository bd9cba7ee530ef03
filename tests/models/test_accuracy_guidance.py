"""The measurement of guidance itself: labels, counting, composed pictures, simulated re-captures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.accuracy import attack, compose, guidance, plot
from models.accuracy.guidance import LABELS, Person, Tally
from models.face.pipeline import FacePipeline
from models.face.types import Assessment
from models.policy import FacePolicy
from wire.catalogue import bundled as texts


@pytest.fixture(scope="module")
def person(pipeline: FacePipeline, policy: FacePolicy, faces_folder: Path) -> Person:
    with Image.open(faces_folder / "frll" / "neutral" / "017_03.jpg") as opened:
        picture = opened.convert("RGB")
    face = pipeline.analyse(np.asarray(picture), policy).face
    assert face is not None
    return Person(picture, face, picture, face, 3)


def test_every_label_expects_what_can_be_said() -> None:
    names = [label.name for label in LABELS]

    assert len(set(names)) == len(names)
    for label in LABELS:
        assert all(said is None or f"face.guide.{said}" in texts() for said in label.said)


def test_right_is_the_right_message_and_the_right_verdict() -> None:
    """A portrait that is taken although the message is right, or held back without one, is not right."""
    wanted = next(label for label in LABELS if label.name == "sunglasses")
    good = next(label for label in LABELS if label.name == "good portrait")
    tally, kept = Tally(), Tally()
    for guide, acceptable in (("glasses", False), ("glasses", True), ("mask", False), (None, True)):
        tally.add(Assessment(1, None, (), guide, acceptable), wanted)
        kept.add(Assessment(1, None, (), guide, acceptable), good)

    assert (tally.right, tally.total) == (1, 4)
    assert tally.otherwise == {"mask": 1, "accepted": 1}
    assert (kept.right, kept.total) == (1, 4)


def test_the_labels_by_eye_lie_within_the_set(faces_folder: Path) -> None:
    from models.accuracy import sets

    count = len(sets.lfw(faces_folder)[0][:: guidance.LFW_STEP])
    labels = guidance.worn()

    assert count == 203
    assert max(labels.glasses | labels.head_covers) < count


def test_no_person_is_in_both_halves(pipeline: FacePipeline, policy: FacePolicy, faces_folder: Path) -> None:
    seeds = [{one.seed for one in guidance.people(pipeline, policy, half)} for half in (0, 1)]

    assert seeds[0].isdisjoint(seeds[1])
    assert len(seeds[0] | seeds[1]) == 102


@pytest.mark.parametrize("fault", sorted(compose.FAULTS))
def test_a_composed_fault_changes_the_face_and_comes_out_the_same_again(person: Person, fault: str) -> None:
    make = compose.FAULTS[fault]
    one, again = (np.asarray(make(person.picture, person.face, 7), np.int16) for _ in range(2))
    change = np.abs(one - np.asarray(person.picture, np.int16)).max(axis=2)

    assert np.array_equal(one, again)
    assert change.max() > 30
    assert (change > 10).mean() < 0.6


def test_each_simulated_attack_is_stronger_than_the_portrait_in_the_measure_made_for_it(
    pipeline: FacePipeline, policy: FacePolicy, person: Person
) -> None:
    honest = np.asarray(attack.bona_fide(person))
    face = pipeline.analyse(honest, policy).face
    assert face is not None
    for name, measure in (
        ("print that fills the view", attack.MEASURES["spectral peak (moire, dots)"]),
        ("screen that fills the view", attack.MEASURES["spectral peak (moire, dots)"]),
        ("photograph with visible edges", attack.MEASURES["straight edges beside the head"]),
    ):
        shown = np.asarray(attack.ATTACKS[name](person))
        assert measure(shown, face) > measure(honest, face)


def test_a_roc_begins_where_the_pairs_can_tell_something() -> None:
    far, tar = np.array([0.0, 0.0, 0.01, 1.0]), np.array([0.0, 0.95, 0.97, 1.0])
    drawn = plot.svg([plot.Curve("one", far, tar)], "t")
    path = drawn.split('fill="none"')[0].rsplit('d="M', 1)[1]

    assert int(path.split(" ")[0]) == int(plot._x(0.01))
