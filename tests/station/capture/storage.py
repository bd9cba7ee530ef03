"""A station's storage thread between the centre's hands and a medium that may refuse; for its tests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from station.capture.draft import Draft
from station.capture.ledger import Ledger
from station.capture.storage_worker import Parts, StorageWorker
from station.errors import SpoolError
from station.workflow.session import Session
from tests.station.capture.posted import Posted
from tests.station.workflow.conftest import BUNDLE, DOSSIER, at, make_case, make_finger, make_portrait
from wire import envelope
from wire.bundle import Consent, Giver
from wire.envelope import EnvelopeType, Routing
from wire.ids import CENTRE
from wire.keys import SigningKey

NOW_MS = 1_795_000_000_000
OTHER = "01J8ZQ4Y7N8K5R2T3V6W9X0ABE"


@dataclass
class Station:
    """A state directory with the centre's hands in its inbox."""

    parts: Parts
    posted: Posted
    centre: SigningKey
    worker: StorageWorker

    def put_case(self, dossier_id: str = DOSSIER, **changes: object) -> None:
        case = make_case(dossier_id=dossier_id).model_copy(update=changes)
        routing = Routing(EnvelopeType.CASE, CENTRE, "st-0001", dossier_id)
        sealing = self.parts.vault.opening.sealing_key  # type: ignore[attr-defined]
        self.parts.spool.put_case(
            dossier_id, envelope.seal(case.encode(), routing, [self.centre], [sealing], os.urandom)
        )

    def start(self) -> StorageWorker:
        self.worker.start()
        return self.worker

    def again(self) -> StorageWorker:
        """The worker of the next process on the same directory."""
        parts = self.parts
        draft = Draft(parts.spool.state_dir, parts.draft._runtime_dir, "st-0001")
        draft.open()
        ledger = Ledger(parts.spool.state_dir)
        ledger.open()
        self.worker = StorageWorker(self.posted.put, replace(parts, draft=draft, ledger=ledger))
        return self.worker


def confirmed(dossier_id: str = DOSSIER) -> Session:
    case = make_case(dossier_id=dossier_id)
    consent = Consent(
        text_id="consent-1", text_sha256=case.consent.sha256, language="en", given_by=Giver.APPLICANT, at=at(1)
    )
    return Session(
        bundle_id=BUNDLE,
        officer_id="CB01",
        case=case,
        started=at(0),
        consent=consent,
        portrait=make_portrait(),
        fingers=[make_finger(position) for position in case.plan],
        confirmed=at(9),
    )


def unfinished() -> Session:
    return Session(bundle_id=BUNDLE, officer_id="CB01", case=make_case(), started=at(0))


def full(*_: object, **__: object) -> None:
    raise SpoolErrorFull()


class SpoolErrorFull(SpoolError):
    """As a full card says it."""

    message_id = "error.spool.full"

    def __init__(self) -> None:
        super().__init__(where="x", reason="ENOSPC")


def until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.01)
