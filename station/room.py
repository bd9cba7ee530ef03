"""Whether a station has room for another capture: dated limits, and the outbox held against them.

A full outbox stops new captures and says so; it never drops an old one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from importlib import resources
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class OutboxFile:
    """One sealed bundle as it lies in the outbox. `modified_ns` changes when the content does."""

    bundle_id: str
    size_bytes: int
    modified_ns: int


class OutboxLimits(BaseModel):
    """High-water marks."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    max_bundles: Annotated[int, Field(ge=1)]
    max_bytes: Annotated[int, Field(ge=1)]
    max_age_days: Annotated[int, Field(ge=1)]
    min_free_bytes: Annotated[int, Field(ge=0)]


class RoomPolicy(BaseModel):
    """The dated limits (station/spool_policy.toml). Ids made before `valid_from` have no believable age."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    policy_id: str
    valid_from: date
    outbox: OutboxLimits


def bundled_policy() -> RoomPolicy:
    """The limits that ship with the package."""
    return RoomPolicy.model_validate(
        tomllib.loads((resources.files("station") / "spool_policy.toml").read_text("utf-8"))
    )


class Limit(StrEnum):
    """What is full."""

    BUNDLES = "bundles"
    BYTES = "bytes"
    AGE = "age"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Room:
    """The outbox against the limits. `full` names every limit that is reached; empty means go on."""

    bundles: int
    size_bytes: int
    oldest_days: int
    free_bytes: int
    full: tuple[Limit, ...]

    @property
    def has_room(self) -> bool:
        return not self.full


def room(policy: RoomPolicy, files: Sequence[OutboxFile], free_bytes: int, now_ms: int) -> Room:
    """Holds the outbox against the policy.

    Args:
        files: Spool.outbox().
        free_bytes: Spool.free_bytes().
        now_ms: wall time; a clock that lags makes ages small, so that it stops nobody.
    """
    limits = policy.outbox
    size_bytes = sum(file.size_bytes for file in files)
    oldest_days = max((_age_days(policy, file.bundle_id, now_ms) for file in files), default=0)
    reached = {
        Limit.BUNDLES: len(files) >= limits.max_bundles,
        Limit.BYTES: size_bytes >= limits.max_bytes,
        Limit.AGE: oldest_days >= limits.max_age_days,
        Limit.FREE: free_bytes < limits.min_free_bytes,
    }
    full = tuple(limit for limit, is_reached in reached.items() if is_reached)
    return Room(len(files), size_bytes, oldest_days, free_bytes, full)


def ulid_ms(ulid: str) -> int:
    """The Unix milliseconds in a ULID's first ten characters."""
    value = 0
    for character in ulid[:10]:
        value = value * 32 + _CROCKFORD.index(character)
    return value


def _age_days(policy: RoomPolicy, bundle_id: str, now_ms: int) -> int:
    made_ms = ulid_ms(bundle_id)
    floor = datetime(policy.valid_from.year, policy.valid_from.month, policy.valid_from.day, tzinfo=UTC)
    if made_ms < floor.timestamp() * 1000:
        return 0
    return max(0, now_ms - made_ms) // _DAY_MS
