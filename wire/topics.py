"""MQTT topics, as built and as parsed. A topic holds identifiers only; nothing here depends on MQTT 5."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wire.ids import is_station_id, is_ulid

PREFIX = "eid/v1"
CENTRE_STATE = f"{PREFIX}/centre/state"
ALL_UPLINKS = f"{PREFIX}/st/+/up/#"
ALL_STATION_STATES = f"{PREFIX}/st/+/state"


def up_bundle(station: str, bundle_id: str) -> str:
    return f"{PREFIX}/st/{station}/up/bundle/{bundle_id}"


def up_sync(station: str) -> str:
    return f"{PREFIX}/st/{station}/up/sync"


def up_event(station: str, kind: str) -> str:
    return f"{PREFIX}/st/{station}/up/event/{kind}"


def up_request(station: str, operation: str) -> str:
    return f"{PREFIX}/st/{station}/up/request/{operation}"


def state(station: str) -> str:
    return f"{PREFIX}/st/{station}/state"


def down_receipt(station: str, bundle_id: str) -> str:
    return f"{PREFIX}/st/{station}/down/receipt/{bundle_id}"


def down_status(station: str, bundle_id: str) -> str:
    return f"{PREFIX}/st/{station}/down/status/{bundle_id}"


def down_case(station: str, dossier_id: str) -> str:
    return f"{PREFIX}/st/{station}/down/case/{dossier_id}"


def down_command(station: str, operation: str) -> str:
    return f"{PREFIX}/st/{station}/down/command/{operation}"


def all_downlinks(station: str) -> str:
    return f"{PREFIX}/st/{station}/down/#"


@dataclass(frozen=True, slots=True)
class StationTopic:
    """A parsed station topic: `direction` is up, down or state; `kind` e.g. bundle; `name` its last level or empty.

    A name is a ULID where the kind has one of its own (bundle, receipt, status, case), else a word of at most 64
    characters: letters, digits, `_`, `.`, `:`, `-`.
    """

    station: str
    direction: str
    kind: str = ""
    name: str = ""


_ULID_NAMED = {("up", "bundle"), ("down", "receipt"), ("down", "status"), ("down", "case")}
_WORD_NAMED = {("up", "event"), ("up", "request"), ("down", "command")}
_UNNAMED = {("up", "sync")}
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")


def parse(topic: str) -> StationTopic | None:
    """The parts of a topic that a builder above can have made for a station, or None for any other text."""
    levels = topic.split("/")
    if levels[:3] != ["eid", "v1", "st"] or len(levels) < 5 or not is_station_id(levels[3]):
        return None
    station, rest = levels[3], levels[4:]
    if rest == ["state"]:
        return StationTopic(station, "state")
    if len(rest) == 2 and (rest[0], rest[1]) in _UNNAMED:
        return StationTopic(station, rest[0], rest[1])
    if len(rest) != 3:
        return None
    direction, kind, name = rest
    fits = ((direction, kind) in _ULID_NAMED and is_ulid(name)) or (
        (direction, kind) in _WORD_NAMED and _WORD.fullmatch(name) is not None
    )
    return StationTopic(station, direction, kind, name) if fits else None
