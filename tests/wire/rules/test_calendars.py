"""Working days, due dates, projection, overrides and what they move."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.rules import OpenCase, Rules, WorkCalendar, activation, load_rules, moved, open_case
from wire.rules.calendars import Move
from wire.rules.data_files import CalendarFile
from wire.rules.errors import CalendarUnknown, NoPolicy

RULES = load_rules()
OFF_WEEKDAYS = {
    2025: "01-01 01-27 01-28 01-29 01-30 01-31 04-07 04-30 05-01 05-02 09-01 09-02",
    2026: "01-01 01-02 02-16 02-17 02-18 02-19 02-20 04-27 04-30 05-01 08-31 09-01 09-02 11-24",
    2027: "01-01 02-04 02-05 02-08 02-09 02-10 04-16 04-30 05-03 09-02 09-03 11-24",
}
SATURDAYS = {2025: "04-26", 2026: "01-10 08-22", 2027: ""}
unhurried = settings(deadline=None)
dates = st.dates(date(2025, 1, 1), date(2027, 11, 30))


def small(off: tuple[date, ...] = (), saturdays: tuple[date, ...] = (), **override: str) -> WorkCalendar:
    """A calendar of the year 2025 alone."""
    return WorkCalendar.of(calendar_file(off, saturdays), override)


def calendar_file(off: tuple[date, ...] = (), saturdays: tuple[date, ...] = ()) -> CalendarFile:
    """The data file of that calendar."""
    return CalendarFile.model_validate(
        {
            "timezone": "Asia/Ho_Chi_Minh",
            "weekdays": (1, 2, 3, 4, 5),
            "projection": {"country": "VN", "first_year": 2010, "last_year": 2050},
            "year": ({"year": 2025, "off": off, "working_saturdays": saturdays, "source": "test"},),
        }
    )


@pytest.mark.parametrize("year", [2025, 2026, 2027])
def test_the_days_of_the_years_with_data(year: int) -> None:
    """Days off and worked Saturdays exactly as announced."""
    calendar = RULES.calendar

    assert calendar.days_off(year) == [date.fromisoformat(f"{year}-{day}") for day in OFF_WEEKDAYS[year].split()]
    assert calendar.extra_days(year) == [date.fromisoformat(f"{year}-{day}") for day in SATURDAYS[year].split()]
    assert not calendar.is_projected(year)


@pytest.mark.parametrize(
    ("received", "days", "due"),
    [
        ("2025-07-04", 7, "2025-07-15"),
        ("2025-04-25", 3, "2025-04-29"),
        ("2025-04-25", 1, "2025-04-26"),
        ("2026-02-12", 3, "2026-02-24"),
        ("2027-04-29", 3, "2027-05-06"),
        ("2025-07-08", 7, "2025-07-17"),
        ("2025-07-08", 3, "2025-07-11"),
        ("2025-01-24", 1, "2025-02-03"),
        ("2026-01-09", 1, "2026-01-10"),
        ("2026-08-21", 1, "2026-08-22"),
        ("2026-08-22", 1, "2026-08-24"),
        ("2025-07-05", 1, "2025-07-07"),
        ("2025-08-29", 1, "2025-09-03"),
        ("2025-12-31", 1, "2026-01-05"),
        ("2026-11-23", 1, "2026-11-25"),
    ],
)
def test_due_dates(received: str, days: int, due: str) -> None:
    """The n-th working day strictly after the day of receipt: Tết, swap Saturdays, weekends, the turn of the year."""
    found = RULES.calendar.due(date.fromisoformat(received), days)

    assert (found.on, found.projected_years) == (date.fromisoformat(due), ())


def test_a_term_of_no_days_is_refused() -> None:
    """There is no zeroth working day."""
    with pytest.raises(ValueError, match="at least one"):
        RULES.calendar.due(date(2025, 7, 4), 0)


def test_years_beyond_the_data_are_projected_and_named() -> None:
    """The library's holidays are used, and the years they stand for are part of the answer."""
    found = RULES.calendar.due(date(2027, 12, 30), 7)

    assert found.projected_years == (2028,)
    assert not RULES.calendar.is_working(date(2028, 1, 26))
    assert RULES.calendar.due(date(2027, 12, 20), 3).projected_years == ()


