"""Puts the capture daemon together from its configuration, and runs it."""

from __future__ import annotations

import os
import queue
import resource
import signal
import sys
import time
from datetime import datetime
from importlib import metadata
from zoneinfo import ZoneInfo

from drivers import registry
from drivers.panel.debounce import DebouncePolicy
from drivers.panel.port import Button
from models import policy as portrait_policies
from models.document.glyphs import WEIGHTS_SHA256
from models.document.reader import DocumentReader
from models.face.pipeline import DETECTOR, EMBEDDING_ROLE, LANDMARKS, FacePipeline
from models.policy import FacePolicy
from models.runtime import Runtime
from models.store import ModelStore
from station import policy as policies
from station.capture import memory, no_network
from station.capture.camera_worker import CameraSettings, CameraWorker, Sight
from station.capture.daemon import CaptureDaemon, Dimming, Inbox, Workers, exit_code, fatal_screen
from station.capture.display_worker import DisplayWorker
from station.capture.draft import Draft
from station.capture.finger_worker import FingerWorker
from station.capture.ledger import Ledger
from station.capture.sealing import Provenance
from station.capture.storage_worker import Parts, StorageWorker
from station.capture.vault import Vault
from station.clock import StationClock
from station.config import DeviceSection, StationConfig
from station.errors import ConfigInvalid
from station.log import Level, Log
from station.notify import Notifier
from station.room import bundled_policy
from station.spool import Spool, Writer
from station.workflow.state import MatchPolicy, State
from wire.bundle import Instant
from wire.catalogue import bundled as catalogue
from wire.errors import EidError

LOCAL_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

_SETTLE_S = 3.0

LOOPBACK_DRIVERS = {"sbi"}
"""Fingerprint drivers that speak to a device service on the private loopback."""


def software_version() -> str:
    """Name and version, for bundles and logs."""
    return "eid-capture-station-" + metadata.version("eid-capture-station")


def run_capture(config: StationConfig) -> int:
    """Runs the capture daemon until SIGTERM or a failure; its exit code.

    Errors of the configuration, keys or runtime directory are raised before anything is opened.
    """
    fingerprint = config.fingerprint.driver
    no_network.forbid(fingerprint if fingerprint in LOOPBACK_DRIVERS else "")
    os.umask(0o027)
    memory.bound_heap()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold faces in the clear
    log = Log(sys.stderr, "capture", lambda: time.time_ns() // 1_000_000)
    try:
        daemon, storage = build(config, log)
        restored = storage.restore()
    except EidError as error:
        log.error(error)
        show_failure(config.display, error)
        return exit_code(error)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.end())
    code = daemon.run(restored)
    if daemon.stuck:
        # A thread that hangs in a driver could keep the interpreter from ending; systemd is to start us again now.
        os._exit(code)
    return code


def build(config: StationConfig, log: Log) -> tuple[CaptureDaemon, StorageWorker]:
    """The daemon and its storage worker, nothing started.

    Raises:
        ConfigInvalid, KeyFileUnusable, KeyInvalid, RuntimeDirNotMemory, SpoolError, UnknownDriver, DriverNotLoadable,
        DriverOptionsInvalid.
    """
    desk = policies.desk(config.capture.workflow_policy)
    fingers = finger_policy(config)
    clock = StationClock(config.station.state_dir / "clock-floor")
    clock.open()
    face = portrait_policy(config.models.portrait_policy, clock.now())
    store = model_store(config)
    match_id, match = portrait_policies.match_for(face, store.id_for(EMBEDDING_ROLE))
    if match_id != face.policy_id:
        log.event("models.demo", Level.WARNING, embedding=match.model_id)
    spool = Spool(config.station.state_dir)
    spool.prepare(Writer.CAPTURE)
    vault = Vault.load(config.station.id, config.capture.key_dir)
    draft = Draft(config.station.state_dir, config.capture.runtime_dir, config.station.id)
    draft.open()
    ledger = Ledger(config.station.state_dir)
    ledger.open()
    devices = {
        kind: registry.create(kind, section.driver, section.options)
        for kind, section in (
            ("camera", config.camera),
            ("fingerprint", config.fingerprint),
            ("panel", config.panel),
            ("display", config.display),
        )
    }
    inbox: Inbox = queue.SimpleQueue()
    provenance = Provenance(
        station_id=config.station.id,
        software=software_version(),
        policies={
            "workflow": config.capture.workflow_policy,
            "fingers": config.capture.finger_policy,
            "portrait": face.policy_id,
            "match": match_id,
        },
        models=_model_hashes(store),
    )
    storage = StorageWorker(inbox.put, Parts(spool, draft, vault, ledger, clock, bundled_policy(), provenance))
    workers = Workers(
        camera=CameraWorker(
            inbox.put,
            devices["camera"],
            lambda: Sight(FacePipeline.open(store, runtime(config), embedding=match.model_id), DocumentReader.load()),
            face,
            CameraSettings(desk.document_attempt_s, desk.portrait_attempt_s, desk.portrait_window_frames),
            clock.now,
            config.camera.driver,
        ),
        finger=FingerWorker(inbox.put, devices["fingerprint"], fingers.capture(), config.fingerprint.driver),
        display=DisplayWorker(inbox.put, devices["display"]),
        storage=storage,
    )
    workflow = desk.workflow(
        config.capture.workflow_policy,
        registry.fingers_at_once(config.fingerprint.driver),
        MatchPolicy(match.model_id, match.accept, match.review),
        demo=store.manifest.entry(match.model_id).demo,
    )
    state = State(policy=workflow, officer_id=config.capture.officer_id or "")
    debounce = DebouncePolicy(settle_s=desk.debounce_s, long_s={Button.OFFICER_BACK: desk.long_press_s})
    daemon = CaptureDaemon(
        state,
        inbox,
        workers,
        devices["panel"],
        debounce,
        Dimming(desk.idle_dim_s, desk.session_dim_s),
        clock,
        catalogue(),
        log,
        Notifier(os.environ),
    )
    return daemon, storage


