"""Every row of the decision table: what leads to it, and that nothing behind it matters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from wire.fingers import FingerPosition
from wire.rules import Decision, Outcome, Rules
from wire.rules.mrz import check_digit

Decide = Callable[..., Decision]
CHILD = {"applicant.birth_date": "2015-05-20", "phone.owner": "representative"}
WARD = {"applicant.is_ward": True, "phone.owner": "representative"}
UNDER_6 = {"applicant.birth_date": "2020-01-01"}
FROM_CHANGE = {"visit": "2026-10-05T09:00:00+07:00", "document.valid_until": "2030-03-11"}
KOREAN_MRZ = ["P<KORVIDU<<KIM<THU".ljust(44, "<"), "M123456788KOR8503127M3003116<<<<<<<<<<<<<<<0"]
SPECIMEN_MRZ = ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]
BAD_MRZ = [KOREAN_MRZ[0], KOREAN_MRZ[1].replace("8503127", "8503128")]

ROWS: list[tuple[str, Outcome, str | None, dict[str, Any]]] = [
    ("D27", Outcome.REDIRECT, None, {"request": "lock"}),
    ("D27", Outcome.REDIRECT, None, {"request": "unlock"}),
    ("D27", Outcome.REDIRECT, None, {"request": "lock", "open_dossier": {"id": "1", "due": "2025-07-09"}}),
    ("D27", Outcome.REDIRECT, None, {"request": "lock", "document": None, "applicant.nationality": "VNM"}),
    ("D25", Outcome.EXISTING, None, {"open_dossier": {"id": "1", "due": "2025-07-09"}}),
    ("D25", Outcome.EXISTING, None, {"open_dossier": {"id": "1", "due": None}, "applicant.nationality": "VNM"}),
    ("D1", Outcome.REDIRECT, "VN_CITIZEN", {"applicant.nationality": "VNM"}),
    ("D1", Outcome.REDIRECT, "VN_CITIZEN", {"applicant.nationality": "VNM", "document": None}),
    ("D2", Outcome.INCOMPLETE, "DOC_UNREADABLE", {"document": None}),
    ("D2", Outcome.INCOMPLETE, "DOC_UNREADABLE", {"document.readable": False}),
    ("D2", Outcome.INCOMPLETE, "DOC_UNREADABLE", {"document.specimen": True}),
    ("D2", Outcome.INCOMPLETE, "DOC_UNREADABLE", {"document.valid_until": None}),
    ("D2", Outcome.INCOMPLETE, "DOC_UNREADABLE", {"document.valid_until": "2020-01-01", "document.readable": False}),
    ("D2", Outcome.INCOMPLETE, "DOC_UNREADABLE", {"applicant.nationality": "UTO"}),
    ("D2", Outcome.INCOMPLETE, "DOC_UNREADABLE", {"applicant.nationality": "QQQ"}),
    ("D2", Outcome.INCOMPLETE, "DOC_UNREADABLE", {"applicant.nationality": "X"}),
    ("D2", Outcome.INCOMPLETE, "DOC_UNREADABLE", {"document.mrz": BAD_MRZ}),
    ("D2", Outcome.INCOMPLETE, "DOC_UNREADABLE", {"document.mrz": SPECIMEN_MRZ}),
    ("D2", Outcome.INCOMPLETE, "DOC_UNREADABLE", {"document.mrz": ["too", "short"]}),
    ("D2", Outcome.INCOMPLETE, "DOC_UNREADABLE", {"document.mrz": KOREAN_MRZ, "applicant.nationality": "JPN"}),
    ("D3", Outcome.REFUSE, "DOC_EXPIRED", {"document.valid_until": "2025-07-03"}),
    ("D3", Outcome.REFUSE, "DOC_EXPIRED", {"document.valid_until": "2025-07-03", "stay_valid_until": "2025-07-03"}),
    ("D4", Outcome.ESCALATE, "STAY_EXPIRED", {"stay_valid_until": "2025-07-03"}),
    ("D4", Outcome.ESCALATE, "STAY_EXPIRED", {"stay_valid_until": "2025-07-03", "card": None}),
    ("D5", Outcome.ESCALATE, "NO_CARD", {"card": None}),
    ("D5", Outcome.ESCALATE, "NO_CARD", {"card": None, **UNDER_6}),
    ("D6", Outcome.ESCALATE, "RULE_CHANGED", {"card": None, **FROM_CHANGE}),
    ("D7", Outcome.ESCALATE, "CARD_EXPIRED", {"card.valid_until": "2025-07-03"}),
    ("D7", Outcome.ESCALATE, "CARD_EXPIRED", {"card.valid_until": "2025-07-03", **UNDER_6}),
    ("D8", Outcome.L1_ONLY, "AGE_UNDER_6", UNDER_6),
    (
        "D8",
        Outcome.L1_ONLY,
        "AGE_UNDER_6",
        {**UNDER_6, "representative": None, "phone": None, "applicant.is_ward": True},
    ),
    ("D9", Outcome.INCOMPLETE, "REP_ABSENT", {**CHILD, "representative": None}),
    ("D9", Outcome.INCOMPLETE, "REP_ABSENT", {**CHILD, "representative.present": False}),
    ("D9", Outcome.INCOMPLETE, "REP_ABSENT", {**CHILD, "representative.lawful": False}),
    ("D9", Outcome.INCOMPLETE, "REP_ABSENT", {**WARD, "representative": None}),
    ("D9", Outcome.INCOMPLETE, "REP_ABSENT", {**WARD, "applicant.birth_date": "1930-01-01", "representative": None}),
    ("D10", Outcome.INCOMPLETE, "PHONE_NOT_OWN", {**CHILD, "phone.owner": "self"}),
    ("D10", Outcome.INCOMPLETE, "PHONE_NOT_OWN", {**CHILD, "phone.owner": "enterprise"}),
    ("D10", Outcome.INCOMPLETE, "PHONE_NOT_OWN", {**WARD, "phone.owner": "self"}),
    ("D10", Outcome.INCOMPLETE, "PHONE_NOT_OWN", {"applicant.is_ward": True, "phone": None}),
    ("D11", Outcome.ESCALATE, "PHONE_ENTERPRISE", {"phone.owner": "enterprise"}),
    ("D11", Outcome.ESCALATE, "PHONE_ENTERPRISE", {"phone.owner": "enterprise", "phone.linked_elsewhere": True}),
    ("D12", Outcome.INCOMPLETE, "PHONE_NOT_OWN", {"phone.owner": "other"}),
    ("D12", Outcome.INCOMPLETE, "PHONE_NOT_OWN", {"phone.owner": "unknown"}),
    ("D12", Outcome.INCOMPLETE, "PHONE_NOT_OWN", {"phone.owner": "representative", "representative": None}),
    ("D12", Outcome.INCOMPLETE, "PHONE_NOT_OWN", {"phone.owner": "representative"}),
    ("D12", Outcome.INCOMPLETE, "PHONE_NOT_OWN", {"phone": None}),
    ("D12", Outcome.INCOMPLETE, "PHONE_NOT_OWN", {"phone.number": None}),
    ("D12", Outcome.INCOMPLETE, "PHONE_NOT_OWN", {**CHILD, "phone.number": None}),
    ("D13", Outcome.INCOMPLETE, "PHONE_USED", {"phone.linked_elsewhere": True}),
    ("D15", Outcome.INCOMPLETE, "FORM_INCOMPLETE", {"form_signed": False}),
    ("D15", Outcome.INCOMPLETE, "FORM_INCOMPLETE", {"form_signed": False, "consent": False}),
    ("D16", Outcome.INCOMPLETE, "NO_CONSENT", {"consent": False}),
    ("D17", Outcome.INCOMPLETE, "FACE_BELOW_STANDARD", {"face_ok": False}),
    ("D19", Outcome.ESCALATE, "NO_PRINT", {"fingers": {"right_thumb": "worn", "left_little": "bandaged"}}),
    ("D19", Outcome.ESCALATE, "NO_PRINT", {"fingers": {"right_thumb": "refused", "left_little": "refused"}}),
    (
        "D19",
        Outcome.ESCALATE,
        "NO_PRINT",
        {"plan": None, "fingers": {"right_thumb": "missing"}, "fingers_signed": False},
    ),
    ("D19", Outcome.ESCALATE, "NO_PRINT", {"plan": [], "fingers": {}}),
    ("D20", Outcome.INCOMPLETE, "FINGER_UNEXPLAINED", {"fingers": {"right_thumb": "captured"}}),
    ("D20", Outcome.INCOMPLETE, "FINGER_UNEXPLAINED", {"fingers": {}}),
    ("D20", Outcome.INCOMPLETE, "FINGER_UNEXPLAINED", {"fingers.left_little": "worn", "fingers_signed": False}),
    ("D20", Outcome.INCOMPLETE, "FINGER_UNEXPLAINED", {"fingers.left_little": "not_required", "fingers_signed": False}),
    ("D20", Outcome.INCOMPLETE, "FINGER_UNEXPLAINED", {"fingers": {"left_thumb": "captured"}}),
    ("D21", Outcome.ESCALATE, "DATA_MISMATCH", {"register.match": "no"}),
    ("D21", Outcome.ESCALATE, "DATA_MISMATCH", {"register.match": "unsure"}),
    ("D21", Outcome.ESCALATE, "DATA_MISMATCH", {"register": {"face": "unknown", "fingers": "unknown", "match": "no"}}),
    ("D22", Outcome.L2_ACCEPT, None, {}),
    ("D23", Outcome.L2_ACCEPT, None, {"register.face": "no"}),
    ("D23", Outcome.L2_ACCEPT, None, {"register.fingers": "no"}),
    ("D23", Outcome.L2_ACCEPT, None, {"register": {"face": "no", "fingers": "unknown", "match": "yes"}}),
    ("D23", Outcome.L2_ACCEPT, None, {"register": {"face": "unknown", "fingers": "no", "match": "unknown"}}),
    ("D23", Outcome.L2_ACCEPT, None, {"register": {"face": "no", "fingers": "no", "match": "unknown"}}),
    ("D24", Outcome.L2_ACCEPT, None, {"register.face": "unknown"}),
    ("D24", Outcome.L2_ACCEPT, None, {"register": {}}),
    ("D24", Outcome.L2_ACCEPT, None, {"register.match": "unknown"}),
]


@pytest.mark.parametrize(("row", "outcome", "reason", "changes"), ROWS)
def test_a_row_is_reached(
    decide_with: Decide, row: str, outcome: Outcome, reason: str | None, changes: dict[str, Any]
) -> None:
    """The first row that holds decides, with its outcome and reason."""
    decision = decide_with(changes)

    assert (decision.row, decision.outcome, decision.reason) == (row, outcome, reason)


def test_every_row_of_every_profile_is_reached(rules: Rules) -> None:
    """No row stands in the data that the table above does not reach; D14 and D18 never end it."""
    reached = {row for row, _, _, _ in ROWS} | {"D14", "D18"}

    assert reached == {row for policy in rules.policies for row in policy.order}


@pytest.mark.parametrize(("row", "outcome", "reason", "changes"), ROWS)
def test_an_answer_names_text_and_source_and_only_acceptances_have_a_term(
    decide_with: Decide, row: str, outcome: Outcome, reason: str | None, changes: dict[str, Any]
) -> None:
    """Every answer has both texts, a policy and a source; dates and channels follow the outcome."""
    decision = decide_with(changes)
    out = decision.to_json()

    assert all(out["texts"].values())
    assert decision.policy in out["policy"]
    assert decision.source in out["policy"]
    assert len(decision.source) > 3
    if outcome is Outcome.L2_ACCEPT:
        assert out["working_days"] in (3, 7)
        assert out["due"] is not None
        assert out["notify"] == ["vneid", "sms"]
    else:
        assert (out["working_days"], out["alarm"], out["provisional"]) == (None, None, False)
        assert (out["due"] is None) or outcome is Outcome.EXISTING
        assert not out["notify"] or outcome is Outcome.L1_ONLY


def test_existing_repeats_the_open_dossiers_due(decide_with: Decide) -> None:
    """D25 starts no new clock: the due date is the open dossier's own, even one that has passed."""
    assert decide_with({"open_dossier": {"id": "7", "due": "2025-06-30"}}).due == date(2025, 6, 30)
    assert decide_with({"open_dossier": {"id": "7", "due": None}}).due is None


