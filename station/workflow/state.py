"""The state of the station as the officer sees it. One fold of the events; display and LED are views of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from drivers.fingerprint.port import Progress
from station.workflow.events import CaseRef, Part, Result
from station.workflow.session import DocumentReading, Session
from wire.bundle import Portrait


class Step(StrEnum):
    """Where the officer is."""

    IDLE = "idle"
    OPENING = "opening"
    CASE = "case"
    CONSENT = "consent"
    DOCUMENT = "document"
    DOCUMENT_CHECK = "document_check"
    DOCUMENT_REASON = "document_reason"
    PORTRAIT = "portrait"
    PORTRAIT_DECISION = "portrait_decision"
    FINGER = "finger"
    FINGER_REASON = "finger_reason"
    REVIEW = "review"
    SEALING = "sealing"
    QUEUED = "queued"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence that stays for a while; `until_ns` on the monotonic clock."""

    message_id: str
    until_ns: int
    params: dict[str, Any] = field(default_factory=dict)
    warning: bool = True


@dataclass(frozen=True, slots=True)
class Fault:
    message_id: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """Cosine limits of document portrait against live face, for templates of one model only."""

    model_id: str
    accept: float
    review: float


@dataclass(frozen=True, slots=True)
class WorkflowPolicy:
    """Dated policy of the desk (station/policy/*.toml); never constants in code.

    Attributes:
        fingers_at_once: what the configured fingerprint driver takes in one attempt.
        demo: the embedding model is the one for demo and tests; the officer is told at every rest.
        match: limits for the station's embedding model; None where none are known, then nothing is compared.
    """

    policy_id: str
    document_attempts: int
    portrait_attempts: int
    finger_attempts: int
    notice_s: float
    queued_s: float
    result_s: float
    await_case_s: float
    qr_away_s: float
    case_s: float
    fingers_at_once: int = 1
    match: MatchPolicy | None = None
    demo: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """Everything there is to know.

    Attributes:
        run: numbers device attempts, so that late answers of a stopped one are recognised.
        reading: read off the document, not yet confirmed by the officer.
        best_verdict: what was wrong with the best portrait, as its log entry says.
        awaited_dossier: its code was shown before the case had come; opens by itself until `awaited_until_ns`.
        dismissed_dossier: the case that was left last; its code may still lie before the camera.
        unusable: waiting cases that could not be opened; the button passes over them.
    """

    policy: WorkflowPolicy
    officer_id: str = ""
    step: Step = Step.IDLE
    since_ns: int = 0
    session: Session | None = None
    run: int = 0
    guide: str | None = None
    progress: Progress | None = None
    reading: DocumentReading | None = None
    best_portrait: Portrait | None = None
    best_verdict: str = ""
    best_advice: tuple[str, ...] = ()
    reason_index: int = 0
    cancelled_from: Step = Step.IDLE
    wanted_dossier: str = ""
    awaited_dossier: str = ""
    awaited_until_ns: int = 0
    dismissed_dossier: str = ""
    dismissed_seen_ns: int = 0
    unusable: frozenset[str] = frozenset()
    queue: tuple[CaseRef, ...] = ()
    results: tuple[Result, ...] = ()
    shown_result: Result | None = None
    shown_until_ns: int = 0
    next_results: tuple[Result, ...] = ()
    link_connected: bool = False
    link_fault: Fault | None = None
    waiting: int = 0
    quarantined: int = 0
    full: bool = False
    clock_trusted: bool = True
    faults: dict[Part, Fault] = field(default_factory=dict)
    notice: Notice | None = None
    seal_fault: Fault | None = None
    seal_permanent: bool = False
    seal_tried_ns: int = 0
