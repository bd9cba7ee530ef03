from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from models import fetch, manifest
from models.errors import ModelHashWrong, ModelMissing
from models.store import ModelStore

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    entry = manifest.bundled().entry("face-mesh-468")
    changes = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "size_bytes": len(CONTENT), "file": "small.tflite"}
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