def test_under_six_no_biometrics_are_captured(decide_with: Decide) -> None:
    """D8 keeps the capture step closed and still tells how the result is notified."""
    decision = decide_with(UNDER_6)
    without_number = decide_with({**UNDER_6, "phone": None, "email": "a@example.com"})

    assert not decision.capture
    assert decision.notify == ("vneid", "sms")
    assert without_number.notify == ("vneid", "email")
    assert decide_with({}).capture


def test_email_is_a_channel_only_when_declared(decide_with: Decide) -> None:
    """`notify` contains email only when one was declared."""
    assert decide_with({"email": "a@example.com"}).notify == ("vneid", "sms", "email")
    assert decide_with({"email": None}).notify == ("vneid", "sms")


@pytest.mark.parametrize("who", [CHILD, WARD, {**WARD, "applicant.birth_date": "1950-01-01"}])
def test_d14_a_representatives_linked_number_continues_with_a_warning(decide_with: Decide, who: dict[str, Any]) -> None:
    """D14: the number may already belong to the representative's own account; the case goes on."""
    decision = decide_with({**who, "phone.linked_elsewhere": True})
    later = decide_with({**who, "phone.linked_elsewhere": True, "form_signed": False})
    earlier = decide_with({**who, "phone.linked_elsewhere": True, "representative": None})

    assert decision.row == "D22"
    assert [warning.code for warning in decision.warnings] == ["PHONE_LINKED_REPRESENTATIVE"]
    assert (later.row, [warning.code for warning in later.warnings]) == ("D15", ["PHONE_LINKED_REPRESENTATIVE"])
    assert (earlier.row, earlier.warnings) == ("D9", ())


