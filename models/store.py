"""Where model files lie on this machine.

A file is read once, hashed, and the very bytes that were hashed are handed on: nothing can be exchanged between the
check and the load. Must never load by path, and never go on to the next directory past a file with a wrong hash: a
file that is not what its name says is a finding, not a reason to look elsewhere. Must never hand a model for demo and
tests to a station before which real persons stand: only a store that was opened for a demo has it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models import manifest as manifests
from models.errors import DemoModelRefused, ModelHashWrong, ModelMissing, ModelUnusable
from models.manifest import Manifest, ModelEntry

SHARED = Path(__file__).resolve().parents[2] / "shared" / "models"
"""A folder of models beside the checkout, used where it exists."""

TREE = Path(__file__).resolve().parent
"""Where the models lie that this repository trained itself."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """Verified bytes of a model."""

    entry: ModelEntry
    content: bytes
    sha256: str
    path: Path


def default_cache() -> Path:
    """Where fetched models are kept: $XDG_CACHE_HOME or ~/.cache, below `eid-station/models`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "eid-station" / "models"


class ModelStore:
    """Directories searched in order.

    Args:
        paths: first match wins; a directory that does not exist is passed over.
        manifest: what is accepted; the bundled one unless given.
        demo: whether models for demo and tests may stand in, out of the tree and last of all.
    """

    def __init__(self, paths: Sequence[Path], manifest: Manifest | None = None, *, demo: bool = False) -> None:
        self.paths = tuple(paths)
        self.manifest = manifest or manifests.bundled()
        self.demo = demo

    @classmethod
    def standard(cls, configured: Path | None = None, cache: Path | None = None, *, demo: bool = False) -> ModelStore:
        """Configured directory, the folder beside the checkout, the cache directory; in a demo, last, the tree."""
        first = [configured] if configured else []
        return cls([*first, SHARED, cache or default_cache()], demo=demo)

    @property
    def writable(self) -> Path:
        """The last directory: where fetched files go."""
        return self.paths[-1]

    def read(self, model_id: str) -> ModelFile:
        """The verified bytes of a model.

        Raises:
            ModelMissing: the file is in no directory.
            ModelHashWrong: the first file of that name is not the one the manifest names.
            ModelUnusable: the first file of that name cannot be read.
            DemoModelRefused: it is for demo and tests, and this store is not.
        """
        entry = self.manifest.entry(model_id)
        if entry.demo and not self.demo:
            raise DemoModelRefused(model=entry.id)
        for directory in self.paths if entry.trained_by is None else (TREE,):
            path = directory / entry.file
            try:
                content = path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise ModelUnusable(file=str(path), reason=error.strerror or "unreadable") from error
            found = hashlib.sha256(content).hexdigest()
            if not entry.accepts(found):
                raise ModelHashWrong(file=str(path), expected=entry.sha256, found=found)
            return ModelFile(entry, content, found, path)
        raise ModelMissing(file=entry.file, sha256=entry.sha256, origin=entry.origin)

    def id_for(self, role: str) -> str:
        """The model to take for a role: the one for stations, or its stand-in where no directory has that one.

        Looks at names only: a wrong file is a finding of `read`, not a reason to take the stand-in. Raises KeyError.
        """
        known = self.manifest.of_role(role)
        if not known:
            raise KeyError(role)
        standing_in = self.stand_in(known[0])
        if standing_in is not None and not any(_lies(directory / known[0].file) for directory in self.paths):
            return standing_in.id
        return known[0].id

    def stand_in(self, entry: ModelEntry) -> ModelEntry | None:
        """What may be taken where `entry` is missing; always None outside a demo."""
        others = (other for other in self.manifest.of_role(entry.role) if other.demo and self.demo)
        return next(others, None)

    def needed(self) -> list[ModelEntry]:
        """The missing models for which nothing stands in: without them this store's user cannot go on."""
        return [entry for entry in self.missing() if self.stand_in(entry) is None]

    def missing(self) -> list[ModelEntry]:
        """The models for stations that are in no directory. Raises ModelHashWrong for a wrong file."""
        absent = []
        for entry in self.manifest.model:
            if entry.demo:
                continue
            try:
                self.read(entry.id)
            except ModelMissing:
                absent.append(entry)
        return absent


def _lies(path: Path) -> bool:
    """Whether there is a file of that name; one that may not be looked at is there too, and `read` says so."""
    try:
        return path.exists()
    except OSError:
        return True
