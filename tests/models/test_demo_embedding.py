"""The embedding that this repository trained itself: for demo and tests, never before a real camera."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models import manifest
from models.errors import DemoModelRefused, EmbeddingMismatch, ModelHashWrong, ModelMissing, RuntimeMissing
from models.face import align
from models.face.pipeline import DETECTOR, EMBEDDING, EMBEDDING_ROLE, LANDMARKS, FacePipeline, compare
from models.face.types import Embedding
from models.policy import FacePolicy, Verdict, match_for
from models.runtime import Runtime, TfliteInterpreter, load
from models.store import TREE, ModelStore
from wire.catalogue import bundled as texts

DEMO = "demo-embedding"
RUNTIMES: tuple[Runtime, ...] = ("tflite-runtime", "ai-edge-litert")


@pytest.fixture
def without(tmp_path: Path) -> ModelStore:
    """A demo's store on a machine that has no embedding model."""
    return ModelStore([tmp_path], demo=True)


def test_the_file_in_the_tree_is_the_one_of_the_manifest(without: ModelStore) -> None:
    """Its hash, its size and what goes in and out; small enough for a repository."""
    found = without.read(DEMO)

    assert found.path == TREE / found.entry.file
    assert hashlib.sha256(found.path.read_bytes()).hexdigest() == found.entry.sha256 == found.entry.weights_sha256
    assert len(found.content) == found.entry.size_bytes < 1_000_000
    product = manifest.bundled().entry(EMBEDDING)

    assert (found.entry.input.shape, found.entry.input.colour) == (product.input.shape, product.input.colour)
    assert found.entry.output == product.output


def test_it_stands_in_only_where_the_model_for_stations_is_in_no_directory(tmp_path: Path, without: ModelStore) -> None:
    """Last of all; a file of that name ends the search even where it is wrong."""
    before = without.id_for(EMBEDDING_ROLE)
    (tmp_path / manifest.bundled().entry(EMBEDDING).file).write_bytes(b"not it")

    assert before == DEMO
    assert without.id_for(EMBEDDING_ROLE) == EMBEDDING
    with pytest.raises(ModelHashWrong):
        without.read(without.id_for(EMBEDDING_ROLE))


def test_a_store_for_real_persons_never_gives_it(tmp_path: Path) -> None:
    """Not as a stand-in, not by its name, not out of a configured directory; the sentence says what to do."""
    (tmp_path / "demo_embedding.tflite").write_bytes((TREE / "demo_embedding.tflite").read_bytes())
    store = ModelStore([tmp_path])

    assert store.id_for(EMBEDDING_ROLE) == EMBEDDING
    with pytest.raises(ModelMissing):
        store.read(store.id_for(EMBEDDING_ROLE))
    with pytest.raises(DemoModelRefused) as caught:
        store.read(DEMO)
    assert "fetch-models" in texts().of_error(caught.value).en
    with pytest.raises(DemoModelRefused):
        FacePipeline.open(ModelStore.standard(), embedding=DEMO)


def test_what_it_stands_in_for_is_still_missing_but_not_needed(without: ModelStore, tmp_path: Path) -> None:
    """`missing` is what could be fetched, `needed` what nothing runs without."""
    assert EMBEDDING in [entry.id for entry in without.missing()]
    assert [entry.id for entry in without.needed()] == [DETECTOR, LANDMARKS]
    assert EMBEDDING in [entry.id for entry in ModelStore([tmp_path]).needed()]


def test_it_has_thresholds_of_its_own(policy: FacePolicy) -> None:
    """A threshold belongs to one model: that of the model for stations says nothing about this one's scores."""
    policy_id, match = match_for(policy, DEMO)

    assert match.model_id == DEMO
    assert match_for(policy, EMBEDDING) == (policy.policy_id, policy.match)
    assert policy_id != policy.policy_id
    assert match.accept > match.review
    with pytest.raises(KeyError):
        match_for(policy, "no-such-model")


