"""Guidance without flicker, and the moment of the shot: pure, fed frame by frame.

A sentence is shown once it was the most important one for some frames, and stays for a while; the shot is due when
all gates held for a whole window. Must never see an image.
"""

from __future__ import annotations

from dataclasses import dataclass

_STEADY_FRAMES = 3
_STAYS_NS = 800_000_000


@dataclass(slots=True)
class Guide:
    """The one sentence to show. `shown` None means: all well, hold still.

    `steady_frames`: on how many frames in a row it must have been said.
    """

    shown: str | None = "no-face"
    steady_frames: int = _STEADY_FRAMES
    _candidate: str | None = None
    _frames: int = 0
    _since_ns: int = 0

    def tell(self, said: str, at_ns: int) -> None:
        """Shown at once, and it stays as long as any other."""
        self.shown, self._since_ns = said, at_ns

    def frame(self, said: str | None, at_ns: int) -> bool:
        """Folds in what one frame says; whether `shown` changed."""
        self._frames = self._frames + 1 if said == self._candidate else 1
        self._candidate = said
        if said == self.shown or self._frames < self.steady_frames or at_ns - self._since_ns < _STAYS_NS:
            return False
        self.shown, self._since_ns = said, at_ns
        return True


@dataclass(slots=True)
class Window:
    """Counts frames in a row on which every gate held."""

    frames: int
    _held: int = 0

    def frame(self, acceptable: bool) -> bool:
        """Folds in one frame; whether the shot is due."""
        self._held = self._held + 1 if acceptable else 0
        return self._held >= self.frames

    def reset(self) -> None:
        self._held = 0
