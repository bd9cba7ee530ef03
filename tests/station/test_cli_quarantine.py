"""An admin sees what was set apart, and puts it back."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from station.__main__ import main
from station.spool import Spool, Writer
from tests.station.test_config import GOOD
from tests.station.workflow.conftest import BUNDLE


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """One bundle set apart."""
    (tmp_path / "station.toml").write_text(GOOD.replace("/var/lib/eid", str(tmp_path / "state")), "utf-8")
    spool = Spool(tmp_path / "state")
    spool.prepare(Writer.CAPTURE)
    spool.put_bundle(BUNDLE, b"sealed")
    spool.quarantine(BUNDLE, "unknown_dossier", 1_790_000_000_000)
    return spool


def run(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["quarantine", *arguments, "--config", str(tmp_path / "station.toml")])


def test_list_says_what_and_why(spool: Spool, tmp_path: Path) -> None:
    """Bundle id, reason, time."""
    done = run(tmp_path, "list")

    assert done.exit_code == 0
    assert BUNDLE in done.output
    assert "unknown_dossier" in done.output
    assert "2026-09-21" in done.output


def test_release_puts_it_back_whole(spool: Spool, tmp_path: Path) -> None:
    """P1: into the outbox, byte for byte, out of quarantine."""
    done = run(tmp_path, "release", BUNDLE)

    assert done.exit_code == 0
    assert spool.read_bundle(BUNDLE) == b"sealed"
    assert spool.quarantined() == ()


@pytest.mark.parametrize("name", ["01J8ZQ4Y7N8K5R2T3V6W9X0XYZ", "../../etc/passwd", ""])
def test_release_of_nothing_is_a_sentence(spool: Spool, tmp_path: Path, name: str) -> None:
    """In both languages, exit status 1, nothing moved."""
    done = run(tmp_path, "release", name)

    assert done.exit_code == 1
    assert "quarantine" in done.output
    assert [found.name for found in spool.quarantined()] == [BUNDLE]
