"""The rules' branch of the error tree, and how a wrong field is reported.

    RulesError(WireError)
    ├── RulesDataInvalid     a data file that cannot be used: names the file, the place in it and the reason
    ├── NoPolicy             no policy profile is in force on the date
    ├── CalendarUnknown      a year that lies neither in the calendar nor within its projection
    ├── PhoneInvalid         a number that cannot be a Vietnamese mobile number
    ├── MrzInvalid           wire/rules/mrz.py names each reason
    └── InputInvalid         one FieldProblem for every wrong field
        ├── CaseInvalid      the facts of a case
        ├── Tk01Invalid      the form
        └── QuestionInvalid  a question to the calendar or the procedures

A problem names the field and a code, never the value: values are personal data and errors reach logs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wire.catalogue import Text, bundled
from wire.errors import WireError


class RulesError(WireError):
    """Anything the rules cannot do."""

    message_id = "error.rules.text"


class RulesDataInvalid(RulesError, ValueError):
    """A data file that cannot be used. Parameters: file, where, reason."""

    message_id = "error.rules.data"


class NoPolicy(RulesError, LookupError):
    """No policy profile is in force on the date. Parameter: on (ISO date)."""

    message_id = "error.rules.no_policy"


class CalendarUnknown(RulesError, LookupError):
    """A year that lies neither in the calendar nor within its projection. Parameter: year."""

    message_id = "error.rules.calendar_unknown"


class PhoneInvalid(RulesError, ValueError):
    """Not a Vietnamese mobile number of the right length."""

    message_id = "error.rules.phone"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field.

    Args:
        field: dotted path as in the JSON, e.g. `applicant.birth_date`; empty for the document as a whole.
        code: last part of the catalogue key `rules.field.<code>`.
        params: what the sentence's placeholders need; no personal data.
    """

    field: str
    code: str
    params: tuple[tuple[str, str | int], ...] = ()

    def text(self) -> Text:
        """The sentence, without the field's name. Raises CatalogueError for an unknown code."""
        return bundled().text(f"rules.field.{self.code}", **dict(self.params))

    def sentence(self) -> str:
        """One line: the field, the Vietnamese sentence, the English one."""
        text = self.text()
        return f"{self.field or 'JSON'}: {text.vi} / {text.en}"


class InputInvalid(RulesError, ValueError):
    """Input that says nothing usable until its fields are put right.

    Args:
        problems: one per wrong field, in the order of the fields' paths.
    """

    message_id = "error.rules.input"

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(fields=", ".join(problem.field or "JSON" for problem in self.problems))


class CaseInvalid(InputInvalid):
    """The facts of a case are malformed."""

    message_id = "error.rules.case"


class Tk01Invalid(InputInvalid):
    """The form TK01 is malformed."""

    message_id = "error.rules.tk01"


class QuestionInvalid(InputInvalid):
    """A question to the calendar or the procedures that cannot be answered as asked."""

    message_id = "error.rules.question"
