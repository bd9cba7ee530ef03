"""Folders and videos: frames at their times, bad files refused at once."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from drivers.camera.commands import Folder, Video
from drivers.camera.errors import SceneInvalid
from drivers.camera.paint import paint
from drivers.camera.show import Show, made

COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200))
FRAMES = [Image.new("RGB", (64, 36), colour) for colour in COLOURS]


def avi(pictures: list[bytes], period_us: int = 100_000) -> bytes:
    """Motion JPEG in AVI, as ffmpeg's `-c:v mjpeg` lays it out."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)

    header = chunk(b"LIST", b"hdrl" + chunk(b"avih", struct.pack("<14I", period_us, *[0] * 13)))
    movie = chunk(b"LIST", b"movi" + b"".join(chunk(b"00dc", picture) for picture in pictures))
    return chunk(b"RIFF", b"AVI " + header + movie)


def jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95)
    return file.getvalue()


def colour(show: Show, passed_s: float) -> int:
    """Which of the colours is in the middle then."""
    sight = show.at(passed_s, 400.0).sight
    middle = np.asarray(paint(sight, 640 / 2304, lens=2.0))[180, 320].astype(int)
    return int(np.argmin([np.abs(middle - other).sum() for other in COLOURS]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures whose names sort otherwise than they were made."""
    place = tmp_path / "pictures"
    place.mkdir()
    for name, image in zip(("b.png", "c.jpg", "a.png"), FRAMES, strict=True):
        image.save(place / name)
    return place


def film(path: Path) -> Path:
    """Writes an animation; the suffix chooses the format."""
    if path.suffix == ".avi":
        path.write_bytes(avi([jpeg(image) for image in FRAMES]))
    else:
        options = {"lossless": True} if path.suffix == ".webp" else {}
        FRAMES[0].save(path, save_all=True, append_images=FRAMES[1:], duration=100, loop=0, **options)
    return path


def test_a_folder_plays_in_the_order_of_its_names(folder: Path) -> None:
    """Each for the period; the last stays, and the state tells the end."""
    show = made(Folder(scene="folder", path=folder, period_s=0.5))

    assert [colour(show, s) for s in (0.1, 0.6, 1.1, 9.0)] == [2, 0, 1, 1]
    assert show.state(0.6, 7) == {"script": None, "step": 1, "steps": 3, "ended": False, "ended_ns": None}
    assert show.state(2.0, 7)["ended_ns"] == 1_500_000_007


def test_a_folder_can_begin_again(folder: Path) -> None:
    """Without an end."""
    show = made(Folder(scene="folder", path=folder, period_s=0.5, repeat=True))

    assert [colour(show, s) for s in (0.1, 1.6, 2.1)] == [2, 2, 0]
    assert not show.state(99.0, 0)["ended"]


@pytest.mark.parametrize("suffix", [".webp", ".png", ".gif", ".avi"])
def test_a_video_plays_at_its_own_pace(tmp_path: Path, suffix: str) -> None:
    """Forwards, skipping what nobody asked for, and backwards when it begins again."""
    show = made(Video(scene="video", path=film(tmp_path / f"film{suffix}"), repeat=True))

    assert [colour(show, s) for s in (0.05, 0.15, 0.25, 0.35, 0.95, 0.45)] == [0, 1, 2, 0, 0, 1]


def test_a_video_plays_on_when_its_file_goes_away(tmp_path: Path) -> None:
    """It was read whole."""
    path = film(tmp_path / "film.webp")
    show = made(Video(scene="video", path=path))
    path.unlink()

    assert [colour(show, s) for s in (0.05, 0.25, 5.0)] == [0, 2, 2]


def test_a_picture_that_goes_away_while_it_plays_leaves_the_last(folder: Path) -> None:
    """The camera goes on."""
    show = made(Folder(scene="folder", path=folder, period_s=0.5))
    colour(show, 0.1)
    (folder / "b.png").unlink()

    assert [colour(show, s) for s in (0.6, 1.1)] == [2, 1]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none", None, "no such"),
        ("a.webp", b"", "cannot be read"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", "cannot be read"),
        ("a.avi", avi([]), "Motion JPEG"),
        ("a.avi", avi([b"no picture"]), "frame 1: cannot be read"),
        ("a.avi", b"RIFF\0\0\0\0AVI ", "Motion JPEG"),
        ("a.txt", b"words", "cannot be read"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    """One sentence without the path."""
    path = tmp_path / f"NGUYEN{name}"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SceneInvalid, match=said) as refused:
        made(Video(scene="video", path=path))

    assert "NGUYEN" not in str(refused.value)


def test_frames_that_are_too_large_are_refused(tmp_path: Path) -> None:
    """A film of 16 million pixels a frame."""
    Image.new("1", (4000, 4000)).save(tmp_path / "a.gif")
    with pytest.raises(SceneInvalid, match=r"^path: frames larger than 12000000 pixels$"):
        made(Video(scene="video", path=tmp_path / "a.gif"))


def test_what_is_no_folder_of_pictures_is_refused(folder: Path, tmp_path: Path) -> None:
    """Missing, empty, a file, or one bad file among good ones, which is told by its number."""
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "none", tmp_path / "empty", folder / "a.png"):
        with pytest.raises(SceneInvalid, match=r"^path: "):
            made(Folder(scene="folder", path=path))
    (folder / "bb.txt").write_text("words")
    with pytest.raises(SceneInvalid, match=r"^picture 3: cannot be read as a picture$"):
        made(Folder(scene="folder", path=folder))


@pytest.mark.parametrize("suffix", [".webp", ".png", ".gif", ".avi"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_videos_are_played_or_refused(tmp_path: Path, suffix: str, data: st.DataObject) -> None:
    """Bytes changed or cut off anywhere: nothing but SceneInvalid comes out, then or later."""
    content = bytearray(film(tmp_path / f"film{suffix}").read_bytes())
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(content)))
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(bytes(content[:cut]))
    try:
        show = made(Video(scene="video", path=path, repeat=True))
    except SceneInvalid:
        return
    for passed_s in (0.0, 0.15, 0.25, 0.0):
        assert paint(show.at(passed_s, 400.0).sight, 640 / 2304, lens=2.0).size == (640, 360)
