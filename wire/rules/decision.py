"""The decision: the first row of the profile in force that holds, its dates, texts and warnings.

Pure: `decide` of the same case and rules is always the same. Must never know a row, a reason or a day count by itself;
they are all in the policy files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from wire.catalogue import Text, bundled
from wire.rules.calendars import Move, OpenCase, WorkCalendar
from wire.rules.case import CaseFacts, Register
from wire.rules.conditions import FactValue, holds
from wire.rules.data_files import Outcome, PolicyFile, Row, Stage
from wire.rules.errors import CalendarUnknown, CaseInvalid, FieldProblem, NoPolicy
from wire.rules.facts import Beside, Finding, Measured, measure
from wire.rules.model import Rules


@dataclass(frozen=True, slots=True)
class CaseWarning:
    """Something to tell beside the answer; `field` is the path of the case field concerned, if one is."""

    code: str
    field: str | None
    text: Text

    def to_json(self) -> dict[str, Any]:
        """As in the command's output."""
        return {"code": self.code, "field": self.field, "texts": {"vi": self.text.vi, "en": self.text.en}}


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer.

    Args:
        outcome, row, reason: what the row says; reason None for acceptances and answers without a code.
        texts: the reason, or the answer, in both languages.
        working_days, due: the printed term and its last day (local date, through 24:00).
        alarm: day of the internal alarm while the register has not answered.
        notify: channels of the result.
        warnings: for the officer; they never change the outcome.
        records: codes of what the case file must note.
        capture: whether biometrics may be captured at all.
        policy: id of the profile.
        source: where the row comes from.
        received: local date of receipt.
        inputs_sha256, rules_sha256: hashes of the case and of all data files.
    """

    outcome: Outcome
    row: str
    reason: str | None
    texts: Text
    working_days: int | None
    due: date | None
    alarm: date | None
    alarm_working_days: int | None
    provisional: bool
    notify: tuple[str, ...]
    warnings: tuple[CaseWarning, ...]
    records: tuple[str, ...]
    capture: bool
    policy: str
    source: str
    received: date
    inputs_sha256: str
    rules_sha256: str

    def to_json(self) -> dict[str, Any]:
        """The object of `eid-central decide`; central/schema/decision.json describes it."""
        return {
            "outcome": self.outcome.value,
            "row": self.row,
            "reason": self.reason,
            "texts": {"vi": self.texts.vi, "en": self.texts.en},
            "working_days": self.working_days,
            "due": self.due.isoformat() if self.due else None,
            "alarm": self.alarm.isoformat() if self.alarm else None,
            "provisional": self.provisional,
            "notify": list(self.notify),
            "warnings": [warning.to_json() for warning in self.warnings],
            "policy": f"{self.policy}; {self.source}",
        }


@dataclass(frozen=True, slots=True)
class IntakeAnswer:
    """What can be said at the desk before anything is captured.

    Args:
        decision: an answer that already stands, None while the case may go on.
        warnings: the early warnings.
        capture: whether the capture step may open.
    """

    decision: Decision | None
    warnings: tuple[CaseWarning, ...]
    capture: bool


@dataclass(frozen=True, slots=True)
class ActivationTerm:
    """What follows the notified result: the last day to activate (local date), the reminder, the row it comes from."""

    row: str
    last_day: date
    text: Text
    source: str


def decide(
    case: CaseFacts,
    rules: Rules,
    *,
    clock_trusted: bool = True,
    form_complete: bool = True,
    phone_agrees: bool | None = None,
) -> Decision:
    """The answer to a case.

    Args:
        case: from `parse_case` or `case_of`, so that its fields are checked.
        clock_trusted: False where the visit's instant comes from a clock nobody vouches for.
        form_complete: False where `wire.rules.tk01.incomplete` names fields.
        phone_agrees: as `wire.rules.tk01.representative_phone_agrees` tells; None without a form.

    Raises:
        CaseInvalid: the visit lies where no profile or no calendar reaches.
    """
    policy, measured = _start(case, rules, Beside(clock_trusted, form_complete, phone_agrees))
    row_id, passed = _first_hit(policy, measured, tuple(Stage))
    assert row_id is not None, "the loader checks that the last row always decides"
    return _decision(case, rules, policy, measured, row_id, passed)


def intake(
    case: CaseFacts,
    rules: Rules,
    *,
    clock_trusted: bool = True,
    form_complete: bool = True,
    phone_agrees: bool | None = None,
) -> IntakeAnswer:
    """What the rows of the intake stage say, for the screen before the capture. Raises like `decide`."""
    policy, measured = _start(case, rules, Beside(clock_trusted, form_complete, phone_agrees))
    row_id, passed = _first_hit(policy, measured, (Stage.INTAKE,))
    if row_id is None:
        return IntakeAnswer(None, _warnings(policy, measured.facts, measured, passed), capture=True)
    decision = _decision(case, rules, policy, measured, row_id, passed)
    return IntakeAnswer(decision, decision.warnings, capture=False)


def after_register(
    case: CaseFacts,
    register: Register,
    rules: Rules,
    *,
    clock_trusted: bool = True,
    form_complete: bool = True,
    phone_agrees: bool | None = None,
) -> tuple[CaseFacts, Decision]:
    """The case and its answer once the register answered; the term still counts from the day of receipt."""
    settled = case.with_register(register)
    return settled, decide(
        settled, rules, clock_trusted=clock_trusted, form_complete=form_complete, phone_agrees=phone_agrees
    )


def open_case(case_id: str, decision: Decision) -> OpenCase | None:
    """What `moved` needs of an accepted case; None for an answer without a term."""
    if decision.due is None or decision.working_days is None:
        return None
    return OpenCase(
        case_id,
        decision.received,
        decision.working_days,
        decision.due,
        decision.alarm_working_days,
        decision.alarm,
    )


def moved(open_cases: Iterable[OpenCase], calendar: WorkCalendar) -> list[Move]:
    """The open dossiers whose due date or alarm another calendar puts elsewhere."""
    return calendar.moves(open_cases)


def represented(case: CaseFacts, rules: Rules) -> bool:
    """Whether the profile in force asks for a representative; the form's section depends on it."""
    _, measured = _start(case, rules, Beside())
    return bool(measured.facts.get("represented", False))


