"""What another process may tell the emulated camera: scenes, light and faults, one JSON object a line.

Every field is checked here, once, at the edge. Must never quote a value back in an error: a portrait's path or a
QR text may hold personal data, and errors go into logs.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic.types import Discriminator, Tag

from drivers.camera.script import Folder, Script, Step, Video, named_script, script_names
from drivers.camera.stills import (
    STILLS,
    AnyStill,
    Black,
    Empty,
    Group,
    Page,
    Person,
    Picture,
    Qr,
    Still,
    Strict,
    TwoPeople,
)

__all__ = [
    "Black",
    "Command",
    "CommandInvalid",
    "Empty",
    "Fault",
    "Folder",
    "Get",
    "Group",
    "Light",
    "Page",
    "Person",
    "Picture",
    "Qr",
    "Scene",
    "Script",
    "Step",
    "Still",
    "TwoPeople",
    "Video",
    "named_script",
    "parse",
    "script_names",
]

LINE_LIMIT_BYTES = 65_536
"""Longer lines are refused."""

_PLAYED = ("script", "folder", "video")


class CommandInvalid(ValueError):
    """One sentence that names the field and the rule, never the value."""


class Light(Strict):
    """Light at the face in lux. The desk has 400."""

    lux: Annotated[float, Field(ge=0.01, le=100_000.0)]


class Fault(Strict):
    """`stall`: frames stop. `missing`: frames stop and the next open finds no camera. `none`: mended."""

    fault: Literal["stall", "missing", "none"]


class Get(Strict):
    """Asks for the state."""

    get: Literal["state"]


Scene = Still | Script | Folder | Video
Command = Scene | Light | Fault | Get


def _scene_kind(value: Any) -> str | None:
    scene = value.get("scene") if isinstance(value, dict) else getattr(value, "scene", None)
    if not isinstance(scene, str):
        return None
    return "still" if scene in STILLS else scene if scene in _PLAYED else None


def _kind(value: Any) -> str | None:
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if not isinstance(value, dict):
        return None
    kinds = [key for key in ("scene", "lux", "fault", "get") if key in value]
    if len(kinds) != 1:
        # A script's light belongs to its steps; a command is one thing.
        return None
    return _scene_kind(value) if kinds == ["scene"] else kinds[0]


AnyScene = Annotated[
    Annotated[AnyStill, Tag("still")]
    | Annotated[Script, Tag("script")]
    | Annotated[Folder, Tag("folder")]
    | Annotated[Video, Tag("video")],
    Discriminator(_scene_kind),
]
"""A scene as a field of an options model."""

_COMMAND: TypeAdapter[Command] = TypeAdapter(
    Annotated[
        Annotated[AnyStill, Tag("still")]
        | Annotated[Script, Tag("script")]
        | Annotated[Folder, Tag("folder")]
        | Annotated[Video, Tag("video")]
        | Annotated[Light, Tag("lux")]
        | Annotated[Fault, Tag("fault")]
        | Annotated[Get, Tag("get")],
        Discriminator(_kind),
    ]
)
_TAGS = {"still", *STILLS, *_PLAYED}


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
            f"name exactly one of scene ({', '.join((*STILLS, *_PLAYED))}), "
            "lux, fault (stall, missing, none), get (state)"
        )
    try:
        return _COMMAND.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        # The first part is the kind of command; the kinds of the scenes inside say nothing either.
        place = [str(part) for part in first["loc"][1:] if part not in _TAGS]
        field = ".".join(place)
        raise CommandInvalid(f"{field or 'command'}: {first['msg'].removeprefix('Value error, ')}") from None
