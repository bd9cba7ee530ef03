"""What scenes are made of: photographs, cards and pages, read and printed once, before they are shown.

Loading happens in the thread that takes the command, so that a file that is wrong is refused there and the camera never
waits for one. Must never put a path or a text into an error.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import segno
from PIL import Image, ImageOps

from drivers.camera.errors import SceneInvalid
from drivers.camera.head import Eyes, Pose, Worn, dressed, posed, usual_eyes
from drivers.camera.page import draw_page
from drivers.camera.sensor import MAIN_HEIGHT, MAIN_WIDTH
from drivers.camera.stills import Group, Page, Person, Picture, Qr, Still, TwoPeople

PICTURE_LIMIT_PX = 60_000_000
WALL = (222, 224, 226)

_PHOTOGRAPH_LIMIT_PX = 1500
"""Height to which larger photographs are reduced; a face at 0.4 m needs no more."""
_MODULE_PX = 12
_SMALLEST_PX = 160
_NEAR_KEPT = 2

Size = tuple[int, int]


def opened(file: Path | BinaryIO, what: str) -> Image.Image:
    """The picture, upright, RGB, at most as large as the frame or a photograph has to be.

    Raises:
        SceneInvalid: named `what`: missing, no picture, or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as found:
                if found.width * found.height > PICTURE_LIMIT_PX:
                    raise SceneInvalid(f"{what}: picture larger than {PICTURE_LIMIT_PX} pixels")
                return flat(ImageOps.exif_transpose(found))
    except FileNotFoundError:
        raise SceneInvalid(f"{what}: no such file") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise SceneInvalid(f"{what}: picture larger than {PICTURE_LIMIT_PX} pixels") from None
    except SceneInvalid:
        raise
    except (OSError, SyntaxError, ValueError, EOFError):
        raise SceneInvalid(f"{what}: cannot be read as a picture") from None


