"""Dated policy of the desk and of capturing, read from the TOML files beside this module. No constants in code."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.fingerprint.port import CapturePolicy
from station.errors import ConfigInvalid
from station.workflow.state import MatchPolicy, WorkflowPolicy
from wire.model import LocalDate

Seconds = Annotated[float, Field(gt=0.0, le=600.0)]
Count = Annotated[int, Field(ge=1, le=20)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    valid_from: LocalDate
    source: str


PolicyT = TypeVar("PolicyT", bound=_File)


class DeskPolicy(_File):
    """The officer's side: attempts before he decides, how long sentences stay, how a portrait attempt runs."""

    document_attempts: Count
    document_attempt_s: Seconds
    portrait_attempts: Count
    portrait_attempt_s: Seconds
    portrait_window_frames: Count
    finger_attempts: Count
    notice_s: Seconds
    queued_s: Seconds
    result_s: Seconds
    await_case_s: Seconds
    qr_away_s: Seconds
    case_s: Seconds
    long_press_s: Seconds
    debounce_s: Seconds
    idle_dim_s: Annotated[float, Field(gt=0.0, le=86_400.0)]
    session_dim_s: Annotated[float, Field(gt=0.0, le=86_400.0)]

    def workflow(
        self, policy_id: str, fingers_at_once: int, match: MatchPolicy | None, *, demo: bool = False
    ) -> WorkflowPolicy:
        """The part the pure workflow needs, with what device and models of this station give."""
        return WorkflowPolicy(
            policy_id=policy_id,
            document_attempts=self.document_attempts,
            portrait_attempts=self.portrait_attempts,
            finger_attempts=self.finger_attempts,
            notice_s=self.notice_s,
            queued_s=self.queued_s,
            result_s=self.result_s,
            await_case_s=self.await_case_s,
            qr_away_s=self.qr_away_s,
            case_s=self.case_s,
            fingers_at_once=fingers_at_once,
            match=match,
            demo=demo,
        )


class FingerPolicy(_File):
    """Per press and per attempt; quality limits hold for one press of one finger, never for an average."""

    presses_per_finger: Count
    max_presses: Count
    finger_wait_s: Seconds
    lift_wait_s: Seconds
    min_foreground_share: Share
    min_coherent_area: Share
    min_orientation_certainty: Share
    verify_last_press: bool
    check_uniqueness: bool

    def capture(self) -> CapturePolicy:
        """As the fingerprint port takes it."""
        return CapturePolicy(**self.model_dump(exclude={"valid_from", "source"}))


def desk(policy_id: str) -> DeskPolicy:
    """The desk policy of that id. Raises ConfigInvalid."""
    return _load(policy_id, DeskPolicy)


def finger(policy_id: str) -> FingerPolicy:
    """The finger policy of that id. Raises ConfigInvalid."""
    return _load(policy_id, FingerPolicy)


def _load(policy_id: str, model: type[PolicyT]) -> PolicyT:
    name = f"{policy_id}.toml"
    try:
        raw: dict[str, Any] = tomllib.loads(resources.files(__package__).joinpath(name).read_text("utf-8"))
        return model.model_validate(raw)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigInvalid(file=name, field="-", reason="no such policy or not TOML") from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ConfigInvalid(file=name, field=field, reason=first["msg"]) from None
