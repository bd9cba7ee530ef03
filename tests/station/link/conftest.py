"""A station with a running broker for each of the link's tests; the broker is shared where no test harms it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from provisioning.broker import Broker, find_mosquitto
from provisioning.errors import BrokerMissing
from wire import topics


def _load() -> ModuleType:
    name = "eid_link_harness"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("harness.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


harness = _load()


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One running broker for all tests that do no harm to it."""
    try:
        find_mosquitto()
    except BrokerMissing:
        pytest.skip("mosquitto is neither installed nor unpacked under .cache/mosquitto (make setup)")
    broker = harness.new_broker(tmp_path_factory.mktemp("broker"))
    yield broker
    broker.kill()


@pytest.fixture
def site(tmp_path: Path, shared_broker: Broker) -> object:
    """A new station on the shared broker."""
    return harness.Site(tmp_path, shared_broker)


@pytest.fixture
def own_site(tmp_path: Path, shared_broker: Broker) -> Iterator[object]:
    """A station whose broker may be killed, stopped and changed."""
    broker = harness.new_broker(tmp_path)
    yield harness.Site(tmp_path, broker)
    broker.kill()


def _centre(site: Any) -> Iterator[object]:
    made = harness.Centre(site)
    made.start()
    yield made
    if site.broker.pid is not None:
        made.publish(topics.CENTRE_STATE, b"", retain=True)
    made.stop()


@pytest.fixture
def centre(site: object) -> Iterator[object]:
    """A centre that answers."""
    yield from _centre(site)


@pytest.fixture
def own_centre(own_site: object) -> Iterator[object]:
    """A centre at a broker of its own."""
    yield from _centre(own_site)
