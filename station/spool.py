"""The folders the two daemons of a station share, and the only way they speak to each other.

    <state_dir>/
      outbox/<bundle_id>.cose            sealed bundles; capture writes, link removes against a valid receipt only
      outbox/request/<dossier_id>        capture asks the centre for a case
      inbox/case/<dossier_id>.cose       sealed cases; the link verified the centre's signature, but cannot open them
      inbox/receipt/<bundle_id>.cose     signed receipts, kept 30 days
      inbox/status/<bundle_id>.cose      latest signed status; its sequence only grows
      inbox/centre.cose                  latest signed state of the centre; its time only grows
      inbox/link.json                    the link's own state (station/link/state.py)
      quarantine/<name>.cose + .json     what could not be delivered, and why
      link/                              the link's own: lock, poison counters

Both daemons run as different users of one group (directories 2770, files 0640). Every file is there wholly or not at
all (station/durable.py). Readers verify what they read: nothing here is trusted because of where it lies. Must never
delete a bundle except against a receipt, and never write anything unsealed that concerns a person.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pydantic import ValidationError

from station import durable
from station.errors import StorageDenied, StorageFailed, StorageFull
from station.link.state import LinkState
from station.room import OutboxFile, Room, RoomPolicy, room
from wire.envelope import MAX_ENVELOPE_BYTES
from wire.ids import is_ulid

SUFFIX = ".cose"


class Writer(Enum):
    """Who opens the spool; each clears only its own unfinished files."""

    CAPTURE = "capture"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One bundle (or foreign file) that was set apart. `name` is its bundle id or `foreign-<hash>`."""

    name: str
    reason: str
    at_ms: int


