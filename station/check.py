"""What `eid-station check` looks at: configuration, keys, models, drivers, room and certificate of a station.

Opens no device and no connection, and changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from drivers import registry
from models.face.pipeline import EMBEDDING_ROLE, FacePipeline
from station import durable
from station import policy as policies
from station.capture.build import finger_policy, model_store, portrait_policy, runtime
from station.capture.draft import filesystem
from station.capture.vault import Vault
from station.clock import StationClock
from station.config import StationConfig
from station.errors import OutboxFull, RuntimeDirNotMemory, StateDirMissing, StorageFull
from station.link import tls
from station.room import Limit, bundled_policy
from station.spool import Spool
from wire.bundle import Instant
from wire.errors import EidError

_HIDDEN = {"password"}


def findings(config: StationConfig) -> Iterator[tuple[str, EidError | None]]:
    """Each part with its error, or None where it is well."""
    checks: dict[str, Callable[[], object]] = {
        "workflow policy": lambda: policies.desk(config.capture.workflow_policy),
        "finger policy": lambda: finger_policy(config),
        "portrait policy": lambda: portrait_policy(config.models.portrait_policy, _now(config)),
        "capture keys": lambda: Vault.load(config.station.id, config.capture.key_dir),
        "runtime directory": lambda: _in_memory(config),
        "room for captures": lambda: _room(config.station.state_dir),
        _models(config): lambda: FacePipeline.open(model_store(config), runtime(config)),
        "link": config.link_config,
    }
    if _is_valid(config.link_config):
        checks["link keys"] = lambda: config.link_config().read_centre_keys()
        checks["link certificate"] = lambda: _certificate(config)
    for device in ("camera", "fingerprint", "panel", "display"):
        checks[f"{device} driver"] = _driver(config, device)
    for part, check in checks.items():
        try:
            check()
        except EidError as error:
            yield part, error
        except OSError as error:
            yield part, durable.storage_error(error, Path(error.filename or part).name)
        else:
            yield part, None


def described(config: StationConfig) -> dict[str, Any]:
    """The configuration as it counts, defaults filled in; passwords are not told."""
    return {name: _without_secrets(section) for name, section in config.model_dump(mode="json").items()}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "***" if name in _HIDDEN else _without_secrets(inner) for name, inner in value.items()}
    return value


def _is_valid(check: Callable[[], object]) -> bool:
    try:
        check()
    except EidError:
        return False
    return True


def _driver(config: StationConfig, device: str) -> Callable[[], object]:
    section = getattr(config, device)
    return lambda: registry.create(device, section.driver, section.options)


def _now(config: StationConfig) -> Instant:
    clock = StationClock(config.station.state_dir / "clock-floor")
    clock.open()
    return clock.now()


def _models(config: StationConfig) -> str:
    store = model_store(config)
    embedding = store.manifest.entry(store.id_for(EMBEDDING_ROLE))
    return f"models ({embedding.id}: for demo and tests only)" if embedding.demo else "models"


def _in_memory(config: StationConfig) -> None:
    directory = config.capture.runtime_dir
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    if filesystem(existing) not in ("tmpfs", "ramfs"):
        raise RuntimeDirNotMemory(path=str(directory))


def _room(state_dir: Path) -> None:
    if not state_dir.is_dir():
        raise StateDirMissing(path=str(state_dir))
    spool = Spool(state_dir)
    found = spool.room(bundled_policy(), time.time_ns() // 1_000_000)
    if Limit.FREE in found.full:
        raise StorageFull(where=str(state_dir), reason=f"{found.free_bytes // 1_000_000} MB free")
    if found.full:
        raise OutboxFull(waiting=found.bundles)


def _certificate(config: StationConfig) -> None:
    link = config.link_config()
    tls.context(link)
    fault = tls.own_fault(link, time.time_ns() // 1_000_000)
    if fault is not None:
        raise fault
