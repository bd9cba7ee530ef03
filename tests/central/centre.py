"""A centre in one process, over a store: cases, bundles, ingest. For tests that need no broker."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from central.config import CasesConfig
from central.emulated.station import EmulatedStation, make_bundle
from central.ingest import Ingest, Message
from central.keys import CentreKeys
from central.orders import Registered, register_case
from central.stations import StationDirectory
from central.store.engine import Store
from central.store.outbound import Outgoing
from central.store.tables import metadata
from tests.central.site import STATION, Site, adult_form
from wire import envelope, topics
from wire.bundle import Bundle
from wire.case import CaseOrder
from wire.messages import Receipt
from wire.rules.loader import load_rules
from wire.rules.tk01 import parse_tk01


@dataclass
class Clock:
    """A wall clock that stands still until it is moved."""

    now_ms: int

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class Centre:
    """Everything ingest needs, and shortcuts for tests."""

    site: Site
    store: Store
    keys: CentreKeys
    stations: StationDirectory
    clock: Clock
    ingest: Ingest = field(init=False)

    def __post_init__(self) -> None:
        self.ingest = Ingest(self.store, self.stations, self.keys, self.clock)

    def register(
        self, form: dict[str, Any] | None = None, station: str = STATION, plan: str = "single-2"
    ) -> Registered:
        """A case, as the desk makes it."""
        rules = load_rules()
        tk01 = parse_tk01(json.dumps(form or adult_form()), rules)
        settings = CasesConfig(plan=plan)
        return register_case(tk01, station, self.store, self.stations, self.keys, rules, settings, self.clock.now_ms)

    def bundle(self, registered: Registered, **changes: Any) -> Bundle:
        """A capture for a case."""
        return make_bundle(registered.order, self.clock.now_ms, **changes)

    def sealed(self, bundle: Bundle, station: str = STATION) -> bytes:
        """As the station sends it."""
        emulated: EmulatedStation = self.site.station(station)
        return emulated.seal(bundle)

    def deliver(self, raw: bytes, bundle_id: str, station: str = STATION) -> Receipt:
        """The receipt for an envelope that comes on a bundle topic."""
        sent = self.ingest.take([Message(topics.up_bundle(station, bundle_id), raw)])
        return self.receipts(sent)[0]

    def opened_order(self, sealed: bytes, station: str = STATION) -> CaseOrder:
        """As the station reads it: verified, then opened with its own key."""
        emulated: EmulatedStation = self.site.station(station)
        verified = envelope.verify(envelope.parse(sealed), [self.keys.signing.verifying_key])
        return CaseOrder.decode(envelope.open_content(verified, [emulated._keys.opening]))

    def receipts(self, sent: list[Outgoing]) -> list[Receipt]:
        """Those among what is sent, verified."""
        verifying = [self.keys.signing.verifying_key]
        return [Receipt.verified(out.payload, verifying) for out in sent if "/down/receipt/" in out.topic]

    def count(self, table: str) -> int:
        """Rows of a table."""
        with self.store.read() as connection:
            return connection.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table."""
        with self.store.read() as connection:
            return [dict(row) for row in connection.execute(select(metadata.tables[table])).mappings()]
