"""A scene made ready to be shown: everything read, and what is seen at any time after its start.

Made in the thread that takes the command; read by the camera's thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drivers.camera.commands import Scene
from drivers.camera.film import Film, film_of
from drivers.camera.props import Props
from drivers.camera.scene import Sight, Stock
from drivers.camera.script import Folder, Playing, Script, Video
from drivers.camera.stills import Still


@dataclass(frozen=True, slots=True)
class Now:
    """What is before the lens, and its light."""

    sight: Sight
    lux: float


class Show:
    """A scene with its pictures.

    Args:
        scene: what was asked for.
        stock: its pictures.
    """

    def __init__(self, scene: Still | Script | Folder | Video, stock: Stock) -> None:
        self.name = scene.scene
        self._scene = scene
        self._stock = stock

    def at(self, passed_s: float, lux: float) -> Now:
        """What is seen so long after the start; a script's own light goes before `lux`."""
        playing = self._playing(passed_s)
        light = lux if playing.lux is None else playing.lux
        frame = playing.step if isinstance(self._stock, Film) else 0
        return Now(Sight(playing.still, self._stock, frame), light)

    def state(self, passed_s: float, began_ns: int) -> dict[str, Any]:
        """What a script or film tells: step (from 0), how many, whether and when (CLOCK_MONOTONIC) it ended."""
        match self._scene:
            case Script():
                steps, length_s, name = len(self._scene.steps), self._scene.length_s, self._scene.name
            case Folder() | Video():
                assert isinstance(self._stock, Film)
                steps, length_s, name = self._stock.count, self._stock.length_s, None
            case _:
                return {}
        playing = self._playing(passed_s)
        return {
            "script": name,
            "step": playing.step,
            "steps": steps,
            "ended": playing.ended,
            "ended_ns": began_ns + round(length_s * 1e9) if playing.ended else None,
        }

    def _playing(self, passed_s: float) -> Playing:
        match self._scene:
            case Script():
                return self._scene.at(passed_s)
            case Folder() | Video():
                assert isinstance(self._stock, Film)
                return self._stock.at(passed_s)
            case _:
                return Playing(self._scene, None, 0, False)


def made(scene: Scene) -> Show:
    """Reads and prints what a scene needs.

    Raises:
        SceneInvalid: a file is missing, is no picture or is too large; a text or page cannot be printed.
    """
    match scene:
        case Script():
            return Show(scene, Props(tuple(still for step in scene.steps for still in step.stills)))
        case Folder() | Video():
            return Show(scene, film_of(scene))
        case _:
            return Show(scene, Props((scene,)))
