"""What stands in the way, by part of the link, and which of it the officer should read first. Pure."""

from __future__ import annotations

from station.link.state import Fault

PARTS = ("storage", "connection", "publish", "quarantine")
"""Most urgent first."""


class Faults:
    """At most one fault a part."""

    def __init__(self) -> None:
        self._found: dict[str, Fault] = {}

    def is_set(self, part: str, fault: Fault) -> bool:
        return self._found.get(part) == fault

    def put(self, part: str, fault: Fault | None) -> bool:
        """Sets or clears; whether that changed anything."""
        if self._found.get(part) == fault:
            return False
        if fault is None:
            del self._found[part]
        else:
            self._found[part] = fault
        return True

    @property
    def first(self) -> Fault | None:
        """The most urgent one."""
        return next((self._found[part] for part in PARTS if part in self._found), None)
