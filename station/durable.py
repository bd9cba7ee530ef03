"""Files that are either wholly there or not there, whatever happens to the process or the power.

Written to `<name>.tmp` in the same directory, synced, renamed, and the directory synced: rename(2) is atomic but only
durable once the directory is (fsync(2), NOTES). Must never leave half a file under its final name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from station.errors import SpoolError, StorageDenied, StorageFailed, StorageFull, StorageReadOnly

TMP_SUFFIX = ".tmp"
FILE_MODE = 0o640
DIRECTORY_MODE = 0o2770


def storage_error(error: OSError, where: str) -> SpoolError:
    """The station's error for what the medium said. `where`: the folder's name, never a path with personal data."""
    reason = errno.errorcode.get(error.errno or 0, "EIO")
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return StorageFull(where=where, reason=reason)
        case errno.EROFS:
            return StorageReadOnly(where=where, reason=reason)
        case errno.EACCES | errno.EPERM:
            return StorageDenied(where=where, reason=reason)
        case _:
            return StorageFailed(where=where, reason=reason)


def write(path: Path, data: bytes, *, mode: int = FILE_MODE, sync: bool = True, modified_ms: int | None = None) -> None:
    """Puts `data` at `path`, replacing what was there.

    Args:
        mode: set explicitly, whatever the umask.
        sync: False where losing the file with the power is harmless (it still survives the process).
        modified_ms: the modification time, Unix milliseconds; the current time where None.

    Raises:
        SpoolError: StorageFull, StorageReadOnly, StorageDenied or StorageFailed; then `path` is as it was before
            (or, where only the directory's sync failed, already new).
    """
    temporary = path.with_name(path.name + TMP_SUFFIX)
    try:
        try:
            _fill(temporary, data, mode, sync)
            if modified_ms is not None:
                os.utime(temporary, ns=(modified_ms * 1_000_000, modified_ms * 1_000_000))
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        if sync:
            sync_directory(path.parent)
    except OSError as error:
        raise storage_error(error, path.parent.name) from error


def remove(path: Path) -> bool:
    """Unlinks durably; False where it was not there. Raises SpoolError."""
    try:
        path.unlink()
        sync_directory(path.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise storage_error(error, path.parent.name) from error
    return True


def move(source: Path, target: Path) -> None:
    """Renames durably across two directories of one file system. Raises SpoolError or FileNotFoundError."""
    try:
        os.rename(source, target)
        sync_directory(target.parent)
        sync_directory(source.parent)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise storage_error(error, source.parent.name) from error


def make_directory(path: Path, mode: int = DIRECTORY_MODE) -> None:
    """The directory, with exactly `mode` (the owner may be another member of the group). Raises SpoolError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if stat.S_IMODE(path.stat().st_mode) != mode:
            path.chmod(mode)
    except OSError as error:
        raise storage_error(error, path.name) from error


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(path: Path, data: bytes, mode: int, sync: bool) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        os.fchmod(descriptor, mode)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