def test_d18_some_fingers_are_recorded_and_the_case_continues(decide_with: Decide) -> None:
    """D18: one to nine captured, the others described and signed."""
    some = decide_with({"fingers.left_little": "bandaged"})

    assert (some.row, some.records, some.warnings) == ("D22", ("FINGERS_PARTIAL",), ())


def test_d18_ten_captured_fingers_are_nothing_to_record(decide_with: Decide, rules: Rules) -> None:
    """All ten captured, nothing to describe, no signature needed."""
    fingers = {position.key: "captured" for position in FingerPosition}
    decision = decide_with({"plan": None, "fingers": fingers, "fingers_signed": False})

    assert (decision.row, decision.records) == ("D22", ())


def test_a_single_planned_finger_captured_needs_no_signature(decide_with: Decide) -> None:
    """Only a planned finger that was not captured needs a reason and a signature."""
    assert (
        decide_with({"plan": ["right_thumb"], "fingers": {"right_thumb": "captured"}, "fingers_signed": False}).row
        == "D22"
    )


@pytest.mark.parametrize("state", ["missing", "bandaged", "worn", "refused", "not_required"])
def test_every_state_but_captured_needs_the_signature(decide_with: Decide, state: str) -> None:
    """The state is the reason, the signature the officer's word for it."""
    assert decide_with({"fingers.left_little": state}).row == "D22"
    assert decide_with({"fingers.left_little": state, "fingers_signed": False}).row == "D20"


