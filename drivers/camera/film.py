"""Folders of pictures and videos before the lens: read whole when the command comes, shown frame by frame.

Every frame is decoded once while the command is taken, so that a file that is wrong is refused there; playing decodes
again what it shows and keeps one frame. Must never put a path or a text into an error.
"""

from __future__ import annotations

import bisect
import struct
from collections.abc import Iterator
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from PIL import Image, ImageSequence

from drivers.camera.errors import SceneInvalid
from drivers.camera.props import Photograph, Prop, fitted, flat, in_memory, opened
from drivers.camera.script import Folder, Playing, Video
from drivers.camera.stills import Page, Person, Picture, Qr

FOLDER_LIMIT = 500
VIDEO_LIMIT_BYTES = 64_000_000
FRAMES_LIMIT = 3000
FRAME_LIMIT_PX = 12_000_000
_SHORTEST_S = 0.02
"""Frames without a length of their own are shown so long; so do browsers with animations."""
_UNTOLD_S = 0.1
_UNREADABLE = (
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    struct.error,
)
_RIFF_HEADER = 12
_CHUNK_HEADER = 8


class Frames(Protocol):
    """Decoded pictures by number."""

    lengths_s: list[float]

    def frame(self, number: int) -> Image.Image: ...


class Film:
    """Frames on a time axis; the stock of the pictures that it shows."""

    def __init__(self, frames: Frames, still: Picture, repeat: bool) -> None:
        self._frames = frames
        self._ends_s = list(accumulate(frames.lengths_s))
        self._still = still
        self._repeat = repeat
        self._shown: tuple[int, Prop] | None = None

    @property
    def count(self) -> int:
        """Frames."""
        return len(self._ends_s)

    @property
    def length_s(self) -> float:
        """One run."""
        return self._ends_s[-1]

    def at(self, passed_s: float) -> Playing:
        """The frame so long after the start."""
        length_s = self.length_s
        ended = not self._repeat and passed_s >= length_s
        at_s = max(passed_s, 0.0) % length_s if self._repeat else max(passed_s, 0.0)
        number = min(bisect.bisect_right(self._ends_s, at_s), len(self._ends_s) - 1)
        return Playing(self._still, None, number, ended)

    def flat(self, still: Qr | Page | Picture, frame: int) -> Prop:
        """The frame itself. One that cannot be decoded any more, against what was seen before, stays the last one."""
        if self._shown is None or self._shown[0] != frame:
            try:
                image = self._frames.frame(frame)
            except _UNREADABLE:
                if self._shown is None:
                    image = Image.new("RGB", (16, 9))
                else:
                    image = self._shown[1].whole
            self._shown = (frame, Prop(image))
        return self._shown[1]

    def photograph(self, person: Person, *, mirrored: bool = False) -> Photograph:
        """There are no people in a film."""
        raise KeyError("a film has no photographs")


def film_of(command: Folder | Video) -> Film:
    """Reads it. Raises SceneInvalid."""
    still = Picture(scene="picture", path=command.path, distance_m=command.distance_m)
    frames: Frames
    if isinstance(command, Folder):
        frames = _FolderFrames(command.path, command.period_s)
    else:
        content = in_memory(command.path, VIDEO_LIMIT_BYTES)
        start = content.getvalue()[:_RIFF_HEADER]
        frames = (
            _AviFrames(content.getvalue()) if start[:4] == b"RIFF" and start[8:] == b"AVI " else _Animation(content)
        )
    return Film(frames, still, command.repeat)


class _FolderFrames:
    """The files of a folder in the order of their names."""

    def __init__(self, path: Path, period_s: float) -> None:
        try:
            self._files = sorted(file for file in path.iterdir() if not file.name.startswith("."))
        except OSError:
            raise SceneInvalid("path: no such folder") from None
        if not 0 < len(self._files) <= FOLDER_LIMIT:
            raise SceneInvalid(f"path: a folder with 1 to {FOLDER_LIMIT} pictures")
        for number, file in enumerate(self._files, start=1):
            opened(file, f"picture {number}")
        self.lengths_s = [period_s] * len(self._files)

    def frame(self, number: int) -> Image.Image:
        return fitted(opened(self._files[number], "path"))


class _Animation:
    """What Pillow plays: animated WebP, PNG, GIF. Decoded in order; going back begins anew."""

    def __init__(self, content: BytesIO) -> None:
        self._content = content
        self.lengths_s: list[float] = []
        try:
            with Image.open(content) as film:
                if film.width * film.height > FRAME_LIMIT_PX:
                    raise SceneInvalid(f"path: frames larger than {FRAME_LIMIT_PX} pixels")
                for image in ImageSequence.Iterator(film):
                    image.load()
                    self.lengths_s.append(_length_s(image))
                    if len(self.lengths_s) > FRAMES_LIMIT:
                        raise SceneInvalid(f"path: more than {FRAMES_LIMIT} frames")
        except SceneInvalid:
            raise
        except _UNREADABLE:
            raise SceneInvalid("path: cannot be read as a video") from None
        self._film: Image.Image | None = None

    def frame(self, number: int) -> Image.Image:
        if self._film is None:
            self._film = Image.open(self._content)
        self._film.seek(number)
        return fitted(flat(self._film.copy()))


def _length_s(image: Image.Image) -> float:
    """Pillow tells a frame's length in ms."""
    duration = image.info.get("duration", 0)
    told_s = float(duration) / 1000 if isinstance(duration, int | float) else 0.0
    return max(_SHORTEST_S, told_s) if told_s > 0 else _UNTOLD_S


class _AviFrames:
    """Motion JPEG in AVI (RIFF): every `##dc` or `##db` chunk of the `movi` list is one JPEG picture."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        period_us = 0
        self._places: list[tuple[int, int]] = []
        for name, start, length in _chunks(content, _RIFF_HEADER, len(content)):
            if name == b"avih" and length >= 4:
                period_us = struct.unpack_from("<I", content, start)[0]
            elif name[2:] in (b"dc", b"db") and length > 0:
                self._places.append((start, length))
        if not 0 < len(self._places) <= FRAMES_LIMIT:
            raise SceneInvalid("path: an AVI with Motion JPEG pictures")
        for number in range(len(self._places)):
            self.frame(number)
        period_s = period_us / 1e6 if 0 < period_us <= 10_000_000 else _UNTOLD_S
        self.lengths_s = [max(_SHORTEST_S, period_s)] * len(self._places)

    def frame(self, number: int) -> Image.Image:
        start, length = self._places[number]
        return fitted(opened(BytesIO(self._content[start : start + length]), f"frame {number + 1}"))


def _chunks(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and length of every chunk, lists opened; what goes beyond the end is cut."""
    while start + _CHUNK_HEADER <= end:
        name, length = content[start : start + 4], struct.unpack_from("<I", content, start + 4)[0]
        start += _CHUNK_HEADER
        if name == b"LIST":
            start += 4
            continue
        length = min(length, end - start)
        yield name, start, length
        start += length + length % 2