def finger_policy(config: StationConfig) -> policies.FingerPolicy:
    """The finger policy, which must belong to the driver: they stand in two places of the configuration.

    A single-finger sensor is only as good as presses that agree; a scanner takes a hand once.

    Raises:
        ConfigInvalid, UnknownDriver, DriverNotLoadable.
    """
    found = policies.finger(config.capture.finger_policy)
    agreeing = found.presses_per_finger > 1 and found.verify_last_press
    if (registry.fingers_at_once(config.fingerprint.driver) == 1) != agreeing:
        reason = f"{config.capture.finger_policy} does not belong to the driver {config.fingerprint.driver}"
        raise ConfigInvalid(file="-", field="capture.finger_policy", reason=reason)
    return found


def model_store(config: StationConfig) -> ModelStore:
    """Where this station looks for model files; a stand-in for demo and tests only before an emulated camera."""
    stores, demo = config.models.stores, not config.production
    return ModelStore(stores, demo=demo) if stores else ModelStore.standard(demo=demo)


def runtime(config: StationConfig) -> Runtime | None:
    """The TFLite runtime named in the configuration; None: by Python version. Raises ConfigInvalid."""
    match config.models.runtime:
        case "":
            return None
        case "tflite-runtime":
            return "tflite-runtime"
        case "ai-edge-litert":
            return "ai-edge-litert"
        case name:
            raise ConfigInvalid(file="-", field="models.runtime", reason=f"no such runtime: {name}")


def portrait_policy(policy_id: str, now: Instant) -> FacePolicy:
    """The portrait policy of that id; else the one in force now, as long as the daemon runs. Raises ConfigInvalid.

    A clock that nobody vouches for must not bring back an old policy with fewer gates: then the newest counts.
    """
    if not policy_id and not now.trust.vouched:
        return portrait_policies.bundled()[-1]
    if not policy_id:
        return portrait_policies.valid_on(datetime.fromtimestamp(now.wall_ms / 1000, LOCAL_ZONE).date())
    for found in portrait_policies.bundled():
        if found.policy_id == policy_id:
            return found
    raise ConfigInvalid(file="-", field="models.portrait_policy", reason="no such policy")


def show_failure(section: DeviceSection, error: EidError) -> None:
    """The sentence on the display, where the officer sees it; a display that fails too changes nothing."""
    try:
        display = registry.create("display", section.driver, section.options)
        display.open()
        display.show(fatal_screen(catalogue(), error))
        display.settle(_SETTLE_S)
    except EidError:
        return


def _model_hashes(store: ModelStore) -> dict[str, bytes]:
    known = (store.manifest.entry(one) for one in (DETECTOR, LANDMARKS, store.id_for(EMBEDDING_ROLE)))
    hashes = {entry.id: bytes.fromhex(entry.weights_sha256) for entry in known}
    return hashes | {"mrz-glyphs": bytes.fromhex(WEIGHTS_SHA256)}