class Spool:
    """The shared folders below `state_dir`. Methods raise SpoolError where the medium refuses, and nothing else."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._outbox = state_dir / "outbox"
        self._requests = self._outbox / "request"
        self._inbox = state_dir / "inbox"
        self._cases = self._inbox / "case"
        self._receipts = self._inbox / "receipt"
        self._statuses = self._inbox / "status"
        self._quarantine = state_dir / "quarantine"
        self.link_dir = state_dir / "link"
        self._lock: int | None = None

    @property
    def outbox_dir(self) -> Path:
        return self._outbox

    def prepare(self, writer: Writer) -> None:
        """Makes the folders and removes what `writer` had not finished when it last died."""
        captures = (self._outbox, self._requests)
        links = (self._inbox, self._cases, self._receipts, self._statuses, self._quarantine, self.link_dir)
        for directory in (self.state_dir, *captures, *links):
            durable.make_directory(directory)
        for directory in captures if writer is Writer.CAPTURE else links:
            for unfinished in _entries(directory):
                if unfinished.endswith(durable.TMP_SUFFIX):
                    durable.remove(directory / unfinished)

    # --- the capture daemon's side ---

    def put_bundle(self, bundle_id: str, envelope: bytes) -> bool:
        """Stores a sealed bundle durably; False, and nothing changed, where this id was stored before.

        The first sealing of a bundle id is the one that counts: it may already be at the centre.
        """
        if self.has_bundle(bundle_id):
            return False
        durable.write(self._outbox / _file(bundle_id), envelope)
        return True

    def has_bundle(self, bundle_id: str) -> bool:
        """Whether this bundle waits, was set apart, or has a receipt."""
        name = _file(bundle_id)
        return any((folder / name).exists() for folder in (self._outbox, self._quarantine, self._receipts))

    def ask_for_case(self, dossier_id: str) -> None:
        """The link asks the centre until the case is there or the request is withdrawn."""
        if not (self._requests / _ulid(dossier_id)).exists():
            durable.write(self._requests / _ulid(dossier_id), b"")

    def withdraw_request(self, dossier_id: str) -> bool:
        return durable.remove(self._requests / _ulid(dossier_id))

    def cases(self) -> tuple[str, ...]:
        """Dossier ids of the cases at hand, oldest first."""
        return _ulids(self._cases)

    def read_case(self, dossier_id: str) -> bytes | None:
        """None also where the file cannot be read: asked for again, it is written anew."""
        return _readable(self._cases / _file(dossier_id))

    def remove_case(self, dossier_id: str) -> bool:
        """Once its session has ended, or it has expired."""
        return durable.remove(self._cases / _file(dossier_id))

    def link_state(self) -> LinkState | None:
        """What the link last wrote; None where there is nothing readable."""
        raw = _readable(self._inbox / "link.json")
        if raw is None:
            return None
        try:
            return LinkState.model_validate_json(raw)
        except ValidationError:
            return None

    def link_running(self) -> bool:
        """Whether a link process holds this spool right now (it holds a lock that dies with it)."""
        try:
            descriptor = os.open(self.link_dir / "lock", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    # --- both read ---

    def outbox(self) -> tuple[OutboxFile, ...]:
        """Sealed bundles, oldest first."""
        found = []
        for entry in self._in_outbox():
            if _is_bundle(entry):
                with contextlib.suppress(FileNotFoundError):
                    stat = entry.stat(follow_symlinks=False)
                    found.append(OutboxFile(entry.name[: -len(SUFFIX)], stat.st_size, stat.st_mtime_ns))
        return tuple(sorted(found, key=lambda file: file.bundle_id))

    def read_bundle(self, bundle_id: str) -> bytes | None:
        return _read(self._outbox / _file(bundle_id))

    def receipts(self) -> tuple[str, ...]:
        return _ulids(self._receipts)

    def read_receipt(self, bundle_id: str) -> bytes | None:
        return _readable(self._receipts / _file(bundle_id))

    def statuses(self) -> tuple[str, ...]:
        return _ulids(self._statuses)

    def read_status(self, bundle_id: str) -> bytes | None:
        """None also where the file cannot be read: the next sync has the centre send it again."""
        return _readable(self._statuses / _file(bundle_id))

    def read_centre_state(self) -> bytes | None:
        return _readable(self._inbox / ("centre" + SUFFIX))

    def quarantined(self) -> tuple[Quarantined, ...]:
        """What was set apart, oldest bundle first; a missing or torn reason reads `unknown`."""
        names = sorted(name[: -len(SUFFIX)] for name in _entries(self._quarantine) if name.endswith(SUFFIX))
        return tuple(Quarantined(name, *self._reason(name)) for name in names)

    def quarantine_count(self) -> int:
        """How many of them, without reading their reasons."""
        return sum(name.endswith(SUFFIX) for name in _entries(self._quarantine))

    def free_bytes(self) -> int:
        """What the file system would still take from an ordinary user."""
        try:
            found = os.statvfs(self.state_dir)
        except OSError as error:
            raise durable.storage_error(error, self.state_dir.name) from error
        return found.f_bavail * found.f_frsize

    def room(self, policy: RoomPolicy, now_ms: int) -> Room:
        """The outbox against its high-water marks."""
        return room(policy, self.outbox(), self.free_bytes(), now_ms)

    # --- the link daemon's side ---

    def claim(self) -> bool:
        """Takes the link's lock for the life of this process; False where another link holds it."""
        path = self.link_dir / "lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, durable.FILE_MODE)
            os.fchmod(descriptor, durable.FILE_MODE)
        except OSError as error:
            raise durable.storage_error(error, self.link_dir.name) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def release_claim(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def fingerprint(self) -> tuple[int, ...]:
        """Differs once a file came to or left the outbox, the requests or the quarantine; cheap, for polling."""
        try:
            return tuple(folder.stat().st_mtime_ns for folder in (self._outbox, self._requests, self._quarantine))
        except OSError as error:
            raise durable.storage_error(error, self.state_dir.name) from error

    def requests(self) -> tuple[str, ...]:
        """Dossier ids capture asks for."""
        return tuple(name for name in sorted(_entries(self._requests)) if is_ulid(name))

    def foreign(self) -> tuple[str, ...]:
        """Names in the outbox that nobody of ours writes there."""
        found = []
        for entry in self._in_outbox():
            ours = entry.name == self._requests.name or entry.name.endswith(durable.TMP_SUFFIX) or _is_bundle(entry)
            if not ours:
                found.append(entry.name)
        return tuple(sorted(found))

    def _in_outbox(self) -> Iterator[os.DirEntry[str]]:
        """Its entries, also while they are looked at. Raises SpoolError."""
        try:
            with os.scandir(self._outbox) as entries:
                yield from entries
        except FileNotFoundError:
            return
        except OSError as error:
            raise durable.storage_error(error, self._outbox.name) from error

    def remove_bundle(self, bundle_id: str) -> bool:
        """Only against a valid receipt for exactly these bytes."""
        return durable.remove(self._outbox / _file(bundle_id))

    def put_case(self, dossier_id: str, envelope: bytes) -> None:
        durable.write(self._cases / _file(dossier_id), envelope)

    def put_receipt(self, bundle_id: str, message: bytes, at_ms: int) -> None:
        durable.write(self._receipts / _file(bundle_id), message, modified_ms=at_ms)

    def put_status(self, bundle_id: str, message: bytes, at_ms: int) -> None:
        durable.write(self._statuses / _file(bundle_id), message, modified_ms=at_ms)

    def put_centre_state(self, message: bytes) -> None:
        durable.write(self._inbox / ("centre" + SUFFIX), message)

    def put_link_state(self, state: LinkState) -> None:
        durable.write(self._inbox / "link.json", state.model_dump_json().encode(), sync=False)

    def quarantine(self, bundle_id: str, reason: str, at_ms: int) -> None:
        """Sets a bundle apart with its reason. On a full disk the bundle still moves; only the note is missing."""
        self._set_apart(_file(bundle_id), _ulid(bundle_id), reason, at_ms)

    def quarantine_foreign(self, name: str, at_ms: int) -> str:
        """Sets a foreign file of the outbox apart under a name of ours (its own might be a person's); that name."""
        target = "foreign-" + hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
        self._set_apart(name, target, "foreign_file", at_ms)
        return target

    def release(self, bundle_id: str) -> bool:
        """Puts a quarantined bundle back into the outbox (an admin's decision); False where it is not there."""
        try:
            durable.move(self._quarantine / _file(bundle_id), self._outbox / _file(bundle_id))
        except FileNotFoundError:
            return False
        durable.remove(self._quarantine / (bundle_id + ".json"))
        return True

    def prune(self, now_ms: int, keep_days: int) -> int:
        """Removes receipts and statuses the centre signed more than `keep_days` before `now_ms`; how many."""
        oldest_ns = (now_ms - keep_days * 86_400_000) * 1_000_000
        removed = 0
        for folder in (self._receipts, self._statuses):
            for name in _entries(folder):
                with contextlib.suppress(FileNotFoundError):
                    if (folder / name).stat().st_mtime_ns < oldest_ns:
                        removed += durable.remove(folder / name)
        return removed

    def _set_apart(self, source: str, target: str, reason: str, at_ms: int) -> None:
        note = json.dumps({"name": target, "reason": reason, "at_ms": at_ms}, separators=(",", ":"))
        with contextlib.suppress(StorageFull):
            durable.write(self._quarantine / (target + ".json"), note.encode())
        with contextlib.suppress(FileNotFoundError):
            durable.move(self._outbox / source, self._quarantine / (target + SUFFIX))

    def _reason(self, name: str) -> tuple[str, int]:
        try:
            note = json.loads(_read(self._quarantine / (name + ".json")) or b"")
            return str(note["reason"]), int(note["at_ms"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return "unknown", 0


def _ulid(text: str) -> str:
    """`text` where it may be a file name; ids come from messages, so this guards the paths."""
    if not is_ulid(text):
        raise ValueError("not a ULID")
    return text


def _file(name: str) -> str:
    return _ulid(name) + SUFFIX


def _is_bundle(entry: os.DirEntry[str]) -> bool:
    if not entry.name.endswith(SUFFIX) or not is_ulid(entry.name[: -len(SUFFIX)]):
        return False
    return entry.is_file(follow_symlinks=False)


def _entries(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise durable.storage_error(error, directory.name) from error


def _ulids(directory: Path) -> tuple[str, ...]:
    stems = (name[: -len(SUFFIX)] for name in _entries(directory) if name.endswith(SUFFIX))
    return tuple(sorted(stem for stem in stems if is_ulid(stem)))


def _readable(path: Path) -> bytes | None:
    """For what the centre sends again: one sector gone bad under one file must not stop a daemon for ever."""
    try:
        return _read(path)
    except (StorageFailed, StorageDenied):
        return None


def _read(path: Path) -> bytes | None:
    """The content, at most one byte more than the largest envelope; None where it is not there."""
    try:
        with open(path, "rb") as file:
            return file.read(MAX_ENVELOPE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise durable.storage_error(error, path.parent.name) from error
