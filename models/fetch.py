"""Fetching missing models from their pinned public origins.

https only; size and SHA-256 are checked before a file gets its name; written beside and renamed, so that a cut leaves
nothing half. Never resumes a half file and never follows a redirect off https.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from models.errors import ModelHashWrong, ModelMissing
from models.manifest import ModelEntry
from models.store import ModelStore

Progress = Callable[[str, int, int], None]
"""Called with file name, bytes so far, bytes in all."""

_REDIRECTS = 3


def silent(_file: str, _done: int, _total: int) -> None:
    """No progress shown."""


def fetch(store: ModelStore, progress: Progress = silent, *, timeout_s: float = 120.0) -> list[Path]:
    """Fetches every model that the store lacks into its writable directory.

    Args:
        timeout_s: deadline for each file, connection included.

    Returns:
        The files written; empty if nothing was missing.

    Raises:
        ModelMissing: no origin gave the file in time; names file, hash and origin.
        ModelHashWrong: an origin gave something else.
    """
    return [_fetch_one(entry, store.writable, progress, timeout_s) for entry in store.missing()]


def _fetch_one(entry: ModelEntry, directory: Path, progress: Progress, timeout_s: float) -> Path:
    missing = ModelMissing(file=entry.file, sha256=entry.sha256, origin=entry.origin)
    for url in entry.origins:
        try:
            content = get(url, entry.file, entry.size_bytes, progress, timeout_s)
        except httpx.HTTPError as error:
            missing.__cause__ = error
            continue
        return keep(entry, content, directory)
    raise missing


def get(url: str, name: str, size_bytes: int, progress: Progress, timeout_s: float) -> bytes:
    """One file over https, at most one byte longer than it should be. Raises httpx.HTTPError, also at the deadline."""
    deadline = time.monotonic() + timeout_s
    content = bytearray()
    with httpx.Client(timeout=min(timeout_s, 30.0), follow_redirects=False) as client:
        for _ in range(_REDIRECTS + 1):
            if httpx.URL(url).scheme != "https":
                raise httpx.UnsupportedProtocol(f"{name}: only https")
            with client.stream("GET", url) as answer:
                if answer.is_redirect:
                    url = str(answer.url.join(answer.headers["location"]))
                    continue
                answer.raise_for_status()
                for part in answer.iter_bytes():
                    content += part
                    progress(name, len(content), size_bytes)
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout(f"{name}: deadline")
                    if len(content) > size_bytes:
                        break
                return bytes(content)
    raise httpx.TooManyRedirects(f"{name}: too many redirects")


def keep(entry: ModelEntry, content: bytes, directory: Path) -> Path:
    """Checks and writes a model file. Raises ModelHashWrong and writes nothing."""
    found = hashlib.sha256(content).hexdigest()
    if not entry.accepts(found):
        raise ModelHashWrong(file=entry.file, expected=entry.sha256, found=found)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / entry.file
    unfinished = directory / f".{entry.file}.{os.getpid()}"
    with unfinished.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    os.replace(unfinished, path)
    return path
