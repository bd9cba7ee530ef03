"""Who handles a procedure at a place on a date, after the annex of Decision 5349/QĐ-BCA-C06.

Pure. Must never guess: a text or a place that is not known is an error, and every agency competent on the date is
named.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Any

from wire.catalogue import Text, bundled
from wire.rules.data_files import Procedure, Unit
from wire.rules.errors import FieldProblem, QuestionInvalid
from wire.rules.model import Rules


@dataclass(frozen=True, slots=True)
class Place:
    """A provincial unit on a date.

    Args:
        asked: as the question wrote it.
        name: name of the unit that holds the place on the date.
        kind: `province` or `city`.
        title: kind and name, e.g. `thành phố Cần Thơ`.
        since: first day of the unit with its borders and kind of the date; None for longer than the data reach.
        merged: whether the place asked for has become part of this unit.
    """

    asked: str
    name: str
    kind: str
    title: Text
    since: date | None
    merged: bool


@dataclass(frozen=True, slots=True)
class Competence:
    """One agency that handles a procedure; `office` is the agency at the place."""

    row: str
    level: str
    agency: str
    office: str
    valid_from: date | None
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class ProcedureAnswer:
    """Who handles one procedure; no competence where none was in force on the date."""

    name: Text
    ours: bool
    competences: tuple[Competence, ...]
    texts: Text


def plain(text: str) -> str:
    """Text for comparison: no diacritics, no case, words separated by one blank, numbers without leading zeros."""
    decomposed = unicodedata.normalize("NFD", text.casefold()).replace("đ", "d")
    letters = "".join(char if char.isalnum() else " " for char in decomposed if unicodedata.category(char) != "Mn")
    return " ".join(word.lstrip("0") or word if word.isdigit() else word for word in letters.split())


def place_on(asked: str, on: date, rules: Rules) -> Place:
    """The unit of a place name, present or former. Raises QuestionInvalid for an unknown one."""
    wanted = plain(asked)
    for unit in rules.provinces.unit:
        if unit.in_force(on) and wanted in _names(unit, rules):
            return _place(asked, unit, on, rules, merged=False)
    for unit in rules.provinces.unit:
        if unit.in_force(on) and any(wanted in _with_kinds(former, rules) for former in unit.merged):
            return _place(asked, unit, on, rules, merged=True)
    raise QuestionInvalid([FieldProblem("place", "place")])


def _names(unit: Unit, rules: Rules) -> set[str]:
    return {written for name in (unit.name, *unit.also) for written in _with_kinds(name, rules)}


def _with_kinds(name: str, rules: Rules) -> set[str]:
    kinds = rules.provinces.kinds.values()
    titles = [title for kind in kinds for title in (kind.vi, *kind.also)]
    spelled = {name, *(f"{title} {name}" for title in titles), *(f"{name} {kind.en}" for kind in kinds)}
    return {plain(written) for written in spelled} | {plain(name).replace(" ", "")}


def _place(asked: str, unit: Unit, on: date, rules: Rules, *, merged: bool) -> Place:
    kind = next((kind for kind in unit.kind if kind.in_force(on)), None)
    if kind is None:
        raise QuestionInvalid([FieldProblem("place", "place")])
    labels = rules.provinces.kinds[kind.kind]
    begun = [day for day in (kind.valid_from, unit.since) if day is not None and day <= on]
    title = Text(f"{labels.vi} {unit.name}", f"{unit.name} {labels.en}")
    return Place(asked, unit.name, kind.kind, title, max(begun, default=None), merged)


def find_procedures(asked: str, rules: Rules) -> tuple[str, ...]:
    """The names a text means: the exact one, else those that begin with it, else those that hold all its words.

    Raises QuestionInvalid where there is none.
    """
    wanted = plain(asked)
    spellings = {
        name: [plain(text) for text in (name, more.en, *more.also)] for name, more in rules.procedures.names.items()
    }
    together = {name: [plain(text) for text in more.together] for name, more in rules.procedures.names.items()}
    exact = [name for name, texts in spellings.items() if wanted in texts or wanted in together[name]]
    begins = [name for name, texts in spellings.items() if any(text.startswith(f"{wanted} ") for text in texts)]
    words = set(wanted.split())
    holding = [name for name, texts in spellings.items() if any(words <= set(text.split()) for text in texts)]
    found = (exact or begins or holding) if wanted else []
    if not found:
        raise QuestionInvalid([FieldProblem("procedure", "procedure")])
    return tuple(found)


def who_handles(name: str, place: Place, on: date, rules: Rules) -> ProcedureAnswer:
    """The agencies competent for a procedure (a name from `find_procedures`) at a place on a local date."""
    competences = tuple(
        _competence(row, place) for row in rules.procedures.procedure if row.name == name and row.in_force(on)
    )
    entry = rules.procedures.names[name]
    key = "ended" if not competences else "ours" if entry.ours else "redirect"
    return ProcedureAnswer(Text(name, entry.en), entry.ours, competences, bundled().text(f"rules.answer.{key}"))


def _competence(row: Procedure, place: Place) -> Competence:
    office = row.agency if row.at_place is None else row.at_place.format(unit=place.title.vi)
    return Competence(row.row, row.level, row.agency, office, row.valid_from, row.valid_until)


def answer(asked: str, place_asked: str, on: date, rules: Rules) -> dict[str, Any]:
    """The object of `eid-central procedure`. Raises QuestionInvalid, naming every part that is not known."""
    problems: list[FieldProblem] = []
    names: tuple[str, ...] = ()
    place: Place | None = None
    try:
        names = find_procedures(asked, rules)
    except QuestionInvalid as error:
        problems += error.problems
    try:
        place = place_on(place_asked, on, rules)
    except QuestionInvalid as error:
        problems += error.problems
    if place is None or problems:
        raise QuestionInvalid(problems)
    found = [who_handles(name, place, on, rules) for name in names]
    return {
        "procedure": asked,
        "on": on.isoformat(),
        "place": _place_json(place),
        "answers": [_answer_json(one) for one in found],
        "warnings": [_merged_warning(place)] if place.merged else [],
        "source": rules.procedures.source,
    }


def _place_json(place: Place) -> dict[str, Any]:
    return {
        "asked": place.asked,
        "unit": place.name,
        "kind": place.kind,
        "title": {"vi": place.title.vi, "en": place.title.en},
        "since": place.since.isoformat() if place.since else None,
        "merged": place.merged,
    }


def _answer_json(found: ProcedureAnswer) -> dict[str, Any]:
    return {
        "name": {"vi": found.name.vi, "en": found.name.en},
        "outcome": "OURS" if found.ours and found.competences else "REDIRECT" if found.competences else "ENDED",
        "texts": {"vi": found.texts.vi, "en": found.texts.en},
        "agencies": [
            {
                "row": one.row,
                "level": one.level,
                "agency": one.agency,
                "office": one.office,
                "valid_from": one.valid_from.isoformat() if one.valid_from else None,
                "valid_until": one.valid_until.isoformat() if one.valid_until else None,
            }
            for one in found.competences
        ],
    }


def _merged_warning(place: Place) -> dict[str, Any]:
    text = bundled().text("rules.warning.PLACE_MERGED", unit=place.name)
    return {"code": "PLACE_MERGED", "field": "place", "texts": {"vi": text.vi, "en": text.en}}
