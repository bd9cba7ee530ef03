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
        self._runtime_dir = runtime_dir
        self._associated = b"eid-draft-1:" + station_id.encode()
        self._key: bytes | None = None

    def open(self) -> None:
        """Checks and makes the directories. Raises RuntimeDirNotMemory."""
        self._runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if filesystem(self._runtime_dir) not in _IN_MEMORY:
            raise RuntimeDirNotMemory(path=str(self._runtime_dir))
        durable.make_directory(self._directory, 0o700)
        self._directory.joinpath("session.bin.tmp").unlink(missing_ok=True)

    def load(self) -> Session | None:
        """The session of the draft, None without one.

        Raises:
            DraftUnreadable: a draft whose key is gone, or that does not decrypt.
        """
        try:
            stored = self._file.read_bytes()
        except FileNotFoundError:
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

    def erase(self) -> None:
        """The key first: what remains of the file afterwards is noise."""
        self._key_file.unlink(missing_ok=True)
        self._key = None
        self._file.unlink(missing_ok=True)

    def _stored_key(self) -> bytes | None:
        try:
            key = self._key_file.read_bytes()
        except FileNotFoundError:
            return None
        return key if len(key) == 32 else None

    def _fresh_key(self) -> bytes:
        key = os.urandom(32)
        durable.write(self._key_file, key, mode=0o600, sync=False)
        return key


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
