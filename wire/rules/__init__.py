"""The rules of the procedure: who may get what, by when, through whom. Shared by station and centre.

Pure functions over dated data files: no clock, no network; only `load_rules` reads files. Must never hold a date, an
age, a day count or a text in code: all of them lie under `data/` and in the message catalogue.
"""

from __future__ import annotations

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
