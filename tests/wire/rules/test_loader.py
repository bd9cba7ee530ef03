"""The data files: an administrator's directory, new profiles, and every fault with file, place and reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from wire.catalogue import bundled
from wire.rules import RulesDataInvalid, case_of, decide, load_rules
from wire.rules.tk01 import parse_tk01

CaseWith = Callable[..., dict[str, Any]]
ACCEPT = (
    '[rows.D23]\nstage = "register"\nwhen = [{ register_face = "no" }]\noutcome = "L2_ACCEPT"\n'
    'working_days = 7\nsource = "x"\n'
)
BASED = 'based_on = "l2-2026-09-28"\n'


def bundled_text(name: str) -> str:
    """A bundled data file."""
    return (resources.files("wire.rules") / "data" / name).read_text("utf-8")


def profile(directory: Path, text: str, name: str = "policy-2027-01-01.toml") -> None:
    """A new profile from 01/01/2027."""
    head = f'id = "new"\nvalid_from = 2027-01-01\nsource = "Văn bản mới"\n{BASED}'
    (directory / name).write_text(head + text, "utf-8")


def row_on(directory: Path, case: dict[str, Any]) -> tuple[str, str | None, str]:
    """Row, reason and policy of a case under an administrator's files."""
    rules = load_rules(directory)
    decision = decide(case_of(case, rules), rules)
    return decision.row, decision.reason, decision.policy


def test_one_line_in_one_file_makes_a_day_off(tmp_path: Path) -> None:
    """The clerk's line for 23/11/2026."""
    (tmp_path / "calendar-override.toml").write_text('2026-11-23 = "off"\n', "utf-8")

    assert load_rules(tmp_path).calendar.due(date(2026, 11, 20), 1).on == date(2026, 11, 25)
    assert load_rules().calendar.due(date(2026, 11, 20), 1).on == date(2026, 11, 23)


def test_a_new_profile_changes_results_without_a_code_change(tmp_path: Path, case_with: CaseWith) -> None:
    """What the amended decree says is filled in as data: another age, another row, its own reason and text."""
    profile(
        tmp_path,
        """
[groups.represented]
when = [{ age = { below = 16 } }, { is_ward = true }]

[rows.D6]
stage = "intake"
when = [{ card_given = false, stay_days_left = { known = false } }]
outcome = "INCOMPLETE"
reason = "NO_STAY_PAPER"
source = "Văn bản mới"

[texts.NO_STAY_PAPER]
vi = "Chưa có giấy tờ cư trú"
en = "No paper of stay"
""",
    )
    far = {"document.valid_until": "2030-03-11", "card.valid_until": "2027-12-31"}
    after, before = "2027-01-04T09:00:00+07:00", "2026-12-30T09:00:00+07:00"
    fifteen = {**far, "applicant.birth_date": "2011-06-01", "representative": None}
    rules = load_rules(tmp_path)

    no_card = {"document.valid_until": "2030-03-11", "card": None}
    assert row_on(tmp_path, case_with({**no_card, "visit": after})) == ("D6", "NO_STAY_PAPER", "new")
    assert row_on(tmp_path, case_with({**no_card, "visit": before})) == ("D6", "RULE_CHANGED", "l2-2026-09-28")
    assert row_on(tmp_path, case_with({**fifteen, "visit": after})) == ("D9", "REP_ABSENT", "new")
    assert row_on(tmp_path, case_with({**fifteen, "visit": before})) == ("D22", None, "l2-2026-09-28")
    text = decide(case_of(case_with({**no_card, "visit": after}), rules), rules).texts
    assert (text.vi, text.en) == ("Chưa có giấy tờ cư trú", "No paper of stay")


def test_a_term_can_be_changed_as_data(tmp_path: Path, case_with: CaseWith) -> None:
    """Five days instead of three, from a date on."""
    profile(
        tmp_path,
        """
[rows.D22]
stage = "register"
when = [{ register_face = "yes", register_fingers = "yes", register_match = "yes" }]
outcome = "L2_ACCEPT"
text = "rules.row.accepted"
working_days = 5
notify = ["vneid"]
source = "Văn bản mới"
""",
    )
    rules = load_rules(tmp_path)
    case = case_with({"visit": "2027-01-04T09:00:00+07:00", "card.valid_until": "2028-12-31", "card.symbol": "TT"})
    decision = decide(case_of(case, rules), rules)

    assert (decision.working_days, decision.due, decision.notify) == (5, date(2027, 1, 11), ("vneid",))
    assert "05 ngày" in decision.texts.vi


