"""The link process: one owner loop around the brain, a session to the broker, and the shared folders.

The owner takes what the session said, what the folders hold and the time, asks the brain, and carries out what it
wants, in order. Crash-only: an exception nobody expected ends the process, and systemd starts a new one that finds
everything on disk. Must never open a device, and never read a key but the TLS one and the centre's public ones.
"""

from __future__ import annotations

import queue
import random
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import TextIO, assert_never

from station import durable
from station.errors import SpoolError
from station.link import events as ev
from station.link import inbound, tls
from station.link.brain import Brain
from station.link.config import LinkConfig
from station.link.connection import Phase
from station.link.desk import Desk
from station.link.errors import (
    BrokerRefused,
    ConnectionLost,
    IdentityTakenOver,
    LinkAlreadyRunning,
    LinkCrashed,
    LinkError,
)
from station.link.mail import Mailed, address
from station.link.rules import Uniform
from station.link.session import (
    NETWORK_THREAD,
    Acknowledged,
    Answered,
    Crashed,
    Ended,
    Failed,
    Granted,
    Message,
    Pong,
    Said,
    Session,
)
from station.link.state import Fault, LinkState
from station.log import Level, Log
from station.notify import Notifier
from station.spool import Spool
from wire import topics
from wire.messages import StationState

EXIT_OK, EXIT_CRASHED, EXIT_BUSY, EXIT_CONFIG = 0, 70, 75, 78
"""sysexits.h: software error, try again later, configuration error."""

TAKEN_OVER = 0x8E
LEAVE_DEADLINE_S = 2.0
LOOK_ANYWAY_S = 5.0
RETRY_STORAGE_S = 2.0
CERTIFICATE_EVERY_S = 3600.0
PRUNE_EVERY_S = 6 * 3600.0
MAX_NETWORK_THREADS = 4


