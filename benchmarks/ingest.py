"""Ingest, measured: what one bundle costs, step by step, and the rate end to end over a real broker on loopback.

Prints two tables; asserts nothing. The bundle holds a portrait and ten fingers of synthetic pictures.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from central.answers import seal_order
from central.clock import system_ms
from central.config import CasesConfig, CentralConfig
from central.emulated.station import EmulatedStation, StationKeys, StationTls, make_bundle
from central.examine import examine
from central.images import check_portrait, check_press
from central.ingest import Ingest, Message
from central.keys import load_keys
from central.orders import register_case
from central.stations import StationDirectory
from central.store.engine import Store
from central.store.migrate import migrate
from provisioning.broker import Broker
from provisioning.fleet import Fleet
from provisioning.layout import StationLayout
from wire import envelope, topics
from wire.bundle import Bundle
from wire.keys import OpeningKey, SealingKey, SigningKey, VerifyingKey
from wire.rules.loader import load_rules
from wire.rules.tk01 import parse_tk01

STATION = "st-0001"
FORM = b"""{"surname": "BENCH", "given_names": "MARK", "birth_date": "1985-03-12", "sex": "M", "nationality": "KOR",
 "document": {"type": "passport", "number": "M00000001", "issued_on": "2024-03-12", "issued_at": "Seoul",
 "valid_until": "2099-03-11"}, "card": {"kind": "temporary", "number": "T-1", "symbol": "TT", "issued_on": "2025-01-01",
 "valid_until": "2099-12-31"}, "phone": {"number": "0900000000", "owner": "self"}, "form_signed": true}"""
CONFIG = """
data_dir = "data"
stations_dir = "fleet/stations"
[broker]
host = "127.0.0.1"
port = {port}
ca_file = "fleet/centre/ca.crt"
certificate_file = "fleet/centre/centre-1.crt"
key_file = "fleet/centre/centre-1.key"
[keys]
signing_file = "fleet/centre/signing.json"
opening_files = ["fleet/centre/opening.json"]
[register]
base_url = "http://127.0.0.1:9"
[authority]
base_url = "http://127.0.0.1:9"
"""


class Site:
    """A fleet, a database with cases, and sealed bundles for them."""

    def __init__(self, root: Path, bundles: int) -> None:
        self.root = root
        fleet = Fleet.create(root / "fleet", ["127.0.0.1"], datetime.now(UTC))
        fleet.add_station(STATION, root / STATION, datetime.now(UTC))
        self.broker = Broker(fleet)
        (root / "central.toml").write_text(CONFIG.format(port=self.broker.port))
        self.config = CentralConfig.load(root / "central.toml")
        self.config.data_dir.mkdir()
        self.store = Store(self.config.store_url)
        migrate(self.store)
        self.keys = load_keys(self.config.keys)
        self.stations = StationDirectory(self.config.stations_dir)
        self.station = self._station()
        self.bundles = [self._bundle(number) for number in range(bundles)]
        self.sealed = [(bundle.bundle_id, self.station.seal(bundle)) for bundle in self.bundles]

    def _bundle(self, number: int) -> Bundle:
        rules, settings = load_rules(), CasesConfig(plan="single-10")
        tk01 = parse_tk01(FORM, rules)
        now_ms = system_ms()
        found = register_case(tk01, STATION, self.store, self.stations, self.keys, rules, settings, now_ms)
        return make_bundle(found.order, now_ms, seed=1 + number % 8)

    def _station(self) -> EmulatedStation:
        layout = StationLayout(self.root / STATION)
        keys = StationKeys(
            SigningKey.from_json(layout.signing_key.read_text()),
            OpeningKey.from_json(layout.opening_key.read_text()),
            SealingKey.from_json(layout.centre_sealing_key.read_text()),
            [VerifyingKey.from_json(layout.centre_verifying_keys[0].read_text())],
        )
        files = (layout.ca_certificate, layout.tls_certificate, layout.tls_key)
        return EmulatedStation(STATION, keys, StationTls("127.0.0.1", self.broker.port, *files))


def median_ms(work: Callable[[], object], rounds: int) -> float:
    """Median CPU time of one call; the wall clock would measure the machine's other work."""
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return statistics.median(times) * 1000


