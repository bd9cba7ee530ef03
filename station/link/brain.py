"""The link's decisions, without I/O: events in, effects out. Pure; every rule has an id in docs/link.md and a test.

What it guarantees: a bundle leaves the outbox only by a receipt for exactly its bytes or into quarantine (LINK-001),
and nothing that fails holds up the rest (LINK-002). Must never import I/O, clock, thread or chance: time comes with
each call, randomness with the constructor.
"""

from __future__ import annotations

from typing import assert_never

from station.link import events as ev
from station.link.connection import Connection, Phase
from station.link.errors import (
    BrokerSilent,
    BundleSetApart,
    CentreNotListening,
    LinkError,
    NotAuthorised,
    QuotaExceeded,
)
from station.link.events import Effect, Event, Now
from station.link.faults import Faults
from station.link.mail import Mail, syncs
from station.link.rules import FAILURE, NO_SUBSCRIBER, PACKET_TOO_LARGE, QUOTA, Rules, Uniform, jitter
from station.link.state import Fault, LinkState
from station.link.window import Window
from wire import topics
from wire.messages import CentreState, Receipt, StationEvent, Status, Verdict


class Brain:
    """One station's link.

    Args:
        rules: the numbers.
        uniform: randomness in [0, 1).
        now: when the process started.
    """

    def __init__(self, rules: Rules, uniform: Uniform, now: Now) -> None:
        self._rules = rules
        self._uniform = uniform
        self._now = now
        self._certificate = ev.Certificate(0, False)
        self._connection = Connection(rules, uniform, now)
        self._window = Window(rules, uniform)
        self._mail = Mail(rules, uniform)
        self._known: dict[str, ev.Known] = {}
        self._quarantined = 0
        self._accepting: bool | None = None
        self._centre_ms = 0
        self._held_until_s = 0.0
        self._holds = 0
        self._max_packet_bytes: int | None = None
        self._faults = Faults()
        self._saved: ev.SaveStrikes | None = None
        self._reported: LinkState | None = None
        self._effects: list[Effect] = []

    @property
    def phase(self) -> Phase:
        return self._connection.phase

    def handle(self, event: Event, now: Now) -> list[Effect]:
        """What is to be done now, in this order."""
        self._now, self._effects = now, []
        if self.phase is Phase.STOPPED:
            return []
        if isinstance(event, ev.FROM_BROKER):
            self._connection.heard(now)
        self._on(event)
        self._go_on()
        self._report()
        return self._effects

    def _on(self, event: Event) -> None:
        match event:
            case ev.Started():
                self._on_started(event)
            case ev.Listed():
                self._on_listed(event)
            case ev.Unfit(bundle_id, reason):
                self._set_apart(bundle_id, reason)
            case ev.SetApart(name, reason):
                self._tell("quarantined", name, reason)
            case ev.ConnectFailed(error):
                self._lose(error, 0)
            case ev.Connected(session_present, max_packet_bytes):
                self._on_connected(session_present, max_packet_bytes)
            case ev.Subscribed(code):
                self._on_subscribed(code)
            case ev.Disconnected(code, error):
                self._on_disconnected(code, error)
            case ev.BundleAcked(bundle_id, code):
                self._on_bundle_acked(bundle_id, code)
            case ev.Acked(token, code):
                self._mail.acked(token)
                if code >= FAILURE:
                    self._fault("publish", NotAuthorised(code=code))
            case ev.Tick() | ev.Heard():
                pass
            case ev.ReceiptArrived(receipt, raw):
                self._on_receipt(receipt, raw)
            case ev.StatusArrived(status, raw):
                self._on_status(status, raw)
            case ev.CentreStateArrived(state, raw):
                self._on_centre_state(state, raw)
            case ev.CaseArrived(dossier_id, raw):
                self._do(ev.KeepCase(dossier_id, raw), ev.DropRequest(dossier_id))
            case ev.MessageUnfit(kind, reason):
                self._tell("message_rejected", kind, reason)
            case ev.Certificate(until_ms, ends_soon):
                if ends_soon and not self._certificate.ends_soon:
                    self._note("link.certificate.ends_soon", "warning", until_ms=until_ms)
                self._certificate = event
            case ev.Storage(error):
                self._set_fault("storage", error)
            case ev.Stopping():
                self._on_stopping()
            case _:
                assert_never(event)

    # --- connection ---

    def _on_started(self, event: ev.Started) -> None:
        self._window.resume(event.strikes, event.in_flight)
        self._known = dict(event.known)
        self._quarantined = len(event.quarantined)
        for name, reason in event.quarantined:
            self._fault("quarantine", BundleSetApart(bundle=name, reason=reason))
            self._tell("quarantined", name, reason)
        self._save()

    def _on_listed(self, event: ev.Listed) -> None:
        self._window.listed(event.files)
        self._mail.requested(event.requests)
        self._quarantined = event.quarantine_count

    def _on_connected(self, session_present: bool, max_packet_bytes: int | None) -> None:
        self._connection.accepted(self._now)
        self._max_packet_bytes = max_packet_bytes
        self._note("link.connected", session_present=int(session_present), max_packet_bytes=max_packet_bytes or 0)
        self._do(ev.Subscribe())

    def _on_subscribed(self, code: int) -> None:
        if self.phase is not Phase.SUBSCRIBING:
            return
        if code >= FAILURE:
            self._do(ev.Drop())
            self._lose(NotAuthorised(code=code), code)
            return
        self._connection.ready(self._now)
        self._faults.put("connection", None)
        self._window.reconnected(self._now.monotonic_s)
        self._mail.reconnected()
        open_cases = [(name, known.sequence) for name, known in sorted(self._known.items()) if not known.final]
        for sync in syncs(self._rules.station_id, list(self._window.known()), open_cases):
            self._do(ev.Publish(sync, self._mail.token()))

    def _on_disconnected(self, code: int, error: LinkError) -> None:
        if code == PACKET_TOO_LARGE and len(self._window.in_flight) == 1:
            self._set_apart(self._window.in_flight[0], "over_broker_limit")
        self._lose(error, code)

    def _lose(self, error: LinkError, code: int) -> None:
        """Any end of a connection, or of the attempt at one."""
        if self.phase is Phase.WAITING:
            return
        known = self._faults.is_set("connection", Fault.of(error))
        self._fault("connection", error)
        self._window.lost()
        self._mail.lost()
        delay_s = self._connection.lost(self._now)
        self._note(
            "link.lost", "debug" if known else "warning", error=error.message_id, reason=code, wait_s=round(delay_s, 1)
        )
        self._set_apart_poison()
        self._save()

    def _on_stopping(self) -> None:
        if self.phase is Phase.ONLINE:
            self._do(
                ev.Publish(self._mail.state(False, len(self._window), self._quarantined, self._now), self._mail.token())
            )
        self._window.interrupted()
        self._save()
        self._connection.stop(self._now)

    # --- what the broker says to a publish ---

    def _on_bundle_acked(self, bundle_id: str, code: int) -> None:
        now_s = self._now.monotonic_s
        self._window.acknowledged(bundle_id, now_s)
        if code == PACKET_TOO_LARGE:
            self._set_apart(bundle_id, "over_broker_limit")
        elif code == NO_SUBSCRIBER:
            self._window.put_back(bundle_id, now_s)
            self._fault("publish", CentreNotListening())
        elif code >= FAILURE:
            self._window.put_back(bundle_id, now_s)
            self._hold()
            self._fault("publish", QuotaExceeded(code=code) if code == QUOTA else NotAuthorised(code=code))
        else:
            self._holds = 0
            self._faults.put("publish", None)
        self._save()

    def _hold(self) -> None:
        """No bundles for a while: the broker would treat the next one alike."""
        self._holds += 1
        wait_s = jitter(self._rules.resend_s, self._rules.resend_max_s, self._holds, self._uniform)
        self._held_until_s = self._now.monotonic_s + self._rules.resend_s + wait_s

    # --- what the centre says ---

    def _on_receipt(self, receipt: Receipt, raw: bytes) -> None:
        bundle_id = receipt.bundle_id
        if receipt.station_id != self._rules.station_id:
            self._tell("receipt_ignored", bundle_id, "other_station")
            return
        expected = self._window.sha256(bundle_id)
        if expected is None:
            self._note("link.receipt.stale", "debug", bundle=bundle_id)
            return
        if receipt.envelope_sha256 != expected:
            self._tell("receipt_ignored", bundle_id, "other_bytes")
            return
        self._connection.proved()
        self._do(ev.KeepReceipt(receipt, raw))
        if receipt.verdict is Verdict.REJECTED:
            self._set_apart(bundle_id, f"rejected.{receipt.code}")
            return
        self._known.setdefault(bundle_id, ev.Known(0, False))
        self._window.forget(bundle_id)
        self._faults.put("publish", None)
        self._do(ev.RemoveBundle(bundle_id))
        self._note("link.receipt", bundle=bundle_id, verdict=receipt.verdict.value)
        self._save()

    def _on_status(self, status: Status, raw: bytes) -> None:
        if status.station_id != self._rules.station_id:
            self._tell("status_ignored", status.bundle_id, "other_station")
            return
        known = self._known.get(status.bundle_id)
        if known is not None and status.sequence <= known.sequence:
            return
        self._known[status.bundle_id] = ev.Known(status.sequence, status.state.final)
        self._do(ev.KeepStatus(status, raw))
        self._note("link.status", bundle=status.bundle_id, state=status.state.value, sequence=status.sequence)

    def _on_centre_state(self, state: CentreState, raw: bytes) -> None:
        """The last word counts for the flow; only a later one counts as a floor for the clock."""
        if state.accepting != self._accepting:
            self._note("link.centre", accepting=int(state.accepting))
        self._accepting = state.accepting
        if state.at_ms > self._centre_ms:
            self._centre_ms = state.at_ms
            self._do(ev.KeepCentreState(raw))

    # --- going on ---

    def _go_on(self) -> None:
        """Everything that is due now."""
        match self.phase:
            case Phase.WAITING:
                if self._connection.due(self._now):
                    self._connection.connecting(self._now)
                    self._do(ev.Connect())
            case Phase.CONNECTING | Phase.SUBSCRIBING:
                self._mind_deadline()
            case Phase.ONLINE:
                self._work()
            case Phase.STOPPED:
                pass
            case _:
                assert_never(self.phase)

    def _mind_deadline(self) -> None:
        waited_s = self._connection.waited_s(self._now)
        if self.phase is Phase.CONNECTING and waited_s >= self._rules.connect_deadline_s:
            self._do(ev.GiveUp(BrokerSilent(after_s=round(waited_s))))
        elif self.phase is Phase.SUBSCRIBING and waited_s >= self._rules.answer_deadline_s:
            self._drop_silent(waited_s)

    def _drop_silent(self, after_s: float) -> None:
        self._do(ev.Drop())
        self._lose(BrokerSilent(after_s=round(after_s)), 0)

    def _work(self) -> None:
        now_s = self._now.monotonic_s
        silent_s, owing_s = self._connection.silent_s(self._now), self._window.unanswered_s(now_s)
        if silent_s >= self._rules.silent_after_s or owing_s >= self._rules.ack_deadline_s:
            self._drop_silent(max(silent_s, owing_s))
            return
        for bundle_id in self._window.expire(now_s):
            self._note("link.unanswered", "debug", bundle=bundle_id)
        self._set_apart_oversize()
        self._set_apart_poison()
        for publish in self._mail.due(self._now, len(self._window), self._quarantined):
            self._do(publish)
        if self._accepting is False or now_s < self._held_until_s:
            return
        while (chosen := self._window.next(now_s)) is not None:
            self._window.sent(chosen, now_s)
            self._save()
            self._do(ev.PublishBundle(chosen))

    def _set_apart_oversize(self) -> None:
        if self._max_packet_bytes is None:
            return
        topic_bytes = len(topics.up_bundle(self._rules.station_id, "0" * 26))
        for bundle_id in self._window.larger_than(self._max_packet_bytes, topic_bytes):
            self._set_apart(bundle_id, "over_broker_limit")

    def _set_apart_poison(self) -> None:
        for bundle_id in self._window.poisoned():
            self._set_apart(bundle_id, "poison")

    def _set_apart(self, bundle_id: str, reason: str) -> None:
        if bundle_id not in self._window:
            return
        self._window.forget(bundle_id)
        self._quarantined += 1
        self._do(ev.SetApartBundle(bundle_id, reason))
        self._fault("quarantine", BundleSetApart(bundle=bundle_id, reason=reason))
        self._tell("quarantined", bundle_id, reason)
        self._save()

    # --- words ---

    def _do(self, *effects: Effect) -> None:
        self._effects.extend(effects)

    def _save(self) -> None:
        """Persist, then act: only where something changed."""
        saving = ev.SaveStrikes(dict(self._window.strikes), self._window.in_flight)
        if saving != self._saved:
            self._saved = saving
            self._do(saving)

    def _tell(self, kind: str, subject: str, detail: str) -> None:
        """An event for the admins, and a line in the log."""
        event = StationEvent(
            station_id=self._rules.station_id,
            kind=kind,
            subject=subject[:64],
            detail=detail[:64],
            at_ms=self._now.wall_ms,
        )
        if self._mail.tell(event):
            self._note(f"link.{kind}", "warning", subject=subject, detail=detail)

    def _note(self, code: str, level: str = "info", **values: str | int | float) -> None:
        self._do(ev.Note(code, level, values))

    def _fault(self, part: str, error: LinkError) -> None:
        self._set_fault(part, Fault.of(error))

    def _set_fault(self, part: str, fault: Fault | None) -> None:
        """Said once when it comes, once when it goes; the connection speaks for itself."""
        if self._faults.put(part, fault) and part != "connection":
            if fault is None:
                self._note("link.recovered", part=part)
            else:
                self._note("link.fault", "warning", part=part, error=fault.message_id)

    def _report(self) -> None:
        if self._quarantined == 0:
            self._faults.put("quarantine", None)
        state = LinkState(
            connected=self.phase is Phase.ONLINE,
            since_ms=self._connection.since_ms,
            last_ack_ms=self._connection.heard_ms,
            outbox_count=len(self._window),
            outbox_bytes=self._window.size_bytes,
            quarantine_count=self._quarantined,
            centre_accepting=self._accepting,
            certificate_until_ms=self._certificate.until_ms,
            certificate_ends_soon=self._certificate.ends_soon,
            last_error=self._faults.first,
        )
        old = self._reported
        aged = old is not None and state.last_ack_ms - old.last_ack_ms >= self._rules.ack_interval_s * 1000
        if aged or not state.same_but_age(old):
            self._reported = state
            self._do(ev.Report(state))
