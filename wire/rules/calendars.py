"""The working-day calendar and everything counted on it.

The n-th working day strictly after the local date of receipt, ending 24:00 (Civil Code 2015 art. 147). Pure: dates come
in, dates go out. Years beyond the data are projected by the `holidays` library, and every answer says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wire.rules.data_files import CalendarFile, CalendarYear
from wire.rules.errors import CalendarUnknown, RulesDataInvalid

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DueDate:
    """A last day, and the years behind it that are only projected.

    Args:
        on: local date; the term ends at its 24:00.
        projected_years: years without data that were walked through; empty for a firm date.
    """

    on: date
    projected_years: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OpenCase:
    """What recomputation needs of an open dossier.

    Args:
        id: dossier number.
        received: local date of receipt.
        working_days: printed term.
        due: date given out.
        alarm_working_days: term of the internal alarm of a provisional answer, else None.
        alarm: date of that alarm, else None.
    """

    id: str
    received: date
    working_days: int
    due: date
    alarm_working_days: int | None = None
    alarm: date | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """An open dossier whose due date or alarm a calendar puts elsewhere."""

    id: str
    due_before: date
    due_after: date
    alarm_before: date | None
    alarm_after: date | None


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Working days by local date. Build with `of`.

    Args:
        zone: the zone whose dates count.
        weekdays: ISO numbers of the weekdays worked, 1 = Monday.
        years: year to its data.
        override: date to True (worked) or False (off), above everything else.
        country, first_year, last_year: bounds of the projection.
    """

    zone: ZoneInfo
    weekdays: frozenset[int]
    years: Mapping[int, CalendarYear]
    override: Mapping[date, bool]
    country: str
    first_year: int
    last_year: int

    @classmethod
    def of(cls, file: CalendarFile, override: Mapping[str, Any] | None = None) -> Self:
        """The calendar of a data file and an override table (`2026-11-23 = "off"` or `"working"`).

        Raises ValueError in plain words for a date in the wrong year, twice, not a weekday or not a Saturday.
        """
        for year in file.year:
            _check_year(year, file.weekdays)
        if len({year.year for year in file.year}) < len(file.year):
            raise ValueError("a year stands twice")
        try:
            zone = ZoneInfo(file.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{file.timezone} is not a time zone") from None
        return cls(
            zone=zone,
            weekdays=frozenset(file.weekdays),
            years={year.year: year for year in file.year},
            override=dict(_override(override or {})),
            country=file.projection.country,
            first_year=file.projection.first_year,
            last_year=file.projection.last_year,
        )

    def local_date(self, instant: datetime) -> date:
        """The calendar's date of an aware instant. Raises ValueError for a naive one."""
        return self.local(instant).date()

    def local(self, instant: datetime) -> datetime:
        """An aware instant in the calendar's zone. Raises ValueError for a naive one."""
        if instant.utcoffset() is None:
            raise ValueError("an instant needs its offset from UTC")
        return instant.astimezone(self.zone)

    def is_projected(self, year: int) -> bool:
        """Whether a year has no data of its own."""
        return year not in self.years

    def is_working(self, day: date) -> bool:
        """Whether a local date is a working day. Raises CalendarUnknown beyond the projection."""
        if day in self.override:
            return self.override[day]
        if not self.is_projected(day.year):
            year = self.years[day.year]
            return day in year.working_saturdays or (day.isoweekday() in self.weekdays and day not in year.off)
        return day.isoweekday() in self.weekdays and day not in self._projected(day.year)

    def _projected(self, year: int) -> frozenset[date]:
        if not self.first_year <= year <= self.last_year:
            raise CalendarUnknown(year=year)
        return _projected(self.country, year)

    def days_off(self, year: int) -> list[date]:
        """The year's days off that would otherwise be worked. Raises CalendarUnknown."""
        return [day for day in _days(year) if day.isoweekday() in self.weekdays and not self.is_working(day)]

    def extra_days(self, year: int) -> list[date]:
        """The year's working days that would otherwise be free. Raises CalendarUnknown."""
        return [day for day in _days(year) if day.isoweekday() not in self.weekdays and self.is_working(day)]

    def due(self, received: date, working_days: int) -> DueDate:
        """The n-th working day strictly after a local date.

        Raises:
            ValueError: fewer than one day.
            CalendarUnknown: the count leaves the projection.
        """
        if working_days < 1:
            raise ValueError("a term has at least one working day")
        day, left = received, working_days
        while left:
            try:
                day += _DAY
            except OverflowError:
                raise CalendarUnknown(year=day.year) from None
            left -= self.is_working(day)
        walked = range((received + _DAY).year, day.year + 1)
        return DueDate(day, tuple(year for year in walked if self.is_projected(year)))

    def moves(self, open_cases: Iterable[OpenCase]) -> list[Move]:
        """The open dossiers whose dates this calendar puts elsewhere, in the order given."""
        found = []
        for case in open_cases:
            due = self.due(case.received, case.working_days).on
            alarm = self.due(case.received, case.alarm_working_days).on if case.alarm_working_days else None
            if (due, alarm) != (case.due, case.alarm):
                found.append(Move(case.id, case.due, due, case.alarm, alarm))
        return found


def _days(year: int) -> Iterator[date]:
    day = date.min.replace(year=year)
    while day.year == year:
        yield day
        day += _DAY


@lru_cache(maxsize=16)
def _projected(country: str, year: int) -> frozenset[date]:
    import holidays  # slow to import, and only years beyond the data need it

    try:
        return frozenset(holidays.country_holidays(country, years=year).keys())
    except NotImplementedError:
        reason = f"{country} is not a country the holidays library knows"
        raise RulesDataInvalid(file="calendar.toml", where="projection.country", reason=reason) from None


def _check_year(year: CalendarYear, weekdays: tuple[int, ...]) -> None:
    listed = (*year.off, *year.working_saturdays)
    for day in listed:
        if day.year != year.year:
            raise ValueError(f"{day} does not lie in {year.year}")
        if listed.count(day) > 1:
            raise ValueError(f"{day} stands twice")
    for day in year.off:
        if day.isoweekday() not in weekdays:
            raise ValueError(f"{day} is no weekday, so it cannot be a weekday off")
    for day in year.working_saturdays:
        if day.isoweekday() in weekdays:
            raise ValueError(f"{day} is worked anyway")


def _override(table: Mapping[str, Any]) -> Iterator[tuple[date, bool]]:
    kinds = {"working": True, "off": False}
    for key, kind in table.items():
        try:
            day = date.fromisoformat(key)
            if key != day.isoformat():
                raise ValueError
        except ValueError:
            raise ValueError(f'{key} is not a date; write a line YYYY-MM-DD = "off"') from None
        if not isinstance(kind, str) or kind not in kinds:
            raise ValueError(f'{key} must be "off" or "working"')
        yield day, kinds[kind]
