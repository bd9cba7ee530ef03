"""What the station asks of a display: show this screen.

A screen is meaning, not pixels: drivers/display/draw.py draws it for each size. Must never be handed a name or a
document number after the session has ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from drivers.panel.port import Button
from wire.catalogue import Text


class Tone(StrEnum):
    """The mood of a screen; colour on an LCD, inversion and icon on an OLED."""

    NEUTRAL = "neutral"
    ACTION = "action"
    BUSY = "busy"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


class Icon(StrEnum):
    """The picture beside the title; drawn by code, one stroke set for all sizes."""

    NONE = "none"
    READY = "ready"
    QR = "qr"
    CONSENT = "consent"
    DOCUMENT = "document"
    FACE = "face"
    FINGER = "finger"
    REVIEW = "review"
    LOCK = "lock"
    SEND = "send"
    WAIT = "wait"
    DONE = "done"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class KeyHint:
    """What a button does on this screen."""

    button: Button
    text: Text


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen.

    Attributes:
        screen_id: stable name, e.g. `fingers.place`; logs and tests use it, never the texts.
        title: what to do or what is; the largest line.
        lines: further lines; the drawing pages where they do not fit one screen.
        progress: (done, total) or None.
        detail: a short untranslated piece of text, e.g. a dossier code; no personal data.
        hand: the fingers to highlight as FingerPosition numbers; empty where no hands are drawn.
    """

    screen_id: str
    title: Text
    lines: tuple[Text, ...] = ()
    tone: Tone = Tone.NEUTRAL
    icon: Icon = Icon.NONE
    progress: tuple[int, int] | None = None
    keys: tuple[KeyHint, ...] = ()
    detail: str = ""
    hand: tuple[int, ...] = ()


class DisplayPort(Protocol):
    """Errors: DeviceMissing on open, DeviceFault later. A failing display must never stop a capture."""

    def open(self) -> None:
        """Initialises the device."""
        ...

    def show(self, screen: Screen) -> None:
        """Draws and shows. Only changes reach the device."""
        ...

    def idle(self, dim: bool) -> None:
        """Dims against burn-in when nothing happens; `show` wakes it."""
        ...

    def settle(self, timeout_s: float) -> bool:
        """Waits until what was handed over stands on the glass; whether it does."""
        ...

    def close(self) -> None:
        """Blank. Never raises; safe to call twice."""
        ...
