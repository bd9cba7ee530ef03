"""Reading the data files: the bundled ones, or an administrator's directory laid over them.

The thin shell around the pure rules: the only module here that opens files. A file in the directory replaces the
bundled one of its name; further `policy-*.toml` and `tk01-*.toml` add profiles and form versions, and
`calendar-override.toml` adds single days. Must never use a file in part: every fault is a RulesDataInvalid naming
file, place and reason.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from wire.rules.calendars import WorkCalendar
from wire.rules.checks import check_all
from wire.rules.data_files import (
    CalendarFile,
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
from wire.rules.errors import RulesDataInvalid
from wire.rules.model import Rules

OVERRIDE_FILE = "calendar-override.toml"
_SINGLE: Mapping[str, type[BaseModel]] = {
    "calendar.toml": CalendarFile,
    "reception.toml": ReceptionFile,
    "phone-prefixes.toml": PhoneFile,
    "documents.toml": DocumentsFile,
    "card-symbols.toml": CardSymbolsFile,
    "countries.toml": CountriesFile,
    "procedures.toml": ProceduresFile,
    "provinces.toml": ProvincesFile,
}
_FAMILIES = ("policy-", "tk01-")
_STEMS = (*_FAMILIES, *(name.removesuffix(".toml") for name in _SINGLE))
_BACKUPS = ("~", ".bak")
_MERGED_TABLES = ("groups", "rows", "warnings", "channels", "texts")
ModelT = TypeVar("ModelT", bound=BaseModel)


def load_rules(directory: Path | None = None) -> Rules:
    """All rules, checked.

    Args:
        directory: the administrator's files; None for the bundled ones alone.

    Raises:
        RulesDataInvalid: a file is missing, unreadable, misnamed, malformed or contradicts another.
    """
    return _bundled() if directory is None else build_rules(_texts(directory))


@lru_cache(maxsize=1)
def _bundled() -> Rules:
    return build_rules(_bundled_texts())


@lru_cache(maxsize=1)
def _bundled_texts() -> Mapping[str, str]:
    folder = resources.files(__package__) / "data"
    return {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")}


def _texts(directory: Path) -> dict[str, str]:
    if not directory.is_dir():
        raise RulesDataInvalid(file=directory.name, where="-", reason="is not a directory")
    texts = dict(_bundled_texts())
    for path in sorted(directory.iterdir()):
        toml = path.suffix == ".toml"
        if not toml and (path.name.endswith(_BACKUPS) or not path.name.startswith(_STEMS)):
            continue
        known = path.name in _SINGLE or path.name == OVERRIDE_FILE or path.name.startswith(_FAMILIES)
        if not (known and toml):  # calendar-override.toml.txt would otherwise count for nothing, silently
            raise RulesDataInvalid(file=path.name, where="-", reason="is not the name of a rules file")
        try:
            texts[path.name] = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            raise RulesDataInvalid(file=path.name, where="-", reason="cannot be read as UTF-8") from None
    return texts


def build_rules(texts: Mapping[str, str]) -> Rules:
    """The rules of a complete set of files, name to TOML text. Pure. Raises RulesDataInvalid."""
    tables = {name: _parsed(name, text) for name, text in texts.items()}
    for name in _SINGLE:
        if name not in tables:
            raise RulesDataInvalid(file=name, where="-", reason="is missing")

    def single(name: str, model: type[ModelT]) -> ModelT:
        return _model(name, tables[name], model)

    rules = Rules(
        policies=_policies({name: table for name, table in tables.items() if name.startswith("policy-")}),
        calendar=_calendar(single("calendar.toml", CalendarFile), tables.get(OVERRIDE_FILE, {})),
        reception=single("reception.toml", ReceptionFile),
        phones=single("phone-prefixes.toml", PhoneFile),
        documents=single("documents.toml", DocumentsFile),
        symbols=single("card-symbols.toml", CardSymbolsFile),
        countries=single("countries.toml", CountriesFile),
        procedures=single("procedures.toml", ProceduresFile),
        provinces=single("provinces.toml", ProvincesFile),
        forms=_dated(
            [_model(name, table, FormFile) for name, table in sorted(tables.items()) if name.startswith("tk01-")],
            "tk01-*.toml",
        ),
        sha256=_digest(texts),
    )
    check_all(rules)
    return rules


def _digest(texts: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(texts):
        content = texts[name].encode("utf-8")
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _parsed(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulesDataInvalid(file=name, where="-", reason=f"is not TOML: {error}") from None


def _model(name: str, table: Mapping[str, Any], model: type[ModelT]) -> ModelT:
    try:
        return model.model_validate(_frozen(table))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "-"
        raise RulesDataInvalid(file=name, where=where, reason=first["msg"]) from None


def _frozen(value: Any) -> Any:
    """TOML arrays as tuples, so that nothing can be added later."""
    if isinstance(value, dict):
        return {key: _frozen(child) for key, child in value.items()}
    if isinstance(value, list):
        return tuple(_frozen(child) for child in value)
    return value


DatedT = TypeVar("DatedT", PolicyFile, FormFile)


def _dated(found: list[DatedT], name: str) -> tuple[DatedT, ...]:
    if not found:
        raise RulesDataInvalid(file=name, where="-", reason="is missing")
    in_order = tuple(sorted(found, key=lambda file: file.valid_from))
    for key in ("id", "valid_from"):
        values = [getattr(file, key) for file in in_order]
        if len(set(values)) < len(values):
            raise RulesDataInvalid(file=name, where=key, reason="stands in two files")
    return in_order


def _policies(tables: Mapping[str, dict[str, Any]]) -> tuple[PolicyFile, ...]:
    by_id = {table.get("id"): table for table in tables.values()}
    return _dated(
        [_model(name, _inherited(name, table, by_id), PolicyFile) for name, table in sorted(tables.items())],
        "policy-*.toml",
    )


def _inherited(name: str, table: dict[str, Any], by_id: Mapping[Any, dict[str, Any]], seen: int = 0) -> dict[str, Any]:
    """The profile laid over the one it is based on: tables entry by entry, everything else as a whole."""
    base_id = table.get("based_on")
    if base_id is None:
        return table
    if base_id not in by_id or seen > len(by_id):
        raise RulesDataInvalid(file=name, where="based_on", reason="names no other profile, or goes in a circle")
    base = _inherited(name, by_id[base_id], by_id, seen + 1)
    merged = {**base, **table}
    if "valid_until" not in table:
        merged.pop("valid_until", None)
    for key in _MERGED_TABLES:
        if key in base and key in table:
            merged[key] = {**base[key], **table[key]}
    return merged


def _calendar(file: CalendarFile, override: Mapping[str, Any]) -> WorkCalendar:
    for name, days in (("calendar.toml", {}), (OVERRIDE_FILE, override)):
        try:
            calendar = WorkCalendar.of(file, days)
        except ValueError as error:
            raise RulesDataInvalid(file=name, where="-", reason=str(error)) from None
    return calendar
