"""The rules of the procedure: who may get what, by when, through whom. Shared by station and centre.

Pure functions over dated data files: no clock, no network; only `load_rules` reads files. Must never hold a date, an
age, a day count or a text in code: all of them lie under `data/` and in the message catalogue.

What is named here is loaded when it is first asked for: a station that only reads machine readable zones must not pay,
at start and in memory, for calendars, telephone numbers and forms.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wire.rules.calendars import DueDate, Move, OpenCase, WorkCalendar
    from wire.rules.case import CaseFacts, Register, case_of, parse_case
    from wire.rules.data_files import Outcome
    from wire.rules.decision import (
        ActivationTerm,
        CaseWarning,
        Decision,
        IntakeAnswer,
        activation,
        after_register,
        decide,
        intake,
        moved,
        open_case,
        represented,
    )
    from wire.rules.errors import CaseInvalid, FieldProblem, RulesDataInvalid, RulesError, Tk01Invalid
    from wire.rules.facts import in_campaign
    from wire.rules.loader import load_rules
    from wire.rules.model import Rules

__all__ = [
    "ActivationTerm",
    "CaseFacts",
    "CaseInvalid",
    "CaseWarning",
    "Decision",
    "DueDate",
    "FieldProblem",
    "IntakeAnswer",
    "Move",
    "OpenCase",
    "Outcome",
    "Register",
    "Rules",
    "RulesDataInvalid",
    "RulesError",
    "Tk01Invalid",
    "WorkCalendar",
    "activation",
    "after_register",
    "case_of",
    "decide",
    "in_campaign",
    "intake",
    "load_rules",
    "moved",
    "open_case",
    "parse_case",
    "represented",
]

_HOMES = {
    "ActivationTerm": "decision",
    "CaseFacts": "case",
    "CaseInvalid": "errors",
    "CaseWarning": "decision",
    "Decision": "decision",
    "DueDate": "calendars",
    "FieldProblem": "errors",
    "IntakeAnswer": "decision",
    "Move": "calendars",
    "OpenCase": "calendars",
    "Outcome": "data_files",
    "Register": "case",
    "Rules": "model",
    "RulesDataInvalid": "errors",
    "RulesError": "errors",
    "Tk01Invalid": "errors",
    "WorkCalendar": "calendars",
    "activation": "decision",
    "after_register": "decision",
    "case_of": "case",
    "decide": "decision",
    "in_campaign": "facts",
    "intake": "decision",
    "load_rules": "loader",
    "moved": "decision",
    "open_case": "decision",
    "parse_case": "case",
    "represented": "decision",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
