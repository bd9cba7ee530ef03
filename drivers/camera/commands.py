"""What another process may tell the emulated camera: scenes, light and faults, one JSON object a line.

Every field is checked here, once, at the edge. Must never quote a value back in an error: a portrait's path or a
QR text may hold personal data, and errors go into logs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.types import Discriminator, Tag

LINE_LIMIT_BYTES = 16_384
"""Longer lines are refused."""

_Path = Annotated[Path, Field(strict=False)]
_Offset = Annotated[float, Field(ge=-1.0, le=1.0)]
_Share = Annotated[float, Field(ge=0.0, le=1.0)]
_Turn = Annotated[float, Field(ge=-60.0, le=60.0)]
_Point = Annotated[tuple[_Share, _Share], Field(strict=False)]
_Eyes = Annotated[tuple[_Point, _Point], Field(strict=False)]
_Line = Annotated[str, Field(pattern=r"^[A-Z0-9<]{30,44}$")]
_Distance = Annotated[float, Field(ge=0.15, le=4.0)]


class CommandInvalid(ValueError):
    """One sentence that names the field and the rule, never the value."""


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Empty(_Command):
    """The lit backdrop, nobody there."""

    scene: Literal["empty"]


class Black(_Command):
    """Something covers the lens."""

    scene: Literal["black"]


class Person(_Command):
    """A portrait photograph at a distance.

    Attributes:
        portrait: JPEG or PNG of a head, as photographed upright.
        portrait_height_m: how much of the world the photograph's height shows. 0.38 fits a head-and-neck portrait
            whose inter-eye distance is a sixth of its height.
        distance_m: lens to face.
        offset_x, offset_y: centre of the photograph from the centre of the frame, in frame widths and heights.
        roll_deg: turned in the picture plane, counter-clockwise positive.
    """

    scene: Literal["person"]
    portrait: _Path
    portrait_height_m: Annotated[float, Field(ge=0.05, le=2.0)] = 0.38
    distance_m: _Distance = 0.6
    offset_x: _Offset = 0.0
    offset_y: _Offset = 0.0
    roll_deg: Annotated[float, Field(ge=-45.0, le=45.0)] = 0.0


class TwoPeople(_Command):
    """The applicant and someone behind; without `second` the same portrait, mirrored."""

    scene: Literal["two_people"]
    portrait: _Path
    second: _Path | None = None
    portrait_height_m: Annotated[float, Field(ge=0.05, le=2.0)] = 0.38
    distance_m: _Distance = 0.75
    second_distance_m: _Distance = 0.95


class Qr(_Command):
    """A QR code on a white card, held up at an angle.

    Attributes:
        text: 1 to 1200 characters.
        size_m: edge of the card. distance_m: lens to card.
        yaw_deg, pitch_deg, roll_deg: how the card is turned.
    """

    scene: Literal["qr"]
    text: Annotated[str, Field(min_length=1, max_length=1200)]
    size_m: Annotated[float, Field(ge=0.02, le=0.5)] = 0.12
    distance_m: _Distance = 0.22
    offset_x: _Offset = 0.0
    offset_y: _Offset = 0.0
    yaw_deg: Annotated[float, Field(ge=-60.0, le=60.0)] = 14.0
    pitch_deg: Annotated[float, Field(ge=-60.0, le=60.0)] = -9.0
    roll_deg: Annotated[float, Field(ge=-180.0, le=180.0)] = 5.0


class Page(_Command):
    """The data page of a passport, or a card, held up flat to the lens.

    Attributes:
        lines: machine-readable text: two lines of 44 (TD3) or three of 30 (TD1) of A-Z, 0-9 and `<`, right or wrong.
        portrait: the holder's picture; none leaves the frame empty. eyes: both pupils in it, as shares of its width
            and height, left in the picture first; with them the head is framed as on a document.
        grey: the portrait is printed in grey. ghost: a small pale second one.
        distance_m: lens to page; at 0.12 a passport's page fills 80 % of the frame's width.
        yaw_deg, pitch_deg, roll_deg: how the page is turned.
        glare: a reflection on the laminate, 0 to 1; glare_x, glare_y: its place, in page widths and heights.
    """

    scene: Literal["page"]
    lines: Annotated[tuple[_Line, ...], Field(min_length=2, max_length=3, strict=False)]
    portrait: _Path | None = None
    eyes: _Eyes | None = None
    grey: bool = False
    ghost: bool = True
    distance_m: Annotated[float, Field(ge=0.1, le=4.0)] = 0.12
    offset_x: _Offset = 0.0
    offset_y: _Offset = 0.0
    yaw_deg: _Turn = 0.0
    pitch_deg: _Turn = 0.0
    roll_deg: Annotated[float, Field(ge=-180.0, le=180.0)] = 0.0
    glare: _Share = 0.0
    glare_x: _Share = 0.62
    glare_y: _Share = 0.45


class Picture(_Command):
    """A whole picture, fitted into the frame; what it does not cover is backdrop."""

    scene: Literal["picture"]
    path: _Path
    distance_m: _Distance = 0.5


class Light(_Command):
    """Light at the face in lux. The desk has 400."""

    lux: Annotated[float, Field(ge=0.01, le=100_000.0)]


class Fault(_Command):
    """`stall`: frames stop. `missing`: frames stop and the next open finds no camera. `none`: mended."""

    fault: Literal["stall", "missing", "none"]


class Get(_Command):
    """Asks for the state."""

    get: Literal["state"]


Scene = Empty | Black | Person | TwoPeople | Qr | Page | Picture
Command = Scene | Light | Fault | Get

_SCENES = {
    "empty": Empty,
    "black": Black,
    "person": Person,
    "two_people": TwoPeople,
    "qr": Qr,
    "page": Page,
    "picture": Picture,
}


def _kind(value: Any) -> str | None:
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if not isinstance(value, dict):
        return None
    kinds = [key for key in ("scene", "lux", "fault", "get") if key in value]
    if len(kinds) != 1:
        return None
    if kinds == ["scene"]:
        scene = value["scene"]
        return scene if isinstance(scene, str) and scene in _SCENES else None
    return kinds[0]


AnyScene = Annotated[
    Annotated[Empty, Tag("empty")]
    | Annotated[Black, Tag("black")]
    | Annotated[Person, Tag("person")]
    | Annotated[TwoPeople, Tag("two_people")]
    | Annotated[Qr, Tag("qr")]
    | Annotated[Page, Tag("page")]
    | Annotated[Picture, Tag("picture")],
    Discriminator(_kind),
]
"""A scene as a field of an options model."""

_COMMAND: TypeAdapter[Command] = TypeAdapter(
    Annotated[
        Annotated[Empty, Tag("empty")]
        | Annotated[Black, Tag("black")]
        | Annotated[Person, Tag("person")]
        | Annotated[TwoPeople, Tag("two_people")]
        | Annotated[Qr, Tag("qr")]
        | Annotated[Page, Tag("page")]
        | Annotated[Picture, Tag("picture")]
        | Annotated[Light, Tag("lux")]
        | Annotated[Fault, Tag("fault")]
        | Annotated[Get, Tag("get")],
        Discriminator(_kind),
    ]
)


def parse(line: bytes) -> Command:
    """One line of JSON as a command.

    Raises:
        CommandInvalid: not JSON, not an object, unknown, or a field out of range.
    """
    if len(line) > LINE_LIMIT_BYTES:
        raise CommandInvalid(f"line longer than {LINE_LIMIT_BYTES} bytes")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise CommandInvalid("not a JSON object in UTF-8") from None
    if _kind(value) is None:
        raise CommandInvalid(
            "name exactly one of scene (empty, black, person, two_people, qr, page, picture), "
            "lux, fault (stall, missing, none), get (state)"
        )
    try:
        return _COMMAND.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        raise CommandInvalid(f"{field or 'command'}: {first['msg']}") from None
