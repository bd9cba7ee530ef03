"""What passive measures make of simulated re-captures: a printed portrait, a screen, a photograph with its edges.

Tried, not used: nothing of this runs on a station. The attacks are simulated from the same portraits that are shown as
bona fide, with ideal optics; real prints and screens differ in every respect that is measured here. Must never be read
as the error rates of a presentation attack detection (ISO/IEC 30107-3 asks for real attack instruments).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from models.accuracy import sets
from models.accuracy.guidance import FRAME, INTER_EYE, Person, people, placed
from models.accuracy.statistics import wilson
from models.accuracy.verification import table
from models.face import geometry
from models.face.pipeline import FacePipeline
from models.face.types import Face, Floats, Rgb
from models.policy import FacePolicy

SIDE = 256
ALLOWED_BPCER = 0.05
"""Share of bona fide portraits of the choosing half that a limit may reject."""

PEOPLE = 30
VIEW = 1200
"""Side of the middle of the frame in which everything happens, pixels."""

Pixels = NDArray[np.float32]


def _pixels(picture: Image.Image) -> Pixels:
    return np.asarray(picture, np.float32)


def _shown(person: Person) -> Image.Image:
    left, top = (FRAME[0] - VIEW) // 2, (FRAME[1] - VIEW) // 2
    return placed(person.picture, person.face, INTER_EYE).crop((left, top, left + VIEW, top + VIEW))


def _picture(pixels: Pixels) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def _captured(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Optics and sensor: a little blur, a little noise. Bona fide and attacks go through the same."""
    blurred = _pixels(picture.filter(ImageFilter.GaussianBlur(random.uniform(0.4, 0.9))))
    return _picture(blurred + random.uniform(1, 3) * random.standard_normal(blurred.shape, np.float32))


def bona_fide(person: Person) -> Image.Image:
    """The portrait in a frame, through the same optics."""
    return _captured(_shown(person), np.random.default_rng(person.seed))


def _printed(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Less range, and a dot screen at 45 degrees, 3 to 5 pixels of the frame wide."""
    pixels = _pixels(picture)
    low, high = random.uniform(18, 45), random.uniform(205, 235)
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]].astype(np.float32)
    pitch = random.uniform(3, 5)
    screen = np.cos((rows + columns) * np.pi / pitch) * np.cos((rows - columns) * np.pi / pitch)
    return _picture(low + pixels / 255 * (high - low) + random.uniform(3, 12) * screen[..., None])


def print_attack(person: Person) -> Image.Image:
    """A print that fills the view."""
    random = np.random.default_rng(person.seed)
    return _captured(_printed(_shown(person), random), random)


def screen_attack(person: Person) -> Image.Image:
    """A screen that fills the view: grid of its pixels, sampled by the sensor's (moire), bluish, a faint reflection."""
    random = np.random.default_rng(person.seed)
    pixels = _pixels(_shown(person)) * np.array((0.95, 0.98, 1.06), np.float32)
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]].astype(np.float32)
    angle, pitch = random.uniform(-0.05, 0.05), random.uniform(1.2, 2.6)
    across = (columns * np.cos(angle) + rows * np.sin(angle)) / pitch
    down = (rows * np.cos(angle) - columns * np.sin(angle)) / pitch
    depth = random.uniform(0.04, 0.15)
    for channel in range(3):
        grid = np.cos(2 * np.pi * (across + channel / 3)) + 0.6 * np.cos(2 * np.pi * down)
        pixels[..., channel] *= 1 + depth * grid
    pixels += random.uniform(0, 20) * (columns / VIEW)[..., None]
    return _captured(_picture(pixels), random)


def photo_attack(person: Person) -> Image.Image:
    """A photograph of 35 x 45 proportions held up before a room, its white margin and edges in view."""
    random = np.random.default_rng(person.seed)
    whole = _printed(_shown(person), random)
    x = y = VIEW / 2
    half_width, half_height = 2.2 * INTER_EYE, 2.8 * INTER_EYE
    room = Image.new("RGB", (VIEW, VIEW), (110, 105, 98)).filter(ImageFilter.GaussianBlur(2))
    frame = Image.new("L", (VIEW, VIEW))
    ImageDraw.Draw(frame).rectangle((x - half_width, y - half_height, x + half_width, y + half_height), fill=255)
    sheet = Image.new("RGB", (VIEW, VIEW), (232, 230, 226))
    inner = Image.new("L", (VIEW, VIEW))
    edge = 0.15 * INTER_EYE
    ImageDraw.Draw(inner).rectangle(
        (x - half_width + edge, y - half_height + edge, x + half_width - edge, y + half_height - edge), fill=255
    )
    sheet.paste(whole, (0, 0), inner)
    turn = random.uniform(-4, 4)
    room.paste(sheet.rotate(turn, Image.Resampling.BICUBIC), (0, 0), frame.rotate(turn, Image.Resampling.BICUBIC))
    return _captured(room, random)


