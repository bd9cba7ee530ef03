"""Dated policy for portraits: limits, order of guidance, portrait format, match thresholds.

Each file is valid from its date until the next one's. Must never be edited after its date: add a new file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from enum import Enum
from functools import lru_cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field, model_validator

GATED = (
    "single_face", "inter_eye_distance", "head_size", "head_position", "mouth_uncovered", "no_dark_lenses",
    "no_glasses", "roll", "yaw", "pitch", "eyes_open", "mouth_closed", "over_exposure", "under_exposure",
    "illumination_uniformity", "natural_colour", "eyes_visible", "eye_white",
    "sharpness",
)  # fmt: skip
"""Components that may have a limit, in the order in which their faults are named: who, where, what is worn, how the
head is held, light; then what cannot be seen in bad light."""

ADVISED = ("no_head_covering", "background_uniformity")
"""Components that may have an advisory limit: outside it the officer is told, and nothing is held back."""


class Verdict(Enum):
    """What a 1:1 score means. It never decides alone: REJECT and REVIEW are for the officer's eyes."""

    ACCEPT = "accept"
    REVIEW = "review"
    REJECT = "reject"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Limit(_Strict):
    """Allowed range of a component's raw value; at least one end."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _has_range(self) -> Limit:
        if self.min is None and self.max is None:
            raise ValueError("a limit needs min or max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min lies above max")
        return self

    def allows(self, raw: float) -> bool:
        """Whether a raw value lies within; NaN never does."""
        return (self.min is None or raw >= self.min) and (self.max is None or raw <= self.max) and raw == raw


class Match(_Strict):
    """Cosine thresholds of document portrait against live face, for one embedding model."""

    model_id: str
    accept: float = Field(gt=-1, lt=1)
    review: float = Field(gt=-1, lt=1)

    def verdict(self, score: float) -> Verdict:
        """ACCEPT from `accept`, REVIEW from `review`, REJECT below (and for NaN)."""
        if score >= self.accept:
            return Verdict.ACCEPT
        return Verdict.REVIEW if score >= self.review else Verdict.REJECT


class PortraitFormat(_Strict):
    """The JPEG and its geometry (ISO/IEC 39794-5 full frontal, ICAO Doc 9303 Part 3).

    Attributes:
        width, height: pixels.
        head_share: crown to chin as a share of the height.
        eye_line: height of the eye line from the top, share of the height.
        jpeg_max_bytes, jpeg_quality_max, jpeg_quality_min: the best quality in the range that fits is taken; the
            lowest one is taken even where it does not fit.
    """

    width: int = Field(ge=240, le=2000)
    height: int = Field(ge=320, le=2600)
    head_share: float = Field(ge=0.5, le=0.9)
    eye_line: float = Field(ge=0.3, le=0.5)
    jpeg_max_bytes: int = Field(ge=20_000)
    jpeg_quality_max: int = Field(ge=60, le=98)
    jpeg_quality_min: int = Field(ge=30, le=95)


class FacePolicy(_Strict):
    """One dated policy.

    Attributes:
        policy_id: goes into the bundle.
        limits: component name to allowed raw range; a component without a limit is measured and always passes.
        advice: component name to the raw range outside which the officer is told; it never fails a component.
        portrait_min_inter_eye_px: sharpness, tone and background are judged only from this eye distance in the image
            up, that is, on the full frame.
    """

    policy_id: str
    valid_from: date
    portrait_min_inter_eye_px: float
    limits: dict[str, Limit]
    advice: dict[str, Limit] = Field(default_factory=dict)
    match: Match
    portrait: PortraitFormat

    @model_validator(mode="after")
    def _limits_can_be_told(self) -> FacePolicy:
        unknown = sorted((set(self.limits) - set(GATED)) | (set(self.advice) - set(ADVISED)))
        if unknown:
            raise ValueError(f"no guidance exists for a limit on {', '.join(unknown)}")
        return self


class DemoMatch(_Strict):
    """Thresholds for an embedding that stands in for demo and tests, dated like the portrait policy."""

    policy_id: str
    valid_from: date
    match: Match


def parse(text: str) -> FacePolicy:
    """A policy from TOML. Raises pydantic.ValidationError or tomllib.TOMLDecodeError."""
    return FacePolicy.model_validate(tomllib.loads(text))


@lru_cache(maxsize=1)
def bundled() -> tuple[FacePolicy, ...]:
    """All policies that ship with the package, oldest first."""
    return tuple(sorted((parse(text) for text in _texts("portrait-")), key=lambda policy: policy.valid_from))


@lru_cache(maxsize=1)
def bundled_demo_matches() -> tuple[DemoMatch, ...]:
    """All thresholds for demo and tests that ship with the package, oldest first."""
    known = (DemoMatch.model_validate(tomllib.loads(text)) for text in _texts("demo-match-"))
    return tuple(sorted(known, key=lambda policy: policy.valid_from))


def _texts(beginning: str) -> Iterable[str]:
    for entry in resources.files(__package__).iterdir():
        if entry.name.startswith(beginning) and entry.name.endswith(".toml"):
            yield entry.read_text("utf-8")


def match_for(policy: FacePolicy, model_id: str) -> tuple[str, Match]:
    """Thresholds for an embedding model, and the id of the policy that has them: they hold for that model only.

    A stand-in for demo and tests has its own, the newest; any other model has those of the portrait policy.

    Raises:
        KeyError: no policy has thresholds for this model.
    """
    if policy.match.model_id == model_id:
        return policy.policy_id, policy.match
    for known in reversed(bundled_demo_matches()):
        if known.match.model_id == model_id:
            return known.policy_id, known.match
    raise KeyError(model_id)


def valid_on(day: date, policies: Iterable[FacePolicy] | None = None) -> FacePolicy:
    """The policy in force on a day. Before the first one, the first one (a clock without a date must not stop work)."""
    known = sorted(bundled() if policies is None else policies, key=lambda policy: policy.valid_from)
    if not known:
        raise ValueError("there is no portrait policy")
    return next((policy for policy in reversed(known) if policy.valid_from <= day), known[0])
