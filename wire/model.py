"""The base of every message model: strict, frozen, closed, and encoded as deterministic CBOR.

Must never grow a field that is silently ignored: unknown keys are errors.
"""

from __future__ import annotations

import datetime as dt
from enum import Enum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from wire import cbor
from wire.errors import WireError


class BundleInvalid(WireError, ValueError):
    """Well-formed CBOR that is not what it should be. Parameters: model, field (never a value)."""

    message_id = "error.bundle.invalid"


class WireModel(BaseModel):
    """Encoded with field names as keys; absent optional values are encoded as null.

    A message of validation errors holds no input: it may be a name.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )

    def encode(self) -> bytes:
        """The deterministic CBOR of this model."""
        return cbor.encode(self.model_dump(mode="python"))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The model in `data`. Raises CborRejected or BundleInvalid, nothing else; neither holds a value."""
        value = cbor.decode(data)
        try:
            found = cls.model_validate(value)
        except ValidationError as error:
            where = _where(error.errors(include_input=False, include_url=False)[0]["loc"])
            raise BundleInvalid(model=cls.__name__, field=where) from None
        # What was read is what was sent: nothing was converted (1 to 1.0, "1" or true to 1, bytes to text).
        differs = _difference(value, found.model_dump(mode="python", exclude_unset=True), ())
        if differs is not None:
            raise BundleInvalid(model=cls.__name__, field=_where(differs))
        return found


def _difference(sent: Any, read: Any, at: tuple[str | int, ...]) -> tuple[str | int, ...] | None:
    """Where the two differ in value or type, or None. Enums count as their values."""
    if isinstance(read, Enum):
        read = read.value
    if type(sent) is not type(read):
        return at
    if isinstance(sent, dict):
        if sent.keys() != read.keys():
            return at
        pairs = ((name, value, read[name]) for name, value in sent.items())
    elif isinstance(sent, list):
        if len(sent) != len(read):
            return at
        pairs = ((place, value, other) for place, (value, other) in enumerate(zip(sent, read, strict=True)))
    else:
        return None if sent == read else at
    for name, value, other in pairs:
        found = _difference(value, other, (*at, name))
        if found is not None:
            return found
    return None


def _where(location: tuple[str | int, ...]) -> str:
    """A path of field names and places. A name that is no field came from the sender and is left out."""
    fields = {name for model in _all_models(WireModel) for name in model.model_fields}
    return ".".join(str(part) if isinstance(part, int) or part in fields else "*" for part in location) or "(whole)"


def _all_models(model: type[WireModel]) -> set[type[WireModel]]:
    return {model}.union(*(_all_models(child) for child in model.__subclasses__()))


def _on_calendar(text: str) -> str:
    dt.date.fromisoformat(text)
    return text


Sha256 = Annotated[bytes, Field(min_length=32, max_length=32)]
UnixMs = Annotated[int, Field(ge=0, le=253_402_300_799_999)]
MonotonicNs = Annotated[int, Field(ge=0, le=(1 << 63) - 1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
ShortText = Annotated[str, Field(max_length=200)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
LocalDate = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_on_calendar)]
