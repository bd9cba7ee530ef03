"""An opened emulated panel with a remote hand at it."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.panel.gpiozero import GpiozeroPanel, PanelOptions
from drivers.panel.port import Edge
from drivers.panel.remote import PanelRemote


@dataclass
class Bench:
    """A panel, its edges as they came in, and a remote."""

    panel: GpiozeroPanel
    edges: queue.SimpleQueue[Edge]
    remote: PanelRemote
    socket: Path

    def edge(self) -> Edge:
        """The next edge, within 5 s."""
        return self.edges.get(timeout=5)


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    """A path for a control socket, short enough for AF_UNIX."""
    return tmp_path / "panel.sock"


@pytest.fixture
def bench(socket_path: Path) -> Iterator[Bench]:
    edges: queue.SimpleQueue[Edge] = queue.SimpleQueue()
    panel = GpiozeroPanel(PanelOptions(pin_factory="eid_emulated", socket=socket_path))
    panel.open(edges.put)
    try:
        with PanelRemote(socket_path) as remote:
            yield Bench(panel, edges, remote, socket_path)
    finally:
        panel.close()
