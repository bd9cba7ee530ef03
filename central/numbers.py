"""Whether a mobile number already serves another person at this centre.

Only the authority knows all accounts: a number that is not found here stays unknown, it is never called free. Must
never put a number into a log or an error.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, and_, or_, select, true

from central.store.tables import cases
from wire.messages import CaseState
from wire.rules.tk01 import Tk01

_HOLDING = (CaseState.RECEIVED.value, CaseState.CHECKING.value, CaseState.REQUESTED.value)


def phone_sha256(tk01: Tk01) -> str | None:
    """By which cases with the same number are found. Without a key: the form stands in the same row anyway."""
    return None if tk01.phone is None else hashlib.sha256(tk01.phone.number.encode()).hexdigest()


def linked_elsewhere(
    connection: Connection, tk01: Tk01, *, dossier_id: str = "", received_ms: int | None = None
) -> bool | None:
    """True where another person's open or issued case has the number of this form, else None.

    Args:
        dossier_id: the form's own dossier, which does not count.
        received_ms: with it, an open case only counts if it was received earlier: who came first keeps the number.
    """
    number = phone_sha256(tk01)
    if number is None:
        return None
    earlier = true() if received_ms is None else cases.c.received_ms < received_ms
    query = select(cases.c.tk01).where(
        cases.c.phone_sha256 == number,
        cases.c.dossier_id != dossier_id,
        or_(cases.c.state == CaseState.ISSUED.value, and_(cases.c.state.in_(_HOLDING), earlier)),
    )
    others = (Tk01.model_validate_json(held) for held in connection.execute(query).scalars())
    return True if any(not _serves(tk01, other) for other in others) else None


def _serves(tk01: Tk01, other: Tk01) -> bool:
    """Whether the other case has the number from this same person: its own, or as a representative's."""
    if other.phone is not None and other.phone.owner == "representative" and other.representative is not None:
        return other.representative.document_number == tk01.document.number
    if (other.nationality, other.document.number) == (tk01.nationality, tk01.document.number):
        return True
    return _person(other) == _person(tk01)


def _person(tk01: Tk01) -> tuple[object, ...]:
    """One person with two documents, the old and the new passport, is not two."""
    return (tk01.nationality, tk01.surname, tk01.given_names, tk01.birth_date)
