"""Nobody says a word: the guidance alone brings everybody to an accepted portrait, and never to a wrong one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.face.pipeline import FacePipeline
from models.store import ModelStore
from tests.system.played import SCENES, Scene, Stage, stage
from wire.catalogue import bundled

SECOND = Path(__file__).parents[3] / "shared" / "data" / "faces" / "frll" / "neutral" / "019_03.jpg"
"""The other person, where the public set lies beside the checkout; else the same picture stands for both."""


@pytest.fixture(scope="module")
def played(portrait: Path) -> Iterator[Stage]:
    pipeline = FacePipeline.open(ModelStore.standard())
    with stage(pipeline, portrait, SECOND if SECOND.is_file() else None) as made:
        yield made


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.script}-{scene.begin}")
def test_guidance_alone_brings_an_accepted_portrait(played: Stage, scene: Scene) -> None:
    """Accepted by the gates in the first attempt, said what was wrong, and not taken while it was wrong."""
    found = played.play(scene)
    said = {sentence for _, sentence in found.said}

    assert found.taken is not None, found.said
    assert found.after_s is not None
    assert found.after_s >= found.wrong_s
    assert all(component.passed for component in found.taken.portrait.components)
    assert not scene.said or said & scene.said
    assert all(f"face.guide.{sentence}" in bundled() for sentence in said if sentence is not None)


def test_sentences_do_not_flicker(played: Stage) -> None:
    """Each stays long enough to be read: the next one comes no sooner than policy and eye allow."""
    for scene in SCENES[:4]:
        times = [at_s for at_s, _ in played.play(scene).said[1:]]

        assert all(later - earlier > 0.5 for earlier, later in itertools.pairwise(times))