class Clock:
    """The process's clocks."""

    def now(self) -> ev.Now:
        return ev.Now(time.monotonic(), time.time_ns() // 1_000_000)


@dataclass(slots=True)
class _Flight:
    """What the packet ids of the present session stand for."""

    bundles: dict[int, str] = field(default_factory=dict)
    mail: dict[int, int] = field(default_factory=dict)


class Daemon:
    """The owner. Everything here runs on one thread."""

    def __init__(self, config: LinkConfig, log: Log, notifier: Notifier, clock: Clock, uniform: Uniform) -> None:
        self._config = config
        self._log = log
        self._notifier = notifier
        self._clock = clock
        self._keys = config.read_centre_keys()
        self._spool = Spool(config.state_dir)
        self._desk = Desk(self._spool, config.station_id)
        self._brain = Brain(config.rules(), uniform, clock.now())
        self._inbox: queue.SimpleQueue[tuple[int, Said] | None] = queue.SimpleQueue()
        self._session: Session | None = None
        self._generation = 0
        self._flight = _Flight()
        self._stop = threading.Event()
        self._fingerprint: tuple[int, ...] = ()
        self._due: dict[str, float] = {}
        self._crash: BaseException | None = None

    def stop(self) -> None:
        """Asks the loop to end; from any thread or signal handler."""
        self._stop.set()
        self._inbox.put(None)

    def crashed(self, error: BaseException) -> None:
        """An exception of another thread; from that thread."""
        self._inbox.put((self._generation, Crashed(error)))

    def run(self) -> int:
        """Until asked to stop. Raises whatever nobody expected."""
        durable.make_directory(self._spool.link_dir)
        if not self._spool.claim():
            raise LinkAlreadyRunning(where=self._config.state_dir.name)
        try:
            self._feed(self._desk.open(self._keys))
            self._log.event("link.started", station=self._config.station_id, host=self._config.host)
            self._notifier.ready()
            while not self._stop.is_set():
                self._turn()
            self._leave()
        finally:
            self._spool.release_claim()
        return EXIT_OK

    def _turn(self) -> None:
        """One turn of the loop: at most one wait, at most `poll_s` long."""
        self._keep_house()
        self._feed(ev.Tick())
        wait_s = 0.0 if self._desk.unread else self._config.poll_s
        try:
            item = self._inbox.get(timeout=wait_s) if wait_s else self._inbox.get_nowait()
        except queue.Empty:
            return
        if item is not None:
            self._hear(*item)

    def _is_due(self, what: str, every_s: float) -> bool:
        now_s = self._clock.now().monotonic_s
        if now_s < self._due.get(what, now_s):
            return False
        self._due[what] = now_s + every_s
        return True

    def _keep_house(self) -> None:
        now = self._clock.now()
        if self._is_due("alive", (self._notifier.watchdog_s or 30.0) / 3):
            self._notifier.alive()
        if self._desk.unread or self._is_due("look", self._config.poll_s):
            self._look(now)
        if self._desk.pending and self._is_due("storage", RETRY_STORAGE_S):
            self._desk.retry()
            self._feed(ev.Storage(self._desk.fault))
        if self._is_due("certificate", CERTIFICATE_EVERY_S):
            own = tls.lifetime(self._config)
            soon = own is not None and own.ends_soon(now.wall_ms, self._config.renew_share)
            self._feed(ev.Certificate(own.until_ms if own else 0, soon))
        if self._is_due("prune", PRUNE_EVERY_S):
            try:
                self._desk.prune(now.wall_ms, self._config.keep_days)
            except SpoolError as error:
                self._feed(ev.Storage(Fault.of(error)))

    def _look(self, now: ev.Now) -> None:
        """Tells the brain what the folders hold: when they changed, while files are unread, and now and then anyway.

        A change within one tick of the file system's clock is caught by the next regular look.
        """
        try:
            seen = self._spool.fingerprint()
            if seen == self._fingerprint and not self._desk.unread and not self._is_due("list", LOOK_ANYWAY_S):
                return
            found = self._desk.look(now.wall_ms)
        except SpoolError as error:
            self._feed(ev.Storage(Fault.of(error)))
            return
        self._fingerprint = seen
        for event in [*found, ev.Storage(self._desk.fault)]:
            self._feed(event)

    # --- from the session ---

    def _hear(self, generation: int, said: Said) -> None:
        if isinstance(said, Crashed):
            raise said.error
        if generation != self._generation:
            return
        match said:
            case Failed(error):
                known = error if isinstance(error, LinkError) else self._explain(error)
                self._feed(ev.ConnectFailed(known))
            case Answered(code, session_present, limit):
                self._answered(code, session_present, limit)
            case Granted(code):
                self._feed(ev.Subscribed(code))
            case Ended(code, text):
                self._ended(code, text)
            case Acknowledged(mid, code):
                self._acknowledged(mid, code)
            case Message():
                self._received(said)
            case Pong():
                self._feed(ev.Heard())
            case _:
                assert_never(said)

    def _explain(self, error: OSError) -> LinkError:
        return tls.explain(error, self._config, self._clock.now().wall_ms)

    def _answered(self, code: int, session_present: bool, limit: int | None) -> None:
        if code:
            self._generation += 1
            self._feed(ev.Disconnected(code, BrokerRefused(code=code)))
        else:
            self._feed(ev.Connected(session_present, limit))

    def _ended(self, code: int, text: str) -> None:
        error: LinkError = IdentityTakenOver() if code == TAKEN_OVER else ConnectionLost(reason=code)
        if not code and self._brain.phase is Phase.CONNECTING:
            now_ms = self._clock.now().wall_ms
            error = tls.of_alert(text, self._config, now_ms) or tls.own_fault(self._config, now_ms) or error
        self._generation += 1
        self._feed(ev.Disconnected(code, error))

    def _acknowledged(self, mid: int, code: int) -> None:
        bundle_id = self._flight.bundles.pop(mid, None)
        token = self._flight.mail.pop(mid, None)
        if bundle_id is not None:
            self._feed(ev.BundleAcked(bundle_id, code))
        elif token is not None:
            self._feed(ev.Acked(token, code))

    def _received(self, message: Message) -> None:
        """Kept first, acknowledged then: what dies in between is delivered again."""
        event = inbound.read(message.topic, message.payload, self._config.station_id, self._keys)
        if isinstance(event, ev.ReceiptArrived) and not self._desk.has_read(event.receipt.bundle_id):
            self._look(self._clock.now())
        self._feed(event)
        if self._session is not None:
            self._session.acknowledge(message)

    # --- what the brain wants ---

    def _feed(self, event: ev.Event) -> None:
        now = self._clock.now()
        before = self._desk.fault
        for effect in self._brain.handle(event, now):
            if not self._desk.keep(effect, now.wall_ms):
                self._act(effect)
        if self._desk.fault is not None and self._desk.fault != before:
            self._feed(ev.Storage(self._desk.fault))

    def _act(self, effect: ev.Effect) -> None:
        match effect:
            case ev.Connect():
                self._connect()
            case ev.Drop():
                self._generation += 1
                if self._session is not None:
                    self._session.abandon()
            case ev.Subscribe():
                self._of().subscribe()
            case ev.PublishBundle(bundle_id):
                self._publish_bundle(bundle_id)
            case ev.Publish(message, token):
                self._publish(message, token)
            case ev.Note(code, level, values):
                self._log.event(code, Level(level), **values)
            case ev.GiveUp(error):
                raise error
            case _:
                raise AssertionError(f"the desk keeps {type(effect).__name__}")

    def _connect(self) -> None:
        alive = [thread for thread in threading.enumerate() if thread.name.startswith(NETWORK_THREAD)]
        if len(alive) > MAX_NETWORK_THREADS:
            raise LinkCrashed(reason="network_threads")
        self._generation += 1
        self._flight = _Flight()
        now = self._clock.now()
        will = StationState(
            station_id=self._config.station_id,
            online=False,
            software=self._config.software,
            outbox=0,
            quarantine=0,
            at_ms=now.wall_ms,
        )
        self._session = Session(self._config, self._generation, lambda g, said: self._inbox.put((g, said)), will)
        self._session.start()

    def _publish_bundle(self, bundle_id: str) -> None:
        try:
            data = self._desk.read(bundle_id)
        except SpoolError as error:
            self._feed(ev.Unfit(bundle_id, "unreadable"))
            self._feed(ev.Storage(Fault.of(error)))
            return
        if data is None:
            self._fingerprint = ()
            self._due.pop("look", None)
            return
        mid = self._of().publish(topics.up_bundle(self._config.station_id, bundle_id), data)
        self._flight.bundles[mid] = bundle_id
        self._log.event("link.bundle.sent", bundle=bundle_id, size_bytes=len(data))

    def _publish(self, message: Mailed, token: int) -> None:
        topic, retain = address(message)
        mid = self._of().publish(topic, message.encode(), retain=retain)
        self._flight.mail[mid] = token

    def _of(self) -> Session:
        if self._session is None:
            raise LinkCrashed(reason="no_session")
        return self._session

    def _leave(self) -> None:
        """Tells the broker, waits a moment for its answer, and goes."""
        self._notifier.stopping()
        reachable = self._brain.phase in (Phase.SUBSCRIBING, Phase.ONLINE)
        self._feed(ev.Stopping())
        deadline_s = time.monotonic() + LEAVE_DEADLINE_S
        said_goodbye = False
        while reachable and self._session is not None and (left_s := deadline_s - time.monotonic()) > 0:
            if not said_goodbye and not self._flight.mail:
                self._session.leave()
                said_goodbye = True
            try:
                item = self._inbox.get(timeout=left_s)
            except queue.Empty:
                break
            if item is None or item[0] != self._generation:
                continue
            match item[1]:
                case Acknowledged(mid, _):
                    self._flight.mail.pop(mid, None)
                case Ended() | Failed():
                    break
        self._log.event("link.stopped")


def run_link(
    config: LinkConfig,
    *,
    environment: Mapping[str, str],
    stream: TextIO = sys.stderr,
    clock: Clock | None = None,
    uniform: Uniform = random.random,
    debug: bool = False,
) -> int:
    """Runs the link until SIGTERM or SIGINT; the process's exit code (sysexits.h).

    Args:
        config: see LinkConfig.
        environment: NOTIFY_SOCKET and WATCHDOG_USEC of systemd (os.environ).
        stream: one JSON line per event.
        uniform: randomness for the waiting times.
    """
    clock = clock or Clock()
    log = Log(stream, "link", lambda: clock.now().wall_ms, debug=debug)
    try:
        daemon = Daemon(config, log, Notifier(environment), clock, uniform)
        threading.excepthook = lambda args: daemon.crashed(args.exc_value or RuntimeError("thread"))

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            daemon.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, on_signal)
        return daemon.run()
    except LinkAlreadyRunning as error:
        log.error(error)
        return EXIT_BUSY
    except Exception as error:
        return _ended_by(error, config, clock, log)


def _ended_by(error: Exception, config: LinkConfig, clock: Clock, log: Log) -> int:
    """Says why, in the log and for the display, and ends."""
    known = error if isinstance(error, (LinkError, SpoolError)) else LinkCrashed(reason=type(error).__name__)
    log.error(known)
    state = LinkState(connected=False, since_ms=clock.now().wall_ms, last_error=Fault.of(known))
    try:
        Spool(config.state_dir).put_link_state(state)
    except SpoolError as refused:
        log.error(refused)
    return EXIT_CONFIG if known.message_id == "error.link.credential" else EXIT_CRASHED
