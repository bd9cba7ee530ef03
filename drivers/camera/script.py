"""What plays before the emulated lens: scripts of moving stills, folders of pictures, videos. Pure, but for the files
of the named scripts.

A script is a function of the time since its start: whoever asks for the same moment sees the same, however many
frames were skipped in between.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from drivers.camera.stills import AnyStill, FilePath, Still, StillsDiffer, Strict, between

NAMED = Path(__file__).parent / "scripts"
STEPS_LIMIT = 200
FILE_LIMIT_BYTES = 262_144
_Lux = Annotated[float, Field(ge=0.01, le=100_000.0)]


class Step(Strict):
    """A part of a script: one still for a time, or from one to another of the same kind.

    Attributes:
        for_s: how long.
        scene: held still; or, instead, `from` and `to`: what moves between them, starting and ending softly
            (`steady` makes it even).
        lux: light at the subject from here on; none leaves it as it was.
    """

    for_s: Annotated[float, Field(gt=0.0, le=600.0)]
    scene: AnyStill | None = None
    start: Annotated[AnyStill | None, Field(alias="from")] = None
    to: AnyStill | None = None
    steady: bool = False
    lux: _Lux | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        held = self.scene is not None and self.start is None and self.to is None
        moved = self.scene is None and self.start is not None and self.to is not None
        if not held and not moved:
            raise ValueError("a step has either scene, or from and to")
        if self.start is not None and self.to is not None:
            try:
                between(self.start, self.to, 0.5)
            except StillsDiffer as differ:
                raise ValueError(f"from and to differ in {differ}, which has no values in between") from None
        return self

    @property
    def stills(self) -> tuple[Still, ...]:
        """Everything that must be at hand to show the step."""
        return tuple(still for still in (self.scene, self.start, self.to) if still is not None)

    def at(self, passed_s: float) -> Still:
        """What is seen so long after the step's start."""
        if self.scene is not None:
            return self.scene
        assert self.start is not None
        assert self.to is not None
        share = min(max(passed_s / self.for_s, 0.0), 1.0)
        if not self.steady:
            share = share * share * (3.0 - 2.0 * share)
        if share in (0.0, 1.0):
            return self.to if share else self.start
        return between(self.start, self.to, share)


class Script(Strict):
    """Steps one after the other; the last one's end stays.

    Attributes:
        name: told in the state.
        repeat: begin again after the last step.
    """

    scene: Literal["script"]
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=STEPS_LIMIT, strict=False)]
    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] | None = None
    repeat: bool = False

    @property
    def length_s(self) -> float:
        """One run."""
        return sum(step.for_s for step in self.steps)

    def command(self) -> dict[str, Any]:
        """The fields of the control command that plays it: `remote.send(**script.command())`."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def at(self, passed_s: float) -> Playing:
        """What plays so long after the script's start."""
        length_s = self.length_s
        ended = not self.repeat and passed_s >= length_s
        left_s = min(max(passed_s, 0.0), length_s) if not self.repeat else max(passed_s, 0.0) % length_s
        lux: float | None = None
        for number, step in enumerate(self.steps):
            lux = step.lux if step.lux is not None else lux
            if left_s < step.for_s or number == len(self.steps) - 1:
                return Playing(step.at(left_s), lux, number, ended)
            left_s -= step.for_s
        raise AssertionError


class Folder(Strict):
    """The pictures of a folder in the order of their names, each for a time.

    Attributes:
        path: a folder with 1 to 500 JPEG, PNG, WebP or other pictures; other files in it are refused.
        period_s: of each picture. distance_m: where the lens must focus. repeat: begin again after the last.
    """

    scene: Literal["folder"]
    path: FilePath
    period_s: Annotated[float, Field(ge=0.05, le=600.0)] = 1.0
    distance_m: Annotated[float, Field(ge=0.15, le=4.0)] = 0.5
    repeat: bool = False


class Video(Strict):
    """A film: animated WebP, PNG or GIF, or an AVI with Motion JPEG.

    Attributes:
        path: at most 64 MB. distance_m: where the lens must focus. repeat: begin again at the end.
    """

    scene: Literal["video"]
    path: FilePath
    distance_m: Annotated[float, Field(ge=0.15, le=4.0)] = 0.5
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Playing:
    """One moment of a script: what is seen, its light where the script has one, the step (from 0), whether it ended."""

    still: Still
    lux: float | None
    step: int
    ended: bool


def script_names() -> tuple[str, ...]:
    """The scripts that come with the driver."""
    return tuple(sorted(path.stem for path in NAMED.glob("*.toml")))


def named_script(
    name: str | Path,
    *,
    portrait: Path | str | None = None,
    second: Path | str | None = None,
    eyes: Any = None,
    second_eyes: Any = None,
    lines: Any = None,
    qr_text: str | None = None,
) -> Script:
    """A script out of a file, played by these people.

    Args:
        name: one of `script_names()`, which come with the driver; or the path of a TOML or JSON file of one's own with
            the fields of `Script`, in which `$portrait` and the like stand for what is given here.
        portrait, eyes: the applicant and the pupils in that portrait. second, second_eyes: the other person.
        lines: machine-readable lines of the passport. qr_text: of the card.

    Raises:
        ValueError: no such script, or what it needs is not given; the sentence names it, never a value.
    """
    told = name if isinstance(name, str) else None
    if told is not None and told not in script_names():
        raise ValueError(f"no script of this name; there are {', '.join(script_names())}")
    given = {
        "$portrait": None if portrait is None else str(Path(portrait).absolute()),
        "$second": None if second is None else str(Path(second).absolute()),
        "$eyes": eyes,
        "$second_eyes": second_eyes,
        "$lines": None if lines is None else tuple(lines),
        "$qr_text": qr_text,
    }
    value = _played_by(_read(NAMED / f"{told}.toml" if told is not None else Path(name)), given)
    try:
        return Script.model_validate({"scene": "script", "name": told, **value})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"script: {place}: {first['msg']}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > FILE_LIMIT_BYTES:
            raise ValueError(f"script: larger than {FILE_LIMIT_BYTES} bytes")
        text = path.read_text("utf-8")
    except OSError:
        raise ValueError("script: no such file") from None
    except UnicodeDecodeError:
        raise ValueError("script: not in UTF-8") from None
    try:
        value = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("script: neither TOML nor JSON") from None
    if not isinstance(value, dict):
        raise ValueError("script: not a table of fields")
    return value


def _played_by(value: Any, given: dict[str, Any]) -> Any:
    """Puts what is given in the place of its `$name`; optional eyes that are not given fall away."""
    if isinstance(value, dict):
        found = {key: _played_by(inner, given) for key, inner in value.items()}
        return {key: inner for key, inner in found.items() if inner is not None}
    if isinstance(value, list):
        return [_played_by(inner, given) for inner in value]
    if isinstance(value, str) and value.startswith("$"):
        if value not in given:
            raise ValueError(f"the script names {value}, which nobody can play")
        if given[value] is None and not value.endswith("eyes"):
            raise ValueError(f"the script needs {value.removeprefix('$')}")
        return given[value]
    return value
