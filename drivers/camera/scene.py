"""Where things stand: a still as layers in the frame's plane, seen through the lens of `drivers.camera.sensor`.

Pure. Distances are those of a real desk. Must never put a path or a text into an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, assert_never

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from drivers.camera.head import Pose
from drivers.camera.page import layout_of
from drivers.camera.props import WALL, Photograph, Prop, pair
from drivers.camera.sensor import FOCAL_PX, MAIN_HEIGHT, MAIN_WIDTH
from drivers.camera.stills import Black, Empty, Group, Page, Person, Picture, Qr, Still, TwoPeople

MARGIN_PX = 24
"""How far the view may sway, main pixels each way."""

_WALL_M = 1.5
_DARK_M = 0.2
_COVERED = 0.002
_NEAREST_M = 0.05

Corners = NDArray[np.float64]
Colour = tuple[int, int, int]


class Stock(Protocol):
    """Where the pictures come from: `props.Props`, or a film."""

    def photograph(self, person: Person, *, mirrored: bool = False) -> Photograph: ...

    def flat(self, still: Qr | Page | Picture, frame: int) -> Prop: ...


@dataclass(frozen=True, slots=True)
class Sight:
    """One moment before the lens; equal sights look the same."""

    still: Still
    stock: Stock
    frame: int = 0


@dataclass(frozen=True, slots=True)
class Layer:
    """A flat thing in the frame, main pixels from the frame's upper left corner.

    Attributes:
        corners: upper left, upper right, lower right, lower left, (4, 2).
        source: the picture, at least so many pixels high where there are so many.
        distance_m: from the lens.
        feathered: fades into what is behind it at its left, right and upper edge; its lower edge is continued.
        glare: strength of a reflection and its place, shares of width and height.
    """

    corners: Corners
    source: Callable[[float], Image.Image]
    distance_m: float
    feathered: bool = False
    glare: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def upright(self) -> bool:
        """Neither turned nor tilted."""
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = self.corners
        return bool(ay == by and bx == cx and cy == dy and dx == ax)


@dataclass(frozen=True, slots=True)
class Arranged:
    """Layers, farthest first, before a wall of a colour."""

    wall: Colour
    layers: tuple[Layer, ...]


def focus_m(still: Still) -> float:
    """Where the lens must focus."""
    match still:
        case Empty():
            return _WALL_M
        case Black():
            return _DARK_M
        case Group():
            return still.people[0].distance_m
        case Person() | TwoPeople() | Qr() | Page() | Picture():
            return still.distance_m
        case _:
            assert_never(still)


def transmission(still: Still) -> float:
    """Part of the light that reaches the lens; a covered camera has next to none."""
    return _COVERED if isinstance(still, Black) else 1.0


def sway_px(still: Still) -> float:
    """How far the subject moves by itself, main pixels."""
    match still:
        case Empty() | Black():
            return 0.0
        case Qr() | Page():
            return 10.0
        case Picture():
            return 4.0
        case _:
            return 6.0


def centre_px(still: Still) -> tuple[float, float]:
    """Where the subject is, main pixels from the frame's middle; what moves it blurs it."""
    match still:
        case Group():
            return centre_px(still.people[0])
        case Person() | Qr() | Page():
            return still.offset_x * MAIN_WIDTH, still.offset_y * MAIN_HEIGHT
        case _:
            return 0.0, 0.0


def drift_px(opened: Still, closed: Still) -> tuple[float, float]:
    """How far the subject moves from one still to a later one of the same scene, main pixels."""
    if type(opened) is not type(closed) or opened == closed:
        return 0.0, 0.0
    (ax, ay), (bx, by) = centre_px(opened), centre_px(closed)
    return bx - ax, by - ay


