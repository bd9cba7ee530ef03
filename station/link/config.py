"""What the link must be told: who it is, where the broker is, which files prove it, and its numbers.

It names no key that opens or seals anything: the only private key here is the one of the TLS certificate.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from station.link.errors import CredentialUnusable, LinkConfigInvalid
from station.link.rules import Rules
from wire.ids import StationId
from wire.keys import KeyInvalid, VerifyingKey
from wire.model import Code

FilePath = Annotated[Path, Field(strict=False)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class LinkConfig(BaseModel):
    """The link's part of a station's configuration.

    Attributes:
        host: the broker's name as its certificate bears it.
        centre_keys: verifying keys of the centre (wire/keys.py), any of which may sign.
        mqtt_version: 5, or 4 for a broker that speaks 3.1.1 only; there is no fallback from one to the other.
        window: bundles that may await a receipt at one time.
        resend_s, resend_max_s: how long a receipt is awaited, and the longest extra wait before sending again.
        reconnect_min_s, reconnect_max_s: bounds of the wait between attempts to connect.
        poison_disconnects: a bundle in flight at so many lost connections is set apart.
        ack_deadline_s: an acknowledgement overdue for so long means that the connection is dead.
        renew_share: the certificate counts as ending soon when less than this share of its lifetime remains.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    station_id: StationId
    state_dir: FilePath
    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65_535)] = 8883
    cafile: FilePath
    certfile: FilePath
    keyfile: FilePath
    centre_keys: Annotated[list[FilePath], Field(min_length=1, max_length=4)]
    software: Code = "eid-station"
    mqtt_version: Literal[4, 5] = 5
    window: Annotated[int, Field(ge=1, le=16)] = 4
    resend_s: Seconds = 30.0
    resend_max_s: Seconds = 900.0
    reconnect_min_s: Seconds = 1.0
    reconnect_max_s: Seconds = 300.0
    poison_disconnects: Annotated[int, Field(ge=2, le=20)] = 3
    keepalive_s: Annotated[int, Field(ge=1, le=600)] = 60
    session_expiry_days: Annotated[int, Field(ge=1, le=90)] = 30
    connect_timeout_s: Seconds = 20.0
    connect_deadline_s: Seconds = 120.0
    answer_deadline_s: Seconds = 30.0
    ack_deadline_s: Seconds = 600.0
    stable_after_s: Seconds = 30.0
    state_interval_s: Seconds = 30.0
    poll_s: Annotated[float, Field(gt=0, le=5)] = 0.25
    keep_days: Annotated[int, Field(ge=1, le=365)] = 30
    renew_share: Annotated[float, Field(gt=0, lt=1)] = 1 / 3

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.reconnect_max_s < self.reconnect_min_s:
            raise ValueError("reconnect_max_s is below reconnect_min_s")
        return self

    @classmethod
    def load(cls, path: Path) -> LinkConfig:
        """From a TOML file. Raises LinkConfigInvalid."""
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise LinkConfigInvalid(file=path.name, field="(file)", reason=type(error).__name__) from error
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "(whole)"
            raise LinkConfigInvalid(file=path.name, field=field, reason=first["msg"]) from None

    @property
    def silent_after_s(self) -> float:
        """Without any answer for so long the broker counts as gone: two missed pings and a half."""
        return 2.5 * self.keepalive_s

    def rules(self) -> Rules:
        return Rules(
            station_id=self.station_id,
            software=self.software,
            window=self.window,
            resend_s=self.resend_s,
            resend_max_s=self.resend_max_s,
            reconnect_min_s=self.reconnect_min_s,
            reconnect_max_s=self.reconnect_max_s,
            poison_disconnects=self.poison_disconnects,
            connect_deadline_s=self.connect_deadline_s,
            answer_deadline_s=self.answer_deadline_s,
            silent_after_s=self.silent_after_s,
            ack_deadline_s=self.ack_deadline_s,
            stable_after_s=self.stable_after_s,
            state_interval_s=self.state_interval_s,
        )

    def read_centre_keys(self) -> tuple[VerifyingKey, ...]:
        """Raises CredentialUnusable."""
        return tuple(_centre_key(path) for path in self.centre_keys)


def _centre_key(path: Path) -> VerifyingKey:
    try:
        return VerifyingKey.from_json(path.read_bytes())
    except (OSError, KeyInvalid) as error:
        raise CredentialUnusable(what="centre_key", file=path.name, reason=type(error).__name__) from error
