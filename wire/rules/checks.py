"""What the files must agree on among themselves; shapes are checked by their models.

Pure. Must never repair: every fault is a RulesDataInvalid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import get_args

import phonenumbers

from wire.catalogue import bundled
from wire.errors import CatalogueError
from wire.rules.case import DocumentName
from wire.rules.conditions import FactType, faults
from wire.rules.data_files import Outcome, PolicyFile, When
from wire.rules.errors import RulesDataInvalid
from wire.rules.fact_types import FACT_TYPES, FORM_FACT_TYPES
from wire.rules.model import Rules


def check_all(rules: Rules) -> None:
    """Raises RulesDataInvalid for the first contradiction found."""
    for policy in rules.policies:
        _check_policy(policy)
    for form in rules.forms:
        paths = [field.path for field in form.fields()]
        _check_unique(form.id, "section", paths)
        for section in form.section:
            if section.when is not None:
                _check_when(form.id, section.id, section.when, FORM_FACT_TYPES)
    _check_unique(
        "countries.toml", "states", (*rules.countries.states, *rules.countries.special, *rules.countries.same)
    )
    for code, same in rules.countries.same.items():
        _require(same in rules.countries.states, "countries.toml", f"same.{code}", f"{same} is not a state")
    _check_unique("card-symbols.toml", "term", [symbol for term in rules.symbols.term for symbol in term.symbols])
    for kind in get_args(DocumentName):
        _require(kind in rules.documents.types, "documents.toml", "types", f"{kind} is missing")
    region = str(phonenumbers.country_code_for_region(rules.phones.region))
    _require(region == rules.phones.country_code, "phone-prefixes.toml", "region", "has another country_code")
    _check_unique("procedures.toml", "procedure", [procedure.row for procedure in rules.procedures.procedure])
    for procedure in rules.procedures.procedure:
        known = procedure.name in rules.procedures.names
        _require(known, "procedures.toml", procedure.row, "its name is missing under names")
        fits = procedure.at_place is None or _fills(procedure.at_place, unit="")
        _require(fits, "procedures.toml", procedure.row, "at_place has a placeholder other than {unit}")
    for unit in rules.provinces.unit:
        for kind in unit.kind:
            _require(kind.kind in rules.provinces.kinds, "provinces.toml", unit.name, f"{kind.kind} has no label")
    for index, unit in enumerate(rules.provinces.unit):
        twice = any(unit.name == other.name and unit.overlaps(other) for other in rules.provinces.unit[:index])
        _require(not twice, "provinces.toml", unit.name, "stands twice for the same time")


def _require(holds: bool, file: str, where: str, reason: str) -> None:
    if not holds:
        raise RulesDataInvalid(file=file, where=where, reason=reason)


def _check_unique(file: str, where: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        _require(name not in seen, file, where, f"{name} stands twice")
        seen.add(name)


def _check_when(file: str, where: str, when: When, types: Mapping[str, FactType]) -> None:
    for fault in faults(when, types):
        raise RulesDataInvalid(file=file, where=where, reason=fault)


def _check_policy(policy: PolicyFile) -> None:
    types = dict(FACT_TYPES)
    for name, group in policy.groups.items():
        _require(name not in types, policy.id, f"groups.{name}", "is the name of a fact")
        _check_when(policy.id, f"groups.{name}", group.when, types)
        types[name] = FactType(bool)
    _check_unique(policy.id, "order", policy.order)
    for row_id in policy.order:
        _require(row_id in policy.rows, policy.id, "order", f"row {row_id} is missing")
    for row_id in policy.order:
        _check_row(policy, row_id, MappingProxyType(types))
    for code, warning in policy.warnings.items():
        if warning.when:
            _check_when(policy.id, f"warnings.{code}", warning.when, types)
        if code not in policy.texts:
            _check_filled(policy, f"warnings.{code}", f"rules.warning.{code}")
    for channel, when in policy.channels.items():
        _check_when(policy.id, f"channels.{channel}", when, types)
    _check_filled(policy, "activation.text", policy.activation.text, days=policy.activation.calendar_days)
    _check_end(policy)


def _check_row(policy: PolicyFile, row_id: str, types: Mapping[str, FactType]) -> None:
    row, where = policy.rows[row_id], f"rows.{row_id}"
    _check_when(policy.id, where, row.when, types)
    days = {} if row.working_days is None else {"days": row.working_days}
    if row.reason is not None:
        _check_own_or_filled(policy, where, row.reason, f"rules.reason.{row.reason}", days)
    if row.text is not None:
        _check_own_or_filled(policy, where, row.text, row.text, days)
    for channel in row.notify:
        _require(channel in policy.channels, policy.id, where, f"channel {channel} is missing")
    for warning in row.warnings:
        _require(warning in policy.warnings, policy.id, where, f"warning {warning} is missing")


def _check_own_or_filled(policy: PolicyFile, where: str, code: str, key: str, params: Mapping[str, int]) -> None:
    own = policy.texts.get(code)
    if own is None:
        _check_filled(policy, where, key, **params)
    else:
        fits = _fills(own.vi, **params) and _fills(own.en, **params)
        _require(fits, policy.id, f"texts.{code}", f"has placeholders that {where} does not fill")


def _check_filled(policy: PolicyFile, where: str, key: str, **params: int) -> None:
    """A text of the catalogue must be there and need nothing but the parameters."""
    _require(key in bundled(), policy.id, where, f"{key.split('.')[-1]} has no text; add it under texts")
    try:
        bundled().text(key, **params)
    except CatalogueError:
        _require(False, policy.id, where, f"{key} needs other values than it gets here")


def _fills(text: str, **params: int | str) -> bool:
    try:
        text.format(**params)
    except (KeyError, IndexError, ValueError, AttributeError):
        return False
    return True


def _check_end(policy: PolicyFile) -> None:
    """Every case must get an answer: the last row always holds and is always in force."""
    last = policy.rows[policy.order[-1]]
    always = {} in last.when and last.valid_from is None and last.valid_until is None
    _require(
        always and last.outcome is not Outcome.CONTINUE,
        policy.id,
        f"rows.{policy.order[-1]}",
        "the last row must always decide: when = [{}], without validity",
    )
