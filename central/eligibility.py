"""From what the centre holds of a case to the facts the rules ask for, and from their answer to the next step. Pure.

Must never decide: every condition stands in the rules' dated data files (wire/rules). What is not known stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from central.adapters.port import Reference, RegisterAnswer
from central.clock import instant
from wire.case import CaseOrder
from wire.messages import CaseState
from wire.rules.case import CaseFacts, case_of
from wire.rules.data_files import Outcome
from wire.rules.decision import Decision, IntakeAnswer, decide, intake, represented
from wire.rules.facts import in_campaign
from wire.rules.model import Rules
from wire.rules.tk01 import Tk01, incomplete, representative_phone_agrees


def at_the_desk(
    tk01: Tk01, rules: Rules, now_ms: int, open_dossier: Mapping[str, Any] | None, linked: bool | None
) -> IntakeAnswer:
    """What can be said before anything is captured. Raises CaseInvalid.

    Args:
        open_dossier: `id` and `due` (ISO date or None) of a dossier of the same document that is still open.
        linked: whether the mobile number serves another person, as `central.numbers` found.
    """
    case = case_of({**_form_facts(tk01, rules, now_ms, linked), "open_dossier": open_dossier}, rules)
    return intake(
        case, rules, form_complete=_complete(tk01, case, rules), phone_agrees=representative_phone_agrees(tk01)
    )


def needs_representative(tk01: Tk01, rules: Rules, now_ms: int) -> bool:
    """Whether the consent is the representative's to give."""
    return represented(case_of(_form_facts(tk01, rules, now_ms), rules), rules)


def after_capture(
    tk01: Tk01,
    order: CaseOrder,
    bundle_facts: Mapping[str, Any],
    register: RegisterAnswer | None,
    rules: Rules,
    received_ms: int,
    mrz: Sequence[str] | None = None,
    linked: bool | None = None,
    clock_trusted: bool = True,
) -> Decision:
    """The answer to a captured case. Raises CaseInvalid.

    Args:
        linked: as for `at_the_desk`.
        clock_trusted: whether the station's clock vouches for the moment of receipt.
        mrz: lines the station read off the document; the rules compare them with the form.
        bundle_facts: as `central.examine.facts_of` wrote them.
        register: None while the register has not answered.
    """
    values = _form_facts(tk01, rules, received_ms, linked)
    fingers: Mapping[str, Mapping[str, Any]] = bundle_facts["fingers"]
    if mrz is not None:
        values["document"]["mrz"] = tuple(mrz)
    values |= {
        "consent": bundle_facts["consent"]["given_by"] == order.consent_by,
        # A portrait below the gates is in a bundle only with the officer's signed exception.
        "face_ok": True,
        "plan": [position.key for position in order.plan],
        "fingers": {key: finger["state"] for key, finger in fingers.items()},
        # The bundle's schema refuses a finger that was left out without a signature.
        "fingers_signed": True,
        "register": _register_facts(register),
    }
    case = case_of(values, rules)
    return decide(
        case,
        rules,
        clock_trusted=clock_trusted,
        form_complete=_complete(tk01, case, rules),
        phone_agrees=representative_phone_agrees(tk01),
    )


def state_after(outcome: Outcome) -> CaseState | None:
    """The state a case goes to on an answer; None where it goes on to the authority."""
    match outcome:
        case Outcome.L2_ACCEPT | Outcome.CONTINUE:
            return None
        case Outcome.INCOMPLETE:
            return CaseState.SUPPLEMENT
        case Outcome.ESCALATE:
            return CaseState.ESCALATED
        case Outcome.REFUSE | Outcome.REDIRECT | Outcome.EXISTING | Outcome.L1_ONLY:
            return CaseState.REFUSED
        case _:
            assert_never(outcome)


def _form_facts(tk01: Tk01, rules: Rules, visit_ms: int, linked: bool | None = None) -> dict[str, Any]:
    """The form as the rules read it. The officer who takes it in has the document in hand and saw who came along."""
    return {
        "visit": instant(visit_ms).isoformat(),
        "campaign": in_campaign(instant(visit_ms), rules),
        "applicant": {
            "nationality": tk01.nationality,
            "birth_date": tk01.birth_date.isoformat(),
            "is_ward": tk01.is_ward,
        },
        "document": {
            "type": tk01.document.type,
            "number": tk01.document.number,
            "valid_until": tk01.document.valid_until.isoformat(),
            "readable": True,
        },
        "card": tk01.card.model_dump(mode="json", include={"kind", "symbol", "valid_until"}) if tk01.card else None,
        "stay_valid_until": tk01.stay_valid_until.isoformat() if tk01.stay_valid_until else None,
        "representative": {"present": True, "lawful": tk01.representative.lawful} if tk01.representative else None,
        "phone": _phone_facts(tk01, linked),
        "email": tk01.email,
        "form_signed": tk01.form_signed,
    }


def _phone_facts(tk01: Tk01, linked: bool | None) -> dict[str, Any] | None:
    if tk01.phone is None:
        return None
    return {"number": tk01.phone.number, "owner": tk01.phone.owner, "linked_elsewhere": linked}


def _register_facts(register: RegisterAnswer | None) -> dict[str, str]:
    if register is None:
        return {}
    words = {Reference.YES: "yes", Reference.NO: "no", Reference.UNKNOWN: "unknown"}
    return {"face": words[register.face], "fingers": words[register.fingers], "match": register.match.value}


def _complete(tk01: Tk01, case: CaseFacts, rules: Rules) -> bool:
    return not incomplete(tk01, {"represented": represented(case, rules)}, rules)
