"""A site with a running broker, shared by the link's tests; every test has its own station folders and sessions."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from provisioning.broker import find_mosquitto
from provisioning.errors import BrokerMissing


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


@pytest.fixture
def site(tmp_path: Path) -> Iterator[object]:
    """A site whose broker runs."""
    try:
        find_mosquitto()
    except BrokerMissing:
        pytest.skip("mosquitto is neither installed nor unpacked under .cache/mosquitto (make setup)")
    made = harness.Site(tmp_path)
    made.broker.start()
    yield made
    made.broker.kill()


@pytest.fixture
def centre(site: object) -> Iterator[object]:
    """A centre that answers."""
    made = harness.Centre(site)
    made.start()
    yield made
    made.stop()