def test_without_plan_the_plan_is_what_fingers_lists(decide_with: Decide) -> None:
    """A missing plan is the listed fingers: nothing else is asked for, everything listed is."""
    assert decide_with({"plan": None, "fingers": {"left_ring": "captured"}}).row == "D22"
    assert (
        decide_with(
            {"plan": None, "fingers": {"left_ring": "captured", "left_thumb": "worn"}, "fingers_signed": False}
        ).row
        == "D20"
    )


def test_an_incomplete_form_is_d15_even_if_signed(decide_with: Decide) -> None:
    """D15: TK01 unsigned or incomplete."""
    assert decide_with({}, form_complete=False).row == "D15"


def test_a_permanent_card_without_last_day_never_expires(decide_with: Decide) -> None:
    """`symbol` is null for permanent cards; one without a last day is not treated as expired."""
    assert decide_with({"card": {"kind": "permanent", "symbol": None, "valid_until": None}}).row == "D22"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("applicant.nationality", {"applicant.nationality": "JPN"}),
        ("applicant.birth_date", {"applicant.birth_date": "1985-03-13"}),
        ("document.valid_until", {"document.valid_until": "2030-03-12"}),
        ("document.number", {"document.number": "M12345679"}),
    ],
)
def test_a_contradicting_mrz_names_the_field(decide_with: Decide, field: str, changes: dict[str, Any]) -> None:
    """D2: the warning names the typed field that the machine-readable zone speaks against."""
    decision = decide_with({"document.mrz": KOREAN_MRZ, **changes})

    assert decision.row == "D2"
    assert [(warning.code, warning.field) for warning in decision.warnings] == [("MRZ_CONTRADICTS", field)]


