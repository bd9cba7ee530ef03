"""Fixtures of the rules' tests: the bundled rules, a case that is accepted, and a way to change single fields."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from wire.rules import Decision, Rules, case_of, decide, load_rules

ACCEPTED: dict[str, Any] = {
    "visit": "2025-07-04T16:45:00+07:00",
    "campaign": False,
    "request": "issue",
    "applicant": {"nationality": "KOR", "birth_date": "1985-03-12", "is_ward": False},
    "document": {"type": "passport", "valid_until": "2030-03-11", "readable": True, "specimen": False, "mrz": None},
    "card": {"kind": "temporary", "symbol": "LĐ2", "valid_until": "2026-12-31"},
    "stay_valid_until": None,
    "representative": {"present": True, "lawful": True},
    "phone": {"number": "0912345678", "owner": "self", "linked_elsewhere": False},
    "email": None,
    "form_signed": True,
    "consent": True,
    "face_ok": True,
    "plan": ["right_thumb", "left_little"],
    "fingers": {"right_thumb": "captured", "left_little": "captured"},
    "fingers_signed": True,
    "register": {"face": "yes", "fingers": "yes", "match": "yes"},
    "open_dossier": None,
}


def changed(changes: dict[str, Any], base: dict[str, Any] = ACCEPTED) -> dict[str, Any]:
    """A case with dotted paths replaced."""
    case = copy.deepcopy(base)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = case
        for parent in parents:
            place = place[parent]
        place[last] = value
    return case


@pytest.fixture(scope="session")
def rules() -> Rules:
    """The bundled rules."""
    return load_rules()


@pytest.fixture(scope="session")
def case_with() -> Callable[..., dict[str, Any]]:
    """The accepted case with changes, as JSON values."""
    return changed


@pytest.fixture(scope="session")
def decide_with(rules: Rules) -> Callable[..., Decision]:
    """The decision on the accepted case with changes."""

    def run(changes: dict[str, Any] | None = None, **options: bool) -> Decision:
        return decide(case_of(changed(changes or {}), rules), rules, **options)

    return run
