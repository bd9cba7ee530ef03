"""The case as the centre sends it to a station: sealed to the station's key, opened by the capture daemon only.

It holds what the desk needs for one session and nothing more.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from wire.bundle import Document, Representative
from wire.fingers import FingerPosition, lie_together
from wire.ids import DossierId, StationId
from wire.model import Code, Sha256, ShortText, UnixMs, WireModel

QR_PREFIX = "EID1:"
"""A dossier's QR code holds this prefix and the dossier id, nothing else."""


Position = Annotated[FingerPosition, Field(strict=False)]


class ConsentText(WireModel):
    """The exact text the applicant affirms. `sha256` is of `vi + "\\n" + en + "\\n" + other` in UTF-8."""

    text_id: Code
    vi: Annotated[str, Field(max_length=4000)]
    en: Annotated[str, Field(max_length=4000)]
    other: Annotated[str, Field(max_length=4000)] = ""
    language: Code
    sha256: Sha256


class CaseOrder(WireModel):
    """One case for one station.

    Attributes:
        code: short code printed beside the QR code, shown on the display instead of a name.
        plan: the planned fingers in order of capture; empty means that nothing may be captured.
        steps: the fingers a device that takes several at once is shown together, in order (4-4-2); empty where every
            finger is taken alone. A device that takes one finger at a time goes through the same plan finger by finger.
        consent_by: who must affirm.
        warnings: catalogue keys for the officer.
    """

    schema_version: Literal[1] = 1
    dossier_id: DossierId
    station_id: StationId
    code: Annotated[str, Field(pattern=r"^[0-9A-HJKMNP-TV-Z-]{4,12}$")]
    issued_ms: UnixMs
    expires_ms: UnixMs
    document: Document
    representative: Representative | None = None
    consent: ConsentText
    consent_by: Literal["applicant", "representative"]
    plan_id: Code
    plan: Annotated[list[Position], Field(max_length=10)]
    steps: Annotated[list[Annotated[list[Position], Field(min_length=1, max_length=4)]], Field(max_length=10)] = Field(
        default_factory=list
    )
    warnings: Annotated[list[ShortText], Field(max_length=20)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _steps_are_the_plan(self) -> Self:
        if self.steps and [position for step in self.steps for position in step] != self.plan:
            raise ValueError("steps and plan disagree")
        if not all(lie_together(step) for step in self.steps):
            raise ValueError("fingers of a step do not lie together")
        return self


def qr_text(dossier_id: str) -> str:
    """What the dossier's QR code holds."""
    return QR_PREFIX + dossier_id
