"""The draft of the running session: encrypted with a random key that lives in memory only.

The key lies in the runtime directory (tmpfs, mode 0600), the ciphertext in the state directory. The draft survives
the death of the process; it does not survive the power, and then nobody can read it. Both go when the session ends.
Must never write an unencrypted byte, nor keep a key on a disk.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from station import durable
from station.errors import DraftUnreadable, RuntimeDirNotMemory
from station.workflow.session import Session
from wire.errors import WireError

_NONCE_BYTES = 12
_IN_MEMORY = {"tmpfs", "ramfs"}


class Draft:
    """One draft a station.

    Args:
        state_dir: where the ciphertext lies (`draft/session.bin`).
        runtime_dir: where the key lies; must be in memory.
        station_id: bound into the ciphertext.
    """

    def __init__(self, state_dir: Path, runtime_dir: Path, station_id: str) -> None:
        self._directory = state_dir / "draft"
        self._file = self._directory / "session.bin"
        self._key_file = runtime_dir / "draft.key"
        self._restores_file = runtime_dir / "draft.restores"
        self._runtime_dir = runtime_dir
        self._associated = b"eid-draft-1:" + station_id.encode()
        self._key: bytes | None = None

    def open(self) -> None:
        """Checks and makes the directories. Raises RuntimeDirNotMemory."""
        durable.make_directory(self._runtime_dir, 0o700)
        if filesystem(self._runtime_dir) not in _IN_MEMORY:
            raise RuntimeDirNotMemory(path=str(self._runtime_dir))
        durable.make_directory(self._directory, 0o700)
        _unlink(self._directory / "session.bin.tmp")

    def load(self) -> Session | None:
        """The session of the draft, None without one.

        Raises:
            DraftUnreadable: a draft whose key is gone, or that does not decrypt.
            SpoolError: the medium refused; the draft is left as it is.
        """
        stored = _read(self._file)
        if stored is None:
            # The process died between the two halves of `erase`.
            _unlink(self._key_file)
            return None
        key = self._stored_key()
        if key is None or len(stored) < _NONCE_BYTES:
            raise DraftUnreadable
        try:
            plain = AESGCM(key).decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], self._associated)
            session = Session.decode(plain)
        except (InvalidTag, WireError) as error:
            raise DraftUnreadable from error
        self._key = key
        return session

    def save(self, session: Session) -> None:
        """Replaces the draft. Survives the process, so no sync: with the power the key is gone anyway."""
        if self._key is None:
            self._key = self._stored_key() or self._fresh_key()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + AESGCM(self._key).encrypt(nonce, session.encode(), self._associated)
        durable.write(self._file, sealed, mode=0o600, sync=False)
        _unlink(self._restores_file)

    def count_restore(self) -> int:
        """How often the draft was taken up since it was last saved, this time included. Kept in memory only."""
        stored = _read(self._restores_file) or b"0"
        restores = int(stored) + 1 if stored.isdigit() else 1
        durable.write(self._restores_file, b"%d" % restores, mode=0o600, sync=False)
        return restores

    def erase(self) -> None:
        """The key goes even where the file cannot: what remains of it is noise then.

        The file goes first: a file without a key would look like a session lost with the power.
        """
        self._key = None
        try:
            _unlink(self._file)
        finally:
            _unlink(self._key_file)
            _unlink(self._restores_file)

    def _stored_key(self) -> bytes | None:
        key = _read(self._key_file)
        return key if key is not None and len(key) == 32 else None

    def _fresh_key(self) -> bytes:
        key = os.urandom(32)
        durable.write(self._key_file, key, mode=0o600, sync=False)
        return key


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise durable.storage_error(error, path.parent.name) from error


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise durable.storage_error(error, path.parent.name) from error


def filesystem(path: Path) -> str:
    """The type of the file system that `path` lies on, from /proc/self/mounts (proc(5))."""
    target = os.path.realpath(path)
    best, kind = "", ""
    for line in Path("/proc/self/mounts").read_text("utf-8", "surrogateescape").splitlines():
        _, mount, found, *_ = line.split(" ")
        mount = mount.replace("\\040", " ")
        inside = target == mount or target.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, found
    return kind
