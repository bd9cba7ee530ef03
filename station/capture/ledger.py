"""Which dossiers this station has captured, and under which bundle id: keeps a case from being captured twice, and
gives results their short code on the display. Identifiers only."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from station import durable
from wire.ids import is_ulid


@dataclass(frozen=True, slots=True)
class Entry:
    """One captured dossier."""

    bundle_id: str
    dossier_id: str
    code: str


class Ledger:
    """One small file a bundle in `captured/`; a torn one is as good as none."""

    def __init__(self, state_dir: Path) -> None:
        self._directory = state_dir / "captured"
        self._entries: dict[str, Entry] = {}
        self._dossiers: set[str] = set()

    def open(self) -> None:
        durable.make_directory(self._directory, 0o700)
        try:
            files = sorted(self._directory.iterdir())
        except OSError as error:
            raise durable.storage_error(error, self._directory.name) from error
        for file in files:
            entry = _parse(file)
            if entry is not None:
                self._entries[entry.bundle_id] = entry
                self._dossiers.add(entry.dossier_id)

    def add(self, entry: Entry) -> None:
        """Durable before it returns."""
        text = json.dumps({"dossier_id": entry.dossier_id, "code": entry.code})
        durable.write(self._directory / f"{entry.bundle_id}.json", text.encode(), mode=0o600)
        self._entries[entry.bundle_id] = entry
        self._dossiers.add(entry.dossier_id)

    def code(self, bundle_id: str) -> str:
        """The case's short code; the end of the bundle id where the entry is gone."""
        entry = self._entries.get(bundle_id)
        return entry.code if entry is not None else bundle_id[-6:]

    def captured(self, dossier_id: str) -> bool:
        return dossier_id in self._dossiers

    def bundles(self, dossier_id: str) -> set[str]:
        """The bundle ids under which a dossier was captured here."""
        if dossier_id not in self._dossiers:
            return set()
        return {entry.bundle_id for entry in self._entries.values() if entry.dossier_id == dossier_id}

    def keep_only(self, bundle_ids: set[str]) -> None:
        """Forgets what is neither waiting nor known by receipt or status any more."""
        for bundle_id in set(self._entries) - bundle_ids:
            del self._entries[bundle_id]
            with contextlib.suppress(OSError):
                (self._directory / f"{bundle_id}.json").unlink()
        self._dossiers = {entry.dossier_id for entry in self._entries.values()}


def _parse(file: Path) -> Entry | None:
    if not is_ulid(file.stem) or file.suffix != ".json":
        return None
    try:
        found = json.loads(file.read_bytes())
        return Entry(file.stem, str(found["dossier_id"]), str(found["code"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
