"""What the link tells the capture daemon about itself: `inbox/link.json`, for the LEDs and the display. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from wire.errors import EidError
from wire.model import UnixMs


class Fault(BaseModel):
    """One error as a catalogue key with its parameters, so that the reader shows the sentence itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    message_id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{0,99}$")]
    params: dict[str, str | int | float] = Field(default_factory=dict)

    @classmethod
    def of(cls, error: EidError) -> Fault:
        return cls(message_id=error.message_id, params=dict(error.params))


class LinkState(BaseModel):
    """The link's state as of its last change.

    A dead link cannot change this file: readers ask `Spool.link_running()` first.

    Attributes:
        connected: the broker accepted us and answered lately.
        since_ms: wall time of the last change of `connected`.
        last_ack_ms: wall time of the last answer of the broker, renewed at least every five minutes; 0 for never.
        outbox_count, outbox_bytes: what waits for a receipt.
        quarantine_count: what was set apart.
        centre_accepting: what the centre last said; None while unknown.
        certificate_until_ms: end of the station certificate; 0 while unknown.
        certificate_ends_soon: less than a third of its lifetime remains.
        last_error: what stands in the way now; None while nothing does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    schema_version: Literal[1] = 1
    connected: bool
    since_ms: UnixMs
    last_ack_ms: UnixMs = 0
    outbox_count: Annotated[int, Field(ge=0)] = 0
    outbox_bytes: Annotated[int, Field(ge=0)] = 0
    quarantine_count: Annotated[int, Field(ge=0)] = 0
    centre_accepting: bool | None = None
    certificate_until_ms: UnixMs = 0
    certificate_ends_soon: bool = False
    last_error: Fault | None = None

    def same_but_age(self, other: LinkState | None) -> bool:
        """Whether nothing but `last_ack_ms` differs."""
        return other is not None and self.model_copy(update={"last_ack_ms": other.last_ack_ms}) == other
