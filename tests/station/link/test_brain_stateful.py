"""LINK-001 and LINK-002 under any order of events: nothing is lost, nothing blocks.

The machine is the world around the brain: a disk, a broker that breaks and refuses, a centre that answers truly,
wrongly or not at all, and a process that is killed. After every story the world turns kind, and then everything must
have left the outbox: delivered byte for byte, or set apart for a reason the world gave.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from station.link import events as ev
from station.link.brain import Brain
from station.link.connection import Phase
from station.link.errors import BrokerUnreachable, ConnectionLost
from station.link.rules import Rules
from wire.messages import CentreState, Receipt, Verdict

STATION = "st-0001"
RULES = Rules(
    station_id=STATION,
    software="test",
    window=2,
    resend_s=10.0,
    resend_max_s=60.0,
    reconnect_min_s=1.0,
    reconnect_max_s=30.0,
    poison_disconnects=3,
    connect_deadline_s=1e9,
    answer_deadline_s=30.0,
    silent_after_s=150.0,
    ack_deadline_s=300.0,
    stable_after_s=30.0,
    state_interval_s=30.0,
)


class World(RuleBasedStateMachine):
    """Disk, broker, centre and clock."""

    @initialize(seed=st.integers(0, 2**16))
    def begin(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now_s = 0.0
        self.disk: dict[str, bytes] = {}
        self.quarantine: dict[str, str] = {}
        self.receipts: set[str] = set()
        self.counters: ev.SaveStrikes = ev.SaveStrikes({}, ())
        self.committed: dict[str, bytes] = {}
        self.poison: set[str] = set()
        self.refused: set[str] = set()
        self.blameless: set[str] = set()
        self.put_ids: list[str] = []
        self.link = "down"
        self.unacked: list[str] = []
        self.tokens: list[int] = []
        self.centre_inbox: list[tuple[str, bytes]] = []
        self.boot()

    def boot(self) -> None:
        self.link, self.unacked, self.tokens = "down", [], []
        self.brain = Brain(RULES, self.random.random, self.now())
        self.feed(ev.Started(self.counters.strikes, self.counters.in_flight, {}, tuple(self.quarantine.items())))
        self.look()

    def now(self) -> ev.Now:
        return ev.Now(self.now_s, int(self.now_s * 1000))

    def look(self) -> None:
        files = tuple(
            ev.Outgoing(name, len(data), hashlib.sha256(data).digest()) for name, data in sorted(self.disk.items())
        )
        self.feed(ev.Listed(files, (), len(self.quarantine)))

    def feed(self, event: ev.Event) -> None:
        for effect in self.brain.handle(event, self.now()):
            self.act(effect)

    def act(self, effect: ev.Effect) -> None:
        match effect:
            case ev.Connect():
                assert self.link == "down", "one connection at a time"
                self.link = "connecting"
            case ev.Drop():
                self.link, self.unacked, self.tokens = "down", [], []
            case ev.PublishBundle(name):
                assert self.link == "up", "published without a connection"
                assert name in self.disk, "published what is not there"
                assert name in self.counters.in_flight, "published before it was persisted (LINK-016)"
                assert name not in self.unacked, "published twice on one connection (LINK-013)"
                self.unacked.append(name)
                waiting = [other for other in self.unacked if other in self.disk]
                assert len(waiting) <= RULES.window, "more than the window (LINK-010)"
            case ev.Publish(_, token):
                assert self.link == "up"
                self.tokens.append(token)
            case ev.KeepReceipt(receipt, _):
                self.receipts.add(receipt.bundle_id)
            case ev.RemoveBundle(name):
                assert name in self.receipts, "removed before the receipt was kept (LINK-003)"
                assert self.committed.get(name) == self.disk[name], "removed without delivery (LINK-001)"
                del self.disk[name]
            case ev.SetApartBundle(name, reason):
                if name in self.disk:
                    del self.disk[name]
                    self.quarantine[name] = reason
            case ev.SaveStrikes():
                self.counters = effect
            case _:
                pass

    def commit(self, name: str) -> None:
        if name not in self.refused:
            self.committed.setdefault(name, self.disk[name])

    def drop(self) -> None:
        self.blameless -= set(self.unacked)
        self.link, self.unacked, self.tokens = "down", [], []
        self.feed(ev.Disconnected(0, ConnectionLost(reason=0)))

    # --- what can happen ---

    @rule(kind=st.sampled_from(["plain", "plain", "plain", "poison", "refused"]))
    def capture(self, kind: str) -> None:
        name = f"01KAGB9R00{len(self.put_ids):016d}"
        self.put_ids.append(name)
        self.disk[name] = self.random.randbytes(8)
        {"poison": self.poison, "refused": self.refused, "plain": self.blameless}[kind].add(name)
        self.look()

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 40.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds
        self.feed(ev.Tick())

    @precondition(lambda self: self.link == "connecting")
    @rule(works=st.booleans())
    def connect(self, works: bool) -> None:
        if not works:
            self.link = "down"
            self.feed(ev.ConnectFailed(BrokerUnreachable(host="h", port=1)))
            return
        self.link = "up"
        self.feed(ev.Connected(True, None))
        self.feed(ev.Subscribed(1))

    @precondition(lambda self: self.unacked)
    @rule(code=st.sampled_from([0, 0, 0, 0x10, 0x87, 0x97]), reaches_centre=st.booleans())
    def acknowledge(self, code: int, reaches_centre: bool) -> None:
        """An acknowledged bundle may still be lost by the broker."""
        name = self.unacked[0]
        if name in self.poison:
            self.drop()
            return
        self.unacked.pop(0)
        if reaches_centre and code == 0:
            self.commit(name)
        self.feed(ev.BundleAcked(name, code))

    @precondition(lambda self: self.link == "up" and self.put_ids)
    @rule(data=st.data(), wrong=st.booleans())
    def receipt(self, data: st.DataObject, wrong: bool) -> None:
        name = data.draw(st.sampled_from(self.put_ids))
        self.answer(name, wrong)

    def answer(self, name: str, wrong: bool = False) -> None:
        held = self.committed.get(name)
        digest = hashlib.sha256(held or b"").digest()
        verdict, code = Verdict.STORED, None
        if name in self.refused and name in self.disk:
            verdict, code, digest = Verdict.REJECTED, "content", hashlib.sha256(self.disk[name]).digest()
        elif held is None and not wrong:
            return
        if wrong:
            digest = bytes(32)
        message = Receipt(
            station_id=STATION, bundle_id=name, envelope_sha256=digest, verdict=verdict, code=code, at_ms=1
        )
        self.feed(ev.ReceiptArrived(message, b""))

    @precondition(lambda self: self.link == "up")
    @rule()
    def connection_breaks(self) -> None:
        self.drop()

    @rule()
    def killed(self) -> None:
        self.blameless -= set(self.unacked)
        self.boot()

    @precondition(lambda self: self.link == "up")
    @rule(accepting=st.booleans())
    def centre_says(self, accepting: bool) -> None:
        self.feed(ev.CentreStateArrived(CentreState(accepting=accepting, at_ms=int(self.now_s)), b""))

    # --- what must hold ---

    @invariant()
    def nothing_is_lost(self) -> None:
        """LINK-001: every capture lies in the outbox, in quarantine, or at the centre with exactly its bytes."""
        for name in getattr(self, "put_ids", []):
            places = (name in self.disk) + (name in self.quarantine)

            assert places == 1 or (places == 0 and name in self.committed)

    @invariant()
    def nobody_is_set_apart_for_nothing(self) -> None:
        """LINK-015: only what was in flight at a loss, or was refused, is ever set apart."""
        assert not set(getattr(self, "quarantine", {})) & getattr(self, "blameless", set())

    def teardown(self) -> None:
        """LINK-002: once the world is kind, the outbox empties, whatever lies between."""
        if not hasattr(self, "brain"):
            return
        self.feed(ev.CentreStateArrived(CentreState(accepting=True, at_ms=int(self.now_s)), b""))
        for _ in range(3000):
            if not self.disk:
                return
            self.kind_moment()

        raise AssertionError(f"still in the outbox: {sorted(self.disk)}, {self.brain.phase}")

    def kind_moment(self) -> None:
        self.now_s += 1.0
        self.feed(ev.Tick())
        if self.link == "connecting":
            self.connect(works=True)
        for token in self.tokens:
            self.feed(ev.Acked(token, 0))
        self.tokens = []
        while self.unacked:
            name: Any = self.unacked[0]
            self.acknowledge(code=0, reaches_centre=True)
            if self.brain.phase is Phase.ONLINE:
                self.answer(name)


World.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestWorld = World.TestCase