def flat(image: Image.Image) -> Image.Image:
    """RGB; what is transparent shows the wall."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        over = Image.new("RGBA", image.size, (*WALL, 255))
        return Image.alpha_composite(over, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


@dataclass(slots=True)
class Prop:
    """A flat picture at some sizes, each half the one before; a texture. Read by one thread."""

    whole: Image.Image
    _sizes: list[Image.Image] = field(default_factory=list)
    _near: dict[int, Image.Image] = field(default_factory=dict)

    def at(self, height_px: float) -> Image.Image:
        """The smallest size that is at least so high, or the whole picture."""
        if not self._sizes:
            self._sizes.append(self.whole)
        level = 0
        while self.whole.height / 2 ** (level + 1) >= max(height_px, _SMALLEST_PX):
            level += 1
            if level == len(self._sizes):
                self._sizes.append(self._sizes[-1].reduce(2))
        return self._sizes[level]

    def near(self, height_px: float) -> Image.Image:
        """Between that height and a tenth more, where the picture has so much; for looking at it askew."""
        steps = max(0, math.floor(8 * math.log2(self.whole.height / max(height_px, 16.0))))
        if steps == 0:
            return self.whole
        kept = self._near.get(steps)
        if kept is None:
            share = 2 ** (-steps / 8)
            size = (max(1, round(self.whole.width * share)), max(1, round(self.whole.height * share)))
            if len(self._near) >= _NEAR_KEPT:
                self._near.clear()
            kept = self._near[steps] = self.at(size[1]).resize(size, Image.Resampling.HAMMING)
        return kept


class Photograph:
    """A portrait with a head that can be posed; remembers the last pose of each size."""

    def __init__(self, image: Image.Image, eyes: Eyes | None, worn: Worn) -> None:
        image.thumbnail((2 * _PHOTOGRAPH_LIMIT_PX, _PHOTOGRAPH_LIMIT_PX), Image.Resampling.LANCZOS)
        self._eyes = usual_eyes(image.size) if eyes is None else eyes
        self._prop = Prop(dressed(image, self._eyes, worn))
        self._posed: dict[Size, tuple[Pose, Image.Image]] = {}
        self.backdrop = _backdrop_of(image)
        self.size = image.size

    def at(self, height_px: float, pose: Pose) -> Image.Image:
        """The posed photograph, at least so high where it has that many pixels."""
        sized = self._prop.at(height_px)
        if pose == Pose():
            return sized
        kept = self._posed.get(sized.size)
        if kept is None or kept[0] != pose:
            kept = (pose, posed(sized, self._eyes, pose))
            self._posed[sized.size] = kept
        return kept[1]


def _backdrop_of(portrait: Image.Image) -> tuple[int, int, int]:
    """The portrait's own backdrop where its edges above the shoulders are light, else the wall's."""
    small = np.asarray(portrait.resize((32, 32), Image.Resampling.BOX), dtype=np.float32)
    colour = np.median(np.concatenate([small[1, 2:-2], small[2:18, 2], small[2:18, -3]]), axis=0)
    if colour.mean() < 150:
        return WALL
    return (int(colour[0]), int(colour[1]), int(colour[2]))


class Props:
    """Everything that some stills need, loaded. Each file is read once.

    Raises:
        SceneInvalid: a file is missing, is no picture or is too large; a text or page cannot be printed.
    """

    def __init__(self, stills: tuple[Still, ...] = ()) -> None:
        self._files: dict[Path, Image.Image] = {}
        self._photographs: dict[tuple[object, ...], Photograph] = {}
        self._flats: dict[tuple[object, ...], Prop] = {}
        for still in stills:
            self._load(still)
        self._files.clear()

    def photograph(self, person: Person, *, mirrored: bool = False) -> Photograph:
        """Of a person among the stills."""
        return self._photographs[_person_key(person, mirrored)]

    def flat(self, still: Qr | Page | Picture, frame: int) -> Prop:
        """The card, page or picture itself; what does not move has one frame."""
        return self._flats[_flat_key(still)]

    def _load(self, still: Still) -> None:
        match still:
            case Person():
                self._load_person(still, "portrait", mirrored=False)
            case Group():
                for number, person in enumerate(still.people):
                    self._load_person(person, f"people.{number}.portrait", mirrored=False)
            case TwoPeople():
                first, second = pair(still)
                self._load_person(first, "portrait", mirrored=False)
                self._load_person(second, "second", mirrored=still.second is None)
            case Qr() | Page() | Picture():
                key = _flat_key(still)
                if key not in self._flats:
                    self._flats[key] = Prop(self._printed(still))
                if not isinstance(still, Picture) and still.behind is not None:
                    self._load_person(still.behind, "behind.portrait", mirrored=False)
            case _:
                pass

    def _load_person(self, person: Person, what: str, *, mirrored: bool) -> None:
        key = _person_key(person, mirrored)
        if key not in self._photographs:
            image = self._file(person.portrait, what)
            worn = Worn(person.glasses, person.covered, person.hat)
            shown = ImageOps.mirror(image) if mirrored else image.copy()
            self._photographs[key] = Photograph(shown, person.eyes, worn)

    def _file(self, path: Path, what: str) -> Image.Image:
        if path not in self._files:
            self._files[path] = opened(path, what)
        return self._files[path]

    def _printed(self, still: Qr | Page | Picture) -> Image.Image:
        match still:
            case Qr():
                return _qr_card(still.text)
            case Page():
                portrait = None if still.portrait is None else self._file(still.portrait, "portrait")
                return draw_page(still.lines, portrait, eyes=still.eyes, grey=still.grey, ghost=still.ghost)
            case Picture():
                return fitted(self._file(still.path, "path"))


def fitted(image: Image.Image) -> Image.Image:
    """A picture as large as fits into the frame."""
    return ImageOps.contain(image, (MAIN_WIDTH, MAIN_HEIGHT), Image.Resampling.LANCZOS)


def pair(still: TwoPeople) -> tuple[Person, Person]:
    """The applicant and the one behind as two people, where the scene puts them."""
    first = Person(
        scene="person",
        portrait=still.portrait,
        portrait_height_m=still.portrait_height_m,
        distance_m=still.distance_m,
        offset_x=-0.18,
    )
    second = first.model_copy(
        update={
            "portrait": still.second or still.portrait,
            "distance_m": still.second_distance_m,
            "offset_x": 0.22,
        }
    )
    return first, second


def _person_key(person: Person, mirrored: bool) -> tuple[object, ...]:
    return person.portrait, person.eyes, person.glasses, person.covered, person.hat, mirrored


def _flat_key(still: Qr | Page | Picture) -> tuple[object, ...]:
    match still:
        case Qr():
            return "qr", still.text
        case Page():
            return "page", still.lines, still.portrait, still.eyes, still.grey, still.ghost
        case Picture():
            return "picture", still.path


def _qr_card(text: str) -> Image.Image:
    try:
        code = segno.make_qr(text, error="m")
    except segno.DataOverflowError:
        raise SceneInvalid("text: does not fit a QR code") from None
    matrix = np.pad(np.array([list(row) for row in code.matrix], dtype=np.uint8), 4)
    card = Image.fromarray(np.where(matrix != 0, 24, 246).astype(np.uint8))
    return card.resize((card.width * _MODULE_PX, card.height * _MODULE_PX), Image.Resampling.NEAREST).convert("RGB")


def in_memory(path: Path, limit_bytes: int) -> BytesIO:
    """A file read whole, so that it may go away while it plays. Raises SceneInvalid."""
    try:
        with path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except FileNotFoundError:
        raise SceneInvalid("path: no such file") from None
    except OSError:
        raise SceneInvalid("path: cannot be read") from None
    if len(content) > limit_bytes:
        raise SceneInvalid(f"path: larger than {limit_bytes // 1_000_000} MB")
    return BytesIO(content)
