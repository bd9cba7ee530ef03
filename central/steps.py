"""What each kind of job does: ask an outside system outside of any transaction, then write the answer down in one.

    register_check   checking → the register answers → the rules decide → request, or a final state
    request          the authority is asked (idempotent by bundle id) → requested
    result           the authority's word, asked again until it is there → issued | refused | supplement | escalated

A step may run twice (a crash between asking and writing): every question is safe to repeat, and the answer is written
only while the job is still this worker's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from sqlalchemy import Connection, update

from central import log
from central.adapters.port import AuthorityPort, OutsideRefused, RegisterAnswer, RegisterPort, ResultState
from central.clock import NowMs, instant
from central.eligibility import after_capture, state_after
from central.examine import reopen
from central.keys import CentreKeys
from central.numbers import linked_elsewhere
from central.store import bundles, jobs
from central.store.engine import Store
from central.store.jobs import Job, JobKind
from central.store.statuses import Case, News, held_case, record
from central.store.tables import cases
from wire.bundle import Bundle
from wire.case import CaseOrder
from wire.messages import CaseState
from wire.rules.decision import Decision, activation
from wire.rules.model import Rules
from wire.rules.tk01 import Tk01

_FINAL = {
    ResultState.ISSUED: CaseState.ISSUED,
    ResultState.REFUSED: CaseState.REFUSED,
    ResultState.SUPPLEMENT: CaseState.SUPPLEMENT,
    ResultState.ESCALATED: CaseState.ESCALATED,
}


class LeaseLost(Exception):
    """Another worker has the job: what this one found out is dropped, the transaction undone."""


@dataclass(frozen=True, slots=True)
class _Capture:
    """What a step works with; `case` as it stood when the step began."""

    case: Case
    tk01: Tk01
    order: CaseOrder
    bundle: Bundle
    linked: bool | None
    facts: Mapping[str, Any]


class Steps:
    """The steps, over one store and the two outside systems."""

    def __init__(
        self,
        store: Store,
        keys: CentreKeys,
        rules: Rules,
        register: RegisterPort,
        authority: AuthorityPort,
        poll_ms: int,
        now_ms: NowMs,
    ) -> None:
        self._store = store
        self._keys = keys
        self._rules = rules
        self._register = register
        self._authority = authority
        self._poll_ms = poll_ms
        self._now_ms = now_ms

    def run(self, job: Job) -> None:
        """Does the job. Raises OutsideSystemError when it must be tried again, LeaseLost."""
        match job.kind:
            case JobKind.REGISTER_CHECK:
                self._check(job)
            case JobKind.REQUEST:
                self._request(job)
            case JobKind.RESULT:
                self._result(job)
            case _:
                assert_never(job.kind)

    def _check(self, job: Job) -> None:
        capture = self._load(job)
        if capture.case["state"] == CaseState.RECEIVED.value:
            # Until the register answers, the date is the one the rules give for an unknown answer.
            provisional = self._decide(capture, None)
            detail = _decision_detail(provisional)
            self._note(job, News("checking", "centre", CaseState.CHECKING, due=_iso(provisional), detail=detail))
        answer = self._register.check(_attributes(capture.tk01), capture.bundle, job.bundle_id)
        decision = self._decide(capture, answer)
        state = state_after(decision.outcome)
        with self._store.write() as connection:
            case = self._finish(connection, job, JobKind.REQUEST if state is None else None)
            values = {"person_id": answer.person_id, "due": _iso(decision) or case["due"]}
            connection.execute(update(cases).where(cases.c.dossier_id == job.dossier_id).values(values))
            self._write(connection, job, News("register_answered", "register", detail=_answer_detail(answer)))
            news = News("decided", "centre", state, decision.reason, _iso(decision), _decision_detail(decision))
            self._write(connection, job, news)
        log.event("decided", dossier=job.dossier_id, row=decision.row, outcome=decision.outcome.value)

    def _request(self, job: Job) -> None:
        capture = self._load(job)
        attributes = _attributes(capture.tk01)
        self._authority.request(job.bundle_id, attributes, capture.bundle, capture.case["person_id"])
        with self._store.write() as connection:
            self._finish(connection, job, JobKind.RESULT)
            self._write(connection, job, News("requested", "authority", CaseState.REQUESTED))
        log.event("requested", dossier=job.dossier_id, bundle=job.bundle_id)

    def _result(self, job: Job) -> None:
        result = self._authority.result(job.bundle_id)
        match result.state:
            case ResultState.PENDING:
                self._wait(job)
            case ResultState.UNKNOWN:
                # It said 201 and knows nothing of it now: an admin must look, and the question stays open.
                raise OutsideRefused(system="authority", operation="readCredentialRequest", status=404)
            case _:
                with self._store.write() as connection:
                    self._finish(connection, job, None)
                    state = _FINAL[result.state]
                    detail = self._activation_detail() if state is CaseState.ISSUED else {}
                    self._write(connection, job, News("result", "authority", state, result.code, detail=detail))
                log.event("result", dossier=job.dossier_id, state=state.value, code=result.code)

    def _activation_detail(self) -> dict[str, Any]:
        """By when the account must be activated. The centre's own moment counts: nobody tells it an earlier one."""
        term = activation(instant(self._now_ms()), self._rules)
        return {"activate_until": term.last_day.isoformat(), "row": term.row}

    def _wait(self, job: Job) -> None:
        with self._store.write() as connection:
            until_ms = self._now_ms() + self._poll_ms
            if not jobs.put_off(connection, job, until_ms, "pending", answered=True):
                raise LeaseLost

    def _load(self, job: Job) -> _Capture:
        with self._store.read() as connection:
            case = held_case(connection, job.dossier_id)
            kept = bundles.evidence(connection, job.station_id, job.bundle_id)
            row = bundles.facts(connection, job.station_id, job.bundle_id)
            tk01 = Tk01.model_validate_json(case["tk01"])
            linked = linked_elsewhere(connection, tk01, dossier_id=job.dossier_id, received_ms=case["received_ms"])
        assert kept is not None, "a job is written beside its capture"
        assert row is not None, "a job is written beside its capture"
        bundle = reopen(kept[0], kept[1], self._keys.opening)
        return _Capture(case, tk01, CaseOrder.decode(case["order_cbor"]), bundle, linked, json.loads(row["facts"]))

    def _decide(self, capture: _Capture, answer: RegisterAnswer | None) -> Decision:
        received_ms, mrz = capture.case["received_ms"], capture.bundle.document.mrz
        return after_capture(
            capture.tk01,
            capture.order,
            capture.facts,
            answer,
            self._rules,
            received_ms,
            mrz=mrz,
            linked=capture.linked,
            clock_trusted=capture.bundle.confirmed.trust.vouched,
        )

    def _note(self, job: Job, news: News) -> None:
        """Raises LeaseLost: a word of a worker that was away may not stand after the result of another."""
        with self._store.write() as connection:
            if not jobs.held(connection, job):
                raise LeaseLost
            self._write(connection, job, news)

    def _write(self, connection: Connection, job: Job, news: News) -> None:
        case = held_case(connection, job.dossier_id)
        record(connection, case, job.bundle_id, news, self._keys.signing, self._now_ms())

    def _finish(self, connection: Connection, job: Job, following: JobKind | None) -> Case:
        """Ends the job, adds the next one. Raises LeaseLost."""
        now_ms = self._now_ms()
        if not jobs.end(connection, job, now_ms):
            raise LeaseLost
        case = held_case(connection, job.dossier_id)
        if following is not None:
            begin_ms = now_ms + (self._poll_ms if following is JobKind.RESULT else 0)
            jobs.add(connection, following, case, job.bundle_id, begin_ms, now_ms)
        return case