def test_beyond_the_projection_there_is_no_answer() -> None:
    """A year without any calendar is an error, not a guess."""
    with pytest.raises(CalendarUnknown):
        RULES.calendar.due(date(2050, 12, 30), 7)
    with pytest.raises(CalendarUnknown):
        RULES.calendar.due(date.max, 1)


@pytest.mark.parametrize(
    ("instant", "local"),
    [
        ("2025-07-07T17:30:00+00:00", "2025-07-08"),
        ("2025-07-07T16:59:59+00:00", "2025-07-07"),
        ("2025-07-07T17:00:00+00:00", "2025-07-08"),
        ("2025-07-08T00:00:00+07:00", "2025-07-08"),
        ("2025-07-07T23:59:59+07:00", "2025-07-07"),
        ("2025-07-07T06:00:00-11:00", "2025-07-08"),
    ],
)
def test_dates_are_local_dates(instant: str, local: str) -> None:
    """Asia/Ho_Chi_Minh decides, whatever the clock's zone."""
    assert RULES.calendar.local_date(datetime.fromisoformat(instant)) == date.fromisoformat(local)


def test_a_naive_instant_is_refused() -> None:
    """An instant without offset has no local date."""
    with pytest.raises(ValueError, match="offset"):
        RULES.calendar.local_date(datetime(2025, 7, 7, 9, 0))  # noqa: DTZ001


def test_an_override_moves_exactly_the_dossiers_it_concerns() -> None:
    """23/11/2026 off: terms that cross it move by one working day, others stay."""
    calendar = WorkCalendar.of(calendar_of_rules(), {"2026-11-23": "off"})
    cases = [
        OpenCase("before", date(2026, 11, 16), 3, date(2026, 11, 19)),
        OpenCase("across", date(2026, 11, 20), 3, date(2026, 11, 26)),
        OpenCase("alarm", date(2026, 11, 18), 7, date(2026, 11, 30), 3, date(2026, 11, 23)),
        OpenCase("after", date(2026, 11, 24), 3, date(2026, 11, 27)),
    ]

    assert RULES.calendar.moves(cases) == []
    assert moved(cases, calendar) == [
        Move("across", date(2026, 11, 26), date(2026, 11, 27), None, None),
        Move("alarm", date(2026, 11, 30), date(2026, 12, 1), date(2026, 11, 23), date(2026, 11, 25)),
    ]


def calendar_of_rules() -> CalendarFile:
    """The bundled calendar as a file again."""
    calendar = RULES.calendar
    return CalendarFile.model_validate(
        {
            "timezone": "Asia/Ho_Chi_Minh",
            "weekdays": tuple(sorted(calendar.weekdays)),
            "projection": {"country": "VN", "first_year": 2010, "last_year": 2050},
            "year": tuple(year.model_dump() for year in calendar.years.values()),
        }
    )


def test_an_override_can_give_a_day_back() -> None:
    """`working` makes a day off a working day, a Saturday too."""
    calendar = WorkCalendar.of(calendar_of_rules(), {"2025-09-01": "working", "2025-07-12": "working"})

    assert calendar.is_working(date(2025, 9, 1))
    assert calendar.due(date(2025, 7, 11), 1).on == date(2025, 7, 12)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ({"23/11/2026": "off"}, "not a date"),
        ({"2026-11-31": "off"}, "not a date"),
        ({"2026-11-23": "holiday"}, "must be"),
        ({"2026-11-23": True}, "must be"),
    ],
)
def test_a_wrong_override_line_says_what_is_wrong(override: dict[str, object], said: str) -> None:
    """The clerk reads which line and what to write instead."""
    with pytest.raises(ValueError, match=said):
        WorkCalendar.of(calendar_of_rules(), override)


