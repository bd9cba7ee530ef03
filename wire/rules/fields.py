"""Field types shared by the case facts and the form, and the way from pydantic's errors to FieldProblems.

Pure. Must never cut, guess or silently correct a value: the only changes made are Unicode NFC and trimming of outer
blanks, and a phone number's written form.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from wire.rules.errors import FieldProblem, InputInvalid

STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)
"""Every model at the edge: unknown keys are errors, nothing is coerced, nothing changes afterwards."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_EMAIL = re.compile(r"[^\s@<>(),;:\"\[\]\\]+@[^\s@<>(),;:\"\[\]\\.]+(\.[^\s@<>(),;:\"\[\]\\.]+)+")
_QUOTED = re.compile(r"'([^']*)'")
_NATIONALITY = re.compile(r"[A-Z]{1,3}")
_PATTERN_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_PATTERN_INSTANT = f"^{_INSTANT.pattern}$"
_ONE_PROBLEM_PER_FIELD_CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown",
    "string_type": "text",
    "bool_type": "boolean",
    "model_type": "object",
    "model_attributes_type": "object",
    "dict_type": "object",
    "list_type": "list",
    "tuple_type": "list",
    "int_type": "days",
    "greater_than": "days",
}


def problem(code: str, **params: str | int) -> PydanticCustomError:
    """An error for a pydantic validator; `code` is a key under `rules.field`."""
    return PydanticCustomError(f"rules.{code}", code, params)


def iso_date(value: object) -> object:
    """A date, or `YYYY-MM-DD` of an existing day."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise problem("date")


def aware_instant(value: object) -> object:
    """An aware datetime, or an ISO 8601 instant with its offset."""
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise problem("instant") from None
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return value
    raise problem("instant")


def nfc_text(value: object) -> object:
    """Text in NFC without outer blanks, control characters or lone surrogates; not empty."""
    if not isinstance(value, str):
        raise problem("text")
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in value):
        raise problem("characters")
    value = unicodedata.normalize("NFC", value).strip()
    if not value:
        raise problem("empty")
    return value


def email_address(value: object) -> object:
    """An address of the shape `name@domain.tld`; whether it exists only a message shows."""
    text = nfc_text(value)
    if not _EMAIL.fullmatch(str(text)):
        raise problem("email")
    return text


def nationality_code(value: object) -> object:
    """One to three capital letters without fillers, as in ICAO Doc 9303-3 section 5; whether it exists is not asked."""
    if not isinstance(value, str):
        raise problem("text")
    if not _NATIONALITY.fullmatch(value):
        raise problem("nationality")
    return value


def _typed(check: Callable[[object], object], schema: dict[str, Any]) -> tuple[BeforeValidator, WithJsonSchema]:
    return BeforeValidator(check), WithJsonSchema(schema)


IsoDate = Annotated[date, *_typed(iso_date, {"type": "string", "format": "date", "pattern": _PATTERN_DATE})]
Instant = Annotated[
    datetime, *_typed(aware_instant, {"type": "string", "format": "date-time", "pattern": _PATTERN_INSTANT})
]
NfcText = Annotated[str, *_typed(nfc_text, {"type": "string", "minLength": 1})]
Nationality = Annotated[str, *_typed(nationality_code, {"type": "string", "pattern": f"^{_NATIONALITY.pattern}$"})]
Email = Annotated[str, *_typed(email_address, {"type": "string", "format": "email"})]


def read_json(data: bytes | str, error: type[InputInvalid]) -> object:
    """Strict JSON: UTF-8, no key twice, no NaN. Raises `error` with a single problem for anything else."""
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        parsed: object = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except _TwiceError as twice:
        raise error([FieldProblem(str(twice), "twice")]) from None
    except (ValueError, RecursionError):
        raise error([FieldProblem("", "json")]) from None
    if not isinstance(parsed, dict):
        raise error([FieldProblem("", "object")])
    return parsed


class _TwiceError(Exception):
    """A key that stands twice in one object; its name is the argument."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(_shown(key))
        found[key] = value
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


def problems_of(error: ValidationError) -> list[FieldProblem]:
    """One problem per wrong field, sorted by path."""
    found: dict[str, FieldProblem] = {}
    for item in error.errors(include_url=False, include_input=False):
        field = _path(item["loc"])
        found.setdefault(field, FieldProblem(field, *_code(item)))
    return [found[field] for field in sorted(found)]


def _code(item: Any) -> tuple[str, tuple[tuple[str, str | int], ...]]:
    kind = item["type"]
    context = item.get("ctx", {})
    if kind.startswith("rules."):
        return kind.removeprefix("rules."), tuple(sorted(context.items()))
    if kind in {"literal_error", "enum"}:
        return "choice", (("choices", ", ".join(_QUOTED.findall(context["expected"]))),)
    return _ONE_PROBLEM_PER_FIELD_CODES.get(kind, "invalid"), ()


def _path(parts: tuple[int | str, ...]) -> str:
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part != "[key]":
            path += f".{_shown(part)}" if path else _shown(part)
    return path


def _shown(key: str) -> str:
    """A key as it may stand in a one-line message: unprintable characters escaped, endless ones shortened."""
    safe = key if key.isprintable() else key.encode("unicode_escape").decode("ascii")
    limit = len(_PATTERN_INSTANT)
    return safe if len(safe) <= limit else f"{safe[:limit]}…"