def arranged(sight: Sight) -> Arranged:
    """The layers of a moment."""
    still, stock = sight.still, sight.stock
    match still:
        case Empty():
            return Arranged(WALL, ())
        case Black():
            return Arranged((18, 14, 13), ())
        case Person():
            return _people((still,), (False,), stock)
        case Group():
            return _people(still.people, (False,) * len(still.people), stock)
        case TwoPeople():
            return _people(pair(still), (False, still.second is None), stock)
        case Qr():
            return _held(still, stock.flat(still, sight.frame), (still.size_m, still.size_m), stock)
        case Page():
            layout = layout_of(still.lines)
            size_m = (layout.width_mm / 1000, layout.height_mm / 1000)
            return _held(still, stock.flat(still, sight.frame), size_m, stock)
        case Picture():
            return Arranged(WALL, (_picture(still, stock.flat(still, sight.frame)),))
        case _:
            assert_never(still)


def _people(people: tuple[Person, ...], mirrored: tuple[bool, ...], stock: Stock) -> Arranged:
    photographs = [stock.photograph(person, mirrored=flip) for person, flip in zip(people, mirrored, strict=True)]
    layers = [_person(person, photograph) for person, photograph in zip(people, photographs, strict=True)]
    layers.sort(key=lambda layer: -layer.distance_m)
    return Arranged(photographs[0].backdrop, tuple(layers))


def _person(person: Person, photograph: Photograph) -> Layer:
    height = FOCAL_PX / person.distance_m * person.portrait_height_m
    width = height * photograph.size[0] / photograph.size[1]
    middle = np.array([(0.5 + person.offset_x) * MAIN_WIDTH, (0.5 + person.offset_y) * MAIN_HEIGHT])
    corners = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
    if person.roll_deg != 0.0:
        roll = math.radians(person.roll_deg)
        turn = np.array([[math.cos(roll), math.sin(roll)], [-math.sin(roll), math.cos(roll)]])
        corners = corners @ turn.T
    pose = Pose(person.yaw_deg, person.pitch_deg, person.eyes_closed, person.mouth_open)
    return Layer(corners + middle, lambda px: photograph.at(px, pose), person.distance_m, feathered=True)


def _picture(still: Picture, prop: Prop) -> Layer:
    width, height = prop.whole.size
    share = min(MAIN_WIDTH / width, MAIN_HEIGHT / height)
    half = np.array([width, height]) * share / 2
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return Layer(signs * half + (MAIN_WIDTH / 2, MAIN_HEIGHT / 2), prop.at, still.distance_m)


def _held(still: Qr | Page, prop: Prop, size_m: tuple[float, float], stock: Stock) -> Arranged:
    """Something flat, turned in space, before the wall or a person."""
    glare = (still.glare, still.glare_x, still.glare_y) if isinstance(still, Page) else (0.0, 0.0, 0.0)
    held = Layer(_projected(still, size_m), prop.near, still.distance_m, glare=glare)
    if still.behind is None:
        return Arranged(WALL, (held,))
    behind = _people((still.behind,), (False,), stock)
    return Arranged(behind.wall, (*behind.layers, held))


def _projected(still: Qr | Page, size_m: tuple[float, float]) -> Corners:
    """The four corners in the frame, pinhole model; a corner that would touch the lens stays just before it."""
    x, y = size_m[0] / 2, size_m[1] / 2
    corners = np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]])
    yaw, pitch, roll = (math.radians(angle) for angle in (still.yaw_deg, still.pitch_deg, still.roll_deg))
    about_x = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    about_z = np.array([[math.cos(roll), math.sin(roll), 0], [-math.sin(roll), math.cos(roll), 0], [0, 0, 1]])
    turned = corners @ (about_y @ about_x @ about_z).T
    depth = np.maximum(turned[:, 2] + still.distance_m, _NEAREST_M)
    left = FOCAL_PX * turned[:, 0] / depth + (0.5 + still.offset_x) * MAIN_WIDTH
    top = FOCAL_PX * turned[:, 1] / depth + (0.5 + still.offset_y) * MAIN_HEIGHT
    return np.stack([left, top], axis=1)
