"""The base of every message model: strict, frozen, closed, and encoded as deterministic CBOR.

Must never grow a field that is silently ignored: unknown keys are errors.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wire import cbor
from wire.errors import WireError


class BundleInvalid(WireError, ValueError):
    """Well-formed CBOR that is not what it should be. Parameters: model, field (never a value)."""

    message_id = "error.bundle.invalid"


class WireModel(BaseModel):
    """Encoded with field names as keys; absent optional values are encoded as null."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, ser_json_bytes="base64", val_json_bytes="base64"
    )

    def encode(self) -> bytes:
        """The deterministic CBOR of this model."""
        return cbor.encode(self.model_dump(mode="python"))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The model in `data`. Raises CborRejected or BundleInvalid, nothing else; neither holds a value."""
        value = cbor.decode(data)
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            field = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"]) or "(whole)"
            raise BundleInvalid(model=cls.__name__, field=field) from None


Sha256 = Annotated[bytes, Field(min_length=32, max_length=32)]
UnixMs = Annotated[int, Field(ge=0, le=253_402_300_799_999)]
MonotonicNs = Annotated[int, Field(ge=0, le=(1 << 63) - 1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
ShortText = Annotated[str, Field(max_length=200)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
LocalDate = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
