"""The days, seconds and zones at which an answer turns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from wire.rules import Decision, Register, Rules, after_register, case_of, decide, in_campaign, intake

Decide = Callable[..., Decision]
CaseWith = Callable[..., dict[str, Any]]
REPRESENTED = {"phone.owner": "representative", "representative": {"present": True, "lawful": True}}


def codes(decision: Decision) -> list[str]:
    """The codes of the warnings."""
    return [warning.code for warning in decision.warnings]


@pytest.mark.parametrize(
    ("birth", "visit", "row"),
    [
        ("2019-07-08", "2025-07-07T09:00:00+07:00", "D8"),
        ("2019-07-08", "2025-07-08T09:00:00+07:00", "D22"),
        ("2019-07-08", "2025-07-07T23:59:59+07:00", "D8"),
        ("2019-07-08", "2025-07-08T00:00:00+07:00", "D22"),
        ("2019-07-08", "2025-07-07T16:59:59Z", "D8"),
        ("2019-07-08", "2025-07-07T17:00:00Z", "D22"),
        ("2019-07-08", "2025-07-07T17:30:00Z", "D22"),
    ],
)
def test_six_years_from_the_birthday(decide_with: Decide, birth: str, visit: str, row: str) -> None:
    """Six years are completed at 00:00 local time of the sixth birthday."""
    assert decide_with({"applicant.birth_date": birth, "visit": visit, **REPRESENTED}).row == row


@pytest.mark.parametrize(("visit", "row"), [("2025-07-07T09:00:00+07:00", "D9"), ("2025-07-08T09:00:00+07:00", "D22")])
def test_fourteen_years_from_the_birthday(decide_with: Decide, visit: str, row: str) -> None:
    """A person of 14 years comes alone and uses the own number."""
    assert decide_with({"applicant.birth_date": "2011-07-08", "visit": visit, "representative": None}).row == row


@pytest.mark.parametrize(
    ("visit", "row"),
    [
        ("2026-02-28T09:00:00+07:00", "D8"),
        ("2026-03-01T09:00:00+07:00", "D22"),
    ],
)
def test_29_february_counts_from_1_march_in_common_years(decide_with: Decide, visit: str, row: str) -> None:
    """Born on 29/02/2020: six years are completed on 01/03/2026."""
    assert decide_with({"applicant.birth_date": "2020-02-29", "visit": visit, **REPRESENTED}).row == row


@pytest.mark.parametrize(("visit", "row"), [("2034-02-28T09:00:00+07:00", "D10"), ("2034-03-01T09:00:00+07:00", "D22")])
def test_29_february_at_fourteen(decide_with: Decide, visit: str, row: str) -> None:
    """The same on the fourteenth birthday, 2034 being a common year."""
    far = {"document.valid_until": "2040-01-01", "card.valid_until": "2035-06-30"}

    assert decide_with({"applicant.birth_date": "2020-02-29", "visit": visit, **far}).row == row


def test_29_february_in_a_leap_year_is_the_birthday_itself(decide_with: Decide) -> None:
    """Born on 29/02/2016, twelve on 29/02/2028."""
    case = {"applicant.birth_date": "2022-02-28", "visit": "2028-02-28T09:00:00+07:00", **REPRESENTED}
    far = {"document.valid_until": "2040-01-01", "card.valid_until": "2029-06-30"}

    assert decide_with({**case, **far}).row == "D22"
    assert decide_with({**case, **far, "applicant.birth_date": "2022-03-01"}).row == "D8"


@pytest.mark.parametrize(
    ("field", "row"), [("document.valid_until", "D3"), ("card.valid_until", "D7"), ("stay_valid_until", "D4")]
)
@pytest.mark.parametrize(
    ("visit", "valid"),
    [
        ("2025-07-08T00:00:00+07:00", True),
        ("2025-07-08T23:59:59.999999+07:00", True),
        ("2025-07-09T00:00:00+07:00", False),
        ("2025-07-08T16:59:59Z", True),
        ("2025-07-08T17:00:00Z", False),
        ("2025-07-08T21:00:00-11:00", False),
    ],
)
def test_valid_until_a_day_is_valid_through_its_last_second(
    decide_with: Decide, field: str, row: str, visit: str, valid: bool
) -> None:
    """Valid until D is valid through 24:00 of D, local time, whatever the visit's own offset."""
    assert decide_with({field: "2025-07-08", "visit": visit}).row == ("D22" if valid else row)


