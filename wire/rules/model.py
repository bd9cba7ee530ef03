"""Everything the pure functions need, as one immutable value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from wire.rules.calendars import WorkCalendar
from wire.rules.data_files import (
    CardSymbolsFile,
    CountriesFile,
    DocumentsFile,
    FormFile,
    PhoneFile,
    PolicyFile,
    ProceduresFile,
    ProvincesFile,
    ReceptionFile,
)
from wire.rules.errors import NoPolicy


@dataclass(frozen=True, slots=True)
class Rules:
    """The parsed and checked data files.

    Args:
        policies: profiles by rising `valid_from`, at least one.
        forms: versions of TK01 by rising `valid_from`, at least one.
        sha256: hash over names and contents of all files read, for the record of a decision.
    """

    policies: tuple[PolicyFile, ...]
    calendar: WorkCalendar
    reception: ReceptionFile
    phones: PhoneFile
    documents: DocumentsFile
    symbols: CardSymbolsFile
    countries: CountriesFile
    procedures: ProceduresFile
    provinces: ProvincesFile
    forms: tuple[FormFile, ...]
    sha256: str

    def policy_on(self, on: date) -> PolicyFile:
        """The profile in force on a local date: the latest that has begun and not ended. Raises NoPolicy."""
        for policy in reversed(self.policies):
            if policy.in_force(on):
                return policy
        raise NoPolicy(on=on.isoformat())

    def form_on(self, on: date) -> FormFile:
        """The form version for a local date; before the first version, the first."""
        begun = [form for form in self.forms if form.valid_from <= on]
        return begun[-1] if begun else self.forms[0]

    def form(self, form_id: str) -> FormFile | None:
        """The form version of an id."""
        return next((form for form in self.forms if form.id == form_id), None)