def test_the_leap_day_rule_is_a_switch(tmp_path: Path, case_with: CaseWith) -> None:
    """Born on 29/02/2024, the sixth birthday in 2030 moves to 28 February."""
    profile(tmp_path, 'leap_day = "february_28"\n')
    case = case_with(
        {
            "visit": "2030-02-28T09:00:00+07:00",
            "applicant.birth_date": "2024-02-29",
            "document.valid_until": "2035-01-01",
            "card.valid_until": "2031-01-01",
            "phone.owner": "representative",
        }
    )

    assert row_on(tmp_path, case)[0] == "D22"
    rules = load_rules()
    assert decide(case_of(case, rules), rules).row == "D8"


def test_a_row_can_have_its_own_validity(tmp_path: Path, case_with: CaseWith) -> None:
    """A row out of force is passed over."""
    profile(
        tmp_path,
        """
[rows.D6]
stage = "intake"
when = [{ card_given = false }]
outcome = "ESCALATE"
reason = "RULE_CHANGED"
source = "Văn bản mới"
valid_until = 2027-01-31
""",
    )
    case = {"document.valid_until": "2030-03-11", "card": None}

    assert row_on(tmp_path, case_with({**case, "visit": "2027-01-31T23:59:59+07:00"}))[0] == "D6"
    assert row_on(tmp_path, case_with({**case, "visit": "2027-02-01T00:00:00+07:00"}))[0] == "D22"


def test_a_replaced_file_and_its_hash(tmp_path: Path) -> None:
    """A file of the same name replaces the bundled one, and the record of a decision can tell."""
    text = bundled_text("reception.toml").replace("17:00:00", "18:00:00")
    (tmp_path / "reception.toml").write_text(text, "utf-8")
    rules = load_rules(tmp_path)

    assert rules.reception.hours[-1].closes.hour == 18
    assert rules.sha256 != load_rules().sha256
    assert load_rules(tmp_path).sha256 == rules.sha256


def changed(name: str, old: str, new: str, said: str) -> tuple[str, str, str]:
    """A bundled file with one thing changed, and what must be said of it."""
    text = bundled_text(name)
    assert old in text

    return name, text.replace(old, new), said


FAULTS: list[tuple[str, str, str]] = [
    ("calender-override.toml", "", "not the name"),
    ("calendar.toml", "off = [", "not TOML"),
    ("calendar.toml", 'timezone = "Asia/Ho_Chi_Minh"', "required"),
    ("calendar.toml", bundled_text("calendar.toml").replace("Ho_Chi_Minh", "Atlantis"), "time zone"),
    ("calendar.toml", bundled_text("calendar.toml").replace("2026-11-24,", "2027-11-24,", 1), "does not lie in 2026"),
    ("calendar.toml", bundled_text("calendar.toml").replace("2026-01-10", "2026-01-09"), "worked anyway"),
    ("calendar-override.toml", '2026-11-23 = "of"', "must be"),
    ("calendar-override.toml", 'off = ["2026-11-23"]', "not a date"),
    ("countries.toml", bundled_text("countries.toml").replace('"ABW"', '"AFG"'), "twice"),
    ("countries.toml", bundled_text("countries.toml") + 'DDR = "OST"\n', "not a state"),
    ("card-symbols.toml", bundled_text("card-symbols.toml").replace('"LĐ1"', '"LĐ2"'), "twice"),
    ("procedures.toml", bundled_text("procedures.toml").replace('name = "Khóa căn', 'name = "Đóng căn'), "missing"),
    ("tk01-x.toml", bundled_text("tk01-2024-07-01.toml"), "two files"),
    ("tk01-2024-07-01.toml", bundled_text("tk01-2024-07-01.toml").replace("represented =", "age ="), "unknown fact"),
    ("phone-prefixes.toml", bundled_text("phone-prefixes.toml") + "colour = 1\n", "Extra inputs"),
    ("calendar-override.toml.txt", '2026-11-23 = "off"', "not the name"),
    ("calendar-override.toml", '20261123 = "off"', "not a date"),
    changed("documents.toml", "[types.passport]", "[types.visa]", "passport is missing"),
    changed("documents.toml", "expiry_years_back = 50", "expiry_years_back = -1", "greater than 0"),
    changed("reception.toml", "closes = 11:30:00", "closes = 06:30:00", "after opens"),
    changed("calendar.toml", "weekdays = [1, 2, 3, 4, 5]", "weekdays = []", "at least 1 item"),
    changed("card-symbols.toml", "years = 10", "years = 99999999999999", "less than or equal"),
    changed("phone-prefixes.toml", 'region = "VN"', 'region = "QQ"', "country_code"),
    changed("phone-prefixes.toml", '["03", "05", "07", "08", "09"]', "[]", "at least 1 item"),
    changed("provinces.toml", 'name = "Huế"', 'name = "Hà Nội"', "twice for the same time"),
    changed("procedures.toml", "Công an {unit}", "Công an {place}", "other than {unit}"),
]