@pytest.mark.parametrize(
    ("visit", "row", "policy"),
    [
        ("2026-09-27T23:59:59+07:00", "D5", "l2-2024-07-01"),
        ("2026-09-28T00:00:00+07:00", "D6", "l2-2026-09-28"),
        ("2026-09-27T16:59:59Z", "D5", "l2-2024-07-01"),
        ("2026-09-27T17:00:00Z", "D6", "l2-2026-09-28"),
    ],
)
def test_the_profile_switches_at_local_midnight(decide_with: Decide, visit: str, row: str, policy: str) -> None:
    """28/09/2026 begins at 00:00 Asia/Ho_Chi_Minh."""
    decision = decide_with({"card": None, "visit": visit})

    assert (decision.row, decision.policy) == (row, policy)


def test_after_the_switch_everything_else_is_as_before(decide_with: Decide) -> None:
    """The later profile differs in the missing card only."""
    assert decide_with({"visit": "2026-10-05T09:00:00+07:00"}).row == "D22"


@pytest.mark.parametrize(("last_day", "warned"), [("2025-07-04", True), ("2025-08-03", True), ("2025-08-04", False)])
@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("document.valid_until", "DOC_ENDS_SOON"),
        ("card.valid_until", "CARD_ENDS_SOON"),
        ("stay_valid_until", "STAY_ENDS_SOON"),
    ],
)
def test_an_end_within_thirty_days_warns(
    decide_with: Decide, field: str, code: str, last_day: str, warned: bool
) -> None:
    """Thirty days after 04/07/2025 is 03/08/2025."""
    decision = decide_with({field: last_day})

    assert decision.row == "D22"
    assert codes(decision) == ([code] if warned else [])


@pytest.mark.parametrize(
    ("visit", "campaign", "expected"),
    [
        ("2025-07-04T07:29:59+07:00", False, ["OUTSIDE_RECEPTION"]),
        ("2025-07-04T07:30:00+07:00", False, []),
        ("2025-07-04T11:30:00+07:00", False, []),
        ("2025-07-04T12:00:00+07:00", False, ["OUTSIDE_RECEPTION"]),
        ("2025-07-04T17:00:00+07:00", False, []),
        ("2025-07-04T17:00:01+07:00", False, ["OUTSIDE_RECEPTION"]),
        ("2025-07-05T09:00:00+07:00", False, ["OUTSIDE_RECEPTION"]),
        ("2025-09-01T09:00:00+07:00", False, ["OUTSIDE_RECEPTION"]),
        ("2025-04-26T09:00:00+07:00", False, []),
        ("2025-07-05T23:00:00+07:00", True, []),
        ("2025-08-19T23:59:59+07:00", True, []),
        ("2025-08-20T00:00:00+07:00", True, ["OUTSIDE_RECEPTION", "NO_CAMPAIGN"]),
        ("2025-08-20T09:00:00+07:00", True, ["NO_CAMPAIGN"]),
    ],
)
def test_reception_hours_and_campaigns_only_warn(
    decide_with: Decide, visit: str, campaign: bool, expected: list[str]
) -> None:
    """A visit outside reception hours or a campaign is accepted all the same."""
    decision = decide_with({"visit": visit, "campaign": campaign})

    assert decision.row == "D22"
    assert codes(decision) == expected


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"phone.number": "0412345678"}, "PHONE_PREFIX_UNKNOWN", "phone.number"),
        ({"phone": {"number": "0912345678", "owner": "self"}}, "PHONE_LINK_UNCHECKED", "phone.linked_elsewhere"),
        ({"card.symbol": "ZZ9"}, "CARD_SYMBOL_UNKNOWN", "card.symbol"),
        ({"card.symbol": None}, "CARD_SYMBOL_UNKNOWN", "card.symbol"),
        ({"card.valid_until": "2027-07-05"}, "CARD_TERM_TOO_LONG", "card.valid_until"),
    ],
)
def test_a_warning_never_changes_the_answer(
    decide_with: Decide, changes: dict[str, Any], code: str, field: str
) -> None:
    """Warnings travel along with their field and both texts."""
    decision = decide_with(changes)

    assert decision.row == "D22"
    assert [(warning.code, warning.field) for warning in decision.warnings] == [(code, field)]
    assert decision.warnings[0].text.vi
    assert decision.warnings[0].text.en


def test_a_card_of_exactly_the_longest_term_does_not_warn(decide_with: Decide) -> None:
    """LĐ2 lasts two years at most."""
    assert codes(decide_with({"card.valid_until": "2027-07-04"})) == []


def test_an_untrusted_clock_warns(decide_with: Decide) -> None:
    """The instant decides over dates, so an untrusted one is said."""
    assert codes(decide_with({}, clock_trusted=False)) == ["CLOCK_UNTRUSTED"]


