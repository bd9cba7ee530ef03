"""What `eid-station check` looks at: configuration, keys, models, drivers. Opens no device and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from drivers import registry
from models.face.pipeline import FacePipeline
from station import policy as policies
from station.capture.build import model_store, portrait_policy, runtime
from station.capture.draft import filesystem
from station.capture.vault import Vault
from station.config import StationConfig
from station.errors import RuntimeDirNotMemory
from wire.errors import EidError


def findings(config: StationConfig) -> Iterator[tuple[str, EidError | None]]:
    """Each part with its error, or None where it is well."""
    checks: dict[str, Callable[[], object]] = {
        "workflow policy": lambda: policies.desk(config.capture.workflow_policy),
        "finger policy": lambda: policies.finger(config.capture.finger_policy),
        "portrait policy": lambda: portrait_policy(config.models.portrait_policy),
        "capture keys": lambda: Vault.load(config.station.id, config.capture.key_dir),
        "runtime directory": lambda: _in_memory(config),
        "models": lambda: FacePipeline.open(model_store(config), runtime(config)),
        "link": config.link_config,
        "camera driver": lambda: registry.create("camera", config.camera.driver, config.camera.options),
        "fingerprint driver": lambda: registry.create(
            "fingerprint", config.fingerprint.driver, config.fingerprint.options
        ),
        "panel driver": lambda: registry.create("panel", config.panel.driver, config.panel.options),
        "display driver": lambda: registry.create("display", config.display.driver, config.display.options),
    }
    for part, check in checks.items():
        try:
            check()
        except EidError as error:
            yield part, error
        else:
            yield part, None


def _in_memory(config: StationConfig) -> None:
    directory = config.capture.runtime_dir
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    if filesystem(existing) not in ("tmpfs", "ramfs"):
        raise RuntimeDirNotMemory(path=str(directory))
