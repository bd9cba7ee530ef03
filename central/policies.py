"""Capture plans and consent texts, from the dated data files: of each kind the newest that has begun counts.

Must never change a consent text under its id: bundles name its hash.
"""

from __future__ import annotations

import hashlib
import tomllib
import unicodedata
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from central.errors import DataFileInvalid, PlanUnknown
from wire.case import ConsentText
from wire.fingers import FingerPosition, lie_together


class _DataFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    valid_from: date


_Step = Annotated[tuple[str, ...], Field(min_length=1, max_length=4)]


class _Plan(BaseModel):
    """`fingers` one after the other, or `steps` of up to four that are shown to the scanner together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fingers: Annotated[tuple[str, ...], Field(max_length=10)] = ()
    steps: Annotated[tuple[_Step, ...], Field(max_length=10)] = ()

    @model_validator(mode="after")
    def _positions(self) -> Self:
        if bool(self.fingers) == bool(self.steps):
            raise ValueError("a plan names either fingers or steps")
        keys = self.keys
        if len(set(keys)) != len(keys) or not set(keys) <= {position.key for position in FingerPosition}:
            raise ValueError("unknown finger, or one that stands twice")
        if not all(lie_together(map(FingerPosition.from_key, step)) for step in self.steps):
            raise ValueError("fingers of a step do not lie on a scanner together")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """All fingers in order of capture."""
        return self.fingers or tuple(key for step in self.steps for key in step)


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """The planned fingers in order; `steps` empty where each is taken alone."""

    fingers: list[FingerPosition]
    steps: list[list[FingerPosition]]


class _PlanFile(_DataFile):
    source: str
    plans: dict[str, _Plan]


class _ConsentFile(_DataFile):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
    vi: Annotated[str, Field(min_length=1, max_length=4000)]
    en: Annotated[str, Field(min_length=1, max_length=4000)]


FileT = TypeVar("FileT", _PlanFile, _ConsentFile)


def plan(plan_id: str, on: date) -> CapturePlan:
    """The fingers of a plan in their order, and its steps. Raises PlanUnknown, DataFileInvalid."""
    file = _newest(_PlanFile, "plan-", on)
    if plan_id not in file.plans:
        raise PlanUnknown(plan=plan_id, known=", ".join(sorted(file.plans)))
    found = file.plans[plan_id]
    return CapturePlan(
        [FingerPosition.from_key(key) for key in found.keys],
        [[FingerPosition.from_key(key) for key in step] for step in found.steps],
    )


def consent(on: date) -> ConsentText:
    """The text in force on a local date. Raises DataFileInvalid."""
    file = _newest(_ConsentFile, "consent-", on)
    vi, en = unicodedata.normalize("NFC", file.vi), unicodedata.normalize("NFC", file.en)
    digest = hashlib.sha256(f"{vi}\n{en}\n".encode()).digest()
    return ConsentText(text_id=file.id, vi=vi, en=en, language="vi", sha256=digest)


def _newest(model: type[FileT], prefix: str, on: date) -> FileT:
    files = [_read(model, entry.name, entry.read_text("utf-8")) for entry in _entries(prefix)]
    begun = [file for file in files if file.valid_from <= on]
    if not begun:
        raise DataFileInvalid(file=f"{prefix}*.toml", problem="none has begun")
    return max(begun, key=lambda file: file.valid_from)


def _entries(prefix: str) -> list[resources.abc.Traversable]:
    folder = resources.files("central.data")
    return [entry for entry in folder.iterdir() if entry.name.startswith(prefix) and entry.name.endswith(".toml")]


def _read(model: type[FileT], name: str, text: str) -> FileT:
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise DataFileInvalid(file=name, problem=str(error)) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise DataFileInvalid(file=name, problem=f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
