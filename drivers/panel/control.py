"""The language of the emulated panel's control socket: JSON lines, one object each, in both directions.

Pure parsing and forming; the socket is in drivers/panel/control_server.py. Every line that is not a command gets a
reply that says why; none may end the conversation. docs/panel.md lists commands, replies and events.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MAX_LINE_BYTES = 4096


class Operation(StrEnum):
    """What a command asks for."""

    PRESS = "press"
    RELEASE = "release"
    TAP = "tap"
    HOLD = "hold"
    BOUNCE = "bounce"
    GET = "get"
    WATCH = "watch"


class Command(BaseModel):
    """One command.

    Attributes:
        op: what to do.
        pin: role of the line (`officer_ok`) or its BCM number; not for `get` and `watch`.
        for_s: how long the button stays down: `tap` 0.05, `hold` 2.0, `bounce` 0.05 unless given.
        times: `bounce`: extra contacts before it settles and again when it is let go.
        gap_s: `bounce`: time between two edges of the chatter.
        id: returned in the reply, for matching.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    op: Operation = Field(strict=False)
    pin: str | int | None = None
    for_s: float | None = Field(default=None, gt=0, le=60, allow_inf_nan=False)
    times: int = Field(default=5, ge=1, le=100)
    gap_s: float = Field(default=0.001, gt=0, le=0.1, allow_inf_nan=False)
    id: str | int | None = None

    @property
    def held_s(self) -> float:
        """How long the button stays down."""
        if self.for_s is not None:
            return self.for_s
        return 2.0 if self.op is Operation.HOLD else 0.05


class Malformed(ValueError):
    """A line that is not a command; the text says what is wrong with it."""


def parse(line: bytes) -> Command:
    """The command in one line. Raises Malformed for anything else, whatever the bytes."""
    if len(line) > MAX_LINE_BYTES:
        raise Malformed(f"line is longer than {MAX_LINE_BYTES} bytes")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    try:
        command = Command.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "line"
        raise Malformed(f"{field}: {first['msg']}") from error
    if command.pin is None and command.op not in (Operation.GET, Operation.WATCH):
        raise Malformed(f"pin: {command.op.value} needs one")
    return command


def form(message: dict[str, Any]) -> bytes:
    """One line."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def chatter(times: int, gap_s: float, held_s: float) -> list[tuple[float, bool]]:
    """The edges of one bouncing touch: (seconds after the start, pressed), ending released."""
    edges: list[tuple[float, bool]] = []
    for start_s, level in ((0.0, True), (2 * times * gap_s + held_s, False)):
        for turn in range(times):
            edges.append((start_s + 2 * turn * gap_s, level))
            edges.append((start_s + (2 * turn + 1) * gap_s, not level))
        edges.append((start_s + 2 * times * gap_s, level))
    return edges
