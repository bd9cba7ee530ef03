"""Properties over generated cases, against the decision table written a second time in plain code."""

from __future__ import annotations

import copy
import itertools
import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.fingers import FingerPosition
from wire.rules import Outcome, case_of, decide, load_rules

RULES = load_rules()
LOCAL = timezone(timedelta(hours=7))
FIRST, LAST = datetime(2025, 1, 1), datetime(2027, 12, 1)  # noqa: DTZ001
unhurried = settings(deadline=None)
FINGERS = [position.key for position in FingerPosition]

visits = st.datetimes(FIRST, LAST, timezones=st.sampled_from([LOCAL, UTC, timezone(timedelta(hours=-11))]))
days = st.dates(date(2024, 6, 1), date(2031, 12, 31))
births = st.one_of(st.dates(date(1930, 1, 1), date(2024, 12, 31)), st.dates(date(2010, 6, 1), date(2022, 1, 1)))
mostly = st.sampled_from([True, True, False])
rarely = st.sampled_from([False, False, True])
answers = st.sampled_from(["yes", "no", "unknown"])
states = st.sampled_from(["captured"] * 3 + ["missing", "bandaged", "worn", "refused", "not_required"])
cards = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"kind": st.just("temporary"), "symbol": st.sampled_from(["LĐ1", "ĐT1", "?", None]), "valid_until": days}
    ),
    st.fixed_dictionaries({"kind": st.just("permanent"), "symbol": st.none(), "valid_until": st.none() | days}),
)
phones = st.fixed_dictionaries(
    {
        "number": st.sampled_from(["0912345678", "+84 312 345 678", "0412345678", "0912345678", None]),
        "owner": st.sampled_from(["self"] * 5 + ["representative"] * 3 + ["enterprise", "other", "unknown"]),
        "linked_elsewhere": st.sampled_from([False] * 6 + [True, None]),
    }
)
anything = st.fixed_dictionaries(
    {
        "visit": visits.map(lambda instant: instant.isoformat()),
        "campaign": st.booleans(),
        "request": st.sampled_from(["issue"] * 12 + ["lock", "unlock"]),
        "applicant": st.fixed_dictionaries(
            {
                "nationality": st.sampled_from(["KOR"] * 5 + ["D", "DEU", "XXA", "VNM", "UTO", "QQQ"]),
                "birth_date": births,
                "is_ward": rarely,
            }
        ),
        "document": st.sampled_from([True] * 19 + [None]).flatmap(
            lambda given: (
                st.none()
                if given is None
                else st.fixed_dictionaries(
                    {
                        "type": st.sampled_from(["passport", "travel_document"]),
                        "valid_until": days,
                        "readable": mostly,
                        "specimen": rarely,
                    }
                )
            )
        ),
        "card": cards,
        "stay_valid_until": st.none() | st.none() | days,
        "representative": st.none() | st.fixed_dictionaries({"present": mostly, "lawful": mostly}),
        "phone": phones | phones | st.none(),
        "email": st.none() | st.just("a@example.com"),
        "form_signed": mostly,
        "consent": mostly,
        "face_ok": mostly,
        "plan": st.none() | st.lists(st.sampled_from(FINGERS), unique=True, max_size=4),
        "fingers": st.dictionaries(st.sampled_from(FINGERS), states, max_size=10),
        "fingers_signed": mostly,
        "register": st.fixed_dictionaries(
            {
                "face": answers,
                "fingers": answers,
                "match": st.sampled_from(["yes", "yes", "yes", "no", "unsure", "unknown"]),
            }
        ),
        "open_dossier": st.sampled_from([None] * 9 + [{"id": "7", "due": "2026-01-05"}]),
    }
).map(lambda case: json.loads(json.dumps(case, default=lambda value: value.isoformat())))

GOOD = {
    "visit": "2026-01-05T09:00:00+07:00",
    "request": "issue",
    "applicant": {"nationality": "KOR", "birth_date": "1985-03-12", "is_ward": False},
    "document": {"type": "passport", "valid_until": "2035-03-11", "readable": True, "specimen": False},
    "card": {"kind": "permanent", "symbol": None, "valid_until": None},
    "stay_valid_until": None,
    "representative": None,
    "phone": {"number": "0912345678", "owner": "self", "linked_elsewhere": False},
    "form_signed": True,
    "consent": True,
    "face_ok": True,
    "plan": None,
    "fingers": {"right_thumb": "captured"},
    "fingers_signed": True,
    "register": {"face": "yes", "fingers": "yes", "match": "yes"},
    "open_dossier": None,
}
nearly_good = st.builds(
    lambda case, fields: case | {field: value for field, value in GOOD.items() if field not in fields},
    anything,
    st.tuples(st.sampled_from(sorted(GOOD)), st.sampled_from(sorted(GOOD))),
)
cases = nearly_good | nearly_good | anything