@pytest.mark.parametrize(
    ("off", "saturdays", "said"),
    [
        ((date(2026, 1, 1),), (), "does not lie in 2025"),
        ((date(2025, 1, 1), date(2025, 1, 1)), (), "twice"),
        ((date(2025, 1, 4),), (), "no weekday"),
        ((), (date(2025, 1, 6),), "worked anyway"),
    ],
)
def test_a_wrong_day_in_the_calendar_is_refused(off: tuple[date, ...], saturdays: tuple[date, ...], said: str) -> None:
    """A day in the wrong year, twice, or without effect is a typing mistake."""
    with pytest.raises(ValueError, match=said):
        small(off, saturdays)


@unhurried
@given(dates, st.integers(1, 30))
def test_a_due_date_is_a_working_day_and_the_nth(received: date, days: int) -> None:
    """Between receipt and due date lie exactly n working days, the due date being the last."""
    due = RULES.calendar.due(received, days).on
    span = [received + timedelta(days=step) for step in range(1, (due - received).days + 1)]

    assert span[-1] == due
    assert RULES.calendar.is_working(due)
    assert sum(RULES.calendar.is_working(day) for day in span) == days


@unhurried
@given(dates, st.integers(1, 20), st.dates(date(2025, 1, 1), date(2028, 1, 31)))
def test_a_day_off_never_moves_a_due_date_earlier(received: date, days: int, off: date) -> None:
    """Taking a working day away can only postpone."""
    shorter = WorkCalendar.of(calendar_of_rules(), {off.isoformat(): "off"})

    assert shorter.due(received, days).on >= RULES.calendar.due(received, days).on


@unhurried
@given(dates, st.integers(1, 20), st.dates(date(2025, 1, 1), date(2028, 1, 31)))
def test_a_working_day_more_never_moves_a_due_date_later(received: date, days: int, extra: date) -> None:
    """Giving a working day can only bring forward."""
    longer = WorkCalendar.of(calendar_of_rules(), {extra.isoformat(): "working"})

    assert longer.due(received, days).on <= RULES.calendar.due(received, days).on


@unhurried
@given(dates, st.integers(1, 20))
def test_due_dates_are_monotonic(received: date, days: int) -> None:
    """A later receipt or a longer term never ends earlier."""
    calendar = RULES.calendar

    assert calendar.due(received + timedelta(days=1), days).on >= calendar.due(received, days).on
    assert calendar.due(received, days + 1).on > calendar.due(received, days).on


def test_the_activation_term_is_seven_calendar_days() -> None:
    """D26: within 7 calendar days of the notice, weekends and holidays included."""
    term = activation(datetime(2025, 8, 27, 17, 30, tzinfo=UTC), RULES)

    assert (term.row, term.last_day) == ("D26", date(2025, 9, 4))
    assert term.text.vi == (
        "Vui lòng kích hoạt tài khoản trên ứng dụng VNeID trong 07 ngày kể từ ngày nhận được thông báo. "
        "Hỗ trợ: 1900 0368."
    )
    with pytest.raises(NoPolicy):
        activation(datetime(2020, 1, 1, tzinfo=UTC), RULES)


def test_an_open_case_is_made_from_a_decision(rules: Rules, decide_with: object) -> None:
    """Only an answer with a term can be recomputed later."""
    assert callable(decide_with)
    provisional = decide_with({"register": {}, "visit": "2025-07-08T09:00:00+07:00"})

    assert open_case("7", provisional) == OpenCase("7", date(2025, 7, 8), 7, date(2025, 7, 17), 3, date(2025, 7, 11))
    assert open_case("7", decide_with({"card": None})) is None
    assert open_case("7", decide_with({"open_dossier": {"id": "6", "due": "2025-07-09"}})) is None