def _attributes(tk01: Tk01) -> dict[str, str]:
    """The form's identity data under OSIA's names."""
    return {
        "surname": tk01.surname,
        "givenNames": tk01.given_names or "",
        "dateOfBirth": tk01.birth_date.isoformat(),
        "gender": tk01.sex,
        "nationality": tk01.nationality,
        "documentNumber": tk01.document.number,
        "documentType": tk01.document.type.upper(),
    }


def _iso(decision: Decision) -> str | None:
    return decision.due.isoformat() if decision.due else None


def _answer_detail(answer: RegisterAnswer) -> dict[str, Any]:
    return {
        "known": answer.person_id is not None,
        "face": answer.face.value,
        "fingers": answer.fingers.value,
        "match": answer.match.value,
        "differing": list(answer.differing),
        "reason": answer.reason,
    }


def _decision_detail(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": decision.outcome.value,
        "row": decision.row,
        "policy": decision.policy,
        "working_days": decision.working_days,
        "alarm": decision.alarm.isoformat() if decision.alarm else None,
        "provisional": decision.provisional,
        "records": list(decision.records),
        "warnings": [{"code": warning.code, "field": warning.field} for warning in decision.warnings],
        "rules_sha256": decision.rules_sha256,
        "inputs_sha256": decision.inputs_sha256,
    }