def years_old(birth: date, on: date) -> int:
    """Age with 29 February counted as 1 March in common years."""
    month_day = (3, 1) if (birth.month, birth.day) == (2, 29) and not leap(on.year) else (birth.month, birth.day)
    return on.year - birth.year - ((on.month, on.day) < month_day)


def leap(year: int) -> bool:
    """Gregorian leap year."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def expected_row(case: dict[str, Any]) -> str:
    """The decision table once more, read from the procedure, not from the data files."""
    on = datetime.fromisoformat(case["visit"]).astimezone(LOCAL).date()
    if case["request"] != "issue":
        return "D27"
    if case["open_dossier"]:
        return "D25"
    return early_row(case, on) or late_row(case)


def over(text: str | None, on: date) -> bool:
    """Whether the last day lies before the date."""
    return text is not None and date.fromisoformat(text) < on


def early_row(case: dict[str, Any], on: date) -> str | None:
    """D1 to D13."""
    applicant, document, card = case["applicant"], case["document"], case["card"]
    if applicant["nationality"] == "VNM":
        return "D1"
    reserved = applicant["nationality"] in ("UTO", "QQQ")
    if document is None or not document["readable"] or document["specimen"] or reserved:
        return "D2"
    if over(document["valid_until"], on):
        return "D3"
    if over(case["stay_valid_until"], on):
        return "D4"
    if card is None:
        return "D5" if on < date(2026, 9, 28) else "D6"
    if over(card["valid_until"], on):
        return "D7"
    age = years_old(date.fromisoformat(applicant["birth_date"]), on)
    if age < 6:
        return "D8"
    return person_row(case, minor_or_ward=age < 14 or applicant["is_ward"])


def person_row(case: dict[str, Any], *, minor_or_ward: bool) -> str | None:
    """D9 to D13."""
    representative, phone = case["representative"], case["phone"] or {"owner": None, "number": None}
    if minor_or_ward:
        if not representative or not representative["present"] or not representative["lawful"]:
            return "D9"
        if phone["owner"] != "representative":
            return "D10"
    elif phone["owner"] == "enterprise":
        return "D11"
    elif phone["owner"] == "representative":
        return "D12"
    if phone["owner"] in ("other", "unknown") or phone["number"] is None:
        return "D12"
    return "D13" if not minor_or_ward and phone["linked_elsewhere"] else None


def late_row(case: dict[str, Any]) -> str:
    """D15 to D24."""
    for field, row in (("form_signed", "D15"), ("consent", "D16"), ("face_ok", "D17")):
        if not case[field]:
            return row
    plan = case["fingers"] if case["plan"] is None else case["plan"]
    found = [case["fingers"].get(finger) for finger in plan]
    if None not in found and "captured" not in case["fingers"].values():
        return "D19"
    if None in found or (any(state != "captured" for state in found) and not case["fingers_signed"]):
        return "D20"
    register = case["register"]
    if register["match"] in ("no", "unsure"):
        return "D21"
    if (register["face"], register["fingers"], register["match"]) == ("yes", "yes", "yes"):
        return "D22"
    return "D23" if "no" in (register["face"], register["fingers"]) else "D24"


def usable(case: dict[str, Any]) -> bool:
    """Whether the birth lies before the visit."""
    on = datetime.fromisoformat(case["visit"]).astimezone(LOCAL).date()
    return date.fromisoformat(case["applicant"]["birth_date"]) <= on


@unhurried
@given(cases.filter(usable))
def test_every_case_gets_the_row_of_the_table(case: dict[str, Any]) -> None:
    """Exactly one outcome, and it is the one the table gives."""
    decision = decide(case_of(case, RULES), RULES)

    assert decision.row == expected_row(case)


@unhurried
@given(cases.filter(usable))
def test_deciding_twice_gives_the_same(case: dict[str, Any]) -> None:
    """A decision depends on the case and the rules alone, and changes neither."""
    facts, before = case_of(case, RULES), copy.deepcopy(case)
    first, second = decide(facts, RULES), decide(case_of(case, RULES), RULES)

    assert first == second
    assert case == before
    assert first.inputs_sha256 == facts.sha256()


@unhurried
@given(cases.filter(usable))
def test_a_term_ends_on_a_working_day_after_receipt(case: dict[str, Any]) -> None:
    """A due date is a working day; the alarm is never later than the due date."""
    decision = decide(case_of(case, RULES), RULES)

    if decision.outcome is Outcome.L2_ACCEPT:
        assert decision.due is not None
        assert decision.due > decision.received
        assert RULES.calendar.is_working(decision.due)
        assert decision.provisional == (decision.alarm is not None)
        assert decision.alarm is None or decision.received < decision.alarm <= decision.due
    else:
        assert decision.alarm is None


@unhurried
@given(cases.filter(usable).filter(lambda case: case["document"] is not None), st.integers(1, 400))
def test_time_never_makes_an_expired_document_valid(case: dict[str, Any], later_days: int) -> None:
    """Once D3 is reached, a later visit with the same papers never gets past it to an acceptance."""
    first = decide(case_of(case, RULES), RULES)
    case["visit"] = (datetime.fromisoformat(case["visit"]) + timedelta(days=later_days)).isoformat()
    later = decide(case_of(case, RULES), RULES)

    if first.row == "D3":
        assert later.row == "D3"


@unhurried
@given(cases.filter(usable), st.booleans())
def test_warnings_never_change_the_row(case: dict[str, Any], trusted: bool) -> None:
    """What only warns leaves the row alone: clock trust, campaign, e-mail."""
    facts = case_of(case, RULES)
    other = case_of(case | {"campaign": not case["campaign"], "email": None}, RULES)

    assert decide(facts, RULES, clock_trusted=trusted).row == decide(other, RULES).row


@unhurried
@given(cases.filter(usable))
def test_the_same_instant_in_another_zone_is_the_same_case(case: dict[str, Any]) -> None:
    """The zone an instant is written in means nothing."""
    moved = case | {"visit": datetime.fromisoformat(case["visit"]).astimezone(UTC).isoformat()}

    assert decide(case_of(moved, RULES), RULES) == decide(case_of(case, RULES), RULES)


PERSON, PAPER = GOOD["applicant"], GOOD["document"]
OTHERWISE: dict[str, list[Any]] = {
    "visit": ["2026-09-27T23:59:59+07:00", "2026-09-27T17:00:00Z", "2026-01-05T17:00:00Z"],
    "request": ["lock", "unlock"],
    "applicant": [
        PERSON | {"nationality": "VNM"},
        PERSON | {"nationality": "UTO"},
        PERSON | {"birth_date": "2020-01-06"},
        PERSON | {"birth_date": "2020-01-05"},
        PERSON | {"birth_date": "2012-01-06"},
        PERSON | {"birth_date": "2012-01-05"},
        PERSON | {"is_ward": True},
    ],
    "document": [
        None,
        PAPER | {"readable": False},
        PAPER | {"specimen": True},
        PAPER | {"valid_until": "2026-01-04"},
        PAPER | {"valid_until": "2026-01-05"},
    ],
    "card": [None, *({"kind": "temporary", "symbol": "TT", "valid_until": f"2026-01-0{day}"} for day in (4, 5))],
    "stay_valid_until": ["2026-01-04", "2026-01-05"],
    "representative": [{"present": True, "lawful": True}, {"present": True, "lawful": False}, {"present": False}],
    "phone": [
        None,
        {"number": None, "owner": "self"},
        *(
            {"number": "0912345678", "owner": owner, "linked_elsewhere": linked}
            for owner in ("self", "representative", "enterprise", "other", "unknown")
            for linked in (False, True, None)
        ),
    ],
    "form_signed": [False],
    "consent": [False],
    "face_ok": [False],
    "plan": [[], ["right_thumb"], ["left_thumb"], ["right_thumb", "left_thumb"]],
    "fingers": [
        {},
        *({"right_thumb": state} for state in ("missing", "bandaged", "worn", "refused", "not_required")),
        {"right_thumb": "captured", "left_thumb": "worn"},
        {"right_thumb": "refused", "left_thumb": "worn"},
    ],
    "fingers_signed": [False],
    "register": [
        {"face": face, "fingers": fingers, "match": match}
        for face in ("yes", "no", "unknown")
        for fingers in ("yes", "no", "unknown")
        for match in ("yes", "no", "unsure", "unknown")
    ],
    "open_dossier": [{"id": "7", "due": "2026-01-05"}],
}
LAWFUL = {"representative": {"present": True, "lawful": True}}


@pytest.mark.parametrize("base", [GOOD, GOOD | LAWFUL | {"plan": ["right_thumb", "left_thumb"]}], ids=["alone", "with"])
def test_every_pair_of_deviations_gets_the_row_of_the_table(base: dict[str, Any]) -> None:
    """An accepted case with any two fields changed in any listed way, against the second table; every row is hit."""
    seen: set[str] = set()
    for first, second in itertools.combinations(OTHERWISE, 2):
        for one, other in itertools.product(OTHERWISE[first], OTHERWISE[second]):
            case = base | {first: one, second: other}
            if case["representative"] is not None:
                case["representative"] = {"lawful": False} | case["representative"]
            row = decide(case_of(case, RULES), RULES).row
            seen.add(row)

            assert row == expected_row(case), (first, one, second, other)
    rows = {row for policy in RULES.policies for row in policy.order}

    assert rows - seen == {"D14", "D18"}