def activation(notified: datetime, rules: Rules) -> ActivationTerm:
    """The reminder after a result was notified at an aware instant. Raises NoPolicy, ValueError for a naive one."""
    on = rules.calendar.local_date(notified)
    term = rules.policy_on(on).activation
    text = bundled().text(term.text, days=term.calendar_days)
    return ActivationTerm(term.row, on + timedelta(days=term.calendar_days), text, term.source)


def _start(case: CaseFacts, rules: Rules, beside: Beside) -> tuple[PolicyFile, Measured]:
    try:
        policy = rules.policy_on(rules.calendar.local_date(case.visit))
    except NoPolicy:
        raise CaseInvalid([FieldProblem("visit", "no_policy")]) from None
    return policy, measure(case, rules, policy, beside)


def _first_hit(policy: PolicyFile, measured: Measured, stages: tuple[Stage, ...]) -> tuple[str | None, tuple[Row, ...]]:
    """The deciding row, None when no row of the stages decides, and the passing rows that held before it."""
    passed: list[Row] = []
    for row_id in policy.order:
        row = policy.rows[row_id]
        if row.stage not in stages or not row.in_force(measured.received) or not holds(row.when, measured.facts):
            continue
        if row.outcome is not Outcome.CONTINUE:
            return row_id, tuple(passed)
        passed.append(row)
    return None, tuple(passed)


def _decision(
    case: CaseFacts, rules: Rules, policy: PolicyFile, measured: Measured, row_id: str, passed: tuple[Row, ...]
) -> Decision:
    row = policy.rows[row_id]
    due, projected_due = _due(measured.received, row.working_days, rules)
    alarm, projected_alarm = _due(measured.received, row.alarm_working_days, rules)
    if row.outcome is Outcome.EXISTING and case.open_dossier is not None:
        due = case.open_dossier.due
    facts = {**measured.facts, "calendar_projected": projected_due or projected_alarm}
    return Decision(
        outcome=row.outcome,
        row=row_id,
        reason=row.reason,
        texts=_row_text(policy, row),
        working_days=row.working_days,
        due=due,
        alarm=alarm,
        alarm_working_days=row.alarm_working_days,
        provisional=row.provisional,
        notify=tuple(channel for channel in row.notify if holds(policy.channels[channel], facts)),
        warnings=_warnings(policy, facts, measured, (*passed, row)),
        records=tuple(code for hit in (*passed, row) for code in hit.records),
        capture=row.capture,
        policy=policy.id,
        source=row.source,
        received=measured.received,
        inputs_sha256=case.sha256(),
        rules_sha256=rules.sha256,
    )


def _due(received: date, working_days: int | None, rules: Rules) -> tuple[date | None, bool]:
    if working_days is None:
        return None, False
    try:
        found = rules.calendar.due(received, working_days)
    except CalendarUnknown:
        raise CaseInvalid([FieldProblem("visit", "no_calendar")]) from None
    return found.on, bool(found.projected_years)


def _row_text(policy: PolicyFile, row: Row) -> Text:
    key = row.text or row.reason
    assert key is not None, "the model checks that a row has a reason or a text"
    params: dict[str, int] = {} if row.working_days is None else {"days": row.working_days}
    own = policy.texts.get(key)
    if own is not None:
        return Text(own.vi.format(**params), own.en.format(**params))
    return bundled().text(key if row.text else f"rules.reason.{key}", **params)


def _warnings(
    policy: PolicyFile, facts: Mapping[str, FactValue], measured: Measured, hits: tuple[Row, ...]
) -> tuple[CaseWarning, ...]:
    found = list(measured.findings)
    for code, rule in policy.warnings.items():
        named = any(code in row.warnings for row in hits)
        if rule.in_force(measured.received) and (named or holds(rule.when, facts)):
            found.append(Finding(code, rule.field or ""))
    return tuple(CaseWarning(one.code, one.field or None, _warning_text(policy, one.code)) for one in found)


def _warning_text(policy: PolicyFile, code: str) -> Text:
    own = policy.texts.get(code)
    return Text(own.vi, own.en) if own is not None else bundled().text(f"rules.warning.{code}")