def test_a_term_beyond_the_calendar_is_a_projection_and_says_so(decide_with: Decide) -> None:
    """The years without data come from a library; the answer warns."""
    far = {"document.valid_until": "2040-01-01", "card.valid_until": "2029-06-30"}
    inside = decide_with({**far, "visit": "2027-12-20T09:00:00+07:00"})
    across = decide_with({**far, "visit": "2027-12-30T09:00:00+07:00"})

    assert "CALENDAR_PROJECTED" not in codes(inside)
    assert "CALENDAR_PROJECTED" in codes(across)
    assert across.due == date(2028, 1, 5)


@pytest.mark.parametrize(
    ("visit", "register", "days", "due"),
    [
        ("2025-07-04T16:45:00+07:00", {"face": "no", "fingers": "no", "match": "yes"}, 7, date(2025, 7, 15)),
        ("2025-04-25T09:00:00+07:00", {"face": "yes", "fingers": "yes", "match": "yes"}, 3, date(2025, 4, 29)),
        ("2026-02-12T09:00:00+07:00", {"face": "yes", "fingers": "yes", "match": "yes"}, 3, date(2026, 2, 24)),
        ("2027-04-29T09:00:00+07:00", {"face": "yes", "fingers": "yes", "match": "yes"}, 3, date(2027, 5, 6)),
    ],
)
def test_worked_examples(decide_with: Decide, visit: str, register: dict[str, str], days: int, due: date) -> None:
    """The four worked examples of the deadlines."""
    far = {"card.valid_until": "2028-12-31", "card.symbol": "TT", "document.valid_until": "2030-03-11"}
    decision = decide_with({**far, "visit": visit, "register": register})

    assert (decision.working_days, decision.due) == (days, due)


def test_worked_example_of_the_unreachable_register(rules: Rules, case_with: Callable[..., dict[str, Any]]) -> None:
    """Received 08/07/2025 without answer: receipt 17/07, alarm 11/07; both there later: final due 11/07."""
    case = case_of(case_with({"visit": "2025-07-08T09:00:00+07:00", "register": {}}), rules)
    before = decide(case, rules)
    settled, after = after_register(case, Register(face="yes", fingers="yes", match="yes"), rules)
    _, lacking = after_register(case, Register(face="no", fingers="unknown", match="yes"), rules)

    assert (before.row, before.provisional, before.due, before.alarm) == (
        "D24",
        True,
        date(2025, 7, 17),
        date(2025, 7, 11),
    )
    assert (after.row, after.provisional, after.due, after.alarm) == ("D22", False, date(2025, 7, 11), None)
    assert (lacking.row, lacking.due, lacking.alarm) == ("D23", date(2025, 7, 17), None)
    assert settled.visit == case.visit


def test_midnight_decides_the_day_of_receipt(decide_with: Decide) -> None:
    """07/07/2025 17:30 UTC is 08/07 in Ho Chi Minh City: the count starts one day later."""
    assert decide_with({"visit": "2025-07-07T16:59:59Z"}).due == date(2025, 7, 10)
    assert decide_with({"visit": "2025-07-07T17:30:00Z"}).due == date(2025, 7, 11)


@pytest.mark.parametrize(
    ("changes", "row", "capture"),
    [
        ({"consent": False, "face_ok": False, "fingers": {}, "register": {}}, None, True),
        ({"card": None}, "D5", False),
        ({"applicant.birth_date": "2024-01-01"}, "D8", False),
        ({"form_signed": False}, "D15", False),
    ],
)
def test_intake_looks_only_at_what_is_known_at_the_desk(
    rules: Rules,
    case_with: Callable[..., dict[str, Any]],
    changes: dict[str, Any],
    row: str | None,
    capture: bool,
) -> None:
    """Before the capture, a case that may go on has no answer yet, only its early warnings."""
    answer = intake(case_of(case_with({"document.valid_until": "2025-07-10", **changes}), rules), rules)

    assert (answer.decision.row if answer.decision else None) == row
    assert answer.capture is capture
    assert [warning.code for warning in answer.warnings] == ["DOC_ENDS_SOON"]


@pytest.mark.parametrize(
    ("visit", "expected"),
    [
        ("2025-06-30T23:59:59+07:00", False),
        ("2025-06-30T17:00:00+00:00", True),
        ("2025-08-19T23:59:59+07:00", True),
        ("2025-08-20T00:00:00+07:00", False),
    ],
)
def test_a_campaign_runs_on_local_dates(rules: Rules, visit: str, expected: bool) -> None:
    """From 00:00 of 01/07/2025 through 24:00 of 19/08/2025."""
    assert in_campaign(datetime.fromisoformat(visit), rules) is expected


def test_the_clocks_doubt_outlives_the_registers_answer(rules: Rules, case_with: CaseWith) -> None:
    """What was warned of at receipt is warned of in the settled answer."""
    _, after = after_register(case_of(case_with({}), rules), Register(), rules, clock_trusted=False)

    assert "CLOCK_UNTRUSTED" in [warning.code for warning in after.warnings]