def steps(site: Site, rounds: int) -> None:
    """What one bundle costs."""
    bundle_id, raw = site.sealed[0]
    bundle = site.bundles[0]
    presses = [press for finger in bundle.fingers for press in finger.presses]
    keys = site.stations.get(STATION).verifying()
    parsed = envelope.parse(raw)
    verified = envelope.verify(parsed, keys)
    content = envelope.open_content(verified, site.keys.opening)
    order = b"x" * 2000
    record = site.stations.get(STATION)
    rows = [
        ("parse the envelope", lambda: envelope.parse(raw)),
        ("verify the signature", lambda: envelope.verify(parsed, keys)),
        ("open", lambda: envelope.open_content(verified, site.keys.opening)),
        ("decode the bundle", lambda: Bundle.decode(content)),
        ("check the portrait", lambda: check_portrait(bundle.portrait)),
        (f"check {len(presses)} presses", lambda: [check_press(press) for press in presses]),
        (
            "all before the database",
            lambda: examine(raw, STATION, bundle_id, site.stations, site.keys.opening, system_ms()),
        ),
        (
            "seal a case order",
            lambda: seal_order(order, bundle.dossier_id, STATION, record.sealing(), site.keys.signing),
        ),
    ]
    print(f"\none bundle of {len(raw) / 1000:.0f} kB, CPU time, median of {rounds}")
    for name, work in rows:
        print(f"  {name:28} {median_ms(work, rounds):8.2f} ms")
    ingest = Ingest(site.store, site.stations, site.keys, system_ms)
    for batch in (1, 20):
        some = site.sealed[: 3 * batch]
        site.sealed = site.sealed[3 * batch :]
        begun, used = time.perf_counter(), time.process_time()
        for at in range(0, len(some), batch):
            messages = [Message(topics.up_bundle(STATION, name), raw) for name, raw in some[at : at + batch]]
            ingest.take(messages)
        spent_ms = (time.perf_counter() - begun) / len(some) * 1000
        used_ms = (time.process_time() - used) / len(some) * 1000
        print(f"  {f'ingest, batches of {batch}':28} {used_ms:8.2f} ms a bundle, {spent_ms:.2f} ms on the wall clock")


@contextmanager
def worker(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """One ingest worker as its command runs it."""
    command = [sys.executable, "-m", "central", "--config", str(site.root / "central.toml"), "run", "--only", "ingest"]
    # glibc would otherwise give the large buffers back to the kernel after every message.
    memory = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "536870912"}
    environment = {**os.environ, **memory, "MALLOC_TOP_PAD_": "67108864"}
    with (site.root / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, env=environment)
    try:
        until = time.monotonic() + 60
        while b'"connected"' not in (site.root / "worker.log").read_bytes():
            if time.monotonic() > until:
                raise TimeoutError("the worker did not connect")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(30)


def cpu_s(pid: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def end_to_end(site: Site) -> None:
    """From the first publish to the last receipt at the station."""
    sealed = site.sealed
    with site.broker, worker(site) as process:
        site.station.connect()
        before_s, begun = cpu_s(process.pid), time.perf_counter()
        for bundle_id, raw in sealed:
            site.station.send(bundle_id, raw)
        site.station.wait(lambda heard: len(heard.receipts) >= len(sealed), 300)
        spent_s, used_s = time.perf_counter() - begun, cpu_s(process.pid) - before_s
        site.station.close()
    verdicts = {receipts[-1].verdict.value for receipts in site.station.heard.receipts.values()}
    print(
        f"\n{len(sealed)} bundles of {len(sealed[0][1]) / 1000:.0f} kB over mosquitto (mTLS, QoS 1), one ingest worker"
    )
    print(f"  end to end                   {len(sealed) / spent_s:8.0f} bundles/s, verdicts {sorted(verdicts)}")
    print(f"  per core of the worker       {len(sealed) / used_s:8.0f} bundles/s ({used_s:.1f} s CPU)")
    print(f"  1-minute load of the machine {os.getloadavg()[0]:8.1f} on {os.cpu_count()} cores")


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundles", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eid-bench-") as folder:
        site = Site(Path(folder), arguments.bundles + 63)
        steps(site, arguments.rounds)
        end_to_end(site)
        site.store.close()


if __name__ == "__main__":
    main()