ATTACKS: dict[str, Callable[[Person], Image.Image]] = {
    "print that fills the view": print_attack,
    "screen that fills the view": screen_attack,
    "photograph with visible edges": photo_attack,
}


def _luma(rgb: Rgb) -> Floats:
    return np.asarray(Image.fromarray(rgb).convert("L"), np.float32)


def periodic(rgb: Rgb, face: Face) -> float:
    """Strongest spectral peak of the face above what its ring of frequencies has, decades of power."""
    x, y = geometry.between_eyes(face)
    left, top = max(0, int(x) - SIDE // 2), max(0, int(y) - SIDE // 4)
    part = _luma(np.ascontiguousarray(rgb[top : top + SIDE, left : left + SIDE]))
    if min(part.shape) < 64:
        return 0.0
    window = np.outer(np.hanning(part.shape[0]), np.hanning(part.shape[1]))
    power = np.abs(np.fft.fftshift(np.fft.fft2((part - part.mean()) * window))) ** 2
    rows, columns = np.mgrid[: part.shape[0], : part.shape[1]]
    radius = np.hypot(rows / part.shape[0] - 0.5, columns / part.shape[1] - 0.5)
    rings = (radius * 64).astype(np.intp)
    logs = np.log10(power + 1e-6)
    means = np.bincount(rings.ravel(), logs.ravel()) / np.maximum(np.bincount(rings.ravel()), 1)
    return float((logs - means[rings])[(radius > 0.12) & (radius < 0.5)].max())


def edges(rgb: Rgb, face: Face) -> float:
    """Strongest straight upright edge beside the head: mean gradient along a column, both sides, the weaker one."""
    unit = geometry.inter_eye(face)
    x, y = geometry.between_eyes(face)
    grey = _luma(np.ascontiguousarray(rgb[max(0, int(y - 1.5 * unit)) : int(y + 1.5 * unit)]))
    across = np.abs(np.diff(grey, axis=1)).mean(axis=0)
    smooth = np.convolve(across, np.ones(9), "same")
    low, mid, high = max(0, int(x - 4 * unit)), int(x), int(x + 4 * unit)
    gap = int(1.4 * unit)
    one, other = smooth[low : max(low + 1, mid - gap)], smooth[mid + gap : max(high, mid + gap + 1)]
    return float(min(one.max(initial=0.0), other.max(initial=0.0)))


def flat_range(rgb: Rgb, face: Face) -> float:
    """Darkest tone of head and hair, luma: paper and screens have no real black."""
    unit = geometry.inter_eye(face)
    x, y = geometry.between_eyes(face)
    box = rgb[max(0, int(y - 2 * unit)) : int(y + 2 * unit), max(0, int(x - unit)) : int(x + unit)]
    return float(np.percentile(_luma(np.ascontiguousarray(box)), 0.5))


MEASURES: dict[str, Callable[[Rgb, Face], float]] = {
    "spectral peak (moire, dots)": periodic,
    "straight edges beside the head": edges,
    "no real black": flat_range,
}


def _values(faces: FacePipeline, policy: FacePolicy, frames: Iterable[Image.Image]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in MEASURES}
    for frame in frames:
        rgb = np.asarray(frame)
        face = faces.analyse(rgb, policy).face
        for name, measure in MEASURES.items():
            found[name].append(measure(rgb, face) if face is not None else 0.0)
    return found


def measure(faces: FacePipeline, policy: FacePolicy) -> list[str]:
    """Limits from one half of the persons, error rates on the other; bona fide press photographs beside it."""
    halves = [list(islice(people(faces, policy, half), PEOPLE)) for half in (0, 1)]
    chosen = _values(faces, policy, (bona_fide(person) for person in halves[0]))
    honest = _values(faces, policy, (bona_fide(person) for person in halves[1]))
    attacks = {name: _values(faces, policy, (make(person) for person in halves[1])) for name, make in ATTACKS.items()}
    pictures, _ = sets.lfw()
    press = _values(faces, policy, (_enlarged(faces, policy, path) for path in pictures[::150]))
    rows: list[tuple[str, ...]] = [
        ("measure", "BPCER", "BPCER on press photographs", *(f"APCER, {a}" for a in ATTACKS))
    ]
    for name in MEASURES:
        limit = float(np.percentile(chosen[name], 100 * (1 - ALLOWED_BPCER)))
        cells = [_share(honest[name], limit), _share(press[name], limit)]
        cells += [_share(attacks[attack][name], limit, passed=True) for attack in ATTACKS]
        rows.append((name, *cells))
    return table(rows)


def _enlarged(faces: FacePipeline, policy: FacePolicy, path: object) -> Image.Image:
    with Image.open(str(path)) as opened:
        picture = opened.convert("RGB")
    face = faces.analyse(np.asarray(picture), policy).face
    return placed(picture, face, INTER_EYE) if face is not None else picture


def _share(values: list[float], limit: float, *, passed: bool = False) -> str:
    above = sum(value > limit for value in values)
    return str(wilson(len(values) - above if passed else above, len(values)))