def test_a_number_may_be_written_with_blanks(decide_with: Decide) -> None:
    """Letters and digits count, not how they are grouped."""
    decision = decide_with({"document.mrz": KOREAN_MRZ, "document.number": "m 123-45678"})

    assert decision.row != "D2"


def test_an_identity_card_is_no_passport(decide_with: Decide) -> None:
    """The zone of a TD1 card contradicts a typed passport; the same zone fits a travel document."""
    first = ("I<D<<C01X00T47" + check_digit("C01X00T47")).ljust(30, "<")
    second = "6408125F2702283D".ljust(29, "<")
    second += check_digit(first[5:30] + second[0:7] + second[8:15] + second[18:29])
    card = [first, second, "MUSTERMANN<<ERIKA".ljust(30, "<")]
    typed = {"applicant.nationality": "DEU", "applicant.birth_date": "1964-08-12", "document.valid_until": "2027-02-28"}
    as_passport = decide_with({**typed, "document.mrz": card})
    as_travel_document = decide_with({**typed, "document.mrz": card, "document.type": "travel_document"})

    assert [(warning.code, warning.field) for warning in as_passport.warnings] == [("MRZ_CONTRADICTS", "document.type")]
    assert as_travel_document.row == "D22"


def test_a_good_mrz_changes_nothing_and_a_bad_one_names_its_field(decide_with: Decide) -> None:
    """A zone that agrees is silent; a failed check digit names the field in the zone."""
    good, bad = decide_with({"document.mrz": KOREAN_MRZ}), decide_with({"document.mrz": BAD_MRZ})

    assert (good.row, good.warnings) == ("D22", ())
    assert [(warning.code, warning.field) for warning in bad.warnings] == [("MRZ_INVALID", "document.mrz.birth_date")]


@pytest.mark.parametrize("code", ["D", "DEU"])
def test_germany_is_written_either_way(decide_with: Decide, code: str) -> None:
    """`D<<` of the zone agrees with D and with DEU."""
    lines = ["P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<", "C01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4"]
    decision = decide_with(
        {
            "applicant.nationality": code,
            "applicant.birth_date": "1964-08-12",
            "document.valid_until": "2027-02-28",
            "document.mrz": lines,
        }
    )

    assert (decision.row, decision.warnings) == ("D22", ())


@pytest.mark.parametrize("code", ["XXA", "XXB", "XXC", "XXX", "UNO", "GBN", "RKS"])
def test_stateless_and_other_special_codes_are_nationalities(decide_with: Decide, code: str) -> None:
    """XXA to XXX and the other codes of ICAO Doc 9303-3 section 5 are accepted."""
    assert decide_with({"applicant.nationality": code}).row == "D22"


def test_a_centenarian_is_not_contradicted_by_two_digits(decide_with: Decide) -> None:
    """The zone has no century: 1924 typed and 24 in the zone agree."""
    second = "M12345678" + check_digit("M12345678") + "KOR" + "240301" + check_digit("240301") + "M3003116" + "<" * 15
    second = second[:43] + check_digit(second[0:10] + second[13:20] + second[21:43])
    decision = decide_with({"document.mrz": [KOREAN_MRZ[0], second], "applicant.birth_date": "1924-03-01"})

    assert (decision.row, decision.warnings) == ("D22", ())


def test_the_nationality_is_the_holders_not_the_issuers(decide_with: Decide) -> None:
    """A refugee's travel document: issued by Germany, the holder is XXB (ICAO Doc 9303-3 section 5)."""
    second = KOREAN_MRZ[1].replace("KOR", "XXB")
    refugee = ["P<D<<" + KOREAN_MRZ[0][5:], second]
    decision = decide_with({"document.mrz": refugee, "applicant.nationality": "XXB"})
    as_german = decide_with({"document.mrz": refugee, "applicant.nationality": "D"})

    assert (decision.row, decision.warnings) == ("D22", ())
    assert [(warning.code, warning.field) for warning in as_german.warnings] == [
        ("MRZ_CONTRADICTS", "applicant.nationality")
    ]
