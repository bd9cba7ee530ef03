"""What the centre asks of the immigration register and of the identity authority.

Both are asked inside a job: an adapter tries once within its deadline and raises; trying again is the job's matter. An
adapter must never guess an answer, and never put a name or number into an URL, a log or an exception.

    OutsideSystemError(CentralError)
    ├── OutsideUnreachable   no connection, or no answer within the deadline: ask again later
    ├── OutsideBusy          it said so itself (429, 503): ask again later
    └── OutsideRefused       it answered what the interface does not foresee: an admin must look; asked again later
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from central.errors import OutsideSystemError
from wire.bundle import Bundle


class OutsideUnreachable(OutsideSystemError):
    """Parameters: system, operation, reason."""

    message_id = "error.central.outside_unreachable"


class OutsideBusy(OutsideSystemError):
    """Parameters: system, operation, status."""

    message_id = "error.central.outside_busy"


class OutsideRefused(OutsideSystemError):
    """Parameters: system, operation, status."""

    message_id = "error.central.outside_refused"


class Reference(StrEnum):
    """Whether the register holds a reference of a kind."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Match(StrEnum):
    """Whether the register knows this person as the form and the capture say."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RegisterAnswer:
    """What the register said.

    Attributes:
        person_id: its identifier of the person; None where it knows none, or more than one.
        face, fingers: whether it holds references.
        match: NO where the person is unknown, an attribute differs or a comparison failed.
        differing: names of the attributes that differ; never values.
        reason: a code when `match` is not YES.
    """

    person_id: str | None
    face: Reference
    fingers: Reference
    match: Match
    differing: tuple[str, ...] = ()
    reason: str | None = None


class RegisterPort(Protocol):
    """The immigration register."""

    def check(self, attributes: Mapping[str, str], bundle: Bundle, transaction: str) -> RegisterAnswer:
        """Finds the person by document, compares attributes, face and fingers. Raises OutsideSystemError.

        Args:
            attributes: OSIA names (`surname`, `givenNames`, `dateOfBirth`, `gender`, `nationality`, `documentNumber`,
                `documentType`), values as on the form.
            transaction: an identifier for the other side's log; no personal data.
        """


class ResultState(StrEnum):
    """What became of a credential request."""

    PENDING = "pending"
    ISSUED = "issued"
    REFUSED = "refused"
    SUPPLEMENT = "supplement"
    ESCALATED = "escalated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Result:
    """The authority's word. `code` says why, where it gave a reason."""

    state: ResultState
    code: str | None = None


class AuthorityPort(Protocol):
    """The identity authority. It decides; the centre asks and waits."""

    def request(self, request_id: str, attributes: Mapping[str, str], bundle: Bundle, person_id: str | None) -> None:
        """Asks for the account, idempotently by `request_id` (the bundle id). Raises OutsideSystemError."""

    def result(self, request_id: str) -> Result:
        """How the request stands; UNKNOWN where the authority never got it. Raises OutsideSystemError."""
