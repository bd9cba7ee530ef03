"""Errors of the station's daemons.

StationError(EidError)
├── ConfigInvalid         the configuration file is missing, malformed or has an unknown key
├── KeyFileUnusable       a key file is missing or unreadable
├── RuntimeDirNotMemory   the runtime directory is not in memory (the draft key would reach the card)
├── StateDirMissing       the state directory is not there
├── DraftUnreadable       a draft that cannot be opened any more (the key went with the power)
├── CaseUnusable          a case that does not verify, open or apply
├── SessionUnfit          a confirmed session that no bundle can be made of
└── OutboxFull            no room for another capture
"""

from __future__ import annotations

from wire.errors import EidError


class StationError(EidError):
    """Root of the branch."""

    message_id = "error.station.text"


class ConfigInvalid(StationError, ValueError):
    """Parameters: file, field, reason."""

    message_id = "error.station.config"


class KeyFileUnusable(StationError):
    """Parameters: file, reason."""

    message_id = "error.station.key_file"


class RuntimeDirNotMemory(StationError):
    """Parameters: path."""

    message_id = "error.station.runtime_dir"


class StateDirMissing(StationError, FileNotFoundError):
    """Parameters: path."""

    message_id = "error.station.state_dir"


class DraftUnreadable(StationError):
    """No parameters."""

    message_id = "error.station.draft"


class CaseUnusable(StationError, ValueError):
    """Parameter `reason`: envelope, content, expired, other_station, done."""

    message_id = "error.station.case"


class SessionUnfit(StationError, ValueError):
    """Parameter: reason."""

    message_id = "error.station.session"


class OutboxFull(StationError):
    """Parameters: waiting."""

    message_id = "error.station.outbox_full"


class SpoolError(StationError, OSError):
    """Parameters: where (name of the folder inside the state directory), reason (name of the errno)."""

    message_id = "error.spool.failed"


class StorageFull(SpoolError):
    """ENOSPC, EDQUOT. Parameters: where, reason."""

    message_id = "error.spool.full"


class StorageReadOnly(SpoolError):
    """EROFS. Parameters: where, reason."""

    message_id = "error.spool.read_only"


class StorageDenied(SpoolError, PermissionError):
    """EACCES, EPERM. Parameters: where, reason."""

    message_id = "error.spool.denied"


class StorageFailed(SpoolError):
    """EIO and everything else. Parameters: where, reason."""

    message_id = "error.spool.failed"