@pytest.mark.parametrize(("name", "text", "said"), FAULTS)
def test_a_faulty_file_is_named_with_place_and_reason(tmp_path: Path, name: str, text: str, said: str) -> None:
    """Nothing of a faulty file is used; the sentence names the file."""
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(RulesDataInvalid) as raised:
        load_rules(tmp_path)

    assert said in str(raised.value.params["reason"])
    assert str(raised.value.params["file"]) in bundled().of_error(raised.value).vi


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[groups.x]\nwhen = [{ agee = { below = 6 } }]\n", "unknown fact agee"),
        ("[groups.age]\nwhen = [{ is_ward = true }]\n", "name of a fact"),
        ("[groups.x]\nwhen = []\n", "at least one"),
        ("[groups.x]\nwhen = [{ age = { under = 6 } }]\n", "the tests are"),
        ('[groups.x]\nwhen = [{ age = "six" }]\n', "needs int"),
        ("[groups.x]\nwhen = [{ age = true }]\n", "needs int"),
        ("[groups.x]\nwhen = [{ phone_owner = { below = 6 } }]\n", "compares whole numbers"),
        ('[groups.x]\nwhen = [{ phone_owner = "myself" }]\n', "none of"),
        ("[groups.x]\nwhen = [{ card_given = { known = 1 } }]\n", "known is"),
        ('order = ["D27"]\n', "must always decide"),
        ('order = ["D27", "D99", "D24"]\n', "D99 is missing"),
        ('order = ["D27", "D27", "D24"]\n', "twice"),
        ('[rows.D24]\nstage = "intake"\nwhen = [{}]\noutcome = "L2_ACCEPT"\nsource = "x"\n', "working_days"),
        ('[rows.D1]\nstage = "intake"\nwhen = [{}]\noutcome = "REFUSE"\nsource = "x"\n', "a reason or a text"),
        ('[rows.D1]\nstage = "intake"\nwhen = [{}]\noutcome = "REFUSE"\nsource = "x"\nreason = "NEW"\n', "has no text"),
        ('[rows.D1]\nstage = "later"\nwhen = [{}]\noutcome = "REFUSE"\nsource = "x"\n', "Input should be"),
        ('[rows.D1]\nstage = "intake"\nwhen = [{}]\noutcome = "BAN"\nsource = "x"\n', "Input should be"),
        ('[warnings.NEW]\nwhen = [{ age = 6 }]\nsource = "x"\n', "has no text"),
        ("valid_until = 2026-12-31\n", "before valid_from"),
        (f'{ACCEPT}text = "X"\n[texts.X]\nvi = "{{deadline}}"\nen = "x"\n', "placeholders"),
        (f'{ACCEPT}text = "X"\n[texts.X]\nvi = "x"\nen = "{{"\n', "placeholders"),
        (f'{ACCEPT}text = "receipt.received"\n', "needs other values"),
        (f'{ACCEPT}text = "rules.row.accepted"\n'.replace("= 7", "= 99999"), "less than or equal"),
        ('[activation]\nrow = "D26"\ncalendar_days = 7\ntext = "receipt.received"\nsource = "x"\n', "other values"),
        ('leap_day = "march_2"\n', "Input should be"),
    ],
)
def test_a_faulty_profile_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Unknown facts, wrong types, missing rows and texts never get as far as a decision."""
    profile(tmp_path, text)
    with pytest.raises(RulesDataInvalid) as raised:
        load_rules(tmp_path)

    assert said in str(raised.value.params["reason"])


def test_a_profile_based_on_nothing_or_itself_is_refused(tmp_path: Path) -> None:
    """A circle of profiles has no bottom."""
    (tmp_path / "policy-a.toml").write_text(
        'id = "a"\nbased_on = "a"\nvalid_from = 2027-01-01\nsource = "x"\n', "utf-8"
    )
    with pytest.raises(RulesDataInvalid, match="based_on"):
        load_rules(tmp_path)


def test_two_profiles_from_one_day_are_refused(tmp_path: Path) -> None:
    """Which would decide?"""
    profile(tmp_path, "")
    profile(tmp_path, "", "policy-again.toml")
    with pytest.raises(RulesDataInvalid, match="two files"):
        load_rules(tmp_path)


def test_a_file_saved_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    """Windows editors write one; the day off counts all the same. Backups and notes beside it do not matter."""
    (tmp_path / "calendar-override.toml").write_bytes(b'\xef\xbb\xbf2026-11-23 = "off"\n')
    (tmp_path / "calendar-override.toml~").write_text("old", "utf-8")
    (tmp_path / "README.txt").write_text("note", "utf-8")

    assert not load_rules(tmp_path).calendar.is_working(date(2026, 11, 23))


def test_a_fault_of_the_calendar_is_not_blamed_on_the_override(tmp_path: Path) -> None:
    """The sentence names the file that is wrong."""
    (tmp_path / "calendar.toml").write_text(bundled_text("calendar.toml").replace("2026-01-10", "2026-01-09"), "utf-8")
    (tmp_path / "calendar-override.toml").write_text('2026-11-23 = "off"\n', "utf-8")
    with pytest.raises(RulesDataInvalid) as raised:
        load_rules(tmp_path)

    assert raised.value.params["file"] == "calendar.toml"


def test_a_country_the_projection_does_not_know_is_named(tmp_path: Path) -> None:
    """Said when a year beyond the data is asked for."""
    text = bundled_text("calendar.toml").replace('country = "VN"', 'country = "XX"')
    (tmp_path / "calendar.toml").write_text(text, "utf-8")
    calendar = load_rules(tmp_path).calendar

    assert calendar.is_working(date(2027, 12, 31))
    with pytest.raises(RulesDataInvalid, match="XX"):
        calendar.is_working(date(2028, 1, 3))


def test_a_file_that_is_not_utf8_and_a_directory_that_is_none(tmp_path: Path) -> None:
    """Both are named."""
    (tmp_path / "reception.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RulesDataInvalid, match="UTF-8"):
        load_rules(tmp_path)
    with pytest.raises(RulesDataInvalid, match="directory"):
        load_rules(tmp_path / "none")


def test_longest_terms_of_all_symbols() -> None:
    """The fourteen symbols of temporary cards."""
    terms = {symbol: term.years for term in load_rules().symbols.term for symbol in term.symbols}
    expected = {"ĐT1": 10}
    expected |= dict.fromkeys(("NG3", "LV1", "LV2", "LS", "ĐT2", "DH"), 5)
    expected |= dict.fromkeys(("NN1", "NN2", "ĐT3", "TT"), 3)
    expected |= dict.fromkeys(("LĐ1", "LĐ2", "PV1"), 2)

    assert terms == expected


def test_forms_use_the_given_rules(tmp_path: Path) -> None:
    """Another number plan is data too."""
    text = bundled_text("phone-prefixes.toml").replace("digits = 10", "digits = 11")
    (tmp_path / "phone-prefixes.toml").write_text(text, "utf-8")
    example = (resources.files("wire.rules") / "data" / "examples" / "tk01-adult.json").read_bytes()

    with pytest.raises(ValueError, match="phone.number"):
        parse_tk01(example, load_rules(tmp_path))
