"""The worker's link over a real broker: nothing is acknowledged before it is stored, and it always comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from central.clock import system_ms
from central.config import BrokerConfig, CentralConfig
from central.errors import BrokerUnreachable, StoreUnavailable
from central.ingest import Ingest, Message
from central.keys import CentreKeys, load_keys
from central.link import Link
from central.stations import StationDirectory
from central.store.engine import Store
from central.store.outbound import Outgoing
from tests.central.centre import Centre, Clock
from tests.central.site import STATION, Site, eventually, site_in
from wire import topics
from wire.messages import CentreState, Verdict


@pytest.fixture
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Centre]]:
    """A site with a broker and a store; the link is started by the test."""
    with site_in(tmp_path_factory.mktemp("link"), broker=True, emulated=False) as site:
        store = site.open_store()
        config = CentralConfig.load(site.config_path)
        centre = Centre(site, store, load_keys(config.keys), StationDirectory(config.stations_dir), Clock(system_ms()))
        yield site, centre
        store.close()


@contextmanager
def linked(site: Site, centre: Centre, ingest: Any = None, **broker: Any) -> Iterator[list[BaseException]]:
    """A link running in a thread; what it died of is in the list."""
    config = CentralConfig.load(site.config_path)
    died: list[BaseException] = []
    stop = threading.Event()
    settings = config.broker.model_copy(update=broker)
    link = Link(settings, config.ingest, centre.store, ingest or centre.ingest, centre.keys, centre.clock)

    def run() -> None:
        try:
            link.run(lambda: not stop.is_set())
        except BaseException as error:
            died.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield died
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


class RefusingIngest(Ingest):
    """A store that cannot be written."""

    def take(self, messages: Any) -> list[Outgoing]:
        raise StoreUnavailable(reason="disk full")


def test_message_that_could_not_be_stored_is_delivered_again(wired: tuple[Site, Centre]) -> None:
    """The worker dies without acknowledging; the next one is given the same message by the broker (P1)."""
    site, centre = wired
    bundle = centre.bundle(centre.register())
    station = site.station()
    refusing = RefusingIngest(centre.store, centre.stations, centre.keys, centre.clock)
    with linked(site, centre, refusing) as died:
        station.connect()
        eventually(lambda: _retained_state(site, centre))
        station.send(bundle.bundle_id, centre.sealed(bundle))
        eventually(lambda: died)
    with linked(site, centre):
        receipt = station.receipt(bundle.bundle_id)
    station.close()

    assert isinstance(died[0], StoreUnavailable)
    assert receipt.verdict is Verdict.STORED


class DyingIngest(Ingest):
    """Stores, and dies before anything is published or acknowledged."""

    def take(self, messages: Any) -> list[Outgoing]:
        super().take(messages)
        raise StoreUnavailable(reason="killed")


def test_death_between_commit_and_receipt_costs_nothing(wired: tuple[Site, Centre]) -> None:
    """The receipt is a row of the same transaction: the next worker sends it; the redelivery is a duplicate (P1)."""
    site, centre = wired
    bundle = centre.bundle(centre.register())
    raw = centre.sealed(bundle)
    station = site.station()
    with linked(site, centre, DyingIngest(centre.store, centre.stations, centre.keys, centre.clock)) as died:
        station.connect()
        eventually(lambda: _retained_state(site, centre))
        station.send(bundle.bundle_id, raw)
        eventually(lambda: died)
    with linked(site, centre):
        station.wait(lambda heard: len(heard.receipts.get(bundle.bundle_id, [])) == 2)
    station.close()

    verdicts = {receipt.verdict for receipt in station.heard.receipts[bundle.bundle_id]}
    assert verdicts == {Verdict.STORED, Verdict.DUPLICATE}
    assert (centre.count("envelopes"), centre.count("jobs")) == (1, 1)


# paho leaves the socket of a handshake that failed half-way to the garbage collector, which warns.
@pytest.mark.filterwarnings("ignore:Exception ignored in.*socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed.*socket:ResourceWarning")
def test_link_survives_the_broker(wired: tuple[Site, Centre]) -> None:
    """kill -9 of the broker: it comes back by itself, and what waits in the outbound table is sent then."""
    site, centre = wired
    station = site.station()
    with linked(site, centre) as died:
        station.connect()
        eventually(lambda: _retained_state(site, centre))
        site.broker.kill()
        registered = centre.register()
        site.broker.start()
        eventually(lambda: _asked(station, registered.dossier_id), 60)

    assert died == []
    station.close()


def _asked(station: Any, dossier_id: str) -> bool:
    """Asks as a station does after every reconnect, and looks."""
    station.sync()
    try:
        station.wait(lambda heard: dossier_id in heard.orders, 0.5)
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_bundle_is_answered_under_both_protocols(wired: tuple[Site, Centre], protocol: str) -> None:
    """Nothing depends on MQTT 5."""
    site, centre = wired
    bundle = centre.bundle(centre.register())
    station = site.station()
    with linked(site, centre, protocol=protocol):
        station.connect()
        station.send(bundle.bundle_id, centre.sealed(bundle))
        station.resend()
        receipt = station.receipt(bundle.bundle_id)
    station.close()

    assert receipt.verdict in (Verdict.STORED, Verdict.DUPLICATE)
    assert centre.count("envelopes") == 1


def test_what_was_published_is_marked(wired: tuple[Site, Centre]) -> None:
    """A row leaves the queue when the broker acknowledged it, and is not sent over and over."""
    site, centre = wired
    centre.register()
    with linked(site, centre):
        eventually(lambda: all(row["published_ms"] for row in centre.rows("outbound")))


def test_state_says_whether_the_centre_takes_bundles(wired: tuple[Site, Centre]) -> None:
    """Retained and signed: accepting while it runs, not accepting after it left."""
    site, centre = wired
    with linked(site, centre):
        running = eventually(lambda: _retained_state(site, centre))
    gone = eventually(lambda: (state := _retained_state(site, centre)) and not state.accepting and state)

    assert running.accepting
    assert not gone.accepting


def test_worker_that_leaves_does_not_stop_the_stations(wired: tuple[Site, Centre]) -> None:
    """P4: stations send nothing to a centre that does not accept; its other worker still does, and says so at once."""
    site, centre = wired
    layout = site.fleet.layout
    second = {
        "client_id": "centre-2",
        "certificate_file": layout.centre_certificate("centre-2"),
        "key_file": layout.centre_tls_key("centre-2"),
    }
    with linked(site, centre, group="workers"):
        eventually(lambda: _retained_state(site, centre))
        with linked(site, centre, group="workers", **second):
            station = site.station()
            station.connect()
            bundle = centre.bundle(centre.register())
            station.send(bundle.bundle_id, centre.sealed(bundle))
            receipt = station.receipt(bundle.bundle_id)
            station.close()
        accepting = eventually(lambda: (state := _retained_state(site, centre)) and state.accepting)

    assert receipt.verdict is Verdict.STORED
    assert accepting


def _retained_state(site: Site, centre: Centre) -> CentreState | None:
    """What a station finds at `centre/state`."""
    found: list[bytes] = []
    station = site.station("st-0002")
    client = station._client
    got = threading.Event()

    def on_message(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        found.append(bytes(message.payload))
        got.set()

    client.on_message = on_message
    station.connect()
    client.subscribe(topics.CENTRE_STATE, qos=1)
    got.wait(1)
    station.close()
    return CentreState.verified(found[-1], [centre.keys.signing.verifying_key]) if found else None


def test_certificate_files_that_cannot_be_used_are_named(bare_site: Site, keys: CentreKeys) -> None:
    """Before the first try, with a sentence."""
    config = CentralConfig.load(bare_site.config_path)
    settings = BrokerConfig.model_validate({**config.broker.model_dump(), "certificate_file": "/nowhere.crt"})
    store = Store("sqlite://")

    with pytest.raises(BrokerUnreachable):
        Link(settings, config.ingest, store, None, keys, system_ms)  # type: ignore[arg-type]
    store.close()


def test_full_disk_stores_nothing_and_loses_nothing(sqlite_centre: Centre) -> None:
    """The transaction is undone, the caller told; once there is room the same message is stored."""
    centre = sqlite_centre
    bundle = centre.bundle(centre.register())
    raw = centre.sealed(bundle)
    message = Message(topics.up_bundle(STATION, bundle.bundle_id), raw)
    with centre.store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable):
        centre.ingest.take([message])
    with centre.store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")

    (receipt,) = centre.receipts(centre.ingest.take([message]))

    assert receipt.verdict is Verdict.STORED
    assert centre.count("rejections") == 0
