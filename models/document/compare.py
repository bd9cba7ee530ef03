"""What the zone of a document says otherwise than the case.

Pure. It names fields and never their values, and never decides: the officer sees the names of the fields.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from importlib import resources
from typing import Any

from models.document.names import same_name
from wire.bundle import Document
from wire.rules.mrz import Mrz, parse_mrz


def _data(file: str) -> dict[str, Any]:
    """One data file of the rules, read alone: all of them are too much for a station's memory."""
    return tomllib.loads(resources.files("wire.rules.data").joinpath(file).read_text("utf-8"))


_SAME: Mapping[str, str] = _data("countries.toml")["same"]
"""Codes that mean the same state, `DEU` as `D`."""

_TYPES: Mapping[str, Any] = _data("documents.toml")["types"]
"""Kinds of document with the first letters their zones may have."""


def differences(mrz_lines: Sequence[str], document: Document) -> tuple[str, ...]:
    """The fields of the case that a zone speaks against, as attributes of `Document`, in its order.

    Names agree where the typed ones may be transliterated and cut to what the zone holds. A date agrees where the
    parts that the zone gives do; a zone without date of expiry speaks against none.

    Raises:
        MrzInvalid: the lines are no zone whose check digits fit.
    """
    mrz = parse_mrz(mrz_lines)
    return tuple(field for field, agrees in _agreements(mrz, document) if not agrees)


def _agreements(mrz: Mrz, document: Document) -> tuple[tuple[str, bool], ...]:
    surname, given_names = _names(mrz, document)
    expiry = date.fromisoformat(document.valid_until)
    return (
        ("type", _is_kind(mrz, document.type)),
        # The form has no issuing state: what stands in a case from a form is the nationality again.
        ("issuing_state", document.source == "tk01" or _same_code(mrz.issuer, document.issuing_state)),
        ("number", _plain(mrz.number) == _plain(document.number)),
        ("valid_until", mrz.expiry is None or mrz.expiry.agrees_with(expiry)),
        ("surname", surname),
        ("given_names", given_names),
        ("birth_date", mrz.birth.agrees_with(date.fromisoformat(document.birth_date))),
        ("sex", mrz.sex == document.sex),
        ("nationality", _same_code(mrz.nationality, document.nationality)),
    )


def _names(mrz: Mrz, document: Document) -> tuple[bool, bool]:
    """Whether surname and given names agree. A person of one name has it in the zone's first part."""
    if not mrz.given_names and not (mrz.name_cut and document.surname.strip()):
        whole = same_name(f"{document.surname} {document.given_names}", mrz.surname, cut=mrz.name_cut)
        if whole:
            return True, True
    surname = same_name(document.surname, mrz.surname, cut=mrz.name_cut)
    # A surname that fills the field leaves no room for the rest.
    left_out = mrz.name_cut and not mrz.given_names
    return surname, left_out or same_name(document.given_names, mrz.given_names, cut=mrz.name_cut)


def _same_code(zone: str, typed: str) -> bool:
    written = typed.strip().upper()
    return _SAME.get(zone, zone) == _SAME.get(written, written)


def _is_kind(mrz: Mrz, typed: str) -> bool:
    kind = _TYPES.get(typed)
    return kind is None or mrz.document_code.startswith(tuple(kind["mrz_codes"]))


def _plain(number: str) -> str:
    """Letters and digits: blanks, hyphens and fillers are written in different ways."""
    return "".join(char for char in number.upper() if char.isalnum())
