"""The 29 procedures and the provincial units over time."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from wire.rules import Rules, load_rules
from wire.rules.errors import QuestionInvalid
from wire.rules.procedures import answer, find_procedures, place_on, plain, who_handles

OURS = "Cấp tài khoản định danh điện tử mức độ 02 cho người nước ngoài"
ON = date(2025, 8, 1)
UNITS = (
    (
        "Hà Nội Huế Hải Phòng|Đà Nẵng|Hồ Chí Minh|Cần Thơ|Đồng Nai|Tuyên Quang|Cao Bằng|Lai Châu|Lào Cai|Thái Nguyên|"
        "Điện Biên|Lạng Sơn|Sơn La|Phú Thọ|Bắc Ninh|Quảng Ninh|Hưng Yên|Ninh Bình|Thanh Hóa|Nghệ An|Hà Tĩnh|Quảng Trị|"
        "Quảng Ngãi|Gia Lai|Đắk Lắk|Khánh Hòa|Lâm Đồng|Tây Ninh|Đồng Tháp|An Giang|Vĩnh Long|Cà Mau"
    )
    .replace("Hà Nội Huế Hải Phòng", "Hà Nội|Huế|Hải Phòng")
    .split("|")
)


def levels(text: str, on: date) -> list[str]:
    """Levels of authority that handle a procedure on a date."""
    rules = load_rules()
    (name,) = find_procedures(text, rules)
    return [one.level for one in who_handles(name, place_on("Hà Nội", on, rules), on, rules).competences]


def test_twenty_nine_rows_by_level(rules: Rules) -> None:
    """The annex has 18 new and 11 amended rows."""
    rows = rules.procedures.procedure

    assert len(rows) == 29
    assert Counter((row.part, row.level) for row in rows) == {
        ("new", "central"): 4,
        ("new", "province"): 5,
        ("new", "district"): 5,
        ("new", "commune"): 4,
        ("amended", "central"): 7,
        ("amended", "province"): 2,
        ("amended", "district"): 1,
        ("amended", "commune"): 1,
    }
    assert {row.name for row in rows} == set(rules.procedures.names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OURS, ["central", "province"]),
        ("Cấp tài khoản định danh điện tử mức độ 01 cho người nước ngoài", ["central"]),
        ("Cấp tài khoản định danh điện tử mức độ 01 cho công dân Việt Nam", ["central"]),
        ("Cấp tài khoản định danh điện tử cho cơ quan, tổ chức", ["central", "province"]),
        ("Kết nối với hệ thống định danh và xác thực điện tử", ["central"]),
        (
            "Cấp tài khoản định danh điện tử mức độ 02, căn cước điện tử cho công dân Việt Nam",
            ["central", "province", "commune"],
        ),
        ("Khóa tài khoản định danh điện tử", ["province", "commune"]),
        ("Mở khóa tài khoản định danh điện tử", ["province", "commune"]),
        ("Khóa căn cước điện tử", ["central", "province", "commune"]),
        ("Mở khóa căn cước điện tử", ["central", "province", "commune"]),
        ("Cấp Giấy xác nhận đủ điều kiện kinh doanh dịch vụ xác thực điện tử", ["central"]),
        ("Thay đổi nội dung Giấy xác nhận đủ điều kiện kinh doanh dịch vụ xác thực điện tử", ["central"]),
        ("Cấp lại Giấy xác nhận đủ điều kiện kinh doanh dịch vụ xác thực điện tử", ["central"]),
    ],
)
def test_who_handles_what(text: str, expected: list[str]) -> None:
    """Each of the thirteen procedures and its levels, after district police ended."""
    assert levels(text, ON) == expected


@pytest.mark.parametrize(("on", "has_district"), [(date(2025, 2, 28), True), (date(2025, 3, 1), False)])
def test_district_police_ended_on_1_march_2025(on: date, has_district: bool) -> None:
    """District rows are in force through 28/02/2025."""
    assert ("district" in levels("Khóa căn cước điện tử", on)) is has_district


def test_ours_names_both_offices(rules: Rules) -> None:
    """Central immigration department and the division of the place."""
    found = answer(OURS, "Cần Thơ", ON, rules)["answers"][0]

    assert found["outcome"] == "OURS"
    assert [one["office"] for one in found["agencies"]] == [
        "Cục Quản lý xuất nhập cảnh",
        "Phòng Quản lý xuất nhập cảnh, Công an thành phố Cần Thơ",
    ]


def test_everything_else_redirects_to_a_named_agency(rules: Rules) -> None:
    """REDIRECT always names who is competent."""
    for name in rules.procedures.names:
        found = answer(name, "Cà Mau", ON, rules)["answers"][0]

        assert found["outcome"] == ("OURS" if name == OURS else "REDIRECT")
        assert all(one["office"] for one in found["agencies"])


def test_before_the_decision_nobody_is_charged(rules: Rules) -> None:
    """Dates before 19/07/2024 have no row."""
    found = answer(OURS, "Cà Mau", date(2024, 7, 18), rules)["answers"][0]

    assert (found["outcome"], found["agencies"]) == ("ENDED", [])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("cap tai khoan dinh danh dien tu muc do 2 cho nguoi nuoc ngoai", OURS),
        ("KHÓA TÀI KHOẢN", "Khóa tài khoản định danh điện tử"),
        ("mở khoá tài khoản", "Mở khóa tài khoản định danh điện tử"),
        ("unlock account", "Mở khóa tài khoản định danh điện tử"),
        ("level 2 account foreigner", OURS),
    ],
)
def test_a_procedure_is_found_without_diacritics_and_in_english(rules: Rules, text: str, name: str) -> None:
    """People do not type the annex."""
    assert find_procedures(text, rules) == (name,)


def test_an_ambiguous_text_names_all_it_may_mean(rules: Rules) -> None:
    """All procedures that hold the words are answered, never one at random."""
    assert len(find_procedures("người nước ngoài", rules)) == 2


@pytest.mark.parametrize("text", ["", "   ", "cấp hộ chiếu", "?!"])
def test_an_unknown_procedure_is_an_error(rules: Rules, text: str) -> None:
    """No guess for a text that matches nothing."""
    with pytest.raises(QuestionInvalid) as raised:
        find_procedures(text, rules)

    assert [problem.field for problem in raised.value.problems] == ["procedure"]


def test_thirty_four_units(rules: Rules) -> None:
    """The 34 units since 01/07/2025: 6 cities and 28 provinces, from 30/04/2026 7 and 27."""
    units = [unit for unit in rules.provinces.unit if unit.in_force(ON)]

    assert sorted(unit.name for unit in units) == sorted(UNITS)
    assert all(unit.since == date(2025, 7, 1) for unit in units)
    for on, cities in ((ON, 6), (date(2026, 4, 29), 6), (date(2026, 4, 30), 7)):
        kinds = Counter(place_on(unit, on, rules).kind for unit in UNITS)
        assert kinds == {"city": cities, "province": 34 - cities}


def test_before_the_merger_there_were_sixty_three(rules: Rules) -> None:
    """Former units stand for themselves through 30/06/2025; every merged name is one of them."""
    former = [unit for unit in rules.provinces.unit if unit.valid_until is not None]
    merged = [name for unit in rules.provinces.unit for name in unit.merged]

    assert len([unit for unit in rules.provinces.unit if unit.in_force(date(2025, 6, 30))]) == 63
    assert sorted(merged) == sorted(unit.name for unit in former)


@pytest.mark.parametrize(
    ("asked", "on", "unit", "kind", "merged"),
    [
        ("Sóc Trăng", date(2025, 6, 30), "Sóc Trăng", "province", False),
        ("Sóc Trăng", date(2025, 7, 1), "Cần Thơ", "city", True),
        ("tỉnh Bình Dương", ON, "Hồ Chí Minh", "city", True),
        ("Ba Ria - Vung Tau", ON, "Hồ Chí Minh", "city", True),
        ("TP.HCM", ON, "Hồ Chí Minh", "city", False),
        ("TP. Hồ Chí Minh", ON, "Hồ Chí Minh", "city", False),
        ("ha noi", ON, "Hà Nội", "city", False),
        ("Đồng Nai", date(2026, 4, 29), "Đồng Nai", "province", False),
        ("Đồng Nai", date(2026, 4, 30), "Đồng Nai", "city", False),
        ("Huế", date(2024, 12, 31), "Huế", "province", False),
        ("Thừa Thiên Huế", date(2025, 1, 1), "Huế", "city", False),
        ("Cà Mau province", ON, "Cà Mau", "province", False),
    ],
)
def test_places_over_time(rules: Rules, asked: str, on: date, unit: str, kind: str, merged: bool) -> None:
    """A place is answered with the unit that holds it on the date."""
    place = place_on(asked, on, rules)

    assert (place.name, place.kind, place.merged) == (unit, kind, merged)


def test_since_when(rules: Rules) -> None:
    """The later of the unit's formation and of its kind, as far as it has come by the date."""
    assert place_on("Đồng Nai", date(2026, 5, 1), rules).since == date(2026, 4, 30)
    assert place_on("Đồng Nai", date(2026, 4, 1), rules).since == date(2025, 7, 1)
    assert place_on("Huế", date(2025, 6, 1), rules).since == date(2025, 1, 1)
    assert place_on("Hà Nội", date(2025, 6, 1), rules).since is None


def test_an_unknown_place_and_procedure_are_both_named(rules: Rules) -> None:
    """One sentence for every wrong part."""
    with pytest.raises(QuestionInvalid) as raised:
        answer("cấp hộ chiếu", "Atlantis", ON, rules)

    assert [problem.field for problem in raised.value.problems] == ["procedure", "place"]


def test_names_of_units_are_distinct_without_diacritics(rules: Rules) -> None:
    """No two units in force on one date are told apart by diacritics alone."""
    for on in (date(2025, 6, 30), ON):
        names = [plain(unit.name) for unit in rules.provinces.unit if unit.in_force(on)]

        assert len(set(names)) == len(names)
