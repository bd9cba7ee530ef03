"""What can stand before the emulated lens at one moment, as a control command or a script names it.

Numbers that can change while something moves are plain fields, so that any two stills of one kind have stills between
them (`between`). Must never quote a value back in an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.types import Discriminator, Tag

FilePath = Annotated[Path, Field(strict=False)]
_Share = Annotated[float, Field(ge=0.0, le=1.0)]
_Turn = Annotated[float, Field(ge=-60.0, le=60.0)]
_Offset = Annotated[float, Field(ge=-1.5, le=1.5)]
_Distance = Annotated[float, Field(ge=0.15, le=4.0)]
_Point = Annotated[tuple[_Share, _Share], Field(strict=False)]
_Eyes = Annotated[tuple[_Point, _Point], Field(strict=False)]
_Line = Annotated[str, Field(pattern=r"^[A-Z0-9<]{30,44}$")]


class StillsDiffer(ValueError):
    """There is nothing between these two stills: they differ in more than numbers. The text names the field."""


class Strict(BaseModel):
    """Base of everything that comes in from outside."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Empty(Strict):
    """The lit backdrop, nobody there."""

    scene: Literal["empty"]


class Black(Strict):
    """Something covers the lens."""

    scene: Literal["black"]


class Person(Strict):
    """A portrait photograph at a distance, which can turn its head and close its eyes.

    Attributes:
        portrait: JPEG or PNG of a head, as photographed upright and from the front.
        portrait_height_m: how much of the world the photograph's height shows. 0.38 fits a head-and-neck portrait
            whose inter-eye distance is a sixth of its height.
        distance_m: lens to face.
        offset_x, offset_y: centre of the photograph from the centre of the frame, in frame widths and heights.
        roll_deg: turned in the picture plane, counter-clockwise positive.
        yaw_deg: the head turned, positive to the right of the picture. pitch_deg: positive with the chin up.
        eyes: both pupils as shares of the photograph's width and height, left in the picture first; where none are
            given, those of a usual portrait are taken. Turns, lids and everything worn are placed by them.
        eyes_closed: 0 as photographed, 1 shut. mouth_open: 0 as photographed, 1 wide open.
        glasses: frames; `clear` with clear lenses, `glare` with a reflection over the eyes, `dark` as sunglasses.
        covered: mouth and chin behind a `mask`, or half the face behind a `hand`.
        hat: a cap down to the brows.
    """

    scene: Literal["person"]
    portrait: FilePath
    portrait_height_m: Annotated[float, Field(ge=0.05, le=2.0)] = 0.38
    distance_m: _Distance = 0.6
    offset_x: _Offset = 0.0
    offset_y: _Offset = 0.0
    roll_deg: Annotated[float, Field(ge=-45.0, le=45.0)] = 0.0
    yaw_deg: Annotated[float, Field(ge=-45.0, le=45.0)] = 0.0
    pitch_deg: Annotated[float, Field(ge=-30.0, le=30.0)] = 0.0
    eyes: _Eyes | None = None
    eyes_closed: _Share = 0.0
    mouth_open: _Share = 0.0
    glasses: Literal["none", "clear", "glare", "dark"] = "none"
    covered: Literal["none", "mask", "hand"] = "none"
    hat: bool = False


class Group(Strict):
    """Up to three people; who is nearer stands in front. The lens focuses on the first."""

    scene: Literal["group"]
    people: Annotated[tuple[Person, ...], Field(min_length=1, max_length=3, strict=False)]


class TwoPeople(Strict):
    """The applicant and someone behind; without `second` the same portrait, mirrored."""

    scene: Literal["two_people"]
    portrait: FilePath
    second: FilePath | None = None
    portrait_height_m: Annotated[float, Field(ge=0.05, le=2.0)] = 0.38
    distance_m: _Distance = 0.75
    second_distance_m: _Distance = 0.95


class Qr(Strict):
    """A QR code on a white card, held up at an angle.

    Attributes:
        text: 1 to 1200 characters.
        size_m: edge of the card. distance_m: lens to card.
        yaw_deg, pitch_deg, roll_deg: how the card is turned.
        behind: who holds it.
    """

    scene: Literal["qr"]
    text: Annotated[str, Field(min_length=1, max_length=1200)]
    size_m: Annotated[float, Field(ge=0.02, le=0.5)] = 0.12
    distance_m: _Distance = 0.22
    offset_x: _Offset = 0.0
    offset_y: _Offset = 0.0
    yaw_deg: _Turn = 14.0
    pitch_deg: _Turn = -9.0
    roll_deg: Annotated[float, Field(ge=-180.0, le=180.0)] = 5.0
    behind: Person | None = None


class Page(Strict):
    """The data page of a passport, or a card, held up to the lens.

    Attributes:
        lines: machine-readable text: two lines of 44 (TD3) or three of 30 (TD1) of A-Z, 0-9 and `<`, right or wrong.
        portrait: the holder's picture; none leaves the frame empty. eyes: both pupils in it, as shares of its width
            and height, left in the picture first; with them the head is framed as on a document.
        grey: the portrait is printed in grey. ghost: a small pale second one.
        distance_m: lens to page; at 0.12 a passport's page fills 80 % of the frame's width.
        yaw_deg, pitch_deg, roll_deg: how the page is turned.
        glare: a reflection on the laminate, 0 to 1; glare_x, glare_y: its place, in page widths and heights.
        behind: who holds it.
    """

    scene: Literal["page"]
    lines: Annotated[tuple[_Line, ...], Field(min_length=2, max_length=3, strict=False)]
    portrait: FilePath | None = None
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
    behind: Person | None = None


class Picture(Strict):
    """A whole picture, fitted into the frame; what it does not cover is backdrop."""

    scene: Literal["picture"]
    path: FilePath
    distance_m: _Distance = 0.5


Still = Empty | Black | Person | Group | TwoPeople | Qr | Page | Picture
STILLS = ("empty", "black", "person", "group", "two_people", "qr", "page", "picture")


def kind_of(value: Any) -> str | None:
    """The `scene` of a still, None where it names none."""
    scene = value.get("scene") if isinstance(value, dict) else getattr(value, "scene", None)
    return scene if isinstance(scene, str) and scene in STILLS else None


AnyStill = Annotated[
    Annotated[Empty, Tag("empty")]
    | Annotated[Black, Tag("black")]
    | Annotated[Person, Tag("person")]
    | Annotated[Group, Tag("group")]
    | Annotated[TwoPeople, Tag("two_people")]
    | Annotated[Qr, Tag("qr")]
    | Annotated[Page, Tag("page")]
    | Annotated[Picture, Tag("picture")],
    Discriminator(kind_of, custom_error_type="scene", custom_error_message=f"name one scene of {', '.join(STILLS)}"),
]
"""A still as a field of another model."""


def between(one: Still, other: Still, share: float) -> Still:
    """The still that lies `share` (0 to 1) of the way from one to the other.

    Raises:
        StillsDiffer: they are of different kinds, or differ in more than numbers.
    """
    mixed: Still = _between(one, other, share, "scene")
    return mixed


def _between(one: Any, other: Any, share: float, field: str) -> Any:
    if one == other:
        return one
    if type(one) is type(other) and field != "eyes":
        if isinstance(one, float):
            return one + (other - one) * share
        if isinstance(one, Strict):
            changed = {
                name: _between(getattr(one, name), getattr(other, name), share, name) for name in type(one).model_fields
            }
            return one.model_copy(update=changed)
        if isinstance(one, tuple) and len(one) == len(other):
            return tuple(_between(a, b, share, field) for a, b in zip(one, other, strict=True))
    raise StillsDiffer(field)
