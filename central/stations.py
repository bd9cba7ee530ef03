"""The stations' records, read from the folder the fleet admin writes.

A record counts as it stands at the moment of the question: a file that was replaced (revoked, renewed) is read again.
Must never take a record whose name is not its file's, nor call a station unknown because its record cannot be read now.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import ValidationError

from central.errors import StationRecordInvalid, StationsUnreadable, StationUnknown
from wire.ids import is_station_id
from wire.stations import KeyInvalid, StationRecord


class StationDirectory:
    """Args: folder: holds `<station id>.json`, each a StationRecord."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[tuple[int, int, int], StationRecord]] = {}

    def get(self, station_id: str) -> StationRecord:
        """Raises StationUnknown, StationRecordInvalid, StationsUnreadable."""
        if not is_station_id(station_id):
            raise StationUnknown(station=station_id[:40])
        path = self._folder / f"{station_id}.json"
        try:
            stat = path.stat()
        except FileNotFoundError:
            if self._folder.is_dir():
                raise StationUnknown(station=station_id) from None
            raise _unreadable(self._folder, "no such folder") from None
        except OSError as error:
            raise _unreadable(path, error.strerror) from None
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        cached = self._known.get(station_id)
        if cached is None or cached[0] != stamp:
            cached = stamp, _read(path, station_id)
            self._known[station_id] = cached
        return cached[1]

    def ids(self) -> list[str]:
        """Every station with a record, sorted. Raises StationsUnreadable."""
        try:
            paths = [Path(name) for name in os.listdir(self._folder)]
        except OSError as error:
            raise _unreadable(self._folder, error.strerror) from None
        return sorted(path.stem for path in paths if path.suffix == ".json" and is_station_id(path.stem))


def _read(path: Path, station_id: str) -> StationRecord:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error.strerror) from None
    try:
        record = StationRecord.model_validate(json.loads(raw))
        record.verifying()
        record.sealing()
    except (ValueError, RecursionError, ValidationError, KeyInvalid):
        raise StationRecordInvalid(file=path.name) from None
    if record.station_id != station_id:
        raise StationRecordInvalid(file=path.name)
    return record


def _unreadable(path: Path, reason: str | None) -> StationsUnreadable:
    return StationsUnreadable(file=str(path), reason=reason or "unreadable")
