"""The names a condition may use, and what each can be. The meaning of each is explained in docs/rules.md."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from wire.rules.conditions import FactType

YES_NO_UNKNOWN = ("yes", "no", "unknown")
OWNERS = ("self", "representative", "enterprise", "other", "unknown")

FACT_TYPES: Mapping[str, FactType] = MappingProxyType(
    {
        "request": FactType(str, ("issue", "lock", "unlock")),
        "dossier_open": FactType(bool),
        "nationality": FactType(str),
        "nationality_known": FactType(bool),
        "age": FactType(int),
        "is_ward": FactType(bool),
        "document_given": FactType(bool),
        "document_type": FactType(str),
        "document_readable": FactType(bool),
        "document_specimen": FactType(bool),
        "document_days_left": FactType(int),
        "mrz": FactType(str, ("absent", "good", "invalid", "contradicts", "specimen")),
        "stay_days_left": FactType(int),
        "card_given": FactType(bool),
        "card_kind": FactType(str, ("permanent", "temporary")),
        "card_symbol": FactType(str),
        "card_symbol_known": FactType(bool),
        "card_days_left": FactType(int),
        "card_beyond_term": FactType(bool),
        "representative_present": FactType(bool),
        "representative_lawful": FactType(bool),
        "representative_phone_agrees": FactType(bool),
        "phone_given": FactType(bool),
        "phone_owner": FactType(str, OWNERS),
        "phone_linked": FactType(bool),
        "phone_prefix_known": FactType(bool),
        "email_given": FactType(bool),
        "form_signed": FactType(bool),
        "form_complete": FactType(bool),
        "consent": FactType(bool),
        "face_ok": FactType(bool),
        "fingers_planned": FactType(int),
        "fingers_captured": FactType(int),
        "fingers_explained": FactType(int),
        "fingers_unexplained": FactType(int),
        "fingers_signed": FactType(bool),
        "register_face": FactType(str, YES_NO_UNKNOWN),
        "register_fingers": FactType(str, YES_NO_UNKNOWN),
        "register_match": FactType(str, (*YES_NO_UNKNOWN, "unsure")),
        "campaign": FactType(bool),
        "campaign_in_force": FactType(bool),
        "in_reception_hours": FactType(bool),
        "clock_trusted": FactType(bool),
        "calendar_projected": FactType(bool),
    }
)

FORM_FACT_TYPES: Mapping[str, FactType] = MappingProxyType({"represented": FactType(bool)})
"""What a section of the form may depend on: `represented` is the policy's group of that name."""
