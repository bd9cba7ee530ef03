"""From a confirmed session to a bundle: pure assembly, nothing decided here, nothing averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from station.workflow.session import Session
from wire.bundle import Bundle, Document


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the station is made of: software, policies by kind, model ids with the hash of their weights."""

    station_id: str
    software: str
    policies: Mapping[str, str]
    models: Mapping[str, bytes]


def assemble(session: Session, made_with: Provenance) -> Bundle:
    """The bundle of a confirmed session.

    Raises:
        ValueError: a session that is not complete; the workflow's table makes that impossible.
    """
    if session.confirmed is None or session.consent is None or session.portrait is None:
        raise ValueError("session is not complete")
    return Bundle(
        bundle_id=session.bundle_id,
        dossier_id=session.case.dossier_id,
        station_id=made_with.station_id,
        officer_id=session.officer_id,
        software=made_with.software,
        policies=dict(made_with.policies),
        models=dict(made_with.models),
        started=session.started,
        confirmed=session.confirmed,
        document=_document(session),
        representative=session.case.representative,
        consent=session.consent,
        portrait=session.portrait,
        document_match=session.document_match,
        fingers=session.fingers,
        attempts=session.attempts,
        exceptions=session.exceptions,
        devices=session.devices,
    )


def _document(session: Session) -> Document:
    """As the case has it, with the zone as read. It counts as read only where the zone agrees with the case."""
    typed, reading = session.case.document, session.reading
    if reading is None:
        return typed
    return typed.model_copy(update={"source": typed.source if reading.differs else "mrz", "mrz": reading.lines})