@pytest.fixture(scope="module")
def interpreters() -> list[TfliteInterpreter]:
    """All runtimes of this machine."""
    found = []
    for runtime in RUNTIMES:
        try:
            found.append(load(ModelStore([], demo=True), DEMO, runtime))
        except RuntimeMissing:
            continue
    return found


def test_both_runtimes_give_the_same_vector_of_length_one(interpreters: list[TfliteInterpreter]) -> None:
    """Cosine 0.999 on anything, not only on faces."""
    if len(interpreters) < len(RUNTIMES):
        pytest.skip("one of tflite-runtime and ai-edge-litert is not installed")
    random = np.random.default_rng(20261121)
    for _ in range(20):
        coarse = random.uniform(0, 255, (1, 16, 16, 3)).repeat(8, axis=1).repeat(8, axis=2)
        picture = np.clip(coarse + random.normal(0, 20, (1, 128, 128, 3)), 0, 255).astype(np.float32)
        (one,), (other,) = (interpreter.run(picture) for interpreter in interpreters)

        assert np.linalg.norm(one[0]) == pytest.approx(1, abs=1e-4)
        assert float(one[0] @ other[0]) >= 0.999


def test_a_change_of_the_picture_changes_the_vector(interpreters: list[TfliteInterpreter]) -> None:
    """The same input gives the same bits, another input another vector: the file computes."""
    grey, black = (np.full((1, 128, 128, 3), level, np.float32) for level in (128, 0))
    face = grey.copy()
    face[:, 40:60, 30:98] = 20
    (one,), (again,), (other,), (dark,) = (interpreters[0].run(picture) for picture in (grey, grey, face, black))

    assert np.array_equal(one, again)
    assert float(one[0] @ other[0]) < 0.99
    assert float(one[0] @ dark[0]) < 0.99


def test_templates_of_both_models_are_never_compared() -> None:
    """Same length, same alignment, another model: no score at all."""
    vector = np.full(256, 1 / 16, np.float32)
    made = [
        Embedding(vector, entry.id, entry.weights_sha256, align.VERSION)
        for entry in manifest.bundled().of_role(EMBEDDING_ROLE)
    ]

    assert len(made) == 2
    with pytest.raises(EmbeddingMismatch):
        compare(made[0], made[1])


@pytest.fixture(scope="module")
def demo_pipeline(opened: Callable[..., FacePipeline]) -> FacePipeline:
    """Skips by name without detector or landmarks."""
    return opened(embedding=DEMO)


def test_one_person_scores_above_accept_and_two_persons_below(
    demo_pipeline: FacePipeline, policy: FacePolicy, faces_folder: Path
) -> None:
    """Persons it was never trained on, through the whole pipeline."""

    def template(name: str) -> Embedding:
        with Image.open(faces_folder / "frll" / name) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        face = demo_pipeline.analyse(rgb, policy).face
        assert face is not None
        return demo_pipeline.embed(rgb, face)

    _, match = match_for(policy, DEMO)
    neutral = template("neutral/017_03.jpg")
    genuine, impostor = (
        compare(neutral, template("smiling/017_08.jpg")),
        compare(neutral, template("neutral/001_03.jpg")),
    )

    assert neutral.model_id == DEMO
    assert genuine > impostor
    assert match.verdict(genuine) is Verdict.ACCEPT
    assert match.verdict(impostor) is not Verdict.ACCEPT


def test_the_demo_portrait_matches_itself_in_other_light(
    demo_pipeline: FacePipeline, policy: FacePolicy, picture_of_someone: Image.Image
) -> None:
    """Runs wherever the package index gives a portrait: a darker, blurred copy is the same person."""
    made = []
    for picture in (picture_of_someone, picture_of_someone.point(lambda level: round(level * 0.8))):
        rgb = np.asarray(picture)
        face = demo_pipeline.analyse(rgb, policy).face
        assert face is not None
        made.append(demo_pipeline.embed(rgb, face))

    assert match_for(policy, DEMO)[1].verdict(compare(*made)) is Verdict.ACCEPT
