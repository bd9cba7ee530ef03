"""The configuration of a station: one TOML file, read by both daemons, each its own parts.

An unknown key, a missing file or a value out of range is an error with the place and what to do; nothing is guessed.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError

from station.errors import ConfigInvalid
from wire.ids import StationId
from wire.model import Code

if TYPE_CHECKING:
    from station.link.config import LinkConfig


def _path(value: object) -> object:
    return Path(value) if isinstance(value, str) and value else value


FilePath = Annotated[Path, BeforeValidator(_path)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StationSection(_Section):
    """Who and where. `state_dir` is shared by both daemons and survives a reboot."""

    id: StationId
    state_dir: FilePath
    office: str = ""


class CaptureSection(_Section):
    """The capture daemon's own. `runtime_dir` must lie in memory (tmpfs); `key_dir` only capture may read."""

    runtime_dir: FilePath
    key_dir: FilePath
    officer_id: Code | None = None
    workflow_policy: Code = "desk-2026-11"
    finger_policy: Code = "single-finger-2026-11"


class DeviceSection(_Section):
    """A device: which driver, with which options (checked by the driver itself)."""

    driver: str
    options: dict[str, Any] = Field(default_factory=dict)


class ModelsSection(_Section):
    """Where model files lie, first place first (empty: the usual places); `runtime` empty: by Python version."""

    stores: list[FilePath] = Field(default_factory=list)
    runtime: str = ""
    portrait_policy: str = ""


class StationConfig(_Section):
    """The whole file. `[link]` is checked by the link daemon (station/link/config.py)."""

    station: StationSection
    capture: CaptureSection
    camera: DeviceSection
    fingerprint: DeviceSection
    panel: DeviceSection
    display: DeviceSection
    models: ModelsSection = ModelsSection()
    link: dict[str, Any] = Field(default_factory=dict)
    _file: str = PrivateAttr("-")

    @property
    def production(self) -> bool:
        """Whether real persons stand before this station: its camera is a real one. No other key can change that."""
        return self.camera.driver != "emulated"

    def link_config(self) -> LinkConfig:
        """The link daemon's part, with the station's own facts filled in. Raises ConfigInvalid."""
        from station.link.config import LinkConfig  # only the link daemon and `check` need it

        own = {"station_id": self.station.id, "state_dir": self.station.state_dir}
        try:
            return LinkConfig.model_validate({**self.link, **own})
        except ValidationError as error:
            raise _invalid(self._file, error, "link") from None


def load(path: Path) -> StationConfig:
    """The configuration in `path`. Raises ConfigInvalid."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigInvalid(file=str(path), field="-", reason=error.strerror or "unreadable") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigInvalid(file=str(path), field="-", reason=str(error)) from error
    try:
        config = StationConfig.model_validate(raw)
    except ValidationError as error:
        raise _invalid(str(path), error) from None
    config._file = str(path)
    return config


def display_section(path: Path) -> DeviceSection | None:
    """The display, as far as a broken file names one: the officer should see why the station does not start."""
    try:
        return DeviceSection.model_validate(tomllib.loads(path.read_text("utf-8"))["display"])
    except (OSError, ValueError, KeyError):
        return None


_REASONS = {"extra_forbidden": "no such key", "missing": "is missing"}


def _invalid(file: str, error: ValidationError, *section: str) -> ConfigInvalid:
    """The first place with its reason, and the names of all others: nobody wants to find them one restart apart."""
    found = error.errors(include_input=False, include_url=False)
    places = [".".join((*section, *map(str, each["loc"]))) for each in found]
    reason = _REASONS.get(found[0]["type"], found[0]["msg"])
    if places[1:]:
        reason += f" (also wrong: {', '.join(places[1:])})"
    return ConfigInvalid(file=file, field=places[0], reason=reason)
